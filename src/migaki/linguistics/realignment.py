"""The morphemes of a sentence before and after edits, side by side: what changed, and only where?"""

from __future__ import annotations

from collections.abc import Sequence

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme

__all__ = ["realign"]


def realign(
    before: Sequence[Morpheme], after: Sequence[Morpheme], edits: Sequence[Edit], *, start: int = 0
) -> list[tuple[Morpheme, ...]] | None:
    """Find the morphemes in the place of each edit, if all others are the same words as before.

    A morpheme that an edit touches at its side may grow into the edit (い + ます → いる), as long as the
    word is found again.

    Args:
        before: The morphemes of the source; offsets as in `edits`.
        after: The morphemes of the outcome; offsets from the start of the sentence.
        edits: The edits, sorted, without overlap.
        start: Offset of the sentence in the source.

    Returns:
        For each edit the morphemes of the outcome in its place; None if some other morpheme differs.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> found = realign(analyze("今、見ています。"), analyze("今、見ている。"), [Edit(5, 7, "る", "")])
        >>> [m.surface for m in found[0]]
        ['いる']
        >>> realign(analyze("ここで履物を"), analyze("で履物を"), [Edit(0, 2, "", "")]) is None
        True
    """
    walk = _Walk(before, after, moved=-start)
    places = []
    for edit in edits:
        if not walk.to(edit.start):
            return None
        place = walk.through(edit)
        if place is None:
            return None
        places.append(place)
    return places if walk.to_end() else None


class _Walk:
    """Two pointers, and how far the outcome has moved against the source."""

    def __init__(
        self, before: Sequence[Morpheme], after: Sequence[Morpheme], *, moved: int
    ) -> None:
        self._before, self._after, self._moved = before, after, moved
        self._old = self._new = 0

    def to(self, stop: int) -> bool:
        """Pass morphemes that end by `stop`; whether all were the same, but for the last."""
        before, after = self._before, self._after
        while self._old < len(before) and before[self._old].end <= stop:
            ours = before[self._old]
            if self._new >= len(after):
                return False
            theirs = after[self._new]
            if theirs.start != ours.start + self._moved:
                return False
            if ours != theirs and not _same(ours, theirs):
                return ours.end == stop
            self._old += 1
            self._new += 1
        return True

    def through(self, edit: Edit) -> tuple[Morpheme, ...] | None:
        """Pass an edit; return what is in its place, or None if a word beside it was lost."""
        before, after = self._before, self._after
        first_old, first_new = self._old, self._new
        while self._old < len(before) and before[self._old].start < edit.end:
            self._old += 1
        self._moved += len(edit.replacement) - (edit.end - edit.start)
        stop = max(edit.end, before[self._old - 1].end if self._old else 0) + self._moved
        while self._new < len(after) and after[self._new].start < stop:
            self._new += 1
        if self._new and after[self._new - 1].end > stop:
            stop = after[self._new - 1].end
            while self._old < len(before) and before[self._old].start + self._moved < stop:
                self._old += 1
            if before[self._old - 1].end + self._moved != stop:
                return None
        place = tuple(after[first_new : self._new])
        beside = [
            m for m in before[first_old : self._old] if m.end <= edit.start or m.start >= edit.end
        ]
        return place if all(_survives(m, place) for m in beside) else None

    def to_end(self) -> bool:
        """Pass all that is left; whether it is the same, and nothing is left over."""
        end = self._before[-1].end + 1 if self._before else 0
        return self.to(end) and self._new == len(self._after)


def _same(one: Morpheme, other: Morpheme) -> bool:
    """Whether it is the same word; its form is named after what follows (食べ before ます and ない)."""
    return (
        one.surface == other.surface
        and one.pos == other.pos
        and one.c_type == other.c_type
        and one.lemma == other.lemma
    )


def _survives(morpheme: Morpheme, place: Sequence[Morpheme]) -> bool:
    """Whether the word, in whatever form, is found again; auxiliaries may be others (で + ある → です)."""
    return any(
        m.pos == morpheme.pos and (m.lemma == morpheme.lemma or m.pos == "助動詞") for m in place
    )
