"""Filters that look for what is said again and again."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.measures import Measures, measure
from migaki.corpus.cleaning.rejecting import STRICT, Fault, compared, reject, reject_body
from migaki.corpus.documents import Document, Outcome

__all__ = ["CharacterRuns", "FrequentNgrams", "RepeatedLines", "RepeatedNgrams"]

_Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(config=STRICT, frozen=True, kw_only=True)
class RepeatedLines:
    """Rejects text whose lines or sentences stand there twice and more.

    30 % of the lines or sentences, 20 % counted in characters: Swallow v1, after Gopher (Rae et al.
    2021, table A1).

    Example:
        >>> page = Document("今すぐ登録。\\n今すぐ登録。\\n猫がいる。", id="a:1", source="a", licence="CC0-1.0")
        >>> RepeatedLines()(page).detail
        'repeated lines 0.333 > 0.300'
    """

    name: ClassVar[str] = "repeated_lines"
    reasons: ClassVar[tuple[str, ...]] = ("repeated_lines", "repeated_sentences")

    max_lines: _Share = 0.3
    """Lines that stood before."""
    max_sentences: _Share = 0.3
    """Sentences that stood before."""
    max_in_characters: _Share = 0.2
    """Characters in lines, and in sentences, that stood before."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        return reject_body(document, self, self._fault)

    def _fault(self, measures: Measures) -> Fault:
        limit = self.max_in_characters
        for reason, share, most, what in (
            ("repeated_lines", measures.repeated_lines, self.max_lines, "lines"),
            ("repeated_sentences", measures.repeated_sentences, self.max_sentences, "sentences"),
            ("repeated_lines", measures.repeated_lines_in_characters, limit, "lines, in characters,"),
            ("repeated_sentences", measures.repeated_sentences_in_characters, limit, "sentences, in characters,"),
        ):  # fmt: skip
            if share > most:
                return reason, f"repeated {what} {compared(share, '>', most)}"
        return None


@dataclass(config=STRICT, frozen=True, kw_only=True)
class RepeatedNgrams:
    """Rejects text that uses few and the same strings of characters.

    The most frequent 2-, 3- and 4-gram, and the 5- to 10-grams that stand more than once: Swallow v1.
    Made for web pages: the share of repeated n-grams grows with the length of a text, whatever it is;
    for books and long articles see `FrequentNgrams`.

    Example:
        >>> page = Document("激安激安激安激安販売中！", id="a:1", source="a", licence="CC0-1.0")
        >>> RepeatedNgrams()(page).detail
        'the most frequent 2-gram, of all: 0.364 > 0.200'
    """

    name: ClassVar[str] = "repeated_ngrams"
    reasons: ClassVar[tuple[str, ...]] = ("one_phrase", "repeated_phrases")

    max_top: Annotated[tuple[_Share, ...], Field(min_length=3, max_length=3)] = (0.20, 0.18, 0.16)
    """How much of all 2-, 3- and 4-grams the most frequent one may be."""
    max_repeated: Annotated[tuple[_Share, ...], Field(min_length=6, max_length=6)] = (
        0.15, 0.14, 0.13, 0.12, 0.11, 0.10,
    )  # fmt: skip
    """How many of the different 5-, 6- … 10-grams may stand more than once."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        return reject_body(document, self, self._fault)

    def _fault(self, measures: Measures) -> Fault:
        for size, most in enumerate(self.max_top, start=2):
            share = measures.top_ngram_share(size)
            if share > most:
                detail = f"the most frequent {size}-gram, of all: {compared(share, '>', most)}"
                return "one_phrase", detail
            if share <= min(self.max_top):
                break  # a longer n-gram is never more frequent
        for size, most in enumerate(self.max_repeated, start=5):
            share = measures.repeated_ngram_share(size)
            if share > most:
                detail = f"{size}-grams that stand more than once {compared(share, '>', most)}"
                return "repeated_phrases", detail
            if measures.most_repeated_longer(size) <= min(self.max_repeated):
                break
        return None


@dataclass(config=STRICT, frozen=True, kw_only=True)
class FrequentNgrams:
    """Rejects text whose few most frequent 5-grams make up much of it; for texts of any length.

    0.33: HojiChar's `CharRepetitionRatioFilter`, after BigScience.

    Example:
        >>> page = Document("お買い得！" * 20, id="a:1", source="a", licence="CC0-1.0")
        >>> FrequentNgrams()(page).reason
        'frequent_phrases'
    """

    name: ClassVar[str] = "frequent_ngrams"
    reasons: ClassVar[tuple[str, ...]] = ("frequent_phrases",)

    max_share: _Share = 0.33
    """How much of all 5-grams the √n most frequent of n different ones may be."""
    min_characters: Annotated[int, Field(ge=0)] = 100
    """Shorter texts are not judged: a few repeated words are much of them."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        if len(document.text) < self.min_characters:
            return document
        return reject_body(document, self, self._fault)

    def _fault(self, measures: Measures) -> Fault:
        share = measures.frequent_ngram_share
        if share < self.max_share:
            return None
        return (
            "frequent_phrases",
            f"frequent 5-grams, of all: {compared(share, '≥', self.max_share)}",
        )


@dataclass(config=STRICT, frozen=True, kw_only=True)
class CharacterRuns:
    r"""Rejects text with one character many times on end.

    200: HojiChar's `SingleCharacterRepetitionFilter`, after BigScience, who met 2 million backslashes
    in OSCAR. White space is not counted: it is layout, and `Normalization` leaves it.

    Example:
        >>> page = Document("あ" * 300, id="a:1", source="a", licence="CC0-1.0")
        >>> CharacterRuns()(page).detail
        "'あ' 300 times on end ≥ 200"
    """

    name: ClassVar[str] = "character_runs"
    reasons: ClassVar[tuple[str, ...]] = ("character_run",)

    max_run: Annotated[int, Field(ge=2)] = 200
    """So many of one character on end reject."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        length, char = measure(document.text).longest_run
        if length >= self.max_run:
            detail = f"{char!r} {length:,} times on end ≥ {self.max_run}"
            return reject(document, self, "character_run", detail)
        return document
