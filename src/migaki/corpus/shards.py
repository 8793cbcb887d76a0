"""The seam between sources of text and whoever reads them: shards, readers, limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from migaki.corpus.documents import Document
from migaki.corpus.rows import BadRow

__all__ = ["HubOptions", "ReadingLimits", "Shard", "SourceReader", "TextUnit"]

TextUnit: TypeAlias = Literal["paragraph", "line", "file"]
"""What one document of a plain text file is; paragraphs are divided by blank lines."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a source that one process reads; the same however many processes there are."""

    name: str
    """Unique in the source, and the same whenever the source is the same: ``a.jsonl@3``."""
    path: str
    """The file; for a data set of the hub its id."""
    size_bytes: int
    """Bytes of the file that this part takes, compressed ones where it is compressed; 0: not known."""
    member: str = ""
    """The file in a ZIP archive."""
    begin: int = 0
    """First byte, first row group (Parquet), or number of the hub's own shard."""
    end: int | None = None
    """Where the next part begins; None: this one goes to the end."""
    first_row: int = 1
    """Line or record number of the first row."""


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What hostile or broken input may cost; what is beyond is reported, never read."""

    row_bytes: int = 16 << 20
    """Longest line, paragraph or JSON object. The longest books of Aozora Bunko have about 3 MiB."""
    whole_file_bytes: int = 1 << 30
    """Largest file of a kind that must be held in memory: JSON arrays, CSV, Markdown, UTF-16."""
    shard_bytes: int = 64 << 20
    """Files above this are cut into parts of about this size, where their kind allows it."""
    expansion: int = 200
    """Largest ratio of a ZIP member's size to its compressed size; Japanese text has 2 to 10."""


@dataclass(frozen=True, slots=True)
class HubOptions:
    """Which part of a data set of the hub is meant, where it is not what the entry says."""

    config: str | None = None
    split: str | None = None
    revision: str = "main"
    """Branch, tag or commit."""


class SourceReader(Protocol):
    """A source of documents in parts that can be read anywhere, in any order, again and again."""

    @property
    def name(self) -> str:
        """What documents, reports and manifests call the source."""

    @property
    def licence(self) -> str:
        """Licence of the documents that do not state their own; ``unknown`` if nobody said."""

    def shards(self) -> list[Shard]:
        """Return the parts in their order.

        Files are looked at, large ones read once for the places to cut: call it once and pass the
        shards on, not once in every worker.
        """

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield the documents of a part, and what stands in the place of those that are none.

        A file that is damaged gives what was read before the damage and then a `DamagedFile`;
        nothing about a single file is raised. What may be better the next time is: a lost connection
        is a `DataError`, and the part is to be read again.
        """

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps: kind, licence, address, files or revision."""
