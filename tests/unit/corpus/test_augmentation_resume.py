"""Work that was stopped goes on to the same bytes; what exists is not thrown away by accident."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.corpus.endings import augment, read_rows, write_rows
from tests.unit.corpus.jobs import environment

from migaki.corpus import resumable_output
from migaki.corpus.augmentation import Augmentation
from migaki.errors import BadRowError, DataError, MigakiError, RunInterruptedError, UsageError


def stop_after(chunks: int) -> Callable[[int, int | None], None]:
    """Return a progress function that presses Ctrl-C after some chunks."""

    def progress(done: int, total: int | None) -> None:
        if done == 128 * chunks:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    ("suffix", "chunks", "workers"), [(".jsonl", 1, 2), (".parquet", 3, 1), (".txt", 3, 1)]
)
def test_ctrl_c_and_resume_give_the_same_bytes(
    many: Path, tmp_path: Path, suffix: str, chunks: int, workers: int
) -> None:
    whole, stopped = tmp_path / f"whole{suffix}", tmp_path / f"stopped{suffix}"
    expected = augment(many, whole)
    with pytest.raises(RunInterruptedError, match=rf"{128 * chunks} rows .*--resume"):
        augment(many, stopped, on_progress=stop_after(chunks))
    assert not stopped.exists()
    summary = augment(many, stopped, resume=True, workers=workers)
    assert stopped.read_bytes() == whole.read_bytes()
    assert summary == expected
    assert not list(tmp_path.glob("stopped*.part*"))


def test_what_was_written_after_the_last_commit_is_cut_off(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumable_output, "COMMIT_EVERY_S", 0)
    whole, stopped = tmp_path / "whole.jsonl", tmp_path / "stopped.jsonl"
    augment(many, whole)
    with pytest.raises(RunInterruptedError):
        augment(many, stopped, on_progress=stop_after(2))
    with (tmp_path / "stopped.jsonl.part").open("ab") as part:
        part.write('{"text": "半分だけ書'.encode()[:-1])
    augment(many, stopped, resume=True)
    assert stopped.read_bytes() == whole.read_bytes()


def stopped_output(many: Path, tmp_path: Path) -> Path:
    target = tmp_path / "out.jsonl"
    with pytest.raises(RunInterruptedError):
        augment(many, target, on_progress=stop_after(2))
    return target


def test_unfinished_work_is_not_thrown_away_by_accident(many: Path, tmp_path: Path) -> None:
    target = stopped_output(many, tmp_path)
    with pytest.raises(UsageError, match=r"unfinished work.*--resume.*--overwrite"):
        augment(many, target)
    assert augment(many, target, overwrite=True).rows == 700


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (Augmentation(variants=3), "variants was 2, is 3"),
        (Augmentation(variants=2, seed=5), "seed was 0, is 5"),
        (Augmentation(variants=2, operators=("verbs",)), "operators"),
    ],
)
def test_other_options_cannot_go_on(
    many: Path, tmp_path: Path, asked: Augmentation, named: str
) -> None:
    target = stopped_output(many, tmp_path)
    with pytest.raises(UsageError, match=named):
        augment(many, target, asked, resume=True)


def test_another_input_cannot_go_on(many: Path, tmp_path: Path) -> None:
    target = stopped_output(many, tmp_path)
    with many.open("a", encoding="utf-8") as file:
        file.write('{"text": "足した文です。"}\n')
    with pytest.raises(UsageError, match="SHA-256"):
        augment(many, target, resume=True)


def test_bad_rows_can_be_skipped_when_going_on(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    lines = [json.dumps({"text": f"{n}です。"}) for n in range(300)]
    source.write_text("\n".join([*lines, "{", *lines]), "utf-8")
    with pytest.raises(BadRowError, match=":301:"):
        augment(source, tmp_path / "out.jsonl")
    skip = Augmentation(variants=2, on_bad_row="skip")
    assert augment(source, tmp_path / "out.jsonl", skip, resume=True).bad_rows == 1
    augment(source, tmp_path / "whole.jsonl", skip)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_part_that_lost_bytes_is_an_error(many: Path, tmp_path: Path) -> None:
    target = stopped_output(many, tmp_path)
    part = tmp_path / "out.jsonl.part"
    part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(DataError, match="damaged"):
        augment(many, target, resume=True)


def test_a_state_that_is_no_state_is_an_error(many: Path, tmp_path: Path) -> None:
    target = stopped_output(many, tmp_path)
    (tmp_path / "out.jsonl.part.json").write_text("[]")
    with pytest.raises(DataError, match="cannot be read"):
        augment(many, target, resume=True)
    assert augment(many, target, overwrite=True).rows == 700


def test_resume_without_earlier_work_begins(many: Path, tmp_path: Path) -> None:
    assert augment(many, tmp_path / "out.jsonl", resume=True).rows == 700


def test_an_output_that_exists_stays(many: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("大切")
    for resume in (False, True):
        with pytest.raises(UsageError, match=r"exists already.*--overwrite"):
            augment(many, target, resume=resume)
    assert target.read_text() == "大切"
    augment(many, target, overwrite=True)
    assert len(read_rows(target)) > 700


def test_input_and_output_must_differ(many: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="same file"):
        augment(many, many, overwrite=True)


def test_a_folder_that_is_not_there_is_named(many: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere does not exist"):
        augment(many, tmp_path / "nowhere" / "out.jsonl")


def test_several_files_are_too_many(many: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "more.jsonl", [{"text": "雨です。"}])
    with pytest.raises(UsageError, match="2 files; one"):
        augment(tmp_path, tmp_path.parent / "out.jsonl")


def test_no_variants_is_an_error() -> None:
    with pytest.raises(UsageError, match="0 variants"):
        Augmentation(variants=0)


SLOW_JOB = """
import sys
from pathlib import Path
from migaki.corpus import resumable_output
from migaki.corpus.augmentation import Augmentation, augment_file
from tests.unit.corpus.endings import vary_slowly

