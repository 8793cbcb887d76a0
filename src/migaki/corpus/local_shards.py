"""Files and folders of the user to shards: which files are data, and where large ones are cut."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow
import pyarrow.parquet

from migaki.corpus.archives import is_zip, zip_members
from migaki.corpus.compression import COMPRESSION_SUFFIXES, compression_of
from migaki.corpus.shard_rows import examine
from migaki.corpus.shards import ReadingLimits, Shard, TextUnit
from migaki.errors import DataError

__all__ = ["DATA_SUFFIXES", "PREPARED", "FoundFiles", "cut_file", "find_text_files"]

DATA_SUFFIXES = frozenset(
    {
        ".jsonl",
        ".ndjson",
        ".json",
        ".parquet",
        ".csv",
        ".tsv",
        ".txt",
        ".text",
        ".md",
        ".rst",
        ".po",
    }
)
"""What is taken from a folder or an archive; a file that is named itself may end as it likes."""

PREPARED = ("manifest.json", "data")
"""The file and the folder by which a folder shows that ``migaki data prepare`` wrote it."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The data files of a source, and how many others lie beside them."""

    root: Path
    files: tuple[Path, ...]
    other_files: int = 0

    def place(self, path: Path) -> str:
        """Return a file's name as ids and shards have it: its path in the folder."""
        return path.name if path == self.root else path.relative_to(self.root).as_posix()


def find_text_files(path: Path) -> FoundFiles:
    """Find the data files of a folder, in the order of their names; a file is its own.

    Hidden files and folders (``.git``) are not looked at. Of a folder that ``migaki data prepare``
    wrote, what it kept is taken, not its manifest and what it rejected.

    Raises:
        DataError: There are none.
    """
    if not path.is_dir():
        return FoundFiles(path, (path,))
    if (path / PREPARED[0]).is_file() and (path / PREPARED[1]).is_dir():
        path = path / PREPARED[1]
    files, others = [], 0
    for folder, inside, names in os.walk(path):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in names:
            if name.startswith("."):
                continue
            if _is_data(name):
                files.append(Path(folder, name))
            else:
                others += 1
    if not files:
        raise DataError(
            f"The folder {path} holds no data files ({', '.join(sorted(DATA_SUFFIXES))}, also "
            f"compressed, and .zip); {others:,} other files are there.",
            hint="Give the folder that holds the texts.",
        )
    return FoundFiles(path, tuple(sorted(files)), others)


def _is_data(name: str) -> bool:
    path = Path(name.lower())
    if path.suffix in COMPRESSION_SUFFIXES:
        path = path.with_suffix("")
    return path.suffix in DATA_SUFFIXES or path.suffix == ".zip"


def cut_file(
    path: Path, place: str, *, encoding: str, text_unit: TextUnit, limits: ReadingLimits
) -> list[Shard]:
    """Return the parts of a file; what cannot be cut, or not even opened, is one part.

    Parquet is cut between row groups, an archive between its files, and text of a line or paragraph
    a row where one ends. Reading the shard says what is wrong with a file that is damaged.
    """
    whole = Shard(place, str(path), 0)
    try:
        whole = Shard(place, str(path), path.stat().st_size)
        with path.open("rb") as file:
            head = file.read(8)
        if is_zip(head):
            return _members(whole)
        if compression_of(head) or whole.size_bytes <= limits.shard_bytes:
            return [whole]
        content = examine(whole, encoding=encoding, limits=limits)
        if content.kind == "parquet":
            return _named(whole, _row_groups(whole.path, limits.shard_bytes))
        if content.by_lines and content.kind == "jsonl":
            return _named(whole, _pieces(whole.path, b"\n", limits.shard_bytes))
        if content.by_lines and content.kind == "txt" and text_unit != "file":
            divider = b"\n" if text_unit == "line" else b"\n\n"
            return _named(whole, _pieces(whole.path, divider, limits.shard_bytes))
    except (DataError, OSError, pyarrow.ArrowException):
        return [whole]  # reading it says the same with file and place, and counts it
    return [whole]


def _members(whole: Shard) -> list[Shard]:
    return [
        Shard(f"{whole.name}!{name}", whole.path, size, member=name)
        for name, size in zip_members(Path(whole.path))
        if _is_data(name)
    ] or [whole]


_Part = tuple[int, int, int, int]
"""Begin, end, number of the first row, bytes."""


def _named(whole: Shard, parts: Iterable[_Part]) -> list[Shard]:
    cut = list(parts)
    if len(cut) < 2:
        return [whole]
    return [
        Shard(
            f"{whole.name}@{number}",
            whole.path,
            size_bytes,
            begin=begin,
            end=end,
            first_row=first,
        )
        for number, (begin, end, first, size_bytes) in enumerate(cut, start=1)
    ]


def _row_groups(path: str, most_bytes: int) -> Iterator[_Part]:
    """Gather row groups until a part is large enough."""
    with pyarrow.parquet.ParquetFile(path) as file:
        metadata, last = file.metadata, file.num_row_groups - 1
        begin, first, rows, size = 0, 1, 0, 0
        for number in range(last + 1):
            group = metadata.row_group(number)
            rows, size = rows + group.num_rows, size + group.total_byte_size
            if size >= most_bytes or number == last:
                yield begin, number + 1, first, size
                begin, first, rows, size = number + 1, first + rows, 0, 0


def _pieces(path: str, divider: bytes, most_bytes: int) -> Iterator[_Part]:
    """Cut behind the first divider that follows each multiple of the size."""
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        begin, first = 0, 1
        while begin < size:
            end = _end_of_piece(file, begin + most_bytes, divider, size)
            yield begin, end, first, end - begin
            first += _count_lines(file, begin, end) if end < size else 0
            begin = end


def _end_of_piece(file: IO[bytes], target: int, divider: bytes, size: int) -> int:
    if target >= size:
        return size
    file.seek(target)
    tail = b""  # a divider may lie over the border of two blocks
    while block := file.read(_BLOCK_BYTES):
        found = (tail + block).find(divider)
        if found >= 0:
            return target - len(tail) + found + len(divider)
        target += len(block)
        tail = block[1 - len(divider) :] if len(divider) > 1 else b""
    return size


def _count_lines(file: IO[bytes], begin: int, end: int) -> int:
    file.seek(begin)
    count = 0
    while begin < end and (block := file.read(min(_BLOCK_BYTES, end - begin))):
        count += block.count(b"\n")
        begin += len(block)
    return count
