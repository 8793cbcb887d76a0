"""How the filters of this package say no: one way to reject, one way to write what was measured."""

from __future__ import annotations

from pydantic import ConfigDict

from migaki.corpus.documents import Document, Rejection, Stage

__all__ = ["STRICT", "reject"]

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""How the stages check their settings: an unknown key or a number that is none is an error."""


def reject(document: Document, stage: Stage, reason: str, detail: str) -> Rejection:
    """Return the rejection of a document by a stage.

    Example:
        >>> from migaki.corpus.cleaning.letter_filters import Length
        >>> short = Document("はい。", id="a:1", source="a", licence="CC0-1.0")
        >>> reject(short, Length(), "too_short", "3 characters < 400").stage
        'length'
    """
    return Rejection(document, stage.name, reason, detail)
