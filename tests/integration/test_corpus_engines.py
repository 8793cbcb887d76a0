"""The same corpus run in every place where it can run: the same output to the byte.

Slurm is three small programs in ``slurm/`` that run the real batch script, task by task; Ray is a
real cluster of two processes on this machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.unit.corpus.jobs import environment
from tests.unit.corpus.stages import Broken, KilledOnce, MostlyJapanese, WithoutSpaces
from tests.unit.corpus.test_pipeline import files_of, small_shards, write_rows

from migaki.corpus.deduplication import DeduplicationConfig
from migaki.corpus.documents import Stage
from migaki.corpus.manifest import Manifest
from migaki.corpus.pipeline import Preparation, prepare
from migaki.corpus.pipeline_config import EngineConfig, OutputConfig, PipelineConfig, SlurmConfig
from migaki.corpus.run_plan import Input

pytestmark = [pytest.mark.integration, pytest.mark.skipif(sys.platform == "win32", reason="POSIX")]

STAGES: tuple[Stage, ...] = (MostlyJapanese(), WithoutSpaces())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "a.jsonl", rows=4_000, bad_every=400)


@pytest.fixture
def slurm(tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the programs of Slurm on the path; return where they keep their jobs."""
    state = tmp_path / "slurm"
    state.mkdir()
    programs = Path(__file__).parent / "slurm"
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(state))
    monkeypatch.setenv("PYTHONPATH", environment(project_root)["PYTHONPATH"])
    return state


def run(
    source: Path, out: Path, engine: EngineConfig, *, stages: tuple[Stage, ...] = STAGES
) -> Preparation:
    config = PipelineConfig(task_mb=1, output=OutputConfig(rejected=True), engine=engine)
    return prepare([Input(small_shards(source), stages)], out=out, config=config)


def manifest_of(done: Preparation) -> Manifest:
    assert done.manifest
    return done.manifest


def reference(source: Path, out: Path) -> Manifest:
    return manifest_of(run(source, out, EngineConfig(workers=1)))


def jobs_of(slurm: Path) -> list[dict[str, Any]]:
    return [
        json.loads((slurm / f"{n + 1}.json").read_text())
        for n in range(len(list(slurm.glob("*.json"))))
    ]


@pytest.mark.slow
def test_slurm_writes_what_one_process_writes(source: Path, tmp_path: Path, slurm: Path) -> None:
    one = reference(source, tmp_path / "one")
    engine = EngineConfig(kind="slurm", workers=2, slurm=SlurmConfig(options={"account": "nlp"}))
    done = run(source, tmp_path / "slurm-out", engine)
    assert done.jobs == ("1", "2")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "slurm-out")
    assert manifest_of(done).counts == one.counts
    clean, finish = jobs_of(slurm)
    assert clean["directives"]["array"] == "0-2%2"
    assert clean["directives"]["account"] == "nlp"
    assert finish["options"]["dependency"] == "afterok:1"
    assert run(source, tmp_path / "slurm-out", engine).manifest == done.manifest
    assert len(jobs_of(slurm)) == 2


@pytest.mark.slow
def test_a_killed_slurm_task_is_tried_again(source: Path, tmp_path: Path, slurm: Path) -> None:
    reference(source, tmp_path / "one")
    (tmp_path / "marks").mkdir()
    killing = (*STAGES, KilledOnce(tmp_path / "marks", (10, 20, 3_000)))
    done = run(source, tmp_path / "two", EngineConfig(kind="slurm"), stages=killing)
    assert len(list((tmp_path / "marks").iterdir())) == 3
    assert done.manifest
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert set(jobs_of(slurm)[0]["codes"].values()) == {0}


@pytest.mark.slow
def test_a_failed_slurm_task_is_the_only_one_done_again(
    source: Path, tmp_path: Path, slurm: Path
) -> None:
    engine = EngineConfig(kind="slurm")
    done = run(source, tmp_path / "out", engine, stages=(Broken(),))
    assert done.manifest is None
    clean, finish = jobs_of(slurm)
    assert set(clean["codes"].values()) == {1}, "an error is not tried again, a kill would be"
    assert not finish["ran"]
    log = next((tmp_path / "out" / ".work" / "clean" / "slurm_logs").glob("1_0.out")).read_text()
    assert "雪はきらいです" in log
    (slurm / "queue").write_text("1_2\n")
    waiting = run(source, tmp_path / "out", engine, stages=(Broken(),))
    assert waiting.jobs == ("1", "2"), "jobs under way are not handed over twice"
    assert len(jobs_of(slurm)) == 2
    assert "attempt 1" not in log.lower()


