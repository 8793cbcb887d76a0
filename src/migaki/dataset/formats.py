"""Which format the rows of a file are in, and one row of it to an `Example`.

Five formats are told apart by their keys. The format of a file is what its first rows are; a row
in another known format is reported as a mixed file, a row in none as a bad row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from migaki.corpus.files import Row
from migaki.corpus.text_fields import kind_of
from migaki.dataset.config import DataFormat
from migaki.dataset.conversations import (
    Chat,
    Example,
    RowProblemError,
    Text,
    make_chat,
    maybe_json,
    refuse_half_characters,
)
from migaki.errors import DataError

__all__ = ["DETECTION_ROWS", "KEYS_OF_FORMAT", "detect_format", "format_of", "read_example"]

DETECTION_ROWS = 100
"""How many first rows decide the format."""

KEYS_OF_FORMAT: dict[DataFormat, str] = {
    "messages": '{"messages": [{"role", "content"}]}',
    "sharegpt": '{"conversations": [{"from", "value"}]}',
    "alpaca": '{"instruction", "input", "output"}',
    "prompt_completion": '{"prompt", "completion"}',
    "text": '{"text"} or a plain string',
}
_COMPLETIONS = ("completion", "response", "answer", "output")
_PROMPTS = ("prompt", "question", "query", "input")
_FORMAT_NAMES = {
    "messages": "OpenAI messages",
    "sharegpt": "ShareGPT",
    "alpaca": "Alpaca",
    "prompt_completion": "prompt/completion",
    "text": "raw text",
}


def format_name(name: DataFormat) -> str:
    """Return the name that people use for a format."""
    return _FORMAT_NAMES[name]


def format_of(value: Any) -> DataFormat | None:
    """Return the format whose keys a row has, or None.

    Example:
        >>> format_of({"instruction": "訳して", "input": "cat", "output": "猫"})
        'alpaca'
    """
    if isinstance(value, str):
        return "text"
    if not isinstance(value, Mapping):
        return None
    if "messages" in value:
        return "messages"
    if "conversations" in value or "conversation" in value:
        return "sharegpt"
    if "instruction" in value and ("output" in value or "response" in value):
        return "alpaca"
    if _first_key(value, _PROMPTS) and _first_key(value, _COMPLETIONS):
        return "prompt_completion"
    return "text" if "text" in value else None


def detect_format(rows: Sequence[Row], columns: Mapping[str, str]) -> tuple[DataFormat, str]:
    """Find the format of a file from its first rows.

    Args:
        rows: The first readable rows.
        columns: Renamed columns, known name to the file's.

    Returns:
        The format and the reason.

    Raises:
        DataError: No row is in a known format.
    """
    found = Counter(format_of(rename(row.value, columns)) for row in rows)
    known = [name for name, _ in found.most_common() if name is not None]
    if not known:
        raise _unknown_format(rows[0])
    best = known[0]
    count = found[best]
    share = "all" if count == len(rows) else f"{count} of"
    return best, f"{share} first {len(rows)} rows have the keys {KEYS_OF_FORMAT[best]}"


def rename(value: Any, columns: Mapping[str, str]) -> Any:
    """Give the columns of a row the names that migaki knows."""
    if not columns or not isinstance(value, Mapping):
        return value
    theirs = {yours: known for known, yours in columns.items()}
    if any(yours in value for yours in theirs):  # a renamed column wins over one of the same name
        value = {k: v for k, v in value.items() if k not in columns or k in theirs}
    return {theirs.get(k, k): v for k, v in value.items()}


def read_example(row: Row, name: DataFormat, columns: Mapping[str, str]) -> Example:
    """Turn a row into an example.

    Args:
        row: A readable row.
        name: The format of its file.
        columns: Renamed columns.

    Raises:
        RowProblemError: It cannot be used; says exactly why.
    """
    value = rename(row.value, columns)
    content = _READERS[name](value)
    return Example(
        row.path, row.line, content, _stated(value, "license", "licence"), _stated(value, "source")
    )


def _stated(value: Any, *columns: str) -> str | None:
    """Return what a row says of itself in the first of some columns."""
    if not isinstance(value, Mapping):
        return None
    found = next((value[column] for column in columns if column in value), None)
    return str(found) if found else None


def _unknown_format(row: Row) -> DataError:
    if isinstance(row.value, Mapping):
        keys = ", ".join(map(repr, row.value))
        seen = f"they have the keys {keys}" if keys else "they have no keys"
    else:
        seen = f"the first is {kind_of(row.value)}"
    known = "; ".join(f"{_FORMAT_NAMES[n]} {keys}" for n, keys in KEYS_OF_FORMAT.items())
    return DataError(
        f"{row.path}:{row.line}: the format of the rows is not known: {seen}. Known: {known}.",
        hint="Rename columns with, for example, 'data.columns={text: body}' or "
        "'data.columns={prompt: en, completion: ja}'.",
    )


def _first_key(value: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((key for key in keys if key in value), None)


def _read_messages(value: Any) -> Chat:
    messages = _as_list(_object(value), "messages")
    return make_chat(messages, tools=maybe_json(value.get("tools")))


def _read_sharegpt(value: Any) -> Chat:
    key = "conversations" if "conversations" in _object(value) else "conversation"
    messages: list[Mapping[str, Any]] = []
    if value.get("system"):
        messages.append({"role": "system", "content": value["system"]})
    for number, item in enumerate(_as_list(value, key), start=1):
        if not isinstance(item, Mapping):
            raise RowProblemError(f"turn {number} of '{key}' is not an object")
        role = item.get("from", item.get("role"))
        content = item.get("value", item.get("content"))
        if role is None or content is None:
            raise RowProblemError(
                f"turn {number} needs 'from' and 'value' (keys: {', '.join(item)})"
            )
        if role == "function_call":
            messages.append({"role": "assistant", "tool_calls": _calls_in(content, number)})
        else:
            messages.append({"role": role, "content": content})
    return make_chat(messages, tools=maybe_json(value.get("tools")))


def _calls_in(content: Any, number: int) -> list[Any]:
    calls = maybe_json(content)
    if isinstance(calls, Mapping):
        return [calls]
    if isinstance(calls, list):
        return calls
    raise RowProblemError(f"turn {number}: the function_call is not JSON")


def _read_alpaca(value: Any) -> Chat:
    row = _object(value)
    answer = row.get("output", row.get("response"))
    question = _string(row.get("instruction"), "instruction")
    if extra := row.get("input"):
        question = f"{question}\n\n{_string(extra, 'input')}"
    messages = []
    if row.get("system"):
        messages.append({"role": "system", "content": _string(row["system"], "system")})
    history = maybe_json(row.get("history")) or []
    if not isinstance(history, list) or not all(
        isinstance(p, list) and len(p) == 2 for p in history
    ):
        raise RowProblemError("'history' is not a list of [question, answer] pairs")
    for pair in history:
        messages += [
            {"role": "user", "content": pair[0]},
            {"role": "assistant", "content": pair[1]},
        ]
    messages.append({"role": "user", "content": question})
    messages.append({"role": "assistant", "content": _string(answer, "output")})
    return make_chat(messages)


def _read_prompt_completion(value: Any) -> Chat:
    row = _object(value)
    prompt_key, completion_key = _first_key(row, _PROMPTS), _first_key(row, _COMPLETIONS)
    if prompt_key is None or completion_key is None:
        missing = "prompt" if prompt_key is None else "completion"
        raise RowProblemError(f"has no '{missing}' (keys: {', '.join(row)})")
    prompt, completion = row[prompt_key], row[completion_key]
    if isinstance(prompt, list) and isinstance(completion, list):  # TRL's conversational kind
        return make_chat([*prompt, *completion], tools=maybe_json(row.get("tools")))
    return make_chat(
        [
            {"role": "user", "content": _string(prompt, prompt_key)},
            {"role": "assistant", "content": _string(completion, completion_key)},
        ],
        plain=True,
    )


def _read_text(value: Any) -> Text:
    text = _string(value if isinstance(value, str) else _object(value).get("text"), "text")
    refuse_half_characters(text, "the text")
    return Text(text)


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RowProblemError(f"is {kind_of(value)}, not an object")
    return value


def _as_list(value: Mapping[str, Any], key: str) -> list[Any]:
    if key not in value:
        raise RowProblemError(f"has no '{key}' (keys: {', '.join(map(str, value))})")
    items = maybe_json(value[key])  # CSV and some Parquet files keep lists as JSON text
    if not isinstance(items, list):
        raise RowProblemError(f"'{key}' is {kind_of(items)}, not a list of turns")
    return items


def _string(value: Any, key: str) -> str:
    if not isinstance(value, str):
        what = "missing" if value is None else f"{kind_of(value)}, not a string"
        raise RowProblemError(f"'{key}' is {what}")
    if not value.strip():
        raise RowProblemError(f"'{key}' is empty")
    return value


_READERS: dict[DataFormat, Callable[[Any], Chat | Text]] = {
    "messages": _read_messages,
    "sharegpt": _read_sharegpt,
    "alpaca": _read_alpaca,
    "prompt_completion": _read_prompt_completion,
    "text": _read_text,
}
