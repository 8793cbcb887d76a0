"""Is a rewritten text what was meant? It is analysed again, and compared with what was there before.

Only the sentences that an edit touches are analysed again. An outcome passes if

1. it differs from its source, and no edit overlaps another or touches what is protected,
2. the sentences begin and end where they did,
3. outside the edits the analyser finds the same morphemes as before,
4. in the place of each edit it finds the morphemes that the operator meant,
5. the register is what it was (or, where the operator changes it, one register throughout).

An operator whose outcome is ungrammatical by intent is held to 1 and 2 only.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from migaki.linguistics.analyzer import Analyzer, analyze
from migaki.linguistics.edits import Edit, apply_edits
from migaki.linguistics.morphemes import Morpheme, Register, Sentence
from migaki.linguistics.operators.operator import Operator, Passage
from migaki.linguistics.predicates import predicates
from migaki.linguistics.realignment import realign
from migaki.linguistics.register.sentence_style import sentence_style, style_of_text
from migaki.linguistics.sentences import CLOSING, FENCE, OPENING, TERMINATORS, sentence_spans

__all__ = ["Check", "Rejection", "Verified", "verify"]


class Check(StrEnum):
    """What an outcome has passed."""

    EDITS_ONLY = "edits only"  # nothing outside the edits differs, in text or analysis
    SENTENCES = "sentences"  # the sentences begin and end where they did
    INTENDED = "intended"  # each edit is analysed to what its operator meant
    REGISTER = "register"  # one register, the source's or the operator's


class Rejection(StrEnum):
    """Why an outcome was not let through."""

    UNCHANGED = "unchanged"  # the same text as the source
    DUPLICATE = "duplicate"  # the same text as another outcome
    PROTECTED = (
        "protected"  # an edit touches a quote, code, a name, what is no sentence, or another edit
    )
    SENTENCES = "sentences"  # the text falls into other sentences than before
    ELSEWHERE = "elsewhere"  # outside the edits something is analysed differently
    UNINTENDED = "unintended"  # an edit is analysed to something else than was meant
    REGISTER = "register"  # another register, or several


@dataclass(frozen=True, slots=True)
class Verified:
    """An outcome that passed."""

    text: str
    checks: tuple[Check, ...]


_MARKS = frozenset(TERMINATORS + OPENING + CLOSING + FENCE)
_UNGRAMMATICAL = (Check.SENTENCES,)
_ALL = tuple(Check)


def verify(
    passage: Passage, edits: Sequence[Edit], operators: Sequence[Operator]
) -> Verified | Rejection:
    """Carry out edits and analyse the outcome.

    Args:
        passage: The source.
        edits: All edits, with offsets in the source, sorted and without overlap.
        operators: What proposed them: one operator, or several whose edits are carried out together.

    Example:
        >>> from migaki.linguistics.operators.verbs import OPERATORS
        >>> contraction = next(o for o in OPERATORS if o.name == "verbs.contraction")
        >>> passage = Passage.of("何を見ているの？")
        >>> verify(passage, [Edit(3, 6, "てる", "verbs.contraction.teiru.2")], [contraction]).text
        '何を見てるの？'
        >>> verify(passage, [Edit(3, 6, "て", "verbs.contraction.teiru.2")], [contraction])
        <Rejection.UNINTENDED: 'unintended'>
    """
    touched = _by_sentence(passage, edits)
    if isinstance(touched, Rejection):
        return touched
    text = apply_edits(passage.text, edits)
    if text == passage.text:
        return Rejection.UNCHANGED
    if _moves_sentences(passage, edits, text):
        return Rejection.SENTENCES
    if not all(operator.grammatical for operator in operators):
        return Verified(text, _UNGRAMMATICAL)
    rewritten: dict[int, Sentence] = {}
    for index, inside in touched.items():
        outcome = _rewrite(passage.sentences[index], inside, operators, passage.analyzer)
        if isinstance(outcome, Rejection):
            return outcome
        rewritten[index] = outcome
    if not _one_register(passage, touched, rewritten, operators):
        return Rejection.REGISTER
    return Verified(text, _ALL)


def _by_sentence(passage: Passage, edits: Sequence[Edit]) -> dict[int, list[Edit]] | Rejection:
    """Sort edits by the sentence they lie in."""
    sentences = passage.sentences
    touched: dict[int, list[Edit]] = {}
    done = 0
    for edit in edits:
        index = bisect_right(sentences, edit.start, key=_start_of) - 1
        if index < 0 or edit.end > sentences[index].end or edit.start < done:
            return Rejection.PROTECTED
        if passage.is_protected(edit.start, edit.end):
            return Rejection.PROTECTED
        touched.setdefault(index, []).append(edit)
        done = edit.end
    return touched


def _start_of(sentence: Sentence) -> int:
    return sentence.start


def _moves_sentences(passage: Passage, edits: Sequence[Edit], text: str) -> bool:
    """Whether other sentences come out; asked only where an edit has to do with marks."""
    if all(
        _MARKS.isdisjoint(edit.replacement)
        and _MARKS.isdisjoint(passage.text[edit.start : edit.end])
        for edit in edits
    ):
        return False
    moved = [
        (s.start + _shift(edits, s.start), s.end + _shift(edits, s.end)) for s in passage.sentences
    ]
    return not set(moved) <= set(sentence_spans(text))


def _shift(edits: Sequence[Edit], place: int) -> int:
    return sum(len(e.replacement) - (e.end - e.start) for e in edits if e.end <= place)


def _rewrite(
    sentence: Sentence, edits: list[Edit], operators: Sequence[Operator], analyzer: Analyzer | None
) -> Sentence | Rejection:
    """Analyse one sentence again and compare; the result stands by itself."""
    start = sentence.start
    inside = [Edit(e.start - start, e.end - start, e.replacement, e.rule) for e in edits]
    text = apply_edits(sentence.text, inside)
    found = analyze(text, analyzer=analyzer)
    places = realign(sentence.morphemes, found, edits, start=start)
    if places is None:
        return Rejection.ELSEWHERE
    for edit, place in zip(edits, places, strict=True):
        if not _meant(edit, place, operators):
            return Rejection.UNINTENDED
    return Sentence(text, 0, found)


def _meant(edit: Edit, found: Sequence[Morpheme], operators: Sequence[Operator]) -> bool:
    for operator in operators:
        if len(operators) == 1 or edit.rule.startswith(operator.name):
            return operator.intended(edit, found)
    return False


def _one_register(
    passage: Passage,
    touched: Mapping[int, Sequence[Edit]],
    rewritten: Mapping[int, Sentence],
    operators: Sequence[Operator],
) -> bool:
    """Whether the outcome has one style: the source's, or another where an operator changes it."""
    kept = all(operator.keeps_register for operator in operators)
    if kept and not any(_shows_other(s, passage.sentences[i]) for i, s in rewritten.items()):
        return passage.style is not Register.MIXED
    styles = list(passage.styles)
    for index, sentence in rewritten.items():
        protected = _protected_after(passage, passage.sentences[index], touched[index])
        styles[index] = sentence_style(sentence, predicates(sentence, protected=protected))
    style = style_of_text(styles)
    if style is Register.MIXED:
        return False
    return (style is passage.style) == kept


def _shows_other(after: Sentence, before: Sentence) -> bool:
    """Whether words that show a style came or went."""
    return _style_words(after) != _style_words(before)


def _style_words(sentence: Sentence) -> list[str]:
    return [m.orth_base for m in sentence.morphemes if m.orth_base in _STYLE_WORDS]


_STYLE_WORDS = frozenset({"です", "ます", "だ", "ある", "ください", "くださる", "なさる", "ござる"})


def _protected_after(
    passage: Passage, sentence: Sentence, edits: Sequence[Edit]
) -> list[tuple[int, int]]:
    """Where the protected spans of a sentence are after edits, which touch none of them."""
    moved = []
    for start, end in passage.protected_in(sentence.start, sentence.end):
        by = _shift(edits, start) - sentence.start
        moved.append((start + by, end + by))
    return moved
