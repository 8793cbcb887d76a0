"""Which weights learn how fast, and that every optimizer trains, saves and resumes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft.optimizers import create_loraplus_optimizer

from migaki.errors import MissingExtraError, TrainingError, UsageError
from migaki.models import low_bit
from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training
from migaki.training.optimizer import make_optimizer, parameter_groups, require_optimizer

from .conftest import make_model, make_rows, make_tokenizer

Make = Callable[..., TrainingConfig]
CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")


def rates(optimizer: torch.optim.Optimizer) -> dict[int, tuple[float, float]]:
    return {
        id(p): (group["lr"], group["weight_decay"])
        for group in optimizer.param_groups
        for p in group["params"]
    }


def test_lora_plus_gives_b_its_multiple_of_the_rate_as_peft_does() -> None:
    model = attach_lora(make_model(), r=4, seed=1)
    ours = make_optimizer(model, TrainingConfig(1e-3, lora_plus_ratio=16, weight_decay=0.1))
    theirs = create_loraplus_optimizer(
        model, torch.optim.AdamW, lr=1e-3, loraplus_lr_ratio=16, loraplus_weight_decay=0.1
    )
    assert rates(ours) == rates(theirs)
    assert ours.param_groups[0]["lr"] == 1e-3  # the one that is shown
    names = {id(p): name for name, p in model.named_parameters()}
    assert all((rate > 1e-3) == ("lora_B" in names[i]) for i, (rate, _) in rates(ours).items())


def test_norms_and_biases_do_not_decay() -> None:
    model = make_model()
    found = rates(make_optimizer(model, TrainingConfig(weight_decay=0.1)))
    for name, parameter in model.named_parameters():
        assert (found[id(parameter)][1] == 0) == ("norm" in name or "bias" in name), name


def test_without_lora_plus_everything_has_one_rate() -> None:
    groups = parameter_groups(attach_lora(make_model(), r=4), TrainingConfig(1e-3))
    assert [group["lr"] for group in groups] == [1e-3]


def test_fused_adamw_equals_the_plain_one_to_rounding() -> None:
    found = []
    for fused in (True, False):
        model = make_model()
        made = make_optimizer(model, TrainingConfig(1e-2, weight_decay=0.1))
        assert made.defaults["fused"]
        optimizer = made if fused else torch.optim.AdamW(made.param_groups, fused=False)
        if not fused:
            for group in optimizer.param_groups:
                group["fused"] = False
        for seed in range(5):
            torch.manual_seed(seed)
            for parameter in model.parameters():
                parameter.grad = torch.randn_like(parameter)
            optimizer.step()
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["paged_adamw", "paged_adamw_8bit"])
def test_paged_optimizers_need_a_gpu(name: Any) -> None:
    pytest.importorskip("bitsandbytes", reason="needs migaki[quantization]")
    with pytest.raises(UsageError, match=rf"{name}.*on cpu.*Valid here: adamw, adamw_8bit\."):
        require_optimizer(TrainingConfig(optimizer=name), CPU)
    with pytest.raises(UsageError, match=r"on mps.*Valid here: adamw\."):
        require_optimizer(TrainingConfig(optimizer="adamw_8bit"), MPS)
    require_optimizer(TrainingConfig(optimizer=name), CUDA)


def test_8bit_without_bitsandbytes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_bit.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"adamw_8bit.*migaki\[quantization\]"):
        require_optimizer(TrainingConfig(optimizer="adamw_8bit"), CPU)
    require_optimizer(TrainingConfig(), CPU)


def train(settings: TrainingConfig, folder: Path, *, method: str, **more: Any) -> Any:
    model: Any = make_model(hidden_size=64, intermediate_size=128)
    if method == "lora":
        model = attach_lora(model, r=64, lora_dropout=0.1, seed=5)
    result = run_training(
        model, make_tokenizer(), settings, train_dataset=make_rows(24), output_dir=folder, **more
    )
    weights = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    return result, weights


CASES = [
    ("full", {"optimizer": "adamw_8bit"}),
    ("lora", {"lora_plus_ratio": 4.0}),
    pytest.param(
        "lora", {"optimizer": "adamw_8bit", "lora_plus_ratio": 4.0}, marks=pytest.mark.slow
    ),
]


@pytest.mark.parametrize(("method", "changes"), CASES)
def test_it_learns_and_resumes_exactly(
    method: str, changes: dict[str, Any], config: Make, tmp_path: Path
) -> None:
    if "optimizer" in changes:
        pytest.importorskip("bitsandbytes", reason="needs migaki[quantization]")
    settings = config(**changes, max_steps=4, save_steps=2, save_total_limit=9)
    result, whole = train(settings, tmp_path, method=method)
    losses = [json.loads(x)["loss"] for x in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    assert result.choices["optimizer"].startswith(settings.optimizer)

    checkpoint = tmp_path / "checkpoints" / "checkpoint-2"
    if settings.optimizer != "adamw":
        state = torch.load(checkpoint / "optimizer.pt", weights_only=True)["state"]
        assert "torch.uint8" in str({value.dtype for value in tensors(state)})
    _, resumed = train(settings, tmp_path, method=method, resume=checkpoint)
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)

    other = TrainingConfig(**{**vars_of(settings), **{name: default(name) for name in changes}})
    with pytest.raises(TrainingError, match=next(iter(sorted(changes)))):
        train(other, tmp_path, method=method, resume=True)


def tensors(state: Any) -> Iterator[torch.Tensor]:
    for value in state.values():
        if isinstance(value, dict):
            yield from tensors(value)
        elif isinstance(value, torch.Tensor):
            yield value


def vars_of(settings: TrainingConfig) -> dict[str, Any]:
    return {k: v for k, v in vars(settings).items() if not k.startswith("_")}


def default(name: str) -> Any:
    return getattr(TrainingConfig(), name)


def test_moments_of_embeddings_stay_in_32_bits(config: Make, tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="needs migaki[quantization]")
    model = make_model(hidden_size=64, intermediate_size=128)
    optimizer = make_optimizer(model, TrainingConfig(optimizer="adamw_8bit"))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    bits = {n: optimizer.state[p]["state1"].dtype for n, p in model.named_parameters()}
    assert bits["model.embed_tokens.weight"] == torch.float32
    assert bits["model.layers.0.mlp.up_proj.weight"] == torch.uint8
    assert bits["model.norm.weight"] == torch.float32
