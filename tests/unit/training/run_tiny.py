"""A small training run in a process of its own, to be stopped from outside. Not a test itself.

    python -m training.run_tiny FOLDER [--resume] [--pause SECONDS] [--file-limit BYTES] [--save-steps N]

Prints "step N" after each step; ends with the exit status of the error, if there is one.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

from migaki.errors import MigakiError
from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training

from .conftest import make_model, make_rows, make_tokenizer


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Printer:
    def __init__(self, pause_s: float, file_limit: int | None) -> None:
        self.pause_s = pause_s
        self.file_limit = file_limit

    def on_start(self, total_steps: int) -> None:
        say("start")

    def on_step(self, step: int, total_steps: int, **_: Any) -> None:
        say(f"step {step}")
        time.sleep(self.pause_s)

    def on_evaluate(self, step: int, bits_per_character: float | None) -> None:
        pass

    def on_checkpoint(self, path: Path) -> None:
        say(f"checkpoint {path.name}")
        if self.file_limit is not None:  # from the second checkpoint on, files may not be so large
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_limit, hard))

    def on_end(self) -> None:
        say("end")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--file-limit", type=int, default=None)
    parser.add_argument("--save-steps", type=int, default=4)
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model: Any = make_model()
    if not given.full:
        model = attach_lora(model, r=4, lora_alpha=8, lora_dropout=0.3, seed=5)
    try:
        result = run_training(
            model,
            make_tokenizer(),
            TrainingConfig(
                3e-3, 4, 2, 3, warmup_steps=2, eval_steps=3, save_steps=given.save_steps,
                logging_steps=1,
            ),
            train_dataset=make_rows(37),
            eval_dataset=make_rows(9, seed=1),
            output_dir=given.folder,
            resume=given.resume,
            observer=Printer(given.pause, given.file_limit),
        )  # fmt: skip
    except MigakiError as err:
        say(f"{type(err).__name__}: {err}")
        return err.exit_code
    say(f"done {result.steps}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
