"""A row of any known shape to a document: which of it is the text, what its licence is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from migaki.corpus.documents import Document
from migaki.corpus.licences import UNKNOWN, find_licence
from migaki.corpus.rows import BadRow, Row
from migaki.corpus.text_fields import kind_of

__all__ = ["RowMapping", "document_of_row", "has_conversation", "stated_licence", "without_turns"]

_CONVERSATIONS = ("messages", "conversations", "conversation", "utterances")
_TURN_TEXTS = ("content", "value", "text")  # OpenAI, ShareGPT, RealPersonaChat
# Columns whose texts, in this order, are one document; the first set with all its columns wins.
_SHAPES: Sequence[tuple[tuple[str, ...], tuple[str, ...]]] = (
    (("text",), ("text",)),
    (("instruction", "output"), ("instruction", "input", "output")),
    (("prompt", "completion"), ("prompt", "completion")),
    (("question", "answer"), ("question", "context", "answer")),
    (("content",), ("content",)),
    (("body",), ("body",)),
    (("sentence",), ("sentence",)),
)
_LICENCE_COLUMNS = ("license", "licence")
_PREPARED = {"id", "text", "source", "license", "metadata"}  # the columns of a prepared corpus


@dataclass(frozen=True, slots=True)
class RowMapping:
    """How the rows of a source become documents."""

    source: str
    """Name of the source."""
    licence: str = UNKNOWN
    """Licence of a row that states none itself."""
    text: tuple[str, ...] = ()
    """Columns that hold the text, joined by a blank line; none means the shape is found out."""
    or_by_shape: bool = False
    """Whether a row without the first of these columns is read by its shape instead."""
    constants: tuple[tuple[str, Any], ...] = ()
    """Metadata that every document gets, such as ``("synthetic", True)``."""


class _NoTextError(Exception):
    """Why a row is no document."""


def document_of_row(
    row: Row, mapping: RowMapping, *, place: str, on_its_line: int = 1
) -> Document | BadRow:
    """Return the document of a row, or why it has none.

    A conversation becomes its turns, one a line; its messages stay in the metadata.

    Args:
        row: The row.
        mapping: How rows of this source are read.
        place: The file as the id of the document names it.
        on_its_line: Which row of its line it is: a JSON array may stand on one line.

    Example:
        >>> from pathlib import Path
        >>> row = Row(Path("a.jsonl"), 7, {"text": "雨だ。", "title": "天気", "license": "CC BY 4.0"})
        >>> document_of_row(row, RowMapping("mine"), place="a.jsonl")
        Document(text='雨だ。', id='mine:a.jsonl:7', source='mine', licence='CC-BY-4.0', \
metadata={'title': '天気', 'license': 'CC BY 4.0'}, counts={})
        >>> chat = Row(Path("a.jsonl"), 8, {"messages": [{"role": "user", "content": "元気？"},
        ...                                              {"role": "assistant", "content": "はい。"}]})
        >>> document_of_row(chat, RowMapping("mine"), place="a.jsonl").text.splitlines()
        ['元気？', 'はい。']
        >>> document_of_row(Row(Path("a.jsonl"), 9, {"honbun": "…"}), RowMapping("m"), place="").reason
        "has no text that is known by its column (its columns: 'honbun'); name the column"
    """
    if isinstance(row.value, Mapping) and row.value.keys() == _PREPARED:
        return _prepared(row, mapping)
    columns = mapping.text
    if mapping.or_by_shape and columns and not _has(row.value, columns[0]):
        columns = ()
    try:
        text, taken = _text(row.value, columns)
        _refuse_unwritable(text)
    except _NoTextError as err:
        return BadRow(row.path, row.line, str(err), _shown(row.value))
    metadata: dict[str, Any] = {}
    licence = mapping.licence
    if isinstance(row.value, Mapping):
        metadata = {
            str(key): _as_json(value) for key, value in row.value.items() if key not in taken
        }
        stated = stated_licence(row.value)
        licence = find_licence(stated).name if stated else licence
    metadata.update(mapping.constants)
    return Document(
        text=text,
        id=f"{mapping.source}:{place}:{row.line}" + (f".{on_its_line}" if on_its_line > 1 else ""),
        source=mapping.source,
        licence=licence,
        metadata=metadata,
    )


def stated_licence(columns: Mapping[str, Any]) -> str | None:
    """Return the licence that a row, or the metadata of its document, states in its own words.

    >>> stated_licence({"license": "自由にどうぞ"})
    '自由にどうぞ'
    """
    stated = next((columns[key] for key in _LICENCE_COLUMNS if columns.get(key)), None)
    return str(stated) if stated else None


def has_conversation(columns: Mapping[str, Any]) -> bool:
    """Tell whether a row, or the metadata of its document, holds the turns of a conversation.

    >>> has_conversation({"messages": [{"role": "user", "content": "元気？"}]})
    True
    """
    return any(isinstance(columns.get(key), list) for key in _CONVERSATIONS)


def without_turns(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata without the turns of a conversation, which no stage of cleaning has seen.

    >>> without_turns({"title": "朝", "messages": [{"role": "user", "content": "a@example.jp"}]})
    {'title': '朝'}
    """
    return {
        key: value
        for key, value in metadata.items()
        if key not in _CONVERSATIONS or not isinstance(value, list)
    }


