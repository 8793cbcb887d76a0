"""The floor of the model card: its probabilities must be probabilities."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

from char_ngram import END, START, UNKNOWN, CharNgram

TEXTS = [
    "春はあけぼの。",
    "夏は夜。月のころはさらなり。",
    "秋は夕暮れ。",
    "冬はつとめて。",
    "春は春。",
] * 3
CONTEXTS = [
    START * 4,
    START * 3 + "春",
    "春はあけ",
    "夏は夜。",
    "未知の文",
    "は" + UNKNOWN + "は夜",
    "",
]


@pytest.fixture(scope="module")
def model() -> CharNgram:
    return CharNgram(TEXTS, order=5)


@pytest.mark.parametrize("context", CONTEXTS)
def test_sums_to_one_over_the_vocabulary_with_unknown(model: CharNgram, context: str) -> None:
    total = sum(model.probability(context, char) for char in model.vocabulary)
    assert total == pytest.approx(1.0, abs=1e-9)


def test_vocabulary_holds_end_and_unknown_but_no_start(model: CharNgram) -> None:
    assert END in model.vocabulary
    assert UNKNOWN in model.vocabulary
    assert START not in model.vocabulary


def test_everything_has_a_chance(model: CharNgram) -> None:
    assert all(model.probability("は夜。", char) > 0 for char in model.vocabulary)
    assert math.isfinite(model.bits("竜宮城"))


def test_prefers_what_it_has_seen(model: CharNgram) -> None:
    assert model.bits("春はあけぼの。") < model.bits("のぼけあは春。")


def test_bits_of_an_empty_text_are_those_of_its_end(model: CharNgram) -> None:
    assert model.bits("") == pytest.approx(-math.log2(model.probability(START * 4, END)))
