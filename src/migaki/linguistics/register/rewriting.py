"""New verbs in the places and the inflected forms of old ones: 待っ + て → お待ちになっ + て."""

from __future__ import annotations

from migaki.linguistics.conjugation import (
    Inflected,
    NotInflectableError,
    inflect,
    masu_stem,
    te_form,
    volitional,
)
from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.predicates import Predicate

__all__ = ["CONTRACTED", "rewritten"]

_UNVOICED = {"で": "て", "だ": "た", "じ": "ち", "ど": "と"}
_EUPHONIC = frozenset("てでただちじとど")
CONTRACTED = {"てる": "て", "でる": "で"}
"""てる of 読んでる is て + いる in one: what stands for the て."""


def rewritten(group: Predicate, changes: dict[int, Inflected]) -> list[Edit]:
    """One edit that puts new verbs in the places of the chain; none where a form is wanting."""
    chain = group.chain
    pieces: list[str] = []
    first, last = min(changes), max(changes)
    place = first
    while place <= last:
        m = chain[place]
        if place not in changes:
            pieces.append(m.surface)
            place += 1
            continue
        following = chain[place + 1] if place + 1 < len(chain) else None
        if m.orth_base in CONTRACTED:
            pieces.append("て" if place - 1 in changes else CONTRACTED[m.orth_base])
        try:
            form, taken = _in_form_of(m, following, changes[place])
        except NotInflectableError:
            return []
        if not form:
            return []
        if taken and place + 1 in changes:  # て + る of 待ってる is written anew itself
            form, taken = form[: -len(chain[place + 1].surface)], 0
        pieces.append(form)
        place += 1 + taken
    rule = "honorific.verb"
    return [Edit(chain[first].start, chain[place - 1].end, "".join(pieces), rule)]


def _in_form_of(old: Morpheme, following: Morpheme | None, new: Inflected) -> tuple[str, int]:
    """The new verb in the form of the old one, and how many of the following morphemes it takes in."""
    text, c_type, reading = new.text, new.c_type, new.reading
    behind = following.surface if following is not None else ""
    if (
        old.c_form.startswith("連用形")
        and behind[:1] in _EUPHONIC
        and behind
        and _is_suffix(following)
    ):
        stem = te_form(text, c_type, reading_base=reading)[:-1]
        return stem + _UNVOICED.get(behind[0], behind[0]) + behind[1:], 1
    if following is not None and following.c_type == "助動詞-マス":
        return masu_stem(text, c_type, reading_base=reading), 0
    if old.c_form.startswith("意志推量形"):
        return volitional(text, c_type, reading_base=reading), 0
    kind = old.c_form.partition("-")[0]
    if kind in ("命令形", "語幹", "") or old.c_form.startswith(("未然形-サ", "未然形-セ")):
        return "", 0
    return inflect(text, c_type, f"{kind}-一般", reading_base=reading), 0


def _is_suffix(m: Morpheme | None) -> bool:
    return m is not None and m.pos in ("助詞", "助動詞") and m.c_type != "助動詞-タイ"
