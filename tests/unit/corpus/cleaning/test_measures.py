"""The measures are what a plain reading of their definitions gives."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.cleaning.measures import Measures, measure

TEXTS = st.text(st.sampled_from("あいうアイウ漢字。、！？…・\n 　ab1"), max_size=200)


def ngrams(text: str, size: int) -> Counter[str]:
    return Counter(text[i : i + size] for i in range(len(text) - size + 1))


@given(TEXTS, st.integers(2, 10))
def test_the_most_frequent_ngram(text: str, size: int) -> None:
    counts = ngrams(text, size)
    expected = max(counts.values()) / counts.total() if counts else 0.0
    assert math.isclose(Measures(text).top_ngram_share(size), expected)


@given(TEXTS, st.integers(5, 10))
def test_ngrams_that_stand_more_than_once(text: str, size: int) -> None:
    counts = ngrams(text, size)
    expected = sum(n > 1 for n in counts.values()) / len(counts) if counts else 0.0
    assert math.isclose(Measures(text).repeated_ngram_share(size), expected)


@given(TEXTS, st.integers(5, 9))
def test_no_longer_ngram_is_above_the_bound(text: str, size: int) -> None:
    measures = Measures(text)
    bound = measures.most_repeated_longer(size)
    assert all(measures.repeated_ngram_share(n) <= bound for n in range(size + 1, 11))


@given(TEXTS)
def test_the_frequent_ngrams_are_those_of_hojichar(text: str) -> None:
    filters = pytest.importorskip("hojichar").document_filters.CharRepetitionRatioFilter
    expected = filters.compute_character_repetition_ratio(text, 5)
    assert math.isclose(Measures(text).frequent_ngram_share, expected)


@given(TEXTS)
def test_repeated_lines(text: str) -> None:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    again = [line for number, line in enumerate(lines) if line in lines[:number]]
    measures = Measures(text)
    assert math.isclose(measures.repeated_lines, len(again) / len(lines) if lines else 0.0)
    total = sum(map(len, lines))
    share = sum(map(len, again)) / total if total else 0.0
    assert math.isclose(measures.repeated_lines_in_characters, share)


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("あ" * 20 + "い" * 30, (30, "い")),
        (" " * 9 + "いい", (2, "い")),
        (" " * 300, (0, "")),
        ("", (0, "")),
    ],
)
def test_the_longest_run(text: str, run: tuple[int, str]) -> None:
    assert Measures(text).longest_run == run


def test_sentences_end_at_marks_and_lines() -> None:
    assert Measures("雨だ。傘は？\n 見出し \n行こう！！").sentences == [
        "雨だ。",
        "傘は？",
        "見出し",
        "行こう！！",
    ]


def test_one_text_is_measured_once() -> None:
    assert measure("同じ文章。") is measure("同じ" + "文章。")


@pytest.mark.parametrize("text", ["", "\n", "\ud800", "\U0010ffff", "a" * 3])
def test_strange_text_has_measures(text: str) -> None:
    measures = Measures(text)
    assert 0 <= measures.japanese_ratio <= 1
    assert 0 <= measures.symbol_share <= 1
    assert measures.top_ngram_share(4) == 0
    assert measures.average_sentence_length >= 0
