"""Which script a character belongs to, how wide it is, and how much of a text is Japanese."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

__all__ = [
    "Script",
    "Width",
    "japanese_ratio",
    "kana_ratio",
    "kanji_ratio",
    "script_of",
    "scripts_of",
    "width_of",
]

# The blocks of the Unicode Standard, chapter 18. ー and the half-width marks ﾞ ﾟ are written with
# katakana first of all; 々 〆 and 〇 are written as kanji.
_HIRAGANA = "\u3041-\u3096\u309d-\u309f\U0001b001-\U0001b11f\U0001b132\U0001b150-\U0001b152"
_KATAKANA = (
    "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
    "\U0001aff0-\U0001afff\U0001b000\U0001b120-\U0001b122\U0001b155\U0001b164-\U0001b167"
)
_KANJI = "々〆〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_KANA_RUN = re.compile(f"[{_HIRAGANA}{_KATAKANA}]+")
_KANJI_RUN = re.compile(f"[{_KANJI}]+")


class Script(StrEnum):
    """What a character is, as a reader of Japanese sorts them (字種)."""

    HIRAGANA = "hiragana"  # ひらがな, ゝ
    KATAKANA = "katakana"  # カタカナ, ー, ｶ
    KANJI = "kanji"  # 漢字, 々, 〆, 〇; the simplified characters of Chinese too
    LATIN = "latin"  # ローマ字: a, é, Ａ
    DIGIT = "digit"  # 数字: 1, １
    SYMBOL = "symbol"  # 記号・約物: 。, ！, +, an emoji
    SPACE = "space"  # 空白: half or full width, line ends
    OTHER = "other"  # another script, control characters, lone surrogates


class Width(StrEnum):
    """How wide a character is set (Unicode Standard Annex 11, East Asian Width)."""

    FULL = "full"  # 全角: あ, Ａ, ！ (classes W and F)
    HALF = "half"  # 半角: a, !, ｱ (classes Na and H)
    EITHER = "either"  # full in a Japanese font, half in another: …, ①, α (class A)
    NEUTRAL = "neutral"  # not of East Asian typography (class N)


_WIDTHS = {"W": Width.FULL, "F": Width.FULL, "Na": Width.HALF, "H": Width.HALF, "A": Width.EITHER}
_SCRIPTS = [
    (re.compile(f"[{_HIRAGANA}]"), Script.HIRAGANA),
    (re.compile(f"[{_KATAKANA}]"), Script.KATAKANA),
    (re.compile(f"[{_KANJI}]"), Script.KANJI),
    (re.compile("[A-Za-zＡ-Ｚａ-ｚªº\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]"), Script.LATIN),
    (re.compile(r"\d"), Script.DIGIT),
    (re.compile(r"\s"), Script.SPACE),
]  # fmt: skip


def script_of(char: str) -> Script:
    """Tell the script of one character.

    Example:
        >>> [script_of(char).value for char in "あｱ漢Ａ７！"]
        ['hiragana', 'katakana', 'kanji', 'latin', 'digit', 'symbol']
    """
    for pattern, script in _SCRIPTS:
        if pattern.match(char):
            return script
    return Script.SYMBOL if unicodedata.category(char)[0] in "PSMN" else Script.OTHER


def scripts_of(text: str) -> list[Script]:
    """Tell the script of every character of a long text; faster than asking one by one.

    Example:
        >>> [script.value for script in scripts_of("7匹の😺")]
        ['digit', 'kanji', 'hiragana', 'symbol']
    """
    found = [
        Script.SYMBOL if category[0] in "PSMN" else Script.OTHER
        for category in map(unicodedata.category, text)
    ]
    for pattern, script in reversed(_SCRIPTS):  # the first that matches wins in `script_of`
        for place in re.finditer(f"(?:{pattern.pattern})+", text):
            start, end = place.span()
            found[start:end] = [script] * (end - start)
    return found


def width_of(char: str) -> Width:
    """Tell the width of one character.

    Example:
        >>> [width_of(char).value for char in "アｱ！!…"]
        ['full', 'half', 'full', 'half', 'either']
    """
    return _WIDTHS.get(unicodedata.east_asian_width(char), Width.NEUTRAL)


def japanese_ratio(text: str) -> float:
    """Kana and kanji per letter, 0–1: how much of what is *written in words* is Japanese.

    Letters are Unicode's categories L* of every script, and 〇; digits, punctuation, symbols, emoji
    and white space count neither above nor below the line, so that a table of figures or a long
    line of ＝＝＝ changes nothing. A text without letters has ratio 0.

    Chinese has kanji too: a text with a high ratio here and `kana_ratio` near 0 is not Japanese.

    Example:
        >>> japanese_ratio("Python 3.13 を使う！")
        0.3333333333333333
    """
    kana, kanji, letters = _counts(text)
    return (kana + kanji) / letters if letters else 0.0


def kana_ratio(text: str) -> float:
    """Hiragana and katakana (half-width too) per letter, 0–1; letters as in `japanese_ratio`.

    Example:
        >>> kana_ratio("漢字かな")
        0.5
    """
    kana, _, letters = _counts(text)
    return kana / letters if letters else 0.0


def kanji_ratio(text: str) -> float:
    """Kanji, 々, 〆 and 〇 per letter, 0–1; letters as in `japanese_ratio`.

    `kana_ratio` and `kanji_ratio` add up to `japanese_ratio`.

    Example:
        >>> kanji_ratio("人々のMap")
        0.3333333333333333
    """
    _, kanji, letters = _counts(text)
    return kanji / letters if letters else 0.0


def _counts(text: str) -> tuple[int, int, int]:
    """Return the numbers of kana, of kanji and of letters."""
    without_kana = _KANA_RUN.sub("", text)
    rest = _KANJI_RUN.sub("", without_kana)
    japanese = len(text) - len(rest)
    return (
        len(text) - len(without_kana),
        len(without_kana) - len(rest),
        japanese + sum(map(str.isalpha, rest)),
    )
