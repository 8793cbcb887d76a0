"""A shard of a local file to rows: whatever its compression, encoding and format.

Everything that can be wrong with a file ends up as a value in its place (`BadRow`, `DamagedFile`),
so that one broken file does not cost the work on all others.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import pyarrow
import pyarrow.parquet

from migaki.corpus.archives import (
    ZIP_DAMAGE,
    RefusedMemberError,
    is_zip,
    open_member,
    zip_members,
)
from migaki.corpus.bounded_lines import LongLine, bounded_lines
from migaki.corpus.compression import (
    COMPRESSION_SUFFIXES,
    DAMAGE,
    compression_of,
    decompressed,
    read_at_most,
)
from migaki.corpus.encoding import Encoding, decode, detect_encoding, named_encoding
from migaki.corpus.rows import BadRow, DamagedFile, Row, SkippedFile
from migaki.corpus.shards import ReadingLimits, Shard, TextUnit
from migaki.corpus.technical import TECHNICAL_SUFFIXES, technical_row
from migaki.corpus.text_kinds import FileKind, text_kind
from migaki.corpus.text_rows import json_row, text_rows
from migaki.errors import DataError

__all__ = ["ShardContent", "examine", "shard_rows"]

_HEAD_BYTES = 1 << 20
_LINELESS = ("utf-16", "utf-32", "iso2022")  # a byte 0x0A of these may be half a character


class _EmptyFileError(DataError):
    """A file holds white space at most."""


@dataclass(frozen=True, slots=True)
class ShardContent:
    """What a file turned out to be, whatever its name says."""

    kind: FileKind
    encoding: Encoding | None
    """None for Parquet, which states its own."""

    @property
    def by_lines(self) -> bool:
        """Whether its bytes can be cut at line ends."""
        codec = self.encoding.codec if self.encoding else ""
        return bool(codec) and not codec.startswith(_LINELESS)


def shard_rows(
    shard: Shard, *, encoding: str, text_unit: TextUnit, limits: ReadingLimits
) -> Iterator[Row | BadRow]:
    """Yield the rows of a shard; what cannot be read is a value in its place, never an exception.

    Args:
        shard: A part of a local file.
        encoding: A text encoding, or ``auto``.
        text_unit: What one row of a plain text file is.
        limits: What is too long.
    """
    shown, line = shown_path(shard), shard.first_row - 1
    try:
        for row in _rows(shard, encoding, text_unit, limits):
            line = row.line
            yield row
    except DataError as err:
        reason = err.message.removeprefix(str(shown)).lstrip(": ").rstrip(".")
        kind = SkippedFile if isinstance(err, RefusedMemberError | _EmptyFileError) else DamagedFile
        yield kind(shown, line + 1, reason, "", hint=err.hint or "")
    except (*DAMAGE, *ZIP_DAMAGE) as err:
        yield DamagedFile(shown, line + 1, *_damage(err))


def _damage(err: Exception) -> tuple[str, str, str]:
    """Return reason, raw and hint for a file that cannot be read on."""
    if isinstance(err, PermissionError | FileNotFoundError | IsADirectoryError):
        return f"cannot be read: {err.strerror}", "", "Look at its path and permissions."
    what = str(err).splitlines()[0] if str(err) else type(err).__name__
    return (
        f"is damaged or cut off here ({what}); what stands behind is lost",
        "",
        "Copy or download the file again; the rows before this place were read.",
    )


def shown_path(shard: Shard) -> Path:
    """Return the file as messages name it: ``texts.zip!a/b.txt``."""
    return Path(f"{shard.path}!{shard.member}") if shard.member else Path(shard.path)


def examine(shard: Shard, *, encoding: str, limits: ReadingLimits) -> ShardContent:
    """Find out what a file is from its beginning.

    Raises:
        DataError: It is empty, binary, or another archive.
        OSError: It cannot be opened.
    """
    shown = shown_path(shard)
    with _open(shard, limits) as stream:
        head = _head(stream)
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise _EmptyFileError(
            f"{shown} is empty.", hint="Check that it was written or copied whole."
        )
    name = _inner_name(shown)
    if head.startswith(b"PAR1"):
        return ShardContent("parquet", None)
    if name.suffix.lower() == ".parquet":
        raise DataError(
            f"{shown} is not Parquet, whatever its name says: it begins with {head[:12]!r}.",
            hint="Rename it to what it is, or copy it again.",
        )
    if is_zip(head) and not shard.member:
        zip_members(Path(shard.path))  # says what is wrong with a damaged one
        raise DataError(
            f"{shown} is an archive without data files.", hint="Look at what it holds: unzip -l"
        )
    if compression_of(head) or is_zip(head):
        raise DataError(f"{shown} holds another archive.", hint="Unpack the outer one first.")
    try:
        chosen = _encoding(head, encoding, shown)
    except DataError as err:
        if damage := _damage_of_compressed(shard, limits):
            raise DataError(
                f"{shown}: the compressed data are damaged ({damage}).",
                hint="Copy or download the file again.",
            ) from err
        raise
    return ShardContent(text_kind(name, head, chosen), chosen)


def _head(stream: IO[bytes]) -> bytes:
    """Read the beginning; of a stream that is damaged in it, what stands before the damage."""
    head = b""
    try:
        while len(head) < _HEAD_BYTES and (block := stream.read(1 << 12)):
            head += block
    except DAMAGE:
        if not head:
            raise
    return head


def _damage_of_compressed(shard: Shard, limits: ReadingLimits) -> str | None:
    """Say what the decompressor finds wrong: damaged data give rubbish before that is noticed."""
    done = 0
    try:
        if compression_of(_raw_head(shard, limits)) is None:
            return None
        with _open(shard, limits) as stream:
            while done < limits.whole_file_bytes and (block := stream.read(_HEAD_BYTES)):
                done += len(block)
    except DAMAGE as err:
        return (str(err).splitlines() or [type(err).__name__])[0].rstrip(".")
    return None


def _inner_name(path: Path) -> Path:
    """Return the name without the suffix of its compression."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSION_SUFFIXES else path


