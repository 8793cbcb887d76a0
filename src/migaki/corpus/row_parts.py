"""What a row of training data says: all of it, what sets it apart, and what the model is to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migaki.corpus.text_fields import FieldProblemError, find_voice, kind_of

__all__ = ["RowParts", "row_parts"]

_CONVERSATIONS = ("messages", "conversations", "conversation")
_ASKED = ("instruction", "question", "prompt", "query")
_MATERIAL = ("input", "context", "passage")
_ANSWERED = ("output", "response", "completion", "answer", "answers")
_TEXTS = ("text", "content", "body", "sentence")


@dataclass(frozen=True, slots=True)
class RowParts:
    """The texts of a row."""

    text: str
    """All of it."""
    own: str
    """Without the material that several rows may share (a passage that is asked about); of a
    conversation, the answers. Empty where nothing is to be told apart."""
    answer: str
    """What the model is to learn to write."""


def row_parts(row: Any, *, fields: Sequence[str] = ()) -> RowParts:
    """Return the texts of a row of any known shape.

    Args:
        row: The row.
        fields: Columns that are meant, or ``assistant``, ``user``, ``system`` in a conversation; all
            that is known if none.

    Raises:
        FieldProblemError: It has no text; says why.

    Example:
        >>> row_parts({"question": "どこ？", "context": "猫は家にいる。", "answer": "家"})
        RowParts(text='どこ？\\n猫は家にいる。\\n家', own='どこ？\\n家', answer='家')
        >>> row_parts("雨だ。")
        RowParts(text='雨だ。', own='', answer='雨だ。')
    """
    if isinstance(row, str):
        return RowParts(row, "", row)
    if not isinstance(row, Mapping):
        raise FieldProblemError(f"is {kind_of(row)}, not an object")
    if fields:
        named = "\n".join(text for field in fields for text in _named(row, field))
        return RowParts(named, "", named)
    for column in _TEXTS[:1]:
        if isinstance(row.get(column), str):
            return RowParts(row[column], "", row[column])
    if any(key in row for key in _CONVERSATIONS):
        return _conversation(row)
    asked, material, answered = (
        "\n".join(text for column in columns for text in _strings(row.get(column)))
        for columns in (_ASKED, _MATERIAL, _ANSWERED)
    )
    if asked or answered:
        own = f"{asked}\n{answered}" if material else ""
        whole = "\n".join(part for part in (asked, material, answered) if part)
        return RowParts(whole, own, answered or whole)
    for column in _TEXTS[1:]:
        if isinstance(row.get(column), str):
            return RowParts(row[column], "", row[column])
    keys = ", ".join(map(repr, row)) or "none"
    raise FieldProblemError(
        f"has no text that is known (its columns: {keys}); name it with --field"
    )


def _conversation(row: Mapping[str, Any]) -> RowParts:
    said = {voice: find_voice(row, voice) for voice in ("system", "user", "assistant")}
    turns = sorted(
        (place for places in said.values() for place in places),
        key=lambda place: tuple(key for key in place.path if isinstance(key, int)),
    )
    answers = "\n".join(place.text for place in said["assistant"])
    whole = "\n".join(place.text for place in turns)
    return RowParts(whole, answers, answers or whole)


def _named(row: Mapping[str, Any], field: str) -> Iterator[str]:
    if field in row and field not in _CONVERSATIONS:
        yield from _strings(row[field])
    else:
        yield from (place.text for place in find_voice(row, field))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
