"""Questions in plain speech: 行きますか？ → 行く？, 何をしますか？ → 何をするの？, 行くのですか。 → 行くのか。"""

from __future__ import annotations

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.register.setting import Setting, interrogatives
from migaki.linguistics.register.units import Mood, Unit

__all__ = ["asked", "asks_how"]

_HOW = "どうだ"
_NOTED = ("そう", "さよう")
_COMPARING = ("よう", "の", "ん")
_FORMAL_NOUNS = ("もの", "もん", "こと", "わけ", "はず", "つもり")


def asks_how(core: Morpheme | None) -> bool:
    """Whether a word is どう or いかが, for which plain speech has どう."""
    return core is not None and interrogatives().get(core.surface, "") == _HOW


def asked(plains: list[str], unit: Unit, setting: Setting) -> tuple[int, list[str]]:
    """Ways to write a question that ended in か: where the text begins, and the texts, best first.

    Args:
        plains: The ending in plain form, in the ways it has.
        unit: The ending as it was.
        setting: Where it stands; its particles are か, or かね and かな, which wonder.
    """
    plain = plains[0] if plains else ""
    wonders = setting.particles in ("かね", "かな")
    if unit.explains:
        return unit.start, _explained(unit, setting, wonders=wonders)
    if unit.mood is Mood.CONJECTURE and asks_how(unit.core) and unit.core is not None:
        return unit.core.start, ["どう" + plain + "か", "どうかな"]
    if unit.mood in (Mood.CONJECTURE, Mood.VOLITION):
        short = [plain.removesuffix("だろう") + "かな"] if plain.endswith("だろう") else []
        return unit.start, [plain + "か", *short]
    if unit.name.startswith("copula") and not unit.negative:
        return _asked_noun(plain, unit, setting, wonders=wonders)
    if wonders:
        return unit.start, [plain + "かな", plain + "か"]
    if not setting.question:
        if setting.interrogative and setting.after_main and not setting.marked:
            return unit.start, [
                plain + "の",
                plain + "のか",
            ]  # いいですね、何になりますか, in a chat
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
