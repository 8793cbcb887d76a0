"""Finding personal information in a text: all rules, and which one wins where two meet."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from migaki.corpus.personal_information.kinds import KINDS
from migaki.corpus.personal_information.rules import Rule, fold, rules

__all__ = ["Finding", "find_personal_information"]

# Numbers of all kinds have seven digits and more; addresses have a lot.
_LONG_NUMBER = re.compile(r"(?:\d[-ー() .]{0,2}){6}\d")
_LOT = re.compile(r"番|丁目|\d[-ー]\d|[都道府県].{0,25}?\d{2}")


class Finding(NamedTuple):
    """A stretch of text that is personal information.

    Attributes:
        start: Its first character.
        end: The character behind its last one.
        kind: One of `KINDS`.
    """

    start: int
    end: int
    kind: str


def find_personal_information(text: str, *, kinds: Collection[str] = KINDS) -> list[Finding]:
    """Find the personal information of a text, in order, none inside another.

    Args:
        text: Any string.
        kinds: What to look for.

    Example:
        >>> text = "連絡先：０３－１２３４－５６７８、ｉｎｆｏ＠example.jp"
        >>> [(found.kind, text[found.start : found.end]) for found in find_personal_information(text)]
        [('phone', '０３－１２３４－５６７８'), ('email', 'ｉｎｆｏ＠example.jp')]
        >>> find_personal_information("2024年3月10日、第3条、ISBN978-4-00-310101-8、1,980円")
        []
    """
    folded = fold(text)
    wanted = _possible(folded, kinds)
    found: list[Finding] = []
    taken = bytearray(len(folded))
    for rule in rules():
        if rule.kind not in wanted or not _has_sign(rule, folded):
            continue
        group = "value" if "value" in rule.pattern.groupindex else 0
        for match in rule.pattern.finditer(folded):
            start, end = match.span(group)
            if not any(taken[start:end]) and rule.holds(match[group]):
                found.append(Finding(start, end, rule.kind))
                taken[start:end] = b"\1" * (end - start)
    return sorted(found)


def _possible(folded: str, kinds: Collection[str]) -> set[str]:
    """Return the kinds that a quick look does not rule out."""
    possible = set(kinds) & {"email"}
    if "address" in kinds and _LOT.search(folded):
        possible.add("address")
    numbers = set(kinds) - {"email", "address"}
    if numbers and (_LONG_NUMBER.search(folded) or "記号" in folded):
        possible |= numbers
    return possible


def _has_sign(rule: Rule, folded: str) -> bool:
    return not rule.signs or any(sign in folded for sign in rule.signs)
