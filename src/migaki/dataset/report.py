"""What became of the data: every row is kept, or rejected with a reason, and nothing is silent."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from migaki.dataset.token_dataset import TokenDataset

__all__ = ["DataReport", "FileReport", "Overlong", "RejectedRow", "SplitReport"]


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One row that is not used, and why."""

    path: Path
    line: int
    reason: str
    raw: Any = None
    """The row as it was read, or its text where it could not be."""

    @property
    def kind(self) -> str:
        """The reason without its numbers and quotations, for counting."""
        bare = re.sub(r" \([^()]*\)", "", self.reason)
        return re.sub(r"'[^']*'|\"[^\"]*\"", "…", re.sub(r"\d+", "N", bare))

    def to_json(self) -> dict[str, Any]:
        """Return a row of ``rejected.jsonl``."""
        return {"file": str(self.path), "line": self.line, "reason": self.reason, "row": self.raw}


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Rows of one file that come from one source under one licence."""

    source: str
    """As the rows state it; the name of the file where they do not."""
    licence: str
    """As the rows state it; empty where they do not."""
    rows: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file: what it is and what became of its rows."""

    path: str
    role: str
    """``train`` or ``validation``."""
    kind: str
    bytes: int
    sha256: str
    encoding: str
    encoding_reason: str
    format: str
    format_reason: str
    rows: int
    kept: int
    licences: Mapping[str, int]
    sources: Sequence[SourceRows]
    """Where its rows come from, the most first."""

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``data.json``."""
        return asdict(self)


@dataclass(slots=True)
class Overlong:
    """Rows longer than ``max_tokens`` and what it cost to fit them."""

    policy: str
    max_tokens: int
    rows: int = 0
    tokens_total_lost: int = 0
    tokens_trained_lost: int = 0
    rows_without_end: int = 0
    """Rows whose end, and so the end-of-turn token, was cut off."""
    pieces: int = 0
    """Examples that came out of divided rows."""


@dataclass(frozen=True, slots=True)
class SplitReport:
    """How rows were held out."""

    method: str
    groups: int = 0
    largest_group: int = 0
    duplicate_rows: int = 0
    kept_together: int = 0
    """Rows that a split by single rows could have torn from their near-duplicates."""
    shared_answers: int = 0
    """Held-out rows whose answer, too short to tie rows together, is also said in training."""


@dataclass(frozen=True, slots=True)
class DataReport:
    """Everything about the data of a run, for the plan, the run folder and the report page."""

    files: tuple[FileReport, ...]
    rows_read: int
    rows_kept: int
    rejected: Mapping[str, int]
    overlong: Overlong
    split: SplitReport
    train: Mapping[str, int | float]
    validation: Mapping[str, int | float]
    notes: Mapping[str, int] = field(default_factory=dict)
    """What was changed to make rows usable, with the rows that it concerns."""
    warnings: tuple[str, ...] = ()
    template: str | None = None
    """Whose chat template was used; None for running text."""
    end_of_turn: tuple[str, ...] = ()
    """The trained tokens at which generation has to stop."""
    text_ends_with: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return ``data.json``."""
        return {
            "files": [file.to_json() for file in self.files],
            "rows_read": self.rows_read,
            "rows_kept": self.rows_kept,
            "rejected": dict(self.rejected),
            "overlong": asdict(self.overlong),
            "split": asdict(self.split),
            "train": dict(self.train),
            "validation": dict(self.validation),
            "notes": dict(self.notes),
            "warnings": list(self.warnings),
            "template": self.template,
            "end_of_turn": list(self.end_of_turn),
            "text_ends_with": self.text_ends_with,
        }


def count_reasons(rejected: Sequence[RejectedRow]) -> dict[str, int]:
    """Count rejected rows by reason, the most frequent first."""
    return dict(Counter(row.kind for row in rejected).most_common())


def describe(dataset: TokenDataset, rows: int) -> dict[str, int | float]:
    """Return the figures of one side of the split.

    Args:
        dataset: Its examples.
        rows: How many rows of the files they came from.
    """
    lengths = sorted(dataset.lengths)
    tokens, characters = dataset.total_tokens, sum(dataset.characters)

    def percentile(share: float) -> int:
        return lengths[min(len(lengths) - 1, int(share * len(lengths)))] if lengths else 0

    return {
        "rows": rows,
        "examples": len(dataset),
        "tokens": tokens,
        "trained_tokens": dataset.trained_tokens,
        "characters": int(characters),
        "trained_characters": int(sum(dataset.trained_characters)),
        "characters_per_token": round(characters / tokens, 3) if tokens else 0.0,
        "tokens_median": percentile(0.5),
        "tokens_p95": percentile(0.95),
        "tokens_longest": lengths[-1] if lengths else 0,
    }
