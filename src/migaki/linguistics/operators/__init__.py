"""Operators: ways to say a text differently, by family; `find_operators` chooses among them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module

from migaki.errors import UsageError
from migaki.linguistics.operators.limits import within_limits
from migaki.linguistics.operators.operator import EditSet as EditSet
from migaki.linguistics.operators.operator import Meaning as Meaning
from migaki.linguistics.operators.operator import Operator as Operator
from migaki.linguistics.operators.operator import Passage as Passage
from migaki.linguistics.operators.operator import Tone as Tone
from migaki.linguistics.operators.operator import Use as Use

__all__ = [
    "FAMILIES",
    "EditSet",
    "Meaning",
    "Operator",
    "Passage",
    "Tone",
    "Use",
    "find_operators",
    "operators_for",
]

FAMILIES = ("verbs", "adjectives", "adverbs", "nouns", "particles")


@lru_cache(maxsize=1)
def _all() -> tuple[Operator, ...]:
    found: list[Operator] = []
    for family in FAMILIES:
        found += map(within_limits, import_module(f"{__name__}.{family}").OPERATORS)
    return tuple(found)


def find_operators(
    names: Sequence[str] | None = None, *, use: Use | None = None
) -> tuple[Operator, ...]:
    """The operators of these names, in a fixed order.

    Args:
        names: Operators (``verbs.politeness``) or families (``verbs``); None for all.
        use: Only those for this use; None for all.

    Raises:
        UsageError: no operator and no family has this name, or none of them is for this use.

    Example:
        >>> [operator.name for operator in find_operators(["adjectives.good"])]
        ['adjectives.good']
    """
    return _chosen(None if names is None else tuple(names), use)


def operators_for(
    words: frozenset[str], names: Sequence[str] | None = None, *, use: Use | None = None
) -> list[Operator]:
    """Those of `find_operators` that may propose something in a passage of these words, in its order.

    Args:
        words: Surfaces and dictionary forms (`Passage.words`).
        names: As `find_operators` takes them.
        use: As `find_operators` takes it.

    Raises:
        UsageError: as `find_operators` does.

    Example:
        >>> words = Passage.of("駅へ行く。").words
        >>> [o.name for o in operators_for(words, ["adjectives.good", "nouns.style"])]
        ['nouns.style']
    """
    chosen = find_operators(names, use=use)
    anchored, free = _places_by_anchor(None if names is None else tuple(names), use)
    places = free.union(*[anchored[word] for word in words & anchored.keys()])
    return [chosen[place] for place in sorted(places)]


@lru_cache(maxsize=64)
def _places_by_anchor(
    names: tuple[str, ...] | None, use: Use | None
) -> tuple[dict[str, frozenset[int]], frozenset[int]]:
    """Which of the chosen operators a word may concern, and which need no particular word."""
    anchored: dict[str, frozenset[int]] = {}
    for place, operator in enumerate(_chosen(names, use)):
        for word in operator.anchors:
            anchored[word] = anchored.get(word, frozenset()) | {place}
    free = (place for place, operator in enumerate(_chosen(names, use)) if not operator.anchors)
    return anchored, frozenset(free)


@lru_cache(maxsize=64)
def _chosen(names: tuple[str, ...] | None, use: Use | None) -> tuple[Operator, ...]:
    everything = _all()
    for name in names or ():
        _check_name(name, everything)
    chosen = tuple(
        operator
        for operator in everything
        if (names is None or operator.name in names or operator.family in names)
        and (use is None or operator.use is use)
    )
    if not chosen:
        raise UsageError(f"None of these operators is for the use {use}: {', '.join(names or ())}.")
    return chosen


def _check_name(name: str, everything: Sequence[Operator]) -> None:
    valid = [*FAMILIES, *(operator.name for operator in everything)]
    if name not in valid:
        near = difflib.get_close_matches(name, valid, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(
            f"No operator or family is called {name!r}.{hint} Valid: {', '.join(valid)}."
        )
