"""A file and its variants: streamed, in order, resumable, whatever the number of workers."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from tests.unit.corpus.endings import augment, read_rows, texts, write_rows

from migaki.corpus.augmentation import Augmentation
from migaki.errors import BadRowError, DataError, UsageError

# ── rows ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_is_followed_by_its_variants_with_their_provenance(tmp_path: Path) -> None:
    row = {"id": 7, "text": "今日は雨です。", "license": "CC0-1.0", "source": "作例"}
    source = write_rows(tmp_path / "in.jsonl", [row])
    summary = augment(source, tmp_path / "out.jsonl", Augmentation(variants=2, seed=1))
    kept, first, second = read_rows(tmp_path / "out.jsonl")
    assert [r["text"] for r in (kept, first, second)] == [
        "今日は雨です。",
        "今日は雨である。",
        "今日は雨じゃ。",
    ]
    assert {key: kept[key] for key in row} == row
    assert all(r["license"] == "CC0-1.0" and r["source"] == "作例" for r in (first, second))
    assert first["augment_source"] == "in.jsonl:1"
    assert (kept["augment_variant"], first["augment_variant"]) == (0, 1)
    assert (kept["augment_operators"], first["augment_operators"]) == ([], ["test.ending"])
    assert first["augment_edits"] == [
        {
            "field": "text",
            "start": 4,
            "end": 6,
            "original": "です",
            "replacement": "である",
            "rule": "test.ending",
        }
    ]
    assert first["augment_seed"] == 1
    assert "unidic" in first["augment_analyzer"]
    assert first["augment_version"]
    assert (summary.rows, summary.rows_out, summary.variants) == (1, 3, 2)


def test_the_source_can_be_left_out(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": "雨です。"}, {"text": "雪だ。"}])
    summary = augment(source, tmp_path / "out.jsonl", Augmentation(variants=1, keep_source=False))
    assert texts(tmp_path / "out.jsonl") == ["雨だ。"]
    assert (summary.rows, summary.rows_out, summary.rows_without_variant) == (2, 1, 1)


def test_a_conversation_keeps_one_voice_and_its_other_turns(tmp_path: Path) -> None:
    chat = {
        "messages": [
            {"role": "user", "content": "これは雨です。"},
            {"role": "assistant", "content": "雨です。風はありません。"},
            {"role": "user", "content": "明日は？"},
            {"role": "assistant", "content": "<think>雪です。</think>雪です。"},
        ]
    }
    source = write_rows(tmp_path / "in.jsonl", [chat])
    summary = augment(source, tmp_path / "out.jsonl", Augmentation(variants=1))
    changed = read_rows(tmp_path / "out.jsonl")[1]
    assert [turn["content"] for turn in changed["messages"]] == [
        "これは雨です。",
        "雨だ。風はありません。",
        "明日は？",
        "<think>雪です。</think>雪だ。",
    ]
    edits = changed["augment_edits"]
    assert [edit["field"] for edit in edits] == ["messages[1].content", "messages[3].content"]
    for edit, turn in zip(edits, (1, 3), strict=True):
        content = chat["messages"][turn]["content"]
        assert content[edit["start"] : edit["end"]] == edit["original"] == "です"
    assert summary.fields == {"assistant": 1}
    assert (summary.sentences, summary.sentences_without_variant) == (3, 1)


def test_the_user_can_name_fields(tmp_path: Path) -> None:
    row = {"instruction": "これは猫です。", "input": "", "output": "犬です。"}
    source = write_rows(tmp_path / "in.jsonl", [row])
    augment(source, tmp_path / "answer.jsonl", Augmentation(variants=1))
    assert read_rows(tmp_path / "answer.jsonl")[1]["output"] == "犬だ。"
    asked = Augmentation(variants=1, fields=("instruction", "output"))
    augment(source, tmp_path / "both.jsonl", asked)
    both = read_rows(tmp_path / "both.jsonl")[1]
    assert (both["instruction"], both["output"]) == ("これは猫だ。", "犬だ。")


def test_no_row_is_augmented_twice_by_mistake(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"text": "雨です。"}])
    augment(source, tmp_path / "once.jsonl")
    with pytest.raises(BadRowError, match="made by migaki augment"):
        augment(tmp_path / "once.jsonl", tmp_path / "twice.jsonl")


def test_rejections_are_counted_by_operator_and_reason(many: Path, tmp_path: Path) -> None:
    summary = augment(many, tmp_path / "out.jsonl")
    assert summary.rejections == {"test.ending": {"no copula": 140}}
    assert summary.rows_without_variant == 140
    assert summary.operators == {"test.ending": 2 * 560}


# ── how many rows ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("workers", [1, 2])
def test_the_rate_is_the_share_of_rows_that_get_variants(
    many: Path, tmp_path: Path, workers: int
) -> None:
    asked = Augmentation(variants=1, seed=5, rate=0.25)
    summary = augment(many, tmp_path / "out.jsonl", asked, workers=workers)
    rows = read_rows(tmp_path / "out.jsonl")
    sources = [row for row in rows if row["augment_variant"] == 0]
    assert [row["text"] for row in sources] == [row["text"] for row in read_rows(many)]
    taken = summary.rows - summary.rows_passed_over
    assert 0.2 < taken / summary.rows < 0.3
    assert len(rows) - len(sources) == summary.variants == taken - summary.rows_without_variant
    again = Augmentation(variants=1, seed=6, rate=0.25)
    augment(many, tmp_path / "other.jsonl", again)
    assert read_rows(tmp_path / "other.jsonl") != rows


def test_only_the_first_rows_are_varied_where_a_number_is_given(many: Path, tmp_path: Path) -> None:
    summary = augment(many, tmp_path / "out.jsonl", Augmentation(variants=1, max_rows=10))
    varied = [row for row in read_rows(tmp_path / "out.jsonl") if row["augment_variant"]]
    assert summary.rows_passed_over == summary.rows - 10
    assert {int(row["augment_source"].split(":")[1]) for row in varied} <= set(range(1, 11))
    assert varied


@pytest.mark.parametrize("given", [{"rate": 0.0}, {"rate": 1.5}, {"max_rows": 0}])
def test_a_share_is_a_share(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"rate|max_rows"):
        Augmentation(**given)


# ── formats ──────────────────────────────────────────────────────────────────────────────────────


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "text": ["雨です。", "雪だ。", "晴れです。"],
            "day": pyarrow.array([date(2024, 6, 1)] * 3),
            "raw": pyarrow.array([b"\xff", None, b""]),
            "score": pyarrow.array([1, 2, None], type=pyarrow.int16()),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "in.parquet")
    augment(tmp_path / "in.parquet", tmp_path / "out.parquet")
    written = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert [written.schema.field(f.name).type for f in table.schema] == table.schema.types
    rows = written.to_pylist()
    assert [row["text"] for row in rows] == [
        "雨です。", "雨だ。", "雨である。", "雪だ。", "晴れです。", "晴れだ。", "晴れである。",
    ]  # fmt: skip
    assert (rows[1]["day"], rows[1]["raw"], rows[1]["score"]) == (date(2024, 6, 1), b"\xff", 1)
    assert rows[3]["augment_source"] == "in.parquet:2"


def test_json_lines_to_parquet_with_columns_that_come_later(tmp_path: Path) -> None:
    rows = [{"text": f"{n}です。"} | ({"note": "後"} if n > 300 else {}) for n in range(400)]
    augment(write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.parquet")
    written = read_rows(tmp_path / "out.parquet")
    assert len(written) == 1200
    assert (written[0]["note"], written[-1]["note"]) == (None, "後")
    assert written[0]["augment_edits"] == []


def test_values_that_do_not_fit_a_column_are_an_error_that_names_it(tmp_path: Path) -> None:
    rows = [{"text": "雨です。", "score": 1}, {"text": "雨です。", "score": "高"}]
    source = write_rows(tmp_path / "in.jsonl", rows)
    with pytest.raises(DataError, match=r"'score'.*JSON Lines"):
        augment(source, tmp_path / "out.parquet")


def test_dates_become_text_in_json_lines_and_bytes_are_refused(tmp_path: Path) -> None:
    table = {"text": ["雨です。"], "day": pyarrow.array([date(2024, 6, 1)])}
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "days.parquet")
    augment(tmp_path / "days.parquet", tmp_path / "days.jsonl")
    assert read_rows(tmp_path / "days.jsonl")[0]["day"] == "2024-06-01"
    table = {"text": ["雨です。"], "raw": pyarrow.array([b"\xff"])}
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "raw.parquet")
    with pytest.raises(BadRowError, match=r"type bytes.*Parquet"):
        augment(tmp_path / "raw.parquet", tmp_path / "raw.jsonl")


def test_a_text_file_has_a_row_a_line_and_a_file_of_provenance(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes("雨です。\r\n\r\n　雪です。\r\n".encode("cp932"))
    augment(source, tmp_path / "out.txt", Augmentation(variants=1))
    assert (tmp_path / "out.txt").read_text("utf-8") == "雨です。\n雨だ。\n　雪です。\n　雪だ。\n"
    provenance = read_rows(tmp_path / "out.txt.provenance.jsonl")
    assert [row["augment_source"] for row in provenance] == ["in.txt:1"] * 2 + ["in.txt:3"] * 2
    assert "text" not in provenance[0]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"text": "雨です。\n雪です。"}, "line breaks"),
        ({"messages": [{"role": "assistant", "content": "雨です。"}]}, "several texts"),
        ({"text": "\ud83dです。"}, "half a character"),
    ],
)
def test_what_a_text_file_cannot_hold_is_refused(
    tmp_path: Path, row: dict[str, Any], problem: str
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(row))
    with pytest.raises(BadRowError, match=problem):
        augment(source, tmp_path / "out.txt")


def test_an_unknown_format_is_refused_at_once(many: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"out\.csv.*\.parquet"):
        augment(many, tmp_path / "out.csv")


# ── hostile rows ─────────────────────────────────────────────────────────────────────────────────


def test_hostile_rows_come_through_as_they_are(tmp_path: Path) -> None:
    rows = [
        {"text": ""},
        {"text": "　\n"},
        {"text": "\x00雨です。\x00"},
        {"text": "雨" * 1_000_000 + "です。"},
        {"text": "👨‍👩‍👧です。"},
        "裸の文です。",
    ]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = augment(source, tmp_path / "out.jsonl", Augmentation(variants=1))
    written = read_rows(tmp_path / "out.jsonl")
    sources = [row["text"] for row in written if not row["augment_variant"]]
    assert sources == [row["text"] if isinstance(row, dict) else row for row in rows]
    changed = [row["text"] for row in written if row["augment_variant"]]
    assert changed == [
        "\x00雨だ。\x00", "雨" * 1_000_000 + "だ。", "👨‍👩‍👧だ。", "裸の文だ。",
    ]  # fmt: skip
    assert summary.rows_without_variant == 2


def test_a_bad_row_stops_the_work_and_says_where(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "雨です。"}\n{"text": "雪\n', "utf-8")
    with pytest.raises(BadRowError, match=r"in\.jsonl:2.*--on-bad-row skip"):
        augment(source, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_work_that_did_nothing_leaves_nothing(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", [{"body": "雨です。"}])
    with pytest.raises(BadRowError):
        augment(source, tmp_path / "out.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_bad_rows_can_be_skipped_and_are_listed(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines = ['{"text": "雨です。"}', '{"text": ', '{"body": 1}', "3", '{"text": "壊す"}']
    source.write_text("\n".join(lines), "utf-8")
    skip = Augmentation(variants=1, on_bad_row="skip")
    summary = augment(source, tmp_path / "out.jsonl", skip)
    assert texts(tmp_path / "out.jsonl") == ["雨です。", "雨だ。"]
    rejected = read_rows(tmp_path / "out.jsonl.rejected.jsonl")
    assert [row["line"] for row in rejected] == [2, 3, 4, 5]
    assert rejected[1]["row"] == {"body": 1}
    assert "ValueError: 壊れた" in rejected[3]["reason"]
    assert (summary.rows, summary.bad_rows, len(summary.listed_bad_rows)) == (5, 4, 4)


def test_no_list_of_rejected_rows_where_there_are_none(many: Path, tmp_path: Path) -> None:
    augment(many, tmp_path / "out.jsonl", Augmentation(on_bad_row="skip"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["many.jsonl", "out.jsonl"]


# ── the same whatever the workers ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_the_number_of_workers_changes_nothing(many: Path, tmp_path: Path, suffix: str) -> None:
    one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    assert augment(many, one, workers=1) == augment(many, two, workers=2)
    assert one.read_bytes() == two.read_bytes()


def test_progress_ends_with_all_rows(many: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    augment(many, tmp_path / "out.jsonl", on_progress=lambda *now: seen.append(now))
    assert (seen[0], seen[-1]) == ((0, 700), (700, 700))
    assert len(seen) > 3
