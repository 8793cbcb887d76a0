"""Is a text polite (です・ます) or plain (だ・する)? A simple rule on how its sentences end.

1. Text is cut at 。！？!? and at line ends, but not inside 「」『』（）() and the like. A ``` fence is one
   sentence.
2. Marks, brackets, emoji and （笑） are taken off the end of a sentence.
3. The rest is compared with the endings of `endings.tsv`, the longest first. Where none fits, or one
   fits before it, a sentence-final particle (よ ね な か けど から …) is taken off, and 3 is done again.

A sentence that fits nothing is *other*: no Japanese, a noun at the end (体言止め), code, most list items. The
rule knows no grammar: a noun in kana that ends like a verb is taken for plain. On rows it was not
developed on it agrees with human labels on 90.7 % of KeiCO and 96.6 % of CoCoA-MT:
`python benchmarks/register_rule.py`, recorded with its errors in `docs/results/register-rule.md`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources

from migaki.linguistics.sentences import CLOSING, FENCE, TERMINATORS, sentence_spans

__all__ = [
    "EndingRegister",
    "RegisterCounts",
    "SentenceEnding",
    "classify_sentence",
    "count_registers",
    "find_endings",
]

_LONGEST_ENDING = 8
_CODE_END = re.compile(r"""['"`]\s*[)\]};,]+\s*$""")
_ASIDE = re.compile(r"[（(](?:笑|苦笑|爆笑|泣|汗|涙|w+)[)）]$")
_LAUGH = re.compile(r"(?<=[\u3040-\u30ff\u4e00-\u9fff。！？!?ー〜])[wWｗ笑]+$")
_LONG = re.compile(r"[ー〜～っッぁぃぅぇぉァィゥェォ]+$")
_JAPANESE = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff]")


class EndingRegister(StrEnum):
    """What the end of a sentence says about its register."""

    POLITE = "polite"
    PLAIN = "plain"
    OTHER = "other"


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
    return _find_mark(sentence)[2]


def find_endings(text: str, *, cut: bool = False) -> list[SentenceEnding]:
    """Find the sentences of a text with the register of each.

    Args:
        text: Any text.
        cut: The text was cut off at a length limit: a last sentence without its mark is left out,
            because its ending was never written.

    Example:
        >>> text = "雨ですね。傘を持っていこう。いえ、あり"
        >>> [(text[e.mark_start:e.mark_end], e.register.value) for e in find_endings(text, cut=True)]
        [('ですね', 'polite'), ('う', 'plain')]
    """
    endings = []
    for start, end in sentence_spans(text):
        if cut and end == len(text.rstrip(" 　")) and text[end - 1] not in TERMINATORS + CLOSING:
            continue
        mark_start, mark_end, register = _find_mark(text[start:end])
        endings.append(SentenceEnding(start, end, start + mark_start, start + mark_end, register))
    return endings


def count_registers(texts: Iterable[str]) -> RegisterCounts:
    """Count sentence endings over texts.

    Example:
        >>> count_registers(["行きます。来ますか。", "行くよ。", "了解"])
        RegisterCounts(polite=2, plain=1, other=1)
    """
    found = [ending.register for text in texts for ending in find_endings(text)]
    return RegisterCounts(*(found.count(register) for register in EndingRegister))


def _find_mark(sentence: str) -> tuple[int, int, EndingRegister]:
    """Return (start, end, register) of the deciding ending within ``sentence``."""
    table = _table()
    body = _without_marks(sentence)
    end = len(body)
    nothing = (end, end, EndingRegister.OTHER)
    if sentence.startswith(FENCE) or _CODE_END.search(sentence):
        return nothing
    if not _JAPANESE.search(body) or body in table.whole:
        return nothing
    while body:
        ending = _longest(body, table.deciding)
        particle = _longest(body, table.particles)
        if particle and len(particle) >= len(ending):
            shorter = _LONG.sub("", body[: -len(particle)].rstrip("、, 　"))
            # 飲んで is a request, ですんで gives a reason: a particle only if an ending is before it.
            if not ending or _longest(shorter, table.deciding):
                body = shorter
                continue
        if ending:
            register = table.deciding[ending]
            found = (len(body) - len(ending), end, register)
            return nothing if register is EndingRegister.OTHER else found
        shorter = _LONG.sub("", body)
        if shorter == body:
            break
        body = shorter
    return nothing


def _longest(body: str, endings: Container[str]) -> str:
    for length in range(min(len(body), _LONGEST_ENDING), 0, -1):
        if body[-length:] in endings:
            return body[-length:]
    return ""


def _without_marks(sentence: str) -> str:
    """Take punctuation, brackets, symbols, emoji and laughter off the end."""
    while True:
        shorter = _LAUGH.sub("", _ASIDE.sub("", sentence))
        while shorter and unicodedata.category(shorter[-1])[0] in "PSZCM":
            if _ASIDE.search(shorter):
                break
            shorter = shorter[:-1]
        if shorter == sentence:
            return sentence
        sentence = shorter


@dataclass(frozen=True, slots=True)
class _Table:
    whole: frozenset[str]
    particles: frozenset[str]
    deciding: dict[str, EndingRegister]


@lru_cache(maxsize=1)
def _table() -> _Table:
    lines = resources.files(__package__).joinpath("endings.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return _Table(
        whole=frozenset(row[1] for row in rows if row[0] == "whole"),
        particles=frozenset(row[1] for row in rows if row[0] == "particle"),
        deciding={r[1]: EndingRegister(r[0]) for r in rows if r[0] not in ("whole", "particle")},
    )
