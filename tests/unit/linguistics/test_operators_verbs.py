"""What the operators on verbs say, and where they are silent; all sentences are our own."""

from __future__ import annotations

import pytest

from migaki.linguistics.augment import variants
from migaki.linguistics.operators import Use, find_operators

SAID = [
    (
        "verbs.politeness",
        "駅まで歩く。雨は降らなかった。",
        {"駅まで歩きます。雨は降りませんでした。"},
    ),
    ("verbs.politeness", "駅まで歩きます。静かな町です。", {"駅まで歩く。静かな町だ。"}),
    ("verbs.politeness", "先生とお茶を飲みました。", {"先生とお茶を飲んだ。"}),
    ("verbs.politeness", "彼は「行く」と言いました。", {"彼は「行く」と言った。"}),
    ("verbs.obligation", "明日は早く起きなければならない。", {"明日は早く起きなくてはならない。"}),
    (
        "verbs.obligation",
        "薬を飲まないといけません。",
        {
            "薬を飲まなければなりません。",
            "薬を飲まなくてはなりません。",
            "薬を飲まなければいけません。",
            "薬を飲まなくてはいけません。",
        },
    ),
    (
        "verbs.obligation",
        "報告書を出さなければならなかった。",
        {"報告書を出さなくてはならなかった。"},
    ),
    ("verbs.ability", "図書館では誰でも本を読むことができる。", {"図書館では誰でも本を読める。"}),
    ("verbs.ability", "会議室を予約することができますか。", {"会議室を予約できますか。"}),
    ("verbs.ability", "会議室を予約できますか。", {"会議室を予約することができますか。"}),
    ("verbs.ability", "五百メートル泳ぐことができました。", {"五百メートル泳げました。"}),
    ("verbs.contraction", "今、ご飯を食べているよ。", {"今、ご飯を食べてるよ。"}),
    ("verbs.contraction", "今、ご飯を食べてるよ。", {"今、ご飯を食べているよ。"}),
    ("verbs.contraction", "財布を忘れてしまったんだ。", {"財布を忘れちゃったんだ。"}),
    ("verbs.contraction", "牛乳を全部飲んじゃったよ。", {"牛乳を全部飲んでしまったよ。"}),
    ("verbs.contraction", "ビールを冷やしておくね。", {"ビールを冷やしとくね。"}),
    ("verbs.contraction", "よく分からないよ。", {"よく分かんないよ。"}),
    ("verbs.contraction", "手紙を読んでます。", {"手紙を読んでいます。"}),
    ("verbs.humble", "広い部屋をお探しします。", {"広い部屋をお探しいたします。"}),
    ("verbs.humble", "駅までご案内いたしました。", {"駅までご案内しました。"}),
    ("verbs.request", "席を詰めてもらえませんか。", {"席を詰めてもらえますか。"}),
    ("verbs.spelling", "よく分からなかった。", {"よくわからなかった。"}),
    ("verbs.spelling", "駅まで泳ぐ事は出来ない。", {"駅まで泳ぐ事はできない。"}),
    ("verbs.spelling", "早めに教えて下さい。", {"早めに教えてください。"}),
    ("verbs.spelling", "花が咲いて居た。", {"花が咲いていた。"}),
    ("verbs.spelling", "本を持って行きます。", {"本を持っていきます。"}),
    (
        "verbs.compound_particle",
        "新聞によると、橋が落ちた。",
        {"新聞によれば、橋が落ちた。"},
    ),
    ("verbs.explanation", "どこへ行くのですか。", {"どこへ行くんですか。"}),
    (
        "verbs.obligation",
        "値を変換しなければなりません。",  # a manual: no ないと
        {
            "値を変換しなくてはなりません。",
            "値を変換しなければいけません。",
            "値を変換しなくてはいけません。",
        },
    ),
    ("verbs.explanation", "もう終わったんです。", {"もう終わったのです。"}),
    ("verbs.explanation", "海辺に泊まりたいのですが。", {"海辺に泊まりたいんですが。"}),
    (
        "verbs.concession",
        "雨ですけれども、出かけます。",
        {"雨ですけれど、出かけます。", "雨ですが、出かけます。"},
    ),
    ("verbs.concession", "眠いけど頑張るよ。", {"眠いけれど頑張るよ。"}),
    ("verbs.without", "朝食を食べないで学校へ行った。", {"朝食を食べずに学校へ行った。"}),
    ("verbs.without", "挨拶もせずに帰りましたよ。", {"挨拶もしないで帰りましたよ。"}),
    ("verbs.advice", "駅へはどう行けばいいですか。", {"駅へはどう行ったらいいですか。"}),
    ("verbs.advice", "先生に聞いたらいいよ。", {"先生に聞けばいいよ。"}),
    ("verbs.polite_negative", "肉は食べないです。", {"肉は食べません。"}),
    ("verbs.polite_negative", "昨日は走らなかったです。", {"昨日は走りませんでした。"}),
    (
        "verbs.compound_particle",
        "規則に基づき、試合は中止になった。",
        {"規則に基づいて、試合は中止になった。"},
    ),
    (
        "verbs.compound_particle",
        "開会に際して、挨拶をしました。",
        {"開会に際し、挨拶をしました。"},
    ),
]

