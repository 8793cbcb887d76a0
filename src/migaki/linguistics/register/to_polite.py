"""Plain to polite: what stands at the end of a main clause, in です and ます.

The rule of clauses: what ends a sentence turns polite, and so does a clause before が, けど and けれど.
A clause before から or し stays plain inside a sentence, where polite speech has both, and turns polite
where the sentence ends with it; before ので the plain form is as good anywhere. All others stay plain.
"""

from __future__ import annotations

from migaki.linguistics.conjugation import NotInflectableError
from migaki.linguistics.predicate_chains import COMMAS
from migaki.linguistics.predicates import OPAQUE, Place
from migaki.linguistics.register.polite_particles import stative_verbs, with_particles
from migaki.linguistics.register.setting import Setting
from migaki.linguistics.register.slots import fill
from migaki.linguistics.register.units import Mood, Style, Unit, units

Option = tuple[int, int, str]
_NOTHING: Option = (0, 0, "")

__all__ = ["polite_options"]

_QUOTING = ("と", "って")
_DOUBTING = ("か", "かな", "かは", "かも")
_ON_PURPOSE = ("おく", "置く", "とく", "どく", "みる", "やる", "あげる", "せる", "させる")
_THERE = ("ある", "有る", "在る")
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
_KEPT = ("", "よ", "ね", "よね", "か")
_GIVING = ("あげる", "下一段-ガ行")
_TURNED_BARE = ("みたい", "そう", "よう", "べき")


def polite_options(setting: Setting) -> list[Option]:
    """Ways to write the end of a clause politely: (start, end, text), best first.

    Empty where it is polite already, does not carry the register of the text, or has no ending.
    Where polite speech has both the plain and the polite form, one of the ways changes nothing.
    """
    carries = _carries_register(setting)
    if not (carries or _may_carry_register(setting)):
        return []
    found = units(setting.predicate.chain)
    options = _polite(found, setting) if found else []
    if not options:
        return []
    if not carries:
        return [_NOTHING, *options]
    optional = setting.predicate.place is Place.COORDINATE and not setting.closes
    return [*options, _NOTHING] if optional else options


def _polite(found: list[Unit], setting: Setting) -> list[Option]:
    unit = found[0]
    if unit.text == "でしょ":
        return _sought_agreement(found, setting)
    if unit.name == "explain-bare" and len(found) > 1 and found[1].style is Style.POLITE:
        return []  # ございましたのよ
    if unit.style is Style.POLITE or not _may_turn(unit, setting):
        return []
    options = [(unit.start, setting.end, text) for text in _turned(unit, setting)]
    if unit.name in ("explain", "explain-bare") and len(found) > 1:
        options += _without_explaining(found[1], setting)
    return list(dict.fromkeys(options))


def _sought_agreement(found: list[Unit], setting: Setting) -> list[Option]:
    """分かるでしょ → 分かるでしょう, 分かりますよね."""
    options = [(found[0].end, found[0].end, "う")]
    if len(found) > 1 and found[1].style is Style.PLAIN and not setting.particles:
        texts = [fill(template, found[1]) for template in found[1].turned[:1]]
        options += [(found[1].start, setting.end, text + "よね") for text in texts]
    return options


def _without_explaining(inner: Unit, setting: Setting) -> list[Option]:
    """買ったの。 may only soften: 買いました。 beside 買ったんです。"""
    if (
        inner.style is Style.POLITE
        or inner.name == "noun"
        or setting.particles not in ("", "よ", "ね")
    ):
        return []
    return [(inner.start, setting.end, text) for text in _turned(inner, setting)[:1]]


def _carries_register(setting: Setting) -> bool:
    place, after = setting.predicate.place, setting.predicate.after
    if setting.perhaps_quoted or setting.urges or setting.concedes:
        return False
    if after is not None and after.surface in _QUOTING and after.pos == "助詞":
        return False  # いいがなと、思っていると
    if setting.particles.endswith("って") and setting.particles != "って":
        return False  # 行こうかなって: what was thought
    if setting.trails and setting.particles in ("か", "って"):
        return False  # a thought broken off, not a question or a report
    if place is Place.COORDINATE:
        if setting.particles.startswith(("ので", "んで")):
            return False
        held = setting.particles.endswith(("よ", "ね", "からな"))
        return setting.closes or held or setting.particles.startswith(_ADVERSATIVE)
    return place is Place.FINAL or setting.exclaims


