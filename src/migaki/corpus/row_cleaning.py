"""One row of a file through the stages: its texts cleaned, its shape and its other columns as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migaki.corpus.documents import Document, Outcome, Rejection, Stage
from migaki.corpus.text_fields import FieldProblemError, Place, chosen_field, find_voice, put_back

__all__ = ["CleanedRow", "clean_row"]

_CONVERSATIONS = ("messages", "conversations", "conversation")
_SIDES = ("system", "user", "assistant")
# Column that shows the shape → the columns that are text, in reading order.
_SHAPES: Sequence[tuple[str, tuple[str, ...]]] = (
    ("instruction", ("instruction", "input", "output", "response")),
    ("prompt", ("prompt", "completion", "response", "answer", "output")),
    ("question", ("question", "context", "answer", "completion", "response", "output")),
)


@dataclass(frozen=True, slots=True)
class CleanedRow:
    """A row after the stages, and what they made of it as a document."""

    row: dict[str, Any]
    """The row with its texts cleaned, or as it came if it was rejected."""
    column: str | None
    """The column of its only text; None where it has several."""
    outcome: Outcome
    characters: int
    """Characters of its texts before."""


def clean_row(
    row: Any,
    stages: Sequence[Stage],
    *,
    id: str,
    source: str,
    fields: Sequence[str] = (),
) -> CleanedRow:
    """Send a row through the stages.

    A row with several texts (a conversation, an instruction with its answer) is one document, its
    texts a line each: it is kept or rejected whole. A stage that changes it is asked again for each text
    alone, and its answers are put back where the texts stood.

    Args:
        row: The row as it was read; a string is the row ``{"text": …}``.
        stages: In order.
        id: Id of the document.
        source: Its source.
        fields: Columns, or sides of a conversation (``assistant``); none means all that is text.

    Raises:
        FieldProblemError: The row has no text, or not where it is said to be.

    Example:
        >>> from migaki.corpus.cleaning.text_stages import Normalization
        >>> chat = {"messages": [{"role": "user", "content": "ﾈｺは？"}, {"role": "assistant", "content": "３匹です。"}]}
        >>> cleaned = clean_row(chat, [Normalization()], id="a:1", source="a")
        >>> [message["content"] for message in cleaned.row["messages"]]
        ['ネコは？', '3匹です。']
        >>> cleaned.outcome.counts
        {'normalized': 2}
    """
    value = {"text": row} if isinstance(row, str) else row
    if not isinstance(value, Mapping):
        raise FieldProblemError("is no object with columns")
    places = _places(value, fields)
    licence = value.get("license", value.get("licence"))
    texts = [place.text for place in places]
    document = Document(
        "\n".join(texts), id=id, source=source, licence=str(licence) if licence else "unknown"
    )
    current = document
    for stage in stages:
        outcome, texts = _step(stage, current, texts)
        if isinstance(outcome, Rejection):
            return CleanedRow(dict(value), None, outcome, len(document.text))
        current = outcome
    changed = {p: text for p, text in zip(places, texts, strict=True) if text != p.text}
    column = places[0].path[0] if len(places) == 1 and len(places[0].path) == 1 else None
    return CleanedRow(
        put_back(value, changed) if changed else dict(value),
        column if isinstance(column, str) else None,
        current,
        len(document.text),
    )


def _step(stage: Stage, document: Document, texts: list[str]) -> tuple[Outcome, list[str]]:
    outcome = stage(document)
    if isinstance(outcome, Rejection) or outcome.text == document.text:
        return outcome, texts
    if len(texts) == 1:
        return outcome, [outcome.text]
    counts: dict[str, int] = {}
    parts: list[str] = []
    for text in texts:
        part = stage(Document(text, document.id, document.source, document.licence))
        if isinstance(part, Rejection):
            return Rejection(document, part.stage, part.reason, part.detail), texts
        parts.append(part.text)
        for name, count in part.counts.items():
            counts[name] = counts.get(name, 0) + count
    return document.counting(counts, text="\n".join(parts)), parts


def _places(row: Mapping[str, Any], fields: Sequence[str]) -> list[Place]:
    """Return the texts of a row in reading order."""
    if not fields and any(key in row for key in _CONVERSATIONS):
        said = [place for side in _SIDES for place in find_voice(row, side)]
        places = sorted(said, key=lambda place: place.path[1:2])
    else:
        places = [place for field in fields or _columns(row) for place in find_voice(row, field)]
    if not any(place.text.strip() for place in places):
        raise FieldProblemError("has an empty text")
    return places


def _columns(row: Mapping[str, Any]) -> Sequence[str]:
    for sign, columns in _SHAPES:
        if sign in row:
            return [column for column in columns if isinstance(row.get(column), str)]
    return (chosen_field(row),)
