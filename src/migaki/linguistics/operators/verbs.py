"""Verbs: polite ⇄ plain over the whole text, and other endings that keep the meaning."""

from __future__ import annotations

import random
from itertools import groupby

from migaki.linguistics.edits import Edit
from migaki.linguistics.operators.equivalences import declared
from migaki.linguistics.operators.operator import EditSet, Meaning, Operator, Passage, Use
from migaki.linguistics.operators.politeness import has_verb, politeness_edits

__all__ = ["OPERATORS"]


def _politeness(passage: Passage, rng: random.Random) -> list[EditSet]:
    edits = politeness_edits(passage) if has_verb(passage) else []
    return [edits] if edits else []


def _mixed_register(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Convert some sentences of a text and leave others."""
    starts = [sentence.start for sentence in passage.sentences]

    def sentence_of(edit: Edit) -> int:
        return max(start for start in starts if start <= edit.start)

    by_sentence = [list(edits) for _, edits in groupby(politeness_edits(passage), key=sentence_of)]
    if len(by_sentence) < 2:
        return []
    chosen = rng.sample(by_sentence, rng.randrange(1, len(by_sentence)))
    return [sorted(edit for edits in chosen for edit in edits)]


OPERATORS: tuple[Operator, ...] = (
    Operator(
        name="verbs.politeness",
        description="行きます ⇄ 行く, over the whole text",
        propose=_politeness,
        keeps_register=False,
    ),
    *declared(
        "verb_equivalences.tsv",
        {
            "verbs.obligation": "行かなければならない ⇄ 行かなくてはならない ⇄ 行かないといけない",
            "verbs.ability": "利用することができる ⇄ 利用できる, 泳ぐことができる → 泳げる",
            "verbs.contraction": "見ている ⇄ 見てる, 行ってしまう ⇄ 行っちゃう; contracted in casual text only",
            "verbs.explanation": "行くのです ⇄ 行くんです",
            "verbs.concession": "けれども ⇄ けれど ⇄ けど; けど → が after です and ます",
            "verbs.without": "食べないで ⇄ 食べずに",
            "verbs.advice": "どうすればいい ⇄ どうしたらいい",
            "verbs.polite_negative": "行かないです → 行きません",
            "verbs.spelling": "分かる ⇄ わかる, 出来る → できる, して下さい → してください",
            "verbs.humble": "お探しします ⇄ お探しいたします",
            "verbs.request": "教えていただけませんか → 教えていただけますか",
            "verbs.compound_particle": "規則に基づいて ⇄ 規則に基づき",
        },
    ),
    *declared(
        "verb_equivalences.tsv",
        {
            "verbs.polarity": "行きます ⇄ 行きません",
            "verbs.tense": "行きます ⇄ 行きました",
        },
        meaning=Meaning.CHANGED,
        use=Use.EVALUATION,
    ),
    *declared(
        "verb_equivalences.tsv",
        {
            "verbs.ra_dropping": "見ることができる → 見れる",
            "verbs.sa_insertion": "書かせていただく → 書かさせていただく",
        },
        grammatical=False,
        use=Use.REJECTED,
    ),
    Operator(
        name="verbs.mixed_register",
        grammatical=False,
        use=Use.REJECTED,
        description="行きます。帰ります。 → 行きます。帰る。",
        propose=_mixed_register,
        keeps_register=False,
    ),
)
