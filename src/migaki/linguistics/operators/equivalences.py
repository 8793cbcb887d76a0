"""Operators from tables of equivalents: wordings that may stand for each other, and when.

A table row is one wording of a set. Where the text has one wording, the others of its set are proposed;
what was written is found again by the pattern of the wording that was meant. Columns:

1. operator: which operator the row belongs to.
2. set: rows of one operator and set may stand for each other.
3. role: ``from`` is only replaced, ``to`` is only written, ``both`` is both.
4. writing: ``{t}`` is a part that all wordings of the set share (ている ``{a}い{t}``, てる ``{a}{t}``);
   ``{0:te}`` is a form of the first morpheme that is replaced.
5. pattern: the morphemes of the wording, in the language of `patterns`.
6. tones: where the wording may be written: ``*``, or some of casual, plain, polite, dearu.
7. before, 8. after: the neighbours it needs, when it is read and when it is written.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from migaki.linguistics import conjugation
from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme, Sentence
from migaki.linguistics.operators.operator import EditSet, Meaning, Operator, Passage, Use, shuffled
from migaki.linguistics.operators.patterns import (
    Neighbour,
    Pattern,
    compile_neighbour,
    compile_pattern,
)
from migaki.linguistics.operators.tone import Tone
from migaki.linguistics.tables import read_table

__all__ = ["Equivalences", "Wording", "declared", "read_equivalences"]

_E_ROW = str.maketrans("うくぐすつぬぶむる", "えけげせてねべめれ")


def _potential(base: str, c_type: str) -> str:
    """The stem of the potential verb of a godan verb: 読む → 読め(る)."""
    return base[:-1] + base[-1:].translate(_E_ROW)


_FORMS: dict[str, Callable[[str, str], str]] = {
    "base": lambda base, _: base,
    "te": conjugation.te_form,
    "ta": conjugation.ta_form,
    "ba": conjugation.ba_form,
    "masu": conjugation.masu_stem,
    "negative": conjugation.negative,
    "potential": _potential,
}


def _inflected(morpheme: Morpheme, form: str) -> str:
    """Inflect what stands in the text.

    Raises:
        NotInflectableError: it has no such form, or its dictionary form does not begin as it does: the
            がけ of ワックスがけ is no かけ.
    """
    base, c_type = morpheme.orth_base, morpheme.c_type
    if base[0] != morpheme.surface[0] and not c_type.startswith(_CHANGING_STEMS):
        raise conjugation.NotInflectableError(f"{morpheme.surface} is not written as {base} is.")
    return _FORMS[form](base, c_type)


_CHANGING_STEMS = ("サ行変格", "カ行変格")

_REACH = 3
"""How many morphemes to either side a condition may name."""

_FIELD = re.compile(r"\{(?:(\d):)?(\w+)\}")


@dataclass(frozen=True, slots=True)
class Wording:
    """One wording of a set, as a table row says it."""

    name: str
    is_read: bool
    is_written: bool
    writing: str
    shared: re.Pattern[str]
    pattern: Pattern
    tones: frozenset[Tone]
    before: Neighbour | None
    after: Neighbour | None

    def stands_at(self, morphemes: Sequence[Morpheme], start: int, stop: int) -> bool:
        """Whether its neighbours allow it in the place of ``morphemes[start:stop]``."""
        if self.before and not self.before.allows(morphemes[max(0, start - _REACH) : start][::-1]):
            return False
        return not self.after or self.after.allows(morphemes[stop : stop + _REACH])

    def write(self, source: Sequence[Morpheme], parts: dict[str, str]) -> str:
        """Write it with the shared parts of a source; empty if the source cannot be inflected so."""

        def fill(field: re.Match[str]) -> str:
            place, name = field.groups()
            if place is None:
                return parts[name]
            return _inflected(source[int(place)], name)

        try:
            return _FIELD.sub(fill, self.writing)
        except conjugation.NotInflectableError:
            return ""


class _Occurrence(NamedTuple):
    """A wording found: ``morphemes[start:stop]`` of a sentence."""

    wording: Wording
    sentence: Sentence
    start: int
    stop: int

    def rewritten(self, target: Wording) -> Edit | None:
        morphemes = self.sentence.morphemes
        source = morphemes[self.start : self.stop]
        if not target.stands_at(morphemes, self.start, self.stop):
            return None
        surface = "".join(m.surface for m in source)
        shared = self.wording.shared.fullmatch(surface)
        if shared is None:
            return None
        replacement = target.write(source, shared.groupdict())
        if not replacement or replacement == surface:
            return None
        return Edit(source[0].start, source[-1].end, replacement, target.name)


class Equivalences:
    """The sets of one operator; `propose` and `intended` are what `Operator` asks for."""

    def __init__(self, sets: Iterable[Sequence[Wording]]) -> None:
        self._sets = [(tuple(members), _anchors(members)) for members in sets]
        self._by_name = {wording.name: wording for members, _ in self._sets for wording in members}

    @property
    def anchors(self) -> frozenset[str]:
        """Words one of which a passage must have; empty if some wording names none."""
        return _anchors(self._by_name.values())

    def _sets_in(self, passage: Passage) -> Iterator[tuple[Wording, ...]]:
        """The sets of which a passage may have a wording."""
        for members, anchors in self._sets:
            if not anchors or not anchors.isdisjoint(passage.words):
                yield members

    def propose(self, passage: Passage, rng: random.Random) -> list[EditSet]:
        """For each wording that may be written: it in all places of the text, so that its style stays even."""
        proposals: list[EditSet] = []
        for members in self._sets_in(passage):
            for target, found in _by_target(members, passage):
                edits = [o.rewritten(target) for o in found]
                places = _disjoint([edit for edit in edits if edit])
                if places:
                    proposals.append(places)
        return shuffled(proposals, rng)

    def propose_one(self, passage: Passage, rng: random.Random) -> list[EditSet]:
        """For each wording that may be written: it in one place, so that a pair differs in one thing."""
        return [[rng.choice(edits)] for edits in self.propose(passage, rng)]

    def propose_throughout(self, passage: Passage, rng: random.Random) -> list[EditSet]:
        """The wordings of all sets together, in all places: for what changes the register of a text."""
        edits = [
            edit for members in self._sets_in(passage) for edit in _throughout(members, passage)
        ]
        return [_disjoint(edits)] if edits else []

    def intended(self, edit: Edit, morphemes: Sequence[Morpheme]) -> bool:
        """Whether the morphemes are those of the wording that the edit wrote."""
        return self._by_name[edit.rule].pattern.matches_all(morphemes)


def _anchors(members: Iterable[Wording]) -> frozenset[str]:
    """Words one of which a text with one of these wordings must have; empty if some names none."""
    read = [wording.pattern for wording in members if wording.is_read]
    if not all(pattern.anchor_words for pattern in read):
        return frozenset()
    return frozenset().union(*(pattern.anchor_words for pattern in read))


def _by_target(
    members: Sequence[Wording], passage: Passage
) -> Iterator[tuple[Wording, list[_Occurrence]]]:
    """For each wording that may be written in this passage, where the others of its set are."""
    sources = [w for w in members if w.is_read and w.pattern.may_be_among(passage.words)]
    if not sources:
        return
    targets = [w for w in members if w.is_written and passage.tone in w.tones]
    if not targets:
        return
    found = [o for wording in sources if targets != [wording] for o in _find(wording, passage)]
    for target in targets if found else ():
        yield target, [o for o in found if o.wording is not target]


def _throughout(members: Sequence[Wording], passage: Passage) -> Iterator[Edit]:
    for target, found in _by_target(members, passage):
        edits = [o.rewritten(target) for o in found]
        yield from (edit for edit in edits if edit)


def _find(wording: Wording, passage: Passage) -> Iterator[_Occurrence]:
    length = len(wording.pattern.items)
    for sentence in passage.sentences:
        morphemes = sentence.morphemes
        for start in wording.pattern.find(morphemes):
            if not wording.stands_at(morphemes, start, start + length):
                continue
            if passage.is_protected(morphemes[start].start, morphemes[start + length - 1].end):
                continue
            yield _Occurrence(wording, sentence, start, start + length)


def _disjoint(edits: list[Edit]) -> list[Edit]:
    """Leave out each edit that overlaps one before it."""
    kept: list[Edit] = []
    for edit in sorted(edits):
        if not kept or kept[-1].end <= edit.start:
            kept.append(edit)
    return kept


@lru_cache(maxsize=4)
def read_equivalences(table: str) -> Mapping[str, Equivalences]:
    """Read a table; one entry per operator, in the table's order.

    Args:
        table: File name in `linguistics/tables`.

    Raises:
        ValueError: a row is not what the columns ask for.

    Example:
        >>> contraction = read_equivalences("verb_equivalences.tsv")["verbs.contraction"]
        >>> passage = Passage.of("何を見ているの？")
        >>> [edit.replacement for edits in contraction.propose(passage, random.Random(0)) for edit in edits]
        ['てる']
    """
    operators: dict[str, dict[str, list[Wording]]] = {}
    for operator, group, *rest in read_table(table, columns=8):
        members = operators.setdefault(operator, {}).setdefault(group, [])
        members.append(_wording(f"{operator}.{group}.{len(members) + 1}", *rest))
    return {name: Equivalences(sets.values()) for name, sets in operators.items()}


def _wording(
    name: str, role: str, writing: str, pattern: str, tones: str, before: str, after: str
) -> Wording:
    if role not in ("from", "to", "both"):
        raise ValueError(f"{name}: the role is {role!r}, not from, to or both")
    return Wording(
        name=name,
        is_read=role != "to",
        is_written=role != "from",
        writing=writing,
        shared=_shared(writing),
        pattern=compile_pattern(pattern),
        tones=_ALL_TONES if tones == "*" else frozenset(map(Tone, tones.split())),
        before=compile_neighbour(before, before=True),
        after=compile_neighbour(after),
    )


_ALL_TONES = frozenset({Tone.CASUAL, Tone.PLAIN, Tone.POLITE, Tone.DEARU})


def _shared(writing: str) -> re.Pattern[str]:
    """Make a regular expression that finds the shared parts in a wording."""
    pieces: list[str] = []
    done = 0
    for field in _FIELD.finditer(writing):
        pieces.append(re.escape(writing[done : field.start()]))
        done = field.end()
        pieces.append(
            ".*"
            if field.group(1)
            else f"(?P<{field.group(2)}>.{'*' if done == len(writing) else '+?'})"
        )
    return re.compile("".join(pieces) + re.escape(writing[done:]))


def declared(
    table: str,
    descriptions: Mapping[str, str],
    *,
    meaning: Meaning = Meaning.KEPT,
    grammatical: bool = True,
    use: Use = Use.TRAIN,
) -> tuple[Operator, ...]:
    """Make operators of a table that declare the same.

    What keeps the meaning is written in all places of a text; what changes it, in one.

    Args:
        table: File name in `linguistics/tables`.
        descriptions: Description of each operator by its name.
        meaning: As `Operator` declares it.
        grammatical: As `Operator` declares it.
        use: As `Operator` declares it.

    Raises:
        KeyError: the table has no such operator.
    """
    tables = read_equivalences(table)
    return tuple(
        Operator(
            name=name,
            meaning=meaning,
            grammatical=grammatical,
            use=use,
            description=description,
            propose=(tables[name].propose if meaning is Meaning.KEPT else tables[name].propose_one),
            intended=tables[name].intended,
            anchors=tables[name].anchors,
        )
        for name, description in descriptions.items()
    )