if __name__ == "__main__":
    resumable_output.COMMIT_EVERY_S = 0.2
    augment_file(
        Path(sys.argv[1]), Path(sys.argv[2]), Augmentation(variants=2),
        workers=int(sys.argv[3]), resume=True, make_generate=vary_slowly,
    )
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize(
    ("suffix", "workers"),
    [
        (".jsonl", 2),
        pytest.param(".parquet", 2, marks=pytest.mark.slow),
        pytest.param(".txt", 1, marks=pytest.mark.slow),
    ],
)
def test_kill_9_and_resume_give_the_same_bytes(
    many: Path, tmp_path: Path, project_root: Path, workers: int, suffix: str
) -> None:
    whole, killed = tmp_path / f"whole{suffix}", tmp_path / f"killed{suffix}"
    augment(many, whole)
    script = tmp_path / "job.py"
    script.write_text(SLOW_JOB)
    command = [sys.executable, str(script), str(many), str(killed), str(workers)]
    job = subprocess.Popen(command, env=environment(project_root))
    state = killed.with_name(killed.name + ".part.json")
    until = time.monotonic() + 60
    while time.monotonic() < until and job.poll() is None:
        if state.exists() and json.loads(state.read_text())["rows_done"] >= 128:
            break
        time.sleep(0.02)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    done = json.loads(state.read_text())["rows_done"]
    assert 0 < done < 700
    augment(many, killed, resume=True)
    assert killed.read_bytes() == whole.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks between processes")
def test_two_processes_cannot_write_one_output(
    many: Path, tmp_path: Path, project_root: Path
) -> None:
    script = tmp_path / "job.py"
    script.write_text(SLOW_JOB)
    target = tmp_path / "out.jsonl"
    command = [sys.executable, str(script), str(many), str(target), "1"]
    job = subprocess.Popen(command, env=environment(project_root))
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "out.jsonl.part.json").exists() and time.monotonic() < until:
            time.sleep(0.02)
        with pytest.raises(MigakiError, match="Another process"):
            augment(many, target, resume=True)
    finally:
        job.kill()
        job.wait()
