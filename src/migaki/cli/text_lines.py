"""Lines of text for a command that works like a Unix filter: from a file or from stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from migaki.errors import BadRowError, DataError

__all__ = ["read_text_lines"]


def read_text_lines(file: Path | None, *, keep_ends: bool = False) -> Iterator[str]:
    """Yield lines one at a time, however long the input is.

    Args:
        file: A text file of any Japanese encoding; None reads UTF-8 from stdin.
        keep_ends: Leave each line its line end, as it is in the input.

    Raises:
        DataError: the file is missing, empty or no text, or a line is not in its encoding.
    """
    for line in _file_lines(file) if file else _stdin_lines():
        yield line if keep_ends else line.removesuffix("\n").removesuffix("\r")


def _file_lines(file: Path) -> Iterator[str]:
    from migaki.corpus.files import open_file, read_lines

    if not file.exists():
        raise DataError(f"The file {file} does not exist.", hint=f"Looked in {Path.cwd()}.")
    try:
        opened = open_file(file)
    except DataError as error:
        broken = _first_line_not_utf8(file)
        if broken:
            raise BadRowError(
                "is not UTF-8, and the file is in no other Japanese encoding either.",
                path=file, line=broken, hint="Save it as UTF-8; if it is no text, it cannot be read.",
            ) from error  # fmt: skip
        raise
    if opened.encoding is None or opened.is_compressed:
        what = "compressed" if opened.is_compressed else "a Parquet file"
        raise DataError(f"{file} is {what}.", hint="Give a text file.")
    for number, line in enumerate(read_lines(file, opened.encoding), start=1):
        if isinstance(line, UnicodeError):
            raise BadRowError(f"is not valid {opened.encoding.name}.", path=file, line=number)
        yield line


def _first_line_not_utf8(file: Path) -> int:
    """Number of the first line that is not UTF-8, from 1; 0 if all are."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 0


def _stdin_lines() -> Iterator[str]:
    if sys.stdin.isatty():
        typer.echo("Type a line and press Enter; Ctrl-D ends.", err=True)
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
