"""What an operator is: one way to say a text differently, with a declaration of what that does.

An operator proposes; it never decides. `migaki.linguistics.augment` chooses among the proposals, and
`migaki.linguistics.verification` analyses each outcome again before anyone sees it.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from migaki.linguistics.analyzer import Analyzer, analyze_sentences
from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme, Register, Sentence
from migaki.linguistics.operators.tone import Tone, tone_of
from migaki.linguistics.predicates import Predicate, predicates
from migaki.linguistics.protection import overlaps, protected_spans
from migaki.linguistics.register.sentence_style import SentenceStyle, sentence_style, style_of_text

__all__ = [
    "LONGEST_SENTENCE_CHARS",
    "EditSet",
    "Meaning",
    "Operator",
    "Passage",
    "Propose",
    "Tone",
    "Use",
    "known_words",
    "shuffled",
]


LONGEST_SENTENCE_CHARS = 1_000


class Meaning(StrEnum):
    """Whether the outcome says what the source said."""

    KEPT = "kept"
    CHANGED = "changed"


class Use(StrEnum):
    """What the outcome may be used for."""

    TRAIN = "train"  # as good Japanese, instead of its source or beside it
    REJECTED = "rejected"  # as the rejected side of a preference pair
    EVALUATION = "evaluation"  # as one side of a minimal pair


def _start_of(span: tuple[int, int]) -> int:
    return span[0]


def _end_of(span: tuple[int, int]) -> int:
    return span[1]


@dataclass(frozen=True)
class Passage:
    """A text with its sentences analysed; all offsets count in `text`.

    What operators ask again and again is found once, when it is first asked for.

    Attributes:
        text: The whole text.
        sentences: Its sentences in order, each with its morphemes; what is too long for a sentence
            (`LONGEST_SENTENCE_CHARS`) is data, and left out.
        analyzer: What found the morphemes; None for the default.
    """

    text: str
    sentences: tuple[Sentence, ...]
    analyzer: Analyzer | None = None

    @classmethod
    def of(cls, text: str, *, analyzer: Analyzer | None = None) -> Passage:
        """Analyse a text, once for all operators.

        Raises:
            MissingExtraError: no analyser is given and fugashi is not installed.

        Example:
            >>> passage = Passage.of("雨だ。傘がないよ。")
            >>> [s.text for s in passage.sentences], passage.tone.value
            (['雨だ。', '傘がないよ。'], 'casual')
        """
        found = analyze_sentences(text, analyzer=analyzer)
        sentences = tuple(s for s in found if len(s.text) <= LONGEST_SENTENCE_CHARS)
        return cls(text, sentences, analyzer)

    @cached_property
    def words(self) -> frozenset[str]:
        """Surfaces and dictionary forms of all morphemes: what an operator's anchors are looked up in."""
        morphemes = [m for sentence in self.sentences for m in sentence.morphemes]
        return frozenset([m.surface for m in morphemes]).union([m.orth_base for m in morphemes])

    @cached_property
    def styles(self) -> tuple[SentenceStyle, ...]:
        """The style of each sentence."""
        return tuple(sentence_style(s, self.predicates[s.start]) for s in self.sentences)

    @cached_property
    def predicates(self) -> dict[int, list[Predicate]]:
        """The predicates of each sentence, by the offset of the sentence."""
        return {
            s.start: predicates(s, protected=self.protected_in(s.start, s.end))
            for s in self.sentences
        }

    @cached_property
    def style(self) -> Register:
        """The style of the text as a whole: PLAIN, POLITE, DEARU, MIXED or NONE."""
        return style_of_text(self.styles)

    @cached_property
    def tone(self) -> Tone:
        """The style, with casual talk told from plain writing: what an operator's conditions name."""
        return tone_of(self.style, self.sentences)

    @cached_property
    def protected(self) -> list[tuple[int, int]]:
        """Sorted spans that no edit may touch: quotes, code, addresses, names, set phrases."""
        morphemes = [m for sentence in self.sentences for m in sentence.morphemes]
        return protected_spans(self.text, morphemes)

    def is_protected(self, start: int, end: int) -> bool:
        """Whether an edit of ``text[start:end]`` would touch what is protected."""
        spans = self.protected
        if not spans:
            return False
        first = bisect_right(spans, start, key=_end_of)
        return overlaps(start, end, spans[first : first + 1])

    def protected_in(self, start: int, end: int) -> list[tuple[int, int]]:
        """The protected spans that share a character with ``text[start:end]``."""
        spans = self.protected
        first = bisect_right(spans, start, key=_end_of)
        return spans[first : bisect_left(spans, end, lo=first, key=_start_of)]


EditSet = list[Edit]
"""Edits that are carried out together, or not at all."""

Propose = Callable[[Passage, random.Random], list[EditSet]]
"""Finds candidate edit sets in a passage."""


def shuffled(found: list[EditSet], rng: random.Random) -> list[EditSet]:
    """The proposals in an order of chance: which comes first is tried first."""
    if len(found) > 1:  # most often there is none, and to shuffle that takes its time
        rng.shuffle(found)
    return found


def known_words(edit: Edit, morphemes: Sequence[Morpheme]) -> bool:
    """Whether what an edit wrote consists of words of the dictionary: the least an outcome must be.

    Args:
        edit: The edit carried out.
        morphemes: What the analyser finds in the place of its replacement.
    """
    return all(morpheme.known for morpheme in morphemes)


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to say a text differently; what it does not declare is as an outcome for training is.

    Attributes:
        name: Dotted and unique, its family first: ``verbs.politeness``, ``particles.omission``.
        description: One line for reports, with an example: ``とても → すごく, in casual text only``.
        propose: Finds candidate edit sets in a passage; each is carried out whole. Must be a function
            of the passage and of the random generator alone, and must not change the passage.
        meaning: Whether the meaning is kept.
        grammatical: Whether the outcome is grammatical in its register.
        use: What the outcome may be used for.
        intended: Whether the morphemes found in the place of an edit are those that were meant;
            called for each edit of a grammatical outcome after it was analysed again.
        anchors: Surfaces or dictionary forms one of which a passage must have for the operator to
            propose anything; empty if there are none. It saves asking in vain.
        keeps_register: Whether the register stays; otherwise the whole text changes to another one.
    """

    name: str
    description: str
    propose: Propose
    meaning: Meaning = Meaning.KEPT
    grammatical: bool = True
    use: Use = Use.TRAIN
    intended: Callable[[Edit, Sequence[Morpheme]], bool] = known_words
    anchors: frozenset[str] = frozenset()
    keeps_register: bool = True

    @property
    def family(self) -> str:
        """verbs, adjectives, adverbs, nouns or particles."""
        return self.name.partition(".")[0]

    def restricted(self, allows: Callable[[EditSet, Passage], bool]) -> Operator:
        """The operator that proposes what is allowed, and nothing else."""

        def propose(passage: Passage, rng: random.Random) -> list[EditSet]:
            return [edits for edits in self.propose(passage, rng) if allows(edits, passage)]

        return replace(self, propose=propose)
