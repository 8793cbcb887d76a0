"""What the rules of a class make and a teacher would mark: 二重敬語, and forms that another word replaces.

`conjugation_marks.tsv` says which verbs are marked in which form, and why; `conjugation_exceptions.tsv`
marks single answers. A mark stays with everything that is made of the form.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from migaki.linguistics.tables import read_table

__all__ = ["FAULTED", "RARE", "Mark", "is_marked", "joined", "mark_of"]

FAULTED = "faulted"
"""Style of forms that prescriptive grammar faults: いらっしゃられる. They are read, never written."""

RARE = "rare"
"""Style of forms that are right by the rule where something else is said: お知りする."""

_STRENGTH = {RARE: 1, FAULTED: 2}
_ANY = "〜"
_GROUP = "@"


class Mark(NamedTuple):
    """A style, and the reason for it where it is `FAULTED` or `RARE`."""

    style: str = ""
    reason: str = ""


class _Pattern(NamedTuple):
    """A word with 〜 in it: お〜になる."""

    before: str
    after: str

    def fits(self, text: str) -> bool:
        longer = len(text) > len(self.before) + len(self.after)
        return longer and text.startswith(self.before) and text.endswith(self.after)


class _Row(NamedTuple):
    words: frozenset[str]
    patterns: tuple[_Pattern, ...]
    c_type: str  # the beginning of the class; empty for any
    mark: Mark

    def fits(self, text: str, c_type: str) -> bool:
        if not c_type.startswith(self.c_type):
            return False
        return text in self.words or any(pattern.fits(text) for pattern in self.patterns)


def is_marked(style: str) -> bool:
    """Whether a style says that something is amiss with a form, rather than where it is used.

    Example:
        >>> [is_marked(style) for style in ("", "casual", "rare", "faulted")]
        [False, False, True, True]
    """
    return style in _STRENGTH


def strength(style: str) -> int:
    """How strong a mark is: 0 for none, 1 for `RARE`, 2 for `FAULTED`.

    Example:
        >>> strength("casual"), strength("rare"), strength("faulted")
        (0, 1, 2)
    """
    return _STRENGTH.get(style, 0)


def joined(first: Mark, second: Mark) -> Mark:
    """Mark of a form made in two steps: the stronger stays, and the later style where none is.

    Example:
        >>> joined(Mark("rare", "お知りする"), Mark("casual")), joined(Mark(), Mark("casual"))
        (Mark(style='rare', reason='お知りする'), Mark(style='casual', reason=''))
    """
    if strength(first.style) and strength(first.style) >= strength(second.style):
        return first
    return second if second.style else first


def mark_of(text: str, c_type: str, slot: str) -> Mark:
    """Mark of one form of a word; an empty one where nothing is to be said.

    Example:
        >>> mark_of("いらっしゃる", "五段-ラ行", "passive").style, mark_of("走る", "五段-ラ行", "passive").style
        ('faulted', '')
        >>> mark_of("お読みになる", "五段-ラ行", "passive").reason[:4]
        '二重敬語'
    """
    for row in _rows().get(slot, ()):
        if row.fits(text, c_type):
            return row.mark
    return Mark()


@lru_cache(maxsize=1)
def _rows() -> dict[str, list[_Row]]:
    """The rows of the table by the form they mark."""
    found: dict[str, list[_Row]] = {}
    groups: dict[str, list[str]] = {}
    for words, c_type, forms, style, reason in read_table("conjugation_marks.tsv", columns=5):
        if c_type == _GROUP:
            groups[words] = _members(forms, groups)
            continue
        every = _members(words, groups)
        row = _Row(
            frozenset(word for word in every if _ANY not in word),
            tuple(_Pattern(*word.split(_ANY)) for word in every if _ANY in word),
            c_type,
            Mark(style, reason),
        )
        for form in forms.split(" "):
            found.setdefault(form, []).append(row)
    return found


def _members(words: str, groups: dict[str, list[str]]) -> list[str]:
    return [member for word in words.split(" ") for member in groups.get(word, [word])]
