"""How a text speaks, as far as an operator must know: plain writing and casual talk are two things."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme, Register, Sentence
from migaki.linguistics.sentences import CLOSING, OPENING
from migaki.linguistics.tables import read_table

__all__ = ["Tone", "is_talk", "tone_of"]


class Tone(StrEnum):
    """The register of a text, with plain talk told from plain writing."""

    CASUAL = "casual"  # plain, and spoken to someone: 行くよ、見てる、そうだって
    PLAIN = "plain"  # plain, and nothing says that it is talk: 行く、見ている
    POLITE = "polite"  # です・ます, honorific and humble speech included
    DEARU = "dearu"  # である体
    MIXED = "mixed"
    NONE = "none"


def tone_of(style: Register, sentences: Iterable[Sentence]) -> Tone:
    """Tell the tone of a text.

    Args:
        style: Its style, as `register.detect` reports it.
        sentences: Its sentences; what stands in quotation marks or brackets does not count.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> for text in ["雨が降っている。", "雨が降ってるよ。", "「雨だよ」と言った。"]:
        ...     print(tone_of(Register.PLAIN, analyze_sentences(text)).value)
        plain
        casual
        plain
    """
    if style is not Register.PLAIN:
        return Tone(style.value)
    for sentence in sentences:  # most have no such word, quoted or not
        if _casual(sentence.morphemes) and _casual(_unquoted(sentence.morphemes)):
            return Tone.CASUAL
    return Tone.PLAIN


def is_talk(sentences: Iterable[Sentence]) -> bool:
    """Whether a text, plain or polite, speaks to someone: it has a mark of talk, or asks the hearer.

    A pronoun alone is none, for stories told by 俺 have it as well; でしょうか asks no one in particular.
    What breaks off (行きたいのですが。) leaves the rest to the hearer.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> for text in ["雨ですね。", "降りませんか。", "なぜでしょうか。", "俺は傘を持った。"]:
        ...     print(is_talk(analyze_sentences(text)))
        True
        True
        False
        False
    """
    return any(_talks(list(_unquoted(sentence.morphemes))) for sentence in sentences)


def _talks(morphemes: list[Morpheme]) -> bool:
    if any(m.pos != "代名詞" for m in _casual(morphemes)):
        return True
    if any(
        m.surface == "か" and m.pos2 == "終助詞" and _addresses(morphemes[max(0, i - _ENDING) : i])
        for i, m in enumerate(morphemes)
    ):
        return True
    last = [m for m in morphemes if m.pos != "補助記号"][-2:]
    return len(last) == 2 and last[1].pos2 == "接続助詞" and _addresses(last[:1])


def _addresses(ending: list[Morpheme]) -> bool:
    """Whether です or ます is in it, but not でしょう or ましょう."""
    polite = [m for m in ending if m.c_type in ("助動詞-デス", "助動詞-マス")]
    return bool(polite) and not any(m.c_form.startswith("意志推量形") for m in polite)


_ENDING = 3  # morphemes: ませ + ん, まし + た


def _unquoted(morphemes: Iterable[Morpheme]) -> Iterable[Morpheme]:
    depth = 0
    for morpheme in morphemes:
        if morpheme.surface in OPENING:
            depth += 1
        elif morpheme.surface in CLOSING:
            depth = max(0, depth - 1)
        elif not depth:
            yield morpheme


def _casual(morphemes: Iterable[Morpheme]) -> list[Morpheme]:
    """The words that stand in casual talk alone."""
    markers = _markers()
    possible = [m for m in morphemes if m.surface in markers or m.orth_base in markers]
    return [
        m
        for m in possible
        if not markers.get(m.surface, markers.get(m.orth_base, _NOWHERE)).isdisjoint(
            (m.pos, f"{m.pos}-{m.pos2}")
        )
    ]


_NOWHERE: frozenset[str] = frozenset()


@lru_cache(maxsize=1)
def _markers() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for word, place, _ in read_table("casual_markers.tsv", columns=3):
        found.setdefault(word, set()).add(place)
    return {word: frozenset(places) for word, places in found.items()}
