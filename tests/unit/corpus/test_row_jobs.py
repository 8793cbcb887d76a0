"""Deduplication, selection and mixing of files: rows stay as they were, and every row is accounted for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from migaki.corpus.deduplication import DeduplicationConfig
from migaki.corpus.mixing import MixConfig, SourceShare
from migaki.corpus.row_deduplication import DeduplicationJob, deduplicate_files
from migaki.corpus.row_mixing import mix_files
from migaki.corpus.row_selection import select_rows
from migaki.corpus.row_sets import RowSet
from migaki.corpus.selection import SelectionConfig
from migaki.errors import BadRowError, ConfigError, DataError, UsageError

CAT = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗い所で泣いていた。"
)
ROAD = (
    "山路を登りながら、こう考えた。智に働けば角が立つ。情に棹させば流される。意地を通せば窮屈だ。"
)
NOTICE = "この記事の無断転載を固くお断りいたします。"


def write(path: Path, rows: Sequence[Any]) -> str:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return str(path)


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class TestDeduplication:
    def test_rows_stay_as_they_were(self, tmp_path: Path) -> None:
        rows = [
            {"text": CAT, "id": 1, "x": {"y": None}},
            {"text": ROAD},
            {"text": CAT + "！", "id": 3},
        ]
        source, target = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
        summary = deduplicate_files(DeduplicationJob(rows=RowSet((source,))), target)
        assert read(target) == rows[:2]
        assert read(tmp_path / "out.jsonl.left_out.jsonl") == [
            {
                "id": f"{source}:3",
                "reason": "exact_duplicate",
                "kept": f"{source}:1",
                "similarity": 1.0,
            }
        ]
        found = summary.to_json()
        assert found["rows_read"] == 3 == found["rows_written"] + sum(found["left_out"].values())

    def test_two_questions_about_one_passage_both_stay(self, tmp_path: Path) -> None:
        rows = [
            {"question": q, "context": (CAT + ROAD) * 2, "answer": a}
            for q, a in [("名前は何ですか。", "まだ無い"), ("何を登りましたか。", "山路")]
        ]
        source, target = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
        deduplicate_files(DeduplicationJob(rows=RowSet((source,))), target)
        assert read(target) == rows

    def test_the_same_in_two_formats(self, tmp_path: Path) -> None:
        chat = {"role": "user", "content": CAT}, {"role": "assistant", "content": ROAD}
        rows = [{"instruction": CAT, "output": ROAD + "住みにくい。"}, {"messages": list(chat)}]
        source, target = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
        deduplicate_files(DeduplicationJob(rows=RowSet((source,))), target)
        assert read(target) == rows[:1]

    def test_across_files_and_the_one_that_is_preferred(self, tmp_path: Path) -> None:
        one = write(tmp_path / "a.jsonl", [{"text": CAT}])
        two = write(tmp_path / "b.jsonl", [{"text": CAT}])
        target = tmp_path / "out.parquet"
        job = DeduplicationJob(
            rows=RowSet((one, two)), duplicates=DeduplicationConfig(prefer=[two])
        )
        found = deduplicate_files(job, target).to_json()["duplicates"]
        assert found["left_out_for"] == [{"source": one, "kept_source": two, "documents": 1}]
        assert pyarrow.parquet.read_table(target).to_pylist() == [{"text": CAT}]

    @pytest.mark.parametrize(("policy", "rows"), [("drop", 1), ("report", 2)])
    def test_what_evaluation_sets_ask(self, tmp_path: Path, policy: Any, rows: int) -> None:
        asked = write(
            tmp_path / "eval.jsonl",
            [{"question": "日本で一番高い山は何ですか。", "answer": "富士山"}],
        )
        source = write(
            tmp_path / "in.jsonl",
            [{"text": CAT}, {"text": "問：日本で一番高い山は何ですか。富士山だ。"}],
        )
        target = tmp_path / "out.jsonl"
        job = DeduplicationJob(rows=RowSet((source,)), against=(asked,), on_contaminated=policy)
        found = deduplicate_files(job, target).to_json()
        assert len(read(target)) == rows
        assert found["contamination"]["items_found"] == 1
        if policy == "drop":
            (note,) = read(tmp_path / "out.jsonl.left_out.jsonl")
            assert note["reason"] == "evaluation_question_and_answer"
            assert note["items"] == ["eval.jsonl:1"]

    def test_repeated_lines(self, tmp_path: Path) -> None:
        rows = [{"text": f"{CAT}\n{NOTICE}"}, {"text": f"{ROAD}\n{NOTICE}"}, {"text": NOTICE}]
        source = write(tmp_path / "in.jsonl", rows)
        for policy, expected in [("count", rows), ("remove", [rows[0], {"text": ROAD}])]:
            target = tmp_path / f"{policy}.jsonl"
            job = DeduplicationJob(rows=RowSet((source,)), paragraphs=policy)  # type: ignore[arg-type]
            found = deduplicate_files(job, target).to_json()
            assert read(target) == expected
            assert found["paragraphs"]["repeated"] == 2

    def test_bad_rows_stop_or_are_listed(self, tmp_path: Path) -> None:
        path = tmp_path / "in.jsonl"
        path.write_text(f'{{"text": "{CAT}"}}\n{{"text": \n{{"honbun": "…"}}\n', "utf-8")
        target = tmp_path / "out.jsonl"
        with pytest.raises(BadRowError, match=r"in\.jsonl:2"):
            deduplicate_files(DeduplicationJob(rows=RowSet((str(path),))), target)
        assert not target.exists()
        rows = RowSet((str(path),), on_bad_row="skip")
        found = deduplicate_files(DeduplicationJob(rows=rows), target).to_json()
        assert (found["rows_read"], found["rows_written"], found["bad_rows"]) == (3, 1, 2)
        notes = read(tmp_path / "out.jsonl.left_out.jsonl")
        assert [note["reason"] for note in notes] == ["bad_row", "bad_row"]

    def test_input_that_changes_meanwhile_is_refused(self, tmp_path: Path) -> None:
        path, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        source = write(path, [{"text": CAT}, {"text": ROAD}])

        def change(stage: str, done: int, total: int | None) -> None:
            if stage == "comparing":
                write(path, [{"text": CAT}])

        with pytest.raises(DataError, match="has changed"):
            deduplicate_files(DeduplicationJob(rows=RowSet((source,))), target, progress=change)
        assert not target.exists()

    def test_an_existing_output_is_safe(self, tmp_path: Path) -> None:
        source, target = write(tmp_path / "in.jsonl", [{"text": CAT}]), tmp_path / "out.jsonl"
        target.write_text("mine", "utf-8")
        with pytest.raises(UsageError, match="exists already"):
            deduplicate_files(DeduplicationJob(rows=RowSet((source,))), target)
        assert target.read_text("utf-8") == "mine"
        deduplicate_files(DeduplicationJob(rows=RowSet((source,))), target, overwrite=True)
        assert read(target) == [{"text": CAT}]

    def test_a_file_named_twice_is_refused(self, tmp_path: Path) -> None:
        source = write(tmp_path / "in.jsonl", [{"text": CAT}])
        with pytest.raises(UsageError, match="twice"):
            RowSet((source, str(tmp_path / "." / "in.jsonl")))

    def test_a_stopped_job_begins_anew(self, tmp_path: Path) -> None:
        source, target = write(tmp_path / "in.jsonl", [{"text": CAT}] * 600), tmp_path / "out.txt"
        many = write(tmp_path / "bad.jsonl", [{"text": f"{n}番目の{CAT}"} for n in range(300)])
        job = DeduplicationJob(rows=RowSet((many,)), duplicates=DeduplicationConfig(near=False))

        def stop(stage: str, done: int, total: int | None) -> None:
            if stage == "writing" and done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            deduplicate_files(job, target, progress=stop)
        assert not target.exists()
        deduplicate_files(DeduplicationJob(rows=RowSet((source,))), target)
        assert target.read_text("utf-8") == CAT + "\n"


def test_selected_rows_say_why(tmp_path: Path) -> None:
    rows = [{"instruction": "話して。", "output": text} for text in (CAT, ROAD, CAT, "はい。")]
    target = tmp_path / "few.jsonl"
    source = write(tmp_path / "in.jsonl", rows)
    selection = select_rows(RowSet((source,)), target, SelectionConfig(count=2))
    found = read(target)
    assert [row["output"] for row in found] == [CAT, ROAD]
    assert {row["select_rank"] for row in found} == {1, 2}
    assert selection.left_out == {"duplicate": 1, "too_short": 1}


def test_a_mixture_of_files(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / f"{name}.jsonl", [{"text": f"{name}{n}" + "文" * 8} for n in range(50)])
    shares = {
        name: SourceShare(weight=weight, path=str(tmp_path / f"{name}.jsonl"))
        for name, weight in [("a", 3), ("b", 1)]
    }
    config = MixConfig(sources=shares, budget=400, unit="characters")
    report = mix_files(config, tmp_path / "mixed.jsonl")
    rows = read(tmp_path / "mixed.jsonl")
    assert sum(len(row["text"]) for row in rows) == report["total"]
    assert abs(report["sources"]["a"]["share_got"] - 0.75) < 0.03
    with pytest.raises(ConfigError, match="no path"):
        mix_files(MixConfig(sources={"a": SourceShare()}), tmp_path / "x.jsonl")
    with pytest.raises(DataError):
        mix_files(
            MixConfig(sources={"a": SourceShare(path=str(tmp_path / "none.jsonl"))}),
            tmp_path / "y.jsonl",
        )
