"""What the engine guarantees beyond the Trainer: token-exact steps, evaluation, best weights."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from migaki.errors import (
    LossDivergedError,
    MissingExtraError,
    ResourceError,
    TrainingError,
)
from migaki.models.adapters import attach_lora
from migaki.training import memory_need
from migaki.training import settings as settings_module
from migaki.training.config import TrainingConfig
from migaki.training.divergence import DivergenceWatch
from migaki.training.engine import TrainingResult, run_training

from .conftest import Rows, make_model, make_rows, make_tokenizer

Make = Callable[..., TrainingConfig]


def train(
    model: Any,
    config: TrainingConfig,
    rows: Rows | None = None,
    held_out: Rows | None = None,
    **more: Any,
) -> TrainingResult:
    return run_training(
        model,
        make_tokenizer(),
        config,
        train_dataset=rows or make_rows(24),
        eval_dataset=held_out,
        **more,
    )


def metrics(config: TrainingConfig, split: str) -> list[dict[str, Any]]:
    lines = (Path(config.output_dir) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, lines) if record["split"] == split]


def load_weights(model: Any, checkpoint: Path) -> None:
    if hasattr(model, "peft_config"):
        model.load_adapter(checkpoint, "default", is_trainable=True)
    else:
        model.load_state_dict(load_file(checkpoint / "model.safetensors"), strict=False)


def nll_and_tokens(model: torch.nn.Module, rows: Rows) -> tuple[float, int]:
    """The plain way, row by row."""
    nll, tokens = 0.0, 0
    model.eval()
    with torch.no_grad():
        for row in rows.rows:
            ids, labels = torch.tensor([row["input_ids"]]), torch.tensor(row["labels"])
            logits = model(input_ids=ids).logits[0, :-1]
            nll += functional.cross_entropy(logits, labels[1:], reduction="sum").item()
            tokens += int((labels[1:] != -100).sum())
    return nll, tokens


def unequal_rows() -> Rows:
    """Eight rows with 1 to 39 trained tokens."""
    rows = []
    for length, trained in [(40, 39), (40, 1), (8, 7), (30, 2), (5, 1), (33, 30), (12, 3), (6, 5)]:
        ids = [65 + i % 10 for i in range(length)]
        rows.append({"input_ids": ids, "labels": [-100] * (length - trained) + ids[-trained:]})
    return Rows(rows)


@pytest.mark.parametrize(("batch", "accumulation"), [(1, 8), (2, 4), (4, 2)])
def test_accumulation_equals_one_batch(batch: int, accumulation: int, config: Make) -> None:
    once, often = make_model(), make_model()
    shared = {"num_epochs": 1, "learning_rate": 1e-2}
    rows = unequal_rows()
    train(once, config(**shared, batch_size=8, gradient_accumulation_steps=1), rows)
    first = metrics(config(), "train")[-1]

    train(often, config(**shared, batch_size=batch, gradient_accumulation_steps=accumulation), rows)
    second = metrics(config(), "train")[-1]

    assert first["loss"] == pytest.approx(second["loss"], rel=1e-6)
    assert first["grad_norm"] == pytest.approx(second["grad_norm"], rel=1e-5)
    for (name, one), other in zip(once.named_parameters(), often.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=5e-5, msg=name)


def test_first_loss_is_the_mean_over_trained_tokens(config: Make) -> None:
    rows = unequal_rows()
    nll, tokens = nll_and_tokens(make_model(), rows)

    settings = config(num_epochs=1, batch_size=3, gradient_accumulation_steps=3)
    train(make_model(), settings, rows)

    assert metrics(settings, "train")[0]["loss"] == pytest.approx(nll / tokens, rel=1e-6)


def test_grouping_by_length_changes_order_not_rows(config: Make) -> None:
    """With a rate of almost nothing the whole epoch's loss is that of the base model."""
    losses = []
    for grouped in (True, False):
        settings = config(
            num_epochs=1, learning_rate=1e-12, logging_steps=1000, group_by_length=grouped,
            output_dir=str(Path(config().output_dir) / str(grouped)),
        )  # fmt: skip
        losses.append(train(make_model(), settings).train_loss)

    nll, tokens = nll_and_tokens(make_model(), make_rows(24))
    assert losses == pytest.approx([nll / tokens] * 2, rel=1e-6)


