"""Whether the licence of a row lets its text be changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migaki.corpus.licences import UNKNOWN, find_licence, may

__all__ = ["FORBIDDEN", "licence_of_row", "why_not_changed"]

FORBIDDEN = "may not be augmented"
"""How the reason of a row begins that its licence keeps from being changed."""

_COLUMNS = ("license", "licence")


def licence_of_row(row: Any, otherwise: str | None) -> str:
    """Return the name of the licence that a row states, or that holds where it states none.

    Args:
        row: The row.
        otherwise: What the user said of the whole file.

    Example:
        >>> licence_of_row({"text": "雨", "license": "CC BY-ND 2.1 JP"}, "MIT")
        'CC-BY-ND-2.1-JP'
        >>> licence_of_row({"text": "雨"}, None)
        'unknown'
    """
    stated = None
    if isinstance(row, Mapping):
        stated = next((str(row[key]) for key in _COLUMNS if row.get(key)), None)
    return find_licence(stated or otherwise).name


def why_not_changed(licence: str) -> str:
    """Return why texts under a licence may not be changed; empty where they may, or nobody knows.

    Example:
        >>> why_not_changed("MIT"), why_not_changed("unknown")
        ('', '')
        >>> why_not_changed("CC-BY-ND-4.0")[:45]
        'may not be augmented: CC-BY-ND-4.0 does not a'
    """
    if licence == UNKNOWN or find_licence(licence).augment != "no":
        return ""
    return f"{FORBIDDEN}: {may(licence, 'augment').reason.removesuffix('.')}"
