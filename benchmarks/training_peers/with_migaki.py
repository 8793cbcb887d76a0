"""migaki, as `migaki train` runs it: its loader, its adapters, its engine."""

from __future__ import annotations

import json
import math
from pathlib import Path

from job import (
    BATCH,
    LORA_ALPHA,
    LORA_RANK,
    RATE,
    SEED,
    WARM_UP_STEPS,
    Job,
    Stopwatch,
    answer,
    given_job,
)


class Rows:
    """Token ids as the engine takes them."""

    def __init__(self, rows: list[dict[str, list[int]]]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self.rows[index]


def main(job: Job) -> None:
    import torch

    from migaki.hardware import gpu
    from migaki.models import adapters, loading
    from migaki.training.config import LoRAConfig, TrainingConfig
    from migaki.training.engine import run_training
    from migaki.training.lora import attach_adapter

    exact = job.way == "migaki"
    device = torch.device("cpu")
    dtype, reason = (
        (torch.float32, "as its peers") if exact else gpu.choose_frozen_precision(device)
    )
    tokenizer = loading.load_tokenizer(job.model)
    base = loading.load_model(job.model, device=device, dtype=dtype).model
    lora = LoRAConfig(r=LORA_RANK, lora_alpha=LORA_ALPHA, lora_dropout=0.0)
    model = attach_adapter(base, lora, tokenizer=tokenizer, seed=SEED)
    rows = Rows([{k: row[k] for k in ("input_ids", "labels")} for row in job.read_rows()])
    steps = math.ceil(len(rows) / BATCH) * job.epochs
    config = TrainingConfig(
        learning_rate=RATE,
        lr_scheduler="cosine",
        warmup_steps=(WARM_UP_STEPS - 0.5) / steps,  # as a share it is not shortened; rounded up
        max_grad_norm=0.0,
        batch_size=BATCH,
        gradient_accumulation_steps=1,
        num_epochs=job.epochs,
        logging_steps=job.log_every,
        seed=SEED,
        fp16=not exact,
        output_dir=str(Path(job.out) / "run"),
    )
    watch = Stopwatch()
    with watch.running():
        result = run_training(model, tokenizer, config, train_dataset=rows)
    adapters.save_adapter(model, job.trained, base=job.model, tokenizer=tokenizer)
    metrics = Path(config.output_dir, "metrics.jsonl").read_text(encoding="utf-8")
    answer(
        job,
        seconds=watch.seconds,
        steps=result.steps,
        losses=[json.loads(line)["loss"] for line in metrics.splitlines()],
        packages=("migaki", "transformers", "peft", "accelerate"),
        notes={"weights": f"{str(dtype).removeprefix('torch.')}: {reason}", **result.choices},
    )


if __name__ == "__main__":
    main(given_job())
