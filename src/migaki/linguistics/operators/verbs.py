"""Verbs: polite ⇄ plain over the whole text, and other endings that keep the meaning."""

from __future__ import annotations

from migaki.linguistics.operators.equivalences import declared
from migaki.linguistics.operators.operator import Meaning, Operator, Use

__all__ = ["OPERATORS"]


_KEPT, _CHANGED, _TRAIN = Meaning.KEPT, Meaning.CHANGED, Use.TRAIN

OPERATORS: tuple[Operator, ...] = declared(
    "verb_equivalences.tsv",
    (
        (
            "verbs.obligation",
            _KEPT,
            True,
            _TRAIN,
            "行かなければならない ⇄ 行かなくてはならない ⇄ 行かないといけない",
        ),
        (
            "verbs.ability",
            _KEPT,
            True,
            _TRAIN,
            "利用することができる ⇄ 利用できる, 泳ぐことができる → 泳げる",
        ),
        (
            "verbs.contraction",
            _KEPT,
            True,
            _TRAIN,
            "見ている ⇄ 見てる, 行ってしまう ⇄ 行っちゃう; contracted in casual text only",
        ),
        ("verbs.explanation", _KEPT, True, _TRAIN, "行くのです ⇄ 行くんです"),
        ("verbs.concession", _KEPT, True, _TRAIN, "けれども ⇄ けれど ⇄ けど"),
        ("verbs.without", _KEPT, True, _TRAIN, "食べないで ⇄ 食べずに"),
        ("verbs.advice", _KEPT, True, _TRAIN, "どうすればいい ⇄ どうしたらいい"),
        ("verbs.polite_negative", _KEPT, True, _TRAIN, "行かないです → 行きません"),
        ("verbs.compound_particle", _KEPT, True, _TRAIN, "法律によって ⇄ 法律により"),
        ("verbs.polarity", _CHANGED, True, Use.EVALUATION, "行きます ⇄ 行きません"),
        ("verbs.tense", _CHANGED, True, Use.EVALUATION, "行きます ⇄ 行きました"),
        ("verbs.ra_dropping", _KEPT, False, Use.REJECTED, "見ることができる → 見れる"),
        (
            "verbs.sa_insertion",
            _KEPT,
            False,
            Use.REJECTED,
            "書かせていただく → 書かさせていただく",
        ),
    ),
)
