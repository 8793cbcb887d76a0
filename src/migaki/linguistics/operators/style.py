"""How formal a passage is: the choice between とても, すごく and 極めて is finer than plain or polite."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.once import Once
from migaki.linguistics.operators.operator import Passage, Tone
from migaki.linguistics.tables import read_table

__all__ = ["Style", "styles_of"]


class Style(StrEnum):
    """What kind of speech or writing a word fits; the value is its letter in the tables."""

    CASUAL = "c"  # plain talk: 行くよ
    TALK = "t"  # polite talk: 行きますよね
    POLITE = "p"  # polite prose, or polite with nothing that says it is talk: 行きます
    FORMAL = "f"  # polite with honorific or humble words: 参ります
    WRITTEN = "w"  # plain prose: 行く、行くのである


# A text of mixed or unknown register takes only words that fit on both sides.
_ALL_OF: dict[Tone, frozenset[Style]] = {
    Tone.CASUAL: frozenset({Style.CASUAL}),
    Tone.PLAIN: frozenset({Style.WRITTEN}),
    Tone.DEARU: frozenset({Style.WRITTEN}),
    Tone.MIXED: frozenset({Style.POLITE, Style.WRITTEN}),
    Tone.NONE: frozenset({Style.POLITE, Style.WRITTEN}),
}


def _styles(passage: Passage) -> frozenset[Style]:
    morphemes = [m for sentence in passage.sentences for m in sentence.morphemes]
    formal = _has(morphemes, Style.FORMAL)
    if passage.tone is Tone.NONE and _has(morphemes, Style.TALK):
        return frozenset({Style.CASUAL, Style.TALK})
    if passage.tone in _ALL_OF:
        return _ALL_OF[passage.tone] | {Style.FORMAL} if formal else _ALL_OF[passage.tone]
    if formal:
        return frozenset({Style.FORMAL})
    return frozenset({Style.TALK if _has(morphemes, Style.TALK) else Style.POLITE})


_asked = Once(_styles)


def styles_of(passage: Passage) -> frozenset[Style]:
    """Tell the styles that a word must fit, all of them, to be at home in a passage.

    Example:
        >>> for text in ["明日行くよ。", "明日行きますよ。", "明日行きます。", "明日参ります。", "明日行く。"]:
        ...     print(text, *styles_of(Passage.of(text)))
        明日行くよ。 c
        明日行きますよ。 t
        明日行きます。 p
        明日参ります。 f
        明日行く。 w
    """
    return _asked(passage)


def _has(morphemes: Sequence[Morpheme], style: Style) -> bool:
    markers = _markers()[style]
    for place in [
        i for i, m in enumerate(morphemes) if m.orth_base in markers or m.lemma in markers
    ]:
        morpheme = morphemes[place]
        marker = markers.get(morpheme.orth_base) or markers[morpheme.lemma]
        if marker.part_of_speech not in (morpheme.pos, morpheme.pos2):
            continue
        if not place or morphemes[place - 1].surface not in marker.not_after:
            return True
    return False


class _Marker(NamedTuple):
    part_of_speech: str
    not_after: frozenset[str]


@lru_cache(maxsize=1)
def _markers() -> dict[Style, dict[str, _Marker]]:
    found: dict[Style, dict[str, _Marker]] = {style: {} for style in Style}
    for style, word, part_of_speech, not_after in read_table("style_markers.tsv", columns=4):
        found[Style(style)][word] = _Marker(part_of_speech, frozenset(not_after.split()))
    return found
