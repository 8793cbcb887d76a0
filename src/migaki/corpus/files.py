"""Files to rows: JSON Lines, JSON, Parquet, CSV, TSV and plain text, each row with its line.

A row that cannot be read is a value (`BadRow`), not an exception, so that the caller decides
whether to stop or to count it; a file that cannot be read as a whole is a `DataError` that names
the place. What a row means is not decided here (see ``dataset.formats``).
"""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migaki.corpus.archives import is_zip
from migaki.corpus.compression import COMPRESSION_SUFFIXES, DAMAGE, compression_of
from migaki.corpus.encoding import Encoding, decode, detect_encoding, named_encoding
from migaki.corpus.local_shards import PREPARED
from migaki.corpus.rows import BadRow, DamagedFile, Row
from migaki.corpus.samples import SAMPLES_PATH
from migaki.corpus.shard_rows import examine, shard_rows
from migaki.corpus.shards import ReadingLimits, Shard, TextUnit
from migaki.corpus.text_kinds import KIND_OF_SUFFIX, FileKind, text_kind
from migaki.corpus.text_rows import json_row, text_rows
from migaki.errors import DataError, UsageError

__all__ = [
    "SAMPLES",
    "BadRow",
    "Row",
    "SourceFile",
    "find_files",
    "open_file",
    "read_lines",
]

SAMPLES = "samples"
"""The name of the embedded sample chats."""

_SUFFIXES = ", ".join(KIND_OF_SUFFIX)
_SAMPLE_BYTES = 1 << 24  # what encoding detection looks at; files this long are rarely mixed


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An opened file: what it is, and its rows."""

    path: Path
    name: str
    kind: FileKind
    encoding: Encoding | None
    """None for Parquet, which states its own."""
    bytes: int
    sha256: str
    is_compressed: bool
    _read: Callable[[], Iterator[Row | BadRow]] = field(repr=False, compare=False)

    def rows(self) -> Iterator[Row | BadRow]:
        """Yield the rows in order; each call starts anew.

        Raises:
            DataError: The file is damaged beyond single rows.
        """
        return self._read()


def find_files(names: Sequence[str]) -> list[Path]:
    """Resolve files, folders, globs and ``samples`` to files.

    Args:
        names: As the user gave them.

    Raises:
        DataError: One does not exist, or a folder holds nothing readable.
    """
    found: list[Path] = []
    for name in names:
        path = Path(os.path.expanduser(name))  # Path's own fails for a user who is not there
        if not name:
            raise UsageError("The name of a data file is empty.", hint="Give a file or folder.")
        if name == SAMPLES and not path.exists():
            found.append(SAMPLES_PATH)
        elif path.is_dir():
            inside = _files_in(path)
            if not inside:
                raise DataError(f"The folder {name} holds no data files ({_SUFFIXES}).")
            found.extend(inside)
        elif path.exists():
            found.append(path)
        elif matches := sorted(Path(match) for match in glob.glob(str(path), recursive=True)):
            found.extend(matches)
        else:
            raise DataError(
                f"The data file {name} does not exist (looked in {Path.cwd()}).",
                hint=f"Give a file or folder ({_SUFFIXES}), or '{SAMPLES}' for the embedded chats.",
            )
    repeated = {str(p) for p in found if found.count(p) > 1}
    if repeated:
        raise UsageError(f"The same file is named twice: {', '.join(sorted(repeated))}.")
    return found


def _files_in(folder: Path) -> list[Path]:
    """Return the data files of a folder; of one that was prepared, what was kept. No hidden ones."""
    if (folder / PREPARED[0]).is_file() and (folder / PREPARED[1]).is_dir():
        folder = folder / PREPARED[1]
    return sorted(
        path
        for path in folder.rglob("*")
        if _inner(path).suffix.lower() in KIND_OF_SUFFIX
        and not path.is_dir()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _inner(path: Path) -> Path:
    """Return a name without the suffix of its compression."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSION_SUFFIXES else path


