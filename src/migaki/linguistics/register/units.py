"""A predicate taken apart: which word carries the ending, and what the ending says.

The chain of a predicate is spelled as one letter per morpheme; `tails.tsv` names the endings over
these letters. 食べ + られ + なかっ + た is ``uunT``, its tail ``unT``: a plain negative past of られる.
Behind an explanatory の, or before だろう and でしょう, there may be a second unit:
行きました + んです is ``umT`` and ``oS``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.predicate_chains import is_copula
from migaki.linguistics.tables import read_table

__all__ = ["Mood", "Style", "Unit", "spell", "units"]


class Style(StrEnum):
    """How an ending speaks to the hearer."""

    PLAIN = "plain"  # 行く、雨だ
    POLITE = "polite"  # 行きます、雨です、高いです
    DEARU = "dearu"  # 雨である
    BARE = "bare"  # 雨。 (no ending at all)


class Mood(StrEnum):
    """What an ending does with what is said."""

    STATEMENT = "statement"  # 行く、行かない、行った
    CONJECTURE = "conjecture"  # だろう、高かろう、行くまい
    VOLITION = "volition"  # 行こう
    ORDER = "order"  # 行け、行きなさい、いらっしゃいませ
    REQUEST = "request"  # 行ってください
    TE = "te"  # 行って、行きまして、雨でして
    CONDITION_TARA = "tara"  # 行ったら、行きましたら、雨でしたら
    CONDITION_BA = "ba"  # 行きますれば
    OBLIGATION = "obligation"  # 行かなきゃ


class Unit(NamedTuple):
    """One ending with the word that carries it.

    Attributes:
        name: Row of ``tails.tsv``.
        core: The word that inflects: the last verb, adjective or auxiliary of their kind; the last
            morpheme of the noun phrase before a copula; None where the copula has none.
        tokens: The morphemes of the ending, `core` included where it inflects or is の/ん.
        style: How it speaks.
        mood: What it does.
        negative: Whether it denies.
        past: Whether it is past.
        turned: Templates of the ending in the other register, best first.
    """

    name: str
    core: Morpheme | None
    tokens: tuple[Morpheme, ...]
    style: Style
    mood: Mood
    negative: bool
    past: bool
    turned: tuple[str, ...]

    @property
    def start(self) -> int:
        """Offset of the ending in the analysed text."""
        return self.tokens[0].start

    @property
    def end(self) -> int:
        """Offset after it."""
        return self.tokens[-1].end

    @property
    def text(self) -> str:
        """The ending as it stands."""
        return "".join(m.surface for m in self.tokens)

    @property
    def explains(self) -> bool:
        """Whether it begins with the explanatory の or ん."""
        return self.tokens[0].surface in ("の", "ん") and self.tokens[0].pos == "助詞"


_FINITE = ("終止形", "連体形")
_VERBAL_AUXILIARIES = ("五段", "上一段", "下一段", "カ行変格", "サ行変格", "助動詞-レル")
# Auxiliaries of one class each: (finite, 意志推量形, other forms).
_AUXILIARIES = {
    "助動詞-マス": ("M", "Y", "m"),
    "助動詞-タ": ("T", "U", "t"),
    "助動詞-ヌ": ("Z", "Z", "z"),
    "助動詞-ナイ": ("N", "A", "n"),
    "助動詞-マイ": ("L", "L", "L"),
    "助動詞-ダ": ("D", "W", "d"),
    "助動詞-デス": ("S", "w", "s"),
    "文語助動詞-ベシ": ("q", "q", "x"),
}
_ABSENT = ("ない", "無い")
_THERE = ("ある", "有る", "在る")
_COURTEOUS_COPULA = ("ござる", "御座る")
_GIVING = ("くださる", "下さる")
_ORDERING = ("なさる", "為さる", "たまう", "給う")


def spell(chain: Sequence[Morpheme]) -> str:
    """Spell a chain with one letter per morpheme, as the head of ``tails.tsv`` explains them."""
    return "".join(_letter(m) for m in chain)


def _letter(m: Morpheme) -> str:
    if m.surface in ("で", "じゃ", "ぢゃ") and (is_copula(m) or m.pos2 == "格助詞"):
        return "c"
    if m.c_type in _AUXILIARIES:
        return _auxiliary_letter(m)
    if m.pos == "助詞":
        return _particle_letter(m)
    if m.pos2 == "助動詞語幹":
        return "q"
    if m.c_type.endswith("形容詞") or m.c_type in ("助動詞-タイ", "助動詞-ラシイ"):
        return _adjective_letter(m)
    if m.pos == "動詞" or m.c_type.startswith(_VERBAL_AUXILIARIES):
        return _verb_letter(m)
    return "x"


def _auxiliary_letter(m: Morpheme) -> str:
    finite, conjecture, other = _AUXILIARIES[m.c_type]
    if m.c_form.startswith("意志推量形"):
        return conjecture
    if m.c_form == "命令形":
        return "i"
    if m.c_form.startswith("仮定形"):
        return {"n": "K", "t": "R", "m": "B"}.get(other, "x")
    if m.surface in ("な", "に", "なら"):
        return "x" if m.surface != "な" else "y"
    if m.surface == "ず":
        return "z"
    return finite if m.c_form.startswith(_FINITE) else other


def _particle_letter(m: Morpheme) -> str:
    if m.surface in ("の", "ん"):
        return "o"
    if m.pos2 == "接続助詞" and m.surface in ("て", "で"):
        return "e"
    if m.pos2 == "接続助詞" and m.surface == "ば":
        return "P"
    return "l" if m.pos2 in ("係助詞", "副助詞") else "p"


def _adjective_letter(m: Morpheme) -> str:
    if m.c_form.startswith("意志推量形"):
        return "A"
    absent = m.orth_base in _ABSENT
    if m.c_form.startswith(_FINITE):
        return "E" if absent else "a"
    if m.c_form.startswith("語幹"):
        return "k"
    return "g" if absent else "b"


def _verb_letter(m: Morpheme) -> str:
    if m.c_form.startswith("意志推量形"):
        return "F" if m.orth_base in _THERE else "V"
    if m.c_form == "命令形":
        return "G" if m.orth_base in _GIVING else "J" if m.orth_base in _ORDERING else "I"
    finite = m.c_form.startswith(_FINITE)
    if m.orth_base in _THERE:
        return "r" if finite else "f"
    if m.orth_base in _COURTEOUS_COPULA:
        return "h"
    return "v" if finite else "u"


class _Tail(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    style: Style
    mood: Mood
    negative: bool
    past: bool
    turned: tuple[str, ...]


@lru_cache(maxsize=1)
def _tails() -> tuple[_Tail, ...]:
    return tuple(
        _Tail(
            name,
            re.compile(f"(?:{letters})$"),
            Style(style),
            Mood(mood),
            "neg" in marks,
            "past" in marks,
            tuple(turned.split("|")) if turned else (),
        )
        for name, letters, style, mood, marks, turned, _ in read_table("tails.tsv", columns=7)
    )


@lru_cache(maxsize=65_536)
def _match(letters: str) -> tuple[_Tail, int, int] | None:
    """The tail of a spelled chain, where its tokens begin, and where its core is (−1: none)."""
    for tail in _tails():
        found = tail.pattern.search(letters)
        if found:
            core = found.start("core") if "core" in tail.pattern.groupindex else -1
            return tail, found.start("end"), core
    return None


def units(chain: Sequence[Morpheme]) -> list[Unit]:
    """Take a chain apart, the last unit first; empty where its ending is not one of the table.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> for unit in units(analyze("行きませんでしたんです")):
        ...     print(unit.text, unit.style.value, unit.negative, unit.past)
        んです polite False False
        行きませんでした polite True True
    """
    found: list[Unit] = []
    chain = tuple(chain)
    while chain:
        match = _match(spell(chain))
        if match is None:
            break
        tail, start, core = match
        found.append(
            Unit(
                tail.name, chain[core] if core >= 0 else None, chain[start:],
                tail.style, tail.mood, tail.negative, tail.past, tail.turned,
            )
        )  # fmt: skip
        chain = chain[:start]
        if chain and tail.name.startswith("verb"):
            break
    return found
