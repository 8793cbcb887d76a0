"""Deduplicate files of training rows, and take out what evaluation sets ask: the whole job.

The input is read twice: to find the duplicates, and to write the rows that stay, unchanged and in their
order. What is left out is listed with its reason beside the output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from migaki.atomic import named_in_errors
from migaki.corpus.contamination import ContaminationReport, EvaluationIndex
from migaki.corpus.deduplication import DeduplicationConfig, Duplicates, find_duplicates
from migaki.corpus.documents import Document
from migaki.corpus.evaluation_items import read_items
from migaki.corpus.paragraphs import RepeatedParagraphs
from migaki.corpus.row_files import RowFile
from migaki.corpus.row_sets import RowSet, own_part_of, row_of, same_documents
from migaki.corpus.rows import BadRow

__all__ = ["DeduplicationJob", "DeduplicationSummary", "deduplicate_files"]

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, kw_only=True)
class DeduplicationJob:
    """What is asked."""

    rows: RowSet
    duplicates: DeduplicationConfig = field(default_factory=DeduplicationConfig)
    against: tuple[str, ...] = ()
    """Files of evaluation sets."""
    on_contaminated: Literal["drop", "report"] = "drop"
    """A row that holds a question of an evaluation set: leave it out, or only say so."""
    paragraphs: Literal["keep", "count", "remove"] = "keep"
    """Lines that stood before in a row that stays: leave them alone, count them, or remove them from
    the column ``text``."""


@dataclass
class DeduplicationSummary:
    """What became of the rows."""

    duplicates: Duplicates
    bad_rows: list[BadRow]
    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    """Reason → rows."""
    contamination: ContaminationReport | None = None
    paragraphs: RepeatedParagraphs | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the counts: read = written + left out + bad rows."""
        found = self.duplicates.to_json()
        lines = self.paragraphs
        return {
            "rows_read": found["read"] + len(self.bad_rows),
            "rows_written": self.written,
            "left_out": dict(self.left_out),
            "bad_rows": len(self.bad_rows),
            "duplicates": found,
            "contamination": self.contamination.to_json() if self.contamination else None,
            "paragraphs": None if lines is None else {
                "lines": lines.paragraphs,
                "repeated": lines.repeated,
                "repeated_characters": lines.repeated_characters,
            },
        }  # fmt: skip


def deduplicate_files(
    job: DeduplicationJob,
    target: Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DeduplicationSummary:
    """Write the rows that stay, and list those that do not.

    Args:
        job: What is asked.
        target: The output: .jsonl, .parquet or .txt; ``TARGET.left_out.jsonl`` appears beside it.
        overwrite: The output may be replaced.
        progress: Told a stage, rows done, and how many there are.

    Raises:
        UsageError: The output exists, or its format is not known.
        DataError: A file cannot be read, or a row cannot be written.
    """
    index = EvaluationIndex(read_items(job.against)) if job.against else None
    with RowFile(target, overwrite=overwrite) as output:
        bad: list[BadRow] = []
        with named_in_errors(target):  # its temporary file has no name to tell
            found = find_duplicates(
                job.rows.documents(bad),
                job.duplicates,
                part=own_part_of,
                scratch=target.parent,
                progress=progress,
            )
        summary = DeduplicationSummary(
            found,
            bad,
            contamination=ContaminationReport.of(index) if index else None,
            paragraphs=RepeatedParagraphs() if job.paragraphs != "keep" else None,
        )
        output.leave_out_bad(bad)
        for number, document in enumerate(same_documents(job.rows, found.ids)):
            note = _note(number, document, summary, index, job.on_contaminated)
            if note is not None:
                summary.left_out[note["reason"]] += 1
                output.leave_out({"id": document.id, **note})
            elif (row := _without_repeated(row_of(document), summary, job.paragraphs)) is None:
                summary.left_out["repeated_paragraphs"] += 1
                output.leave_out({"id": document.id, "reason": "repeated_paragraphs"})
            else:
                output.write(row, where=document.id)
            if progress and number % 256 == 0:
                progress("writing", number, len(found.ids))
        summary.written = output.written
    return summary


def _note(
    number: int,
    document: Document,
    summary: DeduplicationSummary,
    index: EvaluationIndex | None,
    policy: str,
) -> dict[str, Any] | None:
    """Return why a row is left out; None where it stays."""
    found = summary.duplicates
    if not found.is_kept(number):
        return {
            "reason": "exact_duplicate" if found.exact[number] else "near_duplicate",
            "kept": found.ids[int(found.kept_instead[number])],
            "similarity": round(float(found.similarity[number]), 3),
        }
    if index is None or summary.contamination is None:
        return None
    overlaps = index.look(document.text)
    summary.contamination.add(document.id, overlaps)
    asked = [overlap for overlap in overlaps if overlap.kind.gives_away]
    if not asked or policy == "report":
        return None
    items: Sequence[str] = [index.items[overlap.item].name for overlap in asked]
    return {"reason": f"evaluation_{asked[0].kind}", "items": items}


def _without_repeated(row: Any, summary: DeduplicationSummary, policy: str) -> Any:
    """Return the row without the lines that stood before; None where nothing else is in it."""
    text = row if isinstance(row, str) else row.get("text") if isinstance(row, Mapping) else None
    if summary.paragraphs is None or not isinstance(text, str):
        return row
    left = summary.paragraphs.without(text)
    if policy == "count" or left == text:
        return row
    if not left.strip():
        return None
    return left if isinstance(row, str) else {**row, "text": left}
