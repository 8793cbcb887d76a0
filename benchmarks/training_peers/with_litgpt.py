"""litgpt, through its own command line; `litgpt_weights.py` made the checkpoint it starts from.

`--train.max_steps` ends it after the last batch of the last epoch: without it litgpt goes on to
generate an example. Before the first step it always validates two batches; it gets one short row.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import torch
from job import (
    BATCH,
    LORA_ALPHA,
    LORA_RANK,
    MAX_TOKENS,
    RATE,
    SEED,
    WARM_UP_STEPS,
    Job,
    Stopwatch,
    answer,
    given_job,
)
from litgpt.data import DataModule
from litgpt.data.base import get_sft_collate_fn
from litgpt.prompts import Default
from torch.utils.data import DataLoader


class GivenRows(DataModule):
    """Rows that are token ids already."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.prompt_style = Default()

    def connect(
        self, tokenizer: Any = None, batch_size: int = 1, max_seq_length: int | None = None
    ) -> None:
        """Take what litgpt decided."""
        self.batch_size = batch_size
        self.collate = get_sft_collate_fn(max_seq_length=max_seq_length or -1, pad_id=0)

    def setup(self, stage: str = "") -> None:
        """Read the rows."""
        lines = Path(self.path).read_text(encoding="utf-8").splitlines()
        self.rows = [self._item(json.loads(line)) for line in lines]

    def train_dataloader(self) -> DataLoader[Any]:
        """Shuffle all rows, as litgpt's own data modules do."""
        order = torch.Generator().manual_seed(SEED)
        return DataLoader(
            self.rows, self.batch_size, shuffle=True, generator=order, collate_fn=self.collate
        )

    def val_dataloader(self) -> DataLoader[Any]:
        """Give the validation that cannot be switched off as little as can be."""
        return DataLoader([min(self.rows, key=_length)], 1, collate_fn=self.collate)

    @staticmethod
    def _item(row: dict[str, list[int]]) -> dict[str, Any]:
        count = len(row["input_ids"])
        return {
            "input_ids": torch.tensor(row["input_ids"]),
            "labels": torch.tensor(row["labels"]),
            "token_counts": {"raw": count, "raw_plus_prompt_template": count},
        }


def _length(item: dict[str, Any]) -> int:
    return len(item["input_ids"])


def main(job: Job) -> None:
    import litgpt.__main__
    import litgpt.finetune.lora

    watch = Stopwatch()
    fit = litgpt.finetune.lora.fit

    def timed_fit(**given: Any) -> Any:
        with watch.running():
            return fit(**given)

    litgpt.finetune.lora.fit = timed_fit
    count = len(Path(job.rows).read_text(encoding="utf-8").splitlines())
    steps = math.ceil(count / BATCH) * job.epochs
    sys.argv = ["litgpt", "finetune_lora", *_options(job, steps)]
    litgpt.__main__.main()
    answer(
        job,
        seconds=watch.seconds,
        steps=steps,
        losses=_losses(Path(job.out)),
        packages=("litgpt", "lightning"),
    )


def _options(job: Job, steps: int) -> list[str]:
    adapted = ("query", "key", "value", "projection", "mlp")
    optimizer = {
        "class_path": "torch.optim.AdamW",
        "init_args": {"lr": RATE, "weight_decay": 0.0},
    }
    options = {
        "out_dir": job.out,
        "precision": "32-true",
        "lora_r": LORA_RANK,
        "lora_alpha": LORA_ALPHA,
        "lora_dropout": 0.0,
        **{f"lora_{name}": "true" for name in adapted},
        "data": "with_litgpt.GivenRows",
        "data.path": job.rows,
        "train.global_batch_size": BATCH,
        "train.micro_batch_size": BATCH,
        "train.max_seq_length": MAX_TOKENS,
        "train.epochs": job.epochs,
        "train.max_steps": steps,
        "train.lr_warmup_steps": WARM_UP_STEPS,
        "train.log_interval": job.log_every,
        "train.save_interval": steps + 1,
        "eval.interval": steps + 1,
        "eval.max_new_tokens": 1,
        "eval.final_validation": "false",
        "optimizer": json.dumps(optimizer),
        "seed": SEED,
    }
    checkpoint = str(Path(job.model) / "litgpt")
    return [checkpoint, *(f"--{name}={value}" for name, value in options.items())]


def _losses(out: Path) -> list[float]:
    path = next(out.rglob("metrics.csv"), None)
    if path is None:  # fewer steps than lie between two lines of the log
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]


if __name__ == "__main__":
    main(given_job())