SILENT = [
    ("verbs.humble", "毎朝、公園をお散歩します。"),  # only said nicely
    ("verbs.humble", "先生がお話しになります。"),
    ("verbs.request", "この券は夜もご利用いただけますか。"),  # whether one can
    ("verbs.spelling", "縄が一筋落ちて居りました。"),  # おりました
    ("verbs.spelling", "電車を利用して行こうと思う。"),  # it is going that is meant
    ("verbs.compound_particle", "それは使い方によると思う。"),
    ("verbs.compound_particle", "兵士が弾に当たって、倒れた。"),
    ("verbs.ability", "大切なのは、会議室を予約できることです。"),  # no こと twice
    ("verbs.explanation", "髪が傷んで嫌なんですよ。"),
    ("verbs.contraction", "何という運命だろうね。"),
    ("verbs.politeness", "ご注文を承ります。少々お待ちください。"),  # nobody says 承る to a guest
    ("verbs.politeness", "資料をお願いします。"),
    ("verbs.politeness", "明日は行くかもです。"),
    ("verbs.politeness", "俺が行く。"),
    ("verbs.politeness", "早く来い。"),
    ("verbs.politeness", "明日、晴れますように。"),
    ("verbs.politeness", "雨です。傘を持って行く。"),  # of mixed register
    ("verbs.obligation", "彼は会社になくてはならない人だ。"),
    ("verbs.ability", "秘密を知ることができた。"),  # 知れる is another verb
    ("verbs.ability", "日本語が理解できる。"),  # の object would become the subject
    ("verbs.ability", "夕食の準備ができた。"),
    ("verbs.contraction", "雨が降っている。"),  # plain writing is no talk
    ("verbs.contraction", "雨が降っています。"),
    ("verbs.contraction", "鍵を忘れてしまいました。"),
    ("verbs.contraction", "雨が降っているのである。"),
    ("verbs.contraction", "彼は「今、食べている」と言ったよ。"),  # quotation
    ("verbs.explanation", "その青いのです。"),
    ("verbs.concession", "ところが、雨が降りました。"),
    ("verbs.compound_particle", "意見は人によって違います。"),
    ("verbs.compound_particle", "これについて、説明する。"),
    ("verbs.obligation", "利用者は、使用料を納付しなければならない。"),  # a rule has fixed wording
    ("verbs.ability", "委員会に、部会を置くことができる。"),
    ("verbs.contraction", "おれは川を眺めている。空が曇ってしまった。"),  # told, not talked
    ("verbs.contraction", "おれは黙って川を眺めていた。"),
    ("verbs.explanation", "おれは川を眺めたのだ。"),
    ("verbs.contraction", "きちんと並んでいてる椅子がいいです。"),  # a slip of the pen
    ("verbs.explanation", "白い鳥が北の空へ飛んで行ったのです。"),
    ("verbs.explanation", "昨日来たのですが、この色がいいのですが、ありますか。"),  # both or none
    ("verbs.without", "設定を変えずに、もう一度実行してください。"),
    ("verbs.without", "返事もできずに申し訳ありませんでしたね。"),
    ("verbs.without", "泣かず、怒らずに聞いていましたね。"),
    ("verbs.advice", "鍵だけ持っていけばいいですか。"),
    ("verbs.advice", "直すには、線を引けばいいですよ。"),
    ("verbs.advice", "値を代入すればいいです。"),
    ("verbs.polite_negative", "その番組はつまらないですよ。"),
    ("verbs.without", "ここで写真を撮らないでください。"),
    ("verbs.without", "まだ帰らないで。"),
    ("verbs.without", "忘れないでほしい。"),
    ("verbs.without", "私のことは気にしないで！"),
]

