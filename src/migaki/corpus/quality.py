"""How good a text is to learn from, as figures between 0 and 1 that anybody can check.

No model judges here. The figures are those in which bad Japanese training texts differ from good ones;
their mean is the quality of `migaki.corpus.selection`. A text with one of the faults is not taken at all.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from migaki.corpus.cleaning.measures import Measures, measure
from migaki.corpus.folding import fold
from migaki.corpus.ngrams import ngram_hashes
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register import detect

__all__ = ["Quality", "judge"]

_SHORTEST = 20
_LEAST_JAPANESE = 0.5
_LEAST_HIRAGANA = 0.2
_MOST_REPEATED = 0.3
_LOOKED_AT = 2000
_REGISTER_LOOKED_AT = 400
_LONG_ENOUGH = 400
_FINISHED = re.compile(r"""[。．.！!？?」』）)】\]`:：…♪～〜☆]\s*$""")


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one text, each 0 (bad) to 1."""

    japanese: float
    """Kana and kanji per letter."""
    variety: float
    """Different character 5-grams per 5-gram of the first 2,000 folded characters."""
    consistency: float
    """1 where the register is one throughout, 0.5 where it is mixed."""
    completeness: float
    """1 where the text ends as a sentence does, 0.5 where it breaks off."""
    substance: float
    """Logarithm of the length, 1 from 400 folded characters on: of instruction sets, the longest
    answers alone are a selection that is hard to beat (Zhao et al. 2024, arXiv 2402.04833)."""
    register: Register
    """The register of the first 400 characters."""
    fault: str = ""
    """Why the text is not taken at all; empty where it may be."""

    @property
    def score(self) -> float:
        """The mean of the five figures."""
        return (
            self.japanese + self.variety + self.consistency + self.completeness + self.substance
        ) / 5

    def to_json(self) -> dict[str, float]:
        """Return the figures with three digits."""
        return {
            "japanese": round(self.japanese, 3),
            "variety": round(self.variety, 3),
            "consistency": self.consistency,
            "completeness": self.completeness,
            "substance": round(self.substance, 3),
        }


def judge(text: str, *, shortest: int = _SHORTEST) -> Quality:
    """Measure a text.

    The thresholds of the faults: fewer than 20 folded characters; less than half Japanese letters and
    less than a fifth hiragana (the thresholds of the Swallow corpus, Okazaki et al. 2024, over the figures
    of `migaki.corpus.cleaning.measures`); more than 0.3 of the 5-grams repeated.

    Args:
        text: What the model is to learn to write.
        shortest: Folded characters below which a text is too short.

    Example:
        >>> good = judge("東京は日本の首都です。人口はおよそ一千四百万人で、日本で一番多くの人が住んでいます。")
        >>> good.fault, good.register.value, good.completeness
        ('', 'polite', 1.0)
        >>> judge("買う 買う 買う 買う 買う 買う 買う 買う 買う 買う 買う 買う 買う").fault
        'repetitive'
    """
    folded = fold(text[: 2 * _LOOKED_AT])[:_LOOKED_AT]
    grams = ngram_hashes(folded, 5)
    variety = len(np.unique(grams)) / len(grams) if len(grams) else 1.0
    measures = measure(text)
    register = detect(text[:_REGISTER_LOOKED_AT]).register
    return Quality(
        japanese=measures.japanese_ratio,
        variety=variety,
        consistency=0.5 if register is Register.MIXED else 1.0,
        completeness=1.0 if _FINISHED.search(text) else 0.5,
        substance=min(1.0, math.log1p(len(folded)) / math.log1p(_LONG_ENOUGH)),
        register=register,
        fault=_fault(measures, folded, variety, shortest),
    )


def _fault(measures: Measures, folded: str, variety: float, shortest: int) -> str:
    if len(folded) < shortest:
        return "too_short"
    if variety < 1 - _MOST_REPEATED:
        return "repetitive"
    if measures.japanese_ratio < _LEAST_JAPANESE:
        return "too_little_japanese"
    return "too_little_hiragana" if measures.hiragana_share < _LEAST_HIRAGANA else ""
