"""What kind of sentence one is: classical, a question, a request."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from migaki.linguistics.morphemes import Morpheme

__all__ = ["is_classical", "is_question", "is_requested"]

_STILL_USED = frozenset(
    {"文語助動詞-ズ", "文語助動詞-ベシ", "文語助動詞-ゴトシ", "文語助動詞-マジ"}
)
_CLASSICAL_ENDS = frozenset({"なり", "たり", "けり", "せり", "あり", "べし"})
_CLASSICAL_WORDS = _CLASSICAL_ENDS | {"のみ", "し"}
_NOMINAL = frozenset({"名詞", "代名詞", "接頭辞"})


def is_classical(morphemes: Sequence[Morpheme]) -> bool:
    """Whether a sentence is in classical Japanese (文語), whose words are not replaced.

    Modern sentences keep ず, べき, ごとく and the like. What ends in なり or たり is classical even where the
    analyser takes it for a modern verb.
    """
    if any(name.startswith("文語") for name in {m.c_type for m in morphemes} - _STILL_USED):
        return True
    if _CLASSICAL_WORDS.isdisjoint([m.surface for m in morphemes]):
        return False
    return any(
        (one.surface in _CLASSICAL_ENDS and two.pos2 == "句点")
        or (one.surface == "のみ" and two.surface in ("なり", "なれ", "なる"))
        for one, two in pairwise(morphemes)
    ) or any(
        verb.pos == "動詞" and shi.surface == "し" and head.pos in _NOMINAL
        for verb, shi, head in zip(morphemes, morphemes[1:], morphemes[2:], strict=False)
    )  # 来し道


def is_question(morphemes: Sequence[Morpheme], after: int) -> bool:
    """Whether a sentence asks for an answer: it ends in か, or there is a question mark."""
    tail = [m for m in morphemes[after:] if m.pos != "補助記号"]
    if any(m.surface in "？?" for m in morphemes[after:]):
        return True
    return bool(tail) and tail[-1].surface == "か" and tail[-1].pos2 == "終助詞"


def is_requested(morphemes: Sequence[Morpheme], after: int) -> bool:
    """Whether a sentence asks for something to be done: 〜てください, お〜ください."""
    return any(m.lemma in ("下さる", "くださる") for m in morphemes[after:])
