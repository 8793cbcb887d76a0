"""Filters that look for words: adult and discriminatory ones, and those of advertisements."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.measures import measure
from migaki.corpus.cleaning.rejecting import STRICT, compared, reject
from migaki.corpus.cleaning.word_lists import find_words, word_matcher
from migaki.corpus.documents import Document, Outcome

__all__ = ["AdultWords", "Adverts", "DiscriminatoryWords"]

_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=1)]
_SHOWN = 3


@dataclass(config=STRICT, frozen=True, kw_only=True)
class _WordShare:
    """Rejects text of which the words of a list make up too much."""

    name: ClassVar[str]
    reasons: ClassVar[tuple[str, ...]]

    lists: tuple[str, ...]
    """Names of word lists: ``hojichar:NAME``, ``migaki:NAME`` or paths."""
    allowed: tuple[str, ...] = ()
    """Words of those lists that are not looked for."""
    max_share: _Share = 0.05
    """Letters of such words per character."""
    min_different: _Count = 2
    """Fewer different words never reject: one word may be quoted, or be part of another."""

    def __post_init__(self) -> None:
        """Read the lists, so that one that does not exist is told before a run begins."""
        word_matcher(self.lists)

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        measures = measure(document.text)
        found = find_words(self.lists, measures)
        for word in self.allowed:
            found.pop(word, None)
        if len(found) < self.min_different:
            return document
        share = sum(len(word) * count for word, count in found.items()) / len(document.text)
        if share <= self.max_share:
            return document
        shown = "、".join(f"{word} {count}" for word, count in found.most_common(_SHOWN))
        detail = f"of the text {compared(share, '>', self.max_share)}: {shown}"
        return reject(document, self, self.reasons[0], detail)


@dataclass(config=STRICT, frozen=True, kw_only=True)
class AdultWords(_WordShare):
    """Rejects pornographic pages.

    Words: HojiChar's `adult_keywords_ja`. 5 % of the characters: Swallow v1 (`ngword.py`). HojiChar
    rejects at the first word it finds, and so every text with 処女作 or 尺八.

    Example:
        >>> page = Document("エロ動画、無修正エロ動画", id="a:1", source="a", licence="CC0-1.0")
        >>> AdultWords(min_different=1)(page).reason
        'adult_words'
    """

    name: ClassVar[str] = "adult_words"
    reasons: ClassVar[tuple[str, ...]] = ("adult_words",)

    lists: tuple[str, ...] = ("hojichar:adult_keywords_ja",)


@dataclass(config=STRICT, frozen=True, kw_only=True)
class DiscriminatoryWords(_WordShare):
    """Rejects text full of abuse.

    Words: HojiChar's `discrimination_keywords_ja`. 5 % of the characters: Swallow v1, whose list has
    both kinds. An encyclopaedia that explains such words stays.

    Example:
        >>> page = Document("ジャップ、アメ公", id="a:1", source="a", licence="CC0-1.0")
        >>> DiscriminatoryWords(min_different=1)(page).reason
        'discriminatory_words'
    """

    name: ClassVar[str] = "discriminatory_words"
    reasons: ClassVar[tuple[str, ...]] = ("discriminatory_words",)

    lists: tuple[str, ...] = ("hojichar:discrimination_keywords_ja",)


@dataclass(config=STRICT, frozen=True, kw_only=True)
class Adverts(_WordShare):
    """Rejects advertisements and shop pages.

    HojiChar's `DiscardAds` counts to 14 whatever the length, and its list numbers ① to ⑥ among them, so
    that it rejects long manuals and keeps short advertisements. Here the phrases count by how much of
    the text they are. 2 %: ours, see docs/results/corpus-cleaning.md.

    Example:
        >>> page = Document("送料無料！ 今だけお買い得、カートに入れる", id="a:1", source="a", licence="CC0-1.0")
        >>> Adverts()(page).reason
        'adverts'
    """

    name: ClassVar[str] = "adverts"
    reasons: ClassVar[tuple[str, ...]] = ("adverts",)

    lists: tuple[str, ...] = ("migaki:adverts",)
    max_share: _Share = 0.02
    """Letters of such phrases per character."""
    min_different: _Count = 3
    """Fewer different phrases never reject."""
