"""Variants: deterministic, verified, counted, and nothing at all where there is nothing to say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.errors import UsageError
from migaki.linguistics.analyzer import analyze
from migaki.linguistics.augment import VariantStats, variants
from migaki.linguistics.edits import apply_edits
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators import FAMILIES, Meaning, Use, find_operators
from migaki.linguistics.sentences import split_sentences
from migaki.linguistics.verification import Check, Rejection

TEXTS = [
    "今日はとても寒いですね。傘を忘れてしまいました。",
    "会議室を予約することができるが、早く申し込まなければならない。",
    "昨日ね、駅前で先生に会っちゃったんだよ。いろいろな話を聞いたよ！",
    "この町は静かだ。人が少なく、空気がきれいだった。",
    "お客様に、資料をお送りしなければなりません。ご確認ください。",
]


def test_a_variant_is_its_edits_carried_out() -> None:
    for text in TEXTS:
        for variant in variants(text, count=20):
            assert apply_edits(text, variant.edits) == variant.text
            assert list(variant.edits) == sorted(variant.edits)
            assert variant.checks == tuple(Check)


def test_variants_differ_from_their_source_and_each_other() -> None:
    for text in TEXTS:
        found = [text, *(v.text for v in variants(text, count=50))]
        assert len(found) >= 2
        assert len(set(found)) == len(found)


def test_no_more_than_asked_for() -> None:
    for count in (0, 1, 2):
        assert len(variants(TEXTS[0], count=count)) == count


def test_the_number_of_sentences_stays() -> None:
    for text in TEXTS:
        for variant in variants(text, count=20):
            assert len(split_sentences(variant.text)) == len(split_sentences(text))


def test_the_same_in_another_process_and_order() -> None:
    here = [[v.text for v in variants(text, seed=7)] for text in TEXTS]
    code = (
        "import sys\nfrom migaki.linguistics.augment import variants\n"
        "for text in reversed(sys.argv[1:]):\n"
        "    print('|'.join(v.text for v in variants(text, seed=7)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *TEXTS], capture_output=True, check=True, encoding="utf-8",
        env={"PYTHONHASHSEED": "12345", "PYTHONUTF8": "1", "PATH": "",
             "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    there = [line.split("|") for line in done.stdout.splitlines()]
    assert there[::-1] == here


def test_the_seed_decides_the_choice() -> None:
    text = "".join(TEXTS[i] for i in (0, 4))
    chosen = {tuple(v.text for v in variants(text, count=2, seed=seed)) for seed in range(20)}
    assert len(chosen) > 1


def test_a_rejection_is_counted_by_operator_and_reason() -> None:
    stats = VariantStats()
    for text in TEXTS:
        variants(text, count=50, stats=stats)
    assert stats.texts == len(TEXTS)
    assert stats.accepted["verbs.obligation"] >= 2
    doubled = stats + stats
    assert doubled.texts == 2 * stats.texts
    assert doubled.accepted["verbs.obligation"] == 2 * stats.accepted["verbs.obligation"]
    assert all(doubled.rejected[key] == 2 * n for key, n in stats.rejected.items())


def test_the_same_outcome_by_two_ways_is_a_duplicate() -> None:
    stats = VariantStats()
    # よい stands in two sets here, before a noun and after ほうが; as a whole both write the same.
    for text in ("安いほうがいい店です。", "肉は食べないです。野菜も食べないです。", *TEXTS):
        found = variants(text, count=50, stats=stats)
        assert len({v.text for v in found}) == len(found)
    assert stats.reasons("adjectives.good")[Rejection.DUPLICATE] == 1
    assert stats.rejection_rate("adjectives.good") == 0.5
    assert stats.rejection_rate("no.such") is None


def test_every_operator_declares_itself() -> None:
    names = [operator.name for operator in find_operators()]
    assert len(set(names)) == len(names)
    for operator in find_operators():
        assert operator.name.startswith(operator.family + ".")
        assert operator.family in FAMILIES
        assert operator.description
        trained = operator.use is Use.TRAIN
        assert not trained or (operator.grammatical and operator.meaning is Meaning.KEPT)


@pytest.mark.parametrize(
    ("names", "said"),
    [(["verb"], "Did you mean verbs?"), (["adjectives.god"], "Did you mean adjectives.good?")],
)
def test_an_unknown_operator_is_refused(names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match="No operator or family") as caught:
        variants("雨だ。", operators=names)
    assert said in str(caught.value)


def test_an_operator_for_another_use_is_refused() -> None:
    with pytest.raises(UsageError, match="use train"):
        variants("雨だ。", operators=["verbs.tense"])


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(UsageError, match="-1"):
        variants("雨だ。", count=-1)


NOTHING_TO_SAY = [
    "",
    " \n\t\u3000",
    "。。。！？",
    "\ud800\udfff\x00\x01\x1b[0m",
    "👨‍👩‍👧‍👦🇯🇵😀",
    "print('行かなければならない')",
    "```python\n# とても大きい家だ。\nx = 1\n```",
    "<div class='a'>Hello</div>",
    "The quick brown fox.",
    "https://example.com/見ている",
    "山路を登りながら、かう考へた",
]


@pytest.mark.parametrize("text", NOTHING_TO_SAY)
def test_nothing_to_say(text: str) -> None:
    assert variants(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "ﾃｽﾄを行わなければならない｡",
        "これは<b>とても</b>大きい家です。`x`を見ることができます。",
        "今日は\x00雨です。\ud800傘がないです。",
        "😀今日はとても寒いです😀。",
        "# 見出し\n\n- 大きい家です。\n- いいです。\n",
    ],
)
def test_odd_characters_stay_where_they_are(text: str) -> None:
    for variant in variants(text, count=9):
        kept = [c for c in variant.text if ord(c) < 0x80]
        assert [c for c in text if ord(c) < 0x80] == kept


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_any_string(text: str) -> None:
    for variant in variants(text):
        assert apply_edits(text, variant.edits) == variant.text != text


class CountingAnalyzer:
    """Counts the characters it is shown."""

    name = "counting"

    def __init__(self) -> None:
        self.characters = 0

    def analyze(self, text: str) -> tuple[Morpheme, ...]:
        self.characters += len(text)
        return analyze(text)


@pytest.mark.parametrize(
    "piece", ["あ", "雨が降っています。", "「", "見てる、", "暑い！", "この町は静かだ。"]
)
def test_what_is_analysed_grows_with_length_not_with_its_square(piece: str) -> None:
    analyzer = CountingAnalyzer()
    text = piece * (9_000 // len(piece))
    variants(text, count=1, analyzer=analyzer)
    assert analyzer.characters <= 20 * len(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["あ" * 350_000, "雨が降っています。" * 40_000, "「" * 100_000 + "行かなければならない。"],
    ids=["no sentence", "many sentences", "open quotes"],
)
def test_a_line_of_a_megabyte(text: str) -> None:
    for variant in variants(text, count=1):
        assert apply_edits(text, variant.edits) == variant.text


def test_a_sentence_that_is_data_stays_and_its_neighbours_do_not() -> None:
    data = "見なければならない、" * 200 + "。"
    assert variants(data, operators=["verbs.obligation"]) == []
    (variant,) = variants(data + "行かなければならない。", operators=["verbs.obligation"])
    assert variant.text == data + "行かなくてはならない。"
