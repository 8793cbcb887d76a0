"""Personal information is found, look-alikes are not: figures on sentences written beforehand."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.documents import Document, Rejection
from migaki.corpus.personal_information import (
    KINDS,
    PersonalInformation,
    find_personal_information,
)
from migaki.corpus.personal_information.check_digits import is_card_number, is_individual_number
from migaki.corpus.personal_information.rules import fold

NUMBERS = st.text(st.sampled_from("0123456789-０１－ー()@.市区町丁目番地号東京都〒電話口座普通銀行免許証 \n"), max_size=80)  # fmt: skip


@pytest.fixture(scope="module")
def benchmark(project_root: Path) -> ModuleType:
    folder = project_root / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location("pi", folder / "personal_information.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["pi"] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def test_the_table_is_large_enough(benchmark: ModuleType) -> None:
    labels = [sentence.label for sentence in benchmark.read_sentences()]
    assert labels.count("positive") >= 200
    assert labels.count("look-alike") >= 500


@pytest.mark.parametrize("half", ["development", "report"])
def test_recall_and_precision(benchmark: ModuleType, half: str) -> None:
    scores = benchmark.score(benchmark.read_sentences(half))
    assert set(scores) == set(KINDS)
    for kind, score in scores.items():
        assert score.recall >= 0.85, kind
        assert score.precision >= 0.95, kind
    right, there = (
        sum(getattr(s, name) for s in scores.values()) for name in ("right", "expected")
    )
    assert right >= 0.95 * there


@given(NUMBERS)
def test_findings_are_in_order_and_apart(text: str) -> None:
    found = find_personal_information(text)
    for one, other in pairwise(found):
        assert one.end <= other.start
    assert all(0 <= one.start < one.end <= len(text) and one.kind in KINDS for one in found)


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_folding_keeps_every_place(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded


@given(NUMBERS)
def test_what_is_masked_is_not_found_again(text: str) -> None:
    document = Document(text, id="a:1", source="a", licence="CC0-1.0")
    masked = PersonalInformation()(document)
    assert isinstance(masked, Document)
    assert sum(masked.counts.values()) == len(find_personal_information(text))


def test_a_tag_is_chosen_and_kinds_are_counted() -> None:
    stage = PersonalInformation(tags={"email": "<EMAIL>"})
    text = "a@example.jp と b@example.jp と 090-1234-5678"
    masked = stage(Document(text, id="a:1", source="a", licence="CC0-1.0"))
    assert isinstance(masked, Document)
    assert masked.text == "<EMAIL> と <EMAIL> と ［電話番号］"
    assert masked.counts == {"personal_information.email": 2, "personal_information.phone": 1}


def test_only_the_kinds_asked_for_are_found() -> None:
    text = "a@example.jp 090-1234-5678"
    assert [f.kind for f in find_personal_information(text, kinds=("phone",))] == ["phone"]


def test_what_is_dropped_is_not_repeated_in_the_report() -> None:
    document = Document("電話は090-1234-5678です。", id="a:1", source="a", licence="CC0-1.0")
    outcome = PersonalInformation(action="drop")(document)
    assert isinstance(outcome, Rejection)
    assert outcome.detail == "1 phone"


@pytest.mark.parametrize("text", ["0" * 100_000, "東京都" * 30_000, "a@" * 50_000, "03-" * 30_000, "東京都千代田区" + "一" * 50_000])  # fmt: skip
@pytest.mark.timeout(20)
def test_hostile_text_takes_no_long_time(text: str) -> None:
    find_personal_information(text)


# Test numbers that the issuers publish; a My Number of the Digital Agency's explanation of the rule.
@pytest.mark.parametrize("digits", ["4111111111111111", "5555555555554444", "378282246310005", "3530111333300000", "30569309025904", "6011111111111117"])  # fmt: skip
def test_published_card_numbers_are_valid(digits: str) -> None:
    assert is_card_number(digits)
    assert not is_card_number(digits[:-1] + str((int(digits[-1]) + 1) % 10))


def test_one_wrong_digit_is_seen_in_an_individual_number() -> None:
    good = "123456789018"
    assert is_individual_number(good)
    for place, digit in enumerate(good):
        wrong = good[:place] + str((int(digit) + 1) % 10) + good[place + 1 :]
        assert not is_individual_number(wrong)
