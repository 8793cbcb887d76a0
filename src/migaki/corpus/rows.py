"""A row of a file as it stands there, and what stands in its place where it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["BadRow", "DamagedFile", "Row", "SkippedFile"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in the file."""

    path: Path
    line: int
    """1-based line, or record number in a format without lines (Parquet)."""
    value: Any


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be read."""

    path: Path
    line: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class DamagedFile(BadRow):
    """The rest of a file that cannot be read: what stood before ``line`` was read, the rest is lost."""

    hint: str = ""
    """What to do next, as a sentence."""


@dataclass(frozen=True, slots=True)
class SkippedFile(DamagedFile):
    """A file of which nothing is read: it is empty, or refused in an archive. No row of it is lost."""