def _encoding(head: bytes, asked: str, shown: Path) -> Encoding:
    if asked != "auto":
        return named_encoding(asked)
    sample = _without_broken_end(head)
    if len(head) >= _HEAD_BYTES:  # cut at a line end, unless one line is longer than the head
        sample = head[: head.rfind(b"\n") + 1] or sample
    if b"\x00" in sample and not sample.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        raise DataError(
            f"{shown} is not text: it holds zero bytes.",
            hint="It is a program, a picture or a damaged file; leave it out.",
        )
    return detect_encoding(sample, where=str(shown))


def _without_broken_end(head: bytes) -> bytes:
    """Drop a character that the end of the head cuts, where it is UTF-8."""
    for cut in range(4):
        part = head[: len(head) - cut]
        try:
            part.decode("utf-8")
        except UnicodeDecodeError:
            continue
        return part
    return head


def _raw_head(shard: Shard, limits: ReadingLimits) -> bytes:
    with _open_raw(shard, limits) as stream:
        return stream.read(8)


@contextmanager
def _open_raw(shard: Shard, limits: ReadingLimits) -> Iterator[IO[bytes]]:
    if shard.member:
        with open_member(Path(shard.path), shard.member, limits) as stream:
            yield stream
    else:
        with open(shard.path, "rb") as file:
            yield file


@contextmanager
def _open(shard: Shard, limits: ReadingLimits) -> Iterator[IO[bytes]]:
    """Open the file of a shard, decompressed."""
    compression = compression_of(_raw_head(shard, limits))
    with _open_raw(shard, limits) as raw, decompressed(raw, compression) as stream:
        yield stream


# ── rows by kind ─────────────────────────────────────────────────────────────────────────────────


def _rows(
    shard: Shard, encoding: str, text_unit: TextUnit, limits: ReadingLimits
) -> Iterator[Row | BadRow]:
    content = examine(shard, encoding=encoding, limits=limits)
    shown = shown_path(shard)
    inner = _inner_name(shown)
    if content.encoding is None:
        yield from _parquet_rows(shard, limits)
    elif inner.suffix.lower() in TECHNICAL_SUFFIXES:
        row = technical_row(inner, _whole_text(shard, content.encoding, limits))
        yield replace(row, path=shown)
    elif content.by_lines and content.kind == "jsonl":
        yield from _jsonl_rows(shard, content.encoding, limits)
    elif content.by_lines and content.kind == "txt" and text_unit != "file":
        yield from _plain_rows(shard, content.encoding, text_unit, limits)
    else:
        text = _whole_text(shard, content.encoding, limits)
        yield from _rows_of_text(content.kind, shown, text, text_unit)


def _rows_of_text(kind: FileKind, shown: Path, text: str, unit: TextUnit) -> Iterator[Row | BadRow]:
    """Yield the rows of what had to be read whole."""
    if kind == "jsonl":
        for number, line in enumerate(text.split("\n"), start=1):
            if (row := json_row(shown, number, line)) is not None:
                yield row
    elif kind == "txt" and unit == "file":
        yield Row(shown, 1, text.strip("\n"))
    elif kind == "txt" and unit == "line":
        lines = enumerate(text.split("\n"), start=1)
        yield from (Row(shown, number, line) for number, line in lines if line.strip())
    elif kind != "parquet":
        yield from text_rows(kind, shown, text)


