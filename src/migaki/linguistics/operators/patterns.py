"""A small language for morphemes in a row, so that rules can stand in tables.

An item describes one morpheme by conditions joined with ``&``; all must hold:

| written | means |
|---|---|
| ``なら`` | its surface |
| ``[なる]`` | its dictionary form |
| ``<動詞>`` ``<助詞-終助詞>`` | its part of speech, as far as it is written |
| ``:五段`` | its conjugation class begins so |
| ``@未然形`` | its inflected form begins so |

``|`` separates alternatives inside a condition (``て|で``, ``[いる|おる]``), ``!`` before a condition denies
it. Items in a row are separated by spaces and match morphemes without white space between them.

A neighbour is described by rows of items separated by `` / ``, one of which must fit; ``$`` stands for
the beginning or the end of the sentence; ``!`` and a space before them all denies them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from migaki.linguistics.morphemes import Morpheme

__all__ = ["Neighbour", "Pattern", "compile_neighbour", "compile_pattern"]

_Test = Callable[[Morpheme], bool]


def _condition(written: str) -> _Test:
    """Make a test of one condition, ``!`` included."""
    denied = written.startswith("!")
    body = written.removeprefix("!")
    kind, values = body[0], tuple(body.strip("[]<>:@").split("|"))
    if kind == "[":
        bases = frozenset(values)
        test: _Test = lambda m: m.orth_base in bases  # noqa: E731
    elif kind == "<":
        test = _part_of_speech(values)
    elif kind == ":":
        test = lambda m: m.c_type.startswith(values)  # noqa: E731
    elif kind == "@":
        test = lambda m: m.c_form.startswith(values)  # noqa: E731
    else:
        surfaces = frozenset(values)
        test = lambda m: m.surface in surfaces  # noqa: E731
    return (lambda m: not test(m)) if denied else test


def _part_of_speech(values: Sequence[str]) -> _Test:
    """Make a test of the part of speech, as far as each value goes into its subdivisions."""
    wanted = [tuple(value.split("-")) for value in values]
    if all(len(parts) == 1 for parts in wanted):
        names = frozenset(values)
        return lambda m: m.pos in names
    return lambda m: any(m[_POS : _POS + len(parts)] == parts for parts in wanted)


_POS = Morpheme._fields.index("pos")  # its subdivisions follow it


def _item(written: str) -> _Test:
    return reduce(_both, map(_condition, written.split("&")))


def _both(one: _Test, other: _Test) -> _Test:
    return lambda m: one(m) and other(m)


def _words(written: str) -> frozenset[str]:
    """The surfaces or dictionary forms that an item names, if it names them."""
    for part in written.split("&"):
        if part[0] not in "!<:@":
            return frozenset(part.strip("[]").split("|"))
    return frozenset()


@dataclass(frozen=True, slots=True)
class Pattern:
    """Items in a row.

    Attributes:
        items: A test per morpheme.
        anchor: Place of the item that names its words, to look for first; -1 if none does.
        anchor_words: Surfaces or dictionary forms of that item.
    """

    items: tuple[_Test, ...]
    anchor: int
    anchor_words: frozenset[str]

    def matches_at(self, morphemes: Sequence[Morpheme], place: int) -> bool:
        """Whether the morphemes from `place` on fit, without white space between them."""
        stop = place + len(self.items)
        if place < 0 or stop > len(morphemes):
            return False
        for test, morpheme in zip(self.items, morphemes[place:stop], strict=True):
            if not test(morpheme):
                return False
        return all(morphemes[i].end == morphemes[i + 1].start for i in range(place, stop - 1))

    def matches_all(self, morphemes: Sequence[Morpheme]) -> bool:
        """Whether the morphemes fit and nothing is left over."""
        return len(morphemes) == len(self.items) and self.matches_at(morphemes, 0)

    def may_be_among(self, words: frozenset[str]) -> bool:
        """Whether a text of these surfaces and dictionary forms can have the pattern at all."""
        return not self.anchor_words or not self.anchor_words.isdisjoint(words)

    def find(self, morphemes: Sequence[Morpheme]) -> list[int]:
        """Places where the pattern begins, from left to right."""
        if self.anchor < 0:
            first = self.items[0]
            return [
                place
                for place, m in enumerate(morphemes)
                if first(m) and self.matches_at(morphemes, place)
            ]
        words = self.anchor_words
        return [
            i - self.anchor
            for i, m in enumerate(morphemes)
            if (m.surface in words or m.orth_base in words)
            and self.matches_at(morphemes, i - self.anchor)
        ]


def compile_pattern(written: str) -> Pattern:
    """Read a pattern.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> compile_pattern("なく&<助動詞> て は [なる]").find(analyze("もう行かなくてはならない。"))
        [2]
    """
    parts = written.split(" ")
    words = [_words(part) for part in parts]
    # The item with the fewest words is the rarest; the longest word among equals.
    named = [i for i, found in enumerate(words) if found]
    anchor = max(named, key=lambda i: min(map(len, words[i])), default=-1)
    return Pattern(tuple(map(_item, parts)), anchor, words[anchor] if named else frozenset())


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What may stand beside a match: one of several rows of morphemes, or the edge of the sentence."""

    rows: tuple[tuple[_Test, ...], ...]
    edge: bool
    denied: bool

    def allows(self, outwards: Sequence[Morpheme]) -> bool:
        """Whether these neighbours are allowed.

        Args:
            outwards: The morphemes beside the match, the nearest first; empty at the edge.
        """
        if not outwards:
            return self.edge != self.denied
        fits = any(
            len(row) <= len(outwards) and all(t(m) for t, m in zip(row, outwards, strict=False))
            for row in self.rows
        )
        return fits != self.denied


def compile_neighbour(written: str, *, before: bool = False) -> Neighbour | None:
    """Read the description of a neighbour; None where there is none, and any is allowed.

    Args:
        written: The description.
        before: It stands before the match, so that its last item is the nearest.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> end = compile_neighbour("$ / <補助記号> / です ね")
        >>> [end.allows(analyze(text)) for text in ("", "。", "ですね。", "です。")]
        [True, True, True, False]
    """
    if not written:
        return None
    denied = written.startswith("! ")
    parts = written.removeprefix("! ").split(" / ")
    rows = [tuple(map(_item, part.split(" "))) for part in parts if part != "$"]
    if before:
        rows = [row[::-1] for row in rows]
    return Neighbour(tuple(rows), edge="$" in parts, denied=denied)