def test_evaluation_is_exact_and_counts_characters(config: Make) -> None:
    held_out = make_rows(7, seed=4)
    model = make_model()
    settings = config(learning_rate=1e-12, num_epochs=1, eval_batch_size=3)

    result = train(model, settings, held_out=held_out)

    nll, tokens = nll_and_tokens(model, held_out)
    record = metrics(settings, "eval")[-1]
    assert record["loss"] == pytest.approx(nll / tokens, rel=1e-6)
    assert record["tokens"] == tokens
    assert record["bits_per_character"] == pytest.approx(
        nll / math.log(2) / sum(held_out.trained_characters), rel=1e-6
    )
    assert result.eval_loss == record["loss"]


def test_best_weights_are_kept_and_come_back(config: Make) -> None:
    """A model that learns the rows by heart gets worse on random ones after its best step."""
    rows, held_out = make_rows(8, seed=2), make_rows(8, seed=3)
    for row in held_out.rows:  # half of it can be learnt, half of it contradicts
        row["input_ids"] = [(t + 3) if i > 8 else t for i, t in enumerate(row["input_ids"])]
        row["labels"] = list(row["input_ids"])
    settings = config(
        learning_rate=3e-2, num_epochs=30, batch_size=8, gradient_accumulation_steps=1, eval_steps=2,
        save_total_limit=1,
    )  # fmt: skip
    model = attach_lora(make_model(), r=4, lora_alpha=8, lora_dropout=0.0, seed=1)

    result = train(model, settings, rows, held_out)

    losses = {record["step"]: record["loss"] for record in metrics(settings, "eval")}
    best = min(losses, key=lambda step: losses[step])
    assert best < result.steps
    assert (result.best_step, result.eval_loss) == (best, losses[best])
    nll, tokens = nll_and_tokens(model, held_out)
    assert nll / tokens == pytest.approx(losses[best], rel=1e-5)
    store = Path(settings.output_dir) / "checkpoints"
    assert {path.name for path in store.iterdir()} == {
        f"checkpoint-{best}", f"checkpoint-{result.steps}"
    }  # fmt: skip


def test_without_keep_best_the_last_weights_stay(config: Make) -> None:
    settings = config(keep_best=False)
    model = make_model()
    result = train(model, settings, held_out=make_rows(8, seed=3))

    assert result.best_step is None
    nll, tokens = nll_and_tokens(model, make_rows(8, seed=3))
    assert nll / tokens == pytest.approx(metrics(settings, "eval")[-1]["loss"], rel=1e-5)


def test_early_stopping_counts_evaluations_without_improvement(config: Make) -> None:
    settings = config(
        num_epochs=50, eval_steps=1, early_stopping_patience=3, early_stopping_min_delta=100.0
    )
    result = train(make_model(), settings, held_out=make_rows(6, seed=3))

    assert (result.steps, result.stopped_early) == (4, True)  # the first sets the mark


def test_max_steps_wins_over_epochs(config: Make) -> None:
    result = train(make_model(), config(max_steps=4))

    assert (result.steps, result.total_steps) == (4, 4)


class _Seen:
    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def on_start(self, total_steps: int) -> None:
        self.events.append(("start", total_steps))

    def on_step(self, step: int, total_steps: int, **values: Any) -> None:
        assert set(values) == {"loss", "learning_rate", "speed", "eta_s"}
        self.events.append(("step", step))

    def on_evaluate(self, step: int, bits_per_character: float | None) -> None:
        self.events.append(("evaluate", step))

    def on_checkpoint(self, path: Path) -> None:
        assert (path / "trainer_state.json").is_file()
        self.events.append(("checkpoint", path.name))

    def on_end(self) -> None:
        self.events.append(("end", None))


