"""Files to examples: every row becomes an `Example` or a `RejectedRow`."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from migaki.corpus.encoding import EncodingError
from migaki.corpus.files import BadRow, Row, SourceFile, find_files, open_file
from migaki.dataset.config import DataConfig, DataFormat
from migaki.dataset.conversations import Example, RowProblemError
from migaki.dataset.formats import (
    DETECTION_ROWS,
    KEYS_OF_FORMAT,
    detect_format,
    format_name,
    format_of,
    read_example,
    rename,
)
from migaki.dataset.report import RejectedRow
from migaki.errors import BadRowError, DataError

__all__ = ["Progress", "ReadFile", "read_files", "refuse_bad_rows"]

Progress = Callable[[str, int, int | None], None]

_SHOWN = 10
_REPORT_EVERY = 1000


@dataclass(frozen=True, slots=True)
class ReadFile:
    """One file, read."""

    source: SourceFile
    role: str
    format: DataFormat
    format_reason: str
    rows: int
    examples: tuple[Example, ...]
    rejected: tuple[RejectedRow, ...]
    licences: Counter[str]
    sources: Counter[tuple[str, str]]
    """(source, licence) that rows state → rows; the name of the file, or nothing, where they do not."""
    columns: frozenset[str]
    """Of the columns that the user names, those that its first rows have."""


def read_files(
    names: Sequence[str],
    config: DataConfig,
    *,
    role: str,
    max_rows: int | None = None,
    on_progress: Progress | None = None,
) -> list[ReadFile]:
    """Read files whole.

    Args:
        names: Files, folders, globs, ``samples``.
        config: Format, columns and encoding.
        role: ``train`` or ``validation``, for the report.
        max_rows: Stop after so many rows of all files together.
        on_progress: Told the stage and the rows read so far.

    Raises:
        DataError: A file is missing, empty, damaged as a whole, in no known format or in several.
    """
    found: list[ReadFile] = []
    left = max_rows
    for path in find_files(names):
        if left == 0:
            break
        try:
            read = _read_file(
                open_file(path, encoding=config.encoding), config, role, left, on_progress
            )
        except EncodingError as err:
            raise err.named_by("data.encoding=NAME") from err
        if left is not None:
            left -= read.rows
        found.append(read)
    if role == "train":
        _refuse_unknown_columns(found, config)
    return found


def _refuse_unknown_columns(files: Sequence[ReadFile], config: DataConfig) -> None:
    missing = set(config.columns.values()).difference(*(file.columns for file in files))
    if missing:
        raise DataError(
            f"data.columns names {', '.join(map(repr, sorted(missing)))}, which no row has "
            f"(looked at the first {DETECTION_ROWS} of each file).",
            hint="Write it as {known name: name in your file}: data.columns={text: body}",
        )


def refuse_bad_rows(rejected: Sequence[RejectedRow], rows: int) -> None:
    """Raise for rows that cannot be used.

    Args:
        rejected: All of them.
        rows: Rows read in all.

    Raises:
        BadRowError: It is one.
        DataError: There are several; the first ten are listed with file and line.
    """
    hint = "Repair them, or leave them out with --on-bad-row skip (data.on_bad_row=skip)."
    if len(rejected) == 1:
        only = rejected[0]
        raise BadRowError(
            f"{only.reason}.", path=only.path, line=only.line, hint=hint.replace("them", "it")
        )
    if rejected:
        listed = "; ".join(f"{r.path}:{r.line}: {r.reason}" for r in rejected[:_SHOWN])
        more = f"; and {len(rejected) - _SHOWN} more" if len(rejected) > _SHOWN else ""
        raise DataError(
            f"{len(rejected)} of {rows} rows cannot be used: {listed}{more}.", hint=hint
        )


def _read_file(
    source: SourceFile,
    config: DataConfig,
    role: str,
    max_rows: int | None,
    on_progress: Progress | None,
) -> ReadFile:
    rows = itertools.islice(source.rows(), max_rows)
    first = list(itertools.islice(rows, DETECTION_ROWS))
    name, reason = _format(source, first, config)
    examples: list[Example] = []
    rejected: list[RejectedRow] = []
    other: dict[DataFormat, list[int]] = {}
    count = 0
    for row in itertools.chain(first, rows):
        count += 1
        if isinstance(row, BadRow):
            rejected.append(RejectedRow(row.path, row.line, row.reason, row.raw))
            continue
        try:
            examples.append(read_example(row, name, config.columns))
        except RowProblemError as err:
            rejected.append(RejectedRow(row.path, row.line, str(err), row.value))
            seen = format_of(rename(row.value, config.columns))
            if config.format == "auto" and seen not in (None, name):
                other.setdefault(seen, []).append(row.line)
        if on_progress and count % _REPORT_EVERY == 0:
            on_progress(f"reading {source.name}", count, None)
    _refuse_mixed(source, name, other, count)
    licences = Counter(example.licence for example in examples if example.licence)
    return ReadFile(
        source,
        role,
        name,
        reason,
        count,
        tuple(examples),
        tuple(rejected),
        licences,
        Counter((example.source or source.name, example.licence or "") for example in examples),
        frozenset(c for c in config.columns.values() if any(_has(row, c) for row in first)),
    )


def _has(row: Row | BadRow, column: str) -> bool:
    return isinstance(row, Row) and isinstance(row.value, Mapping) and column in row.value


def _format(
    source: SourceFile, first: Sequence[Row | BadRow], config: DataConfig
) -> tuple[DataFormat, str]:
    if config.format != "auto":
        return config.format, "as asked"
    readable = [row for row in first if isinstance(row, Row)]
    if source.kind == "txt":
        return "text", "a text file; its paragraphs, divided by blank lines, are the rows"
    if not readable:
        bad = next((row for row in first if isinstance(row, BadRow)), None)
        what = f" The first: line {bad.line} {bad.reason}." if bad else ""
        raise DataError(
            f"{source.path}: none of its first {len(first)} rows can be read.{what}",
            hint="Is this the right file, and is it whole?",
        )
    return detect_format(readable, config.columns)


def _refuse_mixed(
    source: SourceFile, name: DataFormat, other: dict[DataFormat, list[int]], count: int
) -> None:
    if not other:
        return
    listed = "; ".join(
        f"{format_name(kind)} in {len(lines)} (line {', '.join(map(str, lines[:5]))}"
        f"{' …' if len(lines) > 5 else ''})"
        for kind, lines in other.items()
    )
    raise DataError(
        f"{source.path} mixes formats: {format_name(name)} {KEYS_OF_FORMAT[name]} in most of its "
        f"{count} rows, but {listed}.",
        hint="Put each format into a file of its own and give all files to --data, or name one "
        f"with data.format={name} and --on-bad-row skip.",
    )
