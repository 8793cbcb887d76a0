"""Requests in plain speech: てください → て, お待ちください → 待って, 水をください → 水をくれ."""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.conjugation import te_form
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.register.setting import Setting
from migaki.linguistics.register.units import Unit
from migaki.linguistics.tables import read_table

__all__ = ["plain_requests"]

Option = tuple[int, int, str]


def plain_requests(unit: Unit, setting: Setting) -> list[Option]:
    """Ways to write a request that ended in ください plainly, best first."""
    chain = setting.predicate.chain
    before = chain[: chain.index(unit.tokens[0])]
    end = setting.end
    particles = setting.particles
    if before and before[-1].pos2 == "接続助詞":
        return [(unit.start, end, text + particles) for text in ("", "くれ", "ほしい")]
    verb = _requested(_with_prefix(before, setting.predicate.before))
    if verb is None:
        return [(unit.start, end, text + particles) for text in ("くれ", "ちょうだい")]
    start, text = verb
    return [(start, end, text + particles), (start, end, f"{text}くれ{particles}")]


def _with_prefix(before: tuple[Morpheme, ...], neighbour: Morpheme | None) -> tuple[Morpheme, ...]:
    """Add お, or ご覧 as a whole, where the analyser sees no prefix (お as フィラー)."""
    if neighbour is None:
        return before
    if not before and neighbour.surface in _suppletive_requests():
        return (neighbour,)
    if before and neighbour.surface in ("お", "ご", "御") and neighbour.end == before[0].start:
        return (neighbour._replace(pos="接頭辞"), *before)
    return before


def _requested(before: tuple[Morpheme, ...]) -> tuple[int, str] | None:
    """The て-form of what お…ください asks for, and where it begins."""
    if not before:
        return None
    verb = before[-1]
    start = before[0].start if before[0].pos == "接頭辞" else verb.start
    if suppletive := _suppletive_requests().get(verb.surface):
        return start, suppletive
    if verb.pos == "動詞":
        prefix = "".join(m.surface for m in before[:-1] if m.pos != "接頭辞")
        return start, prefix + te_form(verb.orth_base, verb.c_type)
    if before[0].pos == "接頭辞":
        return start, "".join(m.surface for m in before[1:]) + "して"
    return None


@lru_cache(maxsize=1)
def _suppletive_requests() -> dict[str, str]:
    return {verb: requested for verb, requested in read_table("honorific_requests.tsv", columns=2)}
