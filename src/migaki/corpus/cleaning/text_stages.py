"""Stages that mend the text itself: its encoding, its widths and its punctuation."""

from __future__ import annotations

import html
import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.mojibake import damaged_characters, repair_mojibake
from migaki.corpus.cleaning.rejecting import STRICT, compared, reject
from migaki.corpus.documents import Document, Outcome
from migaki.linguistics.normalization import normalize

__all__ = ["EncodingRepair", "Normalization"]

_Share = Annotated[float, Field(ge=0, le=1)]

# Named and numbered character references that web pages leave behind; not &copy=1 of an address.
_REFERENCE = re.compile(
    r"&(?:#\d{2,7}|#x[0-9a-fA-F]{2,6}|nbsp|amp|lt|gt|quot|apos|hellip|mdash|ndash|yen|copy);"
)

# Control characters without meaning in text, the soft hyphen and the byte order mark.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\ufeff]")
_LINE_ENDS = re.compile("\r\n?|\u2028|\u2029|\u0085")
# `linguistics.normalization` converts what stands behind Japanese; in such a document the other ， are
# Japanese commas too (NHK，BBC; UTC，2008年), but for that of 1，000.
_COMMA = re.compile("(?<![0-9０-９])，|，(?![0-9０-９]{3}(?![0-9０-９]))")
_BEFORE_MARK = "(?<=[ぁ-ゖァ-ヺー々〇〻㐀-鿿豈-\ufaff）」』］〕】〉》])"
_WESTERN = {mark: re.compile(f"{_BEFORE_MARK}{mark}+") for mark in "、，。．"}


@dataclass(config=STRICT, frozen=True, kw_only=True)
class EncodingRepair:
    r"""Puts right what was read in the wrong encoding, where it is certain; rejects what stays damaged.

    1 % of the characters: ours. A page with one U+FFFD in a name stays, a page of 縺ゅ＞ does not.

    Example:
        >>> text = "吾輩は猫である。".encode().decode("latin-1")
        >>> mended = EncodingRepair()(Document(text, id="a:1", source="a", licence="CC0-1.0"))
        >>> mended.text, mended.counts
        ('吾輩は猫である。', {'encoding_repaired_lines': 1})
        >>> lost = Document("名前は\ufffd\ufffdです。", id="a:2", source="a", licence="CC0-1.0")
        >>> EncodingRepair()(lost).detail
        'damaged characters 0.250 > 0.010'
    """

    name: ClassVar[str] = "encoding_repair"
    reasons: ClassVar[tuple[str, ...]] = ("encoding_damage",)

    max_damaged: _Share = 0.01
    """Characters that no encoding explains, per character."""
    references: bool = True
    """Write &amp;amp; and &amp;#12354; as the characters they stand for."""

    def __call__(self, document: Document) -> Outcome:
        """Mend, keep or reject one document."""
        repair = repair_mojibake(document.text)
        text, replaced = repair.text, 0
        if self.references and "&" in text:
            text, replaced = _REFERENCE.subn(lambda found: html.unescape(found.group()), text)
        damaged = damaged_characters(text)
        if damaged > self.max_damaged * len(text):
            detail = f"damaged characters {compared(damaged / len(text), '>', self.max_damaged)}"
            return reject(document, self, "encoding_damage", detail)
        if text == document.text:
            return document
        counts = {"encoding_repaired_lines": repair.lines, "character_references": replaced}
        return document.counting(counts, text=text)


@dataclass(config=STRICT, frozen=True, kw_only=True)
class Normalization:
    """Unifies widths and doubled code points (`linguistics.normalization`), and removes invisible junk.

    NFKC, which HojiChar's `DocumentNormalizer` applies, spoils text that is to be learnt from: it makes
    ！ into ! and ① into 1. Full stops and commas are converted as in Swallow v1 (`kutoten.py`): in a
    document that has more ， than 、, and only there; behind Latin letters and figures too (UTC，2008年).

    Example:
        >>> page = Document("ﾃﾞｰﾀは１，０００件，猫は３匹です．", id="a:1", source="a", licence="CC0-1.0")
        >>> Normalization()(page).text
        'データは1,000件、猫は3匹です。'
    """

    name: ClassVar[str] = "normalization"
    reasons: ClassVar[tuple[str, ...]] = ()

    kana: bool = True
    """Half-width katakana become full-width."""
    marks: bool = True
    """One wave dash, one dash."""
    alphanumerics: Literal["half", "keep"] = "half"
    """Ａ１ become A1."""
    spaces: Literal["half", "keep"] = "keep"
    """The full-width space becomes an ASCII one; it is the indent of a Japanese paragraph."""
    punctuation: Literal["majority", "japanese", "keep"] = "majority"
    """，． become 、。: where they are the more frequent ones, always, or never."""

    def __call__(self, document: Document) -> Outcome:
        """Return the document with its text unified."""
        text = _LINE_ENDS.sub("\n", document.text)
        text, junk = _INVISIBLE.subn("", text)
        convert = self.punctuation == "japanese" or (
            self.punctuation == "majority" and _is_western(text)
        )
        text = normalize(
            text,
            kana=self.kana,
            marks=self.marks,
            alphanumerics=self.alphanumerics,
            spaces=self.spaces,
            punctuation="japanese" if convert else "keep",
        )
        if convert and "，" in text:
            text = _COMMA.sub("、", text)
        if text == document.text:
            return document
        return document.with_text(text, normalized=1, invisible_characters=junk)


def _is_western(text: str) -> bool:
    """Tell whether ， or ． is the mark of this document."""
    if "，" not in text and "．" not in text:
        return False
    count = {mark: len(pattern.findall(text)) for mark, pattern in _WESTERN.items()}
    return count["，"] > count["、"] or count["．"] > count["。"]
