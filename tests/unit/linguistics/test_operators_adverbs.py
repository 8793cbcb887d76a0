"""Adverbs and connectives: what is replaced, and above all what is not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.linguistics.proposals import proposed_texts

from migaki.linguistics.edits import apply_edits
from migaki.linguistics.operators import find_operators
from migaki.linguistics.operators.operator import Meaning, Passage, Use

OPERATORS = find_operators(["adverbs"])
BY_NAME = {operator.name: operator for operator in OPERATORS}


def outcomes(name: str, text: str, *, engine: str = "fugashi") -> set[str]:
    return proposed_texts(BY_NAME[name], text, engine=engine)


@pytest.mark.parametrize("engine", ["fugashi", "sudachi"])
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("adverbs.degree", "この坂はとても急です。", {"この坂は大変急です。", "この坂は非常に急です。"}),
        ("adverbs.degree", "この坂、とても急だよね。", {"この坂、すごく急だよね。", "この坂、とっても急だよね。"}),
        ("adverbs.degree", "昨日の試合にはとても驚いた。", {"昨日の試合には非常に驚いた。"}),
        ("adverbs.degree", "すごくおいしいじゃん！", {f"{w}おいしいじゃん！" for w in ("とても", "とっても", "めっちゃ")}),
        ("adverbs.degree", "駅は比較的近いよ。", {"駅はわりと近いよ。"}),
        ("adverbs.synonym", "明日はたぶん晴れます。", {"明日はおそらく晴れます。"}),
        ("adverbs.synonym", "やっぱり家が一番いいです。", {"やはり家が一番いいです。", "やっぱり家が最もいいです。"}),
        ("adverbs.synonym", "参加者は約三百人だった。", {"参加者はおよそ三百人だった。"}),
        ("adverbs.synonym", "肉はあまり好きではない。", {"肉はそれほど好きではない。", "肉はさほど好きではない。"}),
        ("adverbs.degree", "ちょっと豪華な夕食にした。", {"少し豪華な夕食にした。"}),
        ("adverbs.synonym", "できるだけ静かな席がいいです。", {"なるべく静かな席がいいです。", "できる限り静かな席がいいです。"}),
        ("adverbs.synonym", "様々な色の糸を使った。", set()),
        ("adverbs.spelling", "様々な色の糸を使った。", {"さまざまな色の糸を使った。"}),
        ("adverbs.connective", "雨が降ってきた。しかし、試合は続いた。", {"雨が降ってきた。だが、試合は続いた。"}),
        ("adverbs.synonym", "一生懸命に走りました。", {"一生懸命走りました。", "懸命に走りました。"}),
        ("adverbs.connective", "氏名または番号を書いてください。", {"氏名あるいは番号を書いてください。", "氏名もしくは番号を書いてください。"}),
        ("adverbs.spelling", "例えば犬だ。例えば猫だ。", {"たとえば犬だ。たとえば猫だ。"}),
        ("adverbs.style_clash", "この点は非常に重要である。", {"この点は超重要である。", "この点はめっちゃ重要である。", "この点はめちゃくちゃ重要である。"}),
        ("adverbs.negative_polarity", "駅はとても遠い。", {"駅はちっとも遠い。", "駅は少しも遠い。"}),
    ],
)  # fmt: skip
def test_writes_what_fits(name: str, text: str, expected: set[str], engine: str) -> None:
    if engine == "sudachi":
        pytest.importorskip("sudachipy")
    assert outcomes(name, text, engine=engine) == expected


@pytest.mark.parametrize(
    "text",
    [
        "とても信じられない。",  # cannot possibly
        "とても無理だ。",
        "ちょっと無理ですね。",  # a refusal
        "ちょっといいですか。",  # an opening
        "髪がすごくなった。",  # 連用形 of the adjective itself
        "大変だ。大変な一日だった。",
        "かなりの人が来た。",
        "もう少し大きい箱がいい。",  # もうやや大きい does not exist
        "「とても高い」と書いてあった。",  # quoted
        "すぐ隣に住んでいる。",
        "いつもお世話になっております。",
        "いつも六時に起きる。",
        "多くの場合、成功する。",
        "次第に関する規定を読む。",
        "できるだけのことはした。",
        "ファイル`とても.txt`を消す。",
        "",
        "😀🎉",
        "ｶﾞｷﾞｸﾞ",
    ],
)
def test_leaves_alone_what_only_looks_like_it(text: str) -> None:
    trained = [o.name for o in OPERATORS if o.use is Use.TRAIN and o.name != "adverbs.spelling"]
    assert {name: found for name in trained if (found := outcomes(name, text))} == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("connective", "点検完了および封鎖が解かれた。"),  # two predicates
        ("connective", "父と母および弟が来た。"),  # と already
        ("degree", "孫が来て、とても嬉しい。"),  # a feeling
        ("degree", "味が濃くて、少しからいです。"),  # やや is written
        ("synonym", "ちょっと休ませてもらうね。"),  # a softener
        ("synonym", "ちょっと手伝ってよ。"),
        ("synonym", "特に色の好み、大きさの指定はない。"),  # none in particular
        ("synonym", "高さは約三十メートル、幅は約五メートル。"),  # both or none
        ("synonym", "突然お便りを差し上げるご無礼をお許しください。"),
        ("synonym", "この町の多くの店が閉まった。"),  # a share of a whole
        ("synonym", "これはほんとうに難しい。"),  # a matter of spelling
        ("spelling", "さらに、雨も降り出した。"),  # a conjunction
        ("spelling", "なお既に締め切った。"),  # なおすでに
    ],
)
def test_leaves_what_only_seems_to_allow_it(name: str, text: str) -> None:
    assert outcomes(f"adverbs.{name}", text) == set()


def test_another_degree_is_another_meaning() -> None:
    assert "駅は少し遠いです。" in outcomes("adverbs.degree_change", "駅はとても遠いです。")
    assert "駅は非常に遠いです。" not in outcomes("adverbs.degree_change", "駅はとても遠いです。")
    assert BY_NAME["adverbs.degree_change"].meaning is Meaning.CHANGED


def test_slang_is_written_only_beside_slang() -> None:
    assert not any("めっちゃ" in text for text in outcomes("adverbs.degree", "とても高いよ。"))
    assert "めっちゃ高いよ。" in outcomes("adverbs.degree", "すごく高いよ。")


PIECES = [
    "とても",
    "少し",
    "高い",
    "しかし",
    "、",
    "。",
    "例えば",
    "约",
    "約",
    "3",
    "人",
    "「",
    "」",
    "\ud800",
    "ー",
    "\n",
]


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_any_text_keeps_all_but_the_word(text: str) -> None:
    passage = Passage.of(text)
    for operator in OPERATORS:
        for edits in operator.propose(passage, random.Random(0)):
            assert edits
            assert all(text[e.start : e.end] not in ("", e.replacement) for e in edits)
            changed = apply_edits(text, edits)
            assert changed.startswith(text[: edits[0].start])
            assert changed.endswith(text[max(e.end for e in edits) :])
