"""No changed texts of what may not be changed, unless its user takes that upon himself."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.corpus.endings import augment, read_rows, texts, write_rows

from migaki.corpus.augmentation import Augmentation
from migaki.errors import BadRowError, UsageError

ND = "CC BY-ND 2.1 JP"
ROWS = [
    {"text": "雨です。", "license": "CC BY 4.0"},
    {"text": "雪です。", "license": ND},
    {"text": "霧です。"},
]


def test_a_row_that_may_not_be_changed_stops_the_work(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    with pytest.raises(BadRowError) as stopped:
        augment(source, tmp_path / "out.jsonl", Augmentation(variants=1))
    assert stopped.value.line == 2
    assert "CC-BY-ND-2.1-JP does not allow changing the text" in str(stopped.value)
    assert "--force-licence" in str(stopped.value)
    assert not (tmp_path / "out.jsonl").exists()


def test_such_rows_can_be_left_out(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    asked = Augmentation(variants=1, on_bad_row="skip")
    summary = augment(source, tmp_path / "out.jsonl", asked)
    assert texts(tmp_path / "out.jsonl") == ["雨です。", "雨だ。", "霧です。", "霧だ。"]
    (rejected,) = read_rows(tmp_path / "out.jsonl.rejected.jsonl")
    assert rejected["line"] == 2
    assert "may not be augmented" in rejected["reason"]
    assert summary.licences == {"CC-BY-4.0": 1, "unknown": 1}


def test_the_user_can_force_it_and_it_is_counted(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    asked = Augmentation(variants=1, force_licence=True, licence="MIT")
    summary = augment(source, tmp_path / "out.jsonl", asked)
    assert summary.licences == {"CC-BY-4.0": 1, "CC-BY-ND-2.1-JP": 1, "MIT": 1}
    assert summary.variants == 3


def test_a_stated_licence_holds_for_rows_that_state_none(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS[2:])
    with pytest.raises(BadRowError, match="may not be augmented"):
        augment(source, tmp_path / "out.jsonl", Augmentation(licence="CC-BY-ND-4.0"))


def test_a_row_that_is_not_to_be_varied_passes_as_it_is(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", ROWS)
    summary = augment(source, tmp_path / "out.jsonl", Augmentation(variants=1, max_rows=1))
    assert texts(tmp_path / "out.jsonl") == ["雨です。", "雨だ。", "雪です。", "霧です。"]
    assert summary.licences == {"CC-BY-4.0": 1}


def test_a_licence_that_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError, match=r"Valid: CC0-1\.0"):
        Augmentation(licence="my own")
    assert Augmentation(licence="unknown").licence == "unknown"
