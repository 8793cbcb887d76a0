"""The loss equals the plain computation on full logits, in value and in gradients."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import Gemma2Config, Gemma2ForCausalLM, PreTrainedTokenizerFast

from migaki.dataset.collate import Collator
from migaki.models.adapters import attach_lora
from migaki.training.loss import TrainedLoss, trained_targets

from .conftest import make_model, make_rows, make_tokenizer


@pytest.fixture
def batch(tokenizer: PreTrainedTokenizerFast) -> dict[str, torch.Tensor]:
    return Collator(tokenizer)(make_rows(6).rows)


def gradients(model: nn.Module) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def plain(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """What anyone would write: all logits, shifted, summed."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten(), reduction="sum"
    )


def gemma2() -> nn.Module:
    """A model that soft-caps its logits behind the head."""
    torch.manual_seed(0)
    return Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=258, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=8, sliding_window=64,
            final_logit_softcapping=1.0, pad_token_id=256, eos_token_id=257, bos_token_id=257,
            attn_implementation="eager",
        )
    ).train()  # fmt: skip


MODELS = {
    "tied": lambda: make_model(),
    "untied": lambda: make_model(tie_word_embeddings=False),
    "lora": lambda: attach_lora(make_model(), r=4, lora_alpha=8, lora_dropout=0.0, seed=1),
    "lora on the head": lambda: attach_lora(
        make_model(tie_word_embeddings=False),
        r=4, lora_alpha=8, lora_dropout=0.0, seed=1, target_modules=["q_proj", "lm_head"],
    ),
    "soft-capped": gemma2,
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_equals_plain_loss_and_gradients(name: str, batch: dict[str, torch.Tensor]) -> None:
    model = MODELS[name]().train()
    for parameter_name, parameter in model.named_parameters():
        if "lora_B" in parameter_name:  # zero at first, which would hide half of the gradients
            nn.init.normal_(parameter, std=0.1)
    expected = plain(model, batch)
    expected.backward()
    expected_gradients = gradients(model)
    model.zero_grad()

    loss = TrainedLoss(model)
    nll, trained = loss(model, batch)
    nll.backward()

    assert loss.head_on_trained_only
    assert trained.item() == (batch["labels"][:, 1:] != -100).sum().item()
    torch.testing.assert_close(nll, expected, rtol=1e-6, atol=1e-5)
    assert gradients(model).keys() == expected_gradients.keys()
    for key, value in gradients(model).items():
        torch.testing.assert_close(value, expected_gradients[key], rtol=1e-4, atol=2e-5)


def test_head_sees_trained_positions_only(batch: dict[str, torch.Tensor]) -> None:
    model = make_model()
    seen = []
    model.lm_head.register_forward_hook(lambda _, args, out: seen.append(out.shape))

    TrainedLoss(model)(model, batch)

    assert seen == [((batch["labels"][:, 1:] != -100).sum().item(), 258)]


class _TwoHeadCalls(nn.Module):
    """A model that calls its head twice, which no shortcut may assume away."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = make_model()

    def get_output_embeddings(self) -> nn.Module:
        return self.inner.lm_head

    def forward(self, **inputs: Any) -> Any:
        hidden = self.inner.model(**inputs).last_hidden_state
        logits = self.inner.lm_head(hidden) + 0 * self.inner.lm_head(hidden)
        return type("Output", (), {"logits": logits})()


class _NoHead(_TwoHeadCalls):
    get_output_embeddings = None  # type: ignore[assignment]


@pytest.mark.parametrize("kind", [_TwoHeadCalls, _NoHead])
def test_falls_back_to_the_models_own_logits_and_says_so(
    kind: type[nn.Module], batch: dict[str, torch.Tensor], caplog: pytest.LogCaptureFixture
) -> None:
    model = kind()
    loss = TrainedLoss(model)
    nll, _ = loss(model, batch)

    assert not loss.head_on_trained_only
    assert "every position" in caplog.text
    torch.testing.assert_close(nll, plain(model, batch))


def test_without_trained_tokens_it_is_zero_with_zero_gradients() -> None:
    model = make_model()
    batch = Collator(make_tokenizer())(
        [{"input_ids": [65, 66, 67], "labels": [65, -100, -100]}]  # the first predicts nothing
    )
    nll, trained = TrainedLoss(model)(model, batch)
    nll.backward()

    assert nll.item() == 0.0
    assert trained.item() == 0
    assert all(not g.any() for g in gradients(model).values())


def test_padding_changes_nothing(tokenizer: PreTrainedTokenizerFast) -> None:
    model = make_model().eval()
    rows = make_rows(5).rows
    collate = Collator(tokenizer)
    loss = TrainedLoss(model)

    together, _ = loss(model, collate(rows))
    alone = sum(loss(model, collate([row]))[0] for row in rows)

    torch.testing.assert_close(together, alone, rtol=1e-6, atol=1e-4)


def test_targets_are_the_tokens_after_the_positions() -> None:
    labels = torch.tensor([[1, 2, -100, 4], [-100, -100, 7, -100]])
    positions, targets = trained_targets(labels)

    assert positions.tolist() == [0, 2, 5]
    assert targets.tolist() == [2, 4, 7]
