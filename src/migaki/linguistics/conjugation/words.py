"""From what a person types, 書く, 食べた, きる, 静かだ, to the words that inflect, every reading."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from migaki.errors import UsageError
from migaki.linguistics.analyzer import Analyzer, analyze
from migaki.linguistics.conjugation.endings import (
    NotInflectableError,
    auxiliary_class,
    hiragana,
)
from migaki.linguistics.conjugation.slots import keigo_verbs
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.tables import read_table

__all__ = ["COPULA", "Word", "words"]

COPULA = "助動詞-ダ"
"""Class of な-adjectives and nouns with だ."""

_CONTEXTS = (("", "ことがある"), ("を", "ことがある"), ("人が", "と困る"))
_NEW_WORD = re.compile("[ァ-ヶー]{2,}[るい]")
_CLASSICAL = "文語四段-"
_MODERN = "五段-"
_COPULAS = (COPULA, "助動詞-デス")
_INFLECTING = ("動詞", "形容詞")
_CONJUNCTIVE = ("接続助詞", "終助詞", "準体助詞")
_PREFIXES = frozenset(["お", "ご", "御"])
_BECOMING = frozenset(["なる", "成る"])
_ENGLISH = {
    "名詞": "a noun",
    "代名詞": "a pronoun",
    "副詞": "an adverb",
    "連体詞": "an adnominal word",
    "接続詞": "a conjunction",
    "感動詞": "an interjection",
    "助詞": "a particle",
    "接頭辞": "a prefix",
    "接尾辞": "a suffix",
    "記号": "a symbol",
    "補助記号": "a punctuation mark",
    "空白": "white space",
}


class Word(NamedTuple):
    """A word that inflects.

    Attributes:
        base: Dictionary form as written; with だ for な-adjectives and nouns (静かだ).
        c_type: Conjugation class in UniDic's names; `COPULA` where だ inflects.
        reading: Reading of `base` in hiragana; empty where the analyser gives none.
        pos: Part of speech in UniDic's names: 動詞, 形容詞, 形状詞, 名詞 …
        meaning: Which words are meant, where `base` alone leaves it open: 切る; empty otherwise.
    """

    base: str
    c_type: str
    reading: str
    pos: str
    meaning: str = ""


def words(text: str, *, analyzer: Analyzer | None = None) -> list[Word]:
    """Find every word that a text of one word can be, the likeliest first.

    Args:
        text: A word in any form, alone or as a compound (勉強する, 持ってくる); a noun only with だ or です.
        analyzer: Engine to use; the default one where it is None.

    Raises:
        NotInflectableError: the text is no word that inflects; the message says what it is.
        UsageError: the text is empty.

    Example:
        >>> [(word.base, word.c_type, word.meaning.split("・")[0]) for word in words("きる")]
        [('きる', '五段-ラ行', '切る'), ('きる', '上一段-カ行', '着る')]
        >>> [word.base for text in ("食べた", "静か", "勉強する", "お読みになった") for word in words(text)]
        ['食べる', '静かだ', '勉強する', 'お読みになる']
    """
    text = text.strip()
    if not text:
        raise UsageError(
            "The word is empty.", hint="Give a verb or an adjective, such as 書く or 高い."
        )
    if text in _homographs():
        return list(_homographs()[text])
    morphemes = analyze(text, analyzer=analyzer)
    if len(morphemes) > 1 or morphemes[0].pos not in _INFLECTING:
        if c_type := auxiliary_class(text):
            return [Word(text, c_type, hiragana(text), "助動詞")]
        single = _dictionary_form(text, analyzer)
        if single is None and (new := _new_word(text)):
            return [new]
        morphemes = (single,) if single else morphemes
    found = _found(text, morphemes)
    if found is None:
        raise _refusal(text, morphemes)
    return found


def _dictionary_form(text: str, analyzer: Analyzer | None) -> Morpheme | None:
    """The text as one verb or adjective in a sentence: alone, つる and みのる are names."""
    for before, after in _CONTEXTS:
        for morpheme in analyze(before + text + after, analyzer=analyzer):
            if morpheme.start == len(before):
                if morpheme.surface == text == morpheme.orth_base and morpheme.pos in _INFLECTING:
                    return morpheme._replace(start=0, end=len(text))
                break
    return None


def _new_word(text: str) -> Word | None:
    """Katakana + る is 五段, katakana + い an adjective: all new words are made so (バズる, エモい)."""
    if not _NEW_WORD.fullmatch(text):
        return None
    if text.endswith("る"):
        return Word(text, "五段-ラ行", hiragana(text), "動詞")
    return Word(text, "形容詞", hiragana(text), "形容詞")


def _found(text: str, morphemes: tuple[Morpheme, ...]) -> list[Word] | None:
    head = _head(morphemes)
    if head is None:
        return None
    before = text[: morphemes[head].start]
    spoken = "".join(hiragana(m.reading) for m in morphemes[:head])
    return _inflecting(morphemes[head], before, spoken, morphemes[head + 1 :])


def _head(morphemes: tuple[Morpheme, ...]) -> int | None:
    """Index of the last word that is neither an auxiliary nor a particle; None for a phrase."""
    head = len(morphemes) - 1
    while head > 0 and _follows(morphemes[head], morphemes[head - 1]):
        head -= 1
    if any(m.pos == "補助記号" for m in morphemes):
        return None
    joined = all(m.pos != "助詞" or m.pos2 == "接続助詞" for m in morphemes[:head])
    return head if morphemes and (joined or _is_honorific(morphemes[: head + 1])) else None


def _is_honorific(morphemes: tuple[Morpheme, ...]) -> bool:
    """Whether these are one verb of keigo in spite of the particle in it: お読みになる, お目にかかる."""
    *before, verb = morphemes
    if "".join(m.surface for m in before) + verb.orth_base in keigo_verbs():
        return True
    if verb.orth_base not in _BECOMING or len(before) != 3 or before[2].surface != "に":
        return False
    prefix, stem = before[:2]
    if prefix.pos != "接頭辞" or prefix.surface not in _PREFIXES:
        return False
    if stem.pos3.startswith("サ変可能"):
        return prefix.surface != "お"  # ご利用になる; お世話になる is none
    # お読み: as a noun too 読み is the stem of a verb, 金持ち is not.
    first = analyze(stem.surface + "ます")[0]
    return first.surface == stem.surface and first.pos == "動詞"


def _follows(morpheme: Morpheme, before: Morpheme) -> bool:
    """Whether a morpheme only inflects the word before it: た, ます, て; ない in 高くない; いる in 書いている."""
    if morpheme.pos == "助詞":
        return morpheme.pos2 in _CONJUNCTIVE
    negation = morpheme.lemma == "無い" and before.c_form.startswith("連用形")
    progressive = morpheme.lemma == "居る" and before.pos2 == "接続助詞"
    return morpheme.pos == "助動詞" or negation or progressive


def _inflecting(
    head: Morpheme, before: str, spoken: str, after: tuple[Morpheme, ...]
) -> list[Word] | None:
    if head.c_type and head.pos in (*_INFLECTING, "助動詞", "接尾辞"):
        return _readings(head, before, spoken)
    if head.pos == "形状詞" or head.pos3.endswith("形状詞可能"):
        return [_copula(head, before, spoken, "形状詞")]
    if after and after[0].c_type in _COPULAS:
        return [_copula(head, before, spoken, head.pos)]
    return None


def _readings(head: Morpheme, before: str, spoken: str) -> list[Word]:
    c_type = _modern(head.c_type)
    same = [word for word in _homographs().get(head.orth_base, ()) if word.c_type == c_type]
    if same and not before:
        return same
    reading = head.reading_base or (head.reading if head.surface == head.orth_base else "")
    full = spoken + hiragana(reading) if reading else ""
    return [Word(before + head.orth_base, c_type, full, head.pos)]


def _modern(c_type: str) -> str:
    """Verbs that UniDic has only as 文語四段 (冠る) are 五段 in a modern sentence."""
    if not c_type.startswith(_CLASSICAL):
        return c_type
    row = c_type.removeprefix(_CLASSICAL)
    return _MODERN + ("ワア行" if row == "ハ行" else row)


def _copula(head: Morpheme, before: str, spoken: str, pos: str) -> Word:
    return Word(f"{before}{head.surface}だ", COPULA, f"{spoken}{hiragana(head.reading)}だ", pos)


@lru_cache(maxsize=1)
def _homographs() -> dict[str, tuple[Word, ...]]:
    table = {}
    for spelling, cells in read_table("conjugation_homographs.tsv", columns=2):
        found = []
        for cell in cells.split("|"):
            c_type, reading, meaning = cell.split(":")
            pos = "形容詞" if c_type == "形容詞" else "動詞"
            found.append(Word(spelling, c_type, reading, pos, meaning))
        table[spelling] = tuple(found)
    return table


def _refusal(text: str, morphemes: tuple[Morpheme, ...]) -> NotInflectableError:
    """Say what a text is that does not inflect, and what can be given instead."""
    predicate = next((m for m in reversed(morphemes) if m.pos in _INFLECTING), None)
    if len(morphemes) == 1:
        only = morphemes[0]
        kind = _ENGLISH.get(only.pos, "no word that the dictionary knows")
        return NotInflectableError(
            f"{text!r} does not inflect: it is {kind}" + (f" ({only.pos})." if only.pos else "."),
            hint=_instead(only),
        )
    if predicate is not None:
        return NotInflectableError(
            f"{text!r} is a phrase, not a word.", hint=f"Its predicate is {predicate.orth_base!r}."
        )
    parts = " + ".join(f"{m.surface} ({m.pos})" for m in morphemes)
    return NotInflectableError(
        f"{text!r} does not inflect: {parts}.",
        hint=f"Give a verb, an adjective, or a noun with だ: {text + 'だ'!r}.",
    )


def _instead(morpheme: Morpheme) -> str:
    if morpheme.pos3.startswith("サ変可能"):
        return f"Give {morpheme.surface + 'する'!r} for the verb, {morpheme.surface + 'だ'!r} for the noun."
    if morpheme.pos in ("名詞", "代名詞"):
        return f"With the copula it does: {morpheme.surface + 'だ'!r}."
    return "Give a verb (書く), an adjective (高い, 静か) or a noun with だ (学生だ)."
