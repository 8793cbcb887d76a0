"""Cleaning of files: their rows through the stages, streamed, on several processes, resumable.

The rows keep their shape and their other columns; what is rejected is counted by stage and reason, shown
by example, and listed where that is asked for. Rows read = rows kept + rows rejected + rows that could not
be read, at every moment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import chain, islice
from pathlib import Path
from typing import Any

from migaki.config import to_mapping
from migaki.corpus.cleaning.config import CleaningConfig, build_stages
from migaki.corpus.documents import Document, Rejection, Stage
from migaki.corpus.files import BadRow, Row, SourceFile, find_files, open_file
from migaki.corpus.ordered_map import map_ordered
from migaki.corpus.personal_information import PersonalInformation
from migaki.corpus.resumable_output import ResumableOutput
from migaki.corpus.row_cleaning import CleanedRow, clean_row
from migaki.corpus.row_writing import (
    Column,
    JsonlWriting,
    RowWriting,
    UnwritableRowError,
    json_line,
    known_columns,
    target_kind,
    writing_of,
)
from migaki.corpus.streaming import chunks, count_rows, row_stream
from migaki.corpus.text_fields import FieldProblemError, has_field
from migaki.errors import UsageError

__all__ = ["REJECTED", "Cleaning", "CleaningSummary", "Example", "clean_files"]

REJECTED = ".rejected.jsonl"
"""Suffix of the file that lists what was rejected, each row with stage, reason and what was measured."""

_UNREADABLE = "reading"
_EXCERPT = 200

Progress = Callable[[int, int | None], None]
"""Told the rows done and the rows there are, if that is known."""


@dataclass(frozen=True, slots=True)
class Example:
    """A rejected row, to look at."""

    id: str
    """File and line."""
    detail: str
    """What was measured against what."""
    text: str
    """The beginning of the text, as it came to the stage."""


@dataclass(slots=True)
class CleaningSummary:
    """What became of the rows; adds up over chunks and over stops."""

    rows: int = 0
    """Rows read: kept + rejected + unreadable."""
    kept: int = 0
    unreadable: int = 0
    """Rows that are no text: broken JSON, no known column."""
    characters: int = 0
    """In the rows read that are text."""
    characters_kept: int = 0
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    """Stage → reason → rows."""
    changes: dict[str, int] = field(default_factory=dict)
    """What stages changed in rows that were kept: ``personal_information.email`` → how often."""
    examples: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """``stage: reason`` → the first examples."""

    def add(self, other: CleaningSummary, *, examples: int) -> None:
        """Take over the counts of further rows, and examples up to so many for each reason."""
        for name in ("rows", "kept", "unreadable", "characters", "characters_kept"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for stage, reasons in other.rejected.items():
            _add(self.rejected.setdefault(stage, {}), reasons)
        _add(self.changes, other.changes)
        for reason, found in other.examples.items():
            mine = self.examples.setdefault(reason, [])
            mine += found[: max(0, examples - len(mine))]

    def to_json(self) -> dict[str, Any]:
        """Return a copy of the counts for a program; ``CleaningSummary(**…)`` reads them back."""
        return asdict(self)

    def count_rejection(self, rejection: Rejection, *, examples: int) -> None:
        """Count one rejected row."""
        self.characters += len(rejection.document.text)
        _add(self.rejected.setdefault(rejection.stage, {}), {rejection.reason: 1})
        self._show(
            f"{rejection.stage}: {rejection.reason}",
            Example(rejection.document.id, rejection.detail, _excerpt(rejection)),
            examples,
        )

    def count_unreadable(self, id: str, row: BadRow, *, examples: int) -> None:
        """Count one row that is no text."""
        self.unreadable += 1
        self._show(_UNREADABLE, Example(id, row.reason, str(row.raw)[:_EXCERPT]), examples)

    def _show(self, reason: str, example: Example, examples: int) -> None:
        mine = self.examples.setdefault(reason, [])
        if len(mine) < examples:
            mine.append(asdict(example))


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is asked for; together with the input it decides every byte of the output."""

    config: CleaningConfig
    """The stages."""
    fields: tuple[str, ...] = ()
    """Columns or sides of a conversation that are text; none means all that is."""
    list_rejected: bool = False
    """Write what is rejected to ``OUT.rejected.jsonl``."""
    examples: int = 3
    """Examples to keep of each reason."""
    encoding: str = "auto"
    """Text encoding of the input, or ``auto``."""


