"""Turn a text from plain to polite or from polite to plain, as edits with spans.

Every sentence is taken apart into predicates (`migaki.linguistics.predicates`); those that carry the
register of the text are written anew (`to_polite`, `to_plain`), everything else stays as it is because
nothing edits it: relative and quoted clauses, 「引用」, set phrases, names, code, addresses, emoji.
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from migaki.errors import UsageError
from migaki.linguistics.analyzer import Analyzer, analyze_sentences
from migaki.linguistics.edits import Edit, apply_edits
from migaki.linguistics.morphemes import Register, Sentence
from migaki.linguistics.predicates import OPAQUE, Place, Predicate, predicates
from migaki.linguistics.protection import overlaps, protected_spans
from migaki.linguistics.register.clauses import clause_style
from migaki.linguistics.register.everyday import ambiguity_notes
from migaki.linguistics.register.everyday_wording import everyday_wording
from migaki.linguistics.register.greetings import polite_greetings
from migaki.linguistics.register.manner import Manner, manner_of
from migaki.linguistics.register.setting import Setting, settings_of
from migaki.linguistics.register.to_plain import plain_options
from migaki.linguistics.register.to_polite import polite_options

__all__ = ["Conversion", "alternatives", "conversion_edits", "convert"]

# Auxiliaries of the classical language that modern text does not use; its sentences are left alone.
_CLASSICAL = frozenset(
    f"文語助動詞-{name}"
    for name in ("キ", "ケリ", "リ", "タリ-完了", "ヌ", "ツ", "ラム", "ケム", "ズ")
)

_GOING_ON = re.compile("(?:ません|ます|です|でした|ました)(?:が.?|けど|、[^とっ])$")
_CALLS = ("すみません", "すいません", "ごめん")
_OLD_PRONOUNS = ("余", "予", "汝", "爾")
_STILL_SAID = ("ざる", "る")  # 招かれざる客, における

Option = tuple[int, int, str]
"""Write this text in the place of ``text[start:end]``."""

TARGETS = (Register.PLAIN, Register.POLITE, Register.HONORIFIC)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted text.

    Attributes:
        text: The outcome.
        edits: What was changed, in offsets of the source; the rest is as it was.
        register: The register asked for.
        notes: What a reader should know, in words: choices that were not clear, words left alone.
    """

    text: str
    edits: tuple[Edit, ...]
    register: Register
    notes: tuple[str, ...] = field(default=())


def convert(text: str, to: Register | str, *, analyzer: Analyzer | None = None) -> Conversion:
    """Write a text in another register: the best reading of each place.

    Args:
        text: Any string; what is not Japanese comes back unchanged.
        to: ``Register.PLAIN``, ``Register.POLITE`` or ``Register.HONORIFIC``.
        analyzer: The analyser to use; the default one if not given.

    Raises:
        UsageError: `to` is no register that a text can be turned into.

    Example:
        >>> convert("雨だけど、駅まで歩くよ。「傘はある」と言われた。", Register.POLITE).text
        '雨ですけど、駅まで歩きますよ。「傘はある」と言われました。'
        >>> convert("昨日は寒かったですね。早く帰りましょう。", Register.PLAIN).text
        '昨日は寒かったね。早く帰ろう。'
    """
    return alternatives(text, to, limit=1, analyzer=analyzer)[0]


def alternatives(
    text: str, to: Register | str, *, limit: int = 5, analyzer: Analyzer | None = None
) -> list[Conversion]:
    """Write a text in another register in up to `limit` ways, best first; one at least.

    Raises:
        UsageError: `to` is no register that a text can be turned into, or `limit` is below 1.

    Example:
        >>> for way in alternatives("どこへ行きますか？", Register.PLAIN, limit=3):
        ...     print(way.text)
        どこへ行くの？
        どこへ行く？
        どこへ行くんだ？
    """
    register = _target(to)
    if limit < 1:
        raise UsageError(f"limit is {limit}; it must be 1 or more.")
    if register is Register.HONORIFIC:
        from migaki.linguistics.register.honorific import honorific_alternatives

        return honorific_alternatives(text, limit=limit, analyzer=analyzer)
    sentences = analyze_sentences(text, analyzer=analyzer)
    protected = protected_spans(text, [m for s in sentences for m in s.morphemes])
    places = list(_places(text, sentences, protected, register, {}))
    notes = ambiguity_notes(sentences)
    return [
        Conversion(apply_edits(text, edits), tuple(edits), register, notes)
        for edits in _best_choices(places, limit)
    ]


