"""Bits per character: equal to the plain formula, whatever the batch."""

from __future__ import annotations

import math
import random

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel, Qwen2Config, Qwen2ForCausalLM

from migaki.dataset.tokens import IGNORED
from migaki.errors import DataError
from migaki.evaluation.likelihood import ScoredRow, measure_likelihood


def _qwen2() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=97, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128,
            attention_dropout=0.5,
        )
    )  # fmt: skip


def _lora() -> torch.nn.Module:
    model = get_peft_model(
        _qwen2(), LoraConfig(r=4, target_modules=["q_proj", "v_proj"], lora_dropout=0.5)
    )
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero at the start, which would make the adapter invisible
            torch.nn.init.normal_(parameter, std=0.5)
    return model


def _gpt2() -> torch.nn.Module:
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=97, n_embd=32, n_layer=2, n_head=4))


def _rows(count: int = 13) -> list[ScoredRow]:
    rng = random.Random(0)
    rows = []
    for _ in range(count):
        ids = [rng.randrange(97) for _ in range(rng.randrange(4, 60))]
        labels = [i if rng.random() < 0.6 else IGNORED for i in ids]
        labels[-1] = ids[-1]
        rows.append(ScoredRow(ids, labels, characters=rng.randrange(1, 90)))
    return rows


def _naive_nll(model: torch.nn.Module, row: ScoredRow) -> float:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([row.input_ids])).logits[0].double()
    log_p = logits.log_softmax(dim=-1)
    return -sum(
        float(log_p[place - 1, label])
        for place, label in enumerate(row.labels)
        if label != IGNORED and place > 0
    )


@pytest.mark.parametrize("build", [_qwen2, _lora, _gpt2])
def test_equals_the_plain_formula_on_full_logits(build):
    model, rows = build().eval(), _rows()
    measured = measure_likelihood(model, rows)
    expected = [_naive_nll(model, row) for row in rows]
    assert measured.nll_nats == pytest.approx(expected, rel=1e-5)
    characters = sum(row.characters for row in rows)
    assert measured.bits_per_character == pytest.approx(
        sum(expected) / characters / math.log(2), rel=1e-6
    )
    assert measured.loss_per_token == pytest.approx(sum(expected) / sum(measured.tokens), rel=1e-6)


@pytest.mark.parametrize("build", [_qwen2, _lora])
def test_the_batch_does_not_change_the_result(build):
    model, rows = build(), _rows(16)
    alone = measure_likelihood(model, rows, max_tokens_per_batch=1)
    eight = measure_likelihood(model, rows, max_tokens_per_batch=8 * 60)
    assert alone.nll_nats == pytest.approx(eight.nll_nats, abs=1e-4)
    assert alone.bits_per_character == pytest.approx(eight.bits_per_character, abs=1e-5)


def test_the_order_of_rows_is_kept():
    model, rows = _qwen2(), _rows()
    forward = measure_likelihood(model, rows, max_tokens_per_batch=128)
    backward = measure_likelihood(model, rows[::-1], max_tokens_per_batch=128)
    assert forward.nll_nats == pytest.approx(backward.nll_nats[::-1], abs=1e-4)
    assert forward.characters == backward.characters[::-1]


def test_every_module_gets_its_own_mode_back():
    model = _qwen2().train()
    model.model.layers[0].eval()
    before = [module.training for module in model.modules()]
    measure_likelihood(model, _rows(2))
    assert [module.training for module in model.modules()] == before


def test_many_positions_pass_the_head_in_pieces(monkeypatch):
    model, rows = _qwen2(), _rows()
    whole = measure_likelihood(model, rows)
    monkeypatch.setattr("migaki.evaluation.likelihood._HEAD_ROWS", 3)
    assert measure_likelihood(model, rows).nll_nats == pytest.approx(whole.nll_nats, abs=1e-5)


def test_a_trained_first_token_is_counted_as_unscored():
    rows = [ScoredRow([5, 6, 7], [5, 6, 7], 3), ScoredRow([5, 6, 7], [IGNORED, 6, 7], 2)]
    measured = measure_likelihood(_qwen2(), rows)
    assert (measured.unscored_tokens, measured.tokens) == (1, (2, 2))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "no held-out rows"),
        ([ScoredRow([1, 2], [IGNORED, 2], 0)], "0 trained characters"),
        ([ScoredRow([1, 2], [1, IGNORED], 4)], "0 trained tokens"),
        ([ScoredRow([1, 2], [1], 4)], "2 tokens but 1 labels"),
    ],
)
def test_nothing_to_measure_is_an_error(rows, words):
    with pytest.raises(DataError, match=words):
        measure_likelihood(_qwen2(), rows)
