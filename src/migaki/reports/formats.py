"""How numbers and texts of a run are written on the page: units, signs, and hostile characters."""

from __future__ import annotations

import re
from typing import Any

from migaki.reports.run_data import number

__all__ = ["clean", "count", "decimal", "duration", "percent", "plain_value", "signed", "take"]

MINUS = "\u2212"
MISSING = "–"
LONGEST_TEXT = 4000
"""Characters of one text on the page; what is longer is cut, and says so."""

# Control characters, lone surrogates, and marks that turn the direction of the text around them
# (Unicode TR36 §2.4: bidirectional text spoofing). White space and line ends stay.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def clean(text: str) -> str:
    """Replace characters that no page may hold, or that change what a reader sees, by U+FFFD.

    Example:
        >>> clean("駅\\x00は\\u202e近い")
        '駅�は�近い'
    """
    return _HOSTILE.sub("\ufffd", text)


def take(text: str) -> tuple[str, str]:
    """Return the shown part of a text and a note on the rest.

    Example:
        >>> take("短い")
        ('短い', '')
    """
    if len(text) <= LONGEST_TEXT:
        return text, ""
    return text[:LONGEST_TEXT], f"… {len(text) - LONGEST_TEXT:,} more characters in samples.jsonl"


def count(value: Any) -> str:
    """Write a whole number.

    Example:
        >>> count(1234567), count("7"), count(None)
        ('1,234,567', '–', '–')
    """
    found = number(value)
    return MISSING if found is None else f"{found:,.0f}"


def decimal(value: Any, digits: int = 3) -> str:
    """Write a number with fixed digits."""
    found = number(value)
    return MISSING if found is None else f"{found:,.{digits}f}".replace("-", MINUS)


def percent(value: Any, digits: int = 0) -> str:
    """Write a share as per cent.

    Example:
        >>> percent(0.815), percent(0.0004, 1)
        ('82 %', '0.0 %')
    """
    found = number(value)
    return MISSING if found is None else f"{100 * found:,.{digits}f} %".replace("-", MINUS)


def signed(value: Any, digits: int = 1, unit: str = "") -> str:
    """Write a change with its sign.

    Example:
        >>> signed(-34.56, unit=" %"), signed(12, 0, " points")
        ('−34.6 %', '+12 points')
    """
    found = number(value)
    if found is None:
        return MISSING
    return f"{found:+,.{digits}f}{unit}".replace("-", MINUS)


def duration(value: Any) -> str:
    """Write seconds as a person says them.

    Example:
        >>> duration(4.26), duration(75), duration(3700), duration(200_000)
        ('4.3 s', '1 min 15 s', '1 h 1 min', '2 d 7 h')
    """
    seconds = number(value)
    if seconds is None or seconds < 0:
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, below, small in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size:,} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def plain_value(value: Any) -> str:
    """Write any value of a file for a table: short, never nested deeper than a line.

    Example:
        >>> plain_value(["q_proj", "v_proj"]), plain_value(0.0002), plain_value({"a": 1}), plain_value(True)
        ('q_proj, v_proj', '0.0002', 'a: 1', 'yes')
    """
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**18 else "a very large number"
    if isinstance(value, float):
        return MISSING if number(value) is None else f"{value:.6g}"
    if isinstance(value, dict):
        text = ", ".join(f"{key}: {_inner(item)}" for key, item in list(value.items())[:40])
    elif isinstance(value, list):
        text = ", ".join(_inner(item) for item in value[:40])
    else:
        text = str(value)
    return text if len(text) <= 600 else text[:600] + "…"


def _inner(value: Any) -> str:
    return str(value)[:200] if isinstance(value, dict | list) else plain_value(value)
