"""TRL's `SFTTrainer`: as it comes, and at its fastest.

As it comes, but for two defaults that would make it slower here: bf16 autocast and activation
checkpointing are off, as for all.
"""

from __future__ import annotations

from typing import Any

from job import MAX_TOKENS, Job, Stopwatch, answer, given_job, hf_settings

SETTINGS: dict[str, dict[str, Any]] = {
    "trl": {},
    "trl-best": {"train_sampling_strategy": "group_by_length"},
    "trl-padding-free": {"padding_free": True, "max_length": None},
}


def main(job: Job) -> None:
    import torch
    from datasets import Dataset
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    tokenizer = PreTrainedTokenizerFast.from_pretrained(job.model)
    base = AutoModelForCausalLM.from_pretrained(job.model, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, job.adapter, is_trainable=True)
    rows = [{key: row[key] for key in ("input_ids", "labels")} for row in job.read_rows()]
    settings = {
        **hf_settings(job),
        "activation_checkpointing": False,
        "gradient_checkpointing": False,
        "max_length": MAX_TOKENS,
        **SETTINGS[job.way],
    }
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**settings),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    watch = Stopwatch()
    with watch.running():
        trainer.train()
    model.save_pretrained(job.trained)
    answer(
        job,
        seconds=watch.seconds,
        steps=trainer.state.global_step,
        losses=[entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
        packages=("trl", "transformers", "peft", "accelerate", "datasets"),
    )


if __name__ == "__main__":
    main(given_job())
