"""Lines of text for a command that works like a Unix filter: from a file or from stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from migaki.errors import BadRowError, DataError

__all__ = ["read_text_lines"]


def read_text_lines(file: Path | None) -> Iterator[str]:
    """Yield lines without their line ends, one at a time, however long the input is.

    Args:
        file: A text file of any Japanese encoding; None reads UTF-8 from stdin.

    Raises:
        DataError: the file is missing, empty or no text, or a line is not in its encoding.
    """
    for line in _file_lines(file) if file else _stdin_lines():
        yield line.removesuffix("\n").removesuffix("\r")


def _file_lines(file: Path) -> Iterator[str]:
    from migaki.corpus.files import open_file, read_lines

    if not file.exists():
        raise DataError(f"The file {file} does not exist.", hint=f"Looked in {Path.cwd()}.")
    encoding = open_file(file).encoding
    if encoding is None:
        raise DataError(f"{file} is a Parquet file.", hint="Give a text file.")
    for number, line in enumerate(read_lines(file, encoding), start=1):
        if isinstance(line, UnicodeError):
            raise BadRowError(f"is not valid {encoding.name}.", path=file, line=number)
        yield line


def _stdin_lines() -> Iterator[str]:
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None:  # a stdin that is only text, as in a test or an embedding program
        yield from sys.stdin
        return
    for number, line in enumerate(raw, start=1):
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"Line {number} of stdin is not UTF-8 (byte {error.start} of the line).",
                hint="Give the file by its name: its encoding is then found out.",
            ) from error
        yield text.removeprefix("\ufeff") if number == 1 else text
