"""Where an operator is not used: what stands elsewhere in a sentence and speaks against its change.

A condition on the neighbours stands with a substitution itself (`neighbours`, `patterns`); what may stand
anywhere in the sentence is in `operator_limits.tsv`: 必ず行きます has no 必ず行きません, 弊社がいたします no 御社.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Sentence
from migaki.linguistics.operators.operator import EditSet, Operator, Passage
from migaki.linguistics.operators.patterns import Pattern, compile_pattern
from migaki.linguistics.tables import read_table

__all__ = ["within_limits"]


@dataclass(frozen=True, slots=True)
class _Limit:
    """One row: a pattern that a sentence must not have, or one of those that it must have.

    Attributes:
        writes: The replacements that the limit is about; empty if it is about all.
        needed: One of the needed patterns of an operator must stand in the sentence.
        pattern: What is looked for in the sentence before the change.
    """

    writes: frozenset[str]
    needed: bool
    pattern: Pattern

    def concerns(self, edit: Edit) -> bool:
        """Whether the limit is about what this edit writes."""
        return not self.writes or edit.replacement in self.writes

    def is_in(self, sentence: Sentence) -> bool:
        """Whether the sentence has the pattern."""
        return bool(self.pattern.find(sentence.morphemes))


def within_limits(operator: Operator) -> Operator:
    """The operator that proposes what the table of limits allows, and nothing else.

    Example:
        >>> import random
        >>> from migaki.linguistics.operators.verbs import OPERATORS
        >>> polarity = within_limits(next(o for o in OPERATORS if o.name == "verbs.polarity"))
        >>> [len(polarity.propose(Passage.of(t), random.Random(0))) for t in ("駅へ行く。", "必ず行く。")]
        [1, 0]
    """
    limits = _limits().get(operator.name)
    if limits is None:
        return operator

    def allows(edits: EditSet, passage: Passage) -> bool:
        return all(_is_allowed(edit, _sentence_of(edit, passage), limits) for edit in edits)

    return operator.restricted(allows)


def _is_allowed(edit: Edit, sentence: Sentence, limits: Sequence[_Limit]) -> bool:
    concerned = [limit for limit in limits if limit.concerns(edit)]
    if any(limit.is_in(sentence) for limit in concerned if not limit.needed):
        return False
    needed = [limit for limit in concerned if limit.needed]
    return not needed or any(limit.is_in(sentence) for limit in needed)


def _sentence_of(edit: Edit, passage: Passage) -> Sentence:
    return next(s for s in reversed(passage.sentences) if s.start <= edit.start)


@lru_cache(maxsize=1)
def _limits() -> dict[str, list[_Limit]]:
    found: dict[str, list[_Limit]] = {}
    for names, writes, kind, pattern, _ in read_table("operator_limits.tsv", columns=5):
        if kind not in ("not", "needs"):
            raise ValueError(f"{names}: the kind is {kind!r}, not not or needs")
        written = frozenset() if writes == "*" else frozenset(writes.split("|"))
        limit = _Limit(written, kind == "needs", compile_pattern(pattern))
        for name in names.split():
            found.setdefault(name, []).append(limit)
    return found
