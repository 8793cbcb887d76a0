"""The workload: a model with random weights, chats as token ids, the adapters training starts from.

    python workload.py FOLDER --data ../shared/data --rows 2000

2,000 Japanese chats of 20-400 characters in ChatML. The 8,000 tokens of byte-level BPE are learnt
from 800 other chats of the same sources, for a tokenizer knows the style of what it will meet, not
its sentences: 88 tokens a chat. The model is a Qwen2 of 4 layers and hidden size 256. Everything
follows from fixed seeds; `facts.json` holds the counts and a hash of the rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from pathlib import Path
from typing import Any

from job import BATCH, LORA_ALPHA, LORA_RANK, LORA_TARGETS, MAX_TOKENS, SEED

SOURCES = ("dialogue/asdc_customer_service_chat.jsonl", "instruct/instruction_ja.jsonl")
SHORTEST, LONGEST = 20, 400
TOKENIZER_CHATS = 800
VOCABULARY = 8000
PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
UNTRAINED = -100

Chat = list[dict[str, str]]
Row = dict[str, list[int]]


def make(folder: Path, data: Path, count: int) -> None:
    """Write everything that a tool is given."""
    folder.mkdir(parents=True, exist_ok=True)
    chats, others = choose_chats(data, count)
    tokenizer = train_tokenizer(others)
    model_folder = folder / "model"
    tokenizer.save_pretrained(model_folder)
    rows = [encode(chat, tokenizer) for chat in chats]
    with_all = [{**row, "labels": row["input_ids"]} for row in rows]
    _write_rows(folder / "all.jsonl", with_all)
    _write_rows(folder / "answers.jsonl", rows)
    _write_rows(folder / "all-check.jsonl", with_all[:BATCH])
    _write_rows(folder / "answers-check.jsonl", rows[:BATCH])
    parameters = write_model(model_folder, tokenizer)
    write_adapter(model_folder, folder / "adapter")
    facts = {
        "rows": len(rows),
        "characters": sum(len(message["content"]) for chat in chats for message in chat),
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "longest": max(len(row["input_ids"]) for row in rows),
        "trained_tokens": {"all": count_trained(with_all), "answers": count_trained(rows)},
        "parameters": parameters,
        "sources": list(SOURCES),
        "batch": BATCH,
        "sha256": hashlib.sha256((folder / "answers.jsonl").read_bytes()).hexdigest(),
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")


def choose_chats(data: Path, count: int) -> tuple[list[Chat], list[Chat]]:
    """Read the chats to train on and those that the tokenizer is learnt from."""
    chats: list[Chat] = []
    for source in SOURCES:
        for line in (data / source).read_text(encoding="utf-8").splitlines():
            chat = json.loads(line)["messages"]
            if SHORTEST <= sum(len(message["content"]) for message in chat) <= LONGEST:
                chats.append(chat)
    if len(chats) < count + TOKENIZER_CHATS:
        raise SystemExit(
            f"{data} holds {len(chats)} chats of {SHORTEST}-{LONGEST} characters; {count} rows need "
            f"{count + TOKENIZER_CHATS}."
        )
    random.Random(SEED).shuffle(chats)
    return chats[:count], chats[-TOKENIZER_CHATS:]


def train_tokenizer(chats: list[Chat]) -> Any:
    """Learn byte-level BPE."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    texts = [message["content"] for chat in chats for message in chat]
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END)


def encode(chat: Chat, tokenizer: Any) -> Row:
    """Write a chat in ChatML; of each answer the text and its end are trained."""
    ids: list[int] = []
    labels: list[int] = []
    for message in chat:
        before = tokenizer.encode(f"{START}{message['role']}\n", add_special_tokens=False)
        answer = tokenizer.encode(message["content"] + END, add_special_tokens=False)
        after = tokenizer.encode("\n", add_special_tokens=False)
        trained = message["role"] == "assistant"
        ids += before + answer + after
        labels += [UNTRAINED] * len(before)
        labels += answer if trained else [UNTRAINED] * len(answer)
        labels += [UNTRAINED] * len(after)
    ids, labels = ids[:MAX_TOKENS], labels[:MAX_TOKENS]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def count_trained(rows: list[Row]) -> int:
    """Count tokens with a loss; the first of a row has nothing to be predicted from."""
    return sum(label != UNTRAINED for row in rows for label in row["labels"][1:])


def write_model(folder: Path, tokenizer: Any) -> int:
    """Write a Qwen2 with random weights; returns its parameters."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=VOCABULARY, hidden_size=256, intermediate_size=1344, num_hidden_layers=4,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=MAX_TOKENS,
            tie_word_embeddings=True, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    return int(model.num_parameters())


def write_adapter(model: Path, folder: Path) -> None:
    """Write the adapters that every tool starts from."""
    import torch
    from transformers import AutoModelForCausalLM

    from migaki.models.adapters import attach_lora

    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    adapted = attach_lora(
        base, r=LORA_RANK, lora_alpha=LORA_ALPHA, lora_dropout=0.0,
        target_modules=LORA_TARGETS, seed=SEED,
    )  # fmt: skip
    adapted.save_pretrained(folder)


def _write_rows(path: Path, rows: list[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=2000)
    given = parser.parse_args()
    make(given.folder, given.data, given.rows)
