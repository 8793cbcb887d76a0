"""Forms of the school grammar, て-form, negative, volitional …, on the same key as `inflect`.

`conjugation_slots.tsv` says of which form of UniDic each is made; `conjugation_exceptions.tsv` holds
what single words do instead (問うて, ない for ある).
"""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.conjugation.endings import (
    NotInflectableError,
    exceptional_forms,
    has_form,
    inflections,
)
from migaki.linguistics.tables import read_table

__all__ = [
    "ba_form",
    "imperative",
    "masu_stem",
    "negative",
    "slot_forms",
    "ta_form",
    "te_form",
    "volitional",
]

_Recipe = tuple[str, str]
"""A form of UniDic and what is put after it."""

_SLOT_NAMES = {
    "te": "て-form",
    "ta": "past",
    "negative": "negative",
    "masu_stem": "stem before ます",
    "ba": "conditional in ば",
    "volitional": "volitional",
    "imperative": "imperative",
}


def te_form(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the て-form.

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> te_form("書く", "五段-カ行"), te_form("行く", "五段-カ行"), te_form("問う", "五段-ワア行")
        ('書いて', '行って', '問うて')
    """
    return _best(orth_base, c_type, "te", reading_base)


def ta_form(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the past in た.

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> ta_form("読む", "五段-マ行"), ta_form("いい", "形容詞"), ta_form("です", "助動詞-デス")
        ('読んだ', 'よかった', 'でした')
    """
    return _best(orth_base, c_type, "ta", reading_base)


def negative(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the negative in ない (ん after ます).

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> negative("買う", "五段-ワア行"), negative("ある", "五段-ラ行"), negative("高い", "形容詞")
        ('買わない', 'ない', '高くない')
    """
    return _best(orth_base, c_type, "negative", reading_base)


def masu_stem(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write what stands before ます.

    Raises:
        NotInflectableError: the class has none (adjectives), or is no class.

    Example:
        >>> masu_stem("書く", "五段-カ行"), masu_stem("なさる", "五段-ラ行")
        ('書き', 'なさい')
    """
    return _best(orth_base, c_type, "masu_stem", reading_base)


def ba_form(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the conditional in ば (なら for だ, たら for た).

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> ba_form("する", "サ行変格"), ba_form("ない", "助動詞-ナイ")
        ('すれば', 'なければ')
    """
    return _best(orth_base, c_type, "ba", reading_base)


def volitional(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the volitional or conjectural form in う, よう.

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> volitional("書く", "五段-カ行"), volitional("来る", "カ行変格"), volitional("だ", "助動詞-ダ")
        ('書こう', '来よう', 'だろう')
    """
    return _best(orth_base, c_type, "volitional", reading_base)


def imperative(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the imperative.

    Raises:
        NotInflectableError: the class has none (adjectives, the copula), or is no class.

    Example:
        >>> imperative("書く", "五段-カ行"), imperative("くれる", "下一段-ラ行"), imperative("なさる", "五段-ラ行")
        ('書け', 'くれ', 'なさい')
    """
    return _best(orth_base, c_type, "imperative", reading_base)


@lru_cache(maxsize=65_536)
def slot_forms(orth_base: str, c_type: str, slot: str, reading_base: str = "") -> tuple[str, ...]:
    """Every form for one slot of `conjugation_slots.tsv`, best first; empty where there is none.

    Example:
        >>> slot_forms("見る", "上一段-マ行", "imperative")
        ('見ろ', '見よ')
    """
    if exception := exceptional_forms(orth_base, c_type, slot, reading_base):
        return exception
    for c_form, after in _recipes(c_type, slot):
        if has_form(orth_base, c_type, c_form, reading_base=reading_base):
            stems = inflections(orth_base, c_type, c_form, reading_base=reading_base)
            return tuple(stem + after for stem in stems)
    return ()


def _best(orth_base: str, c_type: str, slot: str, reading_base: str) -> str:
    found = slot_forms(orth_base, c_type, slot, reading_base)
    if not found:
        there = [name for key, name in _SLOT_NAMES.items() if _recipes(c_type, key)]
        hint = f"Words of this class have: {', '.join(there)}." if there else None
        raise NotInflectableError(
            f"{orth_base!r} of class {c_type or '(none)'} has no {_SLOT_NAMES[slot]}.", hint=hint
        )
    return found[0]


@lru_cache(maxsize=1_024)
def _recipes(c_type: str, slot: str) -> tuple[_Recipe, ...]:
    table = _slots()
    for length in range(len(c_type), 0, -1):
        if (found := table.get((c_type[:length], slot))) is not None:
            return found
    return ()


@lru_cache(maxsize=1)
def _slots() -> dict[tuple[str, str], tuple[_Recipe, ...]]:
    table = {}
    for c_type, slot, recipes in read_table("conjugation_slots.tsv", columns=3):
        parts = (recipe.partition("+") for recipe in recipes.split("|"))
        table[c_type, slot] = tuple((c_form, after) for c_form, _, after in parts)
    return table
