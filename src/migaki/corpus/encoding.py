"""Tell Japanese text encodings apart: UTF-8, CP932 (Shift_JIS), EUC-JP, ISO-2022-JP, UTF-16.

A byte order mark or an escape sequence decides at once, then strict UTF-8, whose structure is
almost never met by chance. What remains is CP932 or EUC-JP: each is decoded strictly, and where
both succeed the one whose characters look more like Japanese wins. The look is a table of what
written Japanese is made of: hiragana, katakana, punctuation, JIS level-1 kanji; half-width
katakana and level-2 kanji, which is what the wrong one of the two produces, count against.
Latin-1 is never a candidate: it decodes anything, and always into rubbish.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from migaki.errors import DataError

__all__ = ["Encoding", "EncodingError", "decode", "detect_encoding", "named_encoding"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16-LE, so it stands before it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ISO_2022_JP = re.compile(rb"\x1b\$[@B]|\x1b\(J|\x1b\$\([DOPQ]")
_KANJI_LEVEL_2 = 0x5021  # first code of JIS X 0208 level 2 (弌), row and cell as 7-bit bytes

_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "cp932": "CP932 (Shift_JIS)",
    "euc_jp": "EUC-JP",
    "euc_jis_2004": "EUC-JIS-2004",
    "shift_jis_2004": "Shift_JIS-2004",
    "iso2022_jp": "ISO-2022-JP",
    "iso2022_jp_ext": "ISO-2022-JP",
    "utf-16": "UTF-16",
    "utf-32": "UTF-32",
}


class EncodingError(DataError):
    """Text is in no encoding that is known, or not in the one that was chosen.

    Args:
        message: Where, and what it is not.
        advice: What to do next; ``{}`` stands for how the encoding is named.
    """

    def __init__(self, message: str, *, advice: str) -> None:
        super().__init__(message, hint=advice.format("--encoding NAME"))
        self._advice = advice

    def named_by(self, setting: str) -> EncodingError:
        """Return the error for a caller to whom the encoding is named otherwise.

        Args:
            setting: What to write: ``data.encoding=NAME``.
        """
        error = EncodingError(self.message, advice=self._advice)
        error.hint = self._advice.format(setting)
        return error


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding and why it was chosen."""

    codec: str
    """Name for ``bytes.decode``."""
    reason: str
    """Why, for people."""

    @property
    def name(self) -> str:
        """The name that people use."""
        return _NAMES.get(self.codec, self.codec)


def named_encoding(name: str) -> Encoding:
    """Return the encoding that the user names.

    Args:
        name: Any spelling that Python knows; Shift_JIS is read as CP932, its everyday superset.

    Raises:
        DataError: There is no such encoding.

    Example:
        >>> named_encoding("Shift_JIS").codec
        'cp932'
    """
    try:
        codec = codecs.lookup(name).name
        b"a".decode(codec, errors="ignore")  # Python's list also holds base64, rot13, idna
    except (LookupError, ValueError) as err:
        raise DataError(
            f"There is no text encoding '{name}'.",
            hint="Valid: auto, utf-8, cp932, euc_jp, iso2022_jp, utf-16.",
        ) from err
    codec = {"shift_jis": "cp932", "utf_8": "utf-8"}.get(codec, codec)
    return Encoding(codec, "as asked")


def detect_encoding(data: bytes, *, where: str = "the text") -> Encoding:
    """Find the encoding of Japanese text.

    Args:
        data: The whole file, or a beginning of it that ends at a line end.
        where: What the data is called in messages.

    Raises:
        EncodingError: No candidate decodes it.

    Example:
        >>> detect_encoding("吾輩は猫である。".encode("cp932")).name
        'CP932 (Shift_JIS)'
        >>> detect_encoding("吾輩は猫である。".encode("euc_jp")).name
        'EUC-JP'
    """
    for mark, codec in _BOMS:
        if data.startswith(mark) and _decodes(data, codec):
            return Encoding(codec, "it begins with a byte order mark")
    if _ISO_2022_JP.search(data) and data.isascii():
        for codec in ("iso2022_jp", "iso2022_jp_ext"):
            if _decodes(data, codec):
                return Encoding(codec, "it switches character sets by escape sequences")
    if _decodes(data, "utf-8"):
        return Encoding("utf-8", "every byte sequence is valid UTF-8")
    return _legacy(data, where)


def decode(data: bytes, encoding: Encoding, *, where: str = "the text") -> str:
    """Decode strictly.

    Args:
        data: The bytes.
        encoding: As detected or named.
        where: What the data is called in messages.

    Raises:
        EncodingError: A byte does not fit; the message gives its line.
    """
    try:
        return data.decode(encoding.codec)
    except UnicodeError as err:
        start = getattr(err, "start", 0)
        line = data[:start].count(b"\n") + 1
        raise EncodingError(
            f"{where}:{line}: byte {start} is not valid {encoding.name}.",
            advice="Name the encoding with {}, or repair the file.",
        ) from err


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeError:
        return False
    return True


def _legacy(data: bytes, where: str) -> Encoding:
    # The JIS X 0213 codecs are tried only where the everyday ones fail: they accept more rubbish.
    for pair in (("cp932", "euc_jp"), ("shift_jis_2004", "euc_jis_2004")):
        texts = {codec: data.decode(codec) for codec in pair if _decodes(data, codec)}
        if not texts:
            continue
        scores = {codec: _japaneseness(text) for codec, text in texts.items()}
        best = max(scores, key=lambda codec: scores[codec])
        if scores[best] <= 0:
            continue
        if len(texts) == 1:
            return Encoding(best, f"it is not valid UTF-8 but valid {_NAMES[best]}")
        return Encoding(
            best,
            f"valid in {' and '.join(_NAMES[codec] for codec in texts)}; this reads as Japanese",
        )
    raise EncodingError(
        f"{where}: the text encoding was not recognised: it is not valid UTF-8, CP932, EUC-JP, "
        "ISO-2022-JP or UTF-16 with a byte order mark.",
        advice="If it is text, name its encoding with {}; otherwise the file is binary or damaged.",
    )


def _japaneseness(text: str) -> float:
    """Return how much the non-ASCII characters look like Japanese, on average per character."""
    weights = [_weight(char) for char in text[:200_000] if char > "\x7f"]
    return sum(weights) / len(weights) if weights else 0.0


def _weight(char: str) -> float:
    if "ぁ" <= char <= "ん" or char in "ー、。「」・":
        return 1.0
    if (
        "ァ" <= char <= "ヶ"
        or "！" <= char <= "～"
        or char in "『』（）【】〈〉〜…―‘’“”〒※→↑↓←○●◎◆■々　"
    ):
        return 0.7
    if "一" <= char <= "龥":
        return 0.6 if _is_level_1(char) else -0.3
    if "｡" <= char <= "ﾟ":  # what EUC-JP bytes become in CP932
        return -0.6
    return -1.0 if char < "\xa0" or "\ue000" <= char <= "\uf8ff" else -0.2


def _is_level_1(char: str) -> bool:
    try:
        high, low = char.encode("euc_jp")
    except (UnicodeError, ValueError):
        return False
    return ((high & 0x7F) << 8 | (low & 0x7F)) < _KANJI_LEVEL_2
