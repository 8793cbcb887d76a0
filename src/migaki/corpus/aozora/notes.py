"""What a note ``［＃…］`` is about, and what becomes of it: `tables/notes.tsv`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from migaki.corpus.aozora.tables import read_rows

__all__ = ["UNRECOGNISED", "NoteKind", "kind_of", "level_of", "quoted"]

UNRECOGNISED = "unrecognised"
_LONGEST_CHARS = 400  # a note that is longer is told by its beginning
_LEVELS = {"大": 1, "中": 2, "小": 3}


class NoteKind(NamedTuple):
    """A kind of note.

    Attributes:
        name: What reports count.
        action: drop, break, heading, heading_open, heading_close, open, close, newline, end.
    """

    name: str
    action: str


def kind_of(note: str) -> NoteKind:
    """Tell what a note is about.

    Args:
        note: Its inside, without the brackets.

    Example:
        >>> kind_of("「恋」に傍点"), kind_of("「第一章」は大見出し").action, kind_of("レ").name
        (NoteKind(name='emphasis', action='drop'), 'heading', 'kanbun')
        >>> kind_of("ここに猫がいる")
        NoteKind(name='unrecognised', action='drop')
    """
    bare = _without_quotations(note[:_LONGEST_CHARS])
    for kind, pattern in _kinds():
        if pattern.fullmatch(bare):
            return kind
    return NoteKind(UNRECOGNISED, "drop")


def level_of(note: str) -> int:
    """Return the level of a heading: 1 for 大見出し, 2 for 中見出し, 3 for 小見出し."""
    place = note.rfind("見出し")
    return _LEVELS.get(note[place - 1 : place], 2)


def quoted(note: str) -> str:
    """Return what the first 「…」 of a note quotes, quotations inside it included.

    Example:
        >>> quoted("「「猫」の章」は中見出し")
        '「猫」の章'
    """
    depth = 0
    start = note.find("「")
    for place in range(max(start, 0), len(note)):
        depth += (note[place] == "「") - (note[place] == "」")
        if depth == 0:
            return note[start + 1 : place]
    return ""


def _without_quotations(note: str) -> str:
    kept: list[str] = []
    depth = 0
    for character in note:
        if character == "「":
            if not depth:
                kept.append(character)
            depth += 1
        elif character == "」" and depth:
            depth -= 1
            if not depth:
                kept.append(character)
        elif not depth:
            kept.append(character)
    return "".join(kept)


@lru_cache(maxsize=1)
def _kinds() -> list[tuple[NoteKind, re.Pattern[str]]]:
    return [
        (NoteKind(name, action), re.compile(pattern, re.DOTALL))
        for name, action, pattern in read_rows("notes.tsv", columns=3)
    ]
