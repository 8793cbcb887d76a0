"""Accented Latin letters: ``〔e'tude〕`` is étude (アクセント分解)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from migaki.corpus.aozora.tables import read_rows

__all__ = ["compose_accents"]

_BRACKETS = re.compile(r"〔([^〔〕]*)〕")
_LIGATURES = {"ae&": "æ", "AE&": "Æ", "oe&": "œ", "OE&": "Œ"}


def compose_accents(text: str) -> tuple[str, int]:
    """Write accented letters for their decomposition; return the text and how many letters.

    The brackets go where something inside was composed; other text in 〔 〕, which editors use for
    what they add, stays with its brackets.

    Example:
        >>> compose_accents("〔Cafe' Mu:ller〕の〔二字欠〕")
        ('Café Müllerの〔二字欠〕', 2)
    """
    letters = 0

    def compose(found: re.Match[str]) -> str:
        nonlocal letters
        table, pattern = _table()
        inside, count = pattern.subn(lambda letter: table[letter.group()], found[1])
        letters += count
        return inside if count else found.group()

    if "〔" not in text:
        return text, 0
    return _BRACKETS.sub(compose, text), letters


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], re.Pattern[str]]:
    table = dict(_LIGATURES)
    for letters, mark, made in read_rows("accents.tsv", columns=3):
        for place, letter in enumerate(letters):
            if made.startswith("U+"):
                combined = letter + chr(int(made[2:], 16))
                table[letter + mark] = unicodedata.normalize("NFC", combined)
            else:
                table[letter + mark] = made[place]
    keys = sorted(table, key=len, reverse=True)
    return table, re.compile("|".join(re.escape(key) for key in keys))
