"""Tiny random models on disk, to be loaded or broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.models.tiny_random import make_model, make_tokenizer
from transformers import PreTrainedTokenizerFast


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer()


@pytest.fixture(scope="session")
def _saved(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Path:
    root = tmp_path_factory.mktemp("models")
    for family in ("qwen2", "llama", "gpt_neox", "stablelm"):
        make_model(family).save_pretrained(root / family)
        tokenizer.save_pretrained(root / family)
    return root


@pytest.fixture
def model_folder(_saved: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that copies a saved model of a family, to be used or broken."""

    def copy(family: str = "qwen2", name: str = "model") -> Path:
        return Path(shutil.copytree(_saved / family, tmp_path / name))

    return copy
