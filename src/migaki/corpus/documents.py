"""Documents, and what a stage of the corpus pipeline makes of one: a document, or a rejection.

A stage sees one document at a time, has no memory and no side effect, so the same stage gives the
same result in one process, on all cores and on a cluster. What needs all documents at once
(deduplication, mixing, selection) is not a stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

__all__ = ["Document", "Outcome", "Rejection", "Stage", "run_stages"]


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a corpus, with where it comes from and what may be done with it."""

    text: str
    id: str
    """Stable and unique in the corpus: source, file, and line or record."""
    source: str
    """Name of the source in `migaki.corpus.sources`, or of the local file."""
    licence: str
    """Name of the licence in `migaki.corpus.licences`; ``unknown`` where nobody said."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What the source tells: title, url, date, author … Values as JSON has them."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What stages changed in this document: ``{"personal_information.email": 2}``."""

    def with_text(self, text: str, **counts: int) -> Document:
        """Return this document with another text, and what was changed added to its counts.

        >>> document = Document("ＡＢＣ", id="a:1", source="a", licence="CC0-1.0")
        >>> document.with_text("ABC", width=3).counts
        {'width': 3}
        """
        return self.counting(counts, text=text)

    def counting(self, counts: Mapping[str, int], *, text: str | None = None) -> Document:
        """Return this document with counts added; names may hold dots."""
        total = dict(self.counts)
        for name, count in counts.items():
            if count:
                total[name] = total.get(name, 0) + count
        return replace(self, text=self.text if text is None else text, counts=total)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A document that a stage takes out, with the reason that reports count by."""

    document: Document
    """As it was when it came to the stage."""
    stage: str
    """Name of the stage."""
    reason: str
    """One of the stage's reasons, a word for counting: ``too_little_japanese``."""
    detail: str
    """What was measured against what: ``Japanese letters 12 % < 50 %``."""


Outcome: TypeAlias = Document | Rejection


class Stage(Protocol):
    """One step of cleaning: a document in, that document (perhaps changed) or a rejection out."""

    @property
    def name(self) -> str:
        """What configuration and reports call it."""

    def __call__(self, document: Document) -> Outcome:
        """Keep, change or reject one document; never raises for anything that a text may hold."""


def run_stages(document: Document, stages: Sequence[Stage]) -> Outcome:
    """Send a document through stages in order, until one rejects it."""
    outcome: Outcome = document
    for stage in stages:
        if isinstance(outcome, Rejection):
            break
        outcome = stage(outcome)
    return outcome