def conversion_edits(
    text: str,
    sentences: Sequence[Sentence],
    protected: Sequence[tuple[int, int]],
    to: Register | str,
    *,
    found: Mapping[int, list[Predicate]] | None = None,
) -> list[Edit]:
    """What `convert` changes in a text that is analysed already.

    Args:
        text: The text.
        sentences: Those of its sentences that may change, in order.
        protected: What `protected_spans` finds in it.
        to: ``Register.PLAIN``, ``Register.POLITE`` or ``Register.HONORIFIC``.
        found: Predicates that are known already, by the offset of their sentence.

    Raises:
        UsageError: `to` is no register that a text can be turned into.
    """
    places = _places(text, sentences, protected, _target(to), found or {})
    return [options[0] for options in places if not _is_empty(options[0])]


def _target(to: Register | str) -> Register:
    if to in TARGETS:
        return Register(to)
    valid = ", ".join(register.value for register in TARGETS)
    raise UsageError(f"A text cannot be converted to {str(to)!r}. Valid: {valid}.")


def _places(
    text: str,
    sentences: Iterable[Sentence],
    protected: Sequence[tuple[int, int]],
    register: Register,
    found: Mapping[int, list[Predicate]],
) -> Iterator[list[Edit]]:
    """For each place that changes, its possible edits, best first."""
    ends = [end for _, end in protected]
    for sentence in sentences:
        near = _near(sentence, protected, ends)
        groups = found.get(sentence.start)
        if groups is None:
            groups = predicates(sentence, protected=near)
        last = not text[sentence.end :].strip()
        for options, kind in _sentence_places(sentence, register, groups, near, ends_text=last):
            edits = [_trimmed(text, option, f"{register.value}.{kind}") for option in options]
            safe = [e for e in edits if _is_empty(e) or not overlaps(e.start, e.end, near)]
            if safe and safe[0] == edits[0] and not all(map(_is_empty, safe)):
                yield list(dict.fromkeys(safe))


def _near(
    sentence: Sentence, protected: Sequence[tuple[int, int]], ends: Sequence[int]
) -> list[tuple[int, int]]:
    """The protected spans that touch a sentence."""
    near = []
    for place in range(bisect_left(ends, sentence.start), len(protected)):
        if protected[place][0] >= sentence.end:
            break
        near.append(protected[place])
    return near


def _sentence_places(
    sentence: Sentence,
    register: Register,
    found: list[Predicate],
    protected: Sequence[tuple[int, int]],
    *,
    ends_text: bool,
) -> Iterator[tuple[list[Option], str]]:
    if _is_classical(sentence, found, protected):
        return
    if register is Register.PLAIN and _keeps_courtesy(sentence, found, protected):
        return
    greetings = polite_greetings(sentence) if register is Register.POLITE else []
    yield from (([greeting], "greeting") for greeting in greetings)
    taken = [(start, end + 1) for start, end, _ in greetings]
    settings = settings_of(found, sentence.morphemes)
    manner = manner_of(sentence, settings)
    turned: list[tuple[int, int]] = []
    closed = False
    if ends_text and _gives_a_reason(settings):
        settings[-1] = settings[-1]._replace(marked=True)  # the end of a text closes as 。 does
    for setting in settings:
        if overlaps(setting.predicate.start, setting.end, taken):
            continue
        for options in _options(setting, register, manner):
            turned += [(start, end) for start, end, _ in options]
            closed = closed or setting.predicate.place is not Place.SUBORDINATE
            yield options, setting.predicate.kind.value
    if register is Register.PLAIN and closed:
        for option in everyday_wording(sentence, turned):
            yield [option], "courtesy"