def _whole_text(shard: Shard, encoding: Encoding, limits: ReadingLimits) -> str:
    shown = str(shown_path(shard))
    with _open(shard, limits) as stream:
        data = read_at_most(stream, limits.whole_file_bytes, where=shown)
    text = decode(data, encoding, where=shown)
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _lines(
    shard: Shard, encoding: Encoding, limits: ReadingLimits
) -> Iterator[tuple[int, str | BadRow]]:
    """Yield line numbers with lines of text, or with what stands in the place of one."""
    shown = shown_path(shard)
    codec = "utf-8" if encoding.codec == "utf-8-sig" else encoding.codec
    until = None if shard.end is None else shard.end - shard.begin
    with _open(shard, limits) as stream:
        if shard.begin:
            stream.seek(shard.begin)
        lines = bounded_lines(stream, limit_bytes=limits.row_bytes, until_bytes=until)
        for number, raw in enumerate(lines, start=shard.first_row):
            if isinstance(raw, LongLine):
                yield number, _too_long(shown, number, raw, limits)
                continue
            try:
                text = raw.decode(codec)
            except UnicodeError as err:
                reason = (
                    f"is not valid {encoding.name} (byte {getattr(err, 'start', 0)} of the line)"
                )
                yield number, BadRow(shown, number, reason, repr(raw[:2000]))
                continue
            text = text.rstrip("\r\n")
            yield number, text.removeprefix("\ufeff") if number == 1 else text


def _too_long(shown: Path, number: int, line: LongLine, limits: ReadingLimits) -> BadRow:
    reason = (
        f"has {line.size_bytes / (1 << 20):,.0f} MiB, more than the {limits.row_bytes / (1 << 20):,.0f} "
        "MiB that one row may have"
    )
    return BadRow(shown, number, reason, repr(line.head))


def _jsonl_rows(shard: Shard, encoding: Encoding, limits: ReadingLimits) -> Iterator[Row | BadRow]:
    shown = shown_path(shard)
    for number, line in _lines(shard, encoding, limits):
        row = line if isinstance(line, BadRow) else json_row(shown, number, line)
        if row is not None:
            yield row


def _plain_rows(
    shard: Shard, encoding: Encoding, unit: TextUnit, limits: ReadingLimits
) -> Iterator[Row | BadRow]:
    """Yield lines, or paragraphs; a line that cannot be read divides paragraphs."""
    block = _Paragraph(shown_path(shard), limits.row_bytes)
    for number, line in _lines(shard, encoding, limits):
        if isinstance(line, str) and line.strip() and unit == "paragraph":
            block.add(number, line)
            continue
        yield from block.close()
        if isinstance(line, BadRow):
            yield line
        elif line.strip():
            yield Row(shown_path(shard), number, line)
    yield from block.close()


class _Paragraph:
    """Lines without a blank one between them, as many as may be held in memory."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self.path = path
        self.limit_bytes = limit_bytes
        self.lines: list[str] = []
        self.first = self.size_bytes = 0

    def add(self, number: int, line: str) -> None:
        """Add a line; what is too much is counted and not kept."""
        if not self.size_bytes:
            self.first = number
        self.size_bytes += len(line.encode(errors="replace")) + 1
        if self.size_bytes <= self.limit_bytes or not self.lines:
            self.lines.append(line)

    def close(self) -> Iterator[Row | BadRow]:
        """Yield the paragraph, if there is one, and begin anew."""
        if self.size_bytes > self.limit_bytes:
            yield BadRow(
                self.path,
                self.first,
                f"is a paragraph of {self.size_bytes / (1 << 20):,.0f} MiB without a blank line, more "
                f"than the {self.limit_bytes / (1 << 20):,.0f} MiB that one row may have; if each line "
                "is a text of its own, say so (text unit: line)",
                self.lines[0][:200],
            )
        elif self.lines:
            yield Row(self.path, self.first, "\n".join(self.lines))
        self.lines, self.first, self.size_bytes = [], 0, 0


def _parquet_rows(shard: Shard, limits: ReadingLimits) -> Iterator[Row]:
    shown = shown_path(shard)
    with _open(shard, limits) as stream:
        plain = not shard.member and compression_of(_raw_head(shard, limits)) is None
        source = (
            shard.path
            if plain
            else io.BytesIO(read_at_most(stream, limits.whole_file_bytes, where=str(shown)))
        )
        try:
            with pyarrow.parquet.ParquetFile(source) as file:
                groups = range(shard.begin, shard.end or file.num_row_groups)
                number = shard.first_row
                for batch in file.iter_batches(batch_size=256, row_groups=list(groups)):
                    for value in batch.to_pylist():
                        yield Row(shown, number, value)
                        number += 1
        except (pyarrow.ArrowException, OSError) as err:
            problem = str(err).splitlines()[0] if str(err) else type(err).__name__
            raise DataError(
                f"{shown} is not a readable Parquet file ({problem}).",
                hint="Parquet keeps its index at the end: a file that was cut off cannot be read, and "
                "must be written or downloaded again.",
            ) from err
