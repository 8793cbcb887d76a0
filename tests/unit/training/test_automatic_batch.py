"""The batch size is chosen by memory: estimated, tried, and nothing of a run but the batches depends on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from migaki.errors import ResourceError
from migaki.training.automatic_batch import choose_batch_size, sizes, sizes_that_fit
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training
from migaki.training.memory_need import largest_batch, need_of_model

from .conftest import make_model, make_rows, make_tokenizer

Make = Callable[..., TrainingConfig]
ROWS = make_rows(32, shortest=20)


def _model(*, most: int | None = None) -> Any:
    """Return a model in which memory runs out where more padded tokens are trained than some."""
    model = make_model()

    def run_out(module: Any, args: Any, kwargs: Any) -> None:
        rows, length = (args[0] if args else kwargs["hidden_states"]).shape[:2]
        if most is not None and rows * length > most:
            raise torch.OutOfMemoryError("memory ran out, here")

    model.model.layers[1].register_forward_pre_hook(run_out, with_kwargs=True)
    return model


def _losses(config: TrainingConfig) -> list[float]:
    lines = Path(config.output_dir, "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [line["loss"] for line in map(json.loads, lines) if line["split"] == "train"]


def test_all_rows_of_a_step_go_at_once_where_they_fit(config: Make) -> None:
    chosen, choices = choose_batch_size(
        config(auto_batch_size=True), _model(), make_tokenizer(), ROWS
    )
    assert (chosen.batch_size, chosen.gradient_accumulation_steps) == (8, 1)
    assert chosen.eval_batch_size == 4
    assert choices["batch size"].startswith("8 rows × 1 = 8 a step: about")
    assert choices["activation checkpointing"].startswith("off")


@pytest.mark.parametrize("asked", [False, "always"])
def test_the_trial_leaves_nothing_behind(config: Make, asked: Any) -> None:
    model = _model().eval()
    model.model.layers[0].train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random, hooks = torch.get_rng_state(), len(model.model.embed_tokens._forward_hooks)

    choose_batch_size(
        config(auto_batch_size=True, gradient_checkpointing=asked), model, make_tokenizer(), ROWS
    )

    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert model.model.layers[0].training
    assert not model.training
    assert len(model.model.embed_tokens._forward_hooks) == hooks
    assert not model.is_activation_checkpointing
    assert "forward" not in vars(model.model.layers[0].mlp)


def test_what_runs_out_of_memory_in_the_trial_is_halved_and_trains_as_if_set(config: Make) -> None:
    folder = config().output_dir
    automatic = config(auto_batch_size=True, output_dir=f"{folder}-automatic")
    as_set = config(batch_size=2, gradient_accumulation_steps=4, output_dir=f"{folder}-set")

    found = run_training(_model(most=90), make_tokenizer(), automatic, train_dataset=ROWS)
    run_training(_model(), make_tokenizer(), as_set, train_dataset=ROWS)

    assert found.choices["batch size"].startswith("2 rows × 4 = 8 a step")
    assert (
        "memory ran out with 8 rows × 1, activations kept, 4 rows × 2"
        in found.choices["batch size"]
    )
    assert "tokens at once in training" not in found.choices
    assert _losses(automatic) == _losses(as_set)


def test_a_resumed_run_takes_the_size_of_its_checkpoint(config: Make) -> None:
    asked = config(auto_batch_size=True, save_steps=2)
    whole = run_training(_model(most=90), make_tokenizer(), asked, train_dataset=ROWS)
    losses = _losses(asked)

    resumed = run_training(
        _model(), make_tokenizer(), asked, train_dataset=ROWS,
        resume=Path(asked.output_dir, "checkpoints", f"checkpoint-{whole.steps - 2}"),
    )  # fmt: skip

    assert "2 rows × 4 = 8 a step: as the checkpoint was trained" in resumed.choices["batch size"]
    assert _losses(asked) == losses


def test_kept_activations_are_preferred_to_more_rows_at_once(config: Make) -> None:
    asked, lengths = config(auto_batch_size=True), [len(row["input_ids"]) for row in ROWS.rows]
    model = make_model()
    need = need_of_model(model, asked, torch.float32)
    assert need is not None
    found = list(sizes(lengths, asked, need, can_recompute=True))
    assert [s.config.batch_size for s in found] == [8, 4, 2, 1, 8, 4, 2, 1]
    assert [s.recompute for s in found] == [False] * 4 + [True] * 4
    assert all(
        s.config.batch_size * s.config.gradient_accumulation_steps == 8 and s.needed for s in found
    )

    def free_for(place: int) -> float:
        assert need is not None
        needed = found[place].needed
        assert needed is not None
        return need.more_than_present_gib(needed) / 0.8 * 1.0001

    assert sizes_that_fit(found, need, free_for(0))[0] is found[0]
    assert not sizes_that_fit(found, need, free_for(2))[0].recompute
    assert sizes_that_fit(found, need, 0.0) == [found[-1]]


def test_the_leanest_way_that_does_not_go_through_is_an_error(config: Make) -> None:
    with pytest.raises(ResourceError, match=r"leanest way, 1 rows × 8") as caught:
        choose_batch_size(config(auto_batch_size=True), _model(most=1), make_tokenizer(), ROWS)
    assert "max_tokens" in str(caught.value.hint)


def test_the_largest_batch_is_the_one_with_most_padded_tokens() -> None:
    lengths = [100] + [10] * 30
    rows, batch = largest_batch(lengths, TrainingConfig(batch_size=8))
    assert len(rows) * max(lengths[row] for row in rows) == batch.rows * batch.tokens
    assert batch.rows * batch.tokens < 8 * 100
    _, unsorted = largest_batch(lengths, TrainingConfig(batch_size=8, group_by_length=False))
    assert (unsorted.rows, unsorted.tokens) == (8, 100)
    _, pack = largest_batch(lengths, TrainingConfig(batch_size=8), packed=True)
    assert (pack.rows, pack.tokens < 8 * 100) == (1, True)
