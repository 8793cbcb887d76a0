"""What stands around a word: the conditions under which a table says that it may be replaced.

Beside the word, one of these must follow it (column `follows`; ``!`` denies, and no denied one may):

| written | what follows |
|---|---|
| ``adj`` | an い-adjective other than ない, or 大きな, 小さな |
| ``na`` | a な-adjective |
| ``verb`` | a verb, or a noun with する |
| ``noun`` ``num`` | a noun, pronoun or prefix; a number |
| ``adv`` | an adverb |
| ``comma`` | 、 |
| ``prt`` | a particle, 、, or the copula |
| ``free`` | any word that is neither a particle nor an auxiliary, or 、 |
| ``@class`` | a word of that class of `word_classes.tsv` |
| ``=text`` | this very text |
| ``:は,が`` | one of these morphemes |

And all of these must hold of the clause (column `where`):

| written | where |
|---|---|
| ``neg`` ``aff`` | in a clause with a negation, without one |
| ``initial`` | at the beginning of a sentence |
| ``alone`` | not part of a compound: no noun, prefix or number before it |
| ``fresh`` | after 、, a particle other than の, or nothing |
| ``bare`` | no もう, ほんの, ごく before it |
| ``coordinate`` | between nouns: a noun before it, perhaps with 、 |
| ``than`` | after より, ほうが, に比べ |
| ``like`` | with ような, ように or みたい after it in the clause |
| ``question`` ``request`` | in a sentence that asks for an answer, for something to be done |
| ``nonpast`` | in a sentence without た |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.word_classes import in_class

__all__ = [
    "Condition",
    "follow_condition",
    "is_classical",
    "is_negation",
    "is_question",
    "is_requested",
    "stands_alone",
    "where_condition",
]

Condition = Callable[[Sequence[Morpheme], int, int], bool]
"""Asked of the morphemes of a sentence and of a word's place in them: ``morphemes[first:after]``."""

_COMMAS = frozenset("、，,")
_COPULA = frozenset({"助動詞-ダ", "助動詞-デス"})
_WORDS = frozenset({"名詞", "代名詞", "動詞", "形容詞", "形状詞", "副詞", "連体詞", "接頭辞"})
_ADNOMINAL_ADJECTIVES = frozenset({"大きな", "小さな", "おかしな"})
_NEGATIONS = frozenset({"助動詞-ナイ", "助動詞-ヌ", "文語助動詞-ズ"})
_COMPOUNDING = frozenset({"名詞", "代名詞", "接頭辞", "接尾辞", "記号", "形状詞"})
_STILL_USED = frozenset(
    {"文語助動詞-ズ", "文語助動詞-ベシ", "文語助動詞-ゴトシ", "文語助動詞-マジ"}
)
_HEIGHTENED_BY = frozenset({"もう", "ほんの", "ごく", "あと", "もっと", "より"})
_OPEN_CLAUSE = frozenset({"て", "で", "ば", "ちゃ", "じゃ", "ても", "でも", "つつ", "ながら"})


def is_negation(morpheme: Morpheme) -> bool:
    """Whether a morpheme negates: ない, ず, ん of ません, and the adjective ない."""
    if morpheme.c_type in _NEGATIONS:
        return True
    return morpheme.pos == "形容詞" and morpheme.orth_base in ("ない", "無い")


def is_classical(morphemes: Sequence[Morpheme]) -> bool:
    """Whether a sentence is in classical Japanese (文語), whose words are not replaced.

    Modern sentences keep ず, べき, ごとく and the like.
    """
    return any(m.c_type.startswith("文語") and m.c_type not in _STILL_USED for m in morphemes)


def stands_alone(morphemes: Sequence[Morpheme], first: int) -> bool:
    """Whether the word at `first` is not the tail of a compound: 焼き菓子, 中国人."""
    if not first:
        return True
    before = morphemes[first - 1]
    if before.end != morphemes[first].start or before.pos3 == "副詞可能":
        return True
    if before.pos == "動詞":
        return not before.c_form.startswith("連用形")
    return before.pos not in _COMPOUNDING and not before.surface.isascii()


def _is_adjective(morpheme: Morpheme) -> bool:
    if morpheme.pos == "連体詞":
        return morpheme.surface in _ADNOMINAL_ADJECTIVES
    return morpheme.pos == "形容詞" and not is_negation(morpheme)


def _is_na_adjective(morphemes: Sequence[Morpheme], place: int) -> bool:
    morpheme = morphemes[place]
    if morpheme.pos == "形状詞":
        return morpheme.pos2 != "助動詞語幹"
    if "形状詞可能" not in morpheme.pos3 or place + 1 == len(morphemes):
        return False
    return morphemes[place + 1].c_type in _COPULA


def _is_verb(morphemes: Sequence[Morpheme], place: int) -> bool:
    morpheme = morphemes[place]
    if morpheme.pos == "動詞":
        return True
    after = place + 1
    if not morpheme.pos3.startswith("サ変") or after == len(morphemes):
        return False
    if morphemes[after].surface == "を" and after + 1 < len(morphemes):
        after += 1
    return morphemes[after].orth_base in ("する", "できる", "いたす")


