"""Changes to a text as spans, so that what was not meant to change cannot change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Edit", "apply_edits", "compose_edits"]


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


def compose_edits(text: str, first: Iterable[Edit], second: Iterable[Edit]) -> tuple[Edit, ...]:
    """One set of edits with the effect of two that are made one after the other.

    Args:
        text: The text.
        first: Edits of `text`.
        second: Edits of what `first` makes of it.

    Returns:
        Edits of `text`; where edits of both meet they are one, with the rule of the first.

    Example:
        >>> compose_edits("先生が来た。", [Edit(3, 5, "いらした", "a")], [Edit(6, 7, "ました", "b")])
        (Edit(start=3, end=5, replacement='いらしました', rule='a'),)
    """
    first, second = sorted(first), sorted(second)
    between = apply_edits(text, first)
    shifted: list[tuple[int, int, int, Edit]] = []  # where each edit lies in `between`, its growth
    grown = 0
    for edit in first:
        start = edit.start + grown
        growth = len(edit.replacement) - (edit.end - edit.start)
        shifted.append((start, start + len(edit.replacement), growth, edit))
        grown += growth
    shifted += [(edit.start, edit.end, 0, edit) for edit in second]
    clusters: list[list[tuple[int, int, int, Edit]]] = []
    reach = -1
    for item in sorted(shifted, key=lambda item: item[:2]):
        if item[0] > reach:
            clusters.append([])
        clusters[-1].append(item)
        reach = max(reach, item[1])
    later = set(map(id, second))
    found, grown = [], 0
    for cluster in clusters:
        start, end = cluster[0][0], max(item[1] for item in cluster)
        inner = [item[3] for item in cluster if id(item[3]) in later]
        moved = [Edit(e.start - start, e.end - start, e.replacement, e.rule) for e in inner]
        growth = sum(item[2] for item in cluster)
        replacement = apply_edits(between[start:end], moved)
        found.append(Edit(start - grown, end - grown - growth, replacement, cluster[0][3].rule))
        grown += growth
    return tuple(found)
