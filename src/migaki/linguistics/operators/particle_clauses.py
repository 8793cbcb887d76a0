"""Particles that depend on a whole clause: relative clauses, しか and だけ, missing を, who does it to whom.

Each function proposes the edits of one operator of `particles`. After 日本語記述文法研究会『現代日本語文法』 2, 5
and 6: が and の in relative clauses (ガノ交替), とりたて by しか and だけ.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from migaki.linguistics.conjugation import NotInflectableError, negative, ta_form
from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.neighbours import COMMAS, is_negation
from migaki.linguistics.operators.operator import EditSet, Passage
from migaki.linguistics.operators.surroundings import is_classical, is_readable
from migaki.linguistics.operators.word_classes import in_class

__all__ = [
    "insert_object",
    "only_by_dake",
    "only_by_shika",
    "relative_ga",
    "relative_no",
    "swap_roles",
]

_Sentence = Sequence[Morpheme]

# Before the subject of a clause that is turned: nothing else that belongs to the same clause.
_OTHER_CASES = frozenset({"を", "に", "で", "と", "へ", "から", "まで", "より"})
_DEMONSTRATIVES = frozenset({"これ", "それ", "あれ", "ここ", "そこ", "こちら"})
_LONGEST_PREDICATE = 6


def _each(
    passage: Passage, surfaces: frozenset[str], propose: Callable[[_Sentence, int], EditSet | None]
) -> list[EditSet]:
    """Ask a rule at every particle of these surfaces; nothing protected is changed."""
    found: list[EditSet] = []
    if surfaces.isdisjoint(passage.words):
        return found
    for sentence in filter(is_readable, passage.sentences):
        morphemes = sentence.morphemes
        for place, morpheme in enumerate(morphemes[:-1]):
            if morpheme.surface not in surfaces or morpheme.pos != "助詞" or not place:
                continue
            edits = propose(morphemes, place)
            if not edits or is_classical(morphemes):
                continue
            if not any(passage.is_protected(edit.start, edit.end) for edit in edits):
                found.append(edits)
    return found


def _shuffled(found: list[EditSet], rng: random.Random) -> list[EditSet]:
    rng.shuffle(found)
    return found


# --- Relative clauses


def relative_no(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose の for the が of a relative clause: 私が書いた本 → 私の書いた本."""
    return _shuffled(_each(passage, frozenset("が"), _ga_to_no), rng)


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
    if predicate.pos == "形容詞":
        return in_class(morphemes[place - 1], "quality")
    if following is None:
        return False
    return following.surface in ("は", "が", "も") or following.c_type in _COPULA


_COPULA = frozenset({"助動詞-ダ", "助動詞-デス"})


