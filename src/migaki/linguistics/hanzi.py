"""Simplified Chinese characters inside Japanese text: 検证 where Japanese writes 検証.

Models that learnt more Chinese than Japanese slip such characters into their answers, and corpora
hold them where Chinese is quoted. A character counts as simplified Chinese when everyday Chinese has
it and Japanese has not: GB 2312 holds it, JIS X 0208 does not. What both use is never one (国 会 机 叶),
nor are the old forms of Japanese that Chinese shares (歩 as 步, 黒 as 黑, 徳 as 德), nor are the
words of Japanese with such a character (団栾, 小种, 仿製). The table and its sources:
`tables/simplified_hanzi.tsv`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from migaki.linguistics.tables import read_table

__all__ = ["SimplifiedGlyph", "simplified_glyphs", "to_japanese_glyphs"]


class SimplifiedGlyph(NamedTuple):
    """A character that Japanese does not use.

    Attributes:
        offset: Its place in the text, in characters.
        char: The character.
        japanese: The characters that Japanese uses for it, the usual one first: one (证: 証), several
            where Chinese merged them (发: 発髪), none where Japanese has no such character (够).
    """

    offset: int
    char: str
    japanese: str


def simplified_glyphs(text: str) -> list[SimplifiedGlyph]:
    """Find the simplified Chinese characters of a text.

    Example:
        >>> simplified_glyphs("検证を开始する")
        [SimplifiedGlyph(offset=1, char='证', japanese='証'), SimplifiedGlyph(offset=3, char='开', japanese='開')]
        >>> simplified_glyphs("国会で机に向かう")
        []
    """
    return list(_find(text))


def to_japanese_glyphs(text: str) -> str:
    """Write the Japanese character for each simplified one that has exactly one.

    The others stay: they need a reader (发 is 発 in 发表 and 髪 in 头发). This corrects characters, it
    does not translate: a Chinese sentence remains Chinese.

    Example:
        >>> to_japanese_glyphs("检证の结果を确认し、发表する")
        '検証の結果を確認し、发表する'
    """
    pieces: list[str] = []
    done = 0
    for glyph in _find(text):
        if len(glyph.japanese) == 1:
            pieces += (text[done : glyph.offset], glyph.japanese)
            done = glyph.offset + 1
    return "".join(pieces) + text[done:]


def _find(text: str) -> Iterator[SimplifiedGlyph]:
    counterparts, pattern = _table()
    for found in pattern.finditer(text):
        char = found.group()
        if len(char) == 1:  # else it is a Japanese word
            yield SimplifiedGlyph(found.start(), char, counterparts[char])


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], re.Pattern[str]]:
    """Return the counterparts and what finds, longest first, Japanese words and characters."""
    rows = read_table("simplified_hanzi.tsv", columns=3)
    counterparts = {char: japanese for char, japanese, _ in rows}
    words = [word for _, _, used in rows for word in used.split("|") if word]
    words.sort(key=len, reverse=True)
    return counterparts, re.compile("|".join([*words, f"[{''.join(counterparts)}]"]))
