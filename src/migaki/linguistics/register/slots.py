"""Fill the templates of ``tails.tsv``: an ending in the other register, from the word that carries it."""

from __future__ import annotations

import re
from collections.abc import Callable

from migaki.linguistics.conjugation import (
    NotInflectableError,
    ba_form,
    imperative,
    inflect,
    masu_stem,
    negative,
    ta_form,
    te_form,
    volitional,
)
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.register.units import Unit

__all__ = ["fill"]

_DRAWN_OUT = "ー〜～"
_IDEOGRAPH_AND_RU = 2
_SLOT = re.compile(r"\{(\w+)\}")


def fill(template: str, unit: Unit, *, word: tuple[str, str] | None = None) -> str:
    """Write one template for a unit; a vowel drawn out at its end (楽しかったー) moves to the new end.

    Args:
        template: A cell of the column "turned", such as ``{stem}ました``.
        unit: The ending it is for.
        word: (dictionary form, class) to inflect in the place of the unit's own core.

    Raises:
        NotInflectableError: the core has no such form.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> from migaki.linguistics.register.units import units
        >>> [unit] = units(analyze("歩いた"))
        >>> fill("{stem}ました", unit)
        '歩きました'
    """
    written = _SLOT.sub(lambda slot: _value(slot.group(1), unit, word), template)
    return written + unit.text[len(unit.text.rstrip(_DRAWN_OUT)) :]


def _value(slot: str, unit: Unit, word: tuple[str, str] | None) -> str:
    own = _OF_ENDING.get(slot)
    if own is not None:
        return own(unit)
    if word is None:
        if unit.core is None:
            raise NotInflectableError(f"{unit.text!r} has no word that inflects.")
        word = unit.core.orth_base, _class_of(unit.core)
    return _OF_WORD[slot](*word)


def _class_of(core: Morpheme) -> str:
    """The class of a verb.

    UniDic also has 割る for われる, 売る for うれる, with the れ left to the reader, and chooses them now
    and then; one ideograph and る with so long a reading is taken for the ordinary 五段 verb.
    """
    surface = core.surface
    if core.c_type.startswith("下一段") and len(surface) == _IDEOGRAPH_AND_RU < len(core.reading):
        return "五段-ラ行" if surface[1] == "る" and surface[0] > "一" else core.c_type
    return core.c_type


def _lead(unit: Unit) -> str:
    """では of ではない, 高く of 高くありません."""
    lead = ""
    for m in unit.tokens:
        if lead and m.orth_base in ("ない", "無い", "ある", "有る", "ござる", "御座る"):
            break
        lead += m.surface
    return lead


def _past_of_negative(base: str, c_type: str) -> str:
    return negative(base, c_type).removesuffix("ない") + "なかった"


def _stem(base: str, c_type: str) -> str:
    """The stem before ます, 思ひ for the 思つた of historical spelling included."""
    if c_type.startswith("文語四段"):
        return inflect(base, c_type, "連用形-一般")
    return masu_stem(base, c_type)


_OF_ENDING: dict[str, Callable[[Unit], str]] = {
    "text": lambda unit: unit.text.rstrip(_DRAWN_OUT),
    "body": lambda unit: "".join(m.surface for m in unit.tokens[:-1]),
    "lead": _lead,
    "o": lambda unit: unit.tokens[0].surface,
    "tadesho": lambda unit: unit.text.removesuffix("う").removesuffix("ろ") + "でしょう",
    "desho": lambda unit: unit.text.removesuffix("う").replace("だろ", "でしょ") + "う",
    "daro": lambda unit: unit.text.replace("でしょ", "だろ"),
}

_OF_WORD: dict[str, Callable[[str, str], str]] = {
    "dict": lambda base, c_type: base,
    "stem": _stem,
    "te": te_form,
    "ta": ta_form,
    "ba": ba_form,
    "vol": volitional,
    "imp": imperative,
    "neg": negative,
    "negpast": _past_of_negative,
    "root": lambda base, c_type: negative(base, c_type).removesuffix("ない"),
}
