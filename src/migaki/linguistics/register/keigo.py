"""Honorific, humble and very polite turns of speech in a row of morphemes.

The turns are data (`tables/keigo_patterns.tsv`, `keigo_words.tsv`), after 「敬語の指針」 (文化審議会答申,
2007). What is done here is matching, and one thing that no pattern can say: whether れる／られる is
honorific, passive, potential or spontaneous. After the school grammar it is taken for honorific where
the clause has a respected subject and no one by whom it is done (に), and in a polite sentence where
the verb has an object with を or can have no passive; it is not marked otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from migaki.linguistics.morphemes import Morpheme, Register
from migaki.linguistics.tables import read_table

__all__ = ["KeigoMark", "is_prefix", "keigo_marks", "keigo_turns", "word_kinds"]


class KeigoMark(NamedTuple):
    """A turn of keigo.

    Attributes:
        start: Offset of its first character in the text.
        end: Offset after its last character.
        first: Index of its first morpheme.
        last: Index of its last morpheme.
        kind: HONORIFIC, HUMBLE or POLITE; NONE for nouns, titles and formal words, which say
            something of the level of a text but decide the register of no clause.
        name: Its name in `keigo_patterns.tsv`, or that of the rule that found it.
    """

    start: int
    end: int
    first: int
    last: int
    kind: Register
    name: str


class _Element(NamedTuple):
    words: frozenset[str]
    form: str  # the beginning of the inflected form asked for
    not_form: str

    def fits(self, morpheme: Morpheme) -> bool:
        if morpheme.orth_base not in self.words and morpheme.surface not in self.words:
            return False
        if self.form and not morpheme.c_form.startswith(self.form):
            return False
        return not (self.not_form and morpheme.c_form.startswith(self.not_form))


class _Pattern(NamedTuple):
    elements: tuple[_Element | str, ...]  # last first; "御" and "～" stand for themselves
    kind: Register
    name: str


_PREFIX, _SLOT = "御", "～"
_LONGEST_SLOT = 4
_LONGEST_CLAUSE = 60  # morphemes looked at before a れる; a bound for text that is no sentence
_PASSIVE = "助動詞-レル"
_POLITE_TYPES = frozenset(["助動詞-マス", "助動詞-デス"])


@lru_cache(maxsize=2)
def _patterns(*, prefixed: bool) -> dict[str, list[_Pattern]]:
    """The patterns by the words they end with; those with お only if `prefixed`."""
    found: dict[str, list[_Pattern]] = {}
    for kind, name, pattern, _ in read_table("keigo_patterns.tsv", columns=4):
        elements = tuple(_element(part) for part in reversed(pattern.split(" ")))
        if _PREFIX in elements and not prefixed:
            continue
        for word in elements[0].words if isinstance(elements[0], _Element) else ():
            found.setdefault(word, []).append(_Pattern(elements, Register(kind), name))
    return found


def _element(part: str) -> _Element | str:
    if part in (_PREFIX, _SLOT):
        return part
    forms = {":": "", "!": ""}
    words = []
    for word in part.split("|"):
        for mark in forms:
            word, _, form = word.partition(mark)
            forms[mark] = form or forms[mark]
        words.append(word)
    return _Element(frozenset(words), forms[":"], forms["!"])


@lru_cache(maxsize=1)
def word_kinds() -> dict[str, str]:
    """Nouns, titles and formal words of `keigo_words.tsv` → their kind."""
    return {
        word: kind
        for kind, words, _ in read_table("keigo_words.tsv", columns=3)
        for word in words.split(" ")
    }


def is_prefix(morpheme: Morpheme) -> bool:
    """Whether a morpheme is the prefix お or ご."""
    return morpheme.pos == "接頭辞" and morpheme.surface in _PREFIXES


_PREFIXES = frozenset(["お", "ご", "御", "オ", "ゴ", "おん", "み"])


def keigo_marks(morphemes: Sequence[Morpheme]) -> list[KeigoMark]:
    """Find the turns of keigo in a sentence, from left to right; none lies within another.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> text = "先生がお読みになった本を、お持ちいたします。"
        >>> for mark in keigo_marks(analyze(text)):
        ...     print(mark.kind.value, mark.name, text[mark.start:mark.end])
        none person 先生
        honorific o_ni_naru お読みになっ
        humble o_itasu お持ちいたし
    """
    kept = keigo_turns(morphemes)
    covered = {i for mark in kept for i in range(mark.first, mark.last + 1)}
    kept += _word_marks(morphemes, covered)
    return sorted(kept)


def keigo_turns(morphemes: Sequence[Morpheme]) -> list[KeigoMark]:
    """Find what `keigo_marks` does but for single words, which decide the register of no clause."""
    prefixes = [m for m in morphemes if m.pos == "接頭辞"]
    patterns = _patterns(prefixed=any(map(is_prefix, prefixes)))
    last_words = [
        index
        for index, m in enumerate(morphemes)
        if m.orth_base in patterns or m.surface in patterns or m.c_type == _PASSIVE
    ]
    kept: list[KeigoMark] = []
    for index in last_words:
        mark = _ending_at(patterns, morphemes, index)
        if mark is None and morphemes[index].c_type == _PASSIVE:
            mark = _passive_at(morphemes, index)
        if mark is None:
            continue
        while kept and kept[-1].first >= mark.first:
            kept.pop()
        kept.append(mark)
    return kept


def _ending_at(
    patterns: Mapping[str, list[_Pattern]], morphemes: Sequence[Morpheme], last: int
) -> KeigoMark | None:
    """The longest turn whose last morpheme is this one, the last row of those of one length."""
    morpheme = morphemes[last]
    best: KeigoMark | None = None
    candidates = patterns.get(morpheme.orth_base, [])
    if morpheme.surface != morpheme.orth_base:
        candidates = candidates + patterns.get(morpheme.surface, [])
    for pattern in candidates:
        first = _match(pattern.elements, 0, morphemes, last)
        if first is not None and (best is None or first <= best.first):
            best = _mark(morphemes, first, last, pattern.kind, pattern.name)
    return best


def _match(
    elements: tuple[_Element | str, ...], place: int, morphemes: Sequence[Morpheme], at: int
) -> int | None:
    """Match the elements from `place` on, leftwards from morpheme `at`; return the first index."""
    while place < len(elements) and elements[place] != _SLOT:
        if at < 0:
            return None
        element = elements[place]
        morpheme = morphemes[at]
        if not (element.fits(morpheme) if isinstance(element, _Element) else is_prefix(morpheme)):
            return None
        place, at = place + 1, at - 1
    if place == len(elements):
        return at + 1
    for length in range(_LONGEST_SLOT):
        if at - length < 0 or not _may_be_raised(morphemes[at - length]):
            return None
        first = _match(elements, place + 1, morphemes, at - length - 1)
        if first is not None:
            return first
    return None


def _may_be_raised(morpheme: Morpheme) -> bool:
    """Whether a word can stand between お／ご and になる, する and the like."""
    if morpheme.pos in ("動詞", "助動詞"):
        return morpheme.c_form.startswith(("連用形", "未然形"))
    return morpheme.pos in ("名詞", "形状詞", "接尾辞", "副詞")


def _mark(
    morphemes: Sequence[Morpheme], first: int, last: int, kind: Register, name: str
) -> KeigoMark:
    return KeigoMark(morphemes[first].start, morphemes[last].end, first, last, kind, name)


def _word_marks(morphemes: Sequence[Morpheme], covered: set[int]) -> Iterator[KeigoMark]:
    """Titles, raised and lowered nouns, お／ご before nouns and adjectives, formal words."""
    kinds = word_kinds()
    for index, morpheme in enumerate(morphemes):
        if index in covered:
            continue
        if is_prefix(morpheme) and index + 1 < len(morphemes):
            name = _prefix_name(morpheme, morphemes[index + 1])
            if name:
                yield _mark(morphemes, index, index + 1, Register.NONE, name)
        elif (kind := kinds.get(morpheme.surface, _BEAUTY)) != _BEAUTY:
            yield _mark(morphemes, index, index, Register.NONE, kind)


_BEAUTY = "beauty"


def _prefix_name(prefix: Morpheme, word: Morpheme) -> str:
    if word.pos in ("形容詞", "形状詞"):
        return "o_adjective"
    if word_kinds().get(word.surface) == _BEAUTY:
        return "o_beauty"
    if word.pos in ("名詞", "動詞", "副詞", "代名詞"):
        return "go_noun" if prefix.surface != "お" else "o_noun"
    return ""


# --- れる and られる ---------------------------------------------------------------------------


def _passive_at(morphemes: Sequence[Morpheme], index: int) -> KeigoMark | None:
    """A mark for the れる／られる at `index` if its clause shows it to be honorific."""
    if not index or not _is_honorific(morphemes, index):
        return None
    first = index - 1
    if morphemes[first].orth_base in ("する", "さる") and first:
        first -= 1
    return _mark(morphemes, first, index, Register.HONORIFIC, "reru")


def _is_honorific(morphemes: Sequence[Morpheme], index: int) -> bool:
    kind = _passive_verbs().get(morphemes[index - 1].orth_base, "")
    clause = morphemes[_clause_start(morphemes, index) : index - 1]
    if kind == "never" or _has_agent(clause):
        return False
    if _has_respected_subject(clause):
        return True
    if _POLITE_TYPES.isdisjoint(m.c_type for m in morphemes):
        return False
    return kind == "always" or (
        kind != "gives" and any(m.surface == "を" and m.pos2 == "格助詞" for m in clause)
    )


@lru_cache(maxsize=1)
def _passive_verbs() -> dict[str, str]:
    return {
        verb: kind
        for kind, verbs, _ in read_table("passive_verbs.tsv", columns=3)
        for verb in verbs.split(" ")
    }


def _clause_start(morphemes: Sequence[Morpheme], index: int) -> int:
    """Where the clause of the predicate at `index` begins: after a comma or an inflected ending."""
    nearest = max(0, index - _LONGEST_CLAUSE)
    for place in range(index - 2, nearest - 1, -1):
        morpheme = morphemes[place]
        if morpheme.pos == "補助記号":
            return place + 1
        if morpheme.pos in ("動詞", "助動詞", "形容詞") and not morpheme.c_form.startswith(
            ("連用形", "未然形", "語幹")
        ):
            return place + 1
    return nearest


_SUBJECT_PARTICLES = frozenset(["が", "は", "も", "の", "さえ", "まで", "って"])


def _has_respected_subject(clause: Sequence[Morpheme]) -> bool:
    kinds = word_kinds()
    for word, particle in pairwise(clause):
        if particle.pos == "助詞" and particle.surface in _SUBJECT_PARTICLES:
            kind = kinds.get(word.surface)
            if kind in ("title", "person") or word.surface in _NAME_SUFFIXES:
                return True
    return False


_NAME_SUFFIXES = frozenset(["さん", "氏"])


def _has_agent(clause: Sequence[Morpheme]) -> bool:
    """Someone by whom it is done: 「Nに」 before a passive, 「Nから」, 「Nによって」."""
    for word, particle in pairwise(clause):
        if particle.surface not in ("に", "から") or particle.pos2 != "格助詞":
            continue
        if word.pos == "代名詞" or word.pos3 == "人名" or word.surface in _NAME_SUFFIXES:
            return True
        if word_kinds().get(word.surface) in ("title", "person") or word.surface in _PEOPLE:
            return True
    return False


_PEOPLE = frozenset(
    [
        "人",
        "達",
        "たち",
        "者",
        "方",
        "皆",
        "誰",
        "自分",
        "相手",
        "親",
        "父",
        "母",
        "妻",
        "夫",
        "子",
        "子供",
        "友人",
        "友達",
    ]
)
