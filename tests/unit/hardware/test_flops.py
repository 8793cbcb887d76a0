"""The formula against torch's own counter, on real forward and backward passes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.unit.models.tiny_random import make_model
from torch.utils.flop_counter import FlopCounterMode
from transformers import Gemma2Config, Gemma2ForCausalLM, PretrainedConfig

from migaki.hardware.flops import flops_per_token, training_flops
from migaki.hardware.memory.shape import ModelShape
from migaki.models.adapters import attach_lora
from migaki.training.loss import TrainedLoss

ROWS, TOKENS, PROMPT = 3, 40, 16
FAMILIES = ("qwen2", "llama", "gpt_neox", "stablelm", "gemma2")
SIZES = {"attn_implementation": "eager", "use_cache": False}


def _model(family: str) -> Any:
    if family != "gemma2":
        return make_model(family, **SIZES)
    config = Gemma2Config(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, vocab_size=400, pad_token_id=0, **SIZES,
    )  # fmt: skip
    return Gemma2ForCausalLM(config)


def _counted(model: Any) -> int:
    ids = torch.arange(ROWS * TOKENS).reshape(ROWS, TOKENS) % 400
    labels = ids.masked_fill(torch.arange(TOKENS) < PROMPT, -100)
    model.train()
    loss = TrainedLoss(model)
    with FlopCounterMode(display=False) as counter:
        nll, trained = loss(model, {"input_ids": ids, "labels": labels})
        nll.backward()
    assert int(trained) == ROWS * (TOKENS - PROMPT)
    return int(counter.get_total_flops())


def _shape(config: PretrainedConfig) -> ModelShape:
    return ModelShape.from_config(config.to_dict())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_formula_is_what_torch_counts(family: str, method: str) -> None:
    model = _model(family)
    shape = _shape(model.config)
    adapters = None
    if method == "lora":
        model = attach_lora(model, r=4, lora_dropout=0.0)
        adapters = sum(p.numel() for n, p in model.named_parameters() if "lora_" in n)
    flops = training_flops(
        shape,
        method=method,  # type: ignore[arg-type]
        adapter_parameters=adapters,
        parallel_residual=getattr(model.config, "use_parallel_residual", False),
    )

    expected = flops.of(
        tokens=ROWS * TOKENS,
        trained_tokens=ROWS * (TOKENS - PROMPT),
        pairs=ROWS * TOKENS**2,
    )

    assert expected == pytest.approx(_counted(model), rel=0.02)


def test_recomputed_layers_are_what_torch_counts_more() -> None:
    model = make_model("qwen2", **SIZES)
    once = _counted(model)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    twice = _counted(model)

    counts = {"tokens": ROWS * TOKENS, "trained_tokens": 0, "pairs": ROWS * TOKENS**2}
    shape = _shape(model.config)
    useful = training_flops(shape, method="full").of(**counts)
    done = training_flops(shape, method="full", recomputed_layers=True).of(**counts)

    # The last matrix product of a layer need not be done again: nothing keeps its output.
    assert 0.8 * (done - useful) < twice - once <= 1.02 * (done - useful)


def test_adapters_cost_two_thirds_of_full_training() -> None:
    shape = ModelShape(28, 1536, 12, 2, 8960, 151_936, tied=True)
    lora = flops_per_token(shape, method="lora", tokens=1024, r=16)
    full = flops_per_token(shape, method="full", tokens=1024)

    assert 0.66 < lora / full < 0.72
    assert flops_per_token(shape, method="lora", tokens=1024, trained_share=0.0) < lora
