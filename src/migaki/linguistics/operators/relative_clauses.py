"""が and の in relative clauses (ガノ交替): 私が書いた本, 私の書いた本.

After 日本語記述文法研究会『現代日本語文法6 複文』 (2008). Proposed only where no other reading is left: の joins nouns too.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.neighbours import COMMAS, is_negation
from migaki.linguistics.operators.operator import EditSet, Passage, shuffled
from migaki.linguistics.operators.particle_sites import at_each_particle
from migaki.linguistics.operators.word_classes import in_class

__all__ = ["relative_ga", "relative_no"]

_Sentence = Sequence[Morpheme]

_DEMONSTRATIVES = frozenset({"これ", "それ", "あれ", "ここ", "そこ", "こちら"})
_LONGEST_PREDICATE = 6
_JOINS = frozenset({"と", "や", "、", "・"})


def relative_no(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose の for the が of a relative clause: 私が書いた本 → 私の書いた本."""
    return shuffled(at_each_particle(passage, frozenset("が"), _ga_to_no), rng)


def _ga_to_no(morphemes: _Sentence, place: int) -> EditSet | None:
    ga, subject = morphemes[place], morphemes[place - 1]
    if ga.pos2 != "格助詞" or not _may_be_subject(morphemes, place - 1):
        return None
    head = _modified(morphemes, place + 1)
    if head is None or _points(subject) or _follows_no(morphemes, place - 1):
        return None
    if _has_parallel(morphemes, place) or not _belongs_to_relative(morphemes, place, head):
        return None
    return [Edit(ga.start, ga.end, "の", "particles.relative")]


def _phrase_start(morphemes: _Sentence, place: int) -> int:
    while place and morphemes[place - 1].pos in ("名詞", "接頭辞", "接尾辞"):
        place -= 1
    return place


def _follows_no(morphemes: _Sentence, place: int) -> bool:
    """Whether the subject is the Y of XのY: 製品の利用者の書いた reads as a chain of owners."""
    start = _phrase_start(morphemes, place)
    return start > 0 and morphemes[start - 1].surface == "の"


def _has_parallel(morphemes: _Sentence, place: int) -> bool:
    """Whether another such clause stands in the sentence: 窓がある家と庭がある家, 色の白い、背の高い人."""
    predicate = morphemes[place + 1]
    return any(
        one.surface in ("が", "の") and two is not predicate and _is_like(two, predicate)
        for one, two in pairwise(morphemes)
    )


def _is_like(word: Morpheme, predicate: Morpheme) -> bool:
    return word.lemma == predicate.lemma or word.pos == predicate.pos == "形容詞"


def _is_person(noun: Morpheme) -> bool:
    return noun.pos == "代名詞" or in_class(noun, "person")


def _nests(morphemes: _Sentence, place: int) -> bool:
    return place < len(morphemes) and _modified(morphemes, place) is not None


def _belongs_to_relative(morphemes: _Sentence, place: int, head: Morpheme) -> bool:
    """Whether が marks the subject of the predicate beside it, not of one further on.

    子が古い本を読む and 値が指定された範囲にある look like relative clauses up to their noun. Sure are
    罪がない人, 髪が長い人, and where the noun itself is a subject, a topic or a predicate.
    """
    predicate = morphemes[place + 1]
    after = next((i for i, m in enumerate(morphemes) if m.start >= head.end), len(morphemes))
    following = morphemes[after] if after < len(morphemes) else None
    if following is not None and following.surface == "が" and _nests(morphemes, after + 1):
        return False  # 景色の良い海が見える部屋: of the sea, or of the room?
    if is_negation(predicate):
        return True
    if predicate.pos3.startswith("サ変") and not _is_person(morphemes[place - 1]):
        return False  # 建物の全焼する火災 begins as 建物の全焼
    if predicate.pos == "形容詞":
        return in_class(morphemes[place - 1], "quality")
    if following is None:
        return False
    return following.surface in ("は", "が", "も") or following.c_type in _COPULA


_COPULA = frozenset({"助動詞-ダ", "助動詞-デス"})


