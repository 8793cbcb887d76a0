"""Whether a sentence is talk or writing, where plain speech differs between them: いる？ and いるのか？"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise

from migaki.linguistics.morphemes import Morpheme, Sentence
from migaki.linguistics.register.setting import Setting

__all__ = ["Manner", "manner_of"]


class Manner(StrEnum):
    """What a sentence is part of, as far as it says."""

    TALK = "talk"  # はい、… / 行きますか？
    WRITING = "writing"  # 日銀はどう動くのですか？ asks the reader
    DOCUMENTATION = "documentation"  # `f()` を参照してください
    OPEN = "open"  # nothing tells


_ANSWERS = frozenset({"はい", "いいえ", "いえ", "ええ"})
_HEARERS = frozenset({"あなた", "貴方", "君", "きみ"})
_REFERRING = frozenset({"参照", "留意"})  # what only documents ask for
_ATTENTION = frozenset({"注意", "注目"})
_BODIES = frozenset(["政府", "財団", "協会", "連盟", "政党", "内閣", "委員会", "当局", "議会"])
_MARKUP = ("`", "](", "**")
_LONG = 25  # characters; shorter questions about a name are asked in talk as well


def manner_of(sentence: Sentence, settings: Iterable[Setting]) -> Manner:
    """Tell talk from writing.

    Talk is an answer, or a question put with a question mark; a conjecture (ないだろうか？) is as much
    at home in writing, and so is a long question about somebody or something with a name that does
    not address the hearer.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> from migaki.linguistics.predicates import predicates
        >>> from migaki.linguistics.register.setting import settings_of
        >>> for text in ["何がありますか？", "日本銀行はなぜこの時期に金利を引き上げようとしているのですか？"]:
        ...     [s] = analyze_sentences(text)
        ...     print(manner_of(s, settings_of(predicates(s), s.morphemes)).value)
        talk
        writing
    """
    first = sentence.morphemes[0] if sentence.morphemes else None
    if first is not None and first.pos == "感動詞" and first.surface in _ANSWERS:
        return Manner.TALK
    if any(s.question and not _guesses(s) for s in settings):
        return Manner.WRITING if _asks_readers(sentence) else Manner.TALK
    if any(mark in sentence.text for mark in _MARKUP):
        return Manner.DOCUMENTATION
    if sentence.text.rstrip().endswith((":", "：")) or _refers(sentence):
        return Manner.DOCUMENTATION
    return Manner.OPEN


def _refers(sentence: Sentence) -> bool:
    """参照してください; …ことに注意してください, which calls attention to a fact."""
    words = [m.surface for m in sentence.morphemes]
    if not _REFERRING.isdisjoint(words):
        return True
    return not _ATTENTION.isdisjoint(words) and ("こと", "に") in pairwise(words)


def _guesses(setting: Setting) -> bool:
    return setting.predicate.chain[-1].c_form.startswith("意志推量形")


def _asks_readers(sentence: Sentence) -> bool:
    if len(sentence.text) < _LONG or any(map(_addresses, sentence.morphemes)):
        return False
    return any(
        _is_named(m) and any(after.surface == "は" for after in sentence.morphemes[place + 1 :][:3])
        for place, m in enumerate(sentence.morphemes)
    )


def _addresses(m: Morpheme) -> bool:
    """Whether a word is one of talk: よ, ね, お, あなた."""
    if m.pos2 == "終助詞":
        return m.surface != "か"
    return m.pos in ("感動詞", "接頭辞") or m.surface in _HEARERS


def _is_named(m: Morpheme) -> bool:
    latin = m.surface.isascii() and m.surface.isalpha() and len(m.surface) > 1
    return m.pos2 == "固有名詞" or latin or m.surface in _BODIES
