"""Runs that really go wrong: each is seen, named by step and rows, and ended as the user chose."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from migaki.dataset.token_dataset import Origin, TokenDataset
from migaki.errors import LossDivergedError
from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training

from .conftest import Rows, make_model, make_rows, make_tokenizer
from .test_resume import read_metrics

Make = Callable[..., TrainingConfig]
POISON = 200
"""A token whose embedding is NaN: no other row holds it."""


def new_model(*, poisoned: bool = True) -> Any:
    model = make_model(tie_word_embeddings=False)
    if poisoned:
        with torch.no_grad():
            model.get_input_embeddings().weight[POISON] = math.nan
    return attach_lora(model, r=4, lora_alpha=8, lora_dropout=0.3, seed=5)


def poisoned_rows(*places: int, count: int = 24) -> Rows:
    rows = make_rows(count)
    for place in places:
        rows.rows[place]["input_ids"][0] = POISON
    return rows


def train(model: Any, config: TrainingConfig, rows: Any, **more: Any) -> Any:
    return run_training(model, make_tokenizer(), config, train_dataset=rows, **more)


def lines(config: TrainingConfig, split: str) -> list[dict[str, Any]]:
    text = (Path(config.output_dir) / "metrics.jsonl").read_text(encoding="utf-8")
    return [r for r in map(json.loads, text.splitlines()) if r["split"] == split]


def weights(model: Any) -> list[torch.Tensor]:
    return [p.detach().clone() for p in model.parameters() if p.requires_grad]


def with_origins(rows: Rows) -> TokenDataset:
    ids = [row["input_ids"] for row in rows.rows]
    return TokenDataset(
        np.concatenate([np.array(x, dtype=np.int32) for x in ids]),
        np.concatenate([np.array(r["labels"], dtype=np.int32) for r in rows.rows]),
        np.cumsum([0, *map(len, ids)]),
        characters=[len(x) for x in ids],
        trained_characters=rows.trained_characters,
        origins=[Origin(Path("会話.jsonl"), line) for line in range(1, len(ids) + 1)],
    )


def test_the_row_at_fault_is_named_by_file_and_line(config: Make) -> None:
    """Batches of 4, accumulated twice: of the 8 rows of the step, one is at fault."""
    settings = config(num_epochs=1, group_by_length=False)
    with pytest.raises(LossDivergedError) as caught:
        train(new_model(), settings, with_origins(poisoned_rows(13)))

    assert caught.value.rows == (13,)
    assert "会話.jsonl:14" in caught.value.message
    assert "1 of them alone does it; the other 3 rows do not" in caught.value.message
    assert "on_divergence=skip" in str(caught.value.hint)


def test_ruined_weights_are_told_from_a_ruined_row(config: Make) -> None:
    model = make_model()
    with torch.no_grad():
        model.model.norm.weight[0] = math.nan
    with pytest.raises(LossDivergedError, match="so the weights are the cause") as caught:
        train(model, config(num_epochs=1, group_by_length=False), make_rows(24))
    assert caught.value.step == 1
    assert len(caught.value.rows) == 8


def test_skip_leaves_weights_and_moments_alone(config: Make) -> None:
    """The second of two steps is poisoned: what is left are the weights after the first."""
    settings = config(
        num_epochs=1, max_steps=2, batch_size=8, gradient_accumulation_steps=1, save_steps=1,
        group_by_length=False, lr_scheduler="constant", on_divergence="skip",
    )  # fmt: skip
    probe = config(num_epochs=1, max_steps=2, output_dir=settings.output_dir + "-order",
                   batch_size=8, gradient_accumulation_steps=1, group_by_length=False,
                   on_divergence="skip")  # fmt: skip
    train(new_model(), probe, poisoned_rows(*range(16), count=16))
    second = [int(place.split()[1]) for place in lines(probe, "event")[1]["rows"]]

    model = new_model()
    result = train(model, settings, poisoned_rows(second[3], count=16))

    store = Path(settings.output_dir) / "checkpoints"
    moments = [
        torch.load(store / f"checkpoint-{step}" / "optimizer.pt", weights_only=True)["state"]
        for step in (1, 2)
    ]
    assert str(moments[0]) == str(moments[1])
    saved = [(store / f"checkpoint-{s}" / "adapter_model.safetensors").read_bytes() for s in (1, 2)]
    assert saved[0] == saved[1]
    assert result.skipped_steps == 1
    assert [e["event"] for e in lines(settings, "event")] == ["skipped"]
    assert "loss" not in lines(settings, "train")[1]
    assert lines(settings, "train")[1]["skipped_steps"] == 1


def test_too_many_skipped_steps_stop(config: Make) -> None:
    settings = config(on_divergence="skip", max_skipped_steps=2)
    with pytest.raises(LossDivergedError, match="2 steps before it were skipped") as caught:
        train(new_model(), settings, poisoned_rows(*range(24)))
    assert caught.value.step == 3


def _rolling(config: Make, folder: Path, **changes: Any) -> TrainingConfig:
    values = {"num_epochs": 2, "save_steps": 2, "save_total_limit": 20, "eval_steps": 2, **changes}
    return config(on_divergence="rollback", output_dir=str(folder), **values)


def test_a_rollback_goes_back_halves_the_rate_and_leaves_out_the_step(
    config: Make, tmp_path: Path
) -> None:
    settings = _rolling(config, tmp_path / "run", lr_scheduler="constant")
    model = new_model()
    result = train(model, settings, poisoned_rows(13), eval_dataset=make_rows(9, seed=1))

    events = lines(settings, "event")
    back = [e for e in events if e["event"] == "rolled back"]
    assert result.rollbacks == len(back) == 2  # the row comes once an epoch
    assert result.skipped_steps == 2
    assert all("row 13" in e["problem"] for e in back)
    assert [e["learning_rate"] for e in back] == [1.5e-3, 7.5e-4]
    rates = {r["step"]: r["learning_rate"] for r in lines(settings, "train")}
    assert rates[back[0]["step"] + 1] == 1.5e-3
    assert rates[6] == 7.5e-4
    assert all(torch.isfinite(w).all() for w in weights(model))
    assert [r["step"] for r in lines(settings, "train")] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("step", [pytest.param(0, marks=pytest.mark.slow), 3])
def test_a_run_with_rollbacks_resumed_anywhere_equals_itself(
    step: int, config: Make, tmp_path: Path
) -> None:
    rows, held_out = poisoned_rows(13), make_rows(9, seed=1)
    whole_settings = _rolling(config, tmp_path / "whole", save_steps=1)
    whole = new_model()
    train(whole, whole_settings, rows, eval_dataset=held_out)

    folder = tmp_path / "resumed"
    (folder / "checkpoints").mkdir(parents=True)
    shutil.copy(tmp_path / "whole" / "metrics.jsonl", folder / "metrics.jsonl")
    name = f"checkpoint-{step}"
    shutil.copytree(tmp_path / "whole" / "checkpoints" / name, folder / "checkpoints" / name)
    resumed = new_model()
    torch.manual_seed(999)
    train(resumed, _rolling(config, folder, save_steps=1), rows, eval_dataset=held_out, resume=True)

    assert read_metrics(folder) == read_metrics(tmp_path / "whole")
    assert all(map(torch.equal, weights(whole), weights(resumed)))


def test_too_many_rollbacks_stop(config: Make, tmp_path: Path) -> None:
    settings = _rolling(config, tmp_path / "run", max_rollbacks=1)
    with pytest.raises(LossDivergedError, match="after 1 of at most 1 rollbacks"):
        train(new_model(), settings, poisoned_rows(13))


@pytest.mark.parametrize("method", [pytest.param("lora", marks=pytest.mark.slow), "full"])
def test_a_rate_of_1000_is_rolled_back_and_never_ends_in_ruins(
    method: str, config: Make, tmp_path: Path
) -> None:
    settings = _rolling(config, tmp_path / "run", learning_rate=1e3, max_rollbacks=2)
    model = new_model(poisoned=False) if method == "lora" else make_model()
    with pytest.raises(LossDivergedError, match="after 2 of at most 2 rollbacks") as caught:
        train(model, settings, make_rows(24))
    assert "learning_rate=250" in caught.value.message
    assert [e["event"] for e in lines(settings, "event")].count("rolled back") == 2


def test_a_step_without_trained_tokens_changes_nothing(config: Make) -> None:
    """Not even by the momentum of the steps before it."""
    rows = make_rows(8)
    for row in rows.rows[:4]:
        row["labels"] = [-100] * len(row["labels"])
    settings = config(
        batch_size=1, gradient_accumulation_steps=1, num_epochs=1, save_steps=1, save_total_limit=9
    )
    result = train(new_model(), settings, rows)

    skipped = [e["step"] for e in lines(settings, "event")]
    assert len(skipped) == result.skipped_steps == 4
    store = Path(settings.output_dir) / "checkpoints"
    for step in skipped:
        if step > 1:
            one, other = (
                (store / f"checkpoint-{s}" / "adapter_model.safetensors").read_bytes()
                for s in (step - 1, step)
            )
            assert one == other


def test_gradients_that_stay_zero_stop(config: Make) -> None:
    """LoRA of which both matrices are zero cannot leave zero."""
    model = new_model(poisoned=False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                parameter.zero_()
    settings = config(num_epochs=4)
    with pytest.raises(LossDivergedError, match="nothing is learnt, 5 steps in a row") as caught:
        train(model, settings, make_rows(24))
    assert caught.value.step == 5
    assert [e["event"] for e in lines(settings, "event")] == ["zero gradients"]


@pytest.mark.parametrize("policy", ["report", pytest.param("skip", marks=pytest.mark.slow)])
def test_a_spike_is_said_with_its_rows(policy: str, config: Make) -> None:
    """A model that knows its rows meets a batch of noise."""
    model = make_model()
    rows = make_rows(168, shortest=20, longest=20)
    shared = {"num_epochs": 1, "batch_size": 8, "gradient_accumulation_steps": 1}
    before = config(**shared, learning_rate=1e-2, output_dir=config().output_dir + "-before")
    train(model, before, rows)
    settings = config(**shared, learning_rate=1e-5, group_by_length=False, on_spike=policy)
    last = np.random.default_rng([settings.seed, 0]).permutation(168)[-8:]
    for row in last:
        noise = [(37 * int(row) + 101 * i * i) % 256 for i in range(20)]
        rows.rows[row] = {"input_ids": noise, "labels": noise}

    result = train(model, settings, rows)

    (event,) = lines(settings, "event")
    assert event["event"] == ("spike" if policy == "report" else "skipped")
    assert event["step"] == 21
    assert sorted(event["rows"]) == sorted(f"row {row}" for row in last)
    assert result.skipped_steps == (policy == "skip")


def test_an_evaluation_that_never_improves_is_said_once(config: Make) -> None:
    settings = config(learning_rate=1e-9, eval_steps=1, num_epochs=2, early_stopping_min_delta=0.01)
    train(make_model(), settings, make_rows(24), eval_dataset=make_rows(6, seed=1))

    events = lines(settings, "event")
    assert [(e["event"], e["step"]) for e in events] == [("no improvement", 4)]
    assert "has not improved in 3 evaluations" in events[0]["problem"]


def test_figures_of_throughput_are_logged(config: Make) -> None:
    rows = make_rows(24)
    settings = config(num_epochs=1, group_by_length=False, logging_steps=3)
    result = train(make_model(), settings, rows)

    (line,) = lines(settings, "train")
    tokens = sum(len(row["input_ids"]) for row in rows.rows)
    trained = sum(sum(x != -100 for x in row["labels"][1:]) for row in rows.rows)
    assert line["trained_tokens_per_s"] / line["tokens_per_s"] == pytest.approx(trained / tokens)
    assert 0 < line["padding_share"] < 1
    assert line["padding_share"] == result.padding_share
    assert 0 < line["mfu"] < 1
    assert line["memory_gib"] > 0
    assert line["eta_s"] == 0
    assert "MFLOP x tokens" in result.choices["MFU"]
