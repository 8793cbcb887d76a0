"""A model that trains in seconds: random Qwen2, two layers, with a tokenizer made on the spot."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from migaki.training.config import TrainingConfig


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Keep sums in one order, and leave the other cores to other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes as tokens: every text encodes, and decodes to itself."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*alphabet, "<|pad|>", "<|end|>"])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>"
    )


def make_model(seed: int = 0, **changes: Any) -> Qwen2ForCausalLM:
    torch.manual_seed(seed)
    config = {
        "vocab_size": 258,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
        "attention_dropout": 0.0,
        "eos_token_id": 257,
        "pad_token_id": 256,
    }
    return Qwen2ForCausalLM(Qwen2Config(**{**config, **changes}))


@dataclass
class Rows:
    """Tokenised rows, as migaki.dataset makes them."""

    rows: list[dict[str, list[int]]]
    trained_characters: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return self.rows[index]


def make_rows(count: int, *, seed: int = 0, shortest: int = 4, longest: int = 40) -> Rows:
    """Rows of unequal length with unequal shares of trained tokens, learnable by a tiny model."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        length = rng.randint(shortest, longest)
        start = rng.randint(0, 9)
        ids = [65 + (start + i) % 10 for i in range(length)]
        prompt = rng.randint(0, length - 2)
        rows.append({"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]})
    return Rows(rows, trained_characters=[sum(x != -100 for x in r["labels"]) for r in rows])


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer()


def make_config(folder: Path, **changes: Any) -> TrainingConfig:
    """A configuration for runs of a few steps."""
    values: dict[str, Any] = {
        "learning_rate": 3e-3,
        "batch_size": 4,
        "gradient_accumulation_steps": 2,
        "num_epochs": 2,
        "warmup_steps": 0,
        "logging_steps": 1,
        "eval_steps": 3,
        "save_steps": 100,
        "output_dir": str(folder),
    }
    return TrainingConfig(**{**values, **changes})


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., TrainingConfig]:
    """make_config() whose runs go into the test's own folder."""
    return functools.partial(make_config, tmp_path / "run")
