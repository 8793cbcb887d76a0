"""Texts in which a wording that is right elsewhere is out of place: talk in a manual, prose in a statute.

What the neighbours of a word decide stands in the tables of equivalents themselves; what the whole text
decides stands in ``equivalence_limits.tsv``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from migaki.linguistics.edits import Edit
from migaki.linguistics.operators.once import Once
from migaki.linguistics.operators.operator import EditSet, Operator, Passage
from migaki.linguistics.operators.patterns import Pattern, compile_pattern
from migaki.linguistics.operators.tone import Tone, is_talk
from migaki.linguistics.tables import read_table

__all__ = ["limited"]


@dataclass(frozen=True)
class _Limit:
    """One row: what it concerns, and what it asks of the text."""

    operator: str
    written: re.Pattern[str]
    needs: tuple[Callable[[Passage], bool], ...]
    never: tuple[Pattern, ...]

    def concerns(self, edit: Edit) -> bool:
        """Whether an edit writes what the row speaks of."""
        if not edit.rule.startswith(self.operator + "."):
            return False
        return self.written.fullmatch(edit.replacement) is not None

    def allows(self, passage: Passage) -> bool:
        """Whether a text may have it."""
        return all(need(passage) for need in self.needs) and not _has_any(self.never, passage)


_talks = Once(lambda passage: is_talk(passage.sentences))


def _is_no_statute(passage: Passage) -> bool:
    """Statutes are plain; in polite text their words are those of any letter or notice."""
    prose = passage.tone in (Tone.PLAIN, Tone.DEARU)
    return not prose or not _has_any(_statutory_words(), passage)


def _has_any(patterns: Sequence[Pattern], passage: Passage) -> bool:
    possible = [pattern for pattern in patterns if pattern.may_be_among(passage.words)]
    return any(p.find(s.morphemes) for p in possible for s in passage.sentences)


_NEEDS: dict[str, Callable[[Passage], bool]] = {"talk": _talks, "no-statute": _is_no_statute}


@lru_cache(maxsize=1)
def _statutory_words() -> tuple[Pattern, ...]:
    return tuple(
        compile_pattern(words) for words, _ in read_table("statutory_words.tsv", columns=2)
    )


@lru_cache(maxsize=1)
def _limits() -> tuple[_Limit, ...]:
    return tuple(
        _Limit(
            operator=operator,
            written=re.compile(written),
            needs=tuple(_NEEDS[need] for need in needs.split()),
            never=tuple(compile_pattern(part) for part in never.split(" / ") if part),
        )
        for operator, written, needs, never in read_table("equivalence_limits.tsv", columns=4)
    )


def limited(operators: Iterable[Operator]) -> tuple[Operator, ...]:
    """The same operators, which propose only what their limits allow; those without limits as they are.

    Raises:
        KeyError: a row of the table needs what is not known.

    Example:
        >>> import random
        >>> from migaki.linguistics.operators.verbs import OPERATORS
        >>> obligation = next(o for o in OPERATORS if o.name == "verbs.obligation")
        >>> for text in ["税を納めなければならない。", "使用料を納付しなければならない。"]:
        ...     print(len(obligation.propose(Passage.of(text), random.Random(0))))
        1
        0
    """
    return tuple(map(_limited, operators))


def _limited(operator: Operator) -> Operator:
    limits = [row for row in _limits() if f"{row.operator}.".startswith(f"{operator.name}.")]
    if not limits:
        return operator

    def allows(edits: EditSet, passage: Passage) -> bool:
        return all(limit.allows(passage) for limit in limits if any(map(limit.concerns, edits)))

    return operator.restricted(allows)
