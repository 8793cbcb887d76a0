"""The conditions under which a table says that a word may be replaced by another.

What must follow the word is in the column `follows`, written as `neighbours` says. All of these must
hold too (column `where`):

| written | where |
|---|---|
| ``neg`` ``aff`` | in a clause with a negation, without one |
| ``initial`` | at the beginning of a sentence |
| ``alone`` | not part of a compound: no noun, prefix or number before it |
| ``solitary`` | the same, and no adverbial noun before it either: not 祝い in 誕生日祝い |
| ``fresh`` | after 、, a particle other than の, or nothing |
| ``bare`` | no other adverb of degree before it: もう, ほんの, とても |
| ``coordinate`` | between nouns: a noun before it, perhaps with 、 |
| ``than`` | after より, ほうが, に比べ |
| ``like`` | with ような, ように or みたい after it in the clause |
| ``question`` ``request`` | in a sentence that asks for an answer, for something to be done |
| ``nonpast`` | in a sentence without た |
| ``statement`` | in a sentence without an order, a request, a volitional or a conjecture |
| ``spoken`` | in a sentence that is itself said to someone: よ, ね, って; not ぞ and てる, which stories have |
| ``plain`` | in a sentence without です, ます |
| ``opening`` | with no が, を, は before it |
| ``simple`` | in a sentence of one clause |
| ``topic`` | with the particle after the first word of a sentence, or after 、 |
| ``only`` | with no other such particle in the sentence |
| ``no:は`` | in a sentence without this particle |
| ``with:が`` | with this particle somewhere after it |
| ``no@vary`` | in a sentence without a word of that class of `word_classes.tsv` |
| ``without:など`` | in a sentence that has this text nowhere else |
| ``once`` | in a sentence that has the word itself nowhere else: parallel members change together or not |
| ``positive`` | in a sentence without a negation, whatever the clause |
| ``unasked`` | with no させてもらう, てください or clause-final て after it: nothing is asked for |
| ``unhonoured`` | with no れる, られる, なさる or other honorific after it |
| ``modern`` | in a sentence without ぬ and まい, which belong to older prose |
| ``unpaired`` | without のと before it, whose other half の of ので may be |
| ``begun`` | after more than です: not the から of a sentence that begins with ですから |
| ``agreeing`` | after です, ます if the sentence is polite further on |
| ``predicated`` | with a predicate after it: not in a title |
| ``conjunctive`` | being a conjunctive particle (接続助詞) |
| ``case`` | being a case particle (格助詞) |
| ``closing`` | right before the predicate that ends the sentence |
| ``polite`` | in a sentence with です or ます |
| ``exist`` | in a sentence that says that something is there: it ends in ある or いる |
| ``short`` | in a sentence of at most 15 morphemes |
| ``<noun`` | with such a neighbour before it, as `neighbours` says; ``<!noun`` denies |
| ``<<:の`` | with such a neighbour before that one |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.neighbours import COMMAS, is_negation, neighbour_test
from migaki.linguistics.operators.sentence_kinds import is_question, is_requested
from migaki.linguistics.operators.word_classes import in_class

__all__ = [
    "Condition",
    "follow_condition",
    "stands_alone",
    "where_condition",
]

Condition = Callable[[Sequence[Morpheme], int, int], bool]
"""Asked of the morphemes of a sentence and of a word's place in them: ``morphemes[first:after]``."""

_COMPOUNDING = frozenset({"名詞", "代名詞", "接頭辞", "接尾辞", "記号", "形状詞"})
_NOMINAL = frozenset({"名詞", "代名詞", "接頭辞"})
_NO_STATEMENT = frozenset({"下さる", "な", "だろう", "でしょう", "まい"})
_SPOKEN = frozenset({"ちゃう", "じゃう", "とく", "って", "けど", "なんか", "じゃん"})
_NOT_SPOKEN = frozenset({"か", "ぞ", "ぜ"})
_SHORT_SENTENCE = 15
_HEIGHTENED_BY = frozenset({"もう", "ほんの", "ごく", "あと", "もっと", "より", "とても", "すごく"})
_OPEN_CLAUSE = frozenset({"て", "で", "ば", "ちゃ", "じゃ", "ても", "でも", "つつ", "ながら"})


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


