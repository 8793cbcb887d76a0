"""Where an operator is not used: what stands elsewhere in a text and speaks against its change.

A condition on the neighbours stands with a substitution itself (`neighbours`, `patterns`); what may stand
anywhere in the sentence, and what kind of text it is, is in `operator_limits.tsv`: 必ず行きます has no
必ず行きません, a manual no てる, a statute keeps its しなければならない.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Sentence
from migaki.linguistics.operators.once import Once
from migaki.linguistics.operators.operator import EditSet, Operator, Passage
from migaki.linguistics.operators.patterns import Pattern, compile_pattern
from migaki.linguistics.operators.tone import Tone, is_talk
from migaki.linguistics.tables import read_table

__all__ = ["speaks_against", "within_limits"]

_Holds = Callable[[Sentence, Passage], bool]


@dataclass(frozen=True, slots=True)
class _Limit:
    """One row: what a changed sentence must not have, or one of the things that it must have.

    Attributes:
        name: The operator or set that it is about.
        writes: The replacements that it is about; None if it is about all.
        needed: One of the needed things must hold, instead of none.
        holds: Whether the sentence of a passage has it.
    """

    name: str
    writes: re.Pattern[str] | None
    needed: bool
    holds: _Holds

    def concerns(self, edit: Edit) -> bool:
        """Whether the limit is about what this edit writes."""
        if not f"{edit.rule}.".startswith(f"{self.name}."):
            return False
        return self.writes is None or self.writes.fullmatch(edit.replacement) is not None


def within_limits(operator: Operator) -> Operator:
    """The operator that proposes what the table of limits allows, and nothing else.

    Example:
        >>> import random
        >>> from migaki.linguistics.operators.verbs import OPERATORS
        >>> polarity = within_limits(next(o for o in OPERATORS if o.name == "verbs.polarity"))
        >>> [len(polarity.propose(Passage.of(t), random.Random(0))) for t in ("駅へ行く。", "必ず行く。")]
        [1, 0]
    """
    limits = [limit for limit in _limits() if f"{limit.name}.".startswith(f"{operator.name}.")]
    if not limits:
        return operator

    def allows(edits: EditSet, passage: Passage) -> bool:
        return all(_is_allowed(edit, passage, limits) for edit in edits)

    return operator.restricted(allows)


def speaks_against(name: str, passage: Passage) -> bool:
    """Whether some sentence of a text has what the table of limits forbids under a name.

    Example:
        >>> [speaks_against("politeness.polite", Passage.of(text)) for text in ("俺は行く。", "駅へ行く。")]
        [True, False]
    """
    return any(limit.holds(s, passage) for limit in _named(name) for s in passage.sentences)


@lru_cache(maxsize=8)
def _named(name: str) -> tuple[_Limit, ...]:
    return tuple(limit for limit in _limits() if limit.name == name)


def _is_allowed(edit: Edit, passage: Passage, limits: Sequence[_Limit]) -> bool:
    sentence = _sentence_of(edit, passage)
    concerned = [limit for limit in limits if limit.concerns(edit)]
    if any(limit.holds(sentence, passage) for limit in concerned if not limit.needed):
        return False
    needed = [limit for limit in concerned if limit.needed]
    return not needed or any(limit.holds(sentence, passage) for limit in needed)


def _sentence_of(edit: Edit, passage: Passage) -> Sentence:
    after = bisect_right(passage.sentences, edit.start, key=lambda sentence: sentence.start)
    return passage.sentences[after - 1]


_talks = Once(lambda passage: is_talk(passage.sentences))


def _is_statute(passage: Passage) -> bool:
    """Statutes are plain; in polite text their words are those of any letter or notice."""
    if passage.tone not in (Tone.PLAIN, Tone.DEARU):
        return False
    return any(_has(p, s, passage) for p in _statutory_words() for s in passage.sentences)


def _has(pattern: Pattern, sentence: Sentence, passage: Passage) -> bool:
    return pattern.may_be_among(passage.words) and bool(pattern.find(sentence.morphemes))


_PROPERTIES: dict[str, _Holds] = {
    "{talk}": lambda _, passage: _talks(passage),
    "{statute}": lambda _, passage: _is_statute(passage),
}


@lru_cache(maxsize=1)
def _statutory_words() -> tuple[Pattern, ...]:
    return tuple(
        compile_pattern(words) for words, _ in read_table("statutory_words.tsv", columns=2)
    )


@lru_cache(maxsize=1)
def _limits() -> tuple[_Limit, ...]:
    return tuple(_read_limits(read_table("operator_limits.tsv", columns=5)))


def _read_limits(rows: Iterable[Sequence[str]]) -> Iterable[_Limit]:
    for names, writes, kind, pattern, _ in rows:
        if kind not in ("not", "needs"):
            raise ValueError(f"{names}: the kind is {kind!r}, not not or needs")
        written = None if writes == "*" else re.compile(writes)
        for name in names.split():
            yield _Limit(name, written, kind == "needs", _test(pattern))


def _test(written: str) -> _Holds:
    if written.startswith("{"):
        return _PROPERTIES[written]
    pattern = compile_pattern(written)
    return lambda sentence, passage: _has(pattern, sentence, passage)
