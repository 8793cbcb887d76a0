"""Nouns by style and by whose they are; lexicalised words are left whole."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.linguistics.proposals import proposed_texts

from migaki.linguistics.edits import apply_edits
from migaki.linguistics.operators import find_operators
from migaki.linguistics.operators.operator import Passage, Use

OPERATORS = find_operators(["nouns"])
BY_NAME = {operator.name: operator for operator in OPERATORS}
TRAINED = [operator.name for operator in OPERATORS if operator.use is Use.TRAIN]


def outcomes(name: str, text: str, *, engine: str = "fugashi") -> set[str]:
    return proposed_texts(BY_NAME[name], text, engine=engine)


@pytest.mark.parametrize("engine", ["fugashi", "sudachi"])
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("nouns.style", "さっき電車が着きました。", {"先ほど電車が着きました。"}),
        ("nouns.style", "さっきは助かったね。", set()),
        ("nouns.style", "さっきはどうもね。", set()),
        ("nouns.style", "後ほど電話するね。", {"後で電話するね。"}),
        ("nouns.style", "去年の夏は暑かった。", {"昨年の夏は暑かった。"}),
        ("nouns.style", "うちの会社の製品をご覧いただけますか。", {"弊社の製品をご覧いただけますか。", "当社の製品をご覧いただけますか。"}),
        ("nouns.style", "担当者は誰でしょうか。私が伺います。", {"担当者はどなたでしょうか。私が伺います。"}),
        ("nouns.style", "どっちにしますか。", {"どちらにしますか。"}),
        ("nouns.spelling", "読んだ事を子供に話す。", {"読んだことを子供に話す。", "読んだ事を子どもに話す。"}),
        ("nouns.spelling", "夜の九時頃に帰った頃の話。", {"夜の九時ごろに帰った頃の話。", "夜の九時頃に帰ったころの話。"}),
        ("nouns.spelling", "子供が子供用の本を読む。", set()),  # both or none
        ("nouns.spelling", "みなとコンピュータの社長だ。", set()),  # a name
        ("nouns.spelling", "会社でサーバを使う。", {"会社でサーバーを使う。"}),
        ("nouns.spelling", "事の次第を聞いた。", set()),
        ("nouns.spelling", "町の通りを歩いた。", set()),
        ("nouns.spelling", "日本たばこ産業の社員だ。", set()),
        ("nouns.spelling", "使用料の納付を要する事を条例で定める。", set()),
        ("nouns.simplification", "陛下のお気持ちを伝えた。", set()),
        ("nouns.beautification", "生徒は礼をしました。", set()),  # to bow
        ("nouns.beautification", "日本料理よりか、タイの料理が好きです。", set()),
        ("nouns.beautification", "帰りに寿司を食べました。", {"帰りにお寿司を食べました。"}),
        ("nouns.beautification", "駅前の店に入りました。", {"駅前のお店に入りました。"}),
        ("nouns.beautification", "夕方の料理や洗濯が大変です。", set()),
        ("nouns.beautification", "帰りに寿司を食べたよ。", set()),
        ("nouns.style", "五人の医師が手術をした。", set()),
        ("nouns.style", "先日は祝賀会にお招きくださり、ありがとうございました。", set()),
        ("nouns.style", "我々には分からぬ。", set()),
        ("nouns.style", "私達は駅で待った。", set()),
        ("nouns.simplification", "帰りにお寿司を食べた。", {"帰りに寿司を食べた。"}),
        ("nouns.respect", "名前を教えてください。", {"お名前を教えてください。"}),
        ("nouns.respect", "趣味は何ですか。", {"ご趣味は何ですか。"}),
        ("nouns.respect", "お客様の住所を記入してください。", {"お客様のご住所を記入してください。"}),
        ("nouns.kinship", "私のお父さんは医者です。", {"私の父は医者です。"}),
        ("nouns.kinship", "田中さんの妻に会いました。", {"田中さんの奥さんに会いました。"}),
        ("nouns.kinship", "私の母が来るよ。", {"私のお母さんが来るよ。"}),
        ("nouns.style_clash", "弊社の者がご案内いたします。", {"うちの会社の者がご案内いたします。"}),
        ("nouns.own_honoured", "私の父は医者です。", {"私のお父様は医者です。"}),
        ("nouns.owner_change", "弊社の製品です。", {"御社の製品です。"}),
        ("nouns.wrong_prefix", "お名前を伺います。", {"ご名前を伺います。"}),
        ("nouns.doubled_prefix", "お茶を飲んだ。", {"おお茶を飲んだ。"}),
        ("nouns.lost_prefix", "資料をご覧ください。", {"資料を覧ください。"}),
    ],
)  # fmt: skip
def test_writes_what_fits(name: str, text: str, expected: set[str], engine: str) -> None:
    if engine == "sudachi":
        pytest.importorskip("sudachipy")
    assert outcomes(name, text, engine=engine) == expected


@pytest.mark.parametrize(
    "text",
    [
        # Lexicalised words are whole, in every style.
        "ご飯を食べた。お茶を飲んだ。",
        "ご飯を食べました。お茶を飲みました。",
        "おにぎりとおやつを買った。お金がない。",
        "お金がないよ。おかげで助かったよ。",
        "どうぞご覧ください。",
        "お菓子を食べた。",
        # Compounds.
        "焼き菓子を作りました。",
        "誕生日祝いを買いました。",
        "私の店にどうぞ来てください。",
        "酒屋と魚屋に行きました。",
        "観光客が増えました。",
        # Somebody else's, or a thing's.
        "ファイルの名前を入力してください。",
        "変数の名前は何ですか。",
        "隣の父親に会いました。",
        "首相の妻が訪問した。",
        # お with a verb.
        "先生がお考えになる。",
        "お祝いする。",
        # An idiom, a quotation, a greeting.
        "目を皿のようにして探しました。",
        "「さっき来た」と言いました。",
        "今晩は。",
        "食べた後で寝ました。",
        "この人が来ました。",
        "",
        "お",
        "ご\ud800",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert {name: found for name in TRAINED if (found := outcomes(name, text))} == {}


def test_one_text_decides_the_style() -> None:
    assert outcomes("nouns.style", "本日は休みです。") == {"今日は休みです。"}
    assert outcomes("nouns.style", "今日は担当の者が参ります。") == {"本日は担当の者が参ります。"}
    assert outcomes("nouns.style", "今日は休みだよ。") == set()


PIECES = ["お", "ご", "茶", "名前", "を", "教えて", "ください", "私", "の", "父", "。", "今日", "は", "弊社", "「", "\ud800"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_any_text_keeps_all_but_the_word(text: str) -> None:
    passage = Passage.of(text)
    for operator in OPERATORS:
        for edits in operator.propose(passage, random.Random(0)):
            (edit,) = edits
            assert text[edit.start : edit.end] not in ("", edit.replacement)
            changed = apply_edits(text, edits)
            assert changed == text[: edit.start] + edit.replacement + text[edit.end :]
