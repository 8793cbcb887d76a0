"""Outcomes that must not pass, one per reason, and what passing means."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators import EditSet, Operator, Passage
from migaki.linguistics.operators.operator import LONGEST_SENTENCE_CHARS
from migaki.linguistics.verification import Check, Rejection, verify


def _nothing(passage: Passage, rng: random.Random) -> list[EditSet]:
    return []


def _operator(*, grammatical: bool = True, keeps_register: bool = True) -> Operator:
    return Operator(
        name="test.any",
        description="for tests",
        propose=_nothing,
        grammatical=grammatical,
        keeps_register=keeps_register,
    )


def _replace(text: str, old: str, new: str) -> tuple[Passage, list[Edit]]:
    start = text.index(old)
    return Passage.of(text), [Edit(start, start + len(old), new, "test.any")]


@pytest.mark.parametrize(
    ("text", "old", "new", "reason"),
    [
        ("雨が降る。", "雨", "雨", Rejection.UNCHANGED),
        ("彼は「雨だ」と言った。", "雨だ", "雪だ", Rejection.PROTECTED),
        ("`x = 雨`と書く。", "雨", "雪", Rejection.PROTECTED),
        ("雨が降る。", "雨", "雨。雪", Rejection.SENTENCES),
        ("雨が降る。帰る。", "。帰る", "、帰る", Rejection.PROTECTED),
        ("雨が降る。", "雨", "ギョケポ", Rejection.UNINTENDED),
        ("すもももももも。", "すもも", "す", Rejection.ELSEWHERE),
        ("雨が降る。", "降る", "降ります", Rejection.REGISTER),
        ("雨です。雪です。", "雨です", "雨だ", Rejection.REGISTER),
        ("雨" * (LONGEST_SENTENCE_CHARS + 1) + "と。", "と。", "か。", Rejection.PROTECTED),
    ],
)
def test_rejects(text: str, old: str, new: str, reason: Rejection) -> None:
    passage, edits = _replace(text, old, new)
    assert verify(passage, edits, [_operator()]) is reason


def test_an_operator_that_changes_the_register_must_change_all_of_it() -> None:
    politeness = _operator(keeps_register=False)
    passage, edits = _replace("雨です。雪です。", "雨です", "雨だ")
    assert verify(passage, edits, [politeness]) is Rejection.REGISTER
    both = [*edits, Edit(5, 7, "だ", "test.any")]
    outcome = verify(passage, both, [politeness])
    assert not isinstance(outcome, Rejection)
    assert (outcome.text, outcome.checks) == ("雨だ。雪だ。", tuple(Check))


def test_overlapping_edits_are_refused() -> None:
    passage = Passage.of("雨が降る。")
    edits = [Edit(0, 2, "雪が", "test.any"), Edit(1, 3, "の降", "test.any")]
    assert verify(passage, edits, [_operator()]) is Rejection.PROTECTED


def test_edits_between_sentences_are_refused() -> None:
    passage = Passage.of("雨だ。 雪だ。")
    assert verify(passage, [Edit(3, 4, "", "test.any")], [_operator()]) is Rejection.PROTECTED


def test_ungrammatical_by_intent_is_not_analysed() -> None:
    passage, edits = _replace("雨が降る。", "雨が", "ゔょけぽ")
    outcome = verify(passage, edits, [_operator(grammatical=False)])
    assert not isinstance(outcome, Rejection)
    assert (outcome.text, outcome.checks) == ("ゔょけぽ降る。", (Check.SENTENCES,))


@pytest.mark.parametrize(
    ("text", "edits", "expected"),
    [
        ("今日は雨が降る。", [Edit(3, 4, "雪", "a")], [["雪"]]),
        ("今日は雨が降る。", [Edit(3, 5, "", "a")], [[]]),
        ("今日は雨が降る。", [Edit(3, 3, "強い", "a")], [["強い"]]),
        ("今日は雨が降る。", [Edit(0, 0, "もう", "a"), Edit(3, 5, "", "a")], [["もう"], []]),
        ("雨だ。 今日は雨が降る。", [Edit(8, 8, "強い", "a")], [["強い"]]),
    ],
)
def test_an_operator_sees_the_morphemes_in_the_place_of_its_edit(
    text: str, edits: list[Edit], expected: list[list[str]]
) -> None:
    seen: list[list[str]] = []

    def intended(edit: Edit, morphemes: Sequence[Morpheme]) -> bool:
        seen.append([m.surface for m in morphemes])
        return True

    operator = Operator("test.a", "for tests", _nothing, intended=intended)
    assert not isinstance(verify(Passage.of(text), edits, [operator]), Rejection)
    assert seen == expected
