"""Text that was read in the wrong encoding (文字化け): found, and put right where that is certain.

A line is put right only if its characters, written back in the encoding that was taken by mistake, are
the bytes of good Japanese in the right one: the mistake made again gives exactly the line that stands
there, and what comes out has the hiragana of Japanese, which the line had not. Strict UTF-8 is hardly
ever met by chance. Where bytes were lost (縺ゅ� …) nothing is guessed: the line counts as damaged.

ftfy, the library for this, knows Latin-1 and its kin and neither CP932 nor EUC-JP read as each other,
and changes more than is asked for here (quotes, ligatures, widths).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

__all__ = ["Repair", "damaged_characters", "repair_mojibake"]

# The 27 characters that CP1252 has where Latin-1 has control characters 80–9F.
_CP1252 = {
    ord(bytes([byte]).decode("cp1252")): chr(byte)
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}


def _western(text: str) -> bytes:
    """Write text back as Latin-1, or as CP1252, which browsers take for it."""
    return text.translate(_CP1252).encode("latin-1")


class _Mistake(NamedTuple):
    """One encoding taken for another."""

    name: str
    write_back: Callable[[str], bytes]
    right: str
    weak: bool = False
    """Half-width katakana, which is text, makes valid bytes too."""


_MISTAKES = (
    _Mistake("UTF-8 read as CP932", lambda text: text.encode("cp932"), "utf-8"),
    _Mistake("UTF-8 read as Latin-1", _western, "utf-8"),
    _Mistake("UTF-8 read as EUC-JP", lambda text: text.encode("euc_jp"), "utf-8"),
    _Mistake("CP932 read as Latin-1", _western, "cp932"),
    _Mistake("EUC-JP read as Latin-1", _western, "euc_jp"),
    _Mistake("EUC-JP read as CP932", lambda text: text.encode("cp932"), "euc_jp", weak=True),
)
_ROUNDS = 2
"""A text may have gone through the same mistake twice; more was not met."""

# What such mistakes make of hiragana, katakana and 、。: without one of these nothing is tried.
# E3 81/82/83 80–BF is 縺 繧 繝 in CP932 (and 、。「」 begin 縲), ã 81–83 in Latin-1, 紂 磧 罐 in EUC-JP;
# 82 in CP932 is ‚ or a control character in Latin-1; EUC-JP's A4 is ¤ there, and ､ in CP932.
_SUSPECT = re.compile(
    "縺|繧|繝|縲|ã[\u0080-\u0083‚ƒ]|[\u0080-\u009f]|[‚ƒ][\u00a0-\u00ff]|¤[\u00a0-\u00ff]|[､･][ｦ-ﾟ｡-･]|[紂磧罐]"
)
# One of these characters is in all that this module looks for: good text is told by one quick search.
_TRACE = re.compile(
    "[縺繧繝縲ãâåæçèé紂磧罐¤､･‚ƒ\ufffd\u0080-\u009f\ue000-\uf8ff\x00-\x08\x0b\x0e-\x1f]"
)
_HIRAGANA = re.compile("[ぁ-ん]")
_JAPANESE = re.compile("[ぁ-んァ-ヶー一-鿿、。]")

# What stands in a text that nobody can put right: lost bytes, control and private characters …
_LOST = re.compile("[\ufffd\u0080-\u009f\ue000-\uf8ff\x00-\x08\x0b\x0e-\x1f]")
# … and what UTF-8 leaves where it was read as CP932 or Latin-1, EUC-JP as CP932. 縺れる and 繧繝 are words.
_REMAINS = re.compile(
    "(?:縺(?!れ|ろ)|繧(?!繝)|(?<!繧)繝|縲).?"
    "|(?:[ãâåæçèé][\u0080-\u00bf‚-‰Š-Žƒ“”•–—˜™š›œžŸ]{1,2}){2,}"
    "|(?:[､･][ｦ-ﾟ｡-･]){3,}|(?:¤[\u00a0-\u00ff]){2,}"
)
_FEWEST_REMAINS = 3
"""So many must stand in a text to count: one may be a rare word."""


class Repair(NamedTuple):
    """A text with its lines put right.

    Attributes:
        text: The text.
        lines: How many lines were put right.
        mistakes: What had happened to them: ``UTF-8 read as CP932``.
    """

    text: str
    lines: int
    mistakes: tuple[str, ...]


def repair_mojibake(text: str) -> Repair:
    """Put right the lines of a text of which it is certain what they were.

    Args:
        text: Any string.

    Example:
        >>> repair_mojibake("これは日本語です。".encode().decode("latin-1"))
        Repair(text='これは日本語です。', lines=1, mistakes=('UTF-8 read as Latin-1',))
        >>> repair_mojibake("繧繝縁の畳、ｶﾅ、café").lines
        0
    """
    if not _TRACE.search(text) or not _SUSPECT.search(text):
        return Repair(text, 0, ())
    lines = text.split("\n")
    found = {number: mended for number, line in enumerate(lines) if (mended := _mend(line))}
    made = dict.fromkeys(mistakes for _, mistakes in found.values())
    for number, line in enumerate(lines):
        if number not in found and not line.isascii() and (mended := _mend_as(line, made)):
            found[number] = mended
    text = "\n".join(
        found[number][0] if number in found else line for number, line in enumerate(lines)
    )
    return Repair(text, len(found), tuple(m.name for mistakes in made for m in mistakes))


def damaged_characters(text: str) -> int:
    r"""Count the characters that a wrong encoding left and that cannot be put right.

    Example:
        >>> damaged_characters("縺ゅ＞縺薙≧縺\ufffd"), damaged_characters("繧繝縁の畳、糸が縺れる")
        (6, 0)
    """
    if not _TRACE.search(text):
        return 0
    lost = len(_LOST.findall(text))
    remains = [len(found.group().rstrip("\ufffd")) for found in _REMAINS.finditer(text)]
    return lost + (sum(remains) if len(remains) >= _FEWEST_REMAINS else 0)


_Mended: TypeAlias = "tuple[str, tuple[_Mistake, ...]]"


def _mend(line: str, rounds: int = _ROUNDS) -> _Mended | None:
    """Return a line put right, with the mistakes in the order in which they were undone."""
    if not _SUSPECT.search(line):
        return None
    for mistake in _MISTAKES:
        right = _undo(line, mistake)
        if right is None:
            continue
        if _has_become_japanese(right, line, strict=mistake.weak):
            return right, (mistake,)
        deeper = _mend(right, rounds - 1) if rounds > 1 else None
        if deeper:
            return deeper[0], (mistake, *deeper[1])
    return None


def _mend_as(line: str, made: Iterable[tuple[_Mistake, ...]]) -> _Mended | None:
    """Put right a line without hiragana, as the lines beside it: 譚ｱ莠ｬ is 東京 among such lines."""
    for mistakes in made:
        right: str | None = line
        for mistake in mistakes:
            right = right if right is None else _undo(right, mistake)
        if right is not None and right != line and _is_japanese(right):
            return right, mistakes
    return None


def _undo(line: str, mistake: _Mistake) -> str | None:
    try:
        return mistake.write_back(line).decode(mistake.right)
    except UnicodeError:
        return None


def _has_become_japanese(right: str, wrong: str, *, strict: bool) -> bool:
    """Tell whether a line has gained hiragana; strict: as much as running Japanese has."""
    hiragana = len(_HIRAGANA.findall(right)) - len(_HIRAGANA.findall(wrong))
    fewest = max(3, sum(not char.isascii() for char in right) // 5) if strict else 1
    return hiragana >= fewest and _is_japanese(right)


def _is_japanese(text: str) -> bool:
    """Tell whether half of what is no space or ASCII mark is Japanese."""
    letters = sum(char.isalpha() for char in text)
    return 2 * len(_JAPANESE.findall(text)) >= max(1, letters)
