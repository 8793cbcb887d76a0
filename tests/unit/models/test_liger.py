"""When Liger's kernels are tried, and that a patch can be taken back whole."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from migaki.errors import MissingExtraError, UsageError
from migaki.models.liger import choose_liger
from migaki.models.patches import Patch

qwen2 = importlib.import_module("transformers.models.qwen2.modeling_qwen2")


@pytest.fixture
def model() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1,
        )
    )  # fmt: skip


def test_the_reason_says_what_is_missing(model: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_liger("never", model, torch.device("cuda")) == (False, "liger=never")
    assert "is on cpu" in choose_liger("auto", model, torch.device("cpu"))[1]
    monkeypatch.setattr("migaki.models.liger.find_spec", lambda _: None)
    assert "migaki[liger]" in choose_liger("auto", model, torch.device("cuda"))[1]


def test_what_is_asked_for_and_cannot_be_is_an_error(
    model: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="is on cpu"):
        choose_liger("always", model, torch.device("cpu"))
    monkeypatch.setattr("migaki.models.liger.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"migaki\[liger\]"):
        choose_liger("always", model, torch.device("cuda"))


def test_a_patch_is_taken_back_whole(model: Qwen2ForCausalLM) -> None:
    ids = torch.arange(6).unsqueeze(0)
    before = model(input_ids=ids).logits
    norm_class, rotate = qwen2.Qwen2RMSNorm, qwen2.apply_rotary_pos_emb

    def change(target: nn.Module) -> None:  # as kernel libraries do it: classes, functions, methods
        qwen2.Qwen2RMSNorm = nn.Identity
        qwen2.apply_rotary_pos_emb = lambda q, k, *_, **__: (q, k)
        for module in target.modules():
            if type(module) is norm_class:
                module.__dict__["forward"] = lambda hidden: hidden * 0.5
                module.variance_epsilon, module.extra = 1.0, "new"

    patch = Patch(model, change)

    assert patch.changed == 5  # two layers with two norms each, one behind them
    assert qwen2.Qwen2RMSNorm is norm_class  # models loaded meanwhile are as ever
    assert qwen2.apply_rotary_pos_emb is not rotate
    assert not torch.equal(model(input_ids=ids).logits, before)
    patch.undo()
    assert qwen2.apply_rotary_pos_emb is rotate
    assert not hasattr(model.model.norm, "extra")
    assert torch.equal(model(input_ids=ids).logits, before)


def test_a_change_that_fails_half_way_leaves_nothing(model: Qwen2ForCausalLM) -> None:
    def change(target: nn.Module) -> None:
        next(iter(target.modules())).__dict__["forward"] = None
        raise RuntimeError("no driver")

    with pytest.raises(RuntimeError, match="no driver"):
        Patch(model, change)
    assert "forward" not in vars(model)
