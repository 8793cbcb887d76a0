"""What is the same to a reader folds to the same string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.folding import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＢＣ、です。", "abcです"),
        ("ﾃﾞｰﾀ", "データ"),
        ("本当 ですか？", "本当ですか！？"),
        ("『雨』\u200bだ\ufeff", "「雨」だ"),
        ("か\u3099", "が"),
        ("〜から――まで…", "～から——まで"),
    ],
)
def test_what_makes_no_difference(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5倍", "15倍"),
        ("3:00に", "300に"),
        ("x+y", "xy"),
        ("a-b", "ab"),
        ("😀", "😡"),
        ("きょう", "今日"),
    ],
)
def test_what_makes_one(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_nothing_is_added(text: str) -> None:
    folded = fold(text)
    assert not any(character.isspace() for character in folded)
    assert fold(f" {text}　") == folded
