"""What machine translation leaves in Japanese: notices, spaces between words, a pronoun in every sentence."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.measures import measure
from migaki.corpus.cleaning.rejecting import STRICT, compared, reject
from migaki.corpus.cleaning.word_lists import find_words, word_matcher
from migaki.corpus.documents import Document, Outcome

__all__ = ["MachineTranslation"]

_Share = Annotated[float, Field(ge=0, le=1)]

_JAPANESE = "[ぁ-ゖァ-ヺー々一-鿿]"
_SPACED = re.compile(f"{_JAPANESE}[ \u3000](?={_JAPANESE})")
_JAPANESE_PAIR = re.compile(f"{_JAPANESE}(?={_JAPANESE})")
_PRONOUN = re.compile(
    "あなた(?!がた)|私たちは|私たちの|彼らは|彼らの|それらは|それらの|それはあなた"
)
_SAMPLE = 4000


@dataclass(config=STRICT, frozen=True, kw_only=True)
class MachineTranslation:
    """Rejects text that shows the traces of machine translation; what shows none is not recognised.

    Ours, and made to be sure rather than complete, thresholds from docs/results/corpus-cleaning.md: a
    notice that says so; words set apart by spaces (私 は 猫 です); あなた and 彼ら in every second
    sentence, which Japanese leaves out.

    Example:
        >>> page = Document("この記事は機械翻訳されています。猫です。", id="a:1", source="a", licence="CC0-1.0")
        >>> MachineTranslation()(page).detail
        '機械翻訳されています'
        >>> spaced = Document("私 は 猫 が 好き です 。", id="a:2", source="a", licence="CC0-1.0")
        >>> MachineTranslation(min_spaces=5)(spaced).reason
        'spaced_words'
    """

    name: ClassVar[str] = "machine_translation"
    reasons: ClassVar[tuple[str, ...]] = ("translation_notice", "spaced_words", "pronouns")

    lists: tuple[str, ...] = ("migaki:translation_notices",)
    """Names of word lists with notices."""
    max_spaced: _Share = 0.2
    """Spaces between two Japanese characters, per pair of neighbours."""
    min_spaces: Annotated[int, Field(ge=1)] = 10
    """Fewer such spaces never reject."""
    max_pronouns: Annotated[float, Field(ge=0)] = 0.5
    """Pronouns that Japanese leaves out, per sentence."""
    min_sentences: Annotated[int, Field(ge=1)] = 10
    """Texts of fewer sentences are not judged by their pronouns."""

    def __post_init__(self) -> None:
        """Read the lists, so that one that does not exist is told before a run begins."""
        word_matcher(self.lists)

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        measures = measure(document.text)
        if notices := find_words(self.lists, measures):
            return reject(document, self, "translation_notice", next(iter(notices)))
        spaces = len(_SPACED.findall(document.text))
        if spaces >= self.min_spaces:
            share = spaces / (spaces + len(_JAPANESE_PAIR.findall(document.text)))
            if share > self.max_spaced:
                detail = f"spaces per pair of Japanese characters {compared(share, '>', self.max_spaced)}"
                return reject(document, self, "spaced_words", detail)
        sentences = len(measures.sentences)
        if sentences >= self.min_sentences:
            share = len(_PRONOUN.findall(document.text)) / sentences
            if share > self.max_pronouns:
                detail = f"pronouns per sentence {compared(share, '>', self.max_pronouns)}"
                return reject(document, self, "pronouns", detail)
        return document
