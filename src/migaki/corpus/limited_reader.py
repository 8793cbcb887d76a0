"""The beginning of a source as a source of its own: for a trial before all of it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migaki.corpus.documents import Document
from migaki.corpus.rows import BadRow
from migaki.corpus.shards import Shard, SourceReader

__all__ = ["LimitedReader"]


@dataclass(frozen=True, slots=True)
class LimitedReader:
    """The first rows of a source, in one shard; see `SourceReader`.

    Which rows are the first could not be told by several that read different shards at once.

    Example:
        >>> from migaki.corpus.reading import open_source
        >>> reader = LimitedReader(open_source("samples"), 3)
        >>> shard, = reader.shards()
        >>> len(list(reader.documents(shard)))
        3
    """

    reader: SourceReader
    limit: int

    @property
    def name(self) -> str:
        """What documents call the source."""
        return self.reader.name

    @property
    def licence(self) -> str:
        """Licence of the documents that do not state their own."""
        return self.reader.licence

    def shards(self) -> list[Shard]:
        """Return one part, with the path of the first that there is."""
        first = next(iter(self.reader.shards()), None)
        return [Shard(f"first {self.limit:,} rows", first.path, 0)] if first else []

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield rows of the source's own parts in order, until there are enough."""
        left = self.limit
        for part in self.reader.shards():
            for item in self.reader.documents(part):
                yield item
                left -= 1
                if not left:
                    return

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of the source."""
        return {**self.reader.facts(), "limit": self.limit}