def _may_carry_register(setting: Setting) -> bool:
    """Before から, し and ので inside a sentence, and before a comma, polite speech has both forms."""
    predicate = setting.predicate
    if predicate.place is Place.COORDINATE or setting.perhaps_quoted:
        return True
    after = predicate.after
    return (
        predicate.place is Place.SUBORDINATE
        and not predicate.particles
        and after is not None
        and after.surface in COMMAS
        and predicate.chain[-1].c_form.startswith(("終止形", "連体形", "意志推量形"))
    )


def _may_turn(unit: Unit, setting: Setting) -> bool:
    """Whether an ending that is not always a predicate is one here."""
    if unit.name == "verb-negative" and not _denies(unit, setting):
        return False
    if unit.name == "noun":
        return _noun_predicates(unit, setting)
    if unit.mood is Mood.TE:
        return _requests(unit, setting)
    if unit.name == "copula" and setting.particles in _DOUBTING:
        return False  # なんだか, 誰だか: no question keeps だ before か
    if setting.particles == "って" and setting.after_main:
        return False  # 負けませんよ、何と言われたって。
    if unit.name == "verb-stem":
        return setting.closes and setting.particles in ("な", "なよ", "なさい", "なさいよ")
    return _may_be_said(unit, setting)


def _may_be_said(unit: Unit, setting: Setting) -> bool:
    """Whether an order, an obligation or a condition is what the sentence says, not a part of it."""
    if unit.name == "verb-order" and unit.text == "くれ" and _before(unit, setting) == "お":
        return False  # 〜ておくれ has no form of its own
    if unit.mood is Mood.OBLIGATION:
        return setting.closes
    if unit.name == "verb-order" and unit.core is not None and unit.core.orth_base in _THERE:
        return False  # 幸あれ
    if unit.mood is Mood.ORDER:
        return setting.closes or setting.predicate.place is Place.FINAL
    if unit.mood is Mood.CONDITION_TARA:
        return setting.question and not setting.particles
    return True


def _before(unit: Unit, setting: Setting) -> str:
    """Surface of the morpheme in front of an ending; empty if there is none in its predicate."""
    chain = setting.predicate.chain
    place = chain.index(unit.tokens[0])
    if place:
        return chain[place - 1].surface
    before = setting.predicate.before
    return before.surface if before is not None else ""


def _denies(unit: Unit, setting: Setting) -> bool:
    """Whether ぬ is the negative of 知らぬ, not the classical perfect of 泣きぬ, nor か知らん for かしら."""
    if unit.text in ("知らん", "しらん") and _before(unit, setting) == "か":
        return False
    if unit.tokens[-1].surface != "ぬ":
        return True
    return unit.core is not None and unit.core.c_form.startswith("未然形")


def _noun_predicates(unit: Unit, setting: Setting) -> bool:
    """Whether a noun without copula is a predicate that wants one; 体言止め is left alone."""
    core = unit.core
    if core is None or core.pos3 == OPAQUE or core.pos in ("感動詞", "接頭辞", "記号"):
        return False
    if core.surface == "どう" and _before(unit, setting) == "か":
        return False  # 来るかどうか。
    if setting.predicate.place is not Place.FINAL:
        return False
    if setting.particles:
        return setting.particles.startswith(_PREDICATING)
    if not setting.closes:
        return False
    describes = core.pos == "形状詞" or core.pos3.endswith("形状詞可能")
    if setting.question:
        return setting.interrogative or setting.topic or describes or core.pos == "副詞"
    if core.surface in _TURNED_BARE:
        return core.pos2 == "助動詞語幹" or core.surface == "べき"
    return describes and setting.topic


