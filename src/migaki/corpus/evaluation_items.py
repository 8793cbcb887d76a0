"""Evaluation sets as items: what is asked, and what the answer is.

Any JSON, JSON Lines or table whose rows have a question is read: JCommonsenseQA, JMMLU, JNLI, JSTS, JSQuAD
(SQuAD's nesting), MT-Bench turns, and the instruction formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migaki.corpus.files import BadRow, find_files, open_file
from migaki.errors import DataError

__all__ = ["EvaluationItem", "items_of_row", "read_items"]

# Columns of what is asked: the first set of which all are there. Several columns are one question each.
_ASKED: Sequence[tuple[str, ...]] = (
    ("question",), ("sentence1", "sentence2"), ("instruction", "input"), ("instruction",), ("prompt",),
    ("turns",), ("sentence",), ("text",), ("query",), ("problem",),
)  # fmt: skip
_ANSWERS = ("answer", "answers", "output", "completion", "response", "correct_answer")
_LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True)
class EvaluationItem:
    """One question of an evaluation set."""

    name: str
    """File and line, and the number within the line where it holds several."""
    questions: tuple[str, ...]
    """The texts that are asked: each is looked for by itself."""
    answers: tuple[str, ...] = ()
    """The right answers, where they are texts."""


def read_items(names: Sequence[str]) -> Iterator[EvaluationItem]:
    """Yield the items of evaluation files.

    Args:
        names: Files, folders or globs, as `find_files` takes them.

    Raises:
        DataError: A file cannot be read, or a row of it has no question.
    """
    for path in find_files(names):
        for row in open_file(path).rows():
            if isinstance(row, BadRow):
                raise DataError(f"{path}:{row.line}: the row {row.reason}.")
            found = list(items_of_row(row.value, name=f"{path.name}:{row.line}"))
            if not found:
                raise _unknown_shape(path, row.line, row.value)
            yield from found


def items_of_row(row: Any, *, name: str) -> Iterator[EvaluationItem]:
    """Yield the items of one row.

    Args:
        row: The row.
        name: What its items are called.

    Example:
        >>> row = {"question": "首都は？", "choice0": "京都", "choice1": "東京", "label": 1}
        >>> next(items_of_row(row, name="q.jsonl:1"))
        EvaluationItem(name='q.jsonl:1', questions=('首都は？',), answers=('東京',))
    """
    if isinstance(row, str):
        yield EvaluationItem(name, (row,))
        return
    if not isinstance(row, Mapping):
        return
    if isinstance(row.get("paragraphs"), list):
        yield from _squad(row, name)
        return
    for columns in _ASKED:
        if all(column in row for column in columns):
            asked = tuple(text for column in columns for text in _texts(row[column]))
            if columns[0] == "instruction":
                asked = ("\n".join(asked),)
            if asked:
                yield EvaluationItem(name, asked, _answers(row))
            return


def _squad(article: Mapping[str, Any], name: str) -> Iterator[EvaluationItem]:
    number = 0
    for paragraph in article["paragraphs"]:
        for pair in paragraph.get("qas", ()) if isinstance(paragraph, Mapping) else ():
            number += 1
            answers = tuple(dict.fromkeys(a["text"] for a in pair.get("answers", ())))
            yield EvaluationItem(f"{name}#{number}", (pair["question"],), answers)


def _answers(row: Mapping[str, Any]) -> tuple[str, ...]:
    label = row.get("label", row.get("answer"))
    if isinstance(label, str) and label in _LETTERS[:10] and label in row:  # JMMLU: A, B, C, D
        return tuple(_texts(row[label]))
    if isinstance(label, int) and f"choice{label}" in row:  # JCommonsenseQA
        return tuple(_texts(row[f"choice{label}"]))
    for column in _ANSWERS:
        if column in row:
            return tuple(_texts(row[column]))
    return ()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, Mapping):
        yield from _texts(value.get("text", value.get("content", value.get("value"))))


def _unknown_shape(path: Path, line: int, row: Any) -> DataError:
    keys = ", ".join(map(repr, row)) if isinstance(row, Mapping) else type(row).__name__
    valid = ", ".join(" + ".join(columns) for columns in _ASKED)
    return DataError(
        f"{path}:{line}: no question was found (its columns: {keys}).",
        hint=f"Known columns of questions: {valid}; SQuAD's paragraphs are understood too.",
    )
