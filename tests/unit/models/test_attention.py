"""Attention kernels are chosen with a reason, and packs are refused where they would be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaConfig

from migaki.errors import ModelError
from migaki.models import attention
from migaki.models.attention import choose_attention, choose_packed_attention
from migaki.models.loading import load_model
from migaki.models.packed_attention import LOOP, VARLEN, attend_varlen, packed_attention

from .tiny_random import make_model, make_tokenizer

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)
GEMMA: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "vocab_size": 400,
}


def test_attention_is_chosen_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda", 0)
    real = attention.importlib.util.find_spec
    monkeypatch.setattr(
        attention.importlib.util,
        "find_spec",
        lambda name, *rest: object() if name == "flash_attn" else real(name, *rest),
    )
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 6))
    assert choose_attention(cuda, torch.bfloat16)[0] == "flash_attention_2"
    assert choose_attention(cuda, torch.float32) == (
        "sdpa",
        "FlashAttention 2 computes in 16 bits, the weights are torch.float32",
    )
    assert choose_attention(cuda, torch.bfloat16, use_flash_attention=False)[0] == "sdpa"
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))
    assert "8.0" in choose_attention(cuda, torch.float16)[1]
    assert "cpu" in choose_attention(torch.device("cpu"), torch.float16)[1]


def test_a_model_that_caps_scores_is_loaded_with_attention_that_can(tmp_path: Path) -> None:
    Gemma2ForCausalLM(Gemma2Config(**GEMMA)).save_pretrained(tmp_path)
    make_tokenizer().save_pretrained(tmp_path)

    loaded = load_model(tmp_path, device="cpu")

    assert loaded.model.config._attn_implementation == "eager"
    assert "cannot compute this architecture" in loaded.choices["attention"]


def packed(model: Any, device: torch.device = CUDA, precision: torch.dtype = torch.bfloat16) -> Any:
    return choose_packed_attention(model, device=device, precision=precision)


def test_kernel_for_packs_by_hardware_and_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    model = make_model("llama")

    assert packed(model)[0] == VARLEN
    assert packed(model, CPU) == (
        LOOP,
        "one call of PyTorch's attention for each sequence; faster kernels for packs need a GPU, "
        "this is cpu",
    )
    assert packed(model, precision=torch.float32)[0] == "flex_attention"
    assert "no dropout" in packed(make_model("llama", attention_dropout=0.1))[1]
    assert "cannot cap scores" in packed(Gemma2ForCausalLM(Gemma2Config(**GEMMA)))[1]
    assert "up to 256" in packed(make_model("llama", head_dim=320))[1]
    monkeypatch.setattr(attention, "_torch_version", lambda: (2, 9))
    assert packed(model)[0] == "flex_attention"
    model.config._attn_implementation_internal = "flash_attention_2"
    assert packed(model)[0] == "flash_attention_2"


def test_a_model_whose_attention_is_its_own_gets_no_packs() -> None:
    assert packed(torch.nn.Linear(2, 2)) == (None, "the attention of Linear cannot be exchanged")


def test_packed_attention_is_put_back_and_refuses_other_batches() -> None:
    model = make_model("qwen2")
    before = model.config._attn_implementation
    ids = torch.tensor([[5, 6, 7]])

    with packed_attention(model, LOOP), pytest.raises(ModelError, match="without boundaries"):
        model(input_ids=ids)

    assert model.config._attn_implementation == before
    model(input_ids=ids)


def test_varlen_gets_the_boundaries_and_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel itself needs a GPU; what it is asked for is compared with its documentation."""
    from torch.nn.attention import varlen

    seen: dict[str, Any] = {}

    def kernel(*given: Any, **named: Any) -> torch.Tensor:
        seen.update(named, shapes=[tuple(part.shape) for part in given[:3]], bounds=given[3:])
        return torch.zeros(given[0].shape)

    monkeypatch.setattr(varlen, "varlen_attn", kernel)
    module: Any = torch.nn.Module()
    module.config = LlamaConfig()
    query, key = torch.zeros(1, 4, 5, 8), torch.zeros(1, 2, 5, 8)
    starts = torch.tensor([0, 3, 5], dtype=torch.int32)
    found, _ = attend_varlen(
        module, query, key, key, None, scaling=0.5, sliding_window=3,
        cu_seq_lens_q=starts, max_length_q=3,
    )  # fmt: skip

    assert found.shape == (1, 5, 4, 8)
    assert seen["shapes"] == [(5, 4, 8), (5, 2, 8), (5, 2, 8)]
    assert seen["window_size"] == (2, 0)
    assert seen["enable_gqa"]
    assert seen["scale"] == 0.5
    assert seen["bounds"][2:] == (3, 3)