def _has(value: Any, column: str) -> bool:
    return isinstance(value, Mapping) and column in value


def _prepared(row: Row, mapping: RowMapping) -> Document | BadRow:
    """Return a document that ``migaki data prepare`` wrote as it was then."""
    value = row.value
    if not all(isinstance(value[key], str) for key in ("text", "id", "source", "license")):
        return BadRow(row.path, row.line, "is not a whole document", _shown(value))
    metadata = value["metadata"]
    return Document(
        text=value["text"],
        id=value["id"],
        source=value["source"],
        licence=find_licence(value["license"]).name,
        metadata={**(metadata if isinstance(metadata, Mapping) else {}), **dict(mapping.constants)},
    )


def _text(value: Any, columns: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the text of a row and the columns that are not needed as metadata any more."""
    if isinstance(value, str):
        return _not_empty(value), ()
    if not isinstance(value, Mapping):
        raise _NoTextError(f"is {kind_of(value)}, not an object")
    columns = columns or _shape(value)
    if columns and columns[0] in _CONVERSATIONS:
        return _not_empty(_said(value[columns[0]], columns[0])), ()
    missing = [column for column in columns[:1] if column not in value]
    if missing:
        raise _NoTextError(f"has no '{missing[0]}' (its columns: {_named(value)})")
    texts = [value.get(column) for column in columns]
    for column, text in zip(columns, texts, strict=True):
        if text is not None and not isinstance(text, str):
            raise _NoTextError(f"'{column}' is {kind_of(text)}, not a string")
    return _not_empty("\n\n".join(text for text in texts if text)), columns


def _shape(value: Mapping[str, Any]) -> Sequence[str]:
    # A conversation beside a text is the text in its parts: the text is taken.
    if "text" in value:
        return ("text",)
    for key in _CONVERSATIONS:
        if key in value:
            return (key,)
    for signs, columns in _SHAPES:
        if all(sign in value for sign in signs):
            return columns
    raise _NoTextError(
        f"has no text that is known by its column (its columns: {_named(value)}); name the column"
    )


def _said(turns: Any, column: str) -> str:
    """Return what is said in a conversation, a turn a line."""
    if not isinstance(turns, list):
        raise _NoTextError(f"'{column}' is {kind_of(turns)}, not a list of turns")
    said: list[str] = []
    for number, turn in enumerate(turns, start=1):
        if not isinstance(turn, Mapping):
            raise _NoTextError(f"turn {number} of '{column}' is {kind_of(turn)}, not an object")
        content = next((turn[key] for key in _TURN_TEXTS if turn.get(key)), None)
        parts = content if isinstance(content, list) else [content]
        for part in parts:
            text = part.get("text") if isinstance(part, Mapping) else part
            if isinstance(text, str) and text.strip():
                said.append(text)
    return "\n".join(said)


def _not_empty(text: str) -> str:
    if not text.strip():
        raise _NoTextError("has an empty text")
    return text


def _refuse_unwritable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise _NoTextError(
            f"holds half a character (a lone surrogate) at position {err.start}, which no file can hold"
        ) from err


def _named(value: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, value)) or "none"


def _shown(value: Any) -> str:
    return repr(value)[:2000]


def _as_json(value: Any) -> Any:
    """Return a value as JSON has it; Parquet knows more types."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {str(key): _as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(inner) for inner in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray):
        return f"({len(value):,} bytes)"
    return str(value)