def _is_particle(morpheme: Morpheme) -> bool:
    return morpheme.pos == "助詞" or morpheme.surface in _COMMAS or morpheme.c_type in _COPULA


_FOLLOWS: dict[str, Callable[[Sequence[Morpheme], int], bool]] = {
    "adj": lambda ms, i: _is_adjective(ms[i]),
    "na": _is_na_adjective,
    "verb": _is_verb,
    "noun": lambda ms, i: ms[i].pos in ("名詞", "代名詞", "接頭辞"),
    "adv": lambda ms, i: ms[i].pos == "副詞",
    "num": lambda ms, i: ms[i].pos2 == "数詞",
    "comma": lambda ms, i: ms[i].surface in _COMMAS,
    "prt": lambda ms, i: _is_particle(ms[i]),
    "free": lambda ms, i: ms[i].pos in _WORDS or ms[i].surface in _COMMAS,
}


def _clause(morphemes: Sequence[Morpheme], after: int) -> Iterator[Morpheme]:
    """The morphemes from a word to the end of its clause."""
    for place in range(after, len(morphemes)):
        morpheme = morphemes[place]
        if morpheme.pos2 == "句点":
            return
        if morpheme.surface in _COMMAS and place > after:
            return
        if morpheme.pos2 == "接続助詞" and morpheme.surface not in _OPEN_CLAUSE:
            return
        yield morpheme


def _negated(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return any(map(is_negation, _clause(morphemes, after)))


def _is_fresh(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    if not first:
        return True
    before = morphemes[first - 1]
    return before.pos == "補助記号" or (
        before.pos == "助詞" and before.surface not in ("の", "て", "で")
    )


def _is_bare(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not first or morphemes[first - 1].surface not in _HEIGHTENED_BY


def _coordinates(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    place = first - 1
    if place > 0 and morphemes[place].surface in _COMMAS:
        place -= 1
    return place >= 0 and morphemes[place].pos in ("名詞", "接尾辞", "代名詞")


def _compares(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    before = "".join(m.surface for m in morphemes[max(0, first - 3) : first]).rstrip("、")
    return before.endswith(
        ("より", "よりも", "よりは", "ほうが", "方が", "に比べ", "に比べて", "と比べて")
    )


def _likens(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return any(m.orth_base in ("よう", "様", "みたい") for m in _clause(morphemes, after))


def is_question(morphemes: Sequence[Morpheme], after: int) -> bool:
    """Whether a sentence asks for an answer: it ends in か, or there is a question mark."""
    tail = [m for m in morphemes[after:] if m.pos != "補助記号"]
    if any(m.surface in "？?" for m in morphemes[after:]):
        return True
    return bool(tail) and tail[-1].surface == "か" and tail[-1].pos2 == "終助詞"


def is_requested(morphemes: Sequence[Morpheme], after: int) -> bool:
    """Whether a sentence asks for something to be done: 〜てください, お〜ください."""
    return any(m.lemma in ("下さる", "くださる") for m in morphemes[after:])


def _is_nonpast(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not any(m.c_type == "助動詞-タ" for m in morphemes[after:])


def _is_initial(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return all(m.pos in ("補助記号", "空白") for m in morphemes[:first])


_WHERE: dict[str, Condition] = {
    "neg": _negated,
    "aff": lambda ms, i, j: not _negated(ms, i, j),
    "initial": _is_initial,
    "alone": lambda ms, i, j: stands_alone(ms, i),
    "fresh": _is_fresh,
    "bare": _is_bare,
    "coordinate": _coordinates,
    "than": _compares,
    "like": _likens,
    "question": lambda ms, i, j: is_question(ms, j),
    "request": lambda ms, i, j: is_requested(ms, j),
    "nonpast": _is_nonpast,
}


@lru_cache(maxsize=1024)
def where_condition(written: str) -> Condition:
    """Read the column `where`; nothing written is no condition.

    Raises:
        KeyError: no such condition.
    """
    tests = [_WHERE[name] for name in written.split()]
    return lambda ms, i, j: all(test(ms, i, j) for test in tests)


@lru_cache(maxsize=1024)
def follow_condition(written: str) -> Condition:
    """Read the column `follows`; nothing written is no condition.

    Raises:
        KeyError: no such condition.
    """
    parts = written.split()
    denied = [_follow(part[1:]) for part in parts if part.startswith("!")]
    wanted = [_follow(part) for part in parts if not part.startswith("!")]

    def holds(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
        if after >= len(morphemes):
            return not wanted
        if any(test(morphemes, after) for test in denied):
            return False
        return not wanted or any(test(morphemes, after) for test in wanted)

    return holds


def _follow(written: str) -> Callable[[Sequence[Morpheme], int], bool]:
    if written.startswith("@"):
        name = written[1:]
        return lambda ms, i: in_class(ms[i], name)
    if written.startswith(":"):
        surfaces = frozenset(written[1:].split(","))
        return lambda ms, i: ms[i].surface in surfaces
    if written.startswith("="):
        text = written[1:]
        return lambda ms, i: "".join(m.surface for m in ms[i : i + len(text)]).startswith(text)
    return _FOLLOWS[written]
