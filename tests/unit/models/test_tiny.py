"""The embedded tiny model: what it is, which tokens it reads, and that it speaks Japanese."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

import migaki

FOLDER = Path(migaki.__file__).parent / "models" / "tiny"
JAPANESE = re.compile(r"[ぁ-ゖァ-ヺー一-鿿々]")
PROSE = (
    "昨日は雨が降ったので、一日中家で本を読んでいた。",
    "警察によると、男は容疑を認めているという。",
    "彼は何も言わずに部屋を出て行った。",
    "この川は町の中を流れて、海に注いでいる。",
    "来月から新しい店が駅前に開く予定だ。",
    "子供たちは庭で元気に遊んでいる。",
)
PROMPTS = (
    "昨日の夜、",
    "東京都の",
    "彼は黙って",
    "日本の政府は",
    "私は子供の頃、",
    "その男は",
    "気象庁によると、",
    "山の上から",
    "明日は学校に",
    "「もう帰ろう」と",
)


@cache
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(FOLDER)


@cache
def trained_tokenizer() -> Any:
    """The tokenizer file as it was trained, with nothing replaced on the way."""
    return PreTrainedTokenizerFast(tokenizer_file=str(FOLDER / "tokenizer.json"))


@cache
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32).eval()


def test_is_a_small_qwen2_folder_of_safetensors() -> None:
    names = {f.name for f in FOLDER.iterdir() if f.is_file()}
    assert {
        "README.md", "chat_template.jinja", "config.json", "generation_config.json",
        "model.safetensors", "tokenizer.json", "tokenizer_config.json",
    } <= names  # fmt: skip
    assert not [n for n in names if n.endswith((".bin", ".pt", ".pth", ".pkl", ".ckpt"))]
    assert sum(f.stat().st_size for f in FOLDER.iterdir() if f.is_file()) <= 16_000_000
    config = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "qwen2"
    assert config["tie_word_embeddings"] is True


def test_weights_are_finite_and_match_the_vocabulary() -> None:
    assert all(p.isfinite().all() for p in model().parameters())
    assert model().get_input_embeddings().weight.shape[0] == len(tokenizer())


def test_padding_is_not_the_end_of_a_turn() -> None:
    assert tokenizer().pad_token == "<|endoftext|>"
    assert tokenizer().eos_token == "<|im_end|>"
    assert tokenizer().pad_token_id != tokenizer().eos_token_id
    assert tokenizer().eos_token_id in model().generation_config.eos_token_id
    assert model().generation_config.pad_token_id == tokenizer().pad_token_id


@settings(max_examples=1500, deadline=None)
@given(st.text(max_size=60))
def test_tokens_are_the_trained_ones_for_any_text(text: str) -> None:
    assert tokenizer().encode(text) == trained_tokenizer().encode(text)


@settings(max_examples=1500, deadline=None)
@given(st.text(st.characters(min_codepoint=0x3000, max_codepoint=0x9FFF), max_size=60))
def test_tokens_are_the_trained_ones_for_japanese(text: str) -> None:
    assert tokenizer().encode(text) == trained_tokenizer().encode(text)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_text_comes_back_from_its_tokens(text: str) -> None:
    ids = tokenizer().encode(text, add_special_tokens=False)
    assert tokenizer().decode(ids) == unicodedata.normalize("NFC", text)


def test_every_byte_has_a_token() -> None:
    singles = {t for t in tokenizer().get_vocab() if len(t) == 1}
    assert len(singles) >= 256


def test_chat_template_renders_system_and_turns() -> None:
    chat = [
        {"role": "system", "content": "短く答えて。"},
        {"role": "user", "content": "元気？"},
        {"role": "assistant", "content": "元気だよ。"},
        {"role": "user", "content": "何してた？"},
    ]
    turns = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in chat)
    plain = tokenizer().apply_chat_template(chat, tokenize=False)
    asked = tokenizer().apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    assert plain == turns
    assert asked == turns + "<|im_start|>assistant\n"


def test_chat_template_adds_no_system_message() -> None:
    text = tokenizer().apply_chat_template([{"role": "user", "content": "やあ"}], tokenize=False)
    assert text == "<|im_start|>user\nやあ<|im_end|>\n"


def continuation(prompt: str) -> str:
    inputs = tokenizer()(prompt, return_tensors="pt", add_special_tokens=False)
    out = model().generate(
        **inputs, max_new_tokens=40, do_sample=False, temperature=None, top_p=None
    )
    return tokenizer().decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)


def test_continues_in_japanese() -> None:
    """Kana and kanji among all letters and digits (news is full of dates) of ten continuations."""
    texts = [continuation(prompt) for prompt in PROMPTS]
    assert all(JAPANESE.search(text) for text in texts), texts
    letters = [c for text in texts for c in text if c.isalnum() or c == "ー"]
    assert sum(bool(JAPANESE.match(c)) for c in letters) >= 0.8 * len(letters), texts


@torch.inference_mode()
def test_predicts_japanese_far_better_than_chance() -> None:
    nll, characters = 0.0, 0
    for sentence in PROSE:
        ids = [tokenizer().pad_token_id, *tokenizer().encode(sentence, add_special_tokens=False)]
        tensor = torch.tensor([ids])
        nll += model()(input_ids=tensor, labels=tensor).loss.item() * (len(ids) - 1)
        characters += len(sentence)
    bits = nll / math.log(2) / characters
    chance = math.log2(len(tokenizer())) * 0.5  # a uniform model at two characters a token
    assert bits < 0.85 * chance
    assert bits < 5.2
