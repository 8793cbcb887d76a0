"""What a worker is told and what it answers. Standard library only: it runs in every environment."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

BATCH = 8
MAX_TOKENS = 512
RATE = 2e-4
WARM_UP_STEPS = 2
"""litgpt divides by it, and axolotl makes 2 of 1; then the rate falls as a half cosine, for all."""
LORA_RANK, LORA_ALPHA = 16, 32
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SEED = 42


@dataclass(frozen=True)
class Job:
    """One training run.

    Args:
        way: Which tool with which settings, as `tools.WAYS` names it.
        model: Folder with ``config.json``, the weights and the tokenizer.
        adapter: Folder with the adapters that training starts from, as PEFT stores them.
        rows: JSON lines ``{"input_ids", "attention_mask", "labels"}``; -100 is not trained.
        out: Empty folder; the trained adapters go to ``out/adapter``.
        epochs: Passes over the rows.
        log_every: Steps between two losses.
    """

    way: str
    model: str
    adapter: str
    rows: str
    out: str
    epochs: int
    log_every: int

    @property
    def trained(self) -> Path:
        """Where the trained adapters go."""
        return Path(self.out) / "adapter"

    def write(self) -> Path:
        """Write the job into its folder, where the worker reads it."""
        path = Path(self.out) / "job.json"
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path

    def read_rows(self) -> list[dict[str, list[int]]]:
        """Read the rows in their order."""
        return [
            json.loads(line) for line in Path(self.rows).read_text(encoding="utf-8").splitlines()
        ]


def given_job() -> Job:
    """Read the job that the command line names."""
    return Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))


@dataclass
class Stopwatch:
    """Seconds of the training call."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time what happens inside."""
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start


def answer(
    job: Job,
    *,
    seconds: float,
    steps: int,
    losses: Sequence[float],
    packages: Sequence[str],
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write ``result.json``: the last thing that a worker does.

    Args:
        job: What was asked.
        seconds: Seconds of the training call.
        steps: Optimizer steps taken.
        losses: What the tool logged, in nats per trained token.
        packages: Distributions whose versions matter.
        notes: What the tool chose by itself, and why.
    """
    import torch

    result = {
        "seconds": seconds,
        "steps": steps,
        "losses": list(losses),
        "peak_mib": peak_mib(),
        "threads": torch.get_num_threads(),
        "versions": {name: metadata.version(name) for name in ("torch", *packages)},
        "notes": dict(notes or {}),
    }
    (Path(job.out) / "result.json").write_text(json.dumps(result), encoding="utf-8")


def peak_mib() -> float:
    """Return the largest resident set of this process.

    VmHWM belongs to the program that runs; ``ru_maxrss`` begins with that of its parent.
    """
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM: this benchmark needs Linux")


def hf_settings(job: Job) -> dict[str, Any]:
    """Settings that the tools built on `transformers.Trainer` share.

    No clipping, because litgpt has none. No checkpoint before the end.
    """
    return {
        "output_dir": str(Path(job.out) / "run"),
        "learning_rate": RATE,
        "lr_scheduler_type": "cosine",
        "warmup_steps": WARM_UP_STEPS,
        "weight_decay": 0.0,
        "max_grad_norm": 0.0,
        "per_device_train_batch_size": BATCH,
        "gradient_accumulation_steps": 1,
        "num_train_epochs": job.epochs,
        "logging_steps": job.log_every,
        "save_strategy": "no",
        "seed": SEED,
        "bf16": False,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
    }
