"""Rows to bytes of JSON Lines, Parquet or plain text, chunk by chunk.

A chunk is made into bytes by itself, so that workers can do it and a file can grow by whole chunks.
Parquet has its index at the end and cannot grow; until all rows are there it is a row of Arrow
streams, one a chunk, of which the Parquet file is then made in row groups.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from migaki.errors import DataError, UsageError

if TYPE_CHECKING:
    import pyarrow

    from migaki.corpus.files import SourceFile

__all__ = [
    "PROVENANCE",
    "JsonlWriting",
    "ParquetWriting",
    "RowWriting",
    "TxtWriting",
    "UnwritableRowError",
    "json_line",
    "known_columns",
    "parquet_from_streams",
    "parquet_row_count",
    "parquet_schema",
    "provenance_types",
    "target_kind",
    "writing_of",
]

TargetKind = Literal["jsonl", "parquet", "txt"]
Writable = Mapping[str, Any]
Column = str | None
"""The column that holds a row's only text; None where the row has several texts."""

PROVENANCE = ".provenance.jsonl"
"""Suffix of the file that goes with a text file: line n says what line n of the text is."""

_KIND_OF_SUFFIX: Mapping[str, TargetKind] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".txt": "txt", ".text": "txt",
}  # fmt: skip
_ROW_GROUP_ROWS = 20_000
_ROW_GROUP_BYTES = 64 << 20


class UnwritableRowError(Exception):
    """Why a row cannot stand in the output; the reader adds file and line."""


def target_kind(path: Path) -> TargetKind:
    """Return the format that the name of an output asks for.

    Raises:
        UsageError: No format has this suffix.

    Example:
        >>> target_kind(Path("out.parquet"))
        'parquet'
    """
    kind = _KIND_OF_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise UsageError(
            f"The format of the output {path.name} is not known: its name ends in "
            f"{path.suffix or 'nothing'!r}.",
            hint=f"Valid: {', '.join(_KIND_OF_SUFFIX)}.",
        )
    return kind


def json_line(row: Any) -> bytes:
    r"""Return a row as one line of JSON in UTF-8, Japanese as it is.

    A row with half a character (a lone surrogate), which UTF-8 cannot hold, is escaped instead.

    Raises:
        UnwritableRowError: It holds bytes or another type that JSON does not have.

    Example:
        >>> json_line({"text": "雨"}).decode()
        '{"text": "雨"}\n'
    """
    try:
        return (_JAPANESE.encode(row) + "\n").encode()
    except UnicodeEncodeError:
        return (_ESCAPED.encode(row) + "\n").encode()
    except ValueError as err:  # a circle, which no file can hold
        raise UnwritableRowError(f"cannot be written as JSON ({err})") from err


def _json_value(value: object) -> str:
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise UnwritableRowError(
        f"holds a value of the type {type(value).__name__}, which JSON does not have; "
        "write Parquet instead"
    )


# Made once: json.dumps makes one for each call with options.
_JAPANESE = json.JSONEncoder(ensure_ascii=False, default=_json_value)
_ESCAPED = json.JSONEncoder(default=_json_value)


class JsonlWriting:
    """One JSON object a line."""

    suffixes: tuple[str, ...] = ("",)
    finisher: Callable[[Path, Path], None] | None = None

    def check(self, row: Writable, column: Column) -> None:
        """Refuse a row that cannot be written.

        Raises:
            UnwritableRowError: Says why.
        """
        json_line(row)

    def encode(self, rows: Sequence[tuple[Writable, Column]]) -> tuple[bytes, ...]:
        """Return the bytes of the rows for each file."""
        return (b"".join(json_line(row) for row, _ in rows),)


class TxtWriting:
    """One text a line; what else a row has stands in the same line of the provenance file."""

    suffixes: tuple[str, ...] = ("", PROVENANCE)
    finisher: Callable[[Path, Path], None] | None = None

    def check(self, row: Writable, column: Column) -> None:
        """Refuse a row that cannot be written.

        Raises:
            UnwritableRowError: Says why.
        """
        if column is None:
            raise UnwritableRowError(
                "has several texts, of which a plain text file can hold one; write .jsonl"
            )
        text = row[column]
        if "\n" in text or "\r" in text:
            raise UnwritableRowError(
                "has line breaks, which a row of a plain text file cannot hold; write .jsonl"
            )
        _refuse_half_characters(text)
        json_line(row)

    def encode(self, rows: Sequence[tuple[Writable, Column]]) -> tuple[bytes, ...]:
        """Return the bytes of the rows for each file."""
        texts = "".join(f"{row[column]}\n" for row, column in rows if column)
        return texts.encode(), b"".join(
            json_line({key: value for key, value in row.items() if key != column})
            for row, column in rows
        )


@dataclass(frozen=True)
class ParquetWriting:
    """Parquet by way of Arrow streams.

    Attributes:
        known: Types of columns that are known beforehand; the others are found from the values.
    """

    known: Mapping[str, Any]

    suffixes: tuple[str, ...] = ("",)

    @property
    def finisher(self) -> Callable[[Path, Path], None]:
        """What makes the Parquet file of the streams."""
        return parquet_from_streams

    def check(self, row: Writable, column: Column) -> None:
        """Refuse a row that cannot be written.

        Raises:
            UnwritableRowError: Says why.
        """
        _refuse_half_characters(json.dumps(row, ensure_ascii=False, default=str))

    def encode(self, rows: Sequence[tuple[Writable, Column]]) -> tuple[bytes, ...]:
        """Return the bytes of the rows for each file: one Arrow stream.

        Raises:
            DataError: A column holds values that cannot stand in one column.
        """
        import pyarrow

        if not rows:
            return (b"",)
        names = dict.fromkeys(name for row, _ in rows for name in row)
        columns = {}
        for name in names:
            values = [row.get(name) for row, _ in rows]
            try:
                columns[name] = pyarrow.array(values, type=self.known.get(name))
            except pyarrow.ArrowException as err:
                raise _unfit_column(name, err) from err
        table = pyarrow.table(columns)
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        return (sink.getvalue().to_pybytes(),)


