"""Words that may stand for one another, read from tables, and where they stand in a passage.

A table of substitutions has nine columns:

| column | meaning |
|---|---|
| set | words of one set say the same, apart from their degree |
| degree | how strong the word is: words of the same degree keep the meaning |
| word | as written; it may be several morphemes, and the analysers need not agree on how many |
| styles | letters of `Style`: where the word may be *written*; where it is found does not matter |
| role | ``both``, ``from`` (only ever replaced), ``to`` (only ever written) |
| pos | part of speech that its first morpheme must have to be this word |
| follows, where | see `surroundings`; the found word and the new one must both be content |
| note | for readers |
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.once import Once
from migaki.linguistics.operators.operator import (
    EditSet,
    Meaning,
    Operator,
    Passage,
    Use,
    shuffled,
)
from migaki.linguistics.operators.sentence_kinds import is_classical
from migaki.linguistics.operators.style import Style, styles_of
from migaki.linguistics.operators.surroundings import Condition, follow_condition, where_condition
from migaki.linguistics.tables import read_table

__all__ = ["Entry", "Lexicon", "Site", "in_sets", "read_entries", "substituting"]

_COLUMNS = 9
_KEY_CHARS = 2
_NONE: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a table of substitutions; sets of different tables are different sets."""

    table: str
    set: str
    degree: str
    word: str
    styles: frozenset[Style]
    role: str
    pos: str
    follows: Condition
    where: Condition

    def fits(self, morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
        """Whether the word may stand in the place of ``morphemes[first:after]``."""
        return self.follows(morphemes, first, after) and self.where(morphemes, first, after)


class Site(NamedTuple):
    """A word of a lexicon found in a passage: ``morphemes[first:after]`` of one sentence."""

    entry: Entry
    morphemes: Sequence[Morpheme]
    first: int
    after: int

    @property
    def start(self) -> int:
        """Offset of its first character in the text."""
        return self.morphemes[self.first].start

    @property
    def end(self) -> int:
        """Offset after its last character in the text."""
        return self.morphemes[self.after - 1].end


def read_entries(table: str) -> list[Entry]:
    """Read a table of substitutions.

    Raises:
        ValueError: a row is broken.
    """
    entries = []
    rows = read_table(table, columns=_COLUMNS)
    for name, degree, word, styles, role, pos, follows, where, _ in rows:
        if role not in ("both", "from", "to"):
            raise ValueError(f"{table}: {word}: the role must be both, from or to, not {role!r}")
        entries.append(
            Entry(
                table, name, degree, word, frozenset(map(Style, styles)), role, pos,
                follow_condition(follows), where_condition(where),
            )
        )  # fmt: skip
    return entries


class Lexicon:
    """All words of some tables, found in one pass over the morphemes of a passage.

    Attributes:
        sites: Finds the words of a passage that may be replaced; nothing protected is among them.

    Args:
        read: Reads the rows of a table; called when a passage is first looked at.
        tables: Names of the tables.
        fitting: Whether to look only for words that have another one in the style of the passage.
    """

    def __init__(
        self, read: Callable[[str], Iterable[Entry]], *tables: str, fitting: bool = False
    ) -> None:
        self._read = read
        self._tables = tables
        self._fitting = fitting
        self._indexes: dict[frozenset[Style], dict[str, list[Entry]]] = {}
        self._others: dict[tuple[str, str, str], list[Entry]] = {}
        self.sites = Once(self._sites)

    @cached_property
    def _sets(self) -> dict[tuple[str, str], list[Entry]]:
        sets: dict[tuple[str, str], list[Entry]] = {}
        for table in self._tables:
            for entry in self._read(table):
                sets.setdefault((entry.table, entry.set), []).append(entry)
        return sets

    def _index(self, styles: frozenset[Style]) -> dict[str, list[Entry]]:
        """Words by their first two characters; a word of one character is one whole morpheme."""
        index = self._indexes.get(styles)
        if index is None:
            index = self._indexes[styles] = {}
            for entries in self._sets.values():
                for entry in entries:
                    if entry.role != "to" and self._has_other(entry, styles):
                        index.setdefault(entry.word[:_KEY_CHARS], []).append(entry)
        return index

    def _has_other(self, entry: Entry, styles: frozenset[Style]) -> bool:
        return not self._fitting or any(styles <= other.styles for other in self.others(entry))

    def _sites(self, passage: Passage) -> list[Site]:
        """Find the words that may be replaced; nothing protected is among them."""
        index = self._index(styles_of(passage))
        return [
            site
            for sentence, keys in zip(passage.sentences, _keys(passage), strict=True)
            if not index.keys().isdisjoint(keys.all)
            for site in _found(index, sentence.morphemes, keys, passage.text)
            if not passage.is_protected(site.start, site.end)
        ]

    def others(self, entry: Entry) -> list[Entry]:
        """The other words of its set that may be written."""
        key = entry.table, entry.set, entry.word
        found = self._others.get(key)
        if found is None:
            found = self._others[key] = [
                other
                for other in self._sets[entry.table, entry.set]
                if other.role != "from" and other.word != entry.word
            ]
        return found


class _Keys(NamedTuple):
    """What the morphemes of a sentence are looked up by.

    Attributes:
        all: All keys.
        surfaces: The surface of each morpheme: for words of one character.
        beginnings: The first characters of the text from each morpheme on.
    """

    all: frozenset[str]
    surfaces: list[str]
    beginnings: list[str]

    @classmethod
    def of(cls, morphemes: Sequence[Morpheme], text: str) -> _Keys:
        surfaces = [m.surface for m in morphemes]
        beginnings = [text[m.start : m.start + _KEY_CHARS] for m in morphemes]
        return cls(frozenset(surfaces).union(beginnings), surfaces, beginnings)


_keys = Once(lambda passage: [_Keys.of(s.morphemes, passage.text) for s in passage.sentences])


def _found(
    index: dict[str, list[Entry]],
    morphemes: Sequence[Morpheme],
    keys: _Keys,
    text: str,
) -> list[Site]:
    """Find the words of one sentence; what lies inside a longer word is none."""
    find = index.get
    sites: list[Site] = []
    covered = 0
    known = zip(keys.surfaces, keys.beginnings, strict=True)
    for first in [i for i, (one, more) in enumerate(known) if one in index or more in index]:
        if first < covered:
            continue
        morpheme, key = morphemes[first], keys.beginnings[first]
        entries = find(key, _NONE)
        if morpheme.end == morpheme.start + 1 and len(key) > 1:
            entries = [*entries, *find(morpheme.surface, _NONE)]
        for entry in entries:
            if entry.pos and entry.pos != morpheme.pos:
                continue
            after = _end_of(entry.word, morphemes, first, text)
            if after and entry.fits(morphemes, first, after):
                sites.append(Site(entry, morphemes, first, after))
                covered = max(covered, after)
    return sites if not sites or not is_classical(morphemes) else []


def _end_of(word: str, morphemes: Sequence[Morpheme], first: int, text: str) -> int:
    """The place after a word that begins with a morpheme, or 0 if it does not end with one."""
    start = morphemes[first].start
    end = start + len(word)
    if not text.startswith(word, start):
        return 0
    place = first
    while place < len(morphemes) and morphemes[place].end < end:
        place += 1
    return place + 1 if place < len(morphemes) and morphemes[place].end == end else 0


Choice = Callable[[Site, Entry, frozenset[Style]], bool]
"""Whether an operator writes this word at this site, in a passage of these styles."""


def in_sets(*names: str) -> Choice:
    """Choose the substitutions of these sets (what stands before the dot), in styles that fit."""

    def chooses(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
        return site.entry.set.partition(".")[0] in names and styles <= other.styles

    return chooses


def substituting(
    lexicon: Lexicon,
    name: str,
    description: str,
    chooses: Choice,
    *,
    meaning: Meaning = Meaning.KEPT,
    grammatical: bool = True,
    use: Use = Use.TRAIN,
) -> Operator:
    """Make an operator that replaces one word at a time.

    Args:
        lexicon: Where words and their sets come from.
        name: Name of the operator, which its edits carry.
        description: One line for reports.
        chooses: Which substitutions it makes, among those whose conditions hold.
        meaning: As `Operator` declares it.
        grammatical: As `Operator` declares it.
        use: As `Operator` declares it.
    """

    def propose(passage: Passage, rng: random.Random) -> list[EditSet]:
        sites = lexicon.sites(passage)
        if not sites:
            return []
        styles = styles_of(passage)
        found = [
            [Edit(site.start, site.end, other.word, name)]
            for site in sites
            for other in lexicon.others(site.entry)
            if chooses(site, other, styles) and other.fits(site.morphemes, site.first, site.after)
        ]
        return shuffled(found, rng)

    return Operator(name, description, propose, meaning, grammatical, use)
