"""Compressed files as streams of bytes, and how much of one may be read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Literal, TypeAlias

import pyarrow

from migaki.errors import DataError

__all__ = [
    "COMPRESSION_SUFFIXES",
    "DAMAGE",
    "Compression",
    "compression_of",
    "decompressed",
    "read_at_most",
]

Compression: TypeAlias = Literal["gzip", "bz2", "xz", "zstd"]

COMPRESSION_SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".zst", ".zstd"})

DAMAGE = (
    EOFError, OSError, zlib.error, lzma.LZMAError, pyarrow.ArrowException, NotImplementedError,
)  # fmt: skip
"""What the decompressors raise where a stream is damaged or cut off."""

_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"),
)  # fmt: skip
_BLOCK_BYTES = 1 << 20


def compression_of(head: bytes) -> Compression | None:
    """Tell by the first bytes how something is compressed, whatever its name says.

    Example:
        >>> compression_of(gzip.compress("雨".encode()))
        'gzip'
    """
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


@contextmanager
def decompressed(raw: IO[bytes], compression: Compression | None) -> Iterator[IO[bytes]]:
    """Read a stream through its decompressor; what is damaged raises one of ``DAMAGE`` on reading."""
    if compression is None:
        yield raw
    else:
        with _DECOMPRESSORS[compression](raw) as stream:
            yield stream


class _ArrowStream(io.RawIOBase):
    """Arrow's zstd decompressor as a Python stream."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(raw, mode="r"), "zstd")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with the next bytes; 0 at the end."""
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


# Arrow tells a zstd stream that was cut off; the package zstandard ends there without a word.
_DECOMPRESSORS: Mapping[Compression, Callable[[IO[bytes]], Any]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zstd": lambda raw: io.BufferedReader(_ArrowStream(raw), _BLOCK_BYTES),
}


def read_at_most(stream: IO[bytes], limit_bytes: int, *, where: str) -> bytes:
    """Read a stream whole, if it is not longer than what may be held in memory.

    Args:
        stream: The stream.
        limit_bytes: The most bytes.
        where: What it is called in messages.

    Raises:
        DataError: It is longer.
    """
    blocks, total = [], 0
    while block := stream.read(_BLOCK_BYTES):
        total += len(block)
        if total > limit_bytes:
            raise DataError(
                f"{where} has more than {limit_bytes / (1 << 20):,.0f} MiB of text, and a file of its "
                "kind must be held in memory whole.",
                hint="Convert it to JSON Lines or Parquet, which are streamed.",
            )
        blocks.append(block)
    return b"".join(blocks)
