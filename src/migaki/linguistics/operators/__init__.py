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

__all__ = ["FAMILIES", "EditSet", "Meaning", "Operator", "Passage", "Tone", "Use", "find_operators"]

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
