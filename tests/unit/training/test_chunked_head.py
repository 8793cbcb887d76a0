"""The head in pieces: the same loss and gradients as all logits at once, which never exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from migaki.dataset.collate import Collator
from migaki.models.adapters import attach_lora
from migaki.training.chunked_head import positions_per_chunk
from migaki.training.loss import TrainedLoss

from .conftest import make_model, make_rows

_SHAPE: dict[str, Any] = {
    "vocab_size": 258, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 128, "pad_token_id": 256,
    "eos_token_id": 257, "bos_token_id": 257,
}  # fmt: skip


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return make()


MODELS: dict[str, Callable[[], nn.Module]] = {
    "Qwen2, tied": make_model,
    "Qwen2, untied": lambda: make_model(tie_word_embeddings=False),
    "Llama": lambda: LlamaForCausalLM(LlamaConfig(**_SHAPE)),
    "GPT-NeoX (StableLM JA)": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**_SHAPE)),
    "Gemma 2, soft-capped": lambda: Gemma2ForCausalLM(
        Gemma2Config(**_SHAPE, num_key_value_heads=2, head_dim=8, sliding_window=64,
                     final_logit_softcapping=1.0, attn_implementation="eager")
    ),
    "Cohere, scaled": lambda: CohereForCausalLM(CohereConfig(**_SHAPE, logit_scale=0.3)),
    "Granite, scaled": lambda: GraniteForCausalLM(GraniteConfig(**_SHAPE, logits_scaling=4.0)),
    "LoRA": lambda: attach_lora(make_model(), r=4, lora_alpha=8, lora_dropout=0.0, seed=1),
    "LoRA on the head": lambda: attach_lora(
        make_model(tie_word_embeddings=False),
        r=4, lora_alpha=8, lora_dropout=0.0, seed=1, target_modules=["q_proj", "lm_head"],
    ),
}  # fmt: skip


@pytest.fixture
def batch(tokenizer: PreTrainedTokenizerFast) -> dict[str, torch.Tensor]:
    return Collator(tokenizer)(make_rows(12).rows)


def loss_and_gradients(
    model: nn.Module, batch: dict[str, torch.Tensor], at_once: int | None
) -> tuple[torch.Tensor, dict[str, torch.Tensor], TrainedLoss]:
    model.zero_grad()
    loss = TrainedLoss(model, positions_at_once=at_once)
    nll, trained = loss(model, batch)
    (nll / trained).backward()
    found = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return nll.detach(), found, loss


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("at_once", [1, 7])
def test_pieces_equal_the_whole(name: str, at_once: int, batch: dict[str, torch.Tensor]) -> None:
    model = seeded(MODELS[name]).train()
    for parameter_name, parameter in model.named_parameters():
        if "lora_B" in parameter_name:  # zero at first, which would hide half of the gradients
            nn.init.normal_(parameter, std=0.1)
    expected, expected_gradients, _ = loss_and_gradients(model, batch, 10**6)
    nll, gradients, loss = loss_and_gradients(model, batch, at_once)
    assert loss.head_in_pieces
    torch.testing.assert_close(nll, expected, rtol=1e-6, atol=1e-5)
    assert gradients.keys() == expected_gradients.keys()
    for key, value in gradients.items():
        torch.testing.assert_close(value, expected_gradients[key], rtol=1e-4, atol=1e-6)


def test_in_16_bits_pieces_differ_from_the_whole_by_rounding(
    batch: dict[str, torch.Tensor],
) -> None:
    model = make_model().to(torch.bfloat16).train()
    expected, expected_gradients, _ = loss_and_gradients(model, batch, 10**6)
    nll, gradients, loss = loss_and_gradients(model, batch, 7)
    assert loss.head_in_pieces
    torch.testing.assert_close(nll, expected, rtol=1e-3, atol=0)
    for key, value in gradients.items():
        other = expected_gradients[key].float()
        assert (value.float() - other).norm() <= 0.02 * other.norm(), key


class _Widest(TorchDispatchMode):
    """Sees every tensor that an operation makes and keeps the most rows that are a vocabulary wide."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.vocabulary, self.rows = vocabulary, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if func.is_view:  # a weight turned round is as wide and is no logit
            return made
        for one in made if isinstance(made, tuple) else (made,):
            if isinstance(one, torch.Tensor) and one.dim() and one.shape[-1] == self.vocabulary:
                self.rows = max(self.rows, one.numel() // self.vocabulary)
        return made


def test_no_more_logits_exist_than_asked_for(batch: dict[str, torch.Tensor]) -> None:
    model = attach_lora(make_model(), r=4, lora_alpha=8, lora_dropout=0.0, seed=1)
    trained = int((batch["labels"][:, 1:] != -100).sum())
    loss = TrainedLoss(model, positions_at_once=16)
    seen = _Widest(258)
    with seen:
        loss(model, batch)[0].backward()
    assert trained > 4 * 16
    assert 0 < seen.rows <= 16


def test_without_gradients_too(batch: dict[str, torch.Tensor]) -> None:
    model = make_model().eval()
    with torch.no_grad():
        whole, _ = TrainedLoss(model, positions_at_once=10**6)(model, batch)
        pieces, _ = TrainedLoss(model, positions_at_once=5)(model, batch)
    assert not pieces.requires_grad
    torch.testing.assert_close(pieces, whole, rtol=1e-6, atol=1e-5)


def test_the_model_is_left_as_it_was(batch: dict[str, torch.Tensor]) -> None:
    model = make_model()
    before = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
    TrainedLoss(model, positions_at_once=5)(model, batch)
    assert "forward" not in vars(model.model)
    torch.testing.assert_close(
        model(**{k: v for k, v in batch.items() if k != "labels"}).logits, before
    )


def test_a_head_with_dropout_is_not_divided_and_that_is_said(
    batch: dict[str, torch.Tensor], caplog: pytest.LogCaptureFixture
) -> None:
    model = attach_lora(
        make_model(tie_word_embeddings=False),
        r=4, lora_alpha=64, lora_dropout=0.5, seed=1, target_modules=["lm_head"],
    ).train()  # fmt: skip
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=1.0)
    loss = TrainedLoss(model, positions_at_once=5)
    loss(model, batch)[0].backward()
    assert not loss.head_in_pieces
    assert "all trained positions at once" in caplog.text


@pytest.mark.parametrize(("vocabulary", "positions"), [(258, 346_815), (151_936, 588), (10**9, 16)])
def test_a_piece_fits_its_memory(vocabulary: int, positions: int) -> None:
    assert positions_per_chunk(vocabulary) == positions
