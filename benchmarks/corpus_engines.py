"""Engines that could run a corpus: what they cost, whether the output is the same, what a kill does.

    python benchmarks/corpus_engines.py --data ../shared/data --mb 20

Each candidate runs the same stages on the same file with one worker and with two, in a fresh process.
Then it runs again with two, one of its workers is killed with SIGKILL in the middle of its work, and
what becomes of the run is looked at for `--patience` seconds. Wall times are of a busy machine unless the
load says otherwise; they include starting the engine, which is what differs most.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpus_inputs import documents_of, write_sampled

from migaki.corpus.cleaning.config import build_stages, cleaning_config
from migaki.corpus.documents import Document, Outcome, Rejection, Stage, run_stages

TASKS = 8


@dataclass(frozen=True)
class Marked:
    """Leaves the number of the process that works, and takes its time when it is asked to."""

    folder: Path
    slowly: bool
    name = "marked"

    def __call__(self, document: Document) -> Outcome:
        """Keep the document."""
        (self.folder / str(os.getpid())).touch()  # again and again: the last one is at work
        if self.slowly:
            time.sleep(0.005)
        return document


def stages_for(marks: Path, *, slowly: bool) -> tuple[Stage, ...]:
    return (*build_stages(cleaning_config("encyclopaedia")), Marked(marks, slowly))


# ── candidates ───────────────────────────────────────────────────────────────────────────────────


def migaki_local(source: Path, out: Path, stages: Sequence[Stage], workers: int) -> None:
    _migaki("local", source, out, stages, workers)


def migaki_ray(source: Path, out: Path, stages: Sequence[Stage], workers: int) -> None:
    _migaki("ray", source, out, stages, workers)


def _migaki(kind: Any, source: Path, out: Path, stages: Sequence[Stage], workers: int) -> None:
    from migaki.corpus.pipeline import prepare
    from migaki.corpus.pipeline_config import EngineConfig, PipelineConfig

    config = PipelineConfig(
        task_mb=_task_mb(source), engine=EngineConfig(kind=kind, workers=workers)
    )
    prepare([_input(source, stages)], out=out, config=config)


def datatrove_local(source: Path, out: Path, stages: Sequence[Stage], workers: int) -> None:
    from datatrove.executor import LocalPipelineExecutor

    step = _step(source, out, stages)
    LocalPipelineExecutor(
        [step], tasks=len(step.tasks), workers=workers, logging_dir=str(out / "log")
    ).run()


def datatrove_ray(source: Path, out: Path, stages: Sequence[Stage], workers: int) -> None:
    import ray
    from datatrove.executor import RayPipelineExecutor

    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
    step = _step(source, out, stages)
    RayPipelineExecutor(
        [step],
        tasks=len(step.tasks),
        workers=workers,
        logging_dir=str(out / "log"),
        mem_per_cpu_gb=0.5,
    ).run()


def datasets_map(source: Path, out: Path, stages: Sequence[Stage], workers: int) -> None:
    import datasets

    rows = datasets.load_dataset(
        "json", data_files=str(source), split="train", cache_dir=str(out / "cache")
    )
    kept = rows.map(
        _apply_to_row, with_indices=True, num_proc=workers, fn_kwargs={"stages": list(stages)}
    ).filter(_is_kept, num_proc=workers)
    kept.to_json(str(out / "data.jsonl"), force_ascii=False)


def ray_data(source: Path, out: Path, stages: Sequence[Stage], workers: int) -> None:
    import ray

    ray.init(address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
    rows = ray.data.read_json(str(source), lines=True).map(
        lambda row: _apply_to_row(row, 0, list(stages)), num_cpus=1
    )
    rows.filter(_is_kept).write_json(str(out / "data"))


CANDIDATES: dict[str, Callable[[Path, Path, Sequence[Stage], int], None]] = {
    "migaki": migaki_local,
    "datatrove local": datatrove_local,
    "datasets.map": datasets_map,
    "migaki on Ray": migaki_ray,
    "datatrove Ray": datatrove_ray,
    "Ray Data": ray_data,
}


def _apply_to_row(row: dict[str, Any], number: int, stages: list[Stage]) -> dict[str, Any]:
    document = Document(row["text"], id=str(number), source="s", licence="unknown")
    outcome = run_stages(document, stages)
    if isinstance(outcome, Rejection):
        return {"text": "", "kept": False}
    return {"text": outcome.text, "kept": True}


def _is_kept(row: dict[str, Any]) -> bool:
    return bool(row["kept"])


def _task_mb(source: Path) -> int:
    return max(1, source.stat().st_size // TASKS // 1_000_000)


def _input(source: Path, stages: Sequence[Stage]) -> Any:
    from migaki.corpus.reading import ReadingLimits, open_source
    from migaki.corpus.run_plan import Input

    limits = ReadingLimits(shard_bytes=_task_mb(source) * 1_000_000)
    return Input(open_source(source, limits=limits), tuple(stages))


def _step(source: Path, out: Path, stages: Sequence[Stage]) -> Any:
    """Return our step, which datatrove's own executors can run as well."""
    from migaki.corpus.cleaning_step import CleaningStep, WorkFolder
    from migaki.corpus.pipeline_config import PipelineConfig
    from migaki.corpus.run_plan import make_plan

    plan = make_plan([_input(source, stages)], config=PipelineConfig(task_mb=_task_mb(source)))
    folder = WorkFolder(out)
    folder.make()
    return CleaningStep(plan.tasks, folder, "jsonl", 256_000_000, False, "error")


