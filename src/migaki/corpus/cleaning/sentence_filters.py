"""Filters that look at sentences and lines: how long they are, and how they end."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.measures import measure
from migaki.corpus.cleaning.rejecting import STRICT, compared, reject
from migaki.corpus.documents import Document, Outcome

__all__ = ["Ellipses", "FinishedLines", "SentenceLength", "ShortLines"]

_Share = Annotated[float, Field(ge=0, le=1)]
_Characters = Annotated[int, Field(ge=0)]


@dataclass(config=STRICT, frozen=True, kw_only=True)
class SentenceLength:
    """Rejects word lists (sentences too short) and text without full stops (too long).

    20 to 90 characters on average, none above 200: Swallow v1. The preset ``web`` has 300: of Wikinews and
    Wikipedia articles, no sentence that a person wrote as one was longer (docs/results/corpus-cleaning.md).

    Example:
        >>> menu = Document("ホーム\\n会社案内\\nアクセス\\n", id="a:1", source="a", licence="CC0-1.0")
        >>> SentenceLength()(menu).detail
        '3.7 < 20.0 characters a sentence'
    """

    name: ClassVar[str] = "sentence_length"
    reasons: ClassVar[tuple[str, ...]] = (
        "sentences_too_short",
        "sentences_too_long",
        "a_sentence_too_long",
    )

    min_average: _Characters = 20
    """Characters a sentence, at least."""
    max_average: _Characters | None = 90
    """Characters a sentence, at most; null: no limit."""
    max_longest: _Characters | None = 200
    """Characters of the longest sentence, at most; null: no limit."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        measures = measure(document.text).prose
        average = measures.average_sentence_length
        if average < self.min_average:
            detail = f"{compared(average, '<', self.min_average, decimals=1)} characters a sentence"
            return reject(document, self, "sentences_too_short", detail)
        if self.max_average is not None and average > self.max_average:
            detail = f"{compared(average, '>', self.max_average, decimals=1)} characters a sentence"
            return reject(document, self, "sentences_too_long", detail)
        if self.max_longest is not None and measures.longest_sentence > self.max_longest:
            detail = f"a sentence of {measures.longest_sentence} characters > {self.max_longest}"
            return reject(document, self, "a_sentence_too_long", detail)
        return document


@dataclass(config=STRICT, frozen=True, kw_only=True)
class Ellipses:
    """Rejects lists of teasers: sentences that break off.

    20 % of the sentences: Swallow v1. HojiChar's `DiscardTooManyEndingEllipsis` has 70 % of the lines,
    and divides by line ends, so that a text of one line is never rejected.

    Example:
        >>> page = Document("続きは…\\n実は彼が…\\n昨日見た。\\n", id="a:1", source="a", licence="CC0-1.0")
        >>> Ellipses()(page).detail
        'sentences that break off: 0.667 > 0.200'
    """

    name: ClassVar[str] = "ellipses"
    reasons: ClassVar[tuple[str, ...]] = ("too_many_ellipses",)

    max_share: _Share = 0.2
    """Sentences that end in an ellipsis."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        share = measure(document.text).prose.ellipsis_share
        if share > self.max_share:
            detail = f"sentences that break off: {compared(share, '>', self.max_share)}"
            return reject(document, self, "too_many_ellipses", detail)
        return document


@dataclass(config=STRICT, frozen=True, kw_only=True)
class FinishedLines:
    """Rejects lists of titles and links: hardly a line ends as a sentence does.

    12 % of the lines: FineWeb (Penedo et al. 2024, arXiv 2406.17557; `line_punct_thr`), with the marks of
    Japanese, and closing brackets, which end speech.

    Example:
        >>> page = Document("春の花見特集\\n駅前の新しい店\\n旅先で会った人", id="a:1", source="a", licence="CC0-1.0")
        >>> FinishedLines(min_lines=3)(page).detail
        'lines that end as sentences: 0.000 < 0.120 of 3'
    """

    name: ClassVar[str] = "finished_lines"
    reasons: ClassVar[tuple[str, ...]] = ("unfinished_lines",)

    min_share: _Share = 0.12
    """Lines that end as sentences do."""
    min_lines: Annotated[int, Field(ge=1)] = 5
    """Fewer lines are not judged."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        measures = measure(document.text).prose
        lines = len(measures.lines)
        share = measures.finished_line_share
        if lines >= self.min_lines and share < self.min_share:
            detail = (
                f"lines that end as sentences: {compared(share, '<', self.min_share)} of {lines}"
            )
            return reject(document, self, "unfinished_lines", detail)
        return document


@dataclass(config=STRICT, frozen=True, kw_only=True)
class ShortLines:
    """Rejects menus and link lists: most lines hold a few characters.

    Half of the lines with 10 characters or fewer: HojiChar's `DiscardTooShortLines`, but blank lines
    are not counted as lines.

    Example:
        >>> menu = Document("ホーム\\n会社案内\\n\\nお知らせ\\n", id="a:1", source="a", licence="CC0-1.0")
        >>> ShortLines(min_lines=3)(menu).detail
        'lines of 10 characters or fewer: 1.000 > 0.500 of 3'
    """

    name: ClassVar[str] = "short_lines"
    reasons: ClassVar[tuple[str, ...]] = ("too_many_short_lines",)

    max_share: _Share = 0.5
    """Lines that are short."""
    characters: Annotated[int, Field(ge=1)] = 10
    """A line of so many characters is short."""
    min_lines: Annotated[int, Field(ge=1)] = 5
    """Fewer lines are not judged."""

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        measures = measure(document.text).prose
        lines = len(measures.lines)
        if lines < self.min_lines:
            return document
        share = measures.short_line_share(self.characters)
        if share > self.max_share:
            detail = (
                f"lines of {self.characters} characters or fewer: "
                f"{compared(share, '>', self.max_share)} of {lines}"
            )
            return reject(document, self, "too_many_short_lines", detail)
        return document
