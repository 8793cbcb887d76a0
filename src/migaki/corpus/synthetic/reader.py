"""Sample documents as a source, for runs in trial and development."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from migaki.corpus.documents import Document
from migaki.corpus.rows import BadRow
from migaki.corpus.shards import Shard
from migaki.corpus.synthetic.documents import LICENCE, Domain, sample_documents

__all__ = ["SampleReader", "sample_reader"]

COUNT: Final = 1000
SEED: Final = 7

# Which kind of text stands for a source, and how many blocks of COUNT texts before are another's:
# two sources of web pages do not get the same texts.
_PLACES: Final[dict[str, tuple[Domain, int]]] = {
    "wikipedia": ("encyclopaedia", 0),
    "web": ("web", 0),
    "cc100": ("web", 1),
    "oscar": ("web", 2),
    "aozora": ("literature", 0),
    "news": ("news", 0),
    "technical": ("technical", 0),
    "dialogue": ("dialogue", 0),
}


@dataclass(frozen=True, slots=True)
class SampleReader:
    """A block of the sample documents of one domain; a `SourceReader`."""

    name: str
    domain: Domain
    first: int = 0
    """How many documents of the domain come before this block."""
    count: int = COUNT
    seed: int = SEED

    @property
    def licence(self) -> str:
        """CC0-1.0."""
        return LICENCE

    def shards(self) -> list[Shard]:
        """Return one part: there is nothing to read, only to make."""
        return [Shard(f"{self.name}@{self.first}", path=self.name, size_bytes=0)]

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield the documents."""
        made = sample_documents(self.domain, count=self.first + self.count, seed=self.seed)
        for number, document in enumerate(islice(made, self.first, None), start=1):
            yield replace(document, source=self.name, id=f"{self.name}:{self.seed}:{number}")

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of the source."""
        return {
            "kind": "synthetic",
            "synthetic": True,
            "licence": self.licence,
            "domain": self.domain,
            "documents": self.count,
            "seed": self.seed,
        }


def sample_reader(source: str) -> SampleReader | None:
    """Return sample documents that may stand for a source; None where there are none of its kind.

    Args:
        source: Its name in `migaki.corpus.sources`.

    Example:
        >>> sample_reader("aozora").domain, sample_reader("instruction")
        ('literature', None)
    """
    if source not in _PLACES:
        return None
    domain, block = _PLACES[source]
    return SampleReader(f"synthetic-{source}", domain, first=block * COUNT)
