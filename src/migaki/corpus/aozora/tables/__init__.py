"""Tables of Aozora Bunko's markup, each headed by its source and licence."""

from __future__ import annotations

from importlib import resources

__all__ = ["read_rows"]


def read_rows(name: str, *, columns: int) -> list[tuple[str, ...]]:
    """Read a table of this folder; lines that begin with ``#`` are comments.

    Args:
        name: File name.
        columns: How many columns every row has.

    Raises:
        ValueError: A row has more or fewer; the table is broken, not the caller.
    """
    rows = []
    text = resources.files(__package__).joinpath(name).read_text("utf-8")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.startswith("#"):
            continue
        cells = tuple(line.split("\t"))
        if len(cells) != columns:
            raise ValueError(f"{name}:{number}: {len(cells)} columns instead of {columns}")
        rows.append(cells)
    return rows
