"""Characters that Shift_JIS has not, as Aozora Bunko describes them behind a ※.

``※［＃「髟／兵」、第3水準1-94-27］`` names plane, row and cell (面区点) of JIS X 0213,
``※［＃「木＋世」、U+67BB、382-9］`` a code point of Unicode. Python's own codec ``euc_jis_2004`` is the
table of JIS X 0213. A bare pair of numbers (``382-9``) is page and line of the book.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from migaki.corpus.aozora.tables import read_rows

__all__ = ["character_of"]

_MEN_KU_TEN = re.compile(r"(?:水準|、|^)([12])-(\d{1,2})-(\d{1,2})(?![-\d])")
_CODE_POINT = re.compile(r"U\+([0-9A-Fa-f]{4,6})(?![0-9A-Fa-f])")


def character_of(description: str) -> str | None:
    """Return the character that a note behind ※ describes; None where it cannot be told.

    Args:
        description: The inside of the note.

    Example:
        >>> character_of("「髟／兵」、第3水準1-94-27"), character_of("「木＋世」、U+67BB、382-9")
        ('鬂', '枻')
        >>> character_of("小書き平仮名ん、168-12"), character_of("「口＋世」、73-12")
        ('ん', None)
    """
    text = unicodedata.normalize("NFKC", description)
    if found := _CODE_POINT.search(text):
        return _of_code_point(int(found[1], 16))
    for found in _MEN_KU_TEN.finditer(text):
        plane, row, cell = (int(number) for number in found.groups())
        if character := _of_men_ku_ten(plane, row, cell):
            return character
    return _described().get(unicodedata.normalize("NFC", description).split("、")[0])


def _of_code_point(code: int) -> str | None:
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return None
    character = chr(code)
    return None if unicodedata.category(character) in ("Cc", "Cn", "Cs") else character


def _of_men_ku_ten(plane: int, row: int, cell: int) -> str | None:
    if not (1 <= row <= 94 and 1 <= cell <= 94):
        return None
    data = bytes([0xA0 + row, 0xA0 + cell])
    try:
        return (b"\x8f" + data if plane == 2 else data).decode("euc_jis_2004")
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=1)
def _described() -> dict[str, str]:
    return {description: text for description, text in read_rows("gaiji.tsv", columns=2)}
