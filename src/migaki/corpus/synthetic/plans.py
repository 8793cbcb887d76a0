"""Plans of sample texts: what the tables in ``scenes`` hold.

A scene is a plan for one text: its steps in order, each with wordings to choose from; an answer takes
the wording that has the number of its question. ``index.tsv``
names the scenes with their domain and registers, ``DOMAIN.tsv`` holds their steps, ``words.tsv`` lists of
words, and ``rows/`` tables of things whose columns go together; the tables of facts behind the sample
chats (``sample_data/tables``) are read as well.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from migaki.linguistics.morphemes import Register

__all__ = ["Move", "Row", "Scene", "Step", "rows_of", "scenes_of", "words_of"]

Row = dict[str, str]

_SEPARATOR = " / "
_OPTIONAL, _ANSWER = "?", "="


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence of a text, or one turn of a dialogue."""

    wordings: tuple[str, ...]
    speaker: str
    """Who says it; empty outside of dialogues."""


@dataclass(frozen=True, slots=True)
class Move:
    """Steps that stand or go together: a question and its answer."""

    steps: tuple[Step, ...]
    """Wordings with the same number belong together."""
    is_optional: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A plan for texts."""

    name: str
    domain: str
    registers: tuple[Register, ...]
    """Registers that a text of this kind is written in."""
    moves: tuple[Move, ...]


@lru_cache
def scenes_of(domain: str) -> tuple[Scene, ...]:
    """Return the scenes of a domain, in the order of the index."""
    moves: dict[str, list[Move]] = {}
    for row in _read(_folder().joinpath(f"{domain}.tsv")):
        name = row["step"].removeprefix(_OPTIONAL).removeprefix(_ANSWER)
        step = Step(
            tuple(row["wordings"].split(_SEPARATOR)), "" if not name or name.isdigit() else name
        )
        known = moves.setdefault(row["scene"], [])
        if row["step"].startswith(_ANSWER):
            known[-1] = Move((*known[-1].steps, step), known[-1].is_optional)
        else:
            known.append(Move((step,), row["step"].startswith(_OPTIONAL)))
    return tuple(
        Scene(
            row["scene"],
            domain,
            tuple(Register(name) for name in row["registers"].split(_SEPARATOR)),
            tuple(moves[row["scene"]]),
        )
        for row in _read(_folder().joinpath("index.tsv"))
        if row["domain"] == domain
    )


@lru_cache
def words_of(name: str) -> tuple[str, ...] | None:
    """Return a list of words; None where there is no such list."""
    return _word_lists().get(name)


@lru_cache
def rows_of(table: str) -> tuple[Row, ...] | None:
    """Return the rows of a table; None where there is no such table."""
    own = _folder().joinpath("rows", f"{table}.tsv")
    facts = resources.files("migaki.corpus").joinpath("sample_data", "tables", f"{table}.tsv")
    for file in (own, facts):
        if file.is_file():
            return tuple(_read(file))
    return None


@lru_cache(maxsize=1)
def _word_lists() -> dict[str, tuple[str, ...]]:
    rows = _read(_folder().joinpath("words.tsv"))
    return {row["list"]: tuple(row["words"].split(_SEPARATOR)) for row in rows}


def _folder() -> Traversable:
    return resources.files("migaki.corpus.synthetic").joinpath("scenes")


def _read(file: Traversable) -> list[Row]:
    lines = (line for line in file.read_text("utf-8").split("\n") if line and line[0] != "#")
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return [{key: value or "" for key, value in row.items()} for row in rows]
