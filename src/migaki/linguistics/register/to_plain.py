"""Polite to plain: です and ます wherever the writer speaks, in the form that plain speech has there.

Unlike plain forms, polite ones say for themselves that they are addressed to the hearer; so they turn
plain in every clause but a quoted one: 着きましたら → 着いたら, ですので → なので.
"""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.conjugation import NotInflectableError
from migaki.linguistics.predicates import Place
from migaki.linguistics.register.keigo import is_prefix
from migaki.linguistics.register.manner import Manner
from migaki.linguistics.register.plain_questions import asked, asks_how
from migaki.linguistics.register.plain_requests import plain_requests
from migaki.linguistics.register.setting import Setting
from migaki.linguistics.register.slots import fill
from migaki.linguistics.register.units import Mood, Style, Unit, units
from migaki.linguistics.tables import read_table

__all__ = ["plain_options"]

_GIVING = ("くださる", "下さる")
_RECEIVING = ("いただける", "頂ける")
_DOING = ("する", "いたす", "致す")
_GIVE = ("くれる", "下一段-ラ行")
_RECEIVE = ("もらえる", "下一段-ラ行")

_GOOD = ("よろしい", "宜しい")
_DRAWN_OUT = "ー〜～"
_NAMING = ("copula-polite", "copula-polite-past", "polite-conjecture")
_SLIPS = ("ありがと", "おめでと")
_PREFIXED = 2  # morphemes in front of the です of お探しです
_WRITTEN = (Manner.WRITING, Manner.DOCUMENTATION)

Option = tuple[int, int, str]


def plain_options(setting: Setting, *, manner: Manner = Manner.OPEN) -> list[list[Option]]:
    """For each polite ending of a predicate, ways to write it plainly: (start, end, text), best first.

    Args:
        setting: Where the predicate stands.
        manner: What the sentence is part of. Talk has けど rather than が, writing asks with のか
            rather than の, documentation with てほしい rather than て.
    """
    if setting.quoted:
        return []
    found = units(setting.predicate.chain)
    options = []
    for place, unit in enumerate(found):
        if unit.style is not Style.POLITE:
            continue
        last = place == 0
        if unit.name == "request":
            texts = plain_requests(unit, setting)
        else:
            asking = setting._replace(question=False) if manner in _WRITTEN else setting
            texts = _ending(_as_state(unit, setting) or unit, asking, last=last)
        if last and manner is Manner.TALK:
            texts = [_as_talk(option, unit, setting) for option in texts]
        if manner is Manner.DOCUMENTATION and not setting.particles and unit.name == "request":
            texts.sort(key=lambda option: option[2] != "ほしい")
        if texts:
            options.append(texts)
    return _with_everyday_adjective(options, setting)


def _as_state(unit: Unit, setting: Setting) -> Unit | None:
    """お探しですか with the verb that plain speech has: 探している, as an ending of its own."""
    chain = setting.predicate.chain
    first = chain.index(unit.tokens[0])
    if unit.name not in _NAMING or first < _PREFIXED:
        return None
    prefix, stem = chain[first - 2 : first]
    before = setting.predicate.before
    forms = _states().get(stem.surface)
    if stem.pos3.startswith("サ変") and before is not None and before.surface == "を":
        forms = stem.surface + "している", stem.surface + "していた"
    if forms is None or not is_prefix(prefix):
        return None
    asks = "の" if setting.particles == "か" else ""
    guess = asks + "だろう" if unit.mood is Mood.CONJECTURE else ""
    return unit._replace(
        name="verb-polite",
        core=None,
        tokens=(prefix, stem, *unit.tokens),
        turned=(forms[unit.past] + guess,),
    )


def _as_talk(option: Option, unit: Unit, setting: Setting) -> Option:
    """好きなのだが、ある？ has two voices; 好きなんだけど、ある？ has one."""
    start, end, text = option
    if setting.particles != "が" or setting.predicate.place is not Place.COORDINATE:
        return option
    text = text.removesuffix("が") + "けど"
    return start, end, "ん" + text[1:] if unit.explains and text[0] == "の" else text


def _with_everyday_adjective(options: list[list[Option]], setting: Setting) -> list[list[Option]]:
    """いい for よろしい, where an ending is written that goes with it: よろしいでしょうか → いいだろうか."""
    found = [m for m in setting.predicate.chain if m.orth_base in _GOOD]
    if not options or not found:
        return options
    adjective = found[-1]
    ending = adjective.surface.partition("し")[2]
    everyday = "いい" if ending == "い" else "よ" + ending
    within = [any(start <= adjective.start < end for start, end, _ in place) for place in options]
    if not any(within):
        return [*options, [(adjective.start, adjective.end, everyday)]]
    return [
        [(start, end, text.replace(adjective.surface, everyday)) for start, end, text in place]
        if holds
        else place
        for place, holds in zip(options, within, strict=True)
    ]


