"""How the filters of this package say no: one way to reject, one way to write what was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from pydantic import ConfigDict

from migaki.corpus.cleaning.measures import Measures, measure
from migaki.corpus.documents import Document, Outcome, Rejection, Stage

__all__ = ["STRICT", "Fault", "compared", "reject", "reject_body"]

_MOST_DECIMALS = 16  # a float has no more

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""How the stages check their settings: an unknown key or a number that is none is an error."""


Fault: TypeAlias = tuple[str, str] | None
"""Reason and detail of a rejection, or that there is none."""


def reject_body(document: Document, stage: Stage, fault: Callable[[Measures], Fault]) -> Outcome:
    """Return the rejection of a document whose prose has a fault that it has without references too.

    Most texts have no fault, and so their references need not be looked for.
    """
    measures = measure(document.text)
    found = fault(measures.prose)
    if found and measures.body is not measures.prose:
        found = fault(measures.body)
    return reject(document, stage, *found) if found else document


def compared(measured: float, sign: str, limit: float, *, decimals: int = 3) -> str:
    """Write a figure beside its limit, with so many decimals or with as many as tell them apart.

    Example:
        >>> compared(0.1978, "<", 0.2), compared(0.19996, "<", 0.2)
        ('0.198 < 0.200', '0.19996 < 0.20000')
    """
    left, right = f"{measured:.{decimals}f}", f"{limit:.{decimals}f}"
    if left == right and measured != limit and decimals < _MOST_DECIMALS:
        return compared(measured, sign, limit, decimals=decimals + 1)
    return f"{left} {sign} {right}"


def reject(document: Document, stage: Stage, reason: str, detail: str) -> Rejection:
    """Return the rejection of a document by a stage.

    Example:
        >>> from migaki.corpus.cleaning.letter_filters import Length
        >>> short = Document("はい。", id="a:1", source="a", licence="CC0-1.0")
        >>> reject(short, Length(), "too_short", "3 characters < 400").stage
        'length'
    """
    return Rejection(document, stage.name, reason, detail)