NOT_FOR_TRAINING = [
    ("verbs.polarity", "駅まで歩きます。", "駅まで歩きません。"),
    ("verbs.polarity", "駅まで歩く。", "駅まで歩かない。"),
    ("verbs.tense", "駅まで歩きました。", "駅まで歩きます。"),
    ("verbs.tense", "駅まで歩く。", "駅まで歩いた。"),
    ("verbs.ra_dropping", "ここから海を見ることができます。", "ここから海を見れます。"),
    ("verbs.sa_insertion", "明日は休ませていただきます。", "明日は休まさせていただきます。"),
]


@pytest.mark.parametrize(("operator", "source", "expected"), SAID)
def test_says_it_differently(operator: str, source: str, expected: set[str]) -> None:
    assert {v.text for v in variants(source, count=9, operators=[operator])} == expected


@pytest.mark.parametrize(("operator", "source"), SILENT)
def test_has_nothing_to_say(operator: str, source: str) -> None:
    assert variants(source, count=9, operators=[operator]) == []


@pytest.mark.parametrize(("operator", "source", "expected"), NOT_FOR_TRAINING)
def test_pairs_that_are_not_for_training(operator: str, source: str, expected: str) -> None:
    (found,) = find_operators([operator])
    assert found.use is not Use.TRAIN
    assert expected in {v.text for v in variants(source, operators=[operator], use=found.use)}


def test_what_changes_the_meaning_changes_one_place() -> None:
    source = "駅まで歩きます。雨が降ります。"
    found = {
        variant.text
        for seed in range(9)
        for variant in variants(source, seed=seed, operators=["verbs.polarity"], use=Use.EVALUATION)
    }
    assert found == {"駅まで歩きません。雨が降ります。", "駅まで歩きます。雨が降りません。"}


def test_mixed_register_changes_some_sentences_and_not_all() -> None:
    source = "駅まで歩きます。雨が降ります。傘を差します。"
    (variant,) = variants(source, operators=["verbs.mixed_register"], use=Use.REJECTED)
    assert 0 < variant.text.count("ます。") < 3
    assert variants("駅まで歩きます。", operators=["verbs.mixed_register"], use=Use.REJECTED) == []


def test_a_set_phrase_has_no_opposite() -> None:
    for source in (
        "明日は雪かもしれません。",
        "ここに入ってはいけません。",
        "こちらが受付でございます。",
    ):
        assert variants(source, operators=["verbs.polarity"], use=Use.EVALUATION) == []


def test_all_places_of_a_text_change_together() -> None:
    source = "起きなければならない。働かなければならない。"
    found = variants(source, operators=["verbs.obligation"])
    assert [v.text for v in found] == ["起きなくてはならない。働かなくてはならない。"]
