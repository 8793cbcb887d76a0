"""Variants of a text: other ways to say it, each analysed again before it is handed out.

Operators propose edits; one or two of them together make a variant. What is chosen depends on the
text and the seed alone, so that any number of processes gives the same variants in any order.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise

from migaki.errors import UsageError
from migaki.linguistics.analyzer import Analyzer
from migaki.linguistics.edits import Edit
from migaki.linguistics.operators import operators_for
from migaki.linguistics.operators.operator import EditSet, Operator, Passage, Use
from migaki.linguistics.verification import Check, Rejection, Verified, verify

__all__ = ["Variant", "VariantStats", "variants"]


@dataclass(frozen=True, slots=True)
class Variant:
    """Another way to say a text.

    Attributes:
        text: The whole text.
        edits: What differs, with offsets in the source, sorted.
        operators: Names of the operators that proposed the edits.
        checks: What it has passed (see `migaki.linguistics.verification`).
    """

    text: str
    edits: tuple[Edit, ...]
    operators: tuple[str, ...]
    checks: tuple[Check, ...]


@dataclass(slots=True)
class VariantStats:
    """What became of the proposals, per operator; statistics of several processes add up.

    Attributes:
        texts: Source texts.
        accepted: Variants handed out, per operator; one made by two counts for both.
        rejected: Proposals that failed, per operator and reason.

    Example:
        >>> stats = VariantStats()
        >>> _ = variants("雨が降っています。", operators=["verbs"], stats=stats)
        >>> (stats + stats).texts, stats.rejection_rate("verbs.contraction")
        (2, None)
    """

    texts: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, Rejection]] = field(default_factory=Counter)

    def __add__(self, other: VariantStats) -> VariantStats:
        return VariantStats(
            self.texts + other.texts,
            self.accepted + other.accepted,
            self.rejected + other.rejected,
        )

    def reasons(self, operator: str) -> dict[Rejection, int]:
        """Rejections of one operator by reason."""
        return {reason: n for (name, reason), n in self.rejected.items() if name == operator}

    def rejection_rate(self, operator: str) -> float | None:
        """Rejected among all proposals that were looked at, 0-1; None if there was none."""
        rejected = sum(self.reasons(operator).values())
        proposed = rejected + self.accepted[operator]
        return rejected / proposed if proposed else None

    def count(self, operators: Sequence[Operator], outcome: Verified | Rejection) -> None:
        """Count one proposal."""
        for operator in operators:
            if isinstance(outcome, Rejection):
                self.rejected[operator.name, outcome] += 1
            else:
                self.accepted[operator.name] += 1


def variants(
    text: str,
    *,
    count: int = 3,
    seed: int = 0,
    operators: Sequence[str] | None = None,
    use: Use = Use.TRAIN,
    analyzer: Analyzer | None = None,
    stats: VariantStats | None = None,
) -> list[Variant]:
    """Find variants of a text; fewer than asked for, or none, where there is nothing to say.

    Args:
        text: Any text, of one sentence or many.
        count: How many variants at most.
        seed: The same seed, text and operators give the same variants, in every process.
        operators: Names of operators (``verbs.politeness``) or families (``verbs``); None for all.
        use: What the variants are for; operators for other uses are not asked.
        analyzer: Finds the morphemes; fugashi by default.
        stats: Counts proposals by outcome, if given.

    Raises:
        UsageError: `count` is negative, or an operator is not known or not for this use.
        MissingExtraError: no analyser is given and fugashi is not installed.

    Example:
        >>> for variant in variants("静かではないです。", operators=["adjectives.copula_negation"]):
        ...     print(variant.text, [edit[:3] for edit in variant.edits])
        静かではありません。 [(2, 8, 'ではありません')]
    """
    if count < 0:
        raise UsageError(f"The number of variants is {count}; it must be 0 or more.")
    passage = Passage.of(text, analyzer=analyzer)
    asked = operators_for(passage.words, operators, use=use)
    rng = random.Random(_seed(text, seed))
    stats = stats if stats is not None else VariantStats()
    stats.texts += 1
    found: dict[str, Variant] = {}
    for acting, edits in _candidates(passage, asked, rng):
        if len(found) >= count:
            break
        outcome = verify(passage, edits, acting)
        if isinstance(outcome, Verified) and outcome.text in found:
            outcome = Rejection.DUPLICATE
        stats.count(acting, outcome)
        if isinstance(outcome, Verified):
            names = tuple(operator.name for operator in acting)
            found[outcome.text] = Variant(outcome.text, tuple(edits), names, outcome.checks)
    return list(found.values())


def _seed(text: str, seed: int) -> int:
    content = f"{seed}\0{text}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")


_Candidate = tuple[list[Operator], EditSet]


def _candidates(
    passage: Passage, asked: list[Operator], rng: random.Random
) -> Iterator[_Candidate]:
    """Yield proposals: the first of each operator, then the others, then two of them together."""
    rng.shuffle(asked)
    proposals: list[tuple[Operator, list[EditSet]]] = []
    for operator in asked:
        found = operator.propose(passage, rng)
        if found:
            yield [operator], sorted(found[0])
            proposals.append((operator, found))
    for operator, found in proposals:
        for edits in found[1:]:
            yield [operator], sorted(edits)
    yield from _together(proposals)


def _together(proposals: Sequence[tuple[Operator, list[EditSet]]]) -> Iterator[_Candidate]:
    """Pairs of operators that both keep the register, so that each still stands on its conditions."""
    steady = [(operator, found[0]) for operator, found in proposals if operator.keeps_register]
    for i, (one, ours) in enumerate(steady):
        for other, theirs in steady[i + 1 :]:
            edits = sorted(ours + theirs)
            if all(a.end <= b.start for a, b in pairwise(edits)):
                yield [one, other], edits
