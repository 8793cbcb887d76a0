"""Changes to a text as spans, so that what was not meant to change cannot change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Edit", "apply_edits"]


class Edit(NamedTuple):
    """Put ``replacement`` in the place of ``text[start:end]``.

    Attributes:
        start: Offset in characters of the first character replaced.
        end: Offset after the last; equal to `start` for an insertion.
        replacement: The new text; empty for a deletion.
        rule: What made the edit, as a dotted name: ``polite.copula``, ``adverbs.intensity``.
    """

    start: int
    end: int
    replacement: str
    rule: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Carry out edits, whose offsets all count in the text as given.

    Raises:
        ValueError: an edit lies outside the text, or two overlap.

    Example:
        >>> apply_edits("本を読む。", [Edit(2, 4, "読みます", "polite.verb")])
        '本を読みます。'
    """
    pieces: list[str] = []
    done = 0
    for edit in sorted(edits):
        if not done <= edit.start <= edit.end <= len(text):
            raise ValueError(f"{edit!r} overlaps another edit or lies outside the text")
        pieces += (text[done : edit.start], edit.replacement)
        done = edit.end
    return "".join(pieces) + text[done:]
