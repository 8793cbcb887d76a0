"""Linguistic knowledge as data: tab-separated tables, each headed by its source and licence."""

from __future__ import annotations

from importlib import resources

__all__ = ["read_table"]


def read_table(
    name: str, *, columns: int, package: str = "migaki.linguistics.tables"
) -> list[tuple[str, ...]]:
    """Read one table; lines that begin with ``#`` are comments.

    Args:
        name: File name, such as ``set_phrases.tsv``.
        columns: How many columns every row has; a shorter row is filled with empty strings.
        package: The package that holds it, this one if another room does not name its own.

    Raises:
        ValueError: a row has more columns; the table is broken, not the caller.
    """
    rows = []
    text = resources.files(package).joinpath(name).read_text("utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        cells = line.split("\t")
        if len(cells) > columns:
            raise ValueError(f"{name}:{number}: {len(cells)} columns instead of {columns}")
        rows.append((*cells, *[""] * (columns - len(cells))))
    return rows
