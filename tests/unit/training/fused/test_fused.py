"""Fused functions compute what the model's own compute: loss, gradients, weights after training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from migaki.training.fused.attach import fuse
from migaki.training.fused.attention import FLOAT32_SDPA
from migaki.training.fused.feed_forward import feed_forward
from migaki.training.fused.linear import Adapters, Projection, project
from migaki.training.fused.norm import rms_norm
from migaki.training.fused.products import onednn_product, torch_product

SHAPE = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "attn_implementation": "sdpa",
}
MODELS = {
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**SHAPE, tie_word_embeddings=True)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SHAPE)),
    "gemma2": lambda: Gemma2ForCausalLM(
        Gemma2Config(**{**SHAPE, "attn_implementation": "eager"}, final_logit_softcapping=3.0)
    ),
    "gpt_neox": lambda: GPTNeoXForCausalLM(GPTNeoXConfig(**SHAPE)),
}
IDS = torch.arange(44).view(2, 22) * 37 % 128


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make(
    family: str, *, lora: bool, dtype: torch.dtype = torch.float32, dropout: float = 0.0
) -> Any:
    torch.manual_seed(0)
    model = MODELS[family]().to(dtype)
    if not lora:
        return model.train()
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=dropout, target_modules="all-linear")
    adapted = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:  # zero at first, which would hide the adapters
                parameter.copy_(torch.randn_like(parameter) * 0.05)
    return adapted.train()


def loss_and_gradients(
    model: nn.Module, *, autocast: bool = False
) -> tuple[torch.Tensor, dict[str, Any]]:
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        loss = model(input_ids=IDS, labels=IDS).loss
    loss.backward()
    return loss.detach(), {
        n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None
    }


@pytest.mark.parametrize("lora", [True, False], ids=["lora", "full"])
@pytest.mark.parametrize("family", MODELS)
def test_loss_and_gradients_are_those_of_the_model(family: str, lora: bool) -> None:
    model = make(family, lora=lora)
    loss, gradients = loss_and_gradients(model)
    fused = fuse(model, precision=torch.float32)
    assert fused.count >= 8
    found, found_gradients = loss_and_gradients(model)
    torch.testing.assert_close(found, loss, rtol=1e-5, atol=1e-6)
    assert found_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(found_gradients[name], gradient, rtol=1e-3, atol=2e-6, msg=name)


def test_bfloat16_differs_by_rounding_only() -> None:
    exact = make("llama", lora=True)
    rounded = make("llama", lora=True, dtype=torch.bfloat16)
    for parameter in rounded.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    _, wanted = loss_and_gradients(exact)
    _, own = loss_and_gradients(rounded, autocast=True)
    fused = fuse(rounded, precision=torch.bfloat16)
    assert fused.count
    assert rounded.config._attn_implementation in (FLOAT32_SDPA, "sdpa")
    _, found = loss_and_gradients(rounded, autocast=True)

    def error(gradients: dict[str, torch.Tensor]) -> float:
        apart = sum(float((gradients[n].float() - g).square().sum()) for n, g in wanted.items())
        return apart**0.5

    assert {g.dtype for g in found.values()} == {torch.float32}
    assert error(found) <= 1.2 * error(own)


def test_a_model_is_left_as_it_was_found() -> None:
    model = make("qwen2", lora=True)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    fused = fuse(model, precision=torch.float32)
    assert list(model.state_dict()) == list(before)
    fused.remove()
    assert not any("forward" in module.__dict__ for module in model.modules())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    storages = [p.untyped_storage().data_ptr() for p in model.parameters()]
    assert len(set(storages)) == len(storages)


def test_an_adapter_that_is_switched_off_stays_out() -> None:
    model = make("llama", lora=True).eval()
    with torch.no_grad(), model.disable_adapter():
        expected = model(IDS).logits
    fuse(model, precision=torch.float32)
    with torch.no_grad():
        adapted = model(IDS).logits
        with model.disable_adapter():
            found = model(IDS).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(adapted, expected)


def test_generation_with_a_cache_goes_on() -> None:
    model = make("llama", lora=True).eval()
    expected = model.generate(IDS[:1, :5], max_new_tokens=6, do_sample=False, pad_token_id=0)
    fuse(model, precision=torch.float32)
    found = model.generate(IDS[:1, :5], max_new_tokens=6, do_sample=False, pad_token_id=0)
    assert found.tolist() == expected.tolist()


def test_activation_checkpointing_changes_nothing() -> None:
    model = make("qwen2", lora=True, dropout=0.3)
    fuse(model, precision=torch.float32)
    torch.manual_seed(5)
    loss, gradients = loss_and_gradients(model)
    model.gradient_checkpointing_enable({"use_reentrant": False})
    model.enable_input_require_grads()
    torch.manual_seed(5)
    found, found_gradients = loss_and_gradients(model)
    assert torch.equal(found, loss)
    for name, gradient in gradients.items():
        torch.testing.assert_close(found_gradients[name], gradient, msg=name)


@pytest.mark.parametrize("product", [torch_product, onednn_product])
def test_dropout_keeps_gradients_true_to_what_was_computed(product: Any) -> None:
    """With the noise held still, the written gradients equal finite differences' stand-in: autograd."""
    torch.manual_seed(1)
    x = torch.randn(3, 7, 10, requires_grad=True)
    weight, bias = torch.randn(12, 10), torch.randn(12)
    a = tuple(torch.randn(2, 10, requires_grad=True) for _ in range(2))
    b = tuple(torch.randn(6, 2, requires_grad=True) for _ in range(2))
    layer = Projection(weight, bias, Adapters(a, b, scale=1.5, dropout=0.4))
    torch.manual_seed(2)
    y = project(x, layer, product)
    torch.manual_seed(2)
    flat = x.reshape(-1, 10)
    noise = [torch.empty_like(flat).bernoulli_(0.6).div_(0.6) for _ in a]
    parts = [(flat * n) @ p.t() @ q.t() * 1.5 for n, p, q in zip(noise, a, b, strict=True)]
    expected = (flat @ weight.t() + bias + torch.cat(parts, dim=1)).view(3, 7, 12)
    torch.testing.assert_close(y, expected)
    tensors = (x, *a, *b)
    seed = torch.randn_like(y)
    found = torch.autograd.grad(y, tensors, seed)
    wanted = torch.autograd.grad(expected, tensors, seed)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_the_gated_block_and_the_norm_have_true_gradients() -> None:
    torch.manual_seed(0)
    double = {"dtype": torch.float64, "requires_grad": True}
    x = torch.randn(4, 6, **double)
    wide, down = torch.randn(10, 6, **double), torch.randn(6, 5, **double)
    a, b = torch.randn(2, 6, **double), torch.randn(5, 2, **double)
    c, d = torch.randn(2, 5, **double), torch.randn(6, 2, **double)

    def block(*t: torch.Tensor) -> torch.Tensor:
        x, wide, down, a, b, c, d = t
        first = Projection(wide, None, Adapters((a, a), (b, b), 0.5))
        return feed_forward(
            x, first, Projection(down, None, Adapters((c,), (d,), 2.0)), torch_product
        )

    assert torch.autograd.gradcheck(block, (x, wide, down, a, b, c, d))
    weight = torch.randn(6, requires_grad=True)
    y = torch.randn(3, 6, requires_grad=True)
    ours = rms_norm(y, weight, epsilon=1e-6)
    theirs = nn.functional.rms_norm(y, (6,), weight, 1e-6)
    torch.testing.assert_close(ours, theirs)
    seed = torch.randn(3, 6)
    for one, other in zip(
        torch.autograd.grad(ours, (y, weight), seed),
        torch.autograd.grad(theirs, (y, weight), seed),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_a_copy_of_a_fused_model_is_whole() -> None:
    model = make("qwen2", lora=True)
    fused = fuse(model, precision=torch.float32)
    fused.remove()
    twin = copy.deepcopy(model)
    assert torch.equal(twin(IDS).logits, model(IDS).logits)
