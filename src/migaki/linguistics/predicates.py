"""Find the predicates of a sentence: what is said of something, with all that inflects around it.

A predicate group is a head (a verb, an adjective, or a noun phrase), the chain of auxiliaries that
follows it (て + いる, ない, たい, ます, た, の + だ, かも + しれない …) and the particles behind that
(よ, ね, か, が, から …). Where the group stands in the sentence decides whether a change of register
concerns it: main and coordinate clauses carry the register of a text, subordinate ones do not.

The grammar is that of the short units of UniDic (現代書き言葉均衡コーパス 形態論情報規程集, NINJAL
2011) and of 益岡・田窪『基礎日本語文法』(1992) for the kinds of clauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from migaki.linguistics.morphemes import Morpheme, Sentence
from migaki.linguistics.predicate_chains import (
    COMMAS,
    Chains,
    is_copula,
    is_mark,
    is_nominal,
)
from migaki.linguistics.predicate_voices import (
    OPAQUE,
    behind_brackets,
    has_parts,
    voices,
    with_opaque,
)
from migaki.linguistics.protection import protected_spans

__all__ = ["OPAQUE", "Kind", "Place", "Predicate", "predicates"]


class Place(StrEnum):
    """Where a predicate stands in its sentence."""

    FINAL = "final"  # ends a main clause: before 。, よ, ね, か, an emoji, or a comma splice
    COORDINATE = (
        "coordinate"  # before が, けど, けれど, から, し, ので: a clause beside the main one
    )
    SUBORDINATE = "subordinate"  # relative, nominalised, quoted, conditional, て and 連用 chains


class Kind(StrEnum):
    """What the head is."""

    VERB = "verb"
    ADJECTIVE = "adjective"
    NOMINAL = "nominal"  # noun, pronoun, な-adjective, adverb, or a phrase that ends in a particle


class Predicate(NamedTuple):
    """One predicate group; its morphemes are neighbours in the sentence.

    Attributes:
        head: The content words: a verb (with the noun of a サ変 verb), an adjective, a noun phrase.
        auxiliaries: All that inflects or links behind the head, ending where the group is complete.
        particles: Sentence-final and conjunctive particles behind that.
        place: Where it stands.
        kind: What the head is.
        before: The morpheme in front of the head, if any.
        after: The first morpheme behind the particles, if any; a mark, a noun, a verb.
    """

    head: tuple[Morpheme, ...]
    auxiliaries: tuple[Morpheme, ...]
    particles: tuple[Morpheme, ...]
    place: Place
    kind: Kind
    before: Morpheme | None
    after: Morpheme | None

    @property
    def chain(self) -> tuple[Morpheme, ...]:
        """Head and auxiliaries."""
        return self.head + self.auxiliaries

    @property
    def start(self) -> int:
        """Offset of its first character in the analysed text."""
        return self.head[0].start

    @property
    def end(self) -> int:
        """Offset after head and auxiliaries; the particles lie behind it."""
        return (self.auxiliaries or self.head)[-1].end

    @property
    def polite(self) -> bool:
        """Whether です or ます is in the group."""
        return any(m.c_type in _POLITE for m in self.chain)


_VERBAL = frozenset(("動詞", "形容詞"))
_DE = frozenset(("で", "じゃ"))
# Behind a word that does not inflect, a word of these parts of speech goes on with the sentence …
_GOING_ON = frozenset(
    ("名詞", "代名詞", "動詞", "形容詞", "形状詞", "副詞", "連体詞", "接頭辞", "接尾辞")
)
# … unless it is a copula (では, whatever the analyser calls it) or ends it: か, hearsay, a laugh.
_MAY_FOLLOW_NOUN = frozenset(("で", "じゃ", "では", "ぢゃ", "か", "って", "て", "と", "笑", "w"))
_FINITE = ("終止形", "連体形", "意志推量形", "命令形")
# 接続詞 that join what modifies a noun as well as whole clauses: 大きい、または重い荷物
_NOUN_JOINERS = frozenset(
    (
        "または",
        "又は",
        "あるいは",
        "或いは",
        "もしくは",
        "若しくは",
        "ないし",
        "かつ",
        "且つ",
        "そして",
        "しかも",
        "および",
        "及び",
        "さらに",
        "更に",
        "また",
    )
)
_GOOD = ("いい", "良い", "よい", "よろしい", "早い", "ごとく", "如く", "ごとき")  # するがいい
_CAUSES = ("ため", "為", "ゆえ", "故", "まま", "儘")  # 磨いたがために
_THERE = ("ある", "有る", "いる", "居る")  # 野だがいる: が marks who is there
_POLITE = ("助動詞-マス", "助動詞-デス")
_SPOKEN = ("五段", "上一段", "下一段", "カ行変格", "サ行変格")
_COORDINATE = frozenset(("が", "けど", "けれど", "けども", "けれども", "から", "し"))


def predicates(
    sentence: Sentence, *, protected: Sequence[tuple[int, int]] | None = None
) -> list[Predicate]:
    """Find the predicate groups of a sentence, in order.

    A bare noun at the end of a sentence (体言止め) is a group without auxiliaries. Text inside （…） is
    treated as sentences of its own if it ends one or stands at the end; what is protected is one opaque noun.

    Args:
        sentence: The sentence.
        protected: Spans, in offsets of the analysed text, to treat as opaque; found in the
            sentence itself if not given.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> [s] = analyze_sentences("昨日買った本を読んでいたけど、面白くなかったですよね。")
        >>> for p in predicates(s):
        ...     parts = (p.head, p.auxiliaries, p.particles)
        ...     print(*("".join(m.surface for m in part) for part in parts), p.place.value)
        買っ た  subordinate
        読ん でいた けど coordinate
        面白く なかったです よね final
    """
    if protected is None:
        protected = _protected_in(sentence)
    tokens = with_opaque(sentence, protected)
    if not has_parts(sentence.text):
        return list(_Scanner(tokens, frozenset()).groups())
    found: list[Predicate] = []
    rejoined = behind_brackets(tokens)
    for voice, inserted in voices(tokens):
        groups = _Scanner(voice, rejoined).groups()
        found += map(_as_inserted, groups) if inserted else groups
    found.sort(key=lambda predicate: predicate.start)
    return found


def _protected_in(sentence: Sentence) -> list[tuple[int, int]]:
    by, morphemes = sentence.start, sentence.morphemes
    if not by:
        return protected_spans(sentence.text, morphemes)
    inner = [m._replace(start=m.start - by, end=m.end - by) for m in morphemes]
    return [(start + by, end + by) for start, end in protected_spans(sentence.text, inner)]


def _as_inserted(predicate: Predicate) -> Predicate:
    """A predicate in （…） in the middle of a sentence: it ends no main clause."""
    return predicate._replace(place=Place.SUBORDINATE)


class _Scanner(Chains):
    """Walks once over the tokens of one voice and groups them."""

    def __init__(self, tokens: list[Morpheme], rejoined: frozenset[int]) -> None:
        super().__init__(tokens)
        self.rejoined = rejoined

    def groups(self) -> Iterator[Predicate]:
        free = 0  # behind the last group, so that no noun phrase reaches into it
        for place in self._candidates():
            m = self.tokens[place]
            if place < free:
                continue
            if m.pos in _VERBAL or (m.pos == "接尾辞" and m.c_type):
                head = self.verbal_head(place)
                kind = Kind.ADJECTIVE if m.c_type.endswith("形容詞") else Kind.VERB
                last = self.chain_end(place)
            elif self._headless(place):
                head, kind, last = place, Kind.NOMINAL, self.chain_end(place)
            elif is_mark(m) or (m.pos == "助動詞" and m.c_type != "文語助動詞-ベシ"):
                continue
            elif self.copula_after(place):
                head = self.noun_phrase(place)
                kind, last = Kind.NOMINAL, self.chain_end(place + 1)
            elif is_nominal(m) and self._closes_bare(place):
                head = self.noun_phrase(place)
                kind, last = Kind.NOMINAL, place
            else:
                continue
            stop, where = self._place(last)
            yield self._group(max(head, free), place, last, stop, kind, where)
            free = stop

    def _candidates(self) -> list[int]:
        """Where a predicate may have its last content word, at a glance: most words go on to a noun or verb."""
        found = [
            place
            for place, (m, after) in enumerate(pairwise(self.tokens))
            if m.c_type
            or m.pos in _VERBAL
            or m.surface in _DE
            or after.surface in _MAY_FOLLOW_NOUN
            or not (after.pos in _GOING_ON or (after.pos == "助詞" and after.pos2 != "終助詞"))
        ]
        return [*found, *range(self.size)[-1:]]

    def _headless(self, place: int) -> bool:
        """Whether a copula opens a sentence or follows a comma or か: ですが、… / 彼が、です。"""
        m, before = self.tokens[place], self.at(place - 1)
        if m.surface in ("で", "じゃ"):
            if not self.negated_copula(place):
                return False
        elif not is_copula(m) or m.surface in ("な", "に"):
            return False
        return before is None or is_mark(before) or before.pos == "助詞"

    def _closes_bare(self, place: int) -> bool:
        """Whether a noun ends the sentence without a copula: 雨。 / 雨よ。 / 雨か？"""
        return self.ends_at(self.after_final_particles(place + 1))

    def _group(
        self, head: int, place: int, last: int, stop: int, kind: Kind, where: Place
    ) -> Predicate:
        return Predicate(
            head=tuple(self.tokens[head : place + 1]),
            auxiliaries=tuple(self.tokens[place + 1 : last + 1]),
            particles=tuple(self.tokens[last + 1 : stop]),
            place=where,
            kind=kind,
            before=self.at(head - 1),
            after=self.at(stop),
        )

    def _place(self, last: int) -> tuple[int, Place]:
        """Index after the particles that follow a chain, and where that puts it."""
        if self.ends_at(last + 1):
            return last + 1, Place.FINAL
        step = self.after_final_particles(last + 1)
        if not self._finite(last):
            ends = self.ends_at(step)  # 待っててね。
            return (step, Place.FINAL) if ends else (last + 1, Place.SUBORDINATE)
        if step > last + 1:
            return step, self._after_final_particles(last, step)
        return self._after_finite(step)

    def _finite(self, last: int) -> bool:
        """Whether a chain can end a clause: a finite form, a noun, の; not て, ば or 連用形."""
        m = self.tokens[last]
        if m.pos == "助詞":
            return m.surface in ("の", "ん") or m.pos2 not in ("接続助詞", "係助詞")
        return not m.c_form or m.c_form.startswith(_FINITE)

    def _after_final_particles(self, last: int, step: int) -> Place:
        """よ, ね, か … were read from behind `last` up to `step`."""
        if self.ends_at(step):
            return Place.FINAL
        polite = any(m.c_type in _POLITE for m in self.tokens[max(0, last - 1) : last + 1])
        following = self.tokens[step]
        behind = self.at(step + 1) if following.surface in COMMAS else following
        if behind is not None and behind.pos in ("助詞", "助動詞"):  # 行くな、と言った
            return Place.SUBORDINATE
        last_particle = self.surface(step - 1)
        if last_particle == "も" or (last_particle in ("か", "の") and not polite):
            return Place.SUBORDINATE
        return Place.FINAL

    def _after_finite(self, step: int) -> tuple[int, Place]:
        m = self.tokens[step]
        if m.pos == "助詞":
            return self._after_conjunction(step)
        if m.surface in COMMAS:
            return step, self._after_comma(step)
        if is_mark(m):
            return step, Place.SUBORDINATE
        spliced = m.pos in ("感動詞", "接続詞") and self._only_main(step - 1)
        if spliced or self._is_apart(step):
            return step, Place.FINAL
        return step, Place.SUBORDINATE

    def _is_apart(self, step: int) -> bool:
        """Whether a space ends the sentence: 行くよ 楽しみ; not that around Latin: 渡した props."""
        m, before = self.tokens[step], self.tokens[step - 1]
        if m.start in self.rejoined:
            return False
        foreign = m.pos3 == OPAQUE or m.surface.isascii()
        return not self.touch(step - 1) and (before.c_type in _POLITE or not foreign)

    def _after_conjunction(self, step: int) -> tuple[int, Place]:
        m, after = self.tokens[step], self.at(step + 1)
        if m.surface in ("の", "ん") and after is not None and after.surface == "で":
            return step + 2, Place.COORDINATE
        if m.surface not in _COORDINATE or m.pos2 not in ("接続助詞", "格助詞"):
            return step, Place.SUBORDINATE
        if m.surface == "が" and after is not None and self._marks_subject(step, after):
            return step, Place.SUBORDINATE
        if m.surface == "から" and self._starts_phrase(step + 1):
            return step, Place.SUBORDINATE
        stop = step + 1
        while stop < self.size and self.tokens[stop].pos == "助詞":
            if not (self.is_final_particle(stop) or self.surface(stop) == "も"):
                break
            stop += 1
        return stop, Place.COORDINATE

    def _marks_subject(self, step: int, after: Morpheme) -> bool:
        """Whether が goes with what follows: するがいい, 磨いたがために, 野だがいる; not ですがあります."""
        if after.orth_base in (*_GOOD, *_CAUSES):
            return True
        before = self.tokens[step - 1]
        explains = step > 1 and self.surface(step - 2) in ("の", "ん")
        return after.orth_base in _THERE and before.c_type not in _POLITE and not explains

    def _starts_phrase(self, place: int) -> bool:
        """Whether から goes on as からです, からこそ, からには; not as からね or からか。"""
        after = self.at(place)
        if after is None or not (is_copula(after) or after.pos == "助詞"):
            return False
        return not self.is_final_particle(place)

    def _after_comma(self, step: int) -> Place:
        """終止形 + 、: a spliced main clause, or a relative clause with a comma before its noun."""
        after = self.at(step + 1)
        if after is None:
            return Place.FINAL
        if after.pos == "助詞":
            return Place.SUBORDINATE
        if self._only_main(step - 1):
            return Place.FINAL
        if after.pos == "接続詞":
            return Place.SUBORDINATE if after.surface in _NOUN_JOINERS else Place.FINAL
        if after.pos == "代名詞" and self.surface(step + 2) in ("は", "が", "も"):
            return Place.FINAL
        return Place.FINAL if after.pos == "感動詞" else Place.SUBORDINATE

    def _only_main(self, place: int) -> bool:
        """Whether an ending cannot stand before a noun: です, だ, だろう, まい, 行け, and their past."""
        m, before = self.tokens[place], self.at(place - 1)
        if m.c_type in (*_POLITE, "助動詞-マイ") or m.surface in ("だ", "だろう"):
            return True
        if m.c_form == "命令形" and m.c_type.startswith(_SPOKEN):
            return before is None or before.surface != "に"  # 本にしろ、映画にせよ、 orders nothing
        if before is None or m.c_type not in ("助動詞-タ", "助動詞-ヌ"):
            return False
        return before.c_type in _POLITE
