"""The files of Aozora Bunko as a source: parts of some works each, for whoever reads sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from migaki.corpus.aozora.catalogue import Catalogue, load_catalogue
from migaki.corpus.aozora.reading import LICENCE, SOURCE, catalogue_beside, read_work
from migaki.corpus.documents import Document
from migaki.corpus.local_shards import FoundFiles
from migaki.corpus.rows import BadRow
from migaki.corpus.shards import ReadingLimits, Shard

__all__ = ["AozoraReader", "aozora_reader"]

WORKS_OF_A_SHARD: Final = 256
"""Works that one process reads at a time: about 3 MB, as the median work has 6,000 characters."""

_NAME = re.compile(r"\d+_(?:ruby|txt)(?:_\d+)?\.(?:txt|zip)", re.IGNORECASE)
_KINDS = (".txt", ".zip")


@dataclass(frozen=True, slots=True)
class AozoraReader:
    """Works of Aozora Bunko in files; a `SourceReader`."""

    found: FoundFiles
    catalogue: Path | None
    reason: str
    """Why the files are taken for Aozora Bunko's."""
    limits: ReadingLimits

    @property
    def name(self) -> str:
        """What documents call the source."""
        return SOURCE

    @property
    def licence(self) -> str:
        """Licence of the works that are kept."""
        return LICENCE

    def shards(self) -> list[Shard]:
        """Return the parts: so many works each, in the order of the files."""
        files = self.found.files
        shards = []
        for begin in range(0, len(files), WORKS_OF_A_SHARD):
            part = files[begin : begin + WORKS_OF_A_SHARD]
            shards.append(
                Shard(
                    f"works@{begin}",
                    path=str(self.found.root),
                    size_bytes=sum(path.stat().st_size for path in part if path.exists()),
                    begin=begin,
                    end=begin + len(part),
                )
            )
        return shards

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield the works of a part; one that may not be used stands in its place as a `BadRow`."""
        works = _catalogue(self.catalogue) if self.catalogue else None
        for path in self.found.files[shard.begin : shard.end]:
            outcome = read_work(path, works, limits=self.limits)
            if isinstance(outcome, Document | BadRow):
                yield outcome
            else:
                title = outcome.document.metadata["title"]
                yield BadRow(path, 1, f"{outcome.reason}: {outcome.detail}", title)

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of the source."""
        return {
            "kind": "aozora",
            "licence": self.licence,
            "path": str(self.found.root),
            "recognised_by": self.reason,
            "catalogue": str(self.catalogue) if self.catalogue else None,
            "works": len(self.found.files),
            "other_files": self.found.other_files,
        }


def aozora_reader(found: FoundFiles, limits: ReadingLimits) -> AozoraReader | None:
    """Return the reader of files that are Aozora Bunko's; None where they are not.

    They are when the catalogue lies beside them, or when more than half of the text files and
    archives are named as Aozora Bunko names its works: ``752_ruby_2438.txt``.
    """
    files = tuple(path for path in found.files if path.suffix.lower() in _KINDS)
    if not files:
        return None
    catalogue = catalogue_beside(found.root)
    named = sum(_NAME.fullmatch(path.name) is not None for path in files)
    if catalogue:
        reason = f"the catalogue {catalogue.name} lies beside them"
    elif 2 * named > len(files):
        reason = f"{named} of {len(files)} files are named like 752_ruby_2438.txt"
    else:
        return None
    others = found.other_files + len(found.files) - len(files)
    return AozoraReader(FoundFiles(found.root, files, others), catalogue, reason, limits)


@lru_cache(maxsize=2)
def _catalogue(path: Path) -> Catalogue:
    return load_catalogue(path)
