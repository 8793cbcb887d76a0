"""Which texts of a row are meant: a column, or what one side of a conversation says.

A row keeps its shape: texts are found with their place in it, and put back there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "ROLES",
    "FieldProblemError",
    "Place",
    "Voice",
    "chosen_field",
    "find_voice",
    "has_field",
    "kind_of",
    "put_back",
]

ROLES: Mapping[str, str] = {
    "system": "system", "developer": "system", "user": "user", "human": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "bot": "assistant",
    "model": "assistant", "tool": "tool", "observation": "tool", "function": "tool",
}  # fmt: skip
"""What chat formats call a role → OpenAI's word for it."""

_VOICES = ("assistant", "user", "system")
_CONVERSATIONS = ("messages", "conversations", "conversation")
# Column that shows the format → columns of what is to be said in it, the first that is there.
_ANSWERS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("instruction", ("output", "response")),
    ("prompt", ("completion", "response", "answer", "output")),
    ("question", ("answer", "completion", "response", "output")),
)
_END_OF_REASONING = "</think>"
_START_OF_REASONING = "<think>"


class FieldProblemError(Exception):
    """Why a row has no text in the field; the reader adds file and line."""


@dataclass(frozen=True, slots=True)
class Place:
    """One text of a row and where it stands.

    Attributes:
        path: Keys and list positions from the row to the string.
        begin: Characters of the string before the text: reasoning, which is left alone.
        text: The text itself.
    """

    path: tuple[str | int, ...]
    begin: int
    text: str

    @property
    def name(self) -> str:
        """The path as people write it: ``messages[1].content``."""
        return "".join(
            f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.path
        ).lstrip(".")


Voice = tuple[Place, ...]
"""The texts of one speaker in order: they share one register."""


def chosen_field(row: Mapping[str, Any]) -> str:
    """Return the field that is taken where the user names none: what the model is to say.

    Args:
        row: The row.

    Raises:
        FieldProblemError: No known column is there.

    Example:
        >>> chosen_field({"instruction": "訳して", "input": "cat", "output": "猫です。"})
        'output'
        >>> chosen_field({"messages": [], "text": "…"})
        'assistant'
    """
    if any(key in row for key in _CONVERSATIONS):
        return "assistant"
    for sign, answers in _ANSWERS:
        if sign in row and (found := next((key for key in answers if key in row), None)):
            return found
    if "text" in row:
        return "text"
    keys = ", ".join(map(repr, row)) or "none"
    raise FieldProblemError(
        f"has neither 'text' nor a conversation nor an answer (its keys: {keys}); "
        "name the column with --field"
    )


def find_voice(row: Mapping[str, Any], field: str) -> Voice:
    """Find the texts of one field.

    Args:
        row: The row.
        field: A column that holds a string, or ``assistant``, ``user`` or ``system``: what that
            role says in the row's conversation.

    Raises:
        FieldProblemError: The row has no such text; says exactly why.

    Example:
        >>> chat = {"messages": [{"role": "user", "content": "元気？"},
        ...                      {"role": "assistant", "content": "元気です。"}]}
        >>> [(place.name, place.text) for place in find_voice(chat, "assistant")]
        [('messages[1].content', '元気です。')]
    """
    conversation = next((key for key in _CONVERSATIONS if key in row), None)
    if field in row and field not in _CONVERSATIONS:
        return (_place((field,), row[field]),)
    if conversation is None or field not in _VOICES:
        roles = "" if conversation is None else f", or {', '.join(_VOICES)}"
        raise FieldProblemError(f"has no '{field}' (valid: {', '.join(map(str, row))}{roles})")
    turns = row[conversation]
    if not isinstance(turns, list):
        raise FieldProblemError(f"'{conversation}' is {kind_of(turns)}, not a list of turns")
    return tuple(
        place
        for number, turn in enumerate(turns)
        for place in _said(turn, (conversation, number), field)
    )


def has_field(row: Mapping[str, Any], field: str) -> bool:
    """Tell whether a row has a field, whatever stands in it.

    Args:
        row: The row.
        field: As `find_voice` takes it.

    Example:
        >>> has_field({"messages": []}, "assistant"), has_field({"text": "雨だ。"}, "honbun")
        (True, False)
    """
    if field in row and field not in _CONVERSATIONS:
        return True
    return field in _VOICES and any(key in row for key in _CONVERSATIONS)


def put_back(row: Mapping[str, Any], texts: Mapping[Place, str]) -> dict[str, Any]:
    """Return a row with other texts in some places; the row given stays as it is.

    Args:
        row: The row in which the places were found.
        texts: Place → its new text.

    Example:
        >>> row = {"text": "雨だ。", "license": "CC0-1.0"}
        >>> put_back(row, {find_voice(row, "text")[0]: "雨です。"})
        {'text': '雨です。', 'license': 'CC0-1.0'}
    """
    changed: Any = dict(row)
    for place, text in texts.items():
        inner = changed
        for key in place.path[:-1]:
            inner[key] = inner[key].copy()
            inner = inner[key]
        last = place.path[-1]
        inner[last] = inner[last][: place.begin] + text
    return dict(changed)


def _said(turn: Any, path: tuple[str | int, ...], voice: str) -> Voice:
    """Find what a turn says, if the role is the one asked for."""
    if not isinstance(turn, Mapping):
        raise FieldProblemError(f"turn {int(path[-1]) + 1} is {kind_of(turn)}, not an object")
    role = turn.get("role", turn.get("from"))
    if ROLES.get(str(role).lower()) != voice:
        return ()
    key = "content" if "content" in turn else "value"
    content = turn.get(key)
    if content is None:  # nothing is said: tool calls
        return ()
    if not isinstance(content, list):
        return (_place((*path, key), content),)
    return tuple(
        _place((*path, key, number, "text"), part["text"])
        for number, part in enumerate(content)
        if isinstance(part, Mapping) and part.get("text") is not None
    )


def _place(path: tuple[str | int, ...], value: Any) -> Place:
    if not isinstance(value, str):
        name = Place(path, 0, "").name
        raise FieldProblemError(f"'{name}' is {kind_of(value)}, not a string")
    begin = value.rfind(_END_OF_REASONING)
    if begin >= 0:
        begin += len(_END_OF_REASONING)
    elif value.lstrip().startswith(_START_OF_REASONING):
        begin = len(value)  # reasoning that was cut off
    else:
        begin = 0
    return Place(path, begin, value[begin:])


def kind_of(value: Any) -> str:
    """Return the name that JSON gives to a value's type, with its article."""
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number",
             str: "a string", list: "a list", dict: "an object"}  # fmt: skip
    return names.get(type(value), f"of the type {type(value).__name__}")
