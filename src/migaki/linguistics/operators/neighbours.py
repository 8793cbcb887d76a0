"""What one word beside another is: the tests that tables name by a word each.

| written | what the neighbour is |
|---|---|
| ``adj`` | an い-adjective other than ない, or 大きな, 小さな |
| ``na`` | a な-adjective |
| ``verb`` | a verb, or a noun with する |
| ``pure_verb`` | a verb itself |
| ``noun`` ``num`` ``adv`` | a noun, pronoun or prefix; a number; an adverb |
| ``counter`` | the counter of a number: 分 of 十分, 人 of 三人, % |
| ``nominal`` | the last morpheme of a noun phrase: a noun, pronoun or suffix |
| ``common`` | a common noun |
| ``thing`` | a common noun for no person, of the class ``thing`` or a language |
| ``place`` | a place: 学校, 東京, 図書館, どこ |
| ``listed`` | a noun with a particle after it, as the last of a list has |
| ``comma`` | 、 |
| ``prt`` | a particle, 、, or the copula |
| ``free`` | any word that is neither a particle nor an auxiliary, or 、 |
| ``final`` | the end of a predicate other than だ, だろう and the volitional |
| ``adnominal`` | what modifies the noun after it: この, どのような, 読んだ |
| ``able`` | a verb of the class ``ability`` that is a predicate: not the order 使え |
| ``event`` | a noun that する makes a verb: 完了 |
| ``single`` | a word of one kanji, which would join the kanji after it: 日 in 日が長い |
| ``kana`` | a word that begins with hiragana |
| ``volitional`` | 行こう, だろう |
| ``desired`` | a verb of the class ``desire`` with たい |
| ``@class`` | a word of that class of `word_classes.tsv` |
| ``=text`` | this very text |
| ``:は,が`` | one of these morphemes |

Of those written side by side one must fit; ``!`` denies, and none of the denied may fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.word_classes import in_class

__all__ = ["COMMAS", "NeighbourTest", "is_negation", "neighbour_test"]

NeighbourTest = Callable[[Sequence[Morpheme], int], bool]
"""Asked of the morphemes of a sentence and of the neighbour's place in them."""

COMMAS = frozenset("、，,")
_COPULA = frozenset({"助動詞-ダ", "助動詞-デス"})
_WORDS = frozenset({"名詞", "代名詞", "動詞", "形容詞", "形状詞", "副詞", "連体詞", "接頭辞"})
_ADNOMINAL_ADJECTIVES = frozenset({"大きな", "小さな", "おかしな"})
_NEGATIONS = frozenset({"助動詞-ナイ", "助動詞-ヌ", "文語助動詞-ズ"})
_LIST_ENDS = frozenset({"が", "を", "は", "も", "の", "など"})
_PREDICATES = frozenset({"動詞", "形容詞", "助動詞"})


def is_negation(morpheme: Morpheme) -> bool:
    """Whether a morpheme negates: ない, ず, ん of ません, and the adjective ない."""
    if morpheme.c_type in _NEGATIONS:
        return True
    return morpheme.pos == "形容詞" and morpheme.orth_base in ("ない", "無い")


def _is_adjective(morpheme: Morpheme) -> bool:
    if morpheme.pos == "連体詞":
        return morpheme.surface in _ADNOMINAL_ADJECTIVES
    stem = morpheme.c_form.startswith("語幹")  # the 安 of 安プラン
    return morpheme.pos == "形容詞" and not stem and not is_negation(morpheme)


def _is_na_adjective(morphemes: Sequence[Morpheme], place: int) -> bool:
    morpheme = morphemes[place]
    if morpheme.pos == "形状詞":
        after = morphemes[place + 1].pos if place + 1 < len(morphemes) else ""
        return morpheme.pos2 != "助動詞語幹" and after not in ("名詞", "接尾辞")  # 有名人, 柔軟性
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
    return morpheme.pos == "助詞" or morpheme.surface in COMMAS or morpheme.c_type in _COPULA


def _is_place(morpheme: Morpheme) -> bool:
    return morpheme.pos3 == "地名" or in_class(morpheme, "place")


def _is_counter(morphemes: Sequence[Morpheme], place: int) -> bool:
    return place > 0 and morphemes[place - 1].pos2 == "数詞" and morphemes[place].pos2 != "数詞"


def _is_thing(morpheme: Morpheme) -> bool:
    return morpheme.pos2 == "普通名詞" and in_class(morpheme, "thing")


