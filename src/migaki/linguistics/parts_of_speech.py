"""UniDic's parts of speech in English."""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.tables import read_table

__all__ = ["part_of_speech", "part_of_speech_gloss"]


def part_of_speech(morpheme: Morpheme) -> str:
    """Write the part of speech with its subdivisions, without a last 一般 (general), which tells nothing.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> [part_of_speech(m) for m in analyze("雨だ")]
        ['名詞-普通名詞', '助動詞']
    """
    names = filter(None, (morpheme.pos, morpheme.pos2, morpheme.pos3))
    return "-".join(names).removesuffix("-一般")


def part_of_speech_gloss(morpheme: Morpheme) -> str:
    """Name the part of speech in English; empty for one that the table does not know.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> [part_of_speech_gloss(m) for m in analyze("静かな海へ")]
        ['na-adjective', 'auxiliary', 'noun', 'case particle']
    """
    glosses = _glosses()
    return glosses.get(f"{morpheme.pos}-{morpheme.pos2}") or glosses.get(morpheme.pos, "")


@lru_cache(maxsize=1)
def _glosses() -> dict[str, str]:
    return {name: gloss for name, gloss in read_table("parts_of_speech.tsv", columns=2)}
