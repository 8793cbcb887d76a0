"""How high the keigo of a text is, from 1 (highest) to 4 (plain), on the scale of the KeiCO corpus.

The level is a sum that can be read. Every feature of the text (a turn of keigo, です, ます, a plain ending,
よ, お before a noun …) has four weights in `tables/keigo_level.tsv` and counts at most twice. Where the
sum of the first column is above 0, the text is plain (4); otherwise that of 1, 2 and 3 whose column
has the highest sum. The weights are those of two logistic regressions over these features (plain or
not; which of the three), fitted by `scripts/fit_keigo_level.py` on one half of KeiCO (Liu &
Kobayashi, LREC 2022); how well they do on the other half is in `docs/results/language-detection.md`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from migaki.linguistics.morphemes import Morpheme, Register, Sentence
from migaki.linguistics.tables import read_table

if TYPE_CHECKING:
    from migaki.linguistics.register.detection import Mark

__all__ = ["LEVELS", "MOST", "keigo_level", "level_features"]

LEVELS = (1, 2, 3, 4)
"""The scale: 1 is the highest honorific speech, 4 is plain."""

MOST = 2
"""A feature counts at most so often."""

_AUXILIARIES = {"助動詞-マス": "masu", "助動詞-デス": "desu"}
_CLIPPED = frozenset(["でしょ", "でしょっ"])
_CONTRACTED = frozenset(["てる", "ちゃう", "じゃう", "とく", "どく", "なきゃ", "じゃん", "って"])
_HONORIFIC_TURNS, _HUMBLE_TURNS = "any_honorific", "any_humble"


def level_features(sentence: Sentence, keigo: Sequence[Mark], style: Register) -> Counter[str]:
    """Count what the level is made of in one sentence.

    Args:
        sentence: The sentence.
        keigo: Its turns of keigo, from `keigo_marks`.
        style: The style of the sentence.
    """
    found = Counter(mark.name for mark in keigo)
    for mark in keigo:
        if mark.register is Register.HONORIFIC:
            found[_HONORIFIC_TURNS] = 1
        elif mark.register is Register.HUMBLE:
            found[_HUMBLE_TURNS] = 1
    for place, m in enumerate(sentence.morphemes):
        name = _word_feature(m, sentence.morphemes[place - 1] if place else None)
        if name:
            found[name] += 1
    found["style_" + style.value] += 1
    return found


def _word_feature(m: Morpheme, before: Morpheme | None) -> str:
    if m.c_type in _AUXILIARIES:
        return "desho" if m.surface in _CLIPPED else _AUXILIARIES[m.c_type]
    if m.pos == "接頭辞" and m.surface == "御":
        return "prefix_in_kanji"
    if m.pos2 == "終助詞":
        return "particle_" + m.surface
    if m.orth_base in ("くださる", "下さる") and m.c_form == "命令形":
        return "te_kudasai" if before and before.surface in ("て", "で") else "kudasai"
    return "contracted" if m.orth_base in _CONTRACTED else ""


def keigo_level(features: Mapping[str, int]) -> int:
    """Weigh the features of a text.

    Args:
        features: Name → count, from `level_features`, added up over the sentences.

    Returns:
        1, 2, 3 or 4.
    """
    weights = _weights()
    sums = list(weights["base"])
    for name, count in features.items():
        for place, weight in enumerate(weights.get(name, ())):
            sums[place] += min(count, MOST) * weight
    plain, *ranks = sums
    return LEVELS[-1] if plain > 0 else LEVELS[ranks.index(max(ranks))]


@lru_cache(maxsize=1)
def _weights() -> dict[str, tuple[float, ...]]:
    rows = read_table("keigo_level.tsv", columns=len(LEVELS) + 2)
    return {name: tuple(map(float, weights[: len(LEVELS)])) for name, *weights in rows}
