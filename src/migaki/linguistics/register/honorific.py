"""Plain or polite → honorific speech, where the text says who acts.

尊敬語 for the hearer and for respected third persons (お客様が…, 先生は…), in questions to the hearer and in
requests: いらっしゃる, 召し上がる, ご覧になる … where there is such a verb, else お〜になる, 〜なさる; the form in
られる is the alternative. 謙譲語 for the speaker (私が…): お〜する towards someone, 参る, 申す, いたす, おる
otherwise. Every sentence is polite. Where nothing says who acts, the sentence is only made polite, and a
note says so; nothing is raised twice (*おっしゃられる).

After 「敬語の指針」 (文化審議会答申, 2007).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from migaki.linguistics.analyzer import Analyzer, analyze_sentences
from migaki.linguistics.edits import Edit, apply_edits, compose_edits
from migaki.linguistics.morphemes import Morpheme, Register, Sentence
from migaki.linguistics.predicates import Kind, Place, Predicate, predicates
from migaki.linguistics.protection import overlaps, protected_spans
from migaki.linguistics.register.conversion import Conversion, convert
from migaki.linguistics.register.keigo import keigo_marks
from migaki.linguistics.register.respect import (
    humble_options,
    raised_options,
    request_options,
)
from migaki.linguistics.register.setting import Setting, settings_of
from migaki.linguistics.register.subjects import Actor, actor_of, is_towards_other, uses

__all__ = ["honorific_alternatives"]

_KEIGO = (Register.HONORIFIC, Register.HUMBLE)
_FARTHEST = 150  # morphemes before a predicate in which its subject is looked for


def honorific_alternatives(
    text: str, *, limit: int = 5, analyzer: Analyzer | None = None
) -> list[Conversion]:
    """Write a text in honorific speech in up to `limit` ways, best first; one at least.

    Args:
        text: Any text.
        limit: At most so many, 1 or more.
        analyzer: The analyser to use; the default one if not given.

    Example:
        >>> for text in ["先生は明日来るか？", "私が荷物を持つ。", "少し待ってください。", "駅まで歩いた。"]:
        ...     [way] = honorific_alternatives(text, limit=1)
        ...     print(way.text, *way.notes)
        先生は明日いらっしゃいますか？
        私が荷物をお持ちします。
        少しお待ちください。
        駅まで歩きました。 Who does 歩く is not said: it was only made polite.
    """
    ways: dict[str, Conversion] = {}
    for rank in range(limit):
        once = _once(text, rank, analyzer)
        # An order (待ちなさい) is made a request first (待ってください), and that is then raised.
        again = _once(once.text, rank, analyzer)
        edits = compose_edits(text, once.edits, again.edits)
        ways.setdefault(again.text, Conversion(again.text, edits, Register.HONORIFIC, again.notes))
    return list(ways.values())


def _once(text: str, rank: int, analyzer: Analyzer | None) -> Conversion:
    """Raise and lower, then make polite; at each place the choice of this rank or the last."""
    places, notes = _places(text, analyzer)
    chosen = [options[min(rank, len(options) - 1)] for options in places]
    polite = convert(apply_edits(text, chosen), Register.POLITE, analyzer=analyzer)
    edits = compose_edits(text, chosen, polite.edits)
    return Conversion(polite.text, edits, Register.HONORIFIC, tuple(notes))


def _places(text: str, analyzer: Analyzer | None) -> tuple[list[list[Edit]], list[str]]:
    """For each place that is raised or lowered its possible edits, best first; and the notes."""
    sentences = analyze_sentences(text, analyzer=analyzer)
    protected = protected_spans(text, [m for s in sentences for m in s.morphemes])
    found: list[list[Edit]] = []
    notes: dict[str, None] = {}
    for sentence in sentences:
        near = _between(protected, sentence.start, sentence.end)
        for options, note in _sentence_places(sentence, near):
            safe = [e for e in options if not overlaps(e.start, e.end, _around(near, e))]
            if safe:
                found.append(safe)
            if note:
                notes[note] = None
    return found, list(notes)


def _between(spans: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The sorted spans that share a character with ``text[start:end]``."""
    first = bisect_right(spans, start, key=lambda span: span[1])
    last = bisect_left(spans, end, key=lambda span: span[0])
    return list(spans[first:last])


def _around(spans: Sequence[tuple[int, int]], edit: Edit) -> list[tuple[int, int]]:
    return _between(spans, edit.start - 1, edit.end + 1)


