"""The style of a sentence alone: what `detection` says of it, without taking every clause apart.

Operators ask for nothing but the style of a text, before and after. It follows the main and coordinate
clauses; keigo and the clauses below them are looked at only where none of those has a style.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from migaki.linguistics.morphemes import Register, Sentence
from migaki.linguistics.predicates import Place, Predicate
from migaki.linguistics.register.clauses import clause_style, is_set_phrase, is_weak
from migaki.linguistics.register.detection import detect_sentence, is_code, is_list_item
from migaki.linguistics.register.styles import style_of, text_style

__all__ = ["SentenceStyle", "sentence_style", "style_of_text"]

_BRACKETS = frozenset("（(")


class SentenceStyle(NamedTuple):
    """What a sentence says of the style of its text.

    Attributes:
        style: PLAIN, POLITE, DEARU, MIXED or NONE.
        weak: As in `SentenceRegister`.
        tells: Whether it has a register: a style, or keigo.
    """

    style: Register
    weak: bool
    tells: bool


def sentence_style(sentence: Sentence, found: Sequence[Predicate]) -> SentenceStyle:
    """Tell the style of one analysed sentence, as `detect_sentence` does.

    Args:
        sentence: A sentence of `analyze_sentences`.
        found: Its predicates.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> from migaki.linguistics.predicates import predicates
        >>> for s in analyze_sentences("雨だけど行きます。待って。"):
        ...     style, weak, _ = sentence_style(s, predicates(s))
        ...     print(s.text, style.value, weak)
        雨だけど行きます。 polite False
        待って。 plain True
    """
    told = _by_main_clauses(sentence, found)
    if told is None:
        full = detect_sentence(sentence, found=found, style_only=True)
        return SentenceStyle(full.style, full.weak, full.register is not Register.NONE)
    style, weak = told
    return SentenceStyle(style, weak or is_list_item(sentence, style), tells=True)


def style_of_text(sentences: Sequence[SentenceStyle]) -> Register:
    """Style of a text, from those of its sentences."""
    told = [s for s in sentences if s.tells]
    return text_style([s.style for s in told if not s.weak] or [s.style for s in told])


def _by_main_clauses(
    sentence: Sentence, found: Sequence[Predicate]
) -> tuple[Register, bool] | None:
    """Style, and whether it is weak, if all main and coordinate clauses have one and nothing else counts."""
    main = [p for p in found if p.place is not Place.SUBORDINATE]
    if not main or not _BRACKETS.isdisjoint(sentence.text) or is_code(sentence):
        return None
    styles = [clause_style(predicate)[0] for predicate in main]
    if Register.NONE in styles:
        return None
    told = list(zip(main, styles, strict=True))
    strong = [(p.place, style) for p, style in told if not is_weak(p)]
    if all(place is Place.COORDINATE for place, _ in strong) and any(
        style is Register.POLITE and is_set_phrase(p) for p, style in told
    ):
        strong = []  # 遅れたので、すみません。 The phrase is the main clause.
    return style_of(strong or [(p.place, style) for p, style in told]), not strong
