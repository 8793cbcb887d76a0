"""Rules of whole clauses asked at every particle of a passage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.operator import EditSet, Passage
from migaki.linguistics.operators.sentence_kinds import is_classical

__all__ = ["at_each_particle"]


def at_each_particle(
    passage: Passage,
    surfaces: frozenset[str],
    propose: Callable[[Sequence[Morpheme], int], EditSet | None],
) -> list[EditSet]:
    """Ask a rule at every particle of these surfaces; nothing protected is changed."""
    found: list[EditSet] = []
    if surfaces.isdisjoint(passage.words):
        return found
    for sentence in passage.sentences:
        morphemes = sentence.morphemes
        particles = [
            i for i, m in enumerate(morphemes) if m.surface in surfaces and m.pos == "助詞"
        ]
        for place in particles:
            if not 0 < place < len(morphemes) - 1:
                continue
            edits = propose(morphemes, place)
            if not edits or is_classical(morphemes):
                continue
            if not any(passage.is_protected(edit.start, edit.end) for edit in edits):
                found.append(edits)
    return found
