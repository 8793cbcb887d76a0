"""Files to rows: JSON Lines, JSON, Parquet, CSV, TSV and plain text, each row with its line.

A row that cannot be read is a value (`BadRow`), not an exception, so that the caller decides
whether to stop or to count it; a file that cannot be read as a whole is a `DataError` that names
the place. What a row means is not decided here (see ``dataset.formats``).
"""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from migaki.corpus.encoding import Encoding, decode, detect_encoding, named_encoding
from migaki.corpus.samples import SAMPLES_PATH
from migaki.errors import DataError, UsageError

__all__ = [
    "SAMPLES",
    "BadRow",
    "FileKind",
    "Row",
    "SourceFile",
    "find_files",
    "open_file",
    "read_lines",
]

SAMPLES = "samples"
"""The name of the embedded sample chats."""

FileKind: TypeAlias = Literal["jsonl", "json", "parquet", "csv", "tsv", "txt"]

_KIND_OF_SUFFIX: dict[str, FileKind] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet",
    ".csv": "csv", ".tsv": "tsv", ".txt": "txt", ".text": "txt", ".md": "txt",
}  # fmt: skip
_SUFFIXES = ", ".join(_KIND_OF_SUFFIX)
_SAMPLE_BYTES = 1 << 24  # what encoding detection looks at; files this long are rarely mixed
_BLANK_LINES = re.compile(r"\n(?:[ \t　]*\n)+")  # the indentation of the next line stays
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file."""

    path: Path
    line: int
    """1-based line, or record number in a format without lines (Parquet)."""
    value: Any


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be read."""

    path: Path
    line: int
    reason: str
    raw: str


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
            inside = sorted(
                p for p in path.rglob("*") if p.suffix.lower() in _KIND_OF_SUFFIX and not p.is_dir()
            )
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
            path, path.name, "parquet", None, size, digest, lambda: _read_parquet(path)
        )
    if head.startswith((b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh")):
        raise DataError(f"{path} is compressed.", hint="Unpack it first.")
    if encoding == "auto":
        chosen = detect_encoding(_sample(path, head, size), where=str(path))
    else:
        chosen = named_encoding(encoding)
    kind = _text_kind(path, head, chosen)
    return SourceFile(
        path, path.name, kind, chosen, size, digest, lambda: _READERS[kind](path, chosen)
    )


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


def _text_kind(path: Path, head: bytes, encoding: Encoding) -> FileKind:
    """Choose between the text formats; between JSON and JSON Lines the content decides."""
    kind = _KIND_OF_SUFFIX.get(path.suffix.lower())
    start = head[:4096].decode(encoding.codec, errors="ignore").lstrip("\ufeff \t\r\n")[:1]
    if kind is None:
        kind = "json" if start and start in "[{" else "txt"
    if kind in ("json", "jsonl") and start == "[":
        return "json"
    if kind == "jsonl":  # one indented object under this name is JSON
        return "json" if _is_indented(head.decode(encoding.codec, errors="ignore")) else kind
    # Broken objects are still JSON under the name .json; elsewhere they might be any text.
    return "jsonl" if _is_object_per_line(head, encoding, whole=kind != "json") else kind


def _is_object_per_line(head: bytes, encoding: Encoding, *, whole: bool) -> bool:
    """Tell JSON Lines from one object or other text: two lines, each an object of its own."""
    lines = head.decode(encoding.codec, errors="ignore").lstrip("\ufeff").split("\n")
    first = [line.strip() for line in lines[:100] if line.strip()][:2]
    if len(first) < 2 or not all(line[0] == "{" and line[-1] == "}" for line in first):
        return False
    return not whole or all(map(_is_json, first))


def _is_indented(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").partition("\n")[0].strip() == "{"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


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
        line = line.strip()
        if not line:
            continue
        try:
            yield Row(path, number, json.loads(line))
        except json.JSONDecodeError as err:
            yield BadRow(path, number, _json_problem(err, line), line)
        except (ValueError, RecursionError) as err:
            yield BadRow(path, number, _unfit_json(err), line[:2000])


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


def _unfit_json(err: Exception) -> str:
    """Say why Python does not take JSON that is written correctly."""
    if isinstance(err, RecursionError):
        return "is nested too deeply to be a training row"
    return "holds a number of thousands of digits"


def _json_problem(err: json.JSONDecodeError, text: str) -> str:
    if err.pos >= len(text.rstrip()) or err.msg.startswith("Unterminated"):
        return f"the JSON is cut off at column {err.colno} ({err.msg})"
    near = text[max(0, err.pos - 15) : err.pos + 15].replace("\n", " ")
    return f"is not valid JSON at column {err.colno}, near {near!r} ({err.msg})"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def _read_json(path: Path, encoding: Encoding) -> Iterator[Row | BadRow]:
    text = _read_text(path, encoding)
    start = _skip_space(text, 0)
    if text[start] == "[":
        yield from _read_array(path, text, start)
        return
    try:
        value = json.loads(text)
    except json.JSONDecodeError as err:
        if "Extra data" in err.msg and _is_indented(text):
            raise DataError(
                f"{path}:{err.lineno}: a second JSON object begins here, and both are written over "
                "several lines.",
                hint="JSON Lines has one object a line: jq -c . FILE writes it so.",
            ) from err
        if "Extra data" in err.msg:  # one object after another: JSON Lines under another name
            yield from _read_jsonl(path, encoding)
            return
        raise _broken_json(path, text, err) from err
    except (ValueError, RecursionError) as err:
        raise DataError(f"{path}: the JSON {_unfit_json(err)}.") from err
    if not isinstance(value, dict):
        yield Row(path, 1, value)
        return
    lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    if "messages" in value or "conversations" in value or len(lists) != 1:
        yield Row(path, 1, value)
        return
    for number, item in enumerate(lists[0], start=1):
        yield Row(path, number, item)


def _read_array(path: Path, text: str, start: int) -> Iterator[Row | BadRow]:
    """Yield the elements with the lines on which they begin."""
    decoder, at, line, counted = json.JSONDecoder(), start + 1, 1, 0
    try:
        at = _skip_space(text, at)
        if text[at : at + 1] == "]":
            raise DataError(f"{path} is an empty JSON array.")
        while True:
            line += text.count("\n", counted, at)
            counted = at
            value, at = decoder.raw_decode(text, at)
            yield Row(path, line, value)
            at = _skip_space(text, at)
            if text[at : at + 1] == "]":
                break
            if text[at : at + 1] != ",":
                raise json.JSONDecodeError("Expecting ',' or ']'", text, at)
            at = _skip_space(text, at + 1)
    except json.JSONDecodeError as err:
        raise _broken_json(path, text, err) from err
    except (ValueError, RecursionError) as err:
        raise DataError(f"{path}:{line}: the row {_unfit_json(err)}.") from err
    if rest := text[at + 1 :].strip():
        raise DataError(f"{path}: after the JSON array there is more: {rest[:40]!r}.")


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _broken_json(path: Path, text: str, err: json.JSONDecodeError) -> DataError:
    cut = err.pos >= len(text.rstrip()) or err.msg.startswith("Unterminated")
    what = "the JSON is cut off" if cut else "this is not valid JSON"
    hint = (
        "The file is not whole: copy or download it again. Nothing of it was used."
        if cut
        else "Repair the file, or convert it to JSON Lines, where single rows can be skipped."
    )
    return DataError(f"{path}:{err.lineno}: {what} (column {err.colno}: {err.msg}).", hint=hint)


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


# ── CSV, TSV, text ───────────────────────────────────────────────────────────────────────────────


def _read_csv(path: Path, encoding: Encoding) -> Iterator[Row | BadRow]:
    yield from _read_table(path, _read_text(path, encoding), ",", quoted=True)


def _read_tsv(path: Path, encoding: Encoding) -> Iterator[Row | BadRow]:
    # Most TSV files are not quoted, and 「"Hello," he said」 is then text, not a quoted field. They
    # are read plainly where plain splitting gives every line the columns of the header.
    text = _read_text(path, encoding)
    lines = [line for line in text.split("\n") if line]
    columns = lines[0].count("\t")
    plain = not lines[0].startswith('"') and all(line.count("\t") == columns for line in lines)
    yield from _read_table(path, text, "\t", quoted=not plain)


def _read_table(path: Path, text: str, delimiter: str, *, quoted: bool) -> Iterator[Row | BadRow]:
    csv.field_size_limit(1 << 30)  # the default of 128 KiB is shorter than a long text
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=quoted,
    )
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as err:
            yield BadRow(path, line, f"is not valid CSV ({err})", "")
            continue
        if fields is None:
            return
        if not any(fields):
            continue
        if header is None:
            header = [name.strip() for name in fields]
            if len(set(header)) != len(header):
                raise DataError(f"{path}:{line}: two columns have the same name: {header}.")
            if len(header) == 1 and delimiter == "," and (";" in header[0] or "\t" in header[0]):
                raise DataError(
                    f"{path}:{line}: the only column is named {header[0]!r}: the columns seem to be "
                    "parted by semicolons or tabs, where .csv means commas.",
                    hint="Save it with commas, or with tabs under the name .tsv.",
                )
        elif len(fields) != len(header):
            reason = f"has {len(fields)} columns where the header has {len(header)}"
            yield BadRow(path, line, reason, delimiter.join(fields))
        else:
            yield Row(path, line, dict(zip(header, fields, strict=True)))


def _read_txt(path: Path, encoding: Encoding) -> Iterator[Row | BadRow]:
    text, at, line = _read_text(path, encoding), 0, 1
    for match in [*_BLANK_LINES.finditer(text), None]:
        end = match.start() if match else len(text)
        block = text[at:end]
        if block.strip():
            skipped = len(block) - len(block.lstrip("\n"))
            yield Row(path, line + skipped, block.strip("\n"))
        if match:
            line += text.count("\n", at, match.end())
            at = match.end()


_READERS: dict[FileKind, Callable[[Path, Encoding], Iterator[Row | BadRow]]] = {
    "jsonl": _read_jsonl,
    "json": _read_json,
    "csv": _read_csv,
    "tsv": _read_tsv,
    "txt": _read_txt,
}
