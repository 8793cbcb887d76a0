"""A corpus run writes the same whatever runs it, loses nothing, and goes on where it was."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.corpus.stages import Broken, KilledOnce, MostlyJapanese, StoppedOnce, WithoutSpaces

from migaki.corpus.documents import Document, Stage
from migaki.corpus.manifest import Manifest, read_manifest
from migaki.corpus.pipeline import prepare
from migaki.corpus.pipeline_config import EngineConfig, OutputConfig, PipelineConfig
from migaki.corpus.reading import ReadingLimits, SourceReader, open_source
from migaki.corpus.run_plan import Input
from migaki.errors import DataError, RunInterruptedError, UsageError

SENTENCES = (
    "今日は雨が降っています。",
    "This page is in English. ",
    "本を 読むのが 好きだ。",
    "雪が積もった。",
)
STAGES: list[Stage] = [MostlyJapanese(), WithoutSpaces()]


def write_rows(path: Path, *, rows: int, bad_every: int = 0) -> Path:
    lines = []
    for number in range(rows):
        text = f"{number}番。{SENTENCES[number % 4] * 20}"
        row = {"text": text, "license": "CC0-1.0", "title": f"題{number}"}
        lines.append(json.dumps(row, ensure_ascii=False))
        if bad_every and number % bad_every == 0:
            lines.append('{"text": "途中で')
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def small_shards(path: Path, *, size: int = 20_000) -> SourceReader:
    """Open a file in many shards."""
    return open_source(path, limits=ReadingLimits(shard_bytes=size))


def run(
    readers: list[SourceReader],
    out: Path,
    *,
    stages: list[Stage] | None = None,
    workers: int = 1,
    overwrite: bool = False,
    **settings: Any,
) -> Manifest:
    defaults: dict[str, Any] = {"output": OutputConfig(rejected=True)}
    config = PipelineConfig(engine=EngineConfig(workers=workers), **{**defaults, **settings})
    chosen = tuple(STAGES if stages is None else stages)
    inputs = [Input(reader, chosen) for reader in readers]
    done = prepare(inputs, out=out, config=config, overwrite=overwrite)
    assert done.manifest
    return done.manifest


def rows_of(out: Path, folder: str = "data") -> list[dict[str, Any]]:
    found = []
    for path in sorted((out / folder).glob("*.jsonl.zst")):
        with pyarrow.input_stream(str(path), compression="zstd") as stream:
            found += [json.loads(line) for line in io.TextIOWrapper(stream, encoding="utf-8")]
    return found


def files_of(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for folder in ("data", "rejected")
        for path in sorted((out / folder).glob("*"))
    }


def test_every_row_is_kept_rejected_or_bad(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "a.jsonl", rows=400, bad_every=50)
    manifest = run([small_shards(source)], tmp_path / "out")
    assert manifest.counts["read"] == 408
    assert manifest.counts["bad_rows"] == 8
    assert manifest.rejected == {"japanese_ratio": {"too_little_japanese": 100}}
    assert manifest.counts["kept"] == 300
    kept, rejected = rows_of(tmp_path / "out"), rows_of(tmp_path / "out", "rejected")
    assert (len(kept), len(rejected)) == (300, 108)
    assert len({row["id"] for row in kept + rejected}) == 408
    assert Counter(row["reason"] for row in rejected) == {"too_little_japanese": 100, "bad_row": 8}
    assert manifest.bad_rows[0]["line"] == 2


def test_one_relative_name_in_two_folders_is_two_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_rows(tmp_path / "in.jsonl", rows=8)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        run([open_source(source)], Path("out"))
        assert len(rows_of(tmp_path / name / "out")) > 0


def test_a_kept_row_says_where_it_comes_from(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "a.jsonl", rows=4)
    run([open_source(source)], tmp_path / "out")
    first = rows_of(tmp_path / "out")[0]
    assert first["text"].startswith("0番。今日は雨が")
    assert (first["source"], first["license"]) == ("a.jsonl", "CC0-1.0")
    assert first["metadata"]["title"] == "題0"


def test_the_manifest_names_inputs_licences_stages_and_outputs(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "a.jsonl", rows=40)
    manifest = run([open_source(source)], tmp_path / "out")
    assert manifest == read_manifest(tmp_path / "out")
    assert manifest.licences == {"a.jsonl": {"CC0-1.0": 30}}
    assert manifest.changes == {"spaces": 10 * 40}
    assert manifest.inputs[0]["stages"][0]["name"] == "japanese_ratio"
    assert manifest.inputs[0]["stages"][0]["settings"] == {"least": 0.7}
    (shard,) = manifest.inputs[0]["shards"]
    assert (shard["documents"], len(shard["sha256"])) == (40, 64)
    assert manifest.outputs[0].rows == 30
    assert manifest.made["versions"]["migaki"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_two_workers_write_the_same_bytes_as_one(tmp_path: Path, kind: Any) -> None:
    readers = [small_shards(write_rows(tmp_path / f"{name}.jsonl", rows=300)) for name in "ab"]
    output = OutputConfig(format=kind, rejected=True)
    one = run(readers, tmp_path / "1", output=output)
    two = run(readers, tmp_path / "2", workers=2, output=output)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    assert one.data_sha256 == two.data_sha256
    assert (one.counts, one.inputs) == (two.counts, two.inputs)


def test_parquet_and_json_lines_hold_the_same_rows(tmp_path: Path) -> None:
    source = open_source(write_rows(tmp_path / "a.jsonl", rows=50))
    run([source], tmp_path / "j")
    run([source], tmp_path / "p", output=OutputConfig(format="parquet"))
    (path,) = (tmp_path / "p" / "data").iterdir()
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert [{**row, "metadata": json.loads(row["metadata"])} for row in rows] == rows_of(
        tmp_path / "j"
    )


def test_files_are_no_larger_than_asked_for(tmp_path: Path) -> None:
    source = open_source(write_rows(tmp_path / "a.jsonl", rows=9_000))
    manifest = run([source], tmp_path / "out", output=OutputConfig(file_mb=1))
    assert len(manifest.outputs) > 3
    for file in manifest.outputs:
        with pyarrow.input_stream(str(tmp_path / "out" / file.name), compression="zstd") as stream:
            assert len(stream.read()) <= 1_000_000
    assert sum(file.rows for file in manifest.outputs) == manifest.counts["kept"]


def test_tasks_do_not_mix_sources_and_are_grouped_by_size(tmp_path: Path) -> None:
    readers = [small_shards(write_rows(tmp_path / f"{name}.jsonl", rows=2_000)) for name in "ab"]
    manifest = run(readers, tmp_path / "out", task_mb=1)
    assert all(len(source["shards"]) > 40 for source in manifest.inputs)
    sources = [{row["source"] for row in read(tmp_path / "out" / f.name)} for f in manifest.outputs]
    assert len(sources) == 4
    assert all(len(names) == 1 for names in sources)


def read(path: Path) -> list[dict[str, Any]]:
    with pyarrow.input_stream(str(path), compression="zstd") as stream:
        return [json.loads(line) for line in stream.read().splitlines()]


def test_a_complete_run_is_not_done_again(tmp_path: Path) -> None:
    source = small_shards(write_rows(tmp_path / "a.jsonl", rows=100))
    first = run([source], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "data").iterdir()}
    assert run([source], tmp_path / "out") == first
    assert before == {
        path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "data").iterdir()
    }


def test_other_input_or_settings_are_refused_and_named(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", rows=100)
    run([open_source(path)], tmp_path / "out")
    with pytest.raises(
        UsageError,
        match=r"inputs\[0\]\.stages\[0\]\.settings\.least was 0\.7, is 0\.5.*--overwrite",
    ):
        run([open_source(path)], tmp_path / "out", stages=[MostlyJapanese(0.5), WithoutSpaces()])
    with pytest.raises(UsageError, match=r"settings\.limit was null, is 5"):
        run([open_source(path)], tmp_path / "out", limit=5)
    write_rows(path, rows=101)
    with pytest.raises(UsageError, match="bytes was"):
        run([open_source(path)], tmp_path / "out")
    assert run([open_source(path)], tmp_path / "out", overwrite=True).counts["read"] == 101


def test_the_number_of_workers_may_change_between_calls(tmp_path: Path) -> None:
    source = small_shards(write_rows(tmp_path / "a.jsonl", rows=100))
    first = run([source], tmp_path / "out")
    assert run([source], tmp_path / "out", workers=2) == first


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.docx").write_text("大事")
    source = open_source(write_rows(tmp_path / "a.jsonl", rows=4))
    with pytest.raises(UsageError, match=r"not empty \(thesis.docx"):
        run([source], out)
    with pytest.raises(UsageError, match="not empty"):
        run([source], out, overwrite=True)
    assert (out / "thesis.docx").read_text() == "大事"


def test_a_limit_takes_the_first_documents_of_each_source(tmp_path: Path) -> None:
    readers = [small_shards(write_rows(tmp_path / f"{name}.jsonl", rows=500)) for name in "ab"]
    manifest = run(readers, tmp_path / "out", limit=70, stages=[])
    kept = rows_of(tmp_path / "out")
    assert [row["metadata"]["title"] for row in kept] == [f"題{n}" for n in range(70)] * 2
    assert manifest.counts["read"] == 140


def test_a_damaged_file_does_not_cost_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    whole = gzip.compress(write_rows(tmp_path / "b.jsonl", rows=4_000).read_bytes())
    for name in "bc":
        (folder / f"{name}.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    readers = [open_source(write_rows(tmp_path / "a.jsonl", rows=40)), open_source(folder)]
    with pytest.raises(
        DataError, match=r"1 of 2 tasks failed.*b\.jsonl\.gz:\d+.*c\.jsonl\.gz:\d+"
    ) as e:
        run(readers, tmp_path / "out")
    assert "--on-damage skip" in str(e.value.hint)
    assert [row["source"] for row in rows_of(tmp_path / "out")] == ["a.jsonl"] * 30
    manifest = run(readers, tmp_path / "skip", on_damage="skip")
    assert len(manifest.damaged) == 2
    assert manifest.counts["bad_rows"] == 2
    assert manifest.counts["kept"] > 2_000


def test_damage_may_be_skipped_afterwards_and_sound_tasks_stay(tmp_path: Path) -> None:
    whole = gzip.compress(write_rows(tmp_path / "b.jsonl", rows=4_000).read_bytes())
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(whole[: len(whole) // 2])
    readers = [open_source(write_rows(tmp_path / "a.jsonl", rows=40)), open_source(packed)]
    with pytest.raises(DataError, match="1 of 2 tasks failed"):
        run(readers, tmp_path / "out")
    (kept,) = (tmp_path / "out" / "data").iterdir()
    written_ns = kept.stat().st_mtime_ns
    manifest = run(readers, tmp_path / "out", on_damage="skip")
    assert len(manifest.damaged) == 1
    assert manifest.settings["on_damage"] == "skip"
    assert kept.stat().st_mtime_ns == written_ns
    with pytest.raises(UsageError, match="on_damage was"):
        run(readers, tmp_path / "out", on_damage="error")


def test_empty_files_and_refused_members_cost_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    good = write_rows(folder / "good.jsonl", rows=40).read_bytes()
    for name, content in {"empty.jsonl": b"", "blank.md": b"\n \n", "blank.txt": b"\n"}.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.writestr("../outside.jsonl", good)
        archive.writestr("inside.jsonl", good)
    manifest = run([open_source(folder)], tmp_path / "out")
    assert (manifest.counts["read"], manifest.counts["bad_rows"]) == (84, 4)
    assert manifest.damaged == []
    assert {Path(row["file"]).name for row in manifest.bad_rows} == {
        "empty.jsonl",
        "blank.md",
        "blank.txt",
        "outside.jsonl",
    }


def test_a_licence_that_nobody_knows_is_counted_by_what_was_stated(tmp_path: Path) -> None:
    stated = ["自由にどうぞ", "自由にどうぞ", "CC0-1.0", "", None, "長い" * 100]
    rows = [{"text": "雨が降っています。", "license": text} for text in stated]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (licences,) = run([open_source(path)], tmp_path / "out", stages=[]).licences.values()
    long = next(name for name in licences if name.startswith("unknown, stated as '長"))
    assert len(long) < 120
    assert licences == {
        "unknown, stated as '自由にどうぞ'": 2, "CC0-1.0": 1, "unknown": 2, long: 1
    }  # fmt: skip
    assert {row["license"] for row in rows_of(tmp_path / "out")} == {"unknown", "CC0-1.0"}


def test_licences_that_are_all_different_do_not_fill_the_manifest(tmp_path: Path) -> None:
    rows = [{"text": "雨が降っています。", "license": f"番号{n}"} for n in range(500)]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (licences,) = run([open_source(path)], tmp_path / "out", stages=[]).licences.values()
    assert len(licences) == 21
    assert licences["unknown, stated otherwise"] == 480


def test_a_file_that_was_mended_is_all_that_is_read_again(tmp_path: Path) -> None:
    whole = gzip.compress(write_rows(tmp_path / "b.jsonl", rows=100).read_bytes())
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(whole[: len(whole) // 2])
    sound = write_rows(tmp_path / "a.jsonl", rows=40)
    with pytest.raises(DataError, match="1 of 2 tasks failed"):
        run([open_source(sound), open_source(packed)], tmp_path / "out")
    (kept,) = (tmp_path / "out" / "data").iterdir()
    written_ns = kept.stat().st_mtime_ns
    packed.write_bytes(whole)
    manifest = run([open_source(sound), open_source(packed)], tmp_path / "out")
    assert manifest.counts["read"] == 140
    assert kept.stat().st_mtime_ns == written_ns


def test_a_file_that_was_read_must_stay_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    stopping = [StoppedOnce(tmp_path / "marks", (20,))]
    first, second = (
        write_rows(tmp_path / f"{name}.jsonl", rows=rows) for name, rows in (("a", 10), ("b", 40))
    )
    with pytest.raises(RunInterruptedError):
        run([open_source(first), open_source(second)], tmp_path / "out", stages=stopping)
    write_rows(first, rows=11)
    with pytest.raises(UsageError, match=r"tasks\[0\].*bytes was"):
        run([open_source(first), open_source(second)], tmp_path / "out", stages=stopping)


def test_a_stage_that_raises_is_named_with_its_document(tmp_path: Path) -> None:
    source = small_shards(write_rows(tmp_path / "a.jsonl", rows=40))
    with pytest.raises(
        DataError, match=r"document a\.jsonl:a\.jsonl:4: ValueError: 雪はきらいです"
    ):
        run([source], tmp_path / "out", stages=[Broken()])


def test_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        write_rows(tmp_path / folder / "a.jsonl", rows=1)
    readers = [open_source(tmp_path / folder / "a.jsonl") for folder in ("x", "y")]
    with pytest.raises(UsageError, match=r"Two sources are called a\.jsonl"):
        run(readers, tmp_path / "out")


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    source = small_shards(write_rows(tmp_path / "a.jsonl", rows=4_000))
    (tmp_path / "marks").mkdir()
    killing = KilledOnce(tmp_path / "marks", (10, 20, 3_000))
    plain = run([source], tmp_path / "1", stages=[], task_mb=1)
    killed = run([source], tmp_path / "2", stages=[killing], workers=2, task_mb=1)
    assert len(list((tmp_path / "marks").iterdir())) == 3
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    assert plain.counts == killed.counts
    assert {path.name for path in (tmp_path / "2").iterdir()} == {
        ".lock",
        ".work",
        "data",
        "manifest.json",
    }


def test_work_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    source = small_shards(write_rows(tmp_path / "a.jsonl", rows=4_000))
    (tmp_path / "marks").mkdir()
    stopping = StoppedOnce(tmp_path / "marks", (3_000,))
    whole = run([source], tmp_path / "1", stages=[], task_mb=1)
    with pytest.raises(
        RunInterruptedError, match=r"[12] of \d tasks are done.*same command goes on"
    ):
        run([source], tmp_path / "2", stages=[stopping], task_mb=1)
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "2" / "data").iterdir()}
    assert len(done) in (1, 2)
    again = run([source], tmp_path / "2", stages=[stopping], task_mb=1)
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")
    assert whole.data_sha256 == again.data_sha256
    assert all(path.stat().st_mtime_ns == at for path, at in done.items())


class Plain:
    """Documents from memory, for what no file would hold."""

    name, licence = "plain", "CC0-1.0"

    def __init__(self, documents: list[Document]) -> None:
        self._documents = documents

    def shards(self) -> list[Any]:
        shard, *_ = open_source("samples").shards()
        return [replace(shard, name="memory")]

    def documents(self, shard: Any) -> Any:
        yield from self._documents

    def facts(self) -> dict[str, Any]:
        return {"kind": "memory"}


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(), max_size=30), max_size=8),
    kind=st.sampled_from(["jsonl", "parquet"]),
)
def test_no_text_is_lost_whatever_it_holds(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], kind: Any
) -> None:
    out = tmp_path_factory.mktemp("run") / "out"
    documents = [
        Document(text, id=f"m:{n}", source="m", licence="MIT") for n, text in enumerate(texts)
    ]
    manifest = run(
        [Plain(documents)], out, stages=[], output=OutputConfig(format=kind, rejected=True)
    )
    halves = sum(not _is_whole(text) for text in texts)
    assert manifest.counts["kept"] == len(texts) - halves
    assert manifest.rejected.get("writing", {}).get("unwritable", 0) == halves


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