def relative_ga(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose が for the の of a relative clause: 私の書いた本 → 私が書いた本, 背の高い人 → 背が高い人."""
    return shuffled(at_each_particle(passage, frozenset("の"), _no_to_ga), rng)


def _no_to_ga(morphemes: _Sentence, place: int) -> EditSet | None:
    no, subject, predicate = morphemes[place], morphemes[place - 1], morphemes[place + 1]
    if no.pos2 != "格助詞" or not _may_be_subject(morphemes, place - 1):
        return None
    head = _modified(morphemes, place + 1)
    if head is None or _has_parallel(morphemes, place):
        return None
    if is_negation(predicate):
        return None  # 人気のない道
    if any(m.start == head.end and m.surface in _JOINS for m in morphemes):
        return None  # 匂いのいい蚊帳と糊のよくきいた浴衣
    if predicate.pos == "形容詞":
        after = next((m.surface for m in morphemes if m.start >= head.end), "")
        start = _phrase_start(morphemes, place - 1)
        pointed = start > 0 and morphemes[start - 1].pos == "連体詞"  # この背の高い人
        sure = in_class(subject, "quality") and after != "の" and not pointed
    else:  # 彼の書いた本; but 彼の死んだ父 is his father, and 私の定まった運命 is mine
        theirs = in_class(head, "person") or in_class(head, "kin")
        lives = in_class(predicate, "living") and in_class(head, "place")
        does = lives or in_class(predicate, "act") or in_class(predicate, "everyday")
        sure = does and not theirs and subject.pos == "代名詞" and not _points(subject)
    if not sure:
        return None
    return [Edit(no.start, no.end, "が", "particles.relative_subject")]


def _points(subject: Morpheme) -> bool:
    return in_class(subject, "wh") or subject.surface in _DEMONSTRATIVES


def _may_be_subject(morphemes: _Sentence, place: int) -> bool:
    """Whether a noun phrase of one clause ends here, with no other part of that clause before it."""
    noun = morphemes[place]
    if noun.pos not in ("名詞", "代名詞") and noun.pos2 != "名詞的":
        return False
    if noun.pos2 == "数詞" or in_class(noun, "both_of"):
        return False
    if noun.pos3 in ("助数詞可能", "助数詞", "副詞可能"):
        return False
    while place and morphemes[place - 1].pos in ("名詞", "接頭辞", "接尾辞"):
        place -= 1
    if not place:
        return True
    before = morphemes[place - 1]
    if before.pos == "助詞":
        return before.surface in ("は", "も", "の")
    return before.surface in COMMAS or before.pos in ("補助記号", "接続詞", "連体詞")


def _modified(morphemes: _Sentence, place: int) -> Morpheme | None:
    """The noun that a relative clause of one predicate modifies, if its predicate begins here."""
    first = morphemes[place]
    if first.pos3.startswith("サ変") and place + 1 < len(morphemes):
        place += 1
        if morphemes[place].orth_base != "する":
            return None
    elif first.pos not in ("動詞", "形容詞"):
        return None
    for after in range(place + 1, min(len(morphemes), place + _LONGEST_PREDICATE)):
        word = morphemes[after]
        if word.pos in ("名詞", "代名詞"):
            return word if _is_plain_head(morphemes, after) else None
        if not _continues(word):
            return None
    return None


def _continues(word: Morpheme) -> bool:
    """Whether a morpheme goes on with a predicate: た, ない, て いる."""
    if word.pos == "助動詞":
        return word.c_type not in ("助動詞-ダ", "助動詞-デス", "助動詞-マス")
    return word.surface in ("て", "で") or (word.pos == "動詞" and word.pos2 == "非自立可能")


def _is_plain_head(morphemes: _Sentence, place: int) -> bool:
    """Whether a noun is modified by what stands before it, and has a meaning of its own."""
    word, before = morphemes[place], morphemes[place - 1]
    if not before.c_form.startswith("連体形") or word.pos2 != "普通名詞":
        return False
    if word.pos3 in ("副詞可能", "助数詞可能") or in_class(word, "formal_noun"):
        return False
    return not in_class(word, "content_noun")