def _sentence_places(
    sentence: Sentence, near: list[tuple[int, int]]
) -> Iterator[tuple[list[Edit], str]]:
    groups = predicates(sentence, protected=near)
    voiced = [
        m for m in sentence.morphemes if m.pos2 == "固有名詞" or not _between(near, m.start, m.end)
    ]
    starts = [m.start for m in voiced]
    keigo = [mark.end for mark in keigo_marks(sentence.morphemes) if mark.kind in _KEIGO]
    for place, setting in enumerate(settings_of(groups, sentence.morphemes)):
        group = setting.predicate
        raised = bisect_right(keigo, group.start) < bisect_right(keigo, group.end)
        if group.place is Place.SUBORDINATE or raised:
            continue
        until = bisect_right(starts, group.end)
        own = voiced[max(0, until - _FARTHEST) : until]
        before = groups[max(0, place - _FARTHEST) : place]
        actor = actor_of(group, before, own)
        if actor is Actor.RESPECTED and _is_unclear(group, own):
            actor = Actor.UNSAID
        offers = actor is Actor.UNSAID and _offers(group, setting)
        towards = actor is Actor.SPEAKER or offers or _asks_leave(group)
        if towards and (
            is_towards_other(group, before, own) or not (offers or _is_done_for(group))
        ):
            towards = False
        yield _options(group, setting, actor, towards=towards)


def _options(
    group: Predicate, setting: Setting, actor: Actor, *, towards: bool
) -> tuple[list[Edit], str]:
    own = actor in (Actor.SPEAKER, Actor.CIRCLE)
    if _asks_leave(group):
        return (humble_options(group, towards=True) if towards else []), ""
    if not own and (request := request_options(group, setting)):
        return request, ""
    if actor is Actor.RESPECTED or (actor is Actor.UNSAID and _asks_hearer(group, setting)):
        return raised_options(group), ""
    if own or towards:
        return humble_options(group, towards=towards), ""
    return [], _note(group, actor)


def _is_done_for(group: Predicate) -> bool:
    return _verb(group) in uses("towards") | uses("person")


def _asks_leave(group: Predicate) -> bool:
    """聞いてもいいですか: the speaker asks whether he may."""
    chain = group.chain
    return any(
        m.surface == "も" and chain[place - 1].surface in ("て", "で")
        for place, m in enumerate(chain)
        if place
    )


def _verb(group: Predicate) -> str:
    """The verb or the verbal noun that says what is done."""
    head = group.head[-1]
    if head.orth_base == "する" and len(group.head) > 1:
        return group.head[-2].surface
    return head.orth_base


def _is_unclear(group: Predicate, morphemes: list[Morpheme]) -> bool:
    """Whether a topic may not be who acts: 先生は行かないと思う, 池波さんは知らない, 先生が好きだ."""
    verb = _verb(group)
    if verb in uses("known"):
        marks = {m.surface for m in morphemes if m.pos2 == "格助詞" and m.start < group.start}
        return not marks & {"を", "が"}
    quoted = group.before is not None and group.before.surface in ("と", "って")
    lasts = any(m.surface in ("て", "で") for m in group.auxiliaries)
    return quoted and not lasts and verb in uses("thinking")


def _asks_hearer(group: Predicate, setting: Setting) -> bool:
    asks = setting.particles in ("か", "の", "のか") or (setting.question and not setting.particles)
    if not asks or group.place is not Place.FINAL:
        return False
    if any(m.c_form.startswith("意志推量形") or m.surface in ("じゃ", "では") for m in group.chain):
        return False
    if group.kind is Kind.VERB:
        return _verb(group) in uses("personal")
    return group.head[-1].orth_base in uses("raised") and not setting.topic


def _offers(group: Predicate, setting: Setting) -> bool:
    """持ちましょうか: the speaker offers to do what is done for others."""
    return (
        "か" in setting.particles
        and group.chain[-1].c_form.startswith("意志推量形")
        and _verb(group) in uses("towards") | uses("person") | uses("offered")
    )


def _note(group: Predicate, actor: Actor) -> str:
    if actor is not Actor.UNSAID or _verb(group) not in uses("personal") | uses("towards"):
        return ""
    verb = "".join(m.surface for m in group.head[:-1]) + group.head[-1].orth_base
    return f"Who does {verb} is not said: it was only made polite."