def relative_ga(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose が for the の of a relative clause: 私の書いた本 → 私が書いた本, 背の高い人 → 背が高い人."""
    return _shuffled(_each(passage, frozenset("の"), _no_to_ga), rng)


def _no_to_ga(morphemes: _Sentence, place: int) -> EditSet | None:
    no, subject, predicate = morphemes[place], morphemes[place - 1], morphemes[place + 1]
    if no.pos2 != "格助詞" or not _may_be_subject(morphemes, place - 1):
        return None
    head = _modified(morphemes, place + 1)
    if head is None or _has_parallel(morphemes, place):
        return None
    if is_negation(predicate):
        return None  # 人気のない道
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
    if noun.pos2 == "数詞" or noun.pos3 in ("助数詞可能", "助数詞", "副詞可能"):
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


# --- しか and だけ


def only_by_dake(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose だけ with the affirmative for しか with the negative: 水しか飲まない → 水だけ飲む."""
    return _shuffled(_each(passage, frozenset({"しか"}), _shika_to_dake), rng)


def _shika_to_dake(morphemes: _Sentence, place: int) -> EditSet | None:
    verb = morphemes[place + 1]
    if not _is_countable_act(morphemes, place):
        return None
    ending = [m for m in morphemes[place + 2 :] if m.pos == "助動詞"][:4]
    written = "".join(m.surface for m in ending)
    if written not in _AFFIRMATIVE or not _is_final(morphemes, place + 2 + len(ending)):
        return None
    polite = _AFFIRMATIVE[written]
    try:
        affirmed = verb.surface + polite if polite else _plain(verb, past=written.endswith("た"))
    except NotInflectableError:
        return None
    return [
        Edit(morphemes[place].start, morphemes[place].end, "だけ", "particles.only_dake"),
        Edit(verb.start, ending[-1].end, affirmed, "particles.only_dake"),
    ]


_AFFIRMATIVE = {"ない": "", "なかった": "", "ません": "ます", "ませんでした": "ました"}
_NEGATIVE = {"": "", "た": "", "だ": "", "ます": "ません", "ました": "ませんでした"}


def _plain(verb: Morpheme, *, past: bool) -> str:
    return ta_form(verb.orth_base, verb.c_type) if past else verb.orth_base


def only_by_shika(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose しか with the negative for だけ with the affirmative: 水だけ飲む → 水しか飲まない."""
    return _shuffled(_each(passage, frozenset({"だけ"}), _dake_to_shika), rng)


def _dake_to_shika(morphemes: _Sentence, place: int) -> EditSet | None:
    dake = morphemes[place]
    end = dake.end
    if morphemes[place + 1].surface == "を" and place + 2 < len(morphemes):
        place += 1
        end = morphemes[place].end
    if not _is_countable_act(morphemes, place):
        return None
    verb = morphemes[place + 1]
    ending = [m for m in morphemes[place + 2 :] if m.pos == "助動詞"][:3]
    written = "".join(m.surface for m in ending)
    if written not in _NEGATIVE or not _is_final(morphemes, place + 2 + len(ending)):
        return None
    if not ending and not verb.c_form.startswith("終止形"):
        return None
    try:
        denied = verb.surface + _NEGATIVE[written] if _NEGATIVE[written] else _denied(verb, written)
    except NotInflectableError:
        return None
    last = ending[-1] if ending else verb
    return [
        Edit(dake.start, end, "しか", "particles.only_shika"),
        Edit(verb.start, last.end, denied, "particles.only_shika"),
    ]


def _denied(verb: Morpheme, written: str) -> str:
    present = negative(verb.orth_base, verb.c_type)
    return present.removesuffix("い") + "かった" if written else present


def _is_countable_act(morphemes: _Sentence, place: int) -> bool:
    """Whether しか or だけ stands between a noun and an act on it; ある, いる, 知る are no acts."""
    noun, verb = morphemes[place - 1], morphemes[place + 1]
    if noun.surface == "だけ":
        noun = morphemes[place - 2]
    return in_class(noun, "thing") and verb.pos == "動詞" and in_class(verb, "act")


def _is_final(morphemes: _Sentence, place: int) -> bool:
    return all(m.pos in ("補助記号", "終助詞") for m in morphemes[place:])


# --- を that is missing


def insert_object(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose を between an object and its verb: 映画見た → 映画を見た, 毎朝運動する → 毎朝運動をする."""
    found = []
    for sentence in filter(is_readable, passage.sentences):
        for place in _objects(sentence.morphemes):
            at = sentence.morphemes[place].end
            if not passage.is_protected(at, at) and not is_classical(sentence.morphemes):
                found.append([Edit(at, at, "を", "particles.insertion")])
    return _shuffled(found, rng)


def _objects(morphemes: _Sentence) -> Iterator[int]:
    for place, (noun, verb) in enumerate(pairwise(morphemes)):
        if noun.pos2 != "普通名詞" or verb.pos != "動詞" or noun.end != verb.start:
            continue
        if place and not _begins_object(morphemes[place - 1]):
            continue
        acts = in_class(verb, "act") and in_class(noun, "thing")
        if (acts and _keeps_verb(morphemes, place + 1)) or _does(morphemes, place):
            yield place


def _begins_object(before: Morpheme) -> bool:
    return before.pos in ("補助記号", "連体詞", "副詞") or (
        before.pos == "助詞" and before.surface in ("は", "も", "で", "に", "と", "の")
    )


def _keeps_verb(morphemes: _Sentence, place: int) -> bool:
    """Whether the verb is a predicate and no half of a compound: not the 飲み of お茶飲み友達."""
    return place + 1 < len(morphemes) and morphemes[place + 1].pos not in (
        "名詞",
        "接尾辞",
        "形状詞",
    )


def _does(morphemes: _Sentence, place: int) -> bool:
    """Whether 勉強する may become 勉強をする: nothing else is the object, nothing modifies 勉強."""
    noun, suru = morphemes[place], morphemes[place + 1]
    if suru.orth_base != "する" or not in_class(noun, "pastime"):
        return False
    if place and morphemes[place - 1].surface in ("の", "を"):
        return False
    if any(m.surface == "を" for m in morphemes[:place]) or suru.c_form.startswith("未然形-サ"):
        return False
    following = morphemes[place + 2 : place + 4]
    return not any(
        m.orth_base in ("れる", "られる", "せる", "させる") or m.pos == "名詞" for m in following
    )


# --- Who does it to whom


def swap_roles(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose が for を and を for が between two living beings: 犬が猫を追う → 犬を猫が追う."""
    return _shuffled(_each(passage, frozenset("が"), _swap), rng)


def _acts(noun: Morpheme) -> bool:
    return in_class(noun, "person") or in_class(noun, "animal")


def _swap(morphemes: _Sentence, place: int) -> EditSet | None:
    if morphemes[place].pos2 != "格助詞" or not _acts(morphemes[place - 1]):
        return None
    for after in range(place + 2, min(place + 4, len(morphemes) - 1)):
        word = morphemes[after]
        if word.surface == "を" and word.pos == "助詞":
            verb = morphemes[after + 1]
            if verb.pos != "動詞" or not _acts(morphemes[after - 1]):
                return None
            if any(map(is_negation, morphemes[after:])):
                return None
            ga, rule = morphemes[place], "particles.roles"
            return [Edit(ga.start, ga.end, "を", rule), Edit(word.start, word.end, "が", rule)]
        if word.pos not in ("名詞", "代名詞", "接尾辞", "接頭辞") and word.surface != "の":
            return None
    return None
