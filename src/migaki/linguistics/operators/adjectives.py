"""い- and な-adjectives, and nouns with a copula: their endings in every register."""

from __future__ import annotations

import random

from migaki.linguistics.operators.equivalences import declared, read_equivalences
from migaki.linguistics.operators.operator import EditSet, Operator, Passage, Use
from migaki.linguistics.operators.politeness import has_verb, politeness_edits

__all__ = ["OPERATORS"]


def _politeness(passage: Passage, rng: random.Random) -> list[EditSet]:
    edits = [] if has_verb(passage) else politeness_edits(passage)
    return [edits] if edits else []


_DEARU = read_equivalences("adjective_equivalences.tsv")["adjectives.dearu"]

OPERATORS: tuple[Operator, ...] = (
    Operator(
        name="adjectives.politeness",
        description="高いです ⇄ 高い, 静かです ⇄ 静かだ, over a text without verbs",
        propose=_politeness,
        keeps_register=False,
    ),
    Operator(
        name="adjectives.dearu",
        description="静かだ ⇄ 静かである, over the whole text; not in casual text",
        propose=_DEARU.propose_throughout,
        intended=_DEARU.intended,
        anchors=_DEARU.anchors,
        keeps_register=False,
    ),
    *declared(
        "adjective_equivalences.tsv",
        {
            "adjectives.polite_negation": "高くないです ⇄ 高くありません",
            "adjectives.copula_negation": "静かではない ⇄ 静かじゃない; ではありません ⇄ ではないです",
            "adjectives.good": "いい ⇄ よい",
            "adjectives.attributive": "大きい家 → 大きな家, いろいろな ⇄ いろんな",
            "adjectives.spelling": "嬉しい ⇄ うれしい, 無い → ない",
            "adjectives.question": "よろしいですか ⇄ よろしいでしょうか",
            "adjectives.appearance": "雨のようだ ⇄ 雨みたいだ",
        },
    ),
    *declared(
        "adjective_equivalences.tsv",
        {
            "adjectives.past_error": "高かったです → 高いでした",
            "adjectives.na_as_i": "静かではない → 静かくない",
        },
        grammatical=False,
        use=Use.REJECTED,
    ),
)
