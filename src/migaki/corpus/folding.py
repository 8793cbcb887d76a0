"""The form in which texts are compared: what is the same to a reader becomes the same string.

Only ever compared or hashed, never written: NFKC is right here for the reason that it is wrong in
`migaki.linguistics.normalization`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["fold"]

_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"


def fold(text: str) -> str:
    """Return the text without what makes no difference to a reader.

    Width (NFKC), case, white space, punctuation (Unicode's P*, and ～) and invisible characters are
    folded away. Symbols (S*: + = < $ and emoji) stay, and so does a mark inside a number or a Latin word:
    1.5 is not 15. Kana and kanji stay as they are: 今日 and きょう are two spellings, and telling that
    they are one word needs a reading.

    Args:
        text: Any string.

    Example:
        >>> fold("「ﾃﾞｰﾀは１.５倍！」　と言った。")
        'データは1.5倍と言った'
    """
    return _ignored().sub("", unicodedata.normalize("NFKC", text).lower())


@cache
def _ignored() -> re.Pattern[str]:
    marks = "~" + "".join(  # ～ under NFKC; its other code point, 〜, is punctuation
        re.escape(chr(code))
        for code in range(0x10000)  # the punctuation of living scripts is all in the first plane
        if unicodedata.category(chr(code)).startswith("P")
    )
    return re.compile(rf"[\s{_INVISIBLE}{marks}]+(?<![0-9a-z][{marks}](?=[0-9a-z]))")
