"""One of several processes that train together, started by `test_processes`. Not a test itself.

    python -m training.run_processes FOLDER JOB [JOB…]

RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT are set as a launcher sets them. Each job trains
in FOLDER/JOB; the first process leaves the weights in FOLDER/JOB/weights.safetensors, and what the caller
got in FOLDER/JOB/result.json.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from migaki.errors import MigakiError, TrainingError
from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import TrainingResult, run_training
from migaki.training.processes import join_processes

from .conftest import Rows, make_model, make_rows, make_tokenizer

STEPS = 20


def rows_with_gaps(count: int) -> Rows:
    """An odd number of rows of unequal length; every fifth has nothing to train."""
    rows = make_rows(count)
    for number in range(0, len(rows), 5):
        labels = rows.rows[number]["labels"]
        rows.rows[number] = {**rows.rows[number], "labels": [-100] * len(labels)}
    return rows


def train(
    folder: Path,
    *,
    method: str,
    dropout: float = 0.0,
    resume: bool = False,
    rows: int = 23,
    **changes: Any,
) -> tuple[TrainingResult, dict[str, torch.Tensor]]:
    """Train a tiny model; return what came out and the trained weights."""
    model: Any = make_model()
    if method == "lora":
        model = attach_lora(model, r=4, lora_alpha=8, lora_dropout=dropout, seed=5)
    values: dict[str, Any] = {
        "batch_size": 1, "gradient_accumulation_steps": 2, "warmup_steps": 2, "max_steps": STEPS,
        "logging_steps": 1, "eval_steps": 20, "save_steps": 100, "keep_best": False,
    }  # fmt: skip
    result = run_training(
        model,
        make_tokenizer(),
        TrainingConfig(3e-3, **{**values, **changes}),
        train_dataset=rows_with_gaps(rows),
        eval_dataset=make_rows(9, seed=1),
        output_dir=folder,
        resume=resume,
    )
    return result, {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}


def equal(folder: Path, method: str) -> Any:
    """Train as one process would with twice the accumulation."""
    return train(folder, method=method)


def resumed(folder: Path) -> Any:
    """Train with dropout, forget what came after step 3, and go on from there."""
    settings = {"method": "lora", "dropout": 0.3, "max_steps": 6, "save_steps": 3}
    whole, weights = train(folder, **settings)
    if join_processes().is_first:
        shutil.rmtree(whole.checkpoint)
    join_processes().wait()
    again, others = train(folder, **settings, resume=True)
    assert again.steps == whole.steps
    assert all(torch.equal(others[name], weights[name]) for name in weights)
    return again, others


class AtStep:
    """Does something in the second process at a step of a run."""

    def __init__(self, step: int, work: Callable[[], None]) -> None:
        self.step = step
        self.work = work

    def __call__(self, folder: Path) -> Any:
        seen = 0
        processes = join_processes()
        add_up = processes.sum

        def sum_and_work(values: torch.Tensor) -> torch.Tensor:
            nonlocal seen
            seen += 1  # twice a step: its trained tokens before it, its sums after it
            if processes.rank == 1 and seen == 2 * self.step:
                self.work()
            return add_up(values)

        processes.sum = sum_and_work  # type: ignore[method-assign]
        return train(folder, method="lora")


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise TrainingError("the card of process 1 burns")


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def different(folder: Path) -> Any:
    """Train on other rows in the second process."""
    return train(folder, method="lora", rows=23 - join_processes().rank)


# Those that end well, one after the other, and those that do not.
JOBS: dict[str, Any] = {
    "lora": lambda folder: equal(folder, "lora"),
    "full": lambda folder: equal(folder, "full"),
    "resumed": resumed,
}
ENDS: dict[str, Any] = {
    "killed": AtStep(3, kill),
    "failing": AtStep(3, fail),
    "stopped": AtStep(4, stop),
    "different": different,
}


def main() -> int:
    torch.set_num_threads(1)
    base, *jobs = sys.argv[1:]
    for job in jobs:
        folder = Path(base) / job
        try:
            result, weights = {**JOBS, **ENDS}[job](folder)
        except MigakiError as err:
            sys.stdout.write(f"{type(err).__name__}: {err}\n")
            return err.exit_code
        if join_processes().is_first:
            save_file(weights, folder / "weights.safetensors")
            told = {"steps": result.steps, "train_loss": result.train_loss, "tokens": result.tokens}
            (folder / "result.json").write_text(json.dumps({**told, "eval_loss": result.eval_loss}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
