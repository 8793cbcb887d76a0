"""What kind of documents local files hold, told from the first of them: chats, manuals, or not known.

The cleaning preset goes by it. Thresholds for web pages reject chats for being short and manuals for
their code, so what a file shows of its kind is better than no kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from migaki.corpus.compression import COMPRESSION_SUFFIXES
from migaki.corpus.local_shards import cut_file
from migaki.corpus.reading import LocalReader
from migaki.corpus.rows import BadRow, Row
from migaki.corpus.shard_rows import shard_rows
from migaki.corpus.shards import Shard
from migaki.corpus.technical import TECHNICAL_SUFFIXES

__all__ = ["KindFound", "kind_of_documents"]

_Thing = TypeVar("_Thing")
KindFound: TypeAlias = Literal["dialogue", "technical"]

_FILES = 40
_ROWS_OF_A_FILE = 5
_NEVER_CUT = 1 << 62  # bytes
_WORDS: Mapping[KindFound, str] = {
    "dialogue": "hold a conversation or an instruction with its answer",
    "technical": "are files of Markdown, reStructuredText or PO",
}
# Columns that show a conversation, or a question with its answer; with `text` beside them that is read.
_CHAT_COLUMNS: tuple[frozenset[str], ...] = (
    frozenset({"messages"}), frozenset({"conversations"}), frozenset({"conversation"}),
    frozenset({"utterances"}), frozenset({"instruction", "output"}),
    frozenset({"prompt", "completion"}), frozenset({"question", "answer"}),
)  # fmt: skip


def kind_of_documents(reader: LocalReader) -> tuple[KindFound, str] | None:
    """Return the kind that more than half of the first documents are of, and why; None if none is.

    Up to 5 rows of up to 40 files are looked at, spread over all of them.

    Args:
        reader: Files of the user.
    """
    seen: Counter[KindFound | None] = Counter()
    for shard in _some(_shards(reader)):
        seen.update(_kinds(shard, reader))
    for kind, words in _WORDS.items():
        if seen[kind] * 2 > seen.total():
            return kind, f"{seen[kind]:,} of {seen.total():,} rows looked at {words}"
    return None


def _shards(reader: LocalReader) -> list[Shard]:
    limits = replace(reader.limits, shard_bytes=_NEVER_CUT)  # cutting reads the whole file
    return [
        shard
        for path in _some(reader.found.files)
        for shard in cut_file(
            path,
            reader.found.place(path),
            encoding=reader.encoding,
            text_unit=reader.text_unit,
            limits=limits,
        )
    ]


def _some(things: Sequence[_Thing]) -> list[_Thing]:
    step = max(1, -(-len(things) // _FILES))
    return list(things[::step])


def _kinds(shard: Shard, reader: LocalReader) -> Iterator[KindFound | None]:
    rows = shard_rows(
        shard, encoding=reader.encoding, text_unit=reader.text_unit, limits=reader.limits
    )
    is_technical = _suffix(shard) in TECHNICAL_SUFFIXES
    named = bool(reader.mapping.text)
    for row in islice(rows, _ROWS_OF_A_FILE):
        if not isinstance(row, BadRow):
            yield "technical" if is_technical else None if named else _kind(row)


def _suffix(shard: Shard) -> str:
    path = Path((shard.member or shard.path).lower())
    return (path.with_suffix("") if path.suffix in COMPRESSION_SUFFIXES else path).suffix


def _kind(row: Row) -> KindFound | None:
    if not isinstance(row.value, Mapping) or "text" in row.value:
        return None
    return "dialogue" if any(columns <= row.value.keys() for columns in _CHAT_COLUMNS) else None