def clean_files(
    names: Sequence[str],
    asked: Cleaning,
    *,
    target: Path | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Progress | None = None,
) -> CleaningSummary:
    """Clean the rows of files into one file, or only see what would become of them.

    With several workers the calling script must be importable (``if __name__ == "__main__":``).

    Args:
        names: Files, folders or globs: JSON Lines, Parquet, text (a row a line), JSON, CSV, TSV.
        asked: What is asked for.
        target: ``.jsonl``, ``.parquet`` or ``.txt``; None writes nothing.
        workers: Processes. The result does not depend on it.
        resume: Go on with work that was stopped.
        overwrite: Replace an output that exists.
        on_progress: Told rows done and rows there are, first at the start.

    Raises:
        UsageError: The call is wrong, no row has a field, or the output exists, or was begun otherwise.
        DataError: A file is not readable.
        RunInterruptedError: Ctrl-C; what is done is kept.
    """
    files = [open_file(path, encoding=asked.encoding) for path in find_files(names)]
    if target is not None and target.exists() and any(target.samefile(f.path) for f in files):
        raise UsageError(f"Input and output are the same file: {target}.", hint="Give another -o.")
    _refuse_unknown_fields(files, asked.fields)
    called = {str(file.path): file.name for file in files}
    writing: RowWriting = (
        JsonlWriting()
        if target is None
        else writing_of(target, columns=lambda: known_columns(files))
    )
    work = _ChunkWork(asked, writing, called)
    run = _Run(files, work, workers, on_progress)
    if target is None:
        return run.measure()
    output = ResumableOutput(
        target,
        suffixes=(*work.writing.suffixes, REJECTED),
        identity=_identity(files, target, work),
        resume=resume,
        overwrite=overwrite,
    )
    with output.kept_when_stopped(), output:
        return run.write(output)


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows of all files through the workers."""

    files: Sequence[SourceFile]
    work: _ChunkWork
    workers: int
    on_progress: Progress | None

    def measure(self) -> CleaningSummary:
        """See what becomes of the rows; write nothing."""
        total = CleaningSummary()
        count = self._count()
        self._tell(0, count)
        for done in self._done(0):
            total.add(done.summary, examples=self.work.asked.examples)
            self._tell(total.rows, count)
        return total

    def write(self, output: ResumableOutput) -> CleaningSummary:
        """Write what is kept, going on where the output is."""
        total = CleaningSummary(**output.totals)
        if not output.finished:
            count = self._count()
            self._tell(output.rows, count)
            for done in self._done(output.rows):
                total.add(done.summary, examples=self.work.asked.examples)
                output.append(done.pieces, rows=done.summary.rows, totals=total.to_json())
                self._tell(output.rows, count)
        output.finish(self.work.writing.finisher)
        return total

    def _done(self, skip: int) -> Iterator[_Done]:
        rows = chain.from_iterable(row_stream(file) for file in self.files)
        return map_ordered(self.work, chunks(islice(rows, skip, None)), workers=self.workers)

    def _count(self) -> int | None:
        counts = [count_rows(file) for file in self.files] if self.on_progress else [None]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def _tell(self, done: int, count: int | None) -> None:
        if self.on_progress:
            self.on_progress(done, count)


def _refuse_unknown_fields(files: Sequence[SourceFile], fields: Sequence[str]) -> None:
    """Refuse fields that no row has; where they are there, the first rows show it."""
    if not fields:
        return
    missing = dict.fromkeys(fields)
    columns: dict[str, None] = {}
    for row in chain.from_iterable(row_stream(file) for file in files):
        if isinstance(row, BadRow):
            continue
        value = row.value if isinstance(row.value, Mapping) else {"text": row.value}
        columns |= dict.fromkeys(map(str, value))
        for name in [name for name in missing if has_field(value, name)]:
            del missing[name]
        if not missing:
            return
    if missing and columns:
        raise UsageError(
            f"No row has the field {', '.join(map(repr, missing))}.",
            hint=f"The columns are: {', '.join(map(repr, columns))}; of a conversation, assistant, user "
            "and system are fields too.",
        )


def _identity(files: Sequence[SourceFile], target: Path, work: _ChunkWork) -> dict[str, Any]:
    stages = to_mapping(work.asked.config)
    return {
        **{f"SHA-256 of {file.name}": file.sha256 for file in files},
        "inputs": [file.name for file in files],
        "encoding": [file.encoding.codec if file.encoding else "" for file in files],
        "format": target_kind(target),
        "fields": list(work.asked.fields),
        "rejected rows listed": work.asked.list_rejected,
        "migaki": version("migaki"),
        **{f"stage {name}": json.dumps(value) for name, value in stages.items()},
    }


# ── one chunk ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Done:
    """What a chunk became."""

    pieces: tuple[bytes, ...]
    summary: CleaningSummary


@dataclass(frozen=True, slots=True)
class _ChunkWork:
    """Turns a chunk of rows into bytes; sent to the workers."""

    asked: Cleaning
    writing: RowWriting
    names: Mapping[str, str]
    """Path of a file → what its rows are called by."""

    def __call__(self, chunk: Sequence[Row | BadRow]) -> _Done:
        summary = CleaningSummary(rows=len(chunk))
        kept: list[tuple[Mapping[str, Any], Column]] = []
        rejected: list[bytes] = []
        stages = build_stages(self.asked.config)
        for row in chunk:
            source = self.names[str(row.path)]
            id = f"{source}:{row.line}"
            cleaned = row if isinstance(row, BadRow) else self._clean(row, stages, id, source)
            if isinstance(cleaned, BadRow):
                summary.count_unreadable(id, cleaned, examples=self.asked.examples)
                rejected.append(_listed(id, _UNREADABLE, "unreadable", cleaned.reason, cleaned.raw))
            elif isinstance(outcome := cleaned.outcome, Rejection):
                summary.count_rejection(outcome, examples=self.asked.examples)
                rejected.append(
                    _listed(id, outcome.stage, outcome.reason, outcome.detail, cleaned.row)
                )
            else:
                kept.append((cleaned.row, cleaned.column))
                summary.kept += 1
                summary.characters += cleaned.characters
                summary.characters_kept += len(outcome.text)
                _add(summary.changes, outcome.counts)
        listing = b"".join(rejected) if self.asked.list_rejected else b""
        return _Done((*self.writing.encode(kept), listing), summary)

    def _clean(
        self, row: Row, stages: Sequence[Stage], id: str, source: str
    ) -> CleanedRow | BadRow:
        try:
            cleaned = clean_row(row.value, stages, id=id, source=source, fields=self.asked.fields)
            if not isinstance(cleaned.outcome, Rejection):
                self.writing.check(cleaned.row, cleaned.column)
        except (FieldProblemError, UnwritableRowError) as err:
            return BadRow(row.path, row.line, str(err), row.value)
        return cleaned


def _excerpt(rejection: Rejection) -> str:
    """Return the beginning of a rejected text; what it was rejected for must not be shown again."""
    document = rejection.document
    if rejection.stage == PersonalInformation.name:
        outcome = PersonalInformation()(document)
        document = outcome if isinstance(outcome, Document) else document
    return document.text[:_EXCERPT]


def _listed(id: str, stage: str, reason: str, detail: str, row: Any) -> bytes:
    entry = {"id": id, "stage": stage, "reason": reason, "detail": detail}
    try:
        return json_line({**entry, "row": row})
    except UnwritableRowError:
        return json_line({**entry, "row": repr(row)})


def _add(mine: dict[str, int], theirs: Mapping[str, int]) -> None:
    for name, count in theirs.items():
        mine[name] = mine.get(name, 0) + count
