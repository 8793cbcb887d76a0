"""Plain to polite: what stands at the end of a main clause, in です and ます.

The rule of clauses: what ends a sentence turns polite, and so does a clause before が, けど and けれど.
A clause before から, し or ので stays plain inside a sentence, where polite speech has both, and turns
polite where the sentence ends with it. All other clauses stay plain.
"""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.conjugation import NotInflectableError
from migaki.linguistics.predicates import OPAQUE, Place
from migaki.linguistics.register.setting import Setting
from migaki.linguistics.register.slots import fill
from migaki.linguistics.register.units import Mood, Style, Unit, units
from migaki.linguistics.tables import read_table

__all__ = ["polite_options"]

_ADVERSATIVE = ("が", "けど", "けれど", "けども")
# Behind a bare noun these say or ask something: 雨よ。 雨か？ Others only hold the hearer: あのさ、
_PREDICATING = (
    "よ",
    "ね",
    "か",
    "かな",
    "かしら",
    "かも",
    "じゃん",
    "っけ",
    "かい",
    "さ",
    "わ",
    "ぞ",
    "ぜ",
)
_TURNED_BARE = ("みたい", "そう", "よう", "べき")


def polite_options(setting: Setting) -> list[tuple[int, int, str]]:
    """Ways to write the end of a clause politely: (start, end, text), best first.

    Empty where it is polite already, does not carry the register of the text, or has no ending.
    """
    found = units(setting.predicate.chain)
    if not found or not _carries_register(setting):
        return []
    unit = found[0]
    if unit.style is Style.POLITE or not _may_turn(unit, setting):
        return []
    start, end = _span(unit, setting)
    texts = _turned(unit, setting)
    return [(start, end, text) for text in dict.fromkeys(texts)]


def _carries_register(setting: Setting) -> bool:
    place = setting.predicate.place
    if place is Place.COORDINATE:
        return setting.closes or setting.particles.startswith(_ADVERSATIVE)
    return place is Place.FINAL


def _may_turn(unit: Unit, setting: Setting) -> bool:
    """Whether an ending that is not always a predicate is one here."""
    if unit.name == "noun":
        return _noun_predicates(unit, setting)
    if unit.mood is Mood.TE:
        return _requests(unit, setting)
    if unit.mood in (Mood.ORDER, Mood.OBLIGATION):
        return setting.closes
    if unit.mood is Mood.CONDITION_TARA:
        return setting.question and not setting.particles
    return True


def _noun_predicates(unit: Unit, setting: Setting) -> bool:
    """Whether a noun without copula is a predicate that wants one; 体言止め is left alone."""
    core = unit.core
    if core is None or core.pos3 == OPAQUE or core.pos in ("感動詞", "接頭辞", "記号"):
        return False
    if setting.predicate.place is not Place.FINAL or not setting.closes:
        return False
    if setting.particles:
        return setting.particles.startswith(_PREDICATING)
    if setting.question:
        describes = core.pos in ("形状詞", "副詞") or core.pos3.endswith("形状詞可能")
        return setting.interrogative or setting.topic or describes
    return core.surface in _TURNED_BARE and (core.pos2 == "助動詞語幹" or core.surface == "べき")


def _requests(unit: Unit, setting: Setting) -> bool:
    """Whether a sentence that ends in て asks for something: 待って。 but not 驚いて。"""
    core = unit.core
    if core is None or setting.question or setting.interrogative or not setting.closes:
        return False
    if setting.particles not in ("", "よ", "ね", "な"):
        return False
    chain = setting.predicate.chain
    return not any(m.orth_base in _stative_verbs() for m in chain if m.pos != "助詞")


def _span(unit: Unit, setting: Setting) -> tuple[int, int]:
    return unit.start, setting.end


def _turned(unit: Unit, setting: Setting) -> list[str]:
    texts: list[str] = []
    for template in _templates(unit, setting):
        try:
            polite = fill(template, unit)
            texts += _with_particles(polite, unit, setting)
        except NotInflectableError:
            continue
    return texts


def _templates(unit: Unit, setting: Setting) -> tuple[str, ...]:
    """The templates of the ending, but for orders with くれる and なさる, which have their own request."""
    core = unit.core
    if (
        unit.name == "verb-order"
        and core is not None
        and core.orth_base in ("くれる", "呉れる", "なさる")
    ):
        return ("ください",)
    if unit.name == "copula-negative" and unit.text.startswith("じゃ") and _seeks_agreement(unit):
        return unit.turned[::-1]
    return unit.turned


def _seeks_agreement(unit: Unit) -> bool:
    """いいじゃない, 行くんじゃない: the speaker does not deny, but asks the hearer to agree."""
    return unit.core is not None and (unit.core.c_form != "" or unit.core.surface in ("の", "ん"))


def _with_particles(polite: str, unit: Unit, setting: Setting) -> list[str]:
    particles = setting.particles
    if not particles:
        asks = setting.question and unit.mood in (Mood.STATEMENT, Mood.CONDITION_TARA)
        return [polite + ("か" if asks and setting.predicate.place is Place.FINAL else "")]
    if setting.predicate.place is not Place.FINAL:
        return [polite + particles]
    if unit.mood in (Mood.ORDER, Mood.TE):
        return [polite + ("" if particles == "な" else particles)]
    for ending, templates in _final_particles().get(particles, ()):
        if _fits(ending, unit, setting):
            return [_write(template, polite, unit) for template in templates]
    return [polite + particles]


def _fits(ending: str, unit: Unit, setting: Setting) -> bool:
    if ending == "volition":
        return unit.mood is Mood.VOLITION
    if ending == "copula":
        return unit.name == "copula"
    if ending == "dynamic":
        chain = setting.predicate.chain
        return unit.name == "verb" and not any(m.orth_base in _stative_verbs() for m in chain)
    return True


def _write(template: str, polite: str, unit: Unit) -> str:
    plain = unit.text
    short = "" if unit.name.startswith("copula") and not unit.negative and not unit.past else plain
    if unit.explains:
        short = unit.tokens[0].surface.replace("ん", "の")
    text = template.replace("{P}", polite).replace("{F}", short)
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
def _stative_verbs() -> frozenset[str]:
    return frozenset(verb for verb, _ in read_table("stative_verbs.tsv", columns=2))
