"""The text of a whole file to rows: JSON, CSV, TSV, paragraphs; and one line of JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from migaki.corpus.rows import BadRow, Row
from migaki.errors import DataError

__all__ = ["WholeTextKind", "is_indented", "json_row", "text_rows"]

WholeTextKind: TypeAlias = Literal["json", "csv", "tsv", "txt"]
"""Formats of which a row cannot be told before the rest is seen."""

_BLANK_LINES = re.compile(r"\n(?:[ \t　]*\n)+")  # the indentation of the next line stays
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")  # of a pair, or alone
_SPACE = re.compile(r"[ \t\n\r]*")


def text_rows(kind: WholeTextKind, path: Path, text: str) -> Iterator[Row | BadRow]:
    """Yield the rows of a text; lines end with ``\\n``.

    Args:
        kind: What the text is.
        path: The file it comes from, for messages.
        text: All of it.

    Raises:
        DataError: It is damaged beyond single rows.

    Example:
        >>> [row.value for row in text_rows("csv", Path("a.csv"), "text,n\\n雨だ,1\\n")]
        [{'text': '雨だ', 'n': '1'}]
    """
    yield from _READERS[kind](path, text)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


def json_row(path: Path, number: int, line: str) -> Row | BadRow | None:
    """Return the row of one line of JSON Lines; nothing for a blank line.

    Example:
        >>> json_row(Path("a.jsonl"), 3, '{"text": "雨"').reason
        "the JSON is cut off at column 13 (Expecting ',' delimiter)"
    """
    line = line.strip()
    if not line:
        return None
    try:
        return _whole_row(path, number, json.loads(line), spells_half=_spells_half(line))
    except json.JSONDecodeError as err:
        return BadRow(path, number, _json_problem(err, line), line)
    except (ValueError, RecursionError) as err:
        return BadRow(path, number, _unfit_json(err), line[:2000])


def _spells_half(json_text: str) -> bool:
    """Tell whether there is reason to look for half characters: decoding was strict."""
    return _HALF_CHARACTER.search(json_text) is not None


def _whole_row(path: Path, number: int, value: object, *, spells_half: bool) -> Row | BadRow:
    """Return a row, or why it is none: JSON can spell half a character, which no text can hold."""
    if spells_half:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as err:
            half = ascii(err.object[err.start])[1:-1]
            reason = f"holds half a character ({half}, a lone surrogate), which no file can hold"
            return BadRow(path, number, reason, ascii(value)[:2000])
    return Row(path, number, value)


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


def is_indented(text: str) -> bool:
    """Tell a JSON object written over several lines from one on a line."""
    return text.lstrip("\ufeff \t\r\n").partition("\n")[0].strip() == "{"


def _read_json(path: Path, text: str) -> Iterator[Row | BadRow]:
    start = _skip_space(text, 0)
    if text[start] == "[":
        yield from _read_array(path, text, start)
        return
    try:
        value = json.loads(text)
    except json.JSONDecodeError as err:
        if "Extra data" in err.msg and is_indented(text):
            raise DataError(
                f"{path}:{err.lineno}: a second JSON object begins here, and both are written over "
                "several lines.",
                hint="JSON Lines has one object a line: jq -c . FILE writes it so.",
            ) from err
        if "Extra data" in err.msg:  # one object after another: JSON Lines under another name
            yield from _read_objects(path, text)
            return
        raise _broken_json(path, text, err) from err
    except (ValueError, RecursionError) as err:
        raise DataError(f"{path}: the JSON {_unfit_json(err)}.") from err
    spells_half = _spells_half(text)
    if not isinstance(value, dict):
        yield _whole_row(path, 1, value, spells_half=spells_half)
        return
    lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    if "messages" in value or "conversations" in value or len(lists) != 1:
        yield _whole_row(path, 1, value, spells_half=spells_half)
        return
    for number, item in enumerate(lists[0], start=1):
        yield _whole_row(path, number, item, spells_half=spells_half)


def _read_objects(path: Path, text: str) -> Iterator[Row | BadRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if (row := json_row(path, number, line)) is not None:
            yield row


def _read_array(path: Path, text: str, start: int) -> Iterator[Row | BadRow]:
    """Yield the elements with the lines on which they begin."""
    decoder, at, line, counted = json.JSONDecoder(), start + 1, 1, 0
    spells_half = _spells_half(text)
    try:
        at = _skip_space(text, at)
        if text[at : at + 1] == "]":
            raise DataError(f"{path} is an empty JSON array.")
        while True:
            line += text.count("\n", counted, at)
            counted = at
            value, at = decoder.raw_decode(text, at)
            yield _whole_row(path, line, value, spells_half=spells_half)
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


# ── CSV, TSV, text ───────────────────────────────────────────────────────────────────────────────


def _read_csv(path: Path, text: str) -> Iterator[Row | BadRow]:
    yield from _read_table(path, text, ",", quoted=True)


def _read_tsv(path: Path, text: str) -> Iterator[Row | BadRow]:
    # Most TSV files are not quoted, and 「"Hello," he said」 is then text, not a quoted field. They
    # are read plainly where plain splitting gives every line the columns of the header.
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


def _read_txt(path: Path, text: str) -> Iterator[Row | BadRow]:
    at, line = 0, 1
    for match in [*_BLANK_LINES.finditer(text), None]:
        end = match.start() if match else len(text)
        block = text[at:end]
        if block.strip():
            skipped = len(block) - len(block.lstrip("\n"))
            yield Row(path, line + skipped, block.strip("\n"))
        if match:
            line += text.count("\n", at, match.end())
            at = match.end()


_READERS: Mapping[WholeTextKind, Callable[[Path, str], Iterator[Row | BadRow]]] = {
    "json": _read_json,
    "csv": _read_csv,
    "tsv": _read_tsv,
    "txt": _read_txt,
}
