"""Filters that look at which characters a text is made of, and how many."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.measures import Measures, measure
from migaki.corpus.cleaning.rejecting import STRICT, Fault, compared, reject, reject_body
from migaki.corpus.documents import Document, Outcome
from migaki.linguistics.hanzi import simplified_glyphs
from migaki.linguistics.script import Script
from migaki.linguistics.tables import read_table

__all__ = ["JapaneseRatio", "KanaShares", "Length", "SimplifiedChinese", "Symbols"]

_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]


@dataclass(config=STRICT, frozen=True, kw_only=True)
class Length:
    """Rejects what has too few Japanese letters to learn from, or is too long to be one text.

    400 kana and kanji: Swallow v1 (400 letters and 400 Japanese letters). Other presets go lower: a
    dialogue of 20 letters is whole.

    Example:
        >>> short = Document("はい、そうです。", id="a:1", source="a", licence="CC0-1.0")
        >>> Length(min_japanese=10)(short).detail
        '6 kana and kanji < 10'
    """

    name: ClassVar[str] = "length"
    reasons: ClassVar[tuple[str, ...]] = ("too_short", "too_long")

    min_japanese: _Count = 400
    """Kana and kanji."""
    max_characters: _Count | None = None
    """Characters of any kind; null: no limit."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        characters = len(document.text)
        if self.max_characters is not None and characters > self.max_characters:
            detail = f"{characters:,} characters > {self.max_characters:,}"
            return reject(document, self, "too_long", detail)
        japanese = measure(document.text).japanese
        if japanese < self.min_japanese:
            detail = f"{japanese:,} kana and kanji < {self.min_japanese:,}"
            return reject(document, self, "too_short", detail)
        return document


@dataclass(config=STRICT, frozen=True, kw_only=True)
class JapaneseRatio:
    """Rejects what is not written in Japanese.

    Half of the letters: Swallow v1 has half of the characters; NWJC 70 %. Per letter, figures, marks
    and line ends change nothing. HojiChar's `AcceptJapanese` looks for one kana among the first 50
    characters: an English page that says こんにちは passes, a Japanese one with an English title does not.

    Example:
        >>> page = Document("Hello, world! こんにちは", id="a:1", source="a", licence="CC0-1.0")
        >>> JapaneseRatio()(page).detail
        'Japanese ratio 0.333 < 0.500'
    """

    name: ClassVar[str] = "japanese_ratio"
    reasons: ClassVar[tuple[str, ...]] = ("too_little_japanese",)

    min_ratio: _Share = 0.5
    """Kana and kanji per letter."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        ratio = measure(document.text).prose.japanese_ratio
        if ratio < self.min_ratio:
            detail = f"Japanese ratio {compared(ratio, '<', self.min_ratio)}"
            return reject(document, self, "too_little_japanese", detail)
        return document


@dataclass(config=STRICT, frozen=True, kw_only=True)
class KanaShares:
    """Rejects lists of kanji or katakana words: running Japanese has hiragana between them.

    Hiragana 20 % or more, katakana 50 % or less of the kana and kanji: Swallow v1. NWJC asks for 5 % of
    hiragana.

    Example:
        >>> menu = Document("商品一覧 会社概要 採用情報 個人情報保護方針", id="a:1", source="a", licence="CC0-1.0")
        >>> KanaShares()(menu).detail
        'hiragana per kana and kanji 0.000 < 0.200'
    """

    name: ClassVar[str] = "kana_shares"
    reasons: ClassVar[tuple[str, ...]] = ("too_little_hiragana", "too_much_katakana")

    min_hiragana: _Share = 0.2
    """Hiragana per kana and kanji."""
    max_katakana: _Share = 0.5
    """Katakana per kana and kanji."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        return reject_body(document, self, self._fault)

    def _fault(self, measures: Measures) -> Fault:
        hiragana, katakana = measures.hiragana_share, measures.katakana_share
        if hiragana < self.min_hiragana:
            detail = f"hiragana per kana and kanji {compared(hiragana, '<', self.min_hiragana)}"
            return "too_little_hiragana", detail
        if katakana > self.max_katakana:
            detail = f"katakana per kana and kanji {compared(katakana, '>', self.max_katakana)}"
            return "too_much_katakana", detail
        return None


@dataclass(config=STRICT, frozen=True, kw_only=True)
class Symbols:
    """Rejects what is made of marks and symbols: rules, emoticons, price tags.

    0.4: HojiChar's `DiscardTooManySpecialToken`, after BigScience, whose list of characters also holds
    white space. Here white space counts neither above nor below the line, so that code and tables,
    which are indented, are not told from their margins.

    Example:
        >>> line = Document("★☆★☆★セール☆★☆★☆", id="a:1", source="a", licence="CC0-1.0")
        >>> Symbols()(line).detail
        'marks and symbols 0.769 > 0.400'
    """

    name: ClassVar[str] = "symbols"
    reasons: ClassVar[tuple[str, ...]] = ("too_many_symbols",)

    max_share: _Share = 0.4
    """Marks and symbols per character that is no white space."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        share = measure(document.text).prose.symbol_share
        if share > self.max_share:
            detail = f"marks and symbols {compared(share, '>', self.max_share)}"
            return reject(document, self, "too_many_symbols", detail)
        return document


@dataclass(config=STRICT, frozen=True, kw_only=True)
class SimplifiedChinese:
    """Rejects Chinese pages and Japanese ones with Chinese left in them.

    Characters that Chinese has and Japanese has not (`linguistics.hanzi`), per kanji. Both numbers
    must be passed: an article that quotes a Chinese name holds a few of them.

    Example:
        >>> page = Document("这个问题很难。日本語の頁です。", id="a:1", source="a", licence="CC0-1.0")
        >>> SimplifiedChinese(min_characters=3)(page).detail
        'simplified characters per kanji 0.400 > 0.050: 4 (这问题难)'
    """

    name: ClassVar[str] = "simplified_chinese"
    reasons: ClassVar[tuple[str, ...]] = ("simplified_chinese",)

    max_share: _Share = 0.05
    """Simplified characters per kanji. Chinese text has some 0.3; news about China quote a title or two."""
    min_characters: Annotated[int, Field(ge=1)] = 10
    """Fewer are no sign, whatever their share."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        measures = measure(document.text)
        suspects = _simplified()[np.minimum(measures.points, 0xFFFF)]
        if np.count_nonzero(suspects) < self.min_characters:
            return document
        found = [glyph.char for glyph in simplified_glyphs(document.text)]
        share = len(found) / max(1, measures.scripts[Script.KANJI])
        if len(found) >= self.min_characters and share > self.max_share:
            shown = "".join(dict.fromkeys(found))[:10]
            compare = compared(share, ">", self.max_share)
            detail = f"simplified characters per kanji {compare}: {len(found)} ({shown})"
            return reject(document, self, "simplified_chinese", detail)
        return document


@lru_cache(maxsize=1)
def _simplified() -> NDArray[np.bool_]:
    """Return which code points of the BMP are simplified characters; a look that rules most texts out."""
    table = np.zeros(0x10000, dtype=np.bool_)
    for char, *_ in read_table("simplified_hanzi.tsv", columns=3):
        table[ord(char) & 0xFFFF] = True
    return table
