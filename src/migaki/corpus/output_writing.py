"""Documents to output files of a stated size: Parquet or JSON Lines, both compressed with zstd.

The bytes depend on the documents and the settings alone: no time, no name and no machine stands in
them, so that the same task gives the same file wherever and however often it runs. A file is begun
when the one before it is full, and reaches its folder whole or not at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, TypeAlias

from migaki.corpus.row_writing import json_line

__all__ = ["OutputFile", "OutputFormat", "OutputWriter", "suffix_of"]

OutputFormat: TypeAlias = Literal["jsonl", "parquet"]

_SUFFIX: Mapping[OutputFormat, str] = {"jsonl": ".jsonl.zst", "parquet": ".parquet"}
_ROW_GROUP_BYTES = 16 << 20
"""Text that waits for a Parquet row group: what a reader must hold to read one row."""


def suffix_of(kind: OutputFormat) -> str:
    """Return what the names of such files end in.

    >>> suffix_of("jsonl")
    '.jsonl.zst'
    """
    return _SUFFIX[kind]


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file that was written."""

    name: str
    """Relative to the output folder."""
    sha256: str
    bytes: int
    rows: int
    characters: int
    """Of the texts alone."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return asdict(self)


class OutputWriter:
    """Writes rows to files of one task; a context manager.

    Files grow under a temporary name in `scratch` and are moved into `folder` by `finish`; left
    without it, they are removed.

    Args:
        folder: Where the files belong; their names are relative to its parent.
        stem: How their names begin: ``part-00042``.
        kind: The format.
        most_bytes: Uncompressed size at which a file is full.
        scratch: A folder on the same file system.
    """

    def __init__(
        self, folder: Path, stem: str, *, kind: OutputFormat, most_bytes: int, scratch: Path
    ) -> None:
        self._folder, self._stem, self._kind = folder, stem, kind
        self._most_bytes, self._scratch = most_bytes, scratch
        self._waiting: list[tuple[Path, OutputFile]] = []
        self._open: _JsonlFile | _ParquetFile | None = None
        self._temporary: Path | None = None

    def __enter__(self) -> OutputWriter:
        """Nothing more to do: a file is begun with the first row."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was not delivered."""
        if self._open is not None:
            self._open.abandon()
        for path in [self._temporary, *(path for path, _ in self._waiting)]:
            if path is not None:
                path.unlink(missing_ok=True)

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a row; its text stands in the column ``text``.

        Raises:
            UnwritableRowError: It cannot stand in this format; nothing was written.
            OSError: The disk is full or not writable.
        """
        line = json_line(row)
        if self._open is not None and self._open.size + len(line) > self._most_bytes:
            self._close()
        if self._open is None:
            number = len(self._waiting)
            name = f"{self._stem}-{self._folder.name}-{number:03d}.{os.getpid()}"
            self._temporary = self._scratch / name
            opener = _JsonlFile if self._kind == "jsonl" else _ParquetFile
            self._open = opener(self._temporary)
        self._open.add(row, line)

    def finish(self) -> list[OutputFile]:
        """Move the files to their place and return them in order."""
        if self._open is not None:
            self._close()
        if self._waiting:
            self._folder.mkdir(exist_ok=True)
        for path, file in self._waiting:
            os.replace(path, self._folder.parent / file.name)
        written = [file for _, file in self._waiting]
        self._waiting = []
        return written

    def _close(self) -> None:
        opened, temporary = self._open, self._temporary
        if opened is None or temporary is None:
            return
        self._open = None
        name = f"{self._folder.name}/{self._stem}-{len(self._waiting):03d}{_SUFFIX[self._kind]}"
        sha256, size = opened.close()
        file = OutputFile(name, sha256, size, opened.rows, opened.characters)
        self._waiting.append((temporary, file))
        self._temporary = None


class _HashedFile:
    """A file that knows the hash of what was written to it; pyarrow writes to anything like it."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._digest = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._bytes += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._bytes

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Bring it to the disk; a compressing stream closes what it writes to, we close it again."""
        if not self.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.closed = True

    @property
    def written(self) -> tuple[str, int]:
        """Hash and size."""
        return self._digest.hexdigest(), self._bytes


class _JsonlFile:
    """One JSON object a line, in one zstd frame."""

    def __init__(self, path: Path) -> None:
        import pyarrow

        self._file = _HashedFile(path)
        self._stream = pyarrow.CompressedOutputStream(
            pyarrow.PythonFile(self._file, mode="w"), "zstd"
        )
        self.size = self.rows = self.characters = 0

    def add(self, row: Mapping[str, Any], line: bytes) -> None:
        self._stream.write(line)
        self.size += len(line)
        self.rows += 1
        self.characters += len(row["text"])

    def close(self) -> tuple[str, int]:
        self._stream.close()
        self._file.close()
        return self._file.written

    def abandon(self) -> None:
        with suppress(OSError):  # the disk may be full
            self._stream.close()
            self._file.close()


class _ParquetFile:
    """Columns id, text, source, license; what else is told, as JSON in the column metadata."""

    def __init__(self, path: Path) -> None:
        import pyarrow
        import pyarrow.parquet

        text = pyarrow.string()
        self._schema = pyarrow.schema(
            [(name, text) for name in ("id", "text", "source", "license", "metadata")]
        )
        self._file = _HashedFile(path)
        self._writer = pyarrow.parquet.ParquetWriter(
            pyarrow.PythonFile(self._file, mode="w"), self._schema, compression="zstd"
        )
        self._waiting: list[dict[str, Any]] = []
        self._waiting_bytes = 0
        self.size = self.rows = self.characters = 0

    def add(self, row: Mapping[str, Any], line: bytes) -> None:
        metadata = json_line(row["metadata"]).decode().rstrip("\n")
        self._waiting.append({**row, "metadata": metadata})
        self._waiting_bytes += len(line)
        self.size += len(line)
        self.rows += 1
        self.characters += len(row["text"])
        if self._waiting_bytes >= _ROW_GROUP_BYTES:
            self._write_group()

    def close(self) -> tuple[str, int]:
        self._write_group()
        self._writer.close()
        self._file.close()
        return self._file.written

    def abandon(self) -> None:
        with suppress(OSError):
            self._writer.close()
            self._file.close()

    def _write_group(self) -> None:
        import pyarrow

        if self._waiting:
            table = pyarrow.Table.from_pylist(self._waiting, schema=self._schema)
            self._writer.write_table(table, row_group_size=len(table))
            self._waiting, self._waiting_bytes = [], 0
