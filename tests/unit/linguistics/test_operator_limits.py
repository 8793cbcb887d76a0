"""What stands elsewhere in a sentence and speaks against a change in it."""

from __future__ import annotations

import pytest
from tests.unit.linguistics.proposals import proposed_texts

from migaki.errors import UsageError
from migaki.linguistics.operators import find_operators
from migaki.linguistics.tables import read_table


def outcomes(name: str, text: str) -> set[str]:
    (operator,) = find_operators([name])
    return proposed_texts(operator, text)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("verbs.polarity", "弟は肉を食べます。", "弟は肉を食べません。"),
        ("verbs.polarity", "姉は庭で本を読んでいる。", "姉は庭で本を読んでいない。"),
        ("verbs.tense", "祖母は庭で花を育てます。", "祖母は庭で花を育てました。"),
        ("verbs.sa_insertion", "明日は休ませていただきます。", "明日は休まさせていただきます。"),
        ("adjectives.na_as_i", "この道は静かではない。", "この道は静かくない。"),
        ("adverbs.degree_change", "この箱は非常に重い。", "この箱は少し重い。"),
        ("adverbs.style_clash", "こちらの絵は非常に古いと伺いました。", "こちらの絵はめっちゃ古いと伺いました。"),
        ("adverbs.negative_polarity", "この道はとても狭い。", "この道はちっとも狭い。"),
        ("nouns.owner_change", "弊社の工場は海の近くにあります。", "御社の工場は海の近くにあります。"),
        ("nouns.own_honoured", "私の父が参ります。", "私のお父さんが参ります。"),
        ("nouns.doubled_prefix", "お茶を飲みました。", "おお茶を飲みました。"),
        ("nouns.lost_prefix", "資料をご覧ください。", "資料を覧ください。"),
        ("particles.contrast_topic", "町へ出て、工場で働いた。", ""),
        ("particles.contrast_topic", "冬も山で働いた。", "冬も山では働いた。"),
        ("particles.contrast_topic", "来週、大阪に行きます。", "来週、大阪には行きます。"),
        ("particles.formal_omission", "市が新しい橋の資料を開いた。", "市が新しい橋の資料開いた。"),
        ("particles.oblique_omission", "兄は町の工場で働く。", "兄は町の工場働く。"),
        ("particles.doubled", "弟が駅に着いた。", "弟が駅にに着いた。"),
        ("particles.case_error", "叔母は古い村に住む。", "叔母は古い村で住む。"),
        ("particles.topic_subject", "犬は庭で寝た。", "犬が庭で寝た。"),
    ],
)  # fmt: skip
def test_still_proposes(name: str, text: str, expected: str) -> None:
    found = outcomes(name, text)
    assert expected in found if expected else not found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # What a fifth and a sixth reading found.
        ("verbs.polarity", "雨に濡れて寒くなりました。"),
        ("verbs.polarity", "二人は声が非常に似ています。"),
        ("verbs.tense", "またのお越しをお待ちしています。"),
        ("nouns.style", "価格を入力してください。番号も書きます。"),
        ("verbs.polarity", "写真は筆者による。"),
        ("verbs.tense", "1919年に小さな村で生まれる。"),
        ("verbs.request", "どうしても、待っていただけませんか？"),
        ("verbs.polarity", "その件はお答えしかねます。"),
        ("verbs.tense", "準備ができ次第、出発します。"),
        ("verbs.tense", "早めだと助かります。"),
        ("verbs.spelling", "道のここより二つに分かるる所に石あり。"),
        ("adverbs.synonym", "もっと広い席がほしいのに。"),
        ("adverbs.degree", "坂道が少しきつくなる。"),
        ("nouns.style", "手間と値段をかけない工夫だ。"),
        ("nouns.style", "本日、社長のお宅に伺います。"),
        ("nouns.wrong_prefix", "給料が上がりました。"),
        ("particles.formal_omission", "研究者は論文の読みを進めている。"),
        ("particles.formal_omission", "昨日、注意がなされた。"),
        # Adverbs that stand outside a negation, or need one.
        ("verbs.polarity", "兄は必ず手紙を書きます。"),
        ("verbs.polarity", "そろそろ店を閉めます。"),
        ("verbs.polarity", "時々この店で食べます。"),
        ("verbs.polarity", "弟は何も食べません。"),
        ("verbs.polarity", "姉は一度も休みません。"),
        # What is said by being said.
        ("verbs.polarity", "早めに教えていただけると幸いに存じます。"),
        ("verbs.polarity", "二階の部屋でお願いします。"),
        ("verbs.polarity", "皆で力を尽くして参ります。"),
        ("verbs.polarity", "この席を使わせていただきます。"),
        ("verbs.polarity", "空きを調べてみます。"),
        ("verbs.polarity", "近い宿をお探しします。"),
        ("verbs.polarity", "山に登ろうかなと思います。"),
        ("verbs.polarity", "新聞によれば、橋が落ちたという。"),
        # What follows from what was said before.
        ("verbs.polarity", "海が見たいので、港へ行きます。"),
        ("verbs.polarity", "海を見たいので、宿を探している。"),
        ("verbs.polarity", "君を信じて、鍵を渡す。"),
        ("verbs.polarity", "功績を称え、市は像を建てる。"),
        # Hearsay, formulas, what is decided now, plans, parallels.
        ("verbs.tense", "新聞によれば、橋が落ちたという。"),
        ("verbs.tense", "早めに教えていただけると幸いに存じます。"),
        ("verbs.tense", "もし失礼がありましたら、お詫びします。"),
        ("verbs.tense", "それでは広い部屋を探します。"),
        ("verbs.tense", "じゃあ、鍵を渡す。"),
        ("verbs.tense", "彼は来週帰る予定で、駅に着く。"),
        ("verbs.tense", "窓のない部屋もありますが、広い部屋もあります。"),
        ("verbs.polarity", "全員が心を合わせる。"),
        ("verbs.polarity", "町には駅が三つある。"),
        ("verbs.polarity", "はい、広い部屋を希望します。"),
        ("verbs.polarity", "急がなくても、間に合います。"),
        ("verbs.polarity", "祖母の話を聞かせてもらう。"),
        ("verbs.polarity", "彼の意見は正しいと思います。"),
        ("verbs.polarity", "市は「百の町」を目指している「市民の会」に加わった。"),
        ("verbs.polarity", "次に、言葉を定める必要があります:"),
        ("verbs.tense", "広い部屋がありました、こちらはいかがでしょうか。"),
        ("verbs.tense", "春までには、箱をお作りします。"),
        ("verbs.tense", "広い部屋ですね、かしこまりました。"),
        ("verbs.tense", "子供連れですと、割引があります。"),
        # Another word, or no leave that is asked for.
        ("verbs.sa_insertion", "日が決まったら知らせてください。"),
        ("verbs.sa_insertion", "子供に本を読ませて帰った。"),
        ("adjectives.na_as_i", "弟は字が上手ではない。"),
        ("adjectives.na_as_i", "この箱は四角ではない。"),
        ("adjectives.na_as_i", "それを直すのは容易ではない。"),
        # Degree.
        ("adverbs.degree_change", "明日は非常に強い台風が来る。"),
        ("adverbs.degree_change", "着くのが少し早すぎた。"),
        ("adverbs.degree_change", "その部屋は少し高めです。"),
        ("adverbs.degree_change", "この部屋はかなり便利だ。"),
        ("adverbs.degree_change", "花をもらって、とても嬉しい。"),
        ("adverbs.degree_change", "とても便利だと評判の宿だ。"),
        ("adverbs.degree_change", "それは非常に困難を極める。"),
        ("adverbs.degree_change", "彼はちょっと有名人に会った。"),
        ("adverbs.negative_polarity", "とても奇妙なことに、誰も来ない。"),
        ("adverbs.negative_polarity", "その橋はとても危ない。"),
        # Slang is at home in friendly polite talk and in plain talk.
        ("adverbs.style_clash", "この絵、とても好きです。"),
        ("adverbs.style_clash", "弟はとても喜んだ。"),
        # Whose company it is stands in the verb.
        ("nouns.owner_change", "弊社は新しい橋を造っております。"),
        ("nouns.owner_change", "当社は多くの注文を頂きます。"),
        ("nouns.owner_change", "当社は結果をお知らせします。"),
        ("nouns.owner_change", "当社があなたの旅を支えます。"),
        ("nouns.owner_change", "御社に手伝っていただけたら、助かります。"),
        ("nouns.owner_change", "当社が駅へ迎えに行きます。"),
        ("nouns.style_clash", "先生はどちらで学ばれて、いらっしゃったのですか。"),
        ("nouns.style_clash", "どなたにお渡しになり、なさるのですか。"),
        ("nouns.own_honoured", "自分の子供の頃を思い出します。"),
        ("nouns.lost_prefix", "長くご無沙汰しました。"),
        ("nouns.lost_prefix", "弟はお辞儀をした。"),
        ("nouns.doubled_prefix", "おまけを貰いました。"),
        # は contrasts what a predicate has, not a choice, a term, a part of a noun phrase.
        ("particles.contrast_topic", "二階の部屋で結構です。"),
        ("particles.contrast_topic", "東京でお願いします。"),
        ("particles.contrast_topic", "駅から港までの道だ。"),
        ("particles.contrast_topic", "どちらに行きますか。"),
        ("particles.contrast_topic", "大阪に転勤ですか。"),
        ("particles.contrast_topic", "こちらの部屋になります。"),
        ("particles.contrast_topic", "そのうちに忘れた。"),
        # Spoken polite speech leaves を and が out as well.
        ("particles.contrast_topic", "試合が体育館で開催された。"),
        ("particles.contrast_topic", "姉が山に行く。"),
        ("particles.contrast_topic", "海に行くなら構いません。"),
        ("particles.contrast_topic", "ちょっと海に行く。"),
        ("particles.formal_omission", "祖父が古い絵を見る"),
        ("particles.formal_omission", "広い部屋を探しています。"),
        ("particles.formal_omission", "駐車場がございます。"),
        ("particles.formal_omission", "この部屋は高級感があり、人気だ。"),
        ("particles.formal_omission", "審査が行われ、すぐに終わった。"),
        ("particles.formal_omission", "四試合が行われた。"),
        ("particles.formal_omission", "爺さんは声をかけた。"),
        ("particles.formal_omission", "大声を上げて尋ねてみたまえ。"),
        ("particles.oblique_omission", "友達と話した。"),
        ("particles.oblique_omission", "子供と公園に行った。"),
        ("particles.oblique_omission", "神戸の街で暮らし始めた。"),
        ("particles.oblique_omission", "神戸で観光した。"),
        ("particles.oblique_omission", "こっちから掛けると叔母が出た。"),
        ("particles.oblique_omission", "部屋から見る景色を絵に描いた。"),
        ("particles.oblique_omission", "会議の中で開かれた。"),
        ("particles.doubled", "ちなみに駅は近い。"),
        ("particles.doubled", "法律について話した。"),
        ("particles.case_error", "画伯は海の絵を描かれる。"),
        ("particles.case_error", "海辺のホテルに泊まる。"),
        ("particles.case_error", "宿は温泉街にあり、人気だ。"),  # であり is right
        ("particles.case_error", "十時に仕事が終わる。"),
        ("particles.case_error", "弟が庭で遊ぶ。"),
        ("particles.case_error", "どこの社のものを使う。"),
        ("particles.topic_subject", "朝食は部屋で食べた。"),
        ("particles.topic_subject", "私はさすがに驚いた。"),
        ("particles.topic_subject", "全員が習慣を身につけた。"),
        ("particles.topic_subject", "手続きが済むまで、ここで待つ。"),
        ("particles.topic_subject", "私はいくつもらえるの？"),
        ("particles.topic_subject", "僕は花見どころの騒ぎじゃない。"),
        ("particles.topic_subject", "雨がきっかけで帰った。"),
        ("particles.topic_subject", "食事はいかがなさいますか。"),
        ("particles.topic_subject", "子供が三人、大人が二人だ。"),
    ],
)
def test_proposes_nothing(name: str, text: str) -> None:
    assert outcomes(name, text) == set()


def test_limits_are_of_operators_that_exist() -> None:
    known = {operator.name for operator in find_operators()}
    for names, *_ in read_table("operator_limits.tsv", columns=5):
        for name in names.split():
            operator = ".".join(name.split(".")[:2])
            assert operator in known | {"politeness.plain", "politeness.polite"}, name


def test_unknown_operators_are_named() -> None:
    with pytest.raises(UsageError, match=r"verbs\.polarety"):
        find_operators(["verbs.polarety"])
