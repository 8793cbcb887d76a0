"""What became of the rows of an augmentation: counts that add up over chunks and over stops."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from migaki.corpus.row_variants import VariedRow

__all__ = ["Summary"]

_LISTED_BAD_ROWS = 20


@dataclass(slots=True)
class Summary:
    """What became of the rows of a file."""

    rows: int = 0
    """Rows read, the bad ones too."""
    rows_out: int = 0
    variants: int = 0
    rows_without_variant: int = 0
    """Rows that were to be varied and could not."""
    rows_passed_over: int = 0
    """Rows that ``rate`` and ``max_rows`` left as they are."""
    sentences: int = 0
    sentences_without_variant: int = 0
    bad_rows: int = 0
    fields: dict[str, int] = field(default_factory=dict)
    """Field that was taken → rows."""
    licences: dict[str, int] = field(default_factory=dict)
    """Licence → rows that were varied under it; ``unknown`` where nobody said."""
    operators: dict[str, int] = field(default_factory=dict)
    """Operator → variants it took part in."""
    rejections: dict[str, dict[str, int]] = field(default_factory=dict)
    """Operator → reason → outcomes that were made and not accepted."""
    listed_bad_rows: list[dict[str, Any]] = field(default_factory=list)
    """The first of them: file, line, reason."""

    def add(self, other: Summary) -> None:
        """Take over the counts of further rows."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        _add_counts(self.fields, other.fields)
        _add_counts(self.licences, other.licences)
        _add_counts(self.operators, other.operators)
        for operator, reasons in other.rejections.items():
            _add_counts(self.rejections.setdefault(operator, {}), reasons)
        left = _LISTED_BAD_ROWS - len(self.listed_bad_rows)
        self.listed_bad_rows += other.listed_bad_rows[:left]

    def count(self, varied: VariedRow, licence: str) -> None:
        """Count one row that could be used, under its licence."""
        _add_counts(self.licences, {licence: 1})
        made = len(varied.rows) - 1
        self.variants += made
        self.rows_without_variant += not made
        self.sentences += varied.sentences
        self.sentences_without_variant += varied.untouched_sentences
        for name in varied.fields:
            self.fields[name] = self.fields.get(name, 0) + 1
        for row in varied.rows[1:]:
            for name in row["augment_operators"]:
                self.operators[name] = self.operators.get(name, 0) + 1
        for operator, reasons in varied.rejections.items():
            _add_counts(self.rejections.setdefault(operator, {}), reasons)

    def pass_over(self) -> None:
        """Count one row that was not to be varied."""
        self.rows_passed_over += 1

    def to_json(self) -> dict[str, Any]:
        """Return a copy of the counts for a program; ``Summary(**…)`` reads them back."""
        return asdict(self)


_COUNTS = (
    "rows", "rows_out", "variants", "rows_without_variant", "sentences",
    "sentences_without_variant", "bad_rows", "rows_passed_over",
)  # fmt: skip


def _add_counts(mine: dict[str, int], theirs: Mapping[str, int]) -> None:
    for name, count in theirs.items():
        mine[name] = mine.get(name, 0) + count
