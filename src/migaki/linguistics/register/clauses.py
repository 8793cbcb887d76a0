"""The register of one predicate group: what its chain of auxiliaries and its particles say.

After the school grammar of 丁寧体 (です, ます, ございます, ください) and 普通体 (だ, である, 終止形), as
「敬語の指針」 (文化審議会答申, 2007) defines 丁寧語.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme, Register
from migaki.linguistics.predicates import OPAQUE, Place, Predicate
from migaki.linguistics.tables import read_table

__all__ = ["clause_style", "is_set_phrase", "is_weak"]

_POLITE_TYPES = ("助動詞-マス", "助動詞-デス")
_COPULAS = ("助動詞-ダ", "助動詞-ジャ", "助動詞-ヤ")
_OPEN_FORMS = ("連用形", "未然形", "語幹")
_CONTRACTED_TAILS = ("ちゃ", "じゃ")  # 行かなくちゃ, 飲んじゃ
_CLIPPED = frozenset(["でしょ", "でしょっ"])
_REQUEST = frozenset(["くださる", "下さる"])

# A bare noun is plain talk with one of these behind it (雨だよ without だ), and nothing without.
_TALKING = frozenset(
    ["よ", "ね", "ねえ", "ねぇ", "ねー", "な", "なあ", "なぁ", "か", "かい", "かな", "かなあ", "かなぁ", "かしら", "さ", "ぞ", "ぜ", "わ", "の", "っけ", "け", "じゃん", "もん", "もの", "や"]
)  # fmt: skip
_LINKS = frozenset(["は", "も", "こそ", "さえ"])

Style = tuple[Register, tuple[Morpheme, ...]]


def clause_style(predicate: Predicate) -> Style:
    """Tell plain, polite, である or nothing, and the morphemes that say so.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> from migaki.linguistics.predicates import predicates
        >>> [sentence] = analyze_sentences("安いのであるが、買いませんでした。")
        >>> for predicate in predicates(sentence):
        ...     style, morphemes = clause_style(predicate)
        ...     print(style.value, [m.surface for m in morphemes])
        dearu ['で', 'ある']
        polite ['ませ', 'ん', 'でし', 'た']
    """
    chain = predicate.chain
    polite = _polite_part(chain)
    if polite:
        return Register.POLITE, polite
    if _is_bare(predicate):
        return _bare_style(predicate)
    dearu = _dearu_part(chain)
    if dearu:
        return Register.DEARU, dearu
    if _is_open(predicate):
        return _talking_style(predicate)
    return Register.PLAIN, (chain[-1],)


def is_set_phrase(group: Predicate) -> bool:
    """Whether a predicate is a polite phrase that stays as it is, or a quotation."""
    return group.head[-1].pos3 == OPAQUE and not group.auxiliaries


def is_weak(group: Predicate) -> bool:
    """Whether it is a set phrase, or a clause left hanging in て or たら: any register can go on from there."""
    last = group.chain[-1]
    return is_set_phrase(group) or last.pos2 == "接続助詞" or last.c_form.startswith("仮定形")


def _is_bare(predicate: Predicate) -> bool:
    """Whether a noun stands without a copula, a noun made by さ or み included."""
    last = predicate.chain[-1]
    return not last.c_type and (not predicate.auxiliaries or last.pos == "接尾辞")


def _is_open(predicate: Predicate) -> bool:
    """Whether a chain goes on (行き、行って、静かで) and says nothing of its register."""
    last, after = predicate.chain[-1], predicate.after
    if after is not None and after.surface in _CONTRACTED_TAILS:
        return False
    return last.c_form.startswith(_OPEN_FORMS) or (
        last.pos == "助詞" and predicate.place is not Place.FINAL
    )


def _polite_part(chain: Sequence[Morpheme]) -> tuple[Morpheme, ...]:
    """From the first です or ます on, or a request with ください; empty where there is none."""
    for place, m in enumerate(chain):
        if m.c_type in _POLITE_TYPES:
            return () if m.surface in _CLIPPED else tuple(chain[place:])
        if m.orth_base in _REQUEST and m.c_form == "命令形":
            return tuple(chain[place:])
    return ()


def _dearu_part(chain: Sequence[Morpheme]) -> tuple[Morpheme, ...]:
    """で + (は, も) + ある at the end of a chain, with its auxiliaries; not ではない."""
    for place, m in enumerate(chain):
        if m.orth_base != "ある" or not place:
            continue
        before = place - 1
        while before and chain[before].surface in _LINKS:
            before -= 1
        if chain[before].surface == "で" and chain[before].c_type in (*_COPULAS, ""):
            return tuple(chain[before:])
    return ()


def _bare_style(predicate: Predicate) -> Style:
    """A noun, an adverb or a set phrase that ends the sentence without a copula."""
    last = predicate.head[-1]
    register = _phrases().get(last.surface)
    if register is not None:
        return register, (last,) if register is Register.PLAIN else ()
    if last.pos3 == OPAQUE:
        polite = last.surface.startswith(_polite_phrases())
        return (Register.POLITE, (last,)) if polite else (Register.NONE, ())
    return _talking_style(predicate)


def _talking_style(predicate: Predicate) -> Style:
    """Plain by the particles alone: 雨よ, 元気かな, ご存じかしら."""
    if any(m.surface in _TALKING for m in predicate.particles):
        return Register.PLAIN, predicate.particles
    return Register.NONE, ()


@lru_cache(maxsize=1)
def _polite_phrases() -> tuple[str, ...]:
    return tuple(row[0] for row in read_table("set_phrases.tsv", columns=3))


@lru_cache(maxsize=1)
def _phrases() -> dict[str, Register]:
    return {
        phrase: Register(register)
        for register, phrases, _ in read_table("plain_phrases.tsv", columns=3)
        for phrase in phrases.split(" ")
    }
