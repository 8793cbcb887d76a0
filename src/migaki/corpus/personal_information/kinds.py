"""The kinds of personal information, their tags, and the other tables of this package."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from types import MappingProxyType

__all__ = ["KINDS", "TAGS", "read_table"]


@lru_cache(maxsize=8)
def read_table(name: str) -> tuple[tuple[str, ...], ...]:
    """Read one table of this package; lines that begin with ``#`` are comments.

    Args:
        name: File name without its ending.
    """
    text = resources.files(__package__).joinpath("tables", f"{name}.tsv").read_text("utf-8")
    return tuple(
        tuple(line.split("\t")) for line in text.splitlines() if line and not line.startswith("#")
    )


TAGS = MappingProxyType({kind: tag for kind, tag, _ in read_table("kinds")})
"""Kind → what is written in its place."""

KINDS = tuple(TAGS)
"""All kinds, in the order in which one wins over another at the same place."""
