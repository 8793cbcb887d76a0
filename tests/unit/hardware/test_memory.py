"""What a model is made of, what a run needs, and what a machine or container has."""

from __future__ import annotations

from pathlib import Path
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
from migaki.hardware import memory
from migaki.hardware.memory import ModelShape, estimate

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


def test_methods_are_in_their_order_and_grow_with_the_batch() -> None:
    shape = ModelShape(32, 4096, 32, 8, 14336, 128256, context=8192)  # Llama 3 8B
    totals = {
        m: estimate(shape, method=m, tokens=1024, activation_checkpointing=True).total_gib
        for m in ("qlora", "lora", "full")
    }
    assert 5 < totals["qlora"] < 12
    assert 15 < totals["lora"] < 24
    assert 120 < totals["full"] < 160  # about 16-18 bytes for each of 8 billion
    small = estimate(shape, method="lora", batch=1, tokens=1024)
    large = estimate(shape, method="lora", batch=4, tokens=1024)
    recomputed = estimate(shape, method="lora", batch=4, tokens=1024, activation_checkpointing=True)
    assert large.activations_gib == pytest.approx(4 * small.activations_gib)
    assert recomputed.activations_gib < large.activations_gib / 5
    parts = (large.weights_gib, large.gradients_gib, large.optimizer_gib)
    assert large.total_gib > sum(parts) + large.activations_gib + large.logits_gib


def test_the_host_has_memory() -> None:
    total, available, reason = memory.host_memory_gib()
    assert 0 < available <= total
    assert reason


def _limit(folder: Path, limit: str, used: int, cache: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(limit)
    (folder / "memory.current").write_text(str(used))
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")


def test_a_container_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    mib = 1024**2
    _limit(tmp_path, str(64 * mib), used=40 * mib, cache=8 * mib)
    total, available, reason = memory.host_memory_gib()
    assert total == pytest.approx(64 / 1024)
    assert available == pytest.approx(32 / 1024)  # cache is given back under pressure
    assert "container's limit" in reason


@pytest.mark.parametrize("limit", ["max", "nonsense", str(2**63 - 4096)])
def test_no_container_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    _limit(tmp_path, limit, used=1)
    assert "on this machine" in memory.host_memory_gib()[2]
