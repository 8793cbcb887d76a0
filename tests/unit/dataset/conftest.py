"""A small real tokenizer with the control tokens of every family, trained in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from tests.unit.dataset.chat_templates import CHATML
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "<start_of_turn>", "<end_of_turn>", "<｜User｜>",
    "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>",
    "<|begin_of_text|>",
]  # fmt: skip
TAGS = ["<think>", "</think>", "<tool_call>", "</tool_call>"]
TEXT = [
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "ご質問ありがとうございます。はい、承知いたしました。お手伝いいたします。",
    "### 指示:\n東京の天気を教えてください。\n\n### 回答:\n今日は晴れです。",
    "Hello, how are you? The quick brown fox.\n\nuser\nassistant\nsystem\nmodel\n",
] * 5


@cache
def _backend() -> str:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=SPECIAL,
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.add_tokens([AddedToken(tag, normalized=False, special=False) for tag in TAGS])
    return str(tokenizer.to_str())


def make_tokenizer(template: str | None = CHATML, **named: str) -> PreTrainedTokenizerFast:
    names = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<|endoftext|>", **named}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(_backend()), **names)
    tokenizer.chat_template = template
    return tokenizer


@pytest.fixture(scope="session")
def tokenizer_with() -> Callable[..., Any]:
    """Make a tokenizer with a chat template and named tokens."""
    return make_tokenizer


@pytest.fixture
def tokenizer() -> PreTrainedTokenizerFast:
    """ChatML, ending turns with <|im_end|>."""
    return make_tokenizer(CHATML, eos_token="<|im_end|>")
