"""`transformers.Trainer` alone, with the collator that pads labels."""

from __future__ import annotations

from job import Job, Stopwatch, answer, given_job, hf_settings


def main(job: Job) -> None:
    import torch
    from peft import PeftModel
    from transformers import (
        AutoModelForCausalLM,
        DataCollatorForSeq2Seq,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )

    tokenizer = PreTrainedTokenizerFast.from_pretrained(job.model)
    base = AutoModelForCausalLM.from_pretrained(job.model, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, job.adapter, is_trainable=True)
    grouped = job.way == "trainer-grouped"
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            **hf_settings(job),
            train_sampling_strategy="group_by_length" if grouped else "random",
        ),
        train_dataset=job.read_rows(),
        data_collator=DataCollatorForSeq2Seq(tokenizer),
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
        packages=("transformers", "peft", "accelerate"),
    )


if __name__ == "__main__":
    main(given_job())
