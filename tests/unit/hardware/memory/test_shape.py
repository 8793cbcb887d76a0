"""What a model is made of."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    StableLmConfig,
    StableLmForCausalLM,
)

from migaki.errors import ModelError
from migaki.hardware.memory.shape import ModelShape

SIZES: dict[str, Any] = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
}


@pytest.mark.parametrize(
    ("config", "model"),
    [
        (Qwen2Config(**SIZES, num_key_value_heads=2, tie_word_embeddings=True), Qwen2ForCausalLM),
        (Qwen2Config(**SIZES, num_key_value_heads=4), Qwen2ForCausalLM),
        (Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=16), Qwen3ForCausalLM),
        (LlamaConfig(**SIZES, num_key_value_heads=2), LlamaForCausalLM),
        (Gemma2Config(**SIZES, num_key_value_heads=2, head_dim=16), Gemma2ForCausalLM),
        (StableLmConfig(**SIZES, num_key_value_heads=4), StableLmForCausalLM),
        (GPTNeoXConfig(**SIZES), GPTNeoXForCausalLM),
    ],
    ids=lambda value: getattr(value, "model_type", None),
)
def test_parameters_are_counted_exactly(config: Any, model: Any) -> None:
    real = sum(p.numel() for p in model(config).parameters())
    assert ModelShape.from_config(config.to_dict()).parameters == real


@pytest.mark.parametrize("value", [None, 0, -1, "many", 1.5, True])
def test_a_config_without_a_size(value: Any) -> None:
    config = Qwen2Config(**SIZES).to_dict() | {"hidden_size": value}
    with pytest.raises(ModelError, match="hidden_size"):
        ModelShape.from_config(config)