def _is_listed(morphemes: Sequence[Morpheme], place: int) -> bool:
    """Whether a noun phrase without modifiers begins here and ends with a particle."""
    end = place
    while end < len(morphemes) and morphemes[end].pos in ("名詞", "接頭辞", "接尾辞"):
        end += 1
    return place < end < len(morphemes) and morphemes[end].surface in _LIST_ENDS


def _is_final(morpheme: Morpheme) -> bool:
    """Whether a clause can end here before から and ので: not after だ, だろう, 行こう."""
    if morpheme.pos not in _PREDICATES or not morpheme.c_form.startswith(("終止形", "連体形")):
        return False
    return morpheme.c_type != "助動詞-ダ"


def _is_desired(morphemes: Sequence[Morpheme], place: int) -> bool:
    if place + 1 == len(morphemes) or not in_class(morphemes[place], "desire"):
        return False
    return morphemes[place].pos == "動詞" and morphemes[place + 1].c_type == "助動詞-タイ"


def _is_able(morphemes: Sequence[Morpheme], place: int) -> bool:
    """Whether a potential verb goes on or ends a clause: 使える, 使えない; 使え alone is an order."""
    verb = morphemes[place]
    if verb.pos != "動詞" or not in_class(verb, "ability"):
        return False
    if verb.c_form.startswith(("終止形", "連体形", "仮定形")):
        return True
    return place + 1 < len(morphemes) and morphemes[place + 1].pos in ("助動詞", "助詞")


_TESTS: dict[str, NeighbourTest] = {
    "adj": lambda ms, i: _is_adjective(ms[i]),
    "na": _is_na_adjective,
    "verb": _is_verb,
    "pure_verb": lambda ms, i: ms[i].pos == "動詞",
    "noun": lambda ms, i: ms[i].pos in ("名詞", "代名詞", "接頭辞"),
    "nominal": lambda ms, i: ms[i].pos in ("名詞", "代名詞") or ms[i].pos2 == "名詞的",
    "common": lambda ms, i: ms[i].pos2 == "普通名詞" or ms[i].pos2 == "名詞的",
    "thing": lambda ms, i: _is_thing(ms[i]),
    "counter": _is_counter,
    "place": lambda ms, i: _is_place(ms[i]),
    "listed": _is_listed,
    "adv": lambda ms, i: ms[i].pos == "副詞",
    "num": lambda ms, i: ms[i].pos2 == "数詞",
    "comma": lambda ms, i: ms[i].surface in COMMAS,
    "prt": lambda ms, i: _is_particle(ms[i]),
    "free": lambda ms, i: ms[i].pos in _WORDS or ms[i].surface in COMMAS,
    "final": lambda ms, i: _is_final(ms[i]),
    "adnominal": lambda ms, i: ms[i].pos == "連体詞" or ms[i].c_form.startswith("連体形"),
    "volitional": lambda ms, i: ms[i].c_form.startswith("意志推量形") or ms[i].surface == "まい",
    "desired": _is_desired,
    "able": _is_able,
    "event": lambda ms, i: ms[i].pos3.startswith("サ変"),
    "single": lambda ms, i: len(ms[i].surface) == 1 and ms[i].surface >= "一",
    "kana": lambda ms, i: "ぁ" <= ms[i].surface[:1] <= "ん",
}


@lru_cache(maxsize=1024)
def neighbour_test(written: str) -> NeighbourTest:
    """Read the description of a neighbour.

    Raises:
        KeyError: no such test.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> neighbour_test("adj verb !@motion")(analyze("とても高い"), 1)
        True
    """
    parts = written.split()
    denied = [_one(part[1:]) for part in parts if part.startswith("!")]
    wanted = [_one(part) for part in parts if not part.startswith("!")]
    if len(wanted) == 1 and not denied:
        return wanted[0]

    def fits(morphemes: Sequence[Morpheme], place: int) -> bool:
        if any(test(morphemes, place) for test in denied):
            return False
        return not wanted or any(test(morphemes, place) for test in wanted)

    return fits


def _one(written: str) -> NeighbourTest:
    if written.startswith("@"):
        name = written[1:]
        return lambda ms, i: in_class(ms[i], name)
    if written.startswith(":"):
        surfaces = frozenset(written[1:].split(","))
        return lambda ms, i: ms[i].surface in surfaces
    if written.startswith("="):
        text = written[1:]
        return lambda ms, i: "".join(m.surface for m in ms[i : i + len(text)]).startswith(text)
    return _TESTS[written]
