"""One fine-tuning workload on a CPU: migaki and its peers, each as its users run it.

    python benchmarks/training_peers/tools.py --venvs ../peers       # once: an environment a peer
    python benchmarks/training_cpu.py --data ../shared/data --venvs ../peers
    python benchmarks/training_cpu.py … --continue                   # after an interruption

2,000 Japanese chats, a Qwen2 of 7.2 M parameters, LoRA r=16 on all linear layers but the head, one
epoch of 250 steps, batch 8, AdamW, float32, no clipping, no activation checkpointing; once with all
tokens trained and once with the answers alone (`training_peers/workload.py`). Fair means:

* every tool gets the same token ids, weights and adapters, and nothing is timed before the losses of
  three steps on one fixed batch agree;
* each run is a fresh process in the tool's own environment (`training_peers/tools.py`), and the tools
  take turns, the order reversed every other time, so that a busy moment hits all;
* what the trained adapters are worth is measured by one judge (`training_peers/evaluate.py`) and must
  be within 1 % of TRL's.

Measured: seconds of the training call, of the whole process, and its largest resident set. Ratios are
taken between runs of one turn; shown are the median and, in brackets, the extremes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PEERS = HERE / "training_peers"
sys.path.insert(0, str(PEERS))

import report  # noqa: E402
from job import BATCH, Job  # noqa: E402
from tools import WAYS, make_environment, python_of  # noqa: E402

WORKLOADS = ("all", "answers")
CHECK_EPOCHS = 3
LOG_EVERY = 10
FIRST_LOSS_TOLERANCE = {"migaki-auto": 0.01}
"""Relative; bfloat16 rounds. All else computes in float32 and agrees to 1e-4."""
USUAL_SECONDS = 120


def main() -> int:
    given = _arguments()
    for name in {WAYS[way].environment for way in given.ways} - {None}:
        make_environment(name, given.venvs)
    with tempfile.TemporaryDirectory(prefix="migaki-bench-") as name:
        bench = Benchmark(Path(name), given.venvs)
        facts = bench.prepare(given.data, given.rows, litgpt="litgpt" in given.ways)
        result = _begun(given.out, facts) if given.go_on else {"runs": []}
        result |= {"workload": facts, "machine": report.machine()}
        print(
            f"{facts['rows']:,} chats, {facts['tokens']:,} tokens, {facts['parameters']:,} "
            f"parameters; {', '.join(given.ways)}; {given.repeats} repeats",
            flush=True,
        )
        result["first_losses"] = bench.check(given.ways, given.workloads)
        result["floor"] = bench.floor(facts)
        for run in bench.turns(given, result["runs"]):
            result["runs"].append(run)
            _write(given.out, result)
    result |= report.summarize(result)
    _write(given.out, result)
    report.show(result)
    print(f"written to {given.out}")
    return 0 if report.comparable(result) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    beside = HERE.parents[1]
    parser.add_argument("--data", type=Path, default=beside / "shared" / "data")
    parser.add_argument("--venvs", type=Path, default=beside / "peers", help="made if missing")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "training_cpu.json")
    parser.add_argument(
        "--continue", dest="go_on", action="store_true", help="keep the runs that --out holds"
    )
    given = parser.parse_args()
    given.venvs = given.venvs.resolve()
    return given


def _begun(out: Path, facts: dict[str, Any]) -> dict[str, Any]:
    if not out.is_file():
        return {"runs": []}
    before: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    if before["workload"] != facts:
        raise SystemExit(f"{out} was measured on another workload: give another --out.")
    return {"runs": before["runs"]}


def _write(out: Path, result: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_suffix(".part")
    temporary.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out)


class Benchmark:
    """The workload in a folder, and the runs on it."""

    def __init__(self, folder: Path, venvs: Path) -> None:
        self.folder = folder
        self.venvs = venvs
        self.judged: dict[str, float] = {}

    def prepare(self, data: Path, rows: int, *, litgpt: bool) -> dict[str, Any]:
        """Write model, rows and adapters; in a process of its own, so that this one stays small."""
        self._run(None, "workload.py", self.folder, "--data", data, "--rows", rows)
        if litgpt:
            model, adapter = self.folder / "model", self.folder / "adapter"
            self._run("litgpt", "litgpt_weights.py", "in", model, adapter)
        return dict(json.loads((self.folder / "facts.json").read_text(encoding="utf-8")))

    def check(self, ways: list[str], workloads: list[str]) -> dict[str, dict[str, list[float]]]:
        """Train three steps on one batch; all tools must see the same losses."""
        losses: dict[str, dict[str, list[float]]] = {}
        for workload in workloads:
            losses[workload] = {}
            for way in ways:
                run = self.train(way, f"{workload}-check", epochs=CHECK_EPOCHS, log_every=1)
                losses[workload][way] = run["losses"][:CHECK_EPOCHS]  # then comes a mean of the run
                said = " ".join(f"{loss:.6f}" for loss in losses[workload][way])
                print(f"one batch, {workload:7} {way:16} losses {said}", flush=True)
            _require_same(losses[workload])
        return losses

    def floor(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Measure what the matrix products alone would take."""
        tokens = round(facts["tokens"] / facts["rows"] * BATCH)
        said = self._run(
            None, "floor.py", self.folder / "model", self.folder / "adapter", tokens
        ).splitlines()[-1]
        return dict(json.loads(said))

    def turns(self, given: argparse.Namespace, done: list[dict[str, Any]]) -> Any:
        """Run what is not done yet, in turns; yields each run."""
        have = {(run["way"], run["workload"], run["repeat"]) for run in done}
        self.judged = {run["adapter_sha256"]: run["final_loss"] for run in done}
        wanted = [
            (way, workload, repeat)
            for repeat in range(given.repeats)
            for workload in given.workloads
            for way in (given.ways if repeat % 2 == 0 else given.ways[::-1])
        ]
        left = [one for one in wanted if one not in have]
        walls = [run["wall_s"] for run in done]
        for number, (way, workload, repeat) in enumerate(left):
            minutes = (len(left) - number) * statistics.mean(walls or [USUAL_SECONDS]) / 60
            run = self.measure(way, workload, repeat)
            walls.append(run["wall_s"])
            print(f"{report.line(run)}   (about {minutes:.0f} min were left)", flush=True)
            yield run

    def measure(self, way: str, workload: str, repeat: int) -> dict[str, Any]:
        """Train once on all rows, and judge the result."""
        load = os.getloadavg()[0]
        run = self.train(way, workload, epochs=1, log_every=LOG_EVERY)
        tokens = json.loads((self.folder / "facts.json").read_text(encoding="utf-8"))["tokens"]
        return {
            "way": way,
            "workload": workload,
            "repeat": repeat,
            "tokens_per_s": tokens / run["seconds"],
            "load_before": load,
            **run,
        }

    def train(self, way: str, rows: str, *, epochs: int, log_every: int) -> dict[str, Any]:
        """Run one worker in a fresh process and folder."""
        tool = WAYS[way]
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            job = Job(
                way=way,
                model=str(self.folder / "model"),
                adapter=str(self.folder / "adapter"),
                rows=str(self.folder / f"{rows}.jsonl"),
                out=name,
                epochs=epochs,
                log_every=log_every,
            )
            start = time.perf_counter()
            self._run(tool.environment, tool.worker, job.write())
            wall = time.perf_counter() - start
            if tool.environment == "litgpt":
                self._run("litgpt", "litgpt_weights.py", "out", name)
            result = json.loads((Path(name) / "result.json").read_text(encoding="utf-8"))
            count = len(job.read_rows())
            if result["steps"] != (steps := math.ceil(count / BATCH) * epochs):
                raise SystemExit(f"{way} took {result['steps']} steps, not {steps}.")
            if not rows.endswith("-check"):
                result |= self._judge(job)
        return {**result, "wall_s": wall}

    def _judge(self, job: Job) -> dict[str, Any]:
        """Measure the loss of the trained adapters; equal ones (a repeated run) only once."""
        weights = (job.trained / "adapter_model.safetensors").read_bytes()
        key = hashlib.sha256(weights + job.rows.encode()).hexdigest()
        if key not in self.judged:
            said = self._run(None, "evaluate.py", job.model, job.rows, job.trained)
            self.judged[key] = float(said.splitlines()[-1])
        return {"final_loss": self.judged[key], "adapter_sha256": key}

    def _run(self, environment: str | None, script: str, *arguments: object) -> str:
        variables = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        if environment is not None:
            variables.pop("PYTHONPATH", None)
        ended = subprocess.run(
            [python_of(environment, self.venvs), str(PEERS / script), *map(str, arguments)],
            capture_output=True,
            text=True,
            env=variables,
            cwd=self.folder,
            check=False,
        )
        if ended.returncode != 0:
            said = (ended.stdout + ended.stderr)[-4000:]
            raise SystemExit(f"{script} {' '.join(map(str, arguments))} failed:\n{said}")
        return ended.stdout


def _require_same(losses: dict[str, list[float]]) -> None:
    """Tools that compute something else cannot be compared."""
    reference = losses.get("trl") or next(iter(losses.values()))
    for way, found in losses.items():
        tolerance = FIRST_LOSS_TOLERANCE.get(way, 1e-4)
        if len(found) != len(reference) or any(
            abs(ours / theirs - 1) > tolerance
            for ours, theirs in zip(found, reference, strict=True)
        ):
            raise SystemExit(
                f"On one fixed batch {way} has the losses {found}, not {reference}: not comparable."
            )


if __name__ == "__main__":
    sys.exit(main())
