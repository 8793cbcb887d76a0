"""Tiny random models of four families with a real byte-level BPE tokenizer, made in a second."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    StableLmConfig,
    StableLmForCausalLM,
)

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_TEXTS = [
    "今日は良い天気です。散歩に行きましょう。",
    "吾輩は猫である。名前はまだ無い。",
    "機械学習とは、データから規則を学ぶ技術である。",
    "東京と大阪のどちらが好きですか。",
] * 20
_SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "initializer_range": 0.4,  # large enough that answers differ
}


def make_tokenizer(**options: Any) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE of 400 tokens on a few sentences."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXTS, trainer)
    options = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"} | options
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **options)
    fast.chat_template = CHATML
    return fast


def make_model(family: str = "qwen2", *, vocabulary: int = 400, **options: Any) -> Any:
    """Make a random model; the same every time."""
    sizes = {**_SIZES, "vocab_size": vocabulary, "eos_token_id": 2, "pad_token_id": 0, **options}
    torch.manual_seed(0)
    if family == "gpt_neox":
        return GPTNeoXForCausalLM(GPTNeoXConfig(**sizes)).eval()
    sizes.setdefault("num_key_value_heads", 2)
    made = {
        "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**sizes)),
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**sizes)),
        "stablelm": lambda: StableLmForCausalLM(StableLmConfig(**sizes)),
    }
    return made[family]().eval()