def _clause(morphemes: Sequence[Morpheme], after: int) -> Iterator[Morpheme]:
    """The morphemes from a word to the end of its clause."""
    for place in range(after, len(morphemes)):
        morpheme = morphemes[place]
        if morpheme.pos2 == "句点":
            return
        if morpheme.surface in COMMAS and place > after:
            return
        if morpheme.pos2 == "接続助詞" and morpheme.surface not in _OPEN_CLAUSE:
            return
        yield morpheme


def _negated(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return any(map(is_negation, _clause(morphemes, after)))


def _is_solitary(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    if not first or morphemes[first - 1].end != morphemes[first].start:
        return True
    return morphemes[first - 1].pos != "名詞" and stands_alone(morphemes, first)


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
    if place > 0 and morphemes[place].surface in COMMAS:
        place -= 1
    return place >= 0 and morphemes[place].pos in ("名詞", "接尾辞", "代名詞")


def _compares(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    before = "".join(m.surface for m in morphemes[max(0, first - 3) : first]).rstrip("、")
    return before.endswith(
        ("より", "よりも", "よりは", "ほうが", "方が", "に比べ", "に比べて", "と比べて")
    )


def _likens(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return any(m.orth_base in ("よう", "様", "みたい") for m in _clause(morphemes, after))


def _is_nonpast(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not any(m.c_type == "助動詞-タ" for m in morphemes[after:])


def _is_initial(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return all(m.pos in ("補助記号", "空白") for m in morphemes[:first])


def _states(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not any(
        m.c_form.startswith(("命令形", "意志推量形"))
        or m.lemma in _NO_STATEMENT
        or (m.pos2 == "終助詞" and m.surface in _NO_STATEMENT)
        for m in morphemes[after:]
    )


def _is_simple(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    for morpheme, following in pairwise(morphemes):
        if morpheme.c_type and following.pos in _NOMINAL:
            return False
        if morpheme.pos2 in ("接続助詞", "準体助詞") and following.pos2 != "非自立可能":
            return False
        if following.surface in COMMAS and morpheme.c_type:
            return False
    return True


def _is_spoken(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return any(
        (m.pos2 == "終助詞" and m.surface not in _NOT_SPOKEN) or m.orth_base in _SPOKEN
        for m in morphemes
    )


def _is_plain(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not any(m.c_type in ("助動詞-マス", "助動詞-デス") for m in morphemes)


def _is_opening(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not any(m.pos == "助詞" and m.surface in "がをは" for m in morphemes[:first])


def _is_topic(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return first == 1 or (first > 1 and morphemes[first - 2].surface in COMMAS)


def _is_only(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    surface = morphemes[first].surface
    return sum(m.surface == surface and m.pos == "助詞" for m in morphemes) == 1


def _exists(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    """Whether ある or いる is the only verb of the sentence."""
    verbs = [m for m in morphemes if m.pos in ("動詞", "形容詞", "形状詞")]
    return len(verbs) == 1 and verbs[0].lemma in ("有る", "ある", "居る", "いる")


def _is_once(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return _lacks("".join(m.surface for m in morphemes[first:after]))(morphemes, first, after)


def _lacks(text: str) -> Condition:
    """Whether a text stands nowhere in the sentence but, perhaps, in the place of the word."""

    def holds(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
        before = "".join(m.surface for m in morphemes[:first])
        return text not in before and text not in "".join(m.surface for m in morphemes[after:])

    return holds


def _is_unasked(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    if any(m.lemma in _ASKING for m in morphemes[after:]):
        return False
    said = [
        m for m in morphemes[after:] if m.pos not in ("補助記号", "終助詞") and m.pos2 != "終助詞"
    ]
    return not said or said[-1].pos2 != "接続助詞"


def _is_modern(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not any(m.pos == "助動詞" and m.surface in ("ぬ", "まい") for m in morphemes)


def _is_unpaired(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return not any(
        one.surface in ("の", "もの") and two.surface in ("と", "も", "は")
        for one, two in pairwise(morphemes[:first])
    )


def _closes(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return all(
        m.pos in ("動詞", "助動詞") or m.pos2 == "句点" or m.surface in ("て", "で")
        for m in morphemes[after:]
    )


def _has_begun(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    return first > 1 and morphemes[first - 2].pos not in ("補助記号", "接続詞", "感動詞")


def _agrees(morphemes: Sequence[Morpheme], first: int, after: int) -> bool:
    polite = not _is_plain(morphemes[max(0, first - 2) : first], 0, 0)
    return polite or _is_plain(morphemes[after:], 0, 0)


_ASKING = frozenset({"貰う", "頂く", "下さる", "呉れる", "欲しい", "もらう", "いただく", "くれる"})
_HONOURING = frozenset(
    {"れる", "られる", "為さる", "なさる", "下さる", "いらっしゃる", "召し上がる"}
)

_WHERE: dict[str, Condition] = {
    "neg": _negated,
    "aff": lambda ms, i, j: not _negated(ms, i, j),
    "initial": _is_initial,
    "alone": lambda ms, i, j: stands_alone(ms, i),
    "solitary": _is_solitary,
    "fresh": _is_fresh,
    "bare": _is_bare,
    "coordinate": _coordinates,
    "than": _compares,
    "like": _likens,
    "question": lambda ms, i, j: is_question(ms, j),
    "request": lambda ms, i, j: is_requested(ms, j),
    "nonpast": _is_nonpast,
    "statement": _states,
    "spoken": _is_spoken,
    "plain": _is_plain,
    "opening": _is_opening,
    "simple": _is_simple,
    "topic": _is_topic,
    "only": _is_only,
    "conjunctive": lambda ms, i, j: ms[i].pos2 == "接続助詞",
    "case": lambda ms, i, j: ms[i].pos2 == "格助詞",
    "closing": _closes,
    "polite": lambda ms, i, j: not _is_plain(ms, i, j),
    "exist": _exists,
    "once": _is_once,
    "positive": lambda ms, i, j: not any(map(is_negation, ms)),
    "unasked": _is_unasked,
    "unhonoured": lambda ms, i, j: not any(m.lemma in _HONOURING for m in ms[j:]),
    "modern": _is_modern,
    "unpaired": _is_unpaired,
    "begun": _has_begun,
    "agreeing": _agrees,
    "predicated": lambda ms, i, j: any(m.c_type for m in ms[j:]),
    "short": lambda ms, i, j: len(ms) <= _SHORT_SENTENCE,
}


@lru_cache(maxsize=1024)
def where_condition(written: str) -> Condition:
    """Read the column `where`; nothing written is no condition.

    Raises:
        KeyError: no such condition.
    """
    parts = written.split()
    tests = []  # the neighbours first: they are looked at in no time
    for distance, mark in ((2, "<<"), (1, "<")):
        near = [part.removeprefix(mark) for part in parts if part.startswith(mark)]
        parts = [part for part in parts if not part.startswith(mark)]
        if near:
            tests.append(_before(" ".join(near), distance))
    tests += [_where(part) for part in parts]
    return lambda ms, i, j: all(test(ms, i, j) for test in tests)


def _where(written: str) -> Condition:
    if written.startswith("no:"):
        surface = written.removeprefix("no:")
        return lambda ms, i, j: not any(m.surface == surface and m.pos == "助詞" for m in ms)
    if written.startswith("with:"):
        wanted = written.removeprefix("with:")
        return lambda ms, i, j: any(m.surface == wanted and m.pos == "助詞" for m in ms[j:])
    if written.startswith("without:"):
        return _lacks(written.removeprefix("without:"))
    if written.startswith("no@"):
        name = written.removeprefix("no@")
        return lambda ms, i, j: not any(in_class(m, name) for m in ms)
    return _WHERE[written]


def _before(written: str, distance: int) -> Condition:
    test = neighbour_test(written)
    denies_only = all(part.startswith("!") for part in written.split())
    return lambda ms, i, j: test(ms, i - distance) if i >= distance else denies_only


@lru_cache(maxsize=1024)
def follow_condition(written: str) -> Condition:
    """Read the column `follows`; nothing written is no condition.

    Raises:
        KeyError: no such test.
    """
    test = neighbour_test(written)
    denies_only = all(part.startswith("!") for part in written.split())
    return lambda ms, i, j: test(ms, j) if j < len(ms) else denies_only
