"""What an operator is: one way to say a text differently, with a declaration of what that does.

An operator proposes; it never decides. `migaki.linguistics.augment` chooses among the proposals, and
`migaki.linguistics.verification` analyses each outcome again before anyone sees it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from migaki.linguistics.analyzer import Analyzer, analyze_sentences
from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme, Sentence

__all__ = ["EditSet", "Meaning", "Operator", "Passage", "Use", "known_words"]


class Meaning(StrEnum):
    """Whether the outcome says what the source said."""

    KEPT = "kept"
    CHANGED = "changed"


class Use(StrEnum):
    """What the outcome may be used for."""

    TRAIN = "train"  # as good Japanese, instead of its source or beside it
    REJECTED = "rejected"  # as the rejected side of a preference pair
    EVALUATION = "evaluation"  # as one side of a minimal pair


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its sentences analysed; all offsets count in `text`.

    Attributes:
        text: The whole text.
        sentences: Its sentences in order, each with its morphemes.
    """

    text: str
    sentences: tuple[Sentence, ...]

    @classmethod
    def of(cls, text: str, *, analyzer: Analyzer | None = None) -> Passage:
        """Analyse a text, once for all operators.

        Raises:
            MissingExtraError: no analyser is given and fugashi is not installed.

        Example:
            >>> [s.text for s in Passage.of("雨だ。傘がない。").sentences]
            ['雨だ。', '傘がない。']
        """
        return cls(text, tuple(analyze_sentences(text, analyzer=analyzer)))


EditSet = list[Edit]
"""Edits that are carried out together, or not at all."""


def known_words(edit: Edit, morphemes: Sequence[Morpheme]) -> bool:
    """Whether what an edit wrote consists of words of the dictionary: the least an outcome must be.

    Args:
        edit: The edit carried out.
        morphemes: What the analyser finds in the place of its replacement.
    """
    return all(morpheme.known for morpheme in morphemes)


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to say a text differently.

    Attributes:
        name: Dotted and unique, its family first: ``verbs.politeness``, ``particles.omission``.
        family: verbs, adjectives, adverbs, nouns or particles.
        meaning: Whether the meaning is kept.
        grammatical: Whether the outcome is grammatical in its register.
        use: What the outcome may be used for.
        description: One line for reports, with an example: ``とても → すごく, in casual text only``.
        propose: Finds candidate edit sets in a passage; each is carried out whole. Must be a function
            of the passage and of the random generator alone, and must not change the passage.
        intended: Whether the morphemes found in the place of an edit are those that were meant;
            called for each edit of a grammatical outcome after it was analysed again.
    """

    name: str
    family: str
    meaning: Meaning
    grammatical: bool
    use: Use
    description: str
    propose: Callable[[Passage, random.Random], list[EditSet]]
    intended: Callable[[Edit, Sequence[Morpheme]], bool] = known_words
