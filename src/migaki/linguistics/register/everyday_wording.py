"""Words of courtesy to the hearer inside a sentence that turns plain: ご希望はありますか → 希望はあるか.

尊敬語 about a third person goes with plain speech (先生のご希望だ), so a sentence that names one keeps
it, and so does one in which an honorific or humble verb stays. What is left of courtesy to the hearer clashes with a plain ending (敬語の指針, 文化審議会答申, 2007,
chapter 1: 敬語 is chosen for the whole of what one says).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme, Register, Sentence
from migaki.linguistics.protection import overlaps
from migaki.linguistics.register.keigo import is_prefix, keigo_turns, word_kinds
from migaki.linguistics.tables import read_table

__all__ = ["everyday_wording"]

Option = tuple[int, int, str]

_LONGEST_WORD = 3  # morphemes of a word of plain_words.tsv
_NO_VERBS = ("できる", "出来る", "ござる", "御座る", "ある", "有る")
_RAISING = frozenset(["さん", "氏", "さま"])


def everyday_wording(sentence: Sentence, taken: Sequence[tuple[int, int]]) -> Iterator[Option]:
    """Find what to write plainly beside the endings: (start, end, text).

    Args:
        sentence: A sentence whose endings turn plain.
        taken: Spans that are written anew already.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> [s] = analyze_sentences("ご予算はいかほどですか。")
        >>> list(everyday_wording(s, []))
        [(0, 1, ''), (4, 8, 'どのくらい')]
    """
    words, spans = sentence.morphemes, sorted(taken)
    found = [o for o in _options(words) if not overlaps(o[0], o[1], spans)]
    if found and not _stays_courteous(words, spans):
        yield from found


def _options(words: Sequence[Morpheme]) -> Iterator[Option]:
    names = any(map(_is_respected, words))
    for place, m in enumerate(words):
        found = _everyday_word(words, place)
        if found is None and not names and _honours_hearer(words, place):
            found = m.start, m.end, ""
        if found is not None:
            yield found


def _stays_courteous(words: Sequence[Morpheme], rewritten: Sequence[tuple[int, int]]) -> bool:
    """Whether an honorific or humble verb stays in a sentence; どなた beside なさった方 goes with it.

    Args:
        words: Its morphemes.
        rewritten: Spans that are written anew, in order.
    """
    raised = (m for m in keigo_turns(words) if m.kind in (Register.HONORIFIC, Register.HUMBLE))
    return any(not overlaps(mark.start, mark.end, rewritten) for mark in raised)


def _everyday_word(words: Sequence[Morpheme], place: int) -> Option | None:
    text = ""
    for m in words[place : place + _LONGEST_WORD]:
        text += m.surface
        if text in _plain_words():
            return words[place].start, m.end, _plain_words()[text]
    return None


def _is_respected(m: Morpheme) -> bool:
    return word_kinds().get(m.surface) in ("title", "person") or m.surface in _RAISING


def _honours_hearer(words: Sequence[Morpheme], place: int) -> bool:
    """Whether お or ご stands before a thing of the hearer's (ご希望) or a quality (お好き), no verb behind."""
    if not is_prefix(words[place]) or place + 1 >= len(words):
        return False
    word = words[place + 1]
    if words[place].end != word.start or word.surface in _kept() or _is_verbal(words, place + 2):
        return False
    if word.surface in _belongings() or word.pos in ("形状詞", "形容詞"):
        return True
    if words[place].surface == "お":
        return False
    return word.pos3.startswith("サ変") or word.pos3.endswith("形状詞可能")


def _is_verbal(words: Sequence[Morpheme], place: int) -> bool:
    """Whether する, いただく or になる makes a verb of it, which keeps its prefix; できる and ある do not."""
    after = words[place] if place < len(words) else None
    if after is None:
        return False
    if after.surface == "に":
        after = words[place + 1] if place + 1 < len(words) else None
        return after is not None and after.orth_base in ("なる", "成る")
    return after.pos == "動詞" and after.orth_base not in _NO_VERBS


@lru_cache(maxsize=1)
def _plain_words() -> dict[str, str]:
    return {word: plain for word, plain, _ in read_table("plain_words.tsv", columns=3)}


@lru_cache(maxsize=1)
def _belongings() -> frozenset[str]:
    rows = read_table("honorific_prefixes.tsv", columns=7)
    return frozenset(row[0] for row in rows if row[2] == "respectful")


@lru_cache(maxsize=1)
def _kept() -> frozenset[str]:
    """Words that are whole with their prefix (ご馳走), and 美化語, which raises nobody."""
    rows = read_table("honorific_prefixes.tsv", columns=7)
    whole = {row[0][1:] for row in rows if row[2] in ("whole", "bound")}
    return frozenset(whole | {word for word, kind in word_kinds().items() if kind == "beauty"})
