"""Who acts in a clause, as far as the text says: the hearer, a respected person, the speaker, or unknown.

A guess would put the wrong person up or down, so that only what is said counts: a subject with が, は or
も in the clause itself; a request; a question without a subject about what only people do. A が belongs
to the next predicate only. Within 「敬語の指針」 (文化審議会答申, 2007) one's own circle (父, 弊社)
is not raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.predicates import Kind, Place, Predicate
from migaki.linguistics.register.keigo import word_kinds
from migaki.linguistics.tables import read_table

__all__ = ["Actor", "actor_of", "is_towards_other", "uses"]


class Actor(StrEnum):
    """Who does what the predicate says."""

    RESPECTED = "respected"  # お客様が, 先生は, あなたは
    SPEAKER = "speaker"  # 私が
    CIRCLE = "circle"  # 父は, 弊社が
    OTHER = "other"  # 電車は, 彼が
    UNSAID = "unsaid"  # no subject in the clause


_SUFFIXES = frozenset(["さん", "氏", "ちゃま"])
_PLURALS = frozenset(["たち", "達", "ども", "ら", "方", "がた"])
_POINTING = frozenset(["この", "その", "あの", "どの"])
_MARKING = frozenset(["が", "は", "も", "って"])
_OBLIQUE = frozenset(["に", "で", "と", "へ", "から", "まで", "より", "を", "て"])


@lru_cache(maxsize=1)
def _uses() -> dict[str, frozenset[str]]:
    rows = read_table("honorific_use.tsv", columns=3)
    return {kind: frozenset(words.split(" ")) for kind, words, _ in rows}


def uses(kind: str) -> frozenset[str]:
    """The words of one kind of `honorific_use.tsv`."""
    return _uses()[kind]


def actor_of(
    predicate: Predicate, before: Sequence[Predicate], morphemes: Sequence[Morpheme]
) -> Actor:
    """Tell who acts.

    Args:
        predicate: The predicate of a main or coordinate clause.
        before: The predicates before it in the sentence, in order.
        morphemes: All morphemes of the sentence.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> from migaki.linguistics.predicates import predicates
        >>> for text in ["先生は本を読んだ。", "先生が書いた本を読んだ。", "私が行く。", "電車が来る。"]:
        ...     [sentence] = analyze_sentences(text)
        ...     *others, last = predicates(sentence)
        ...     print(text, actor_of(last, others, sentence.morphemes).value)
        先生は本を読んだ。 respected
        先生が書いた本を読んだ。 unsaid
        私が行く。 speaker
        電車が来る。 other
    """
    start = max([p.end for p in before if p.place is not Place.SUBORDINATE], default=-1)
    own = [m for m in morphemes if start <= m.start < predicate.start]
    topic = of_quality = Actor.UNSAID
    for place in range(len(own) - 1, 0, -1):
        particle, noun = own[place], own[place - 1]
        if particle.pos != "助詞" or particle.surface not in _MARKING:
            continue
        if noun.surface in _OBLIQUE or noun.pos in ("動詞", "形容詞", "助動詞", "副詞"):
            continue
        if particle.surface == "が" and particle.pos2 == "格助詞":
            if any(particle.start < p.start for p in before):
                continue
            if predicate.kind is Kind.VERB:
                return _person(own[:place])
            of_quality = Actor.OTHER  # 先生は音楽が好きだ: the topic is who likes
        elif particle.pos2 in ("係助詞", "副助詞") and topic is Actor.UNSAID and not _is_time(noun):
            topic = _person(own[:place])
    return of_quality if topic is Actor.UNSAID else topic


def is_towards_other(
    predicate: Predicate, before: Sequence[Predicate], morphemes: Sequence[Morpheme]
) -> bool:
    """Whether the clause names somebody or something that is not raised as whom it is done to.

    That is what stands with に or と, and with を where the verb's object is a person (バスを待つ).
    """
    start = max([p.end for p in before if p.place is not Place.SUBORDINATE], default=-1)
    own = [m for m in morphemes if start <= m.start < predicate.start]
    marks = {"に", "と", "へ"}
    if predicate.head[-1].orth_base in uses("person"):
        marks.add("を")
    return any(
        _is_plain_noun(own[:place])
        for place, m in enumerate(own)
        if m.pos2 == "格助詞" and m.surface in marks
    )


def _is_plain_noun(phrase: Sequence[Morpheme]) -> bool:
    """Whether a phrase ends in a noun that raises nobody; times and ご家族 do not count."""
    if not phrase or phrase[-1].pos not in ("名詞", "代名詞", "接尾辞") or _is_time(phrase[-1]):
        return False
    if len(phrase) > 1 and phrase[-2].pos == "接頭辞":
        return False
    return _person(phrase) is not Actor.RESPECTED


def _is_time(noun: Morpheme) -> bool:
    return noun.pos3 == "副詞可能" and noun.surface not in ("皆", "全員", "二人", "一人")


def _person(phrase: Sequence[Morpheme]) -> Actor:
    """Judge a noun phrase by its last words."""
    words = list(phrase[-4:])
    if len(words) > 1 and words[-1].surface in _PLURALS and words[-1].pos == "接尾辞":
        words.pop()
    last = words[-1].surface
    whole = {"".join(m.surface for m in words[-count:]) for count in range(1, len(words) + 1)}
    if last in uses("speaker"):
        return Actor.SPEAKER
    if last in uses("circle") and not (len(words) > 1 and words[-2].pos == "接頭辞"):
        return Actor.CIRCLE
    if last == "方":
        return Actor.RESPECTED if len(words) > 1 and words[-2].surface in _POINTING else Actor.OTHER
    if whole & uses("hearer") or word_kinds().get(last) in ("title", "person"):
        return Actor.RESPECTED
    return Actor.RESPECTED if last in _SUFFIXES else Actor.OTHER