# ── measuring ────────────────────────────────────────────────────────────────────────────────────


def main() -> int:
    given = _arguments()
    if given.run:
        name, source, out, workers, marks, slowly = given.run
        Path(out).mkdir(parents=True, exist_ok=True)
        stages = stages_for(Path(marks), slowly=slowly == "slowly")
        CANDIDATES[name](Path(source), Path(out), stages, int(workers))
        return 0
    results = {}
    with tempfile.TemporaryDirectory(prefix="migaki-engines-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        documents = documents_of(Path(given.data), "wiki") + documents_of(Path(given.data), "news")
        source = write_sampled(folder / "rows.jsonl", documents, mb=given.mb)
        small = write_sampled(folder / "few.jsonl", documents, mb=given.mb / 4)
        print(f"{source.stat().st_size / 1e6:.0f} MB, {TASKS} tasks")
        for number, candidate in enumerate(given.candidates):
            results[candidate] = _measure(
                candidate, folder / str(number), source, small, given.patience
            )
            print(f"{candidate:16} {json.dumps(results[candidate])}", flush=True)
    results["load"] = os.getloadavg()
    if given.out:
        Path(given.out).write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    here = Path(__file__).resolve()
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", default=str(here.parents[2] / "shared" / "data"))
    parser.add_argument("--mb", type=float, default=20.0)
    parser.add_argument("--patience", type=float, default=60.0)
    parser.add_argument("--candidates", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--out", default=str(here.parent / "results" / "corpus_engines.json"))
    parser.add_argument("--run", nargs=6, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(name: str, folder: Path, source: Path, small: Path, patience: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for workers in (1, 2):
        began = time.perf_counter()
        out, marks = folder / str(workers), folder / f"marks{workers}"
        marks.mkdir(parents=True)
        done = _start(name, source, out, workers, marks, "quickly").wait()
        found[f"wall_s_{workers}"] = round(time.perf_counter() - began, 1)
        found[f"output_{workers}"] = _fingerprint(out) if done == 0 else f"exit status {done}"
    found["same_bytes"] = found["output_1"] == found["output_2"]
    found["after_kill"] = _kill(name, folder, small, patience)
    return found


def _kill(name: str, folder: Path, source: Path, patience: float) -> str:
    marks = folder / "marks-kill"
    marks.mkdir()
    plain = folder / "plain"
    (folder / "marks-plain").mkdir()
    _start(name, source, plain, 2, folder / "marks-plain", "quickly").wait()
    job = _start(name, source, folder / "kill", 2, marks, "slowly")
    while job.poll() is None and len(list(marks.iterdir())) < 2:
        time.sleep(0.1)
    time.sleep(1)
    if not _kill_one(marks, besides=job.pid):
        return "no worker was seen"
    try:
        status = job.wait(patience)
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
        return f"still waiting after {patience:.0f} s"
    if status:
        return f"ended with exit status {status}"
    same = _fingerprint(plain) == _fingerprint(folder / "kill")
    return "finished, same bytes" if same else "finished, other bytes"


def _kill_one(marks: Path, *, besides: int) -> bool:
    """Kill the worker that was seen last; some engines have one for each task."""
    seen = sorted(marks.iterdir(), key=lambda mark: mark.stat().st_mtime, reverse=True)
    for pid in (int(mark.name) for mark in seen):
        if pid != besides:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
    return False


def _start(
    name: str, source: Path, out: Path, workers: int, marks: Path, pace: str
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.corpus_engines", "--run", name]
    command += [str(source), str(out), str(workers), str(marks), pace]
    log = (out.parent / "log.txt").open("ab")
    return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _fingerprint(out: Path) -> str:
    """Return a hash over the names and bytes of what was written."""
    digest = hashlib.sha256()
    for path in sorted(out.rglob("*")):
        if path.is_file() and "data" in path.relative_to(out).parts[0]:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