def _ending(unit: Unit, setting: Setting, *, last: bool) -> list[Option]:
    if (
        unit.name == "verb-polite-order"
        and unit.core is not None
        and unit.core.orth_base in _GIVING
    ):
        return plain_requests(unit, setting)
    if _before_noun(unit, setting, last=last) or _thanks(unit, setting):
        return []
    if _pleads(unit, setting):
        return [(unit.start, setting.end, setting.particles)]
    word = _ordinary(unit, setting)
    plains: list[str] = []
    for template in unit.turned:
        try:
            plains.append(fill(template, unit, word=word))
        except NotInflectableError:
            continue
    if _progressive(unit, setting):
        plains += [plain[1:] for plain in plains if len(plain) > 1]
    if not last:
        return [(unit.start, unit.end, plain) for plain in plains]
    start, texts = _with_particles(plains, unit, setting)
    if start == unit.start and unit.core is not None and asks_how(unit.core):
        start, texts = unit.core.start, ["どう" + text for text in texts]
    return [(start, setting.end, text) for text in dict.fromkeys(texts)]


def _pleads(unit: Unit, setting: Setting) -> bool:
    """水をお願いします: plain speech asks with お願い, and says with 兄にお願いする what one does."""
    core, chain, before = unit.core, setting.predicate.chain, setting.predicate.before
    if unit.name != "verb-polite" or core is None:
        return False
    if not setting.closes and setting.predicate.place is not Place.FINAL:
        return False
    place = chain.index(core)
    asks = place > 0 and chain[place - 1].surface in ("願い", "ねがい")
    to_whom = before is not None and before.surface in ("に", "よう", "、")
    return (
        asks and core.orth_base in _DOING and not to_whom and setting.particles in ("", "ね", "よ")
    )


def _thanks(unit: Unit, setting: Setting) -> bool:
    """The ございます of ありがとございます and よろしゅうございます, which is no ある."""
    before = setting.predicate.before
    courteous = unit.core is not None and unit.core.orth_base in ("ござる", "御座る")
    return (
        courteous
        and before is not None
        and before.end == setting.predicate.start
        and (before.surface in _SLIPS or before.surface.endswith("う"))
    )


def _progressive(unit: Unit, setting: Setting) -> bool:
    """ている, whose い relaxed speech leaves out: 見てる, 見てた."""
    core = unit.core
    if core is None or core.surface != "い" or core.orth_base != "いる":
        return False
    place = setting.predicate.chain.index(core)
    return place > 0 and setting.predicate.chain[place - 1].pos2 == "接続助詞"


def _before_noun(unit: Unit, setting: Setting, *, last: bool) -> bool:
    """です before a noun (素敵です方) has no one plain form: な, の and である all occur."""
    after = setting.predicate.after
    return (
        last
        and unit.name == "copula-polite"
        and setting.predicate.place is Place.SUBORDINATE
        and after is not None
        and after.pos in ("名詞", "代名詞", "接頭辞", "連体詞")
    )


def _ordinary(unit: Unit, setting: Setting) -> tuple[str, str] | None:
    """The ordinary verb for おる, いたす …, and for くださる and いただける in a question."""
    core = unit.core
    if core is None:
        return None
    if unit.name.startswith("adjective-gozaru") and core.orth_base in _GOOD:
        return "いい", "形容詞"
    chain = setting.predicate.chain
    place = chain.index(core)
    where = "te" if place and chain[place - 1].pos2 == "接続助詞" else "any"
    if where == "te" and setting.particles.startswith("か"):
        if core.orth_base in _GIVING:
            return _GIVE
        if core.orth_base in _RECEIVING:
            return _RECEIVE
    table, key = _courteous_verbs(), (core.orth_base, core.c_type)
    wheres = ("te-past", "te") if where == "te" and unit.past else (where,)
    for each in wheres:
        if (*key, each) in table:
            return table[(*key, each)]
    if core.orth_base.endswith("ずる") and core.surface.endswith("じ"):
        return core.orth_base.removesuffix("ずる") + "じる", "上一段-ザ行"
    return None


def _with_particles(plains: list[str], unit: Unit, setting: Setting) -> tuple[int, list[str]]:
    """(where the text begins, texts) of an ending with what follows it."""
    particles = setting.particles
    short = particles.rstrip(_DRAWN_OUT)
    if short in ("か", "かね", "かい", "かな") and setting.predicate.place is Place.FINAL:
        start, texts = asked(plains, unit, setting._replace(particles=short))
        return start, [text + particles[len(short) :] for text in texts]
    if unit.name == "copula-polite":
        if particles.startswith(("ので", "んで")) or _before_no(setting):
            return unit.start, ["な" + particles]
        if setting.question and not particles:
            return unit.start, ["", *plains]
        if particles and setting.predicate.place is Place.FINAL:
            plains = plains[:1]
    return unit.start, [plain + particles for plain in plains]


def _before_no(setting: Setting) -> bool:
    after = setting.predicate.after
    return (
        setting.predicate.place is Place.SUBORDINATE
        and after is not None
        and after.pos2 == "準体助詞"
    )


@lru_cache(maxsize=1)
def _courteous_verbs() -> dict[tuple[str, str, str], tuple[str, str]]:
    rows = read_table("courteous_to_plain.tsv", columns=5)
    return {(verb, own, where): (plain, c_type) for verb, own, plain, c_type, where in rows}


@lru_cache(maxsize=1)
def _states() -> dict[str, tuple[str, str]]:
    rows = read_table("honorific_states.tsv", columns=3)
    return {stem: (plain, past) for stem, plain, past in rows}