RowWriting = JsonlWriting | TxtWriting | ParquetWriting


def writing_of(target: Path, *, columns: Callable[[], Mapping[str, Any]] = dict) -> RowWriting:
    """Return how rows are written to an output, which its name decides.

    Args:
        target: The output.
        columns: Gives the types of the columns that are known; asked for Parquet only.

    Raises:
        UsageError: No format has this suffix.

    Example:
        >>> type(writing_of(Path("out.txt"))).__name__
        'TxtWriting'
    """
    kind = target_kind(target)
    if kind == "txt":
        return TxtWriting()
    return JsonlWriting() if kind == "jsonl" else ParquetWriting(columns())


def known_columns(files: Iterable[SourceFile]) -> dict[str, Any]:
    """Return the columns of the Parquet files among some files, with their types.

    Raises:
        DataError: One of them is not readable.
    """
    found: dict[str, Any] = {}
    for file in files:
        if file.kind == "parquet" and not file.is_compressed:
            found |= parquet_schema(file.path)
    return found


def parquet_schema(path: Path) -> Mapping[str, Any]:
    """Return the columns of a Parquet file with their types.

    Args:
        path: The file.

    Raises:
        DataError: It is not readable.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        schema = pyarrow.parquet.read_schema(path)
    except (pyarrow.ArrowException, OSError) as err:
        raise _unreadable_parquet(path, err) from err
    return {field.name: field.type for field in schema}


def parquet_row_count(path: Path) -> int:
    """Return how many rows a Parquet file says that it has.

    Raises:
        DataError: It is not readable.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    except (pyarrow.ArrowException, OSError) as err:
        raise _unreadable_parquet(path, err) from err


def _unreadable_parquet(path: Path, err: Exception) -> DataError:
    problem = (str(err).splitlines() or [type(err).__name__])[0].rstrip(".")
    return DataError(
        f"{path} is not a readable Parquet file ({problem}).",
        hint="Parquet keeps its index at the end: a file that was cut off cannot be read, and must be "
        "written or downloaded again.",
    )


def provenance_types() -> Mapping[str, Any]:
    """Return the Parquet types of the provenance columns, which empty lists do not show."""
    import pyarrow

    text, number = pyarrow.string(), pyarrow.int64()
    edit = pyarrow.struct(
        [
            ("field", text),
            ("start", number),
            ("end", number),
            ("original", text),
            ("replacement", text),
            ("rule", text),
        ]
    )
    return {
        "augment_source": text,
        "augment_variant": number,
        "augment_operators": pyarrow.list_(text),
        "augment_edits": pyarrow.list_(edit),
        "augment_seed": number,
        "augment_analyzer": text,
        "augment_version": text,
    }


def parquet_from_streams(source: Path, target: Path) -> None:
    """Make a Parquet file of Arrow streams that stand one behind the other.

    Memory is that of a row group. Row groups depend on the streams alone.

    Args:
        source: The streams.
        target: The Parquet file; replaced.

    Raises:
        DataError: A column has types that do not go together.
    """
    import pyarrow
    import pyarrow.parquet

    schema: pyarrow.Schema | None = None
    try:
        for table in _streams(source):
            plain = table.schema
            schema = (
                plain
                if schema is None
                else pyarrow.unify_schemas([schema, plain], promote_options="permissive")
            )
        with pyarrow.parquet.ParquetWriter(target, schema or pyarrow.schema([])) as writer:
            for group in _row_groups(source, schema):
                writer.write_table(group, row_group_size=len(group))
    except pyarrow.ArrowException as err:
        problem = str(err).splitlines()[0]
        raise DataError(
            f"The rows do not go into one Parquet file ({problem}).",
            hint="Write JSON Lines instead: -o …jsonl.",
        ) from err
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _row_groups(source: Path, schema: pyarrow.Schema) -> Iterator[pyarrow.Table]:
    import pyarrow

    waiting: list[pyarrow.Table] = []
    for table in _streams(source):
        if table.schema != schema:
            table = pyarrow.Table.from_pylist(table.to_pylist(), schema=schema)
        waiting.append(table)
        if (
            sum(map(len, waiting)) >= _ROW_GROUP_ROWS
            or sum(t.nbytes for t in waiting) >= _ROW_GROUP_BYTES
        ):
            yield pyarrow.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pyarrow.concat_tables(waiting)


def _streams(source: Path) -> Iterator[pyarrow.Table]:
    import pyarrow

    size = source.stat().st_size
    with source.open("rb") as file:
        while file.tell() < size:
            yield pyarrow.ipc.open_stream(file).read_all()


def _unfit_column(name: str, err: Exception) -> DataError:
    problem = str(err).splitlines()[0]
    return DataError(
        f"The values of '{name}' do not go into one column of a Parquet file ({problem}).",
        hint="Write JSON Lines instead: -o …jsonl.",
    )


def _refuse_half_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        half = text[err.start].encode("ascii", "backslashreplace").decode()
        raise UnwritableRowError(
            f"holds half a character ({half}), which only JSON Lines can hold; write .jsonl"
        ) from err
