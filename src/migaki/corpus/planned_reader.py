"""A source whose parts were settled when a run was planned, so that nobody has to look again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migaki.corpus.documents import Document
from migaki.corpus.rows import BadRow
from migaki.corpus.shards import Shard, SourceReader

__all__ = ["PlannedReader"]


@dataclass(frozen=True, slots=True)
class PlannedReader:
    """A source with its parts; see `SourceReader`. Finding the parts of large files reads them."""

    reader: SourceReader
    found: tuple[Shard, ...]

    @property
    def name(self) -> str:
        """What documents call the source."""
        return self.reader.name

    @property
    def licence(self) -> str:
        """Licence of the documents that do not state their own."""
        return self.reader.licence

    def shards(self) -> list[Shard]:
        """Return the parts that were found."""
        return list(self.found)

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield the documents of a part, and what stands in the place of those that are none."""
        return self.reader.documents(shard)

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of the source."""
        return self.reader.facts()
