"""`JapaneseModel` keeps its specified signature and says what it tried."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.models.test_loading import Folder

from migaki.errors import ModelError, UsageError
from migaki.models.base import BaseModel
from migaki.models.japanese_model import JapaneseModel


def defaults(function: Any) -> list[tuple[str, Any]]:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return [(p.name, p.default) for p in parameters]


def test_signatures_are_the_specified_ones() -> None:
    empty = inspect.Parameter.empty
    common = [
        ("device", None),
        ("load_in_8bit", False),
        ("load_in_4bit", False),
        ("torch_dtype", None),
    ]
    assert defaults(BaseModel.__init__) == [("model_name", empty), *common]
    assert defaults(JapaneseModel.__init__) == [
        ("model_name", "stabilityai/japanese-stablelm-3b-4e1t-instruct"),
        *common,
        ("use_flash_attention", True),
        ("gradient_checkpointing", False),
    ]
    assert defaults(JapaneseModel.generate_japanese) == [
        ("instruction", empty),
        ("input_text", None),
        ("max_new_tokens", 512),
        ("temperature", 0.7),
        ("top_p", 0.9),
        ("top_k", 50),
        ("do_sample", True),
        ("kwargs", empty),
    ]
    assert defaults(JapaneseModel.load_with_fallback) == [("fallback_models", None)]
    assert BaseModel.__abstractmethods__ == {"load_model", "load_tokenizer"}


def test_generates_and_loads_once(model_folder: Folder) -> None:
    model = JapaneseModel(str(model_folder()), torch.device("cpu"))
    answer = model.generate_japanese("要約して。", "猫がいる。", max_new_tokens=8, do_sample=False)
    assert answer == model.generate_japanese("要約して。", "猫がいる。", 8, temperature=0)
    assert answer != model.generate_japanese("要約して。", max_new_tokens=8, do_sample=False)
    assert model.load_model() is model.load_model()
    assert model.load_tokenizer() is model.load_tokenizer()
    assert model.load_model().dtype == torch.float32


def test_seed_and_unknown_option(model_folder: Folder) -> None:
    model = JapaneseModel(str(model_folder()), torch.device("cpu"))
    one = model.generate_japanese("猫", max_new_tokens=12, seed=3)
    assert one == model.generate_japanese("猫", max_new_tokens=12, seed=3)
    with pytest.raises(UsageError, match="temprature"):
        model.generate_japanese("猫", max_new_tokens=4, temprature=1)
    with pytest.raises(UsageError, match="empty"):
        model.generate_japanese(" ")


def test_gradient_checkpointing_is_switched_on(model_folder: Folder) -> None:
    model = JapaneseModel(str(model_folder()), torch.device("cpu"), gradient_checkpointing=True)
    inner: Any = model.load_model()
    assert inner.model.layers[0].gradient_checkpointing


def test_both_quantizations_are_refused_at_once() -> None:
    with pytest.raises(UsageError, match="both set"):
        JapaneseModel(load_in_8bit=True, load_in_4bit=True)


def test_fallback_says_what_it_tried(model_folder: Folder, tmp_path: Path) -> None:
    good = str(model_folder())
    model = JapaneseModel(str(tmp_path / "none"), torch.device("cpu"))
    assert model.load_with_fallback([str(tmp_path / "nothing"), good])
    assert [(name, outcome) for name, outcome, _ in model.load_report] == [
        (str(tmp_path / "none"), "failed"),
        (str(tmp_path / "nothing"), "failed"),
        (good, "loaded"),
    ]
    assert "does not exist" in model.load_report[0][2]
    assert model.model_name == good


def test_no_fallback_works(tmp_path: Path) -> None:
    model = JapaneseModel(str(tmp_path / "none"))
    assert not model.load_with_fallback([])
    assert model.model_name == str(tmp_path / "none")
    assert model.model is None
    with pytest.raises(ModelError):
        model.load_model()


def test_list_is_a_copy() -> None:
    listed = JapaneseModel.list_supported_models()
    listed["elyza/Llama-3-ELYZA-JP-8B"]["licence"] = "?"
    assert JapaneseModel.list_supported_models()["elyza/Llama-3-ELYZA-JP-8B"]["licence"] == "llama3"
