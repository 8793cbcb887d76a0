"""What a recipe trains is counted, and what is not there refused, before anything is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.models.tiny_random import make_model, make_tokenizer

from migaki.config import build
from migaki.errors import MigakiError, MissingExtraError
from migaki.models import low_bit
from migaki.models.adapters import attach_lora, count_parameters
from migaki.recipes.recipe import Recipe
from migaki.recipes.trained_weights import TrainedWeights, find_trained_weights

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    make_model().save_pretrained(path)
    return path


def find(folder: Path, device: torch.device = CPU, **settings: Any) -> TrainedWeights | None:
    recipe = build(Recipe, {"model": {"name": str(folder)}, **settings}, where="the test")
    return find_trained_weights(recipe, make_tokenizer(), device)


@pytest.mark.parametrize(
    ("lora", "same"),
    [
        ({"r": 4}, {"r": 4}),
        ({"r": 4, "use_dora": True}, {"r": 4, "use_dora": True}),
        ({"r": 4, "trainable_tokens": ["<|im_start|>", 9]}, {"r": 4, "token_ids": [1, 9]}),
    ],
)
def test_adapters_are_counted_as_they_will_be(
    folder: Path, lora: dict[str, Any], same: dict[str, Any]
) -> None:
    trained, total = count_parameters(attach_lora(make_model(), **same))
    assert find(folder, lora=lora) == TrainedWeights(trained, total)


def test_frozen_weights_are_not_counted(folder: Path) -> None:
    whole = find(folder, method="full")
    part = find(folder, method="full", training={"freeze": ["model.layers.0.*"]})
    assert whole is not None
    assert part is not None
    assert whole.trained == whole.total == part.total
    frozen = sum(p.numel() for n, p in make_model().named_parameters() if "layers.0." in n)
    assert part.trained == whole.total - frozen


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"lora": {"target_modules": ["c_attn"]}}, "c_attn"),
        ({"lora": {"trainable_tokens": ["無い字"]}}, "無い字"),
        ({"lora": {"trainable_tokens": [400]}}, "the id 400"),
        ({"method": "full", "training": {"freeze": ["transformer.*"]}}, "matches no weight"),
        ({"method": "full", "training": {"freeze": ["*"]}}, "freezes all"),
        ({"training": {"optimizer": "paged_adamw"}}, "adamw_8bit"),
    ],
)
def test_what_is_not_there_is_said_first(
    folder: Path, settings: dict[str, Any], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_bit.importlib.util, "find_spec", lambda _: object())
    with pytest.raises(MigakiError, match=named):
        find(folder, **settings)


def test_qlora_without_bitsandbytes_is_said_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_bit.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"migaki\[quantization\]"):
        find(folder, method="qlora")
