"""Particles at the end of a plain sentence when the sentence turns polite: ぞ → よ, かな → でしょうか."""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.predicates import Place
from migaki.linguistics.register.setting import Setting, feelings
from migaki.linguistics.register.slots import fill
from migaki.linguistics.register.units import Mood, Unit
from migaki.linguistics.tables import read_table

__all__ = ["stative_verbs", "with_particles"]

_MUSED = ("noun", "adjective", "adjective-past", "verb-past", "copula-past", "absent")
_GIVING = ("くれる", "もらえる", "いただける", "くださる")
_DRAWN_OUT = "ー〜～ぁあ"


def with_particles(polite: str, unit: Unit, setting: Setting) -> list[str]:
    """Ways to end a sentence politely with its particles, best first.

    Args:
        polite: The ending in polite form.
        unit: The ending as it was.
        setting: Where it stands; its particles are those to write.

    Raises:
        NotInflectableError: a particle asks for a form that the ending's word lacks.
    """
    particles = setting.particles
    if not particles:
        wants = setting.question or (setting.interrogative and unit.name == "explain-bare")
        asks = wants and unit.mood in (Mood.STATEMENT, Mood.CONDITION_TARA)
        return [polite + ("か" if asks and setting.predicate.place is Place.FINAL else "")]
    held = setting.closes or particles.endswith("な")
    trails = setting.predicate.place is Place.COORDINATE and held
    if setting.predicate.place is not Place.FINAL and not trails:
        return [polite + particles]
    if unit.mood in (Mood.ORDER, Mood.TE):
        return [polite + particles.removeprefix("な")]
    short = particles.rstrip(_DRAWN_OUT)
    drawn = "".join(char for char in particles[len(short) :] if char not in "ぁあ")
    for key, rest in ((particles, ""), (short, drawn)):
        for ending, templates in _final_particles().get(key, ()):
            if _fits(ending, unit, setting):
                return [_write(template, polite, unit) + rest for template in templates]
    return [polite + particles]


def _fits(ending: str, unit: Unit, setting: Setting) -> bool:
    if ending == "volition":
        return unit.mood is Mood.VOLITION
    if ending == "copula":
        return unit.name == "copula"
    if ending == "question":
        return setting.question
    if ending == "reported":
        return setting.question and not unit.explains and unit.mood is Mood.STATEMENT
    if ending == "declines":
        gives = unit.core is not None and unit.core.orth_base in _GIVING
        return unit.name == "verb-negative" and not setting.question and not gives
    if ending == "muses":
        return unit.name in _MUSED and not setting.question and not setting.interrogative
    if ending == "feeling":
        return unit.name == "adjective" and unit.core is not None and _is_feeling(unit.core)
    if ending == "plain":
        return unit.mood is Mood.STATEMENT and not unit.negative and unit.name != "absent"
    if ending == "dynamic":
        chain = setting.predicate.chain
        return unit.name == "verb" and not any(m.orth_base in stative_verbs() for m in chain)
    return True


def _is_feeling(core: Morpheme) -> bool:
    return core.c_type == "助動詞-タイ" or core.orth_base in feelings()


def _write(template: str, polite: str, unit: Unit) -> str:
    plain = unit.text
    short = "" if unit.name.startswith("copula") and not unit.negative and not unit.past else plain
    if unit.explains:
        short = unit.tokens[0].surface.replace("ん", "の")
    text = template.replace("{P}", polite).replace("{F}", short)
    if "{N}" in text:
        bare = unit.name in ("noun", "copula")
        text = text.replace("{N}", plain.removesuffix("だ") + "な" if bare else plain)
    if "{D}" in text:
        text = text.replace("{D}", plain + ("だ" if unit.name == "noun" else ""))
    return fill(text, unit) if "{" in text else text


@lru_cache(maxsize=1)
def _final_particles() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    table: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for particles, ending, turned, _ in read_table("final_particles.tsv", columns=4):
        table.setdefault(particles, []).append((ending, tuple(turned.split("|"))))
    return table


@lru_cache(maxsize=1)
def stative_verbs() -> frozenset[str]:
    """Verbs that name a state or what befalls one, in dictionary form."""
    return frozenset(verb for verb, _ in read_table("stative_verbs.tsv", columns=2))
