"""How the styles of parts make that of the whole: a sentence of its clauses, a text of its sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from migaki.linguistics.morphemes import Register
from migaki.linguistics.predicates import Place

__all__ = ["style_of", "text_style"]


def style_of(deciding: Sequence[tuple[Place, Register]]) -> Register:
    """Style of a sentence from place and style of its deciding clauses, in order."""
    styles = [style for _, style in deciding]
    style = next((s for s in reversed(styles) if s is not Register.NONE), Register.NONE)
    mains = [style for place, style in deciding if place is Place.FINAL]
    others = mains if style is Register.POLITE else styles
    if style is not Register.NONE and any(_clash(style, other) for other in others):
        return Register.MIXED
    if style is Register.PLAIN and Register.DEARU in mains:
        return Register.DEARU
    return style


def _clash(style: Register, other: Register) -> bool:
    """Whether one is polite and the other plain or である."""
    return Register.NONE not in (style, other) and (style, other).count(Register.POLITE) == 1


def text_style(told: Iterable[Register]) -> Register:
    """Style of a text, from the styles of those sentences that count."""
    styles = set(told) - {Register.NONE}
    if Register.MIXED in styles or (Register.POLITE in styles and len(styles) > 1):
        return Register.MIXED
    if Register.DEARU in styles:
        return Register.DEARU
    return styles.pop() if styles else Register.NONE
