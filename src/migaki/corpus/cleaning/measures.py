"""What the filters measure of a text, each figure worked out once and only when a filter asks.

Several filters look at the same sentences, lines and n-grams. `measure` keeps the measures of the last
texts, so that a pass of filters over one document counts nothing twice.

The definitions are those of the Swallow corpus, version 1 (Okazaki et al. 2024, arXiv 2404.17733;
`quality.py`, MIT), whose thresholds the filters use, except where a docstring says otherwise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from migaki.corpus.cleaning.characters import CodePoints, code_points, count_scripts
from migaki.corpus.cleaning.prose import prose_of, without_references
from migaki.linguistics.script import Script

__all__ = ["Measures", "measure"]

_SENTENCE = re.compile(r"[^。．！？!?\n]+[。．！？!?]*")
_ELLIPSIS = ("…", "‥", "・・", "...", "。。")
_LINE_ENDS = ("。", "．", "！", "？", "!", "?", ".", "…", "」", "』", "）", ")", "♪")
_LONGEST_NGRAM = 10
_KATAKANA_RUN = re.compile("[ァ-ヴー]+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: multiplying loses nothing


@lru_cache(maxsize=4)
def measure(text: str) -> Measures:
    """Return the measures of a text; those of the last few texts are kept."""
    return Measures(text)


class Measures:
    """Figures of one text.

    Args:
        text: Any string.

    Example:
        >>> measures = Measures("猫がいる。\\n犬もいる。\\n犬もいる。")
        >>> measures.lines
        ['猫がいる。', '犬もいる。', '犬もいる。']
        >>> round(measures.repeated_lines, 2)
        0.33
    """

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def prose(self) -> Measures:
        """Measures of the text without its code, tags and addresses (`prose_of`)."""
        text = prose_of(self.text)
        return self if text == self.text else Measures(text)

    @cached_property
    def body(self) -> Measures:
        """Measures of the prose without its references, which lack hiragana and repeat names."""
        text = without_references(self.prose.text)
        return self.prose if text == self.prose.text else Measures(text)

    # ── characters ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def points(self) -> CodePoints:
        """Code points."""
        return code_points(self.text)

    @cached_property
    def scripts(self) -> Mapping[Script, int]:
        """Characters of each script."""
        return count_scripts(self.points)

    @cached_property
    def japanese(self) -> int:
        """Kana and kanji."""
        counts = self.scripts
        return counts[Script.HIRAGANA] + counts[Script.KATAKANA] + counts[Script.KANJI]

    @cached_property
    def letters(self) -> int:
        """Letters of every script: kana, kanji, Latin and those of other scripts."""
        return self.japanese + self.scripts[Script.LATIN] + self.scripts[Script.OTHER]

    @cached_property
    def japanese_ratio(self) -> float:
        """Kana and kanji per letter, 0–1.

        Swallow divides by all characters, line ends and figures too; so a table of figures is less
        Japanese there. See `linguistics.script.japanese_ratio`.
        """
        return _share(self.japanese, self.letters)

    @cached_property
    def hiragana_share(self) -> float:
        """Hiragana per kana and kanji, 0–1."""
        return _share(self.scripts[Script.HIRAGANA], self.japanese)

    @cached_property
    def katakana_share(self) -> float:
        """Katakana per kana and kanji, 0–1."""
        return _share(self.scripts[Script.KATAKANA], self.japanese)

    @cached_property
    def symbol_share(self) -> float:
        """Marks and symbols per character that is no white space, 0–1."""
        visible = len(self.points) - self.scripts[Script.SPACE]
        return _share(self.scripts[Script.SYMBOL], visible)

    @cached_property
    def longest_run(self) -> tuple[int, str]:
        """Length of the longest run of one character that is no white space, and the character."""
        if not self.text:
            return 0, ""
        points = self.points
        starts = np.concatenate(([0], np.flatnonzero(points[1:] != points[:-1]) + 1))
        lengths = np.diff(np.append(starts, len(points)))
        while (longest := int(lengths.max())) > 0:
            place = int(lengths.argmax())
            char = chr(points[starts[place]])
            if not char.isspace():
                return longest, char
            lengths[points[starts] == points[starts[place]]] = 0
        return 0, ""

    @cached_property
    def katakana_runs(self) -> Counter[str]:
        """Stretches of katakana, whole: アスパラ is one, and holds no アス."""
        return Counter(_KATAKANA_RUN.findall(self.text))

    # ── lines and sentences ──────────────────────────────────────────────────────────────────────

    @cached_property
    def lines(self) -> Sequence[str]:
        """Lines that are not blank, without the white space around them."""
        stripped = map(str.strip, self.text.split("\n"))
        return [line for line in stripped if line]

    @cached_property
    def sentences(self) -> Sequence[str]:
        """Pieces up to 。．！？ or a line end; brackets are not looked at, as in Swallow."""
        stripped = map(str.strip, _SENTENCE.findall(self.text))
        return [sentence for sentence in stripped if sentence]

    @cached_property
    def average_sentence_length(self) -> float:
        """Characters a sentence."""
        return _share(sum(map(len, self.sentences)), len(self.sentences))

    @cached_property
    def longest_sentence(self) -> int:
        """Characters of the longest sentence."""
        return max(map(len, self.sentences), default=0)

    @cached_property
    def ellipsis_share(self) -> float:
        """Sentences that end in an ellipsis (…, ..., ・・), 0–1.

        The marks are taken with the sentence, and 。。 counts too; Swallow counts … and a lone ・.
        """
        broken_off = sum(line.endswith(_ELLIPSIS) for line in self.sentences)
        return _share(broken_off, len(self.sentences))

    @cached_property
    def finished_line_share(self) -> float:
        """Lines that end as a sentence does, 0–1: in 。！？… or a closing bracket."""
        return _share(sum(line.endswith(_LINE_ENDS) for line in self.lines), len(self.lines))

    def short_line_share(self, characters: int) -> float:
        """Lines of at most so many characters, 0–1; blank lines are no lines.

        HojiChar's `DiscardTooShortLines` counts blank lines as short ones, and so rejects text whose
        paragraphs are set apart by them.
        """
        return _share(sum(len(line) <= characters for line in self.lines), len(self.lines))

    # ── repetition ───────────────────────────────────────────────────────────────────────────────

    @cached_property
    def repeated_lines(self) -> float:
        """Lines that stood before, 0–1."""
        return _repeated(self.lines)

    @cached_property
    def repeated_sentences(self) -> float:
        """Sentences that stood before, 0–1."""
        return _repeated(self.sentences)

    @cached_property
    def repeated_lines_in_characters(self) -> float:
        """Characters in lines that stood before, 0–1."""
        return _repeated_characters(self.lines)

    @cached_property
    def repeated_sentences_in_characters(self) -> float:
        """Characters in sentences that stood before, 0–1."""
        return _repeated_characters(self.sentences)

    def top_ngram_share(self, size: int) -> float:
        """How much of all n-grams the most frequent one is, 0–1."""
        counts = self._ngrams.counts(size)
        return _share(int(counts.max(initial=0)), len(self.points) - size + 1)

    def repeated_ngram_share(self, size: int) -> float:
        """Different n-grams that stand more than once, per different n-gram, 0–1."""
        counts = self._ngrams.counts(size)
        return _share(int((counts > 1).sum()), len(counts))

    def most_repeated_longer(self, size: int) -> float:
        """Bound of `repeated_ngram_share` for every longer n-gram, at little cost.

        A longer n-gram stands more than once only where its beginning does, and takes two places at
        least; and there are as many different ones as of its beginnings, but for those at the end.
        """
        counts = self._ngrams.counts(size)
        places = int(counts[counts > 1].sum())
        different = len(counts) - _LONGEST_NGRAM
        return places / 2 / different if different > 0 else 1.0

    @cached_property
    def frequent_ngram_share(self) -> float:
        """How much of all 5-grams the √n most frequent of n different ones are, 0–1.

        BigScience's character repetition ratio, as HojiChar's `CharRepetitionRatioFilter` has it; the
        root keeps long documents from being told repetitive for their length.
        """
        counts = self._ngrams.counts(5)
        repeated = counts[counts > 1]
        taken = min(int(len(counts) ** 0.5), len(repeated))
        if not taken:
            return 0.0
        top = np.partition(repeated, len(repeated) - taken)[len(repeated) - taken :]
        return _share(int(top.sum()), int(counts.sum()))

    @cached_property
    def _ngrams(self) -> _NgramCounts:
        return _NgramCounts(self.points)


class _NgramCounts:
    """How often each different n-gram of a text stands in it.

    N-grams are told apart by 64-bit products; two different ones fall together once in 2^64 pairs.
    """

    def __init__(self, points: CodePoints) -> None:
        self._points = points.astype(np.uint64)
        self._counts: dict[int, NDArray[np.int64]] = {}

    def counts(self, size: int) -> NDArray[np.int64]:
        """Return how often each different n-gram stands, in no order."""
        if size not in self._counts:
            self._counts[size] = _run_lengths(np.sort(self._hashes(size)))
        return self._counts[size]

    def _hashes(self, size: int) -> NDArray[np.uint64]:
        count = max(0, len(self._points) - size + 1)
        total = self._points[:count].copy()
        for offset in range(1, size):
            total *= _MULTIPLIER
            total += self._points[offset : offset + count]
        return total


def _run_lengths(ordered: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how often each value of a sorted array stands in it."""
    if not len(ordered):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.diff(np.concatenate(([0], starts, [len(ordered)])))


def _repeated(pieces: Sequence[str]) -> float:
    return _share(len(pieces) - len(set(pieces)), len(pieces))


def _repeated_characters(pieces: Sequence[str]) -> float:
    total = sum(map(len, pieces))
    return _share(total - sum(map(len, set(pieces))), total)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
