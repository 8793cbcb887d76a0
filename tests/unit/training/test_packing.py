"""Packed rows train as unpacked ones do, on every attention and in every run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from migaki.dataset.collate import Collator
from migaki.dataset.packing import PackCollator
from migaki.models.adapters import attach_lora
from migaki.models.packed_attention import LOOP, packed_attention
from migaki.training import packs
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training
from migaki.training.loss import TrainedLoss
from migaki.training.packs import choose_packing

from .conftest import Rows, make_model, make_rows, make_tokenizer

Config = Callable[..., TrainingConfig]

SIZES: dict[str, Any] = {
    "vocab_size": 258,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
    "initializer_range": 0.3,  # large enough that tokens attend to one another
    "eos_token_id": 257,
    "pad_token_id": 256,
}
GROUPED = {**SIZES, "num_key_value_heads": 2}
FAMILIES: dict[str, Callable[[], Any]] = {
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**GROUPED)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**GROUPED)),
    "mistral": lambda: MistralForCausalLM(MistralConfig(**GROUPED, sliding_window=6)),
    "gemma2": lambda: Gemma2ForCausalLM(
        Gemma2Config(**GROUPED, head_dim=8, sliding_window=6, attn_logit_softcapping=5.0)
    ),
    "gpt_neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SIZES)),
}


def make_family(family: str) -> Any:
    torch.manual_seed(0)
    return FAMILIES[family]()


def gradients(model: Any, batch: dict[str, Any]) -> tuple[float, int, dict[str, torch.Tensor]]:
    model.zero_grad()
    nll, trained = TrainedLoss(model)(model, batch)
    nll.backward()
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return float(nll), int(trained), found


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_packed_equals_padded_in_loss_and_gradients(family: str, method: str) -> None:
    model = make_family(family)
    if method == "lora":
        model = attach_lora(model, r=4, lora_alpha=8, lora_dropout=0.0, seed=5)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.1)
    rows = make_rows(5, shortest=3, longest=20)
    batch = [rows[i] for i in range(5)]

    nll, trained, wanted = gradients(model, Collator(make_tokenizer())(batch))
    with packed_attention(model, LOOP):
        packed_nll, packed_trained, found = gradients(model, PackCollator()(batch))

    assert packed_trained == trained
    assert packed_nll == pytest.approx(nll, rel=1e-5)
    assert wanted.keys() == found.keys()
    for name, gradient in wanted.items():
        scale = float(gradient.abs().max())
        assert torch.allclose(found[name], gradient, rtol=1e-4, atol=1e-5 * max(scale, 1e-3)), name


def test_rows_are_packed_only_where_that_is_wanted_and_pays(config: Config) -> None:
    model, rows = make_model(), make_rows(4)

    def choose(**asked: Any) -> Any:
        return choose_packing(config(**asked), model, rows, precision=torch.float32)

    assert choose().attention is None
    assert "need a GPU, this is cpu" in choose().reason
    assert choose(packing="never").reason == (
        "padded, rows of similar length together: packing=never"
    )
    assert choose(packing="always").attention == LOOP
    assert "equal to unpacked rows when tried" in choose(packing="always").reason
    assert model.training


def test_a_kernel_that_sees_across_rows_is_found_out(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import AttentionInterface

    AttentionInterface.register("test_sees_across_rows", sdpa_attention_forward)
    monkeypatch.setattr(
        packs, "choose_packed_attention", lambda *_, **__: ("test_sees_across_rows", "test")
    )
    with caplog.at_level(logging.WARNING):
        found = choose_packing(
            config(packing="always"), make_family("llama"), make_rows(4), precision=torch.float32
        )

    assert found.attention is None
    assert "packed, a row has the loss" in found.reason
    assert "Rows are not packed" in caplog.text


def test_a_model_that_carries_a_state_is_not_packed(config: Config) -> None:
    torch.manual_seed(0)
    model = MambaForCausalLM(MambaConfig(hidden_size=16, num_hidden_layers=1, vocab_size=258))

    found = choose_packing(config(packing="always"), model, make_rows(4), precision=torch.float32)

    assert found.attention is None
    assert "would see across boundaries" in found.reason


def train(config: TrainingConfig, folder: Path, model: Any = None, rows: Rows | None = None) -> Any:
    model = model or attach_lora(make_model(), r=4, lora_alpha=8, lora_dropout=0.0, seed=5)
    result = run_training(
        model, make_tokenizer(), config, train_dataset=rows or make_rows(23),
        eval_dataset=make_rows(5, seed=1), output_dir=folder,
    )  # fmt: skip
    return result, {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}


def test_a_packed_run_equals_a_padded_one(config: Config, tmp_path: Path) -> None:
    """A step holds all rows, so that it does not matter which of them are together."""
    settings = {"gradient_accumulation_steps": 6, "num_epochs": 3, "eval_steps": 1}
    padded, wanted = train(config(**settings, packing="never"), tmp_path / "padded")
    packed, found = train(config(**settings, packing="always"), tmp_path / "packed")

    assert packed.steps == padded.steps == 3
    assert packed.tokens == padded.tokens
    assert packed.trained_tokens == padded.trained_tokens
    assert packed.train_loss == pytest.approx(padded.train_loss, rel=1e-5)
    assert packed.eval_loss == pytest.approx(padded.eval_loss, rel=1e-5)
    for name, value in wanted.items():
        assert torch.allclose(found[name], value, atol=1e-4), name
    assert packed.choices["batches"].startswith("packed")
    assert padded.choices["batches"].startswith("padded")


def test_packed_full_training_leaves_the_model_as_it_was_loaded(
    config: Config, tmp_path: Path
) -> None:
    model = make_model()
    before = model.config._attn_implementation
    train(config(packing="always", num_epochs=1), tmp_path / "run", model)

    assert model.config._attn_implementation == before
    assert "migaki_packed" not in "".join(
        path.read_text(encoding="utf-8") for path in tmp_path.rglob("config.json")
    )
    with torch.no_grad():
        assert model(torch.tensor([[65, 66]])).logits.shape == (1, 2, 258)


def test_long_rows_are_cut_only_when_asked_and_that_is_said(config: Config, tmp_path: Path) -> None:
    rows = Rows([*make_rows(11, longest=10).rows, *make_rows(1, shortest=100, longest=100).rows])
    asked = {"batch_size": 2, "num_epochs": 1, "packing": "always"}

    whole, _ = train(config(**asked), tmp_path / "whole", rows=rows)
    cut, _ = train(config(**asked, packing_split=True), tmp_path / "cut", rows=rows)

    assert "packing_split" not in whole.choices
    assert cut.choices["packing_split"].startswith("1 of 12 rows cut into")
    assert cut.tokens == whole.tokens
    assert cut.trained_tokens < whole.trained_tokens