def open_file(path: Path, *, encoding: str = "auto") -> SourceFile:
    """Find out what a file is and make its rows readable.

    Args:
        path: The file.
        encoding: A text encoding, or ``auto``.

    Raises:
        DataError: It is empty, unreadable, or neither text nor Parquet.
    """
    if path.exists() and not path.is_file():  # reading a pipe or a device might never end
        what = "a folder" if path.is_dir() else "a pipe or a device"
        raise DataError(f"{path} is {what}, not a file.", hint="Give a file on a disk.")
    try:
        size, digest, head = _look_at(path)
    except OSError as err:
        raise DataError(f"{path} cannot be read: {err.strerror or err}.") from err
    if size == 0 or not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise DataError(f"{path} is empty.", hint="Check that it was written or copied whole.")
    if head.startswith(b"PAR1") or path.suffix.lower() == ".parquet":
        return SourceFile(
            path, path.name, "parquet", None, size, digest, False, lambda: _read_parquet(path)
        )
    if is_zip(head):
        raise DataError(f"{path} is a ZIP archive.", hint="Unpack it first, and give the folder.")
    if compression_of(head):
        return _compressed(path, encoding, size, digest)
    if encoding == "auto":
        chosen = detect_encoding(_sample(path, head, size), where=str(path))
    else:
        chosen = named_encoding(encoding)
    kind = text_kind(path, head, chosen)
    return SourceFile(
        path, path.name, kind, chosen, size, digest, False, lambda: _read_rows(path, kind, chosen)
    )


def _compressed(path: Path, encoding: str, size: int, digest: str) -> SourceFile:
    shard, limits = Shard(path.name, str(path), size), ReadingLimits()
    try:
        content = examine(shard, encoding=encoding, limits=limits)
    except DAMAGE as err:
        raise DataError(
            f"{path} is damaged: {err}.", hint="Copy or download it again; nothing of it was used."
        ) from err

    def read() -> Iterator[Row | BadRow]:
        unit: TextUnit = "paragraph"
        for row in shard_rows(shard, encoding=encoding, text_unit=unit, limits=limits):
            if isinstance(row, DamagedFile):
                raise DataError(f"{row.path}:{row.line}: {row.reason}.", hint=row.hint)
            yield row

    return SourceFile(path, path.name, content.kind, content.encoding, size, digest, True, read)


def _read_rows(path: Path, kind: FileKind, encoding: Encoding) -> Iterator[Row | BadRow]:
    if kind == "jsonl":
        yield from _read_jsonl(path, encoding)
    elif kind == "parquet":
        yield from _read_parquet(path)
    else:
        yield from text_rows(kind, path, _read_text(path, encoding))


def _look_at(path: Path) -> tuple[int, str, bytes]:
    digest, size, head = hashlib.sha256(), 0, b""
    with path.open("rb") as file:
        while block := file.read(_SAMPLE_BYTES):
            head = head or block
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest(), head


def _sample(path: Path, head: bytes, size: int) -> bytes:
    """Return a beginning of the file that ends with a line, so that no character is cut."""
    if size <= len(head):
        return head
    return head[: head.rfind(b"\n") + 1] or path.read_bytes()


def _read_text(path: Path, encoding: Encoding) -> str:
    text = decode(path.read_bytes(), encoding, where=str(path))
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


# ── JSON Lines ───────────────────────────────────────────────────────────────────────────────────


def _read_jsonl(path: Path, encoding: Encoding) -> Iterator[Row | BadRow]:
    for number, line in enumerate(read_lines(path, encoding), start=1):
        if isinstance(line, UnicodeError):
            reason = f"is not valid {encoding.name} (byte {getattr(line, 'start', 0)} of the line)"
            yield BadRow(path, number, reason, repr(getattr(line, "object", b""))[:2000])
            continue
        row = json_row(path, number, line)
        if row is not None:
            yield row


def read_lines(path: Path, encoding: Encoding) -> Iterator[str | UnicodeError]:
    """Yield the lines of a text file one at a time, their line ends kept.

    Args:
        path: The file.
        encoding: Its encoding.

    Yields:
        A line, or the error of a line that is not in the encoding.
    """
    if encoding.codec.startswith(("utf-16", "utf-32", "iso2022")):  # a byte 0x0A may be half a char
        yield from _read_text(path, encoding).split("\n")
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file):
            try:
                text = raw.decode("utf-8" if encoding.codec == "utf-8-sig" else encoding.codec)
            except UnicodeError as err:
                yield err
            else:
                yield text.removeprefix("\ufeff") if number == 0 else text


# ── Parquet ──────────────────────────────────────────────────────────────────────────────────────


def _read_parquet(path: Path) -> Iterator[Row | BadRow]:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for value in batch.to_pylist():
                    number += 1
                    yield Row(path, number, value)
    except (pyarrow.ArrowException, OSError) as err:
        problem = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise DataError(
            f"{path} is not a readable Parquet file ({problem}).",
            hint="Parquet keeps its index at the end: a file that was cut off cannot be read.",
        ) from err
    if number == 0:
        raise DataError(f"{path} has no rows.")
