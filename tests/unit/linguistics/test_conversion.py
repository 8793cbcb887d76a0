"""Plain and polite: golden tables, round trips, and what no conversion may do."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.errors import UsageError
from migaki.linguistics.analyzer import default_analyzer
from migaki.linguistics.edits import apply_edits
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register import alternatives, convert

# Both directions: plain → polite, and back to the same plain sentence.
PAIRS = [
    ("毎朝駅まで歩く。", "毎朝駅まで歩きます。"),
    ("昨日は早く寝た。", "昨日は早く寝ました。"),
    ("彼は来ない。", "彼は来ません。"),
    ("誰も来なかった。", "誰も来ませんでした。"),
    ("窓が開いている。", "窓が開いています。"),
    ("今から出かけよう。", "今から出かけましょう。"),
    ("手伝おうか。", "手伝いましょうか。"),
    ("この部屋は狭い。", "この部屋は狭いです。"),
    ("この部屋は狭くない。", "この部屋は狭くありません。"),
    ("昨日は寒かった。", "昨日は寒かったです。"),
    ("昨日は寒くなかった。", "昨日は寒くありませんでした。"),
    ("水が飲みたい。", "水が飲みたいです。"),
    ("水は飲みたくない。", "水は飲みたくありません。"),
    ("時間がない。", "時間がありません。"),
    ("返事がなかった。", "返事がありませんでした。"),
    ("兄は医者だ。", "兄は医者です。"),
    ("兄は医者だった。", "兄は医者でした。"),
    ("兄は医者ではない。", "兄は医者ではありません。"),
    ("兄は医者じゃなかった。", "兄は医者じゃありませんでした。"),
    ("町は静かだね。", "町は静かですね。"),
    ("そうだよね。", "そうですよね。"),
    ("もう終わったんだ。", "もう終わったんです。"),
    ("道を間違えたのだ。", "道を間違えたのです。"),
    ("雪なんだよ。", "雪なんですよ。"),
    ("明日は晴れるだろう。", "明日は晴れるでしょう。"),
    ("夜は雨かもしれない。", "夜は雨かもしれません。"),
    ("早く起きなければならない。", "早く起きなければなりません。"),
    ("ここで泳いではいけない。", "ここで泳いではいけません。"),
    ("雨だが、出かける。", "雨ですが、出かけます。"),
    ("高いけど、買う。", "高いですけど、買います。"),
    ("寒いから窓を閉める。", "寒いから窓を閉めます。"),
    ("休みなので、家にいる。", "休みなので、家にいます。"),
    ("安いし、近い。", "安いし、近いです。"),
    ("道が混んでいたから。", "道が混んでいましたから。"),
    ("母が焼いたパンを食べた。", "母が焼いたパンを食べました。"),
    ("明日は来ると思う。", "明日は来ると思います。"),
    ("来るかどうか分からない。", "来るかどうか分かりません。"),
    ("着いたら電話する。", "着いたら電話します。"),
    ("父は「帰る」と言った。", "父は「帰る」と言いました。"),
    ("猫が好きだ（犬も好きだ）。", "猫が好きです（犬も好きです）。"),
    ("`run()`を呼ぶ。", "`run()`を呼びます。"),
    ("詳しくは https://example.com にある。", "詳しくは https://example.com にあります。"),
    ("やっと着いた😊", "やっと着きました😊"),
    ("雨だ。傘が必要だ。", "雨です。傘が必要です。"),
    ("絶対に勝つよ！", "絶対に勝ちますよ！"),
    ("そうではある。", "そうではあります。"),
    ("もう帰っていい？", "もう帰っていいですか？"),
    ("まだ間に合う？", "まだ間に合いますか？"),
    ("少し待って。", "少し待ってください。"),
    ("ここに置かないで。", "ここに置かないでください。"),
    ("それは違うと言われた。", "それは違うと言われました。"),
    ("行ったっけ？", "行きましたっけ？"),
]

TO_POLITE = [
    ("どこへ行くの？", "どこへ行くんですか？"),
    ("もう食べたの？", "もう食べたんですか？"),
    ("もう帰るのか。", "もう帰るんですか。"),
    ("帰るのよ。", "帰るんですよ。"),
    ("これは何？", "これは何ですか？"),
    ("元気？", "元気ですか？"),
    ("名前は何だっけ？", "名前は何でしたっけ？"),
    ("彼も来るかな。", "彼も来るでしょうか。"),
    ("雨かしら。", "雨でしょうか。"),
    ("いいじゃん。", "いいじゃないですか。"),
    ("いいじゃないか。", "いいじゃないですか。"),
    ("明日は雨かも。", "明日は雨かもしれません。"),
    ("彼が来るって。", "彼が来るそうです。"),
    ("もう寝なきゃ。", "もう寝なければなりません。"),
    ("早く起きろ。", "早く起きてください。"),
    ("窓を開けてくれ。", "窓を開けてください。"),
    ("静かにしなさい。", "静かにしてください。"),
    ("触るな。", "触らないでください。"),
    ("きれいだな。", "きれいですね。"),
    ("さあ行くぞ。", "さあ行きますよ。"),
    ("もう行くわね。", "もう行きますね。"),
    ("雨よ。", "雨ですよ。"),
    ("まるで夢みたい。", "まるで夢みたいです。"),
    ("これは本である。", "これは本です。"),
    ("それは嘘であった。", "それは嘘でした。"),
    ("そんなことは知らん。", "そんなことは知りません。"),
]

TO_PLAIN = [
    ("二名様ですね、かしこまりました。", "二名様だね、わかった。"),
    ("学生ですか？", "学生なの？"),
    ("学生ですか。", "学生か。"),
    ("行くんですか？", "行くの？"),
    ("どこへ行きますか？", "どこへ行くの？"),
    ("一緒に行きませんか？", "一緒に行かないか？"),
    ("これは何ですか？", "これは何？"),
    ("お茶はいかがですか？", "お茶はどうだ？"),
    ("少々お待ちください。", "少々待って。"),
    ("資料をご確認ください。", "資料を確認して。"),
    ("こちらをご覧ください。", "こちらを見て。"),
    ("水をください。", "水をくれ。"),
    ("手伝っていただけませんか。", "手伝ってもらえないか。"),
    ("着きましたら、電話します。", "着いたら、電話する。"),
    ("雨ですので、休みます。", "雨なので、休む。"),
    ("ですから、言いました。", "だから、言った。"),
    ("会場は二階でございます。", "会場は二階だ。"),
    ("質問がございます。", "質問がある。"),
    ("確認しております。", "確認している。"),
    ("私がいたします。", "私がする。"),
    ("楽しいでしたね。", "楽しかったね。"),
    ("行かないです。", "行かない。"),
    ("間に合いますかね。", "間に合うかな。"),
    ("来るでしょう？", "来るだろう？"),
]

# What reading of real text found, each in a sentence of our own.
LESSONS = [
    ("楽しかったー！", "楽しかったですー！"),
    ("すごいなあー。", "すごいですねえー。"),
    ("手伝ってくれてありがとう。", "手伝ってくれてありがとうございます。"),
    ("誕生日おめでとう！", "誕生日おめでとうございます！"),
    ("はい、そうなんだ。", "はい、そうなんです。"),
    ("そうなんだ。", "そうなんですね。"),
    ("山田太郎（やまだたろう）に会った。", "山田太郎（やまだたろう）に会いました。"),
    ("値を作る（または消す）ことになる。", "値を作る（または消す）ことになります。"),
    ("（もうだめだ）と思った。", "（もうだめだ）と思いました。"),
    ("重い、または大きい荷物を送る。", "重い、または大きい荷物を送ります。"),
    ("街を見守る、古い塔がある。", "街を見守る、古い塔があります。"),
    ("やってみるがいい。", "やってみるがいい。"),
    ("どう書くかである。", "どう書くかです。"),
    ("忙しかったからである。", "忙しかったからです。"),
    ("あれは夢だったのだろう、誰もいなかった。", "あれは夢だったのでしょう、誰もいませんでした。"),
    ("そんなことはいかん。", "そんなことはいけません。"),
    ("薪を割るぞ！", "薪を割りますよ！"),
    ("毎日泳ぐの、楽しいよ。", "毎日泳ぐの、楽しいですよ。"),
    ("もう行こうかなって。", "もう行こうかなって。"),
    ("ドアを閉めて", "ドアを閉めて"),
    ("楽しいですね、皆と話せて。", "楽しいですね、皆と話せて。"),
    ("よく分かるな。", "よく分かりますね。"),
    ("なんだか眠い。", "なんだか眠いです。"),
    ("雪ぞ降りける。", "雪ぞ降りける。"),
    ("困ったことがあったら、言ってね。", "困ったことがあったら、言ってくださいね。"),
    ("もう寝ないと。", "もう寝ないといけません。"),
    ("急がなければ。", "急がなければなりません。"),
    ("合格したんだってね。", "合格したんですってね。"),
    ("早く食べなよ。", "早く食べてくださいよ。"),
    ("よろしくお願いね。", "よろしくお願いしますね。"),
    ("ほら、言っただろ。", "ほら、言ったでしょう。"),
    ("どこへ消えたのか。", "どこへ消えたのでしょうか。"),
    ("どうして泣くの。", "どうして泣くんですか。"),
    ("もうお休みなさい。", "もうお休みなさい。"),
    ("本当のことをお話しなさい。", "本当のことをお話しください。"),
    ("負けないよ、何と言われたって。", "負けませんよ、何と言われたって。"),
    ("高いけど、買うと思う。", "高いですけど、買うと思います。"),
    ("先生は「雨だ、中止だ」と言った。", "先生は「雨だ、中止だ」と言いました。"),
    ("ああ、雨だ、困ったと思う。", "ああ、雨だ、困ったと思います。"),
    ("手を貸してもらえるとありがたいな。", "手を貸してもらえるとありがたいです。"),
    ("海が見たいなあ。", "海が見たいです。"),
    ("今日は寒いな。", "今日は寒いですね。"),
    ("まだ早いから座って", "まだ早いから座ってください"),
    ("風邪を引いて", "風邪を引いて"),
    ("まだ早いから座って\n待とう。", "まだ早いから座って\n待ちましょう。"),
    ("うるさいな、夜中に騒がないで。", "うるさいですね、夜中に騒がないでください。"),
    ("一人で登るなんてとんでもないわ。", "一人で登るなんてとんでもないです。"),
    ("この空では晴れそうもないがな。", "この空では晴れそうもありませんがね。"),
    ("好きなだけ食べるがいい。", "好きなだけ食べるがいい。"),
    ("朝は粥がいい。", "朝は粥がいいです。"),
]

TO_PLAIN_LESSONS = [
    ("宿はいかがでしょうか？", "宿はどうだろうか？"),
    (
        "ご不明でなければ、ご質問がございませんでしたら、終わります。",
        "ご不明でなければ、ご質問がなかったら、終わる。",
    ),
    ("色をお選びください。", "色を選んで。"),
    ("難しいかと存じますが、読みます。", "難しいかと思うが、読む。"),
    ("これからも続けてまいります。", "これからも続けていく。"),
    ("人が増えてまいりました。", "人が増えてきた。"),
    ("私はここに居ます。", "私はここに居る。"),
    ("誰が行くものですか。", "誰が行くものか。"),
    ("変化が生じます。", "変化が生じる。"),
    ("行きますと言いました。", "行きますと言った。"),
    ("猫が好きなのですが、いますか？", "猫が好きなんだけど、いる？"),
    ("駅に近いですが、静かですか？", "駅に近いけど、静かなの？"),
    ("はい、古いのですが、広い家です。", "はい、古いんだけど、広い家だ。"),
    ("道が細いのですが、通れるでしょうか？", "道が細いのだが、通れるだろうか？"),
    ("道が細いのですが、通れます。", "道が細いのだが、通れる。"),
    ("窓を開けてもよろしいですか？", "窓を開けてもいい？"),
    ("本当によろしかったでしょうか。", "本当によかっただろうか。"),
    ("こちらの色はいかがでしょう。", "こちらの色はどうだろう。"),
    ("旅はいかがでしたか？", "旅はどうだった？"),
    ("大きい皿でお願いします", "大きい皿でお願い"),
    ("水を二つお願いしますね。", "水を二つお願いね。"),
    ("この件は兄にお願いします。", "この件は兄にお願いする。"),
    ("掃除をお願いしました。", "掃除をお願いした。"),
    (
        "`sort` は元の列を変えることに注意してください。",
        "`sort` は元の列を変えることに注意してほしい。",
    ),
    ("少しのあいだ静かにしてください。", "少しのあいだ静かにして。"),
]

UNCHANGED = [
    "おはようございます。",
    "ありがとうございました！",
    "申し訳ございません。",
    "お疲れ様です。",
    "ごめんなさい。",
    "よろしくお願いします。",
    "「行きます」",
    "# 使う",
    "",
    " \n\n ",
    "print('です')",
    "Hello, world.",
    "第三章　東京",
    "お気を付けて。",
]


@pytest.mark.parametrize(("plain", "polite"), PAIRS)
def test_there_and_back(plain: str, polite: str) -> None:
    assert convert(plain, Register.POLITE).text == polite
    assert convert(polite, Register.PLAIN).text == plain


@pytest.mark.parametrize(("plain", "polite"), TO_POLITE)
def test_to_polite(plain: str, polite: str) -> None:
    assert convert(plain, Register.POLITE).text == polite


@pytest.mark.parametrize(("polite", "plain"), TO_PLAIN)
def test_to_plain(polite: str, plain: str) -> None:
    assert convert(polite, Register.PLAIN).text == plain


@pytest.mark.parametrize(("plain", "polite"), LESSONS)
def test_lessons_of_reading(plain: str, polite: str) -> None:
    assert convert(plain, Register.POLITE).text == polite


@pytest.mark.parametrize(("polite", "plain"), TO_PLAIN_LESSONS)
def test_lessons_of_reading_polite_text(polite: str, plain: str) -> None:
    assert convert(polite, Register.PLAIN).text == plain


@pytest.mark.parametrize("text", UNCHANGED)
@pytest.mark.parametrize("to", [Register.PLAIN, Register.POLITE])
def test_left_alone(text: str, to: Register) -> None:
    assert convert(text, to).text == text
    assert convert(text, to).edits == ()


@pytest.mark.parametrize("text", ["雨。", "本日の議題", "雨が上がって、虹。", "それ、あのさ、"])
def test_a_noun_at_the_end_stays(text: str) -> None:
    assert convert(text, Register.POLITE).text == text


@pytest.mark.parametrize(("plain", "polite"), [*PAIRS, *TO_POLITE])
def test_twice_is_once(plain: str, polite: str) -> None:
    assert convert(polite, Register.POLITE).edits == ()
    assert convert(plain, Register.PLAIN).edits == ()


@pytest.mark.parametrize(("plain", "polite"), PAIRS)
def test_sudachi_says_the_same(plain: str, polite: str) -> None:
    pytest.importorskip("sudachipy")
    sudachi = default_analyzer("sudachi")
    assert convert(plain, Register.POLITE, analyzer=sudachi).text == polite
    assert convert(polite, Register.PLAIN, analyzer=sudachi).text == plain


def test_alternatives_are_distinct_and_best_first() -> None:
    ways = [way.text for way in alternatives("彼は学生ではない。明日は来ない。", Register.POLITE)]
    assert ways[0] == "彼は学生ではありません。明日は来ません。"
    assert "彼は学生ではないです。明日は来ません。" in ways
    assert len(ways) == len(set(ways)) == 4


def test_a_register_that_is_no_target() -> None:
    with pytest.raises(UsageError, match="Valid: plain, polite, honorific"):
        convert("行く", Register.NONE)
    with pytest.raises(UsageError, match="limit is 0"):
        alternatives("行く", Register.PLAIN, limit=0)


_JAPANESE = st.text(
    alphabet="行くます。だでしょう「」、のんですかよねて食べない雨\n😊a（）", max_size=60
)


@settings(max_examples=300, deadline=None)
@given(st.text() | _JAPANESE, st.sampled_from([Register.PLAIN, Register.POLITE]))
def test_any_string_converts_by_its_edits_alone(text: str, to: Register) -> None:
    done = convert(text, to)
    assert done.text == apply_edits(text, done.edits)
    assert all(0 <= edit.start <= edit.end <= len(text) for edit in done.edits)


@pytest.mark.parametrize("piece", ["行く、", "雨だ（雪だ）", "「行く」と", "何を言うか、"])
def test_cost_does_not_grow_with_the_square(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.process_time()
        alternatives(text, Register.POLITE, limit=3)
        return time.process_time() - began

    seconds(1_000)
    assert seconds(6_000) < 12 * seconds(1_500) + 0.5
