"""axolotl, as `axolotl train config.yml` runs it, on rows that are token ids already.

Its settings are a user's who cares for speed: rows grouped by length, its fused LoRA for attention. Its
fused feed-forward part and sample packing need a GPU. The adapters to start from are `lora_model_dir`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from job import (
    BATCH,
    LORA_ALPHA,
    LORA_RANK,
    LORA_TARGETS,
    MAX_TOKENS,
    RATE,
    SEED,
    WARM_UP_STEPS,
    Job,
    Stopwatch,
    answer,
    given_job,
)


def main(job: Job) -> None:
    os.environ["AXOLOTL_DO_NOT_TRACK"] = "1"
    import axolotl.train
    from axolotl.cli.args import TrainerCliArgs
    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets

    path = Path(job.out) / "config.yml"
    path.write_text(json.dumps(settings(job)), encoding="utf-8")  # JSON is YAML
    watch = Stopwatch()
    execute = axolotl.train.execute_training

    def timed(*given: Any) -> None:
        with watch.running():
            execute(*given)

    axolotl.train.execute_training = timed
    cfg = load_cfg(str(path))
    meta = load_datasets(cfg=cfg, cli_args=TrainerCliArgs())
    _, _, trainer = axolotl.train.train(cfg=cfg, dataset_meta=meta)
    answer(
        job,
        seconds=watch.seconds,
        steps=trainer.state.global_step,
        losses=[entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
        packages=("axolotl", "transformers", "peft", "accelerate", "datasets"),
    )


def settings(job: Job) -> dict[str, Any]:
    """Return the configuration file."""
    return {
        "base_model": job.model,
        "tokenizer_type": "PreTrainedTokenizerFast",
        "datasets": [{"path": job.rows, "ds_type": "json"}],
        "dataset_prepared_path": str(Path(job.out) / "prepared"),
        "output_dir": str(job.trained),
        "adapter": "lora",
        "lora_model_dir": job.adapter,
        "lora_r": LORA_RANK,
        "lora_alpha": LORA_ALPHA,
        "lora_dropout": 0.0,
        "lora_target_modules": list(LORA_TARGETS),
        "sequence_len": MAX_TOKENS,
        "sample_packing": False,
        "pad_to_sequence_len": False,
        "group_by_length": True,
        "train_on_inputs": True,
        "micro_batch_size": BATCH,
        "gradient_accumulation_steps": 1,
        "num_epochs": job.epochs,
        "optimizer": "adamw_torch_fused",
        "learning_rate": RATE,
        "lr_scheduler": "cosine",
        "warmup_steps": WARM_UP_STEPS,
        "weight_decay": 0.0,
        "max_grad_norm": 0.0,
        "bf16": False,
        "fp16": False,
        "tf32": False,
        "gradient_checkpointing": False,
        "attn_implementation": "sdpa",
        "lora_qkv_kernel": True,
        "lora_o_kernel": True,
        "lora_mlp_kernel": False,
        "logging_steps": job.log_every,
        "save_strategy": "no",
        "val_set_size": 0,
        "seed": SEED,
        "special_tokens": {"pad_token": "<|endoftext|>"},
    }


if __name__ == "__main__":
    main(given_job())
