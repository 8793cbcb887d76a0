"""Lines of a stream of bytes, none of them longer than what may be held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

__all__ = ["LongLine", "bounded_lines"]

_SHOWN_BYTES = 200


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line that was passed over because it is too long."""

    size_bytes: int
    head: bytes
    """Its first bytes, to recognise it."""


def bounded_lines(
    stream: IO[bytes], *, limit_bytes: int, until_bytes: int | None = None
) -> Iterator[bytes | LongLine]:
    r"""Yield the lines, their ends kept; a longer one than the limit is passed over in pieces.

    Args:
        stream: Where to read, from where it stands.
        limit_bytes: The longest line, its end included.
        until_bytes: Stop after so many bytes; the line that holds the last of them is read whole.

    Example:
        >>> from io import BytesIO
        >>> list(bounded_lines(BytesIO(b"a\nbbbbbb\nc"), limit_bytes=4))
        [b'a\n', LongLine(size_bytes=7, head=b'bbbb'), b'c']
    """
    done = 0
    while until_bytes is None or done < until_bytes:
        line = stream.readline(limit_bytes)
        if not line:
            return
        done += len(line)
        if line.endswith(b"\n") or len(line) < limit_bytes:
            yield line
            continue
        head, size = line[:_SHOWN_BYTES], len(line)
        while rest := stream.readline(limit_bytes):
            size += len(rest)
            if rest.endswith(b"\n"):
                break
        if size == len(line):  # exactly as long as the limit, at the end of the stream
            yield line
        else:
            yield LongLine(size, head)
        done += size - len(line)