def test_observer_sees_everything_and_stdout_nothing(
    config: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = _Seen()
    train(make_model(), config(num_epochs=1), held_out=make_rows(4), observer=seen)

    assert seen.events == [
        ("start", 3), ("step", 1), ("step", 2), ("step", 3), ("evaluate", 3),
        ("checkpoint", "checkpoint-3"), ("end", None),
    ]  # fmt: skip
    assert capsys.readouterr().out == ""


def test_tokens_are_counted_without_padding(config: Make) -> None:
    rows = make_rows(24)
    settings = config(num_epochs=1, group_by_length=False)
    result = train(make_model(), settings, rows)

    assert result.tokens == sum(len(row["input_ids"]) for row in rows.rows)
    assert result.tokens_per_s == pytest.approx(result.tokens / result.seconds)
    assert all(record["tokens_per_s"] > 0 for record in metrics(settings, "train"))


def test_padded_rows_cost_nothing(config: Make) -> None:
    """Rows padded to a maximum train to the same weights as rows without padding."""
    rows = make_rows(24)
    padded = [
        {
            "input_ids": row["input_ids"] + [256] * (100 - len(row["input_ids"])),
            "labels": row["labels"] + [-100] * (100 - len(row["labels"])),
            "attention_mask": [1] * len(row["labels"]) + [0] * (100 - len(row["labels"])),
        }
        for row in rows.rows
    ]
    one, other = make_model(), make_model()
    first = train(one, config(), rows)
    second = train(other, config(output_dir=config().output_dir + "2"), Rows(padded))

    assert first.train_loss == second.train_loss
    assert first.tokens == second.tokens
    assert all(map(torch.equal, one.parameters(), other.parameters()))


def test_a_batch_without_trained_tokens_is_harmless(config: Make) -> None:
    rows = make_rows(8)
    for row in rows.rows[:4]:
        row["labels"] = [-100] * len(row["labels"])
    settings = config(batch_size=1, gradient_accumulation_steps=1, num_epochs=1)

    result = train(make_model(), settings, rows)

    assert result.steps == 8
    losses = [record["loss"] for record in metrics(settings, "train") if "loss" in record]
    assert len(losses) == 4
    assert all(map(math.isfinite, losses))


def test_rows_without_anything_to_train_are_refused(config: Make) -> None:
    rows = make_rows(3)
    for row in rows.rows:
        row["labels"] = [row["input_ids"][0]] + [-100] * (len(row["labels"]) - 1)

    with pytest.raises(TrainingError, match="None of the 3 training rows has a token to train"):
        train(make_model(), config(), rows)
    with pytest.raises(TrainingError, match="no training rows"):
        run_training(make_model(), make_tokenizer(), config(), train_dataset=Rows([]))


def test_a_frozen_model_is_refused(config: Make) -> None:
    with pytest.raises(TrainingError, match="No weight of Qwen2ForCausalLM is to be trained"):
        train(make_model().requires_grad_(False), config())


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_rate_of_1000_stops_and_keeps_the_last_good_checkpoint(method: str, config: Make) -> None:
    """Every step saves; no saved checkpoint may hold ruined weights."""
    model: Any = make_model()
    if method == "lora":
        model = attach_lora(model, r=4, lora_alpha=8, lora_dropout=0.0, seed=1)
    settings = config(learning_rate=1e3, save_steps=1, num_epochs=20, lr_scheduler="constant")

    with pytest.raises(LossDivergedError) as caught:
        train(model, settings)

    assert "learning_rate=1000" in str(caught.value)
    assert "training.learning_rate=100" in str(caught.value)
    assert caught.value.step <= 3
    store = Path(settings.output_dir) / "checkpoints"
    kept = sorted(store.iterdir())
    if not kept:
        assert "No checkpoint had been written yet; the base model is untouched" in str(
            caught.value
        )
    for checkpoint in kept:  # a run could go on from each
        load_weights(model, checkpoint)
        nll, tokens = nll_and_tokens(model, make_rows(24))
        assert math.isfinite(nll / tokens)


def test_watch_knows_a_finite_loss_that_is_worse_than_guessing() -> None:
    watch = DivergenceWatch(vocabulary=8000)  # guessing costs 8.99 nats a token
    assert watch.problem(3.0 * 100, 100, 1.0) is None
    answers = [watch.problem(12.0 * 100, 100, 1.0) for _ in range(5)]

    assert answers[:4] == [None] * 4
    assert answers[4] is not None
    assert "far worse than guessing every token (8.99); it began at 3.000" in answers[4]


def test_watch_is_patient_with_few_tokens_and_single_steps() -> None:
    watch = DivergenceWatch(vocabulary=8000)
    assert all(watch.problem(30.0, 1, 1.0) is None for _ in range(20))
    assert all(
        watch.problem(loss * 100, 100, 1.0) is None
        for loss in [3.0, *[14.0, 14.0, 14.0, 14.0, 3.0] * 3]
    )
    assert watch.problem(math.nan, 1, 1.0) == "the loss is nan"
    assert "gradients is inf" in (watch.problem(300.0, 100, math.inf) or "")


class _Poison:
    """Rows of which one, late in the run, makes the embedding overflow."""

    def __init__(self, model: torch.nn.Module, rows: Rows, at_row: int) -> None:
        self.model, self.rows, self.at_row, self.reads = model, rows, at_row, 0
        self.lengths = [len(row["input_ids"]) for row in rows.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        self.reads += 1
        if self.reads == self.at_row:
            with torch.no_grad():
                self.model.get_input_embeddings().weight[65:76] = float("inf")
        return self.rows[index]


def test_a_nan_loss_stops_before_it_is_saved(config: Make) -> None:
    model = make_model()
    rows = _Poison(model, make_rows(24), at_row=60)
    settings = config(batch_size=4, gradient_accumulation_steps=1, num_epochs=4, save_steps=4)

    with pytest.raises(LossDivergedError, match="the loss is nan") as caught:
        run_training(model, make_tokenizer(), settings, train_dataset=rows)  # type: ignore[arg-type]

    assert caught.value.checkpoint is not None
    assert caught.value.checkpoint.name == "checkpoint-12"
    assert str(caught.value.checkpoint) in str(caught.value)
    store = Path(settings.output_dir) / "checkpoints"
    assert sorted(path.name for path in store.iterdir()) == ["checkpoint-12", "checkpoint-8"]


def test_checkpoints_hold_no_pickled_objects(config: Make) -> None:
    settings = config(num_epochs=1)
    train(make_model(), settings)

    checkpoint = Path(settings.output_dir) / "checkpoints" / "checkpoint-3"
    assert {path.name for path in checkpoint.iterdir()} >= {
        "model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth",
        "trainer_state.json", "migaki_state.json", "tokenizer.json",
    }  # fmt: skip
    assert not (checkpoint / "training_args.bin").exists()
    for name in ("optimizer.pt", "scheduler.pt"):
        torch.load(checkpoint / name, weights_only=True)


def test_too_small_a_disk_is_said_before_training(
    config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("migaki.training.checkpoints.shutil.disk_usage", lambda _: usage)

    with pytest.raises(ResourceError, match=r"2 checkpoints of about .* MiB need .* are free"):
        train(make_model(), config())


def test_the_model_is_left_as_it_was(config: Make) -> None:
    model = make_model()
    model.config.use_cache = True
    train(model, config(num_epochs=1, gradient_checkpointing="always"))

    assert model.config.use_cache is True
    assert not model.training
    assert not any(getattr(m, "gradient_checkpointing", False) for m in model.modules())


def test_trained_weights_in_16_bits_become_float32(config: Make) -> None:
    model = make_model().to(torch.bfloat16)
    result = train(model, config(num_epochs=1))

    assert model.lm_head.weight.dtype == torch.float32
    assert "small updates" in result.choices["trained weights"]


def test_tensorboard_gets_the_metrics(config: Make) -> None:
    settings = config(num_epochs=1, report_to=["tensorboard"])
    train(make_model(), settings, held_out=make_rows(4))

    events = list((Path(settings.output_dir) / "tensorboard").glob("events.*"))
    assert events
    assert b"eval/bits_per_character" in events[0].read_bytes()


def test_a_missing_tracker_is_said_before_training(
    config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "find_spec", lambda _: None)

    with pytest.raises(MissingExtraError, match=r"migaki\[tracking\]"):
        train(make_model(), config(report_to=["wandb"]))


class TestChoices:
    """What is decided, and said."""

    def test_activations_are_kept_where_they_fit(self, config: Make) -> None:
        result = train(make_model(), config(num_epochs=1))

        assert result.choices["activation checkpointing"].startswith("off: a step takes about")

    def test_activations_are_recomputed_where_memory_is_short(
        self, config: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            memory_need, "available_memory_gib", lambda _: (1e-4, "a small machine")
        )
        result = train(make_model(), config(num_epochs=1))

        assert result.choices["activation checkpointing"].startswith("on: a step would take")

    @pytest.mark.parametrize(("asked", "answer"), [(False, "off"), ("always", "on")])
    def test_a_clear_wish_is_followed(self, asked: Any, answer: str, config: Make) -> None:
        result = train(make_model(), config(num_epochs=1, gradient_checkpointing=asked))

        assert result.choices["activation checkpointing"].startswith(answer)

    def test_recomputing_changes_no_number(self, config: Make) -> None:
        losses = [
            train(
                make_model(),
                config(gradient_checkpointing=asked, output_dir=f"{config().output_dir}-{asked}"),
            ).train_loss
            for asked in (False, "always")
        ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-6)

    def test_a_long_warmup_is_shortened_and_said(self, config: Make) -> None:
        result = train(make_model(), config(warmup_steps=100))

        assert result.choices["warm-up"].startswith(
            "1 steps: warmup_steps=100 is more than a tenth"
        )
