"""How a text speaks, as far as an operator must know: plain writing and casual talk are two things."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme, Register, Sentence
from migaki.linguistics.sentences import CLOSING, OPENING
from migaki.linguistics.tables import read_table

__all__ = ["Tone", "register_of", "tone_of"]


class Tone(StrEnum):
    """The register of a text, with plain talk told from plain writing."""

    CASUAL = "casual"  # plain, and spoken to someone: 行くよ、見てる、そうだって
    PLAIN = "plain"  # plain, and nothing says that it is talk: 行く、見ている
    POLITE = "polite"  # です・ます, honorific and humble speech included
    DEARU = "dearu"  # である体
    MIXED = "mixed"
    NONE = "none"


_TONES = {
    Register.POLITE: Tone.POLITE,
    Register.DEARU: Tone.DEARU,
    Register.MIXED: Tone.MIXED,
    Register.NONE: Tone.NONE,
}
_POLITE_TYPES = frozenset({"助動詞-マス", "助動詞-デス"})


def tone_of(register: Register, sentences: Iterable[Sentence]) -> Tone:
    """Tell the tone of a text.

    Args:
        register: Its register.
        sentences: Its sentences; what stands in quotation marks or brackets does not count.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> for text in ["雨が降っている。", "雨が降ってるよ。", "「雨だよ」と言った。"]:
        ...     print(tone_of(Register.PLAIN, analyze_sentences(text)).value)
        plain
        casual
        plain
    """
    if register in _TONES:
        return _TONES[register]
    spoken = [morpheme for sentence in sentences for morpheme in _unquoted(sentence.morphemes)]
    if any(morpheme.c_type in _POLITE_TYPES for morpheme in spoken):
        return Tone.POLITE
    return Tone.CASUAL if any(map(_is_casual, spoken)) else Tone.PLAIN


def register_of(sentences: Iterable[Sentence]) -> Register:
    """Tell the register of a text by the ends of its sentences.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> for text in ["雨です。", "雨である。", "雨が降った。", "雨です。傘がない。", "雨。"]:
        ...     print(text, register_of(analyze_sentences(text)).value)
        雨です。 polite
        雨である。 dearu
        雨が降った。 plain
        雨です。傘がない。 mixed
        雨。 none
    """
    found = {_ending(sentence) for sentence in sentences} - {Register.NONE}
    if Register.DEARU in found:
        found.discard(Register.PLAIN)
    if not found:
        return Register.NONE
    return found.pop() if len(found) == 1 else Register.MIXED


def _ending(sentence: Sentence) -> Register:
    group: list[Morpheme] = []
    for morpheme in reversed(sentence.morphemes):
        if morpheme.c_type:
            group.append(morpheme)
        elif group or morpheme.pos not in ("補助記号", "記号", "助詞"):
            break
    if any(morpheme.c_type in _POLITE_TYPES for morpheme in group):
        return Register.POLITE
    if [m.orth_base for m in group[-2:]] == ["ある", "だ"]:
        return Register.DEARU
    return Register.PLAIN if group else Register.NONE


def _unquoted(morphemes: Iterable[Morpheme]) -> Iterable[Morpheme]:
    depth = 0
    for morpheme in morphemes:
        if morpheme.surface in OPENING:
            depth += 1
        elif morpheme.surface in CLOSING:
            depth = max(0, depth - 1)
        elif not depth:
            yield morpheme


def _is_casual(morpheme: Morpheme) -> bool:
    markers = _markers()
    places = markers.get(morpheme.surface) or markers.get(morpheme.orth_base)
    if not places:
        return False
    return morpheme.pos in places or f"{morpheme.pos}-{morpheme.pos2}" in places


@lru_cache(maxsize=1)
def _markers() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for word, place, _ in read_table("casual_markers.tsv", columns=3):
        found.setdefault(word, set()).add(place)
    return {word: frozenset(places) for word, places in found.items()}
