"""Polite to plain: です and ます wherever the writer speaks, in the form that plain speech has there.

Unlike plain forms, polite ones say for themselves that they are addressed to the hearer; so they turn
plain in every clause but a quoted one: 着きましたら → 着いたら, ですので → なので.
"""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.conjugation import NotInflectableError, te_form
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.predicates import Place
from migaki.linguistics.register.keigo import is_prefix
from migaki.linguistics.register.manner import Manner
from migaki.linguistics.register.setting import Setting, interrogatives
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
_HOW = "どうだ"
_NOTED = ("そう", "さよう")
_COMPARING = ("よう", "の", "ん")
_FORMAL_NOUNS = ("もの", "もん", "こと", "わけ", "はず", "つもり")

_DRAWN_OUT = "ー〜～"
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
            texts = _request(unit, setting)
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
    if unit.name not in ("copula-polite", "copula-polite-past") or first < _PREFIXED:
        return None
    prefix, stem = chain[first - 2 : first]
    before = setting.predicate.before
    forms = _states().get(stem.surface)
    if stem.pos3.startswith("サ変") and before is not None and before.surface == "を":
        forms = stem.surface + "している", stem.surface + "していた"
    if forms is None or not is_prefix(prefix):
        return None
    return unit._replace(
        name="verb-polite",
        core=None,
        tokens=(prefix, stem, *unit.tokens),
        turned=(forms[unit.past],),
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
        return _request(unit, setting)
    if _before_noun(unit, setting, last=last):
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
    if start == unit.start and unit.core is not None and _answer(unit.core) == _HOW:
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
    to_whom = before is not None and before.surface == "に"
    return (
        asks and core.orth_base in _DOING and not to_whom and setting.particles in ("", "ね", "よ")
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
        start, texts = _asked(plains, unit, setting._replace(particles=short))
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


def _asked(plains: list[str], unit: Unit, setting: Setting) -> tuple[int, list[str]]:
    """A question that ended in か: 行きますか？ → 行く？, 何をしますか？ → 何をするの？"""
    plain = plains[0] if plains else ""
    wonders = setting.particles in ("かね", "かな")
    if unit.explains:
        return unit.start, _explained(unit, setting, wonders=wonders)
    if unit.mood is Mood.CONJECTURE and unit.core is not None and _answer(unit.core) == _HOW:
        return unit.core.start, ["どう" + plain + "か", "どうかな"]
    if unit.mood in (Mood.CONJECTURE, Mood.VOLITION):
        short = [plain.removesuffix("だろう") + "かな"] if plain.endswith("だろう") else []
        return unit.start, [plain + "か", *short]
    if unit.name.startswith("copula") and not unit.negative:
        return _asked_noun(plain, unit, setting, wonders=wonders)
    if wonders:
        return unit.start, [plain + "かな", plain + "か"]
    if not setting.question:
        return unit.start, [
            plain + ("のか" if setting.interrogative else "か"),
            plain + "か",
            plain + "の",
        ]
    if unit.negative:
        return unit.start, _asked_not(plain, unit, setting)
    if setting.interrogative:
        return unit.start, [plain + "の", plain, plain + "んだ"]
    return unit.start, [plain, plain + "の", plain + "か"]


def _asked_not(plain: str, unit: Unit, setting: Setting) -> list[str]:
    """行きませんか？ → 行かないか？, 何が好きではありませんか？ → …ないの？, 暑いじゃないですか？ → 暑いじゃない？"""
    if setting.interrogative:
        return [plain + "の", plain, plain + "か"]
    if "adjective" in unit.name:
        return [plain, plain + "か", plain + "の"]
    return [plain + "か", plain, plain + "の"]


def _explained(unit: Unit, setting: Setting, *, wonders: bool) -> list[str]:
    past = "だった" if unit.past else ""
    if wonders:
        return [f"の{past}かな", f"の{past}か"]
    if past:
        return ["のだったか"]
    return ["の", "のか", "んだ"] if setting.question else ["のか", "の"]


def _asked_noun(
    plain: str, unit: Unit, setting: Setting, *, wonders: bool
) -> tuple[int, list[str]]:
    if unit.past and unit.core is not None and unit.core.surface in _NOTED:
        return unit.start, ["だったのか", "だったか"]
    if unit.past:
        return unit.start, [
            plain + ("かな" if wonders else "" if setting.question else "か"),
            plain + "の",
            plain + "か",
        ]
    if wonders:
        return unit.start, ["かな", "か"]
    core = unit.core
    if core is not None and core.surface in interrogatives():
        answer = _answer(core)
        if answer == _HOW:
            return core.start, ["どう" if setting.question else "どうだろうか", answer]
        if answer and setting.question:
            return core.start, [answer]
        return unit.start, ["", "なの", "だ"] if setting.question else ["なのか", "だ"]
    if setting.question:
        compares = core is not None and core.surface in _COMPARING
        return unit.start, ["なの", "", "か"] if compares else ["", "なの", "か"]
    if core is not None and core.surface in _FORMAL_NOUNS:
        return unit.start, ["か", "なのか"]
    return unit.start, ["なのか" if setting.interrogative else "か", "なのか", "なの"]


def _answer(core: Morpheme) -> str:
    """どうだ for どう and いかが; empty for other words."""
    return interrogatives().get(core.surface, "")


def _request(unit: Unit, setting: Setting) -> list[Option]:
    """てください → て, お待ちください → 待って, 水をください → 水をくれ."""
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
def _courteous_verbs() -> dict[tuple[str, str, str], tuple[str, str]]:
    rows = read_table("courteous_to_plain.tsv", columns=5)
    return {(verb, own, where): (plain, c_type) for verb, own, plain, c_type, where in rows}


@lru_cache(maxsize=1)
def _states() -> dict[str, tuple[str, str]]:
    rows = read_table("honorific_states.tsv", columns=3)
    return {stem: (plain, past) for stem, plain, past in rows}


@lru_cache(maxsize=1)
def _suppletive_requests() -> dict[str, str]:
    return {verb: requested for verb, requested in read_table("honorific_requests.tsv", columns=2)}