@pytest.mark.slow
def test_work_begun_on_slurm_can_be_ended_here(source: Path, tmp_path: Path, slurm: Path) -> None:
    reference(source, tmp_path / "one")
    (tmp_path / "marks").mkdir()
    killing = (*STAGES, KilledOnce(tmp_path / "marks", (1, 4, 5)))  # as many as attempts
    done = run(source, tmp_path / "two", EngineConfig(kind="slurm"), stages=killing)
    assert done.manifest is None
    assert sorted(jobs_of(slurm)[0]["codes"].values()) == [0, 0, 137]
    again = run(source, tmp_path / "two", EngineConfig(workers=2), stages=killing)
    assert again.tasks_before == 2
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.slow
def test_ray_writes_what_one_process_writes_even_when_a_worker_is_killed(
    source: Path, tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setenv("PYTHONPATH", environment(project_root)["PYTHONPATH"])
    one = reference(source, tmp_path / "one")
    (tmp_path / "marks").mkdir()
    killing = (*STAGES, KilledOnce(tmp_path / "marks", (10, 20, 3_000)))
    engine = EngineConfig(kind="ray", workers=2)
    done = run(source, tmp_path / "two", engine, stages=killing)
    assert len(list((tmp_path / "marks").iterdir())) == 3
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert manifest_of(done).counts == one.counts


@pytest.mark.slow
def test_duplicates_are_left_out_alike_wherever_it_runs(
    source: Path, tmp_path: Path, slurm: Path
) -> None:
    """Sign, match, choose, clean, finish: five phases, each waiting for the one before."""
    other = tmp_path / "b.jsonl"
    lines = source.read_text("utf-8").splitlines(keepends=True)
    other.write_text(
        "".join(lines[:40]) + '{"text": "どこにもない文が、ここにだけ書いてあります。"}\n', "utf-8"
    )
    manifests = []
    for name, engine in (
        ("one", EngineConfig(workers=1)),
        ("slurm-out", EngineConfig(kind="slurm", slurm=SlurmConfig(tasks_per_job=60))),
    ):
        config = PipelineConfig(
            engine=engine,
            deduplicate=DeduplicationConfig(near=False),
            output=OutputConfig(rejected=True),
        )
        inputs = [Input(small_shards(path), STAGES) for path in (source, other)]
        manifests.append(manifest_of(prepare(inputs, out=tmp_path / name, config=config)))
    one, two = manifests
    assert files_of(tmp_path / "one") == files_of(tmp_path / "slurm-out")
    assert one.counts == two.counts
    assert one.duplicates
    counts = one.counts
    good = sum(line.startswith('{"text"') and line.endswith("}\n") for line in lines[:40])
    assert counts["duplicates"] == one.duplicates["across_sources"] == good
    assert counts["read"] == sum(
        counts[name] for name in ("duplicates", "kept", "rejected", "bad_rows")
    )
    assert [job["options"].get("dependency") for job in jobs_of(slurm)] == [
        None, "afterok:1", "afterok:2", "afterok:3", "afterok:4",
    ]  # fmt: skip


SCRIPT = """
import sys
from pathlib import Path
from tests.integration.test_corpus_engines import run
from tests.unit.corpus.stages import Slow
from migaki.corpus.pipeline_config import EngineConfig
if __name__ == "__main__":
    source, out, marks = map(Path, sys.argv[1:])
    run(source, out, EngineConfig(workers=2), stages=(Slow(marks, 0.002),))
"""


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "run"])
def test_kill_9_in_the_middle_loses_and_doubles_nothing(
    source: Path, tmp_path: Path, project_root: Path, victim: str
) -> None:
    """A worker: its task is done by another. The whole run: the same call goes on."""
    run(source, tmp_path / "one", EngineConfig(workers=1), stages=())
    (tmp_path / "marks").mkdir()
    (tmp_path / "job.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "job.py"), str(source), str(tmp_path / "two")]
    command.append(str(tmp_path / "marks"))
    job = subprocess.Popen(command, env=environment(project_root))
    os.kill(
        _first_worker(tmp_path / "marks") if victim == "worker" else _once_begun(job, tmp_path),
        signal.SIGKILL,
    )
    if victim == "run":
        assert job.wait(30) == -signal.SIGKILL
        assert not (tmp_path / "two" / "manifest.json").exists()
        job = subprocess.Popen(command, env=environment(project_root))
    assert job.wait(120) == 0
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def _first_worker(marks: Path) -> int:
    until = time.monotonic() + 60
    while not (found := list(marks.glob("pid-*"))) and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)  # into the middle of its task
    return int(found[0].name.removeprefix("pid-"))


def _once_begun(job: subprocess.Popen[bytes], folder: Path) -> int:
    _first_worker(folder / "marks")
    return job.pid
