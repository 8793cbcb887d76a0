"""Characters are sorted as a reader sorts them, and shares count what their docstrings say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.linguistics.script import (
    Script,
    Width,
    japanese_ratio,
    kana_ratio,
    kanji_ratio,
    script_of,
    width_of,
)

ANY_TEXT = st.text(st.characters(codec=None) | st.characters(categories=["Cs"]))


@pytest.mark.parametrize(
    ("chars", "script"),
    [
        ("あぁゔゝゞゟ", Script.HIRAGANA),
        ("アァヴヷーヽヾヶㇰｱﾞ", Script.KATAKANA),
        ("漢々〆〇㐂𠮷神证", Script.KANJI),
        ("aZéÅＡｚ", Script.LATIN),
        ("0９٣", Script.DIGIT),
        ("。！、・「」〜゛゜…①Ⅳ½♪😀+＋", Script.SYMBOL),
        (" 　\t\n\u2028", Script.SPACE),
        ("한Жαا\x00\u200d\ud800", Script.OTHER),
    ],
)
def test_script_of(chars: str, script: Script) -> None:
    assert {char: script_of(char) for char in chars} == dict.fromkeys(chars, script)


@pytest.mark.parametrize(
    ("chars", "width"),
    [
        ("あ漢ー！Ａ　😀", Width.FULL),
        ("a!ｱﾞ｡ ", Width.HALF),
        ("…①α", Width.EITHER),
        ("ا\x00\ud800", Width.NEUTRAL),
    ],
)
def test_width_of(chars: str, width: Width) -> None:
    assert {char: width_of(char) for char in chars} == dict.fromkeys(chars, width)


@pytest.mark.parametrize(
    ("text", "kana", "kanji"),
    [
        ("", 0, 0),
        ("12,345 ！？ 😀 ──", 0, 0),
        ("ＡＢＣ abc", 0, 0),
        ("東京へ", 1 / 3, 2 / 3),
        ("ｶﾞｽ", 1, 0),
        ("二〇二六", 0, 1),
        ("コーヒー", 1, 0),
        ("日本語とEnglish", 1 / 11, 3 / 11),
        ("我们检查一下", 0, 1),
        ("안녕 さん", 2 / 4, 0),
    ],
)
def test_shares(text: str, kana: float, kanji: float) -> None:
    assert kana_ratio(text) == pytest.approx(kana)
    assert kanji_ratio(text) == pytest.approx(kanji)
    assert japanese_ratio(text) == pytest.approx(kana + kanji)


@settings(deadline=None)
@given(ANY_TEXT)
def test_shares_are_shares(text: str) -> None:
    kana, kanji, japanese = kana_ratio(text), kanji_ratio(text), japanese_ratio(text)
    assert 0 <= kana <= 1
    assert 0 <= kanji <= 1
    assert 0 <= japanese <= 1
    assert japanese == pytest.approx(kana + kanji)


@settings(deadline=None)
@given(st.text(st.characters(categories=["Nd", "P", "Z", "Sm", "Sc"], exclude_characters="〇")))
def test_what_is_no_letter_changes_nothing(noise: str) -> None:
    assert japanese_ratio(f"これはPythonです{noise}") == japanese_ratio("これはPythonです")


@settings(deadline=None)
@given(st.characters(codec=None) | st.characters(categories=["Cs"]))
def test_every_character_has_one_script_and_one_width(char: str) -> None:
    assert script_of(char) in Script
    assert width_of(char) in Width
    japanese = script_of(char) in (Script.HIRAGANA, Script.KATAKANA, Script.KANJI)
    assert japanese == (japanese_ratio(char) == 1)
