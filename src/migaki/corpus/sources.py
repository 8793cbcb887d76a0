"""Sources of Japanese text known by name: where they are, what they hold, what their licence is.

The entries are data (`tables/sources.yaml`). Nothing is fetched here; `corpus.reading` opens a
source, `corpus.hub` reads those of the Hugging Face hub.

    >>> find_source("news").licence
    'CC-BY-2.5'
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from migaki.config import build, read_yaml
from migaki.corpus.shards import TextUnit
from migaki.errors import UsageError

__all__ = [
    "SYNTHETIC",
    "Domain",
    "HubData",
    "Source",
    "find_source",
    "known_sources",
    "local_files",
]

Domain = Literal[
    "wikipedia", "cc100", "oscar", "web", "aozora", "news", "technical", "dialogue", "instruction"
]

SYNTHETIC = "synthetic"
"""What the names of generated sample files hold, so that nobody takes them for a source."""

_FROZEN = ConfigDict(extra="forbid", frozen=True)


@dataclass(config=_FROZEN, kw_only=True)
class HubData:
    """A data set of the Hugging Face hub."""

    id: str
    """``owner/name``; never a repository with a loading script."""
    config: str | None = None
    split: str = "train"
    columns: tuple[str, ...] = ()
    """Columns that must be there; checked when it is opened."""


@dataclass(config=_FROZEN, kw_only=True)
class Source:
    """One source by name."""

    name: str
    title: str
    domain: Domain
    """Which of the required kinds of text it is."""
    purpose: str
    licence: str
    """Name in `corpus.licences`."""
    homepage: str
    hub: HubData | None = None
    text: tuple[str, ...] = ()
    """Columns that hold the text; none: the shape of the rows is found out."""
    text_unit: TextUnit = "paragraph"
    """What one document of its plain text files is."""
    gated: bool = False
    """Whether its terms must be accepted on its page before it can be read."""
    rows: int | None = None
    download_bytes: int | None = None
    local: tuple[str, ...] = ()
    """Names, or patterns, under which its files are looked for in the data folder."""
    obtain: str = ""
    """How to get it where the hub does not have it."""
    note: str = ""
    unverified: tuple[str, ...] = ()
    """Facts that were remembered, not read on a page."""

    def command(self, base_dir: Path) -> str:
        """Return the command, or the words, that bring the source into the data folder."""
        if self.hub is not None:
            return f"migaki data prepare {self.name} --out {base_dir / self.name}"
        return f"{self.obtain}, into {base_dir / self.name}"


def known_sources() -> Mapping[str, Source]:
    """Return every source by its name, in the order of the table."""
    return _sources()


def find_source(name: str) -> Source:
    """Return a source by its name.

    Raises:
        UsageError: There is none; the nearest name is said.
    """
    found = _sources().get(name)
    if found is None:
        near = difflib.get_close_matches(name, _sources(), n=1)
        hint = f"Did you mean '{near[0]}'?" if near else "migaki data list shows the names."
        raise UsageError(f"There is no source '{name}'.", hint=hint)
    return found


def local_files(name: str, base_dir: Path) -> list[Path]:
    """Return what a data folder holds of a source: files or folders, the surest name first.

    A name that is a file or folder of the data folder is taken as it is; otherwise the first pattern
    that something has, so that a second copy under another name is not read as well. Generated samples
    are never taken for a source.

    Args:
        name: A file name, or the name of a source.
        base_dir: The data folder.
    """
    exact = base_dir / name
    if exact.exists():
        return [exact]
    source = _sources().get(name)
    if source is None or not base_dir.is_dir():
        return []
    for pattern in (f"{name}.*", f"{name}-*", *source.local):
        found = [p for p in sorted(base_dir.glob(pattern)) if SYNTHETIC not in p.name]
        if found:
            return found
    return []


@lru_cache(maxsize=1)
def _sources() -> dict[str, Source]:
    with resources.as_file(resources.files("migaki.corpus.tables") / "sources.yaml") as path:
        table: dict[str, dict[str, Any]] = read_yaml(path)
    return {
        name: build(Source, {"name": name, **entry}, where=f"the source {name}")
        for name, entry in table.items()
    }
