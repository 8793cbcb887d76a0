"""A file's rows as a stream: in chunks, with their number, without holding the file."""

from __future__ import annotations

from collections.abc import Iterator

from migaki.corpus.files import BadRow, Row, SourceFile, read_lines
from migaki.corpus.row_writing import parquet_row_count

__all__ = ["chunks", "count_rows", "row_stream"]

_CHUNK_ROWS = 128
_CHUNK_CHARS = 1 << 16


def row_stream(file: SourceFile) -> Iterator[Row | BadRow]:
    """Yield the rows; a text file has one a line, so that it need not be held in memory."""
    if file.kind != "txt" or file.encoding is None or file.is_compressed:
        yield from file.rows()  # of a compressed text file, paragraphs
        return
    for number, line in enumerate(read_lines(file.path, file.encoding), start=1):
        if isinstance(line, UnicodeError):
            yield BadRow(file.path, number, f"is not valid {file.encoding.name}", "")
        elif line.strip():
            yield Row(file.path, number, line.rstrip("\r\n"))


def chunks(rows: Iterator[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    """Cut rows into chunks; where depends only on the rows since the last cut."""
    chunk: list[Row | BadRow] = []
    chars = 0
    for row in rows:
        chunk.append(row)
        chars += len(repr(row.value)) if isinstance(row, Row) else 0
        if len(chunk) >= _CHUNK_ROWS or chars >= _CHUNK_CHARS:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


def count_rows(file: SourceFile) -> int | None:
    """Return how many rows there are, blank lines included; None where only reading tells."""
    if file.is_compressed:
        return None
    if file.kind == "parquet":
        return parquet_row_count(file.path)
    if file.kind not in ("jsonl", "txt"):
        return None
    count, last = 0, b"\n"
    with file.path.open("rb") as lines:
        while block := lines.read(1 << 20):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")
