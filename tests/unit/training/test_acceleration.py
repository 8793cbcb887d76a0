"""Faster ways of computing are compared on rows of the run, and taken back where they differ."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tests.unit.models import tiny_random
from torch import nn
from transformers import PreTrainedTokenizerFast

from migaki.training import acceleration
from migaki.training.acceleration import Run, use_verified
from migaki.training.compile import choose_compilation, decoder_layers
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training
from migaki.training.loss import TrainedLoss
from migaki.training.trial import difference, try_step

from .conftest import make_model, make_rows

Kernels = Callable[[nn.Module], None]


def make_adapted(*, dropout: float = 0.1) -> nn.Module:
    torch.manual_seed(1)
    lora = LoraConfig(r=4, target_modules="all-linear", lora_dropout=dropout, task_type="CAUSAL_LM")
    adapted = get_peft_model(make_model(), lora)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:  # zeros hide what the layers before them do
            nn.init.normal_(parameter, std=0.1)
    return adapted


def make_run(model: nn.Module, **config: Any) -> Run:
    loss = TrainedLoss(model)

    def step(batch: Any) -> Any:
        nll, trained = loss(model, batch)
        nll.backward()
        return nll.detach(), trained

    ids = torch.randint(0, 200, (3, 11), generator=torch.Generator().manual_seed(0))
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    return Run(model, TrainingConfig(**config), torch.float32, lambda: batch, step)


def norms(scale: float) -> Kernels:
    """A stand-in for a fused RMSNorm: another way to compute the same, times ``scale``."""

    def replace(model: nn.Module) -> None:
        for module in model.modules():
            if type(module).__name__.endswith("RMSNorm"):

                def forward(hidden: torch.Tensor, norm: Any = module) -> torch.Tensor:
                    length = hidden.norm(dim=-1, keepdim=True) / hidden.shape[-1] ** 0.5
                    return norm.weight * hidden / (length**2 + norm.variance_epsilon).sqrt() * scale

                module.__dict__["forward"] = forward

    return replace


def failing(model: nn.Module) -> None:
    def forward(*_: Any, **__: Any) -> None:
        raise RuntimeError("no kernel image is available")

    model.model.norm.__dict__["forward"] = forward  # type: ignore[union-attr]


def test_kernels_that_compute_the_same_are_kept_until_the_run_ends() -> None:
    run = make_run(make_adapted())
    batch = run.batch()
    plain = try_step(run.model, batch, run.step)
    with ExitStack() as stack:
        kept, reason = use_verified(run, batch, plain, norms(1.0), stack=stack)

        assert kept
        assert reason == "5 modules; loss and gradients of 33 tokens are the same"
        assert "forward" in vars(run.model.get_base_model().model.norm)
    assert "forward" not in vars(run.model.get_base_model().model.norm)


@pytest.mark.parametrize(
    ("kernels", "said"), [(norms(1.01), "differ"), (failing, "no kernel image is available")]
)
def test_kernels_that_are_wrong_are_taken_back(
    kernels: Kernels, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = make_run(make_adapted())
    batch = run.batch()
    plain = try_step(run.model, batch, run.step)
    with ExitStack() as stack:
        kept, reason = use_verified(run, batch, plain, kernels, stack=stack)

    assert not kept
    assert said in reason
    assert "the plain computation goes on" in caplog.text
    assert difference(plain, try_step(run.model, batch, run.step), torch.float32) is None


def test_a_trial_leaves_nothing_behind() -> None:
    run = make_run(make_adapted().eval())
    state = torch.random.get_rng_state()
    weights = {name: value.clone() for name, value in run.model.state_dict().items()}

    trial = try_step(run.model, run.batch(), run.step, dropout=True)

    assert trial.padded_tokens == 33
    assert trial.seconds > 0
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(p.grad is None for p in run.model.parameters())
    assert not any(module.training for module in run.model.modules())
    assert all(torch.equal(weights[name], v) for name, v in run.model.state_dict().items())


def test_a_nan_is_a_difference() -> None:
    run = make_run(make_adapted())
    plain = try_step(run.model, run.batch(), run.step)
    with torch.no_grad():
        run.model.get_base_model().model.norm.weight.fill_(float("nan"))

    assert difference(plain, try_step(run.model, run.batch(), run.step), torch.float32)


@pytest.mark.parametrize("family", ["qwen2", "llama", "stablelm", "gpt_neox"])
def test_the_layers_of_an_architecture_are_found(family: str) -> None:
    model = tiny_random.make_model(family)

    assert len(decoder_layers(model)) == model.config.num_hidden_layers


def test_without_a_compiler_training_goes_on_uncompiled(
    tokenizer: PreTrainedTokenizerFast,
    config: Callable[..., TrainingConfig],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = make_model()
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("migaki.training.compile.shutil.which", lambda _: None)
    assert choose_compilation(False, model, torch.device("cpu")) == (False, "torch_compile=False")

    result = run_training(
        model, tokenizer, config(torch_compile=True, max_steps=1), train_dataset=make_rows(8)
    )

    assert result.choices["compilation"].startswith("off: it needs a C++ compiler")
    assert result.choices["liger"].startswith("off: its kernels run on CUDA")
    assert result.choices["allocator"]


def test_layers_that_fail_to_compile_are_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(make_adapted(), torch_compile=True)

    def explode(*_: Any, **__: Any) -> None:
        raise RuntimeError("InductorError: out of registers")

    def break_layers(model: nn.Module) -> None:
        for layer in decoder_layers(model):
            layer._compiled_call_impl = explode

    monkeypatch.setattr(acceleration.compilation, "compile_layers", break_layers)
    with acceleration.accelerated(run) as choices:
        assert "taken back: it failed (RuntimeError: InductorError" in choices["compilation"]
        assert all(layer._compiled_call_impl is None for layer in decoder_layers(run.model))


@pytest.mark.slow
@pytest.mark.timeout(900)  # two compilations of some 25 s of one core each
@pytest.mark.skipif(
    not choose_compilation(True, make_model(), torch.device("cpu"))[0], reason="no C++ compiler"
)
def test_a_compiled_run_equals_the_plain_one_and_resumes(
    tokenizer: PreTrainedTokenizerFast, config: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    rows = make_rows(24)

    def train(name: str, **changes: Any) -> tuple[list[float], nn.Module, str]:
        model = make_adapted(dropout=0.0)  # compiled dropout draws other numbers
        folder = tmp_path / name
        result = run_training(
            model, tokenizer, config(num_epochs=1, save_steps=2, **changes), train_dataset=rows,
            output_dir=folder, resume=(folder / "checkpoints").is_dir(),
        )  # fmt: skip
        lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["loss"] for line in lines], model, str(result.choices)

    plain, plain_model, _ = train("plain")
    compiled, compiled_model, choices = train("compiled", torch_compile=True)

    assert "compiling took" in choices
    assert compiled == pytest.approx(plain, rel=1e-5)
    assert list(compiled_model.state_dict()) == list(plain_model.state_dict())
    assert not any(layer._compiled_call_impl for layer in decoder_layers(compiled_model))
    for found, expected in zip(compiled_model.parameters(), plain_model.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)

    folder = tmp_path / "compiled" / "checkpoints"
    newest = max(folder.iterdir(), key=lambda path: int(path.name.rsplit("-", 1)[-1]))
    for file in newest.iterdir():
        file.unlink()
    newest.rmdir()  # as if it had been stopped before the last checkpoint
    resumed, _, _ = train("compiled", torch_compile=True)
    assert resumed == pytest.approx(compiled, rel=1e-5)
