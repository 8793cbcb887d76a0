"""The specified face of `linguistics`: morphemes and variants of a text, with plain types.

`migaki.linguistics.augment.variants` says more about each variant: its edits, operators and checks.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict

from migaki.errors import MissingExtraError
from migaki.linguistics.analyzer import analyze, fugashi_available
from migaki.linguistics.augment import variants

if TYPE_CHECKING:
    import fugashi

__all__ = ["JapaneseLinguisticProcessor", "MorphemeInfo"]

logger = logging.getLogger(__name__)


class MorphemeInfo(TypedDict):
    """What `morphological_analysis` tells of a morpheme; empty strings where nothing is known."""

    surface: str  # as it stands in the text
    pos: str  # 品詞 (大分類): 動詞
    pos_detail: str  # 品詞細分類: 非自立可能
    conjugation_type: str  # 活用型: 五段-カ行
    inflected_form: str  # 活用形: 連用形-促音便
    reading: str  # 読み, in katakana: イッ
    base_form: str  # 基本形, in the spelling of the text: 行く


class JapaneseLinguisticProcessor:
    """Analyses Japanese text and says it in other words.

    Attributes:
        available: Whether fugashi and its dictionary are installed. Without them a text has no variants.

    Example:
        >>> processor = JapaneseLinguisticProcessor()
        >>> texts = processor.generate_linguistic_variants("もう帰らなければならない。", num_variants=20)
        >>> texts[0], "もう帰らなくてはならない。" in texts
        ('もう帰らなければならない。', True)
        >>> [m["base_form"] for m in processor.morphological_analysis("京都へ行った")]
        ['京都', 'へ', '行く', 'た']
    """

    def __init__(self) -> None:
        self.available: bool = fugashi_available()
        if self.available:
            logger.info("fugashi initialized successfully")
        else:
            logger.warning("fugashi not installed. Install with: pip install fugashi[unidic-lite]")

    @cached_property
    def tagger(self) -> fugashi.Tagger | None:
        """A fugashi tagger with the dictionary unidic-lite, for callers' own use; None without fugashi."""
        if not self.available:
            return None
        import fugashi
        import unidic_lite

        return fugashi.Tagger(f'-r /dev/null -d "{unidic_lite.DICDIR}"')

    def morphological_analysis(self, text: str) -> list[MorphemeInfo]:
        """Find the morphemes of a text, with part of speech, inflected form, reading and base form.

        Raises:
            MissingExtraError: fugashi or its dictionary is not installed.
        """
        if not self.available:
            raise MissingExtraError("Morphological analysis", package="fugashi[unidic-lite]")
        return [
            MorphemeInfo(
                surface=m.surface,
                pos=m.pos,
                pos_detail="-".join(part for part in (m.pos2, m.pos3) if part),
                conjugation_type=m.c_type,
                inflected_form=m.c_form,
                reading=m.reading,
                base_form=m.orth_base,
            )
            for m in analyze(text)
        ]

    def generate_linguistic_variants(self, text: str, num_variants: int = 3) -> list[str]:
        """Say a text in other words: another register, ending, adverb, particle …

        Args:
            text: Any text.
            num_variants: How many variants at most, beside the text itself.

        Returns:
            The text first, then its variants, all different; the text alone where there is nothing to
            say or fugashi is not installed.

        Raises:
            UsageError: `num_variants` is negative.
        """
        if not self.available:
            return [text]
        return [text, *(variant.text for variant in variants(text, count=num_variants))]
