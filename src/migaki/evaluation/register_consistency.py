"""Is a text polite (です・ます) or plain (だ・する)? How its sentences end, counted over answers.

A thin face on `migaki.linguistics.register`: each sentence has the style of its last main clause, and
what carries it is the mark that a report highlights. A sentence that carries no style is *other*: no
Japanese, a noun at the end (体言止め), code, most list items. How often that agrees with human labels is
measured by `python benchmarks/register_rule.py` and recorded in `docs/results/register-rule.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from migaki.linguistics.analyzer import analyze_sentences
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register.detection import ClauseRegister, SentenceRegister, detect_sentence
from migaki.linguistics.sentences import CLOSING, TERMINATORS

__all__ = [
    "EndingRegister",
    "RegisterCounts",
    "SentenceEnding",
    "classify_sentence",
    "count_registers",
    "find_endings",
]


class EndingRegister(StrEnum):
    """What the end of a sentence says about its register."""

    POLITE = "polite"
    PLAIN = "plain"
    OTHER = "other"


_ENDINGS = {
    Register.POLITE: EndingRegister.POLITE,
    Register.PLAIN: EndingRegister.PLAIN,
    Register.DEARU: EndingRegister.PLAIN,
}


@dataclass(frozen=True, slots=True)
class SentenceEnding:
    """A sentence and the piece of the text that decided its register.

    ``text[start:end]`` is the sentence, ``text[mark_start:mark_end]`` the ending with the particles
    after it; the mark is empty where the register is *other*.
    """

    start: int
    end: int
    mark_start: int
    mark_end: int
    register: EndingRegister


@dataclass(frozen=True, slots=True)
class RegisterCounts:
    """How many sentences ended in which way."""

    polite: int = 0
    plain: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        """All sentences."""
        return self.polite + self.plain + self.other

    @property
    def polite_share(self) -> float | None:
        """Polite sentences among *all* sentences, 0–1; None where there is no sentence.

        What cannot be classed counts in the denominator, so that noise is not taken for politeness.
        """
        return self.polite / self.total if self.total else None

    def __add__(self, other: RegisterCounts) -> RegisterCounts:
        return RegisterCounts(
            self.polite + other.polite, self.plain + other.plain, self.other + other.other
        )


def classify_sentence(sentence: str) -> EndingRegister:
    """Tell the register of one sentence by its ending.

    Example:
        >>> for s in ["駅まで歩きますよね？", "駅まで歩くよ！", "徒歩十分の駅。", "彼を励ます。", "そうなんだって（笑）"]:
        ...     print(s, classify_sentence(s).value)
        駅まで歩きますよね？ polite
        駅まで歩くよ！ plain
        徒歩十分の駅。 other
        彼を励ます。 plain
        そうなんだって（笑） plain
    """
    endings = find_endings(sentence)
    return endings[-1].register if endings else EndingRegister.OTHER


def find_endings(text: str, *, cut: bool = False) -> list[SentenceEnding]:
    """Find the sentences of a text with the register of each.

    Args:
        text: Any text.
        cut: The text was cut off at a length limit: a last sentence without its mark is left out,
            because its ending was never written.

    Raises:
        MissingExtraError: the analyser is not installed.

    Example:
        >>> text = "雨ですね。傘を持っていこう。いえ、あり"
        >>> [(text[e.mark_start:e.mark_end], e.register.value) for e in find_endings(text, cut=True)]
        [('ですね', 'polite'), ('いこう', 'plain')]
    """
    written = len(text.rstrip(" 　"))
    sentences = analyze_sentences(text)
    unfinished = cut and written and text[written - 1] not in TERMINATORS + CLOSING
    if unfinished and sentences and sentences[-1].end == written:
        sentences.pop()
    return [_ending(detect_sentence(sentence)) for sentence in sentences]


def count_registers(texts: Iterable[str]) -> RegisterCounts:
    """Count sentence endings over texts.

    Example:
        >>> count_registers(["行きます。来ますか。", "行くよ。", "了解"])
        RegisterCounts(polite=2, plain=1, other=1)
    """
    found = [ending.register for text in texts for ending in find_endings(text)]
    return RegisterCounts(*(found.count(register) for register in EndingRegister))


def _ending(sentence: SentenceRegister) -> SentenceEnding:
    """The last clause that decides, if it carries a style."""
    for clause in reversed(sentence.clauses):
        register = _ENDINGS.get(clause.style)
        if clause.decides and register is not None:
            return SentenceEnding(
                sentence.start, sentence.end, _mark_start(clause), clause.end, register
            )
    return SentenceEnding(
        sentence.start, sentence.end, sentence.end, sentence.end, EndingRegister.OTHER
    )


def _mark_start(clause: ClauseRegister) -> int:
    return min(mark.start for mark in clause.marks if mark.name == "style")