def _requests(unit: Unit, setting: Setting) -> bool:
    """Whether a sentence that ends in て asks for something: 待って。 but not 驚いて。

    A request is closed by よ, ね, or by 。 or ！ with no subject in が in its clause, and follows no other
    main clause (楽しいね、みんなと話せて。).
    """
    core = unit.core
    if core is None or setting.question or setting.interrogative or not setting.closes:
        return False
    if setting.particles not in ("", "よ", "ね", "な") or (
        setting.after_main and not unit.text.endswith("ないで")
    ):
        return False
    if not setting.particles and (setting.subject or not setting.marked):
        return False
    if core.orth_base in _ON_PURPOSE:
        return True  # わかっておいて
    chain = setting.predicate.chain
    return not any(m.orth_base in stative_verbs() for m in chain if m.pos != "助詞")


def _turned(unit: Unit, setting: Setting) -> list[str]:
    texts: list[str] = []
    word = _GIVING if _gives_down(unit, setting) else None
    for template in _templates(unit, setting):
        try:
            for polite in _spoken_out(fill(template, unit, word=word), unit):
                texts += with_particles(polite, unit, setting)
        except NotInflectableError:
            continue
    return texts


def _gives_down(unit: Unit, setting: Setting) -> bool:
    """見せてやるよ to a hearer to whom one is polite is 見せてあげますよ; in a narrative やる stays."""
    core = unit.core
    if core is None or core.surface != unit.text or core.orth_base not in ("やる", "遣る"):
        return False
    told = setting.particles.startswith(("よ", "ね", "か", "ぞ", "ぜ"))
    return told and _before(unit, setting) in ("て", "で")


def _spoken_out(polite: str, unit: Unit) -> tuple[str, ...]:
    """見てます, and 見ています with the い that 見てる leaves out."""
    core = unit.core
    if core is None or core.orth_base not in ("てる", "でる") or core.pos != "助動詞":
        return (polite,)
    return polite, polite[0] + "い" + polite[1:]


def _templates(unit: Unit, setting: Setting) -> tuple[str, ...]:
    """The templates of the ending, but for orders with くれる, which have their own request."""
    core, before = unit.core, setting.predicate.before
    if unit.name == "verb-order" and core is not None:
        looks = before is not None and before.surface in ("ご覧", "ごらん", "御覧")
        if core.orth_base in ("くれる", "呉れる") or (looks and core.surface == "なさい"):
            return ("ください",)
    if unit.name == "verb-order-nasai" and _before(unit, setting) in ("お", "御"):
        return ("{stem}ください",)
    if unit.name == "explain-bare" and _wonders(setting):
        return ("のでしょう", *unit.turned)
    if unit.name == "verb-negative" and core is not None and unit.text in ("いかん", "いかぬ"):
        return ("いけません",)  # いかん says いけない, not 行かない
    if unit.name == "copula-negative" and unit.text.startswith("じゃ") and _seeks_agreement(unit):
        asks = "" if setting.particles or setting.question else "か"  # いいんじゃない。
        return tuple(template + asks for template in unit.turned[::-1])
    if unit.name.startswith("copula-negative") and _lacks_wa(unit):
        return tuple(template.replace("{lead}", "では") for template in unit.turned)
    if unit.name.startswith("absent") and _before(unit, setting) == "とんでも":
        return unit.turned[::-1]  # one adjective, with nothing that is absent
    return unit.turned


def _lacks_wa(unit: Unit) -> bool:
    """でない, which polite speech says as ではありません."""
    return unit.tokens[0].surface == "で" and unit.tokens[1].pos == "形容詞"


def _wonders(setting: Setting) -> bool:
    """何が起きるのか。 asks nobody: 起きるのでしょうか rather than 起きるんですか."""
    return setting.particles == "か" and setting.interrogative and not setting.question


def _seeks_agreement(unit: Unit) -> bool:
    """いいじゃない, 行くんじゃない: the speaker does not deny, but asks the hearer to agree."""
    return unit.core is not None and (unit.core.c_form != "" or unit.core.surface in ("の", "ん"))