def _is_classical(
    sentence: Sentence, found: list[Predicate], protected: Sequence[tuple[int, int]]
) -> bool:
    """Whether the sentence is of the classical language, not a modern one with a word of it: 入らざる心配だ."""
    if any(m.surface in _OLD_PRONOUNS and m.pos == "代名詞" for m in sentence.morphemes):
        return True  # 余は恥を表わさん: ん is will, not negation
    words = [
        m
        for before, m in pairwise(sentence.morphemes)
        if m.c_type in _CLASSICAL and before.pos in ("動詞", "助動詞")
    ]
    if not words:
        return False
    closing = {m.start for p in found if p.place is not Place.SUBORDINATE for m in p.chain}
    return any(
        (m.start in closing or m.surface not in _STILL_SAID)
        and not overlaps(m.start, m.end, protected)
        for m in words
    )


def _keeps_courtesy(
    sentence: Sentence, found: Sequence[Predicate], protected: Sequence[tuple[int, int]]
) -> bool:
    """Whether a main clause is a polite set phrase, which stays, and all of the sentence so with it.

    An apology that calls for attention goes before any register: すみません、席を外す。
    """
    for start, end in protected:
        phrase = sentence.text[max(0, start - sentence.start) : end - sentence.start]
        if not phrase.endswith("が"):
            phrase += sentence.text[end - sentence.start :][:2]
        if _GOING_ON.search(phrase) and not ("、" in phrase and phrase.startswith(_CALLS)):
            return True
    for predicate in found:
        head = predicate.head[-1]
        if predicate.place is Place.SUBORDINATE or predicate.auxiliaries or head.pos3 != OPAQUE:
            continue
        if head.surface.startswith(_CALLS) and not predicate.particles and predicate.after:
            continue
        if clause_style(predicate)[0] is Register.POLITE:
            return True
    return False


def _gives_a_reason(settings: Sequence[Setting]) -> bool:
    """Whether a sentence without 。 is whole, not a fragment: 大丈夫だから安心して but not 駅を出て."""
    if not settings or settings[-1].predicate.after is not None:
        return False
    return any(s.predicate.place is Place.COORDINATE for s in settings[:-1])


def _options(setting: Setting, register: Register, manner: Manner) -> list[list[Option]]:
    if register is Register.PLAIN:
        return plain_options(setting, manner=manner)
    options = polite_options(setting)
    return [options] if options else []


def _trimmed(text: str, option: Option, rule: str) -> Edit:
    """The smallest edit with this effect."""
    start, end, replacement = option
    while start < end and replacement and text[start] == replacement[0]:
        start, replacement = start + 1, replacement[1:]
    while start < end and replacement and text[end - 1] == replacement[-1]:
        end, replacement = end - 1, replacement[:-1]
    return Edit(start, end, replacement, rule)


def _is_empty(edit: Edit) -> bool:
    """Whether it changes nothing: the choice to leave a place as it is."""
    return edit.start == edit.end and not edit.replacement


def _best_choices(places: list[list[Edit]], limit: int) -> Iterator[list[Edit]]:
    """Choose one edit at every place: all first choices, then by the sum of the ranks chosen.

    Only the first places that have a choice are varied, as many as outcomes are asked for, so that
    the cost does not grow with the square of the text.
    """
    varied = [place for place, edits in enumerate(places) if len(edits) > 1][: limit - 1]
    first = (0,) * len(varied)
    waiting: list[tuple[int, tuple[int, ...]]] = [(0, first)]
    seen = {first}
    for _ in range(limit):
        if not waiting:
            return
        cost, ranks = heapq.heappop(waiting)
        rank_of = dict(zip(varied, ranks, strict=True))
        chosen = (edits[rank_of.get(place, 0)] for place, edits in enumerate(places))
        yield [edit for edit in chosen if not _is_empty(edit)]
        for index, place in enumerate(varied):
            following = (*ranks[:index], ranks[index] + 1, *ranks[index + 1 :])
            if following[index] < len(places[place]) and following not in seen:
                seen.add(following)
                heapq.heappush(waiting, (cost + 1, following))
