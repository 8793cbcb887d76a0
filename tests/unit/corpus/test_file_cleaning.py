"""Cleaning of files: nothing is lost, rows keep their shape, and the way of working changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from migaki.corpus.cleaning.config import cleaning_config
from migaki.corpus.file_cleaning import REJECTED, Cleaning, CleaningSummary, clean_files
from migaki.corpus.row_cleaning import clean_row
from migaki.errors import UsageError

DIALOGUE = Cleaning(cleaning_config("dialogue"), list_rejected=True)

ROWS: list[Any] = [
    {"text": "ﾈｺは３匹います。電話は03-1234-5678です。", "license": "CC0-1.0"},
    {"text": "English only, nothing else."},
    {"messages": [{"role": "user", "content": "元気？"}, {"role": "assistant", "content": "ﾊｲ、元気です。"}]},
    {"instruction": "訳してください。", "input": "", "output": "ﾈｺです。"},
    {"honbun": "柱がない"},
    {"text": ""},
    {"text": "あ" * 60},
    ["not", "an", "object"],
]  # fmt: skip


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def total_of(summary: CleaningSummary) -> int:
    rejected = sum(sum(reasons.values()) for reasons in summary.rejected.values())
    return summary.kept + rejected + summary.unreadable


def test_what_is_read_is_kept_rejected_or_unreadable(tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    with source.open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    summary = clean_files([str(source)], DIALOGUE, target=target)
    assert summary.rows == total_of(summary) == len(ROWS) + 1
    assert summary.kept == len(read(target)) == 3
    listed = read(tmp_path / f"out.jsonl{REJECTED}")
    assert len(listed) == summary.rows - summary.kept
    assert {row["stage"] for row in listed} == {"reading", "length", "character_runs"}
    assert all(row["reason"] and row["detail"] for row in listed)


def test_rows_keep_their_shape_and_columns(tmp_path: Path) -> None:
    source, target = write(tmp_path / "in.jsonl", ROWS[:4]), tmp_path / "out.jsonl"
    clean_files([str(source)], DIALOGUE, target=target)
    assert read(target) == [
        {"text": "ネコは3匹います。電話は［電話番号］です。", "license": "CC0-1.0"},
        {"messages": [{"role": "user", "content": "元気？"}, {"role": "assistant", "content": "ハイ、元気です。"}]},
        {"instruction": "訳してください。", "input": "", "output": "ネコです。"},
    ]  # fmt: skip


def test_neither_workers_nor_files_nor_a_stop_change_the_output(tmp_path: Path) -> None:
    many = [{"text": f"{n}番目の文です。" if n % 3 else "no"} for n in range(700)]
    one = write(tmp_path / "one.jsonl", many)
    alone, together, resumed = (tmp_path / f"{name}.jsonl" for name in ("a", "b", "c"))
    first = clean_files([str(one)], DIALOGUE, target=alone)
    assert clean_files([str(one)], DIALOGUE, target=together, workers=2) == first
    assert together.read_bytes() == alone.read_bytes()

    def stop(done: int, _: int | None) -> None:
        if done > 300:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        clean_files([str(one)], DIALOGUE, target=resumed, on_progress=stop)
    with pytest.raises(UsageError, match="unfinished"):
        clean_files([str(one)], DIALOGUE, target=resumed)
    assert clean_files([str(one)], DIALOGUE, target=resumed, resume=True) == first
    assert resumed.read_bytes() == alone.read_bytes()
    halves = [write(tmp_path / "x.jsonl", many[:350]), write(tmp_path / "y.jsonl", many[350:])]
    target = tmp_path / "d.jsonl"
    summary = clean_files([str(half) for half in halves], DIALOGUE, target=target)
    assert target.read_bytes() == alone.read_bytes()
    assert summary.rejected == first.rejected


def test_work_begun_with_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    source, target = (
        write(tmp_path / "in.jsonl", [{"text": "文です。"}] * 400),
        tmp_path / "o.jsonl",
    )

    def stop(done: int, _: int | None) -> None:
        if done:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        clean_files([str(source)], DIALOGUE, target=target, on_progress=stop)
    other = Cleaning(
        cleaning_config("dialogue", {"length": {"min_japanese": 9}}), list_rejected=True
    )
    with pytest.raises(UsageError, match="stage length"):
        clean_files([str(source)], other, target=target, resume=True)


def test_without_an_output_nothing_is_written(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", ROWS)
    summary = clean_files([str(source)], DIALOGUE)
    assert summary.rows == len(ROWS)
    assert list(tmp_path.iterdir()) == [source]


def test_parquet_keeps_its_columns(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl", [{"text": f"{n}番目の文です。", "n": n} for n in range(5)]
    )
    target = tmp_path / "out.parquet"
    clean_files([str(source)], DIALOGUE, target=target)
    assert pyarrow.parquet.read_table(target).column_names == ["text", "n"]


def test_examples_show_what_was_measured_and_no_personal_information(tmp_path: Path) -> None:
    text = "連絡は090-1234-5678までお願いします。"
    source = write(tmp_path / "in.jsonl", [{"text": text}, {"text": "はい"}])
    asked = Cleaning(cleaning_config("dialogue", {"personal_information": {"action": "drop"}}))
    summary = clean_files([str(source)], asked)
    shown = summary.examples["personal_information: personal_information"][0]
    assert shown["detail"] == "1 phone"
    assert "1234" not in json.dumps(summary.to_json())
    assert summary.examples["length: too_short"][0]["detail"] == "2 kana and kanji < 4"


def test_only_the_named_field_is_cleaned() -> None:
    row = {"text": "ﾈｺ", "title": "ﾀﾞｲ"}
    stages = _normalization()
    assert clean_row(row, stages, id="a:1", source="a", fields=("title",)).row == {
        "text": "ﾈｺ",
        "title": "ダイ",
    }


def test_reasoning_is_left_alone() -> None:
    row = {"messages": [{"role": "assistant", "content": "<think>ﾈｺ</think>ﾈｺです。"}]}
    cleaned = clean_row(row, _normalization(), id="a:1", source="a")
    assert cleaned.row["messages"][0]["content"] == "<think>ﾈｺ</think>ネコです。"


def _normalization() -> list[Any]:
    from migaki.corpus.cleaning.text_stages import Normalization

    return [Normalization()]
