"""Particles that depend on a whole clause: しか and だけ, missing を, who does it to whom.

Each function proposes the edits of one operator of `particles`. After 日本語記述文法研究会『現代日本語文法』 2 and 5:
cases, とりたて by しか and だけ. Relative clauses are in `relative_clauses`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from migaki.linguistics.conjugation import NotInflectableError, negative, ta_form
from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.neighbours import is_negation
from migaki.linguistics.operators.operator import EditSet, Passage, shuffled
from migaki.linguistics.operators.particle_sites import at_each_particle
from migaki.linguistics.operators.sentence_kinds import is_classical
from migaki.linguistics.operators.word_classes import in_class

__all__ = ["insert_object", "only_by_dake", "only_by_shika", "swap_roles"]

_Sentence = Sequence[Morpheme]


# --- しか and だけ


def only_by_dake(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose だけ with the affirmative for しか with the negative: 水しか飲まない → 水だけ飲む."""
    return shuffled(at_each_particle(passage, frozenset({"しか"}), _shika_to_dake), rng)


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
    return shuffled(at_each_particle(passage, frozenset({"だけ"}), _dake_to_shika), rng)


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
    for sentence in passage.sentences:
        for place in _objects(sentence.morphemes):
            at = sentence.morphemes[place].end
            if not passage.is_protected(at, at) and not is_classical(sentence.morphemes):
                found.append([Edit(at, at, "を", "particles.insertion")])
    return shuffled(found, rng)


def _objects(morphemes: _Sentence) -> Iterator[int]:
    for place in [i for i, m in enumerate(morphemes[1:]) if m.pos == "動詞"]:
        noun, verb = morphemes[place : place + 2]
        if noun.pos2 != "普通名詞" or noun.end != verb.start:
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
    if place and morphemes[place - 1].surface == "に" and in_class(noun, "goal"):
        return False  # アメリカに旅行する has its goal already
    if any(m.surface == "を" for m in morphemes[:place]) or suru.c_form.startswith("未然形-サ"):
        return False
    following = morphemes[place + 2 : place + 4]
    return not any(
        m.orth_base in ("れる", "られる", "せる", "させる") or m.pos == "名詞" for m in following
    )


# --- Who does it to whom


def swap_roles(passage: Passage, rng: random.Random) -> list[EditSet]:
    """Propose が for を and を for が between two living beings: 犬が猫を追う → 犬を猫が追う."""
    return shuffled(at_each_particle(passage, frozenset("が"), _swap), rng)


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
