"""Measure the embedded model on held-back text, listen to it, and write its model card.

    python scripts/measure_tiny_model.py --data ../shared/data --work /tmp/tiny \
        --model src/migaki/models/tiny --card

Bits per character: the negative log-likelihood of every token of every held-back document and of
its closing <|endoftext|>, divided by characters + 1 per document. Windows of the model's context
slide by half, so every token is scored once. The floor is a character 5-gram model (char_ngram.py)
built from the same training text.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import platform
from collections import defaultdict
from pathlib import Path

import tokenizers
import torch
import transformers
from char_ngram import CharNgram
from tiny_corpus import KINDS, Document, Split, hold_back, read_all
from transformers import AutoModelForCausalLM, AutoTokenizer

from migaki.evaluation.register_consistency import count_registers

# Written for this measurement; none of them is in the training text or the sample data.
PROMPTS = (
    "こんにちは。",
    "今日の天気を教えてください。",
    "東京について教えてください。",
    "台風とは何ですか？",
    "おすすめの本はありますか？",
    "朝ごはんには何を食べますか？",
    "早起きのコツを教えてください。",
    "週末は何をする予定ですか？",
    "駅までの行き方を教えてください。",
    "猫と犬のどちらが好きですか？",
    "日本の首都はどこですか？",
    "簡単な料理を一つ紹介してください。",
    "最近うれしかったことは何ですか？",
    "荷物が届かないのですが、どうすればよいですか？",
    "会議の時間を変えてもらえますか？",
    "風邪をひいたときはどうしたらいい？",
    "春といえば何？",
    "海の生き物について一文で書いて",
    "「雨」という言葉を使って文を書いて",
    "続きを書いて\n男は窓を開けて、外を見た。",
    "続きを書いて\n翌朝、村には雪が積もっていた。",
    "「新しい図書館が開館」という見出しで記事を書いて",
    "「市長選挙、現職が当選」というニュースについて教えてください。",
    "予約を取り消したいのですが。",
    "領収書を発行していただけますか？",
    "ありがとうございました。",
    "友達と仲直りする方法を教えてください。",
    "パソコンが動かないときはどうしますか？",
    "あなたの名前は何ですか？",
    "明日の試合はどうなりましたか？",
)
SHOWN = (1, 6, 12, 18, 24)


@torch.inference_mode()
def document_bits(model, tokenizer, text: str) -> float:
    """Bits of one document with its end, every token scored once under sliding windows."""
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    ids = [end, *tokenizer.encode(text, add_special_tokens=False), end]
    size = model.config.max_position_embeddings
    nll, scored = 0.0, 1
    while scored < len(ids):
        start = max(0, scored - size // 2) if len(ids) > size else 0
        window = torch.tensor(ids[start : start + size])
        logits = model(input_ids=window[None, :-1]).logits[0].float()
        losses = torch.nn.functional.cross_entropy(logits, window[1:], reduction="none")
        nll += losses[scored - start - 1 :].sum().item()
        scored = start + len(window)
    return nll / math.log(2)


def bits_per_character(documents: list[Document], bits_of) -> dict[str, tuple[float, int]]:
    """Per kind and overall: bits per character, and how many characters."""
    bits: dict[str, float] = defaultdict(float)
    chars: dict[str, int] = defaultdict(int)
    for document in documents:
        value = bits_of(document.text)
        for kind in (document.kind, "all"):
            bits[kind] += value
            chars[kind] += len(document.text) + 1
    return {kind: (bits[kind] / chars[kind], chars[kind]) for kind in (*KINDS, "all")}


@torch.inference_mode()
def answer(model, tokenizer, prompt: str, **settings) -> tuple[str, bool]:
    """The answer to one user turn, and whether it ended by itself."""
    chat = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    out = model.generate(**inputs, max_new_tokens=120, **settings)
    new = out[0, inputs["input_ids"].shape[1] :]
    ended = bool(set(new.tolist()) & set(model.generation_config.eos_token_id))
    return tokenizer.decode(new, skip_special_tokens=True).strip(), ended


def listen(model, tokenizer) -> list[dict]:
    """Greedy answers to all prompts (with the card's repetition penalty, as users get them)."""
    heard = []
    for prompt in PROMPTS:
        text, ended = answer(
            model, tokenizer, prompt, do_sample=False, temperature=None, top_p=None
        )
        heard.append({"prompt": prompt, "answer": text, "ended": ended})
    return heard


def floor(split: Split, work: Path) -> dict[str, tuple[float, int]]:
    """The 5-gram's bits per character, kept in the work folder under a hash of the text."""
    text = "\0".join(d.text for d in (*split.train, *split.held_back))
    path = work / f"floor-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    if not path.exists():
        ngram = CharNgram((d.text for d in split.train), order=5)
        path.write_text(json.dumps(bits_per_character(split.held_back, ngram.bits)))
    return json.loads(path.read_text())


def measure(args: argparse.Namespace, split: Split) -> dict:
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    heard = listen(model, tokenizer)
    return {
        "model": bits_per_character(
            split.held_back, lambda text: document_bits(model, tokenizer, text)
        ),
        "ngram": floor(split, args.work),
        "heard": heard,
        "polite": count_registers(h["answer"] for h in heard).polite_share or 0.0,
        "ended": sum(h["ended"] for h in heard) / len(heard),
        "parameters": model.num_parameters(),
        "bytes": sum(f.stat().st_size for f in args.model.iterdir() if f.is_file()),
        "vocabulary": len(tokenizer),
        "layers": model.config.num_hidden_layers,
        "hidden": model.config.hidden_size,
        "characters_per_token": sum(len(d.text) for d in split.held_back)
        / sum(len(tokenizer.encode(d.text)) for d in split.held_back),
    }


# --- the card -----------------------------------------------------------------------------------


def source_table(split: Split) -> str:
    """Per source: licence, and the characters that trained and that were held back."""
    rows: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for place, documents in enumerate((split.train, split.held_back)):
        for d in documents:
            source = "青空文庫 (20 works, see below)" if d.kind == "aozora" else d.source
            rows[d.kind, source, d.license][place] += len(d.text)
    lines = [
        "| kind | source | licence | characters trained | measured |",
        "|---|---|---|--:|--:|",
    ]
    for (kind, source, licence), (trained, held) in rows.items():
        lines.append(f"| {kind} | {source} | {licence} | {trained:,} | {held:,} |")
    return "\n".join(lines)


def bits_table(result: dict) -> str:
    lines = [
        "| kind | characters | this model | character 5-gram | difference |",
        "|---|--:|--:|--:|--:|",
    ]
    for kind in (*KINDS, "all"):
        mine, chars = result["model"][kind]
        floor, _ = result["ngram"][kind]
        cells = [f"**{v:.3f}**" if v == min(mine, floor) else f"{v:.3f}" for v in (mine, floor)]
        lines.append(f"| {kind} | {chars:,} | {' | '.join(cells)} | {mine / floor - 1:+.1%} |")
    return "\n".join(lines)


def card(result: dict, split: Split, facts: dict) -> str:
    works = sorted({d.source.split(": ")[1] for d in split.train if d.kind == "aozora"})
    shown = "\n".join(
        f"- {h['prompt']!r} → {h['answer']}"
        for h in (result["heard"][number - 1] for number in SHOWN)
    )
    return CARD.format(
        parameters=result["parameters"],
        size=result["bytes"] / 2**20,
        vocabulary=result["vocabulary"],
        layers=result["layers"],
        hidden=result["hidden"],
        bits=bits_table(result),
        sources=source_table(split),
        works="、".join(works),
        dropped=split.dropped,
        polite=result["polite"],
        ended=result["ended"],
        shown=shown,
        numbers=", ".join(map(str, SHOWN)),
        prompts=len(PROMPTS),
        per_token=result["characters_per_token"],
        torch=torch.__version__,
        transformers=transformers.__version__,
        tokenizers=tokenizers.__version__,
        python=platform.python_version(),
        **{k: facts[k] for k in ("tokens", "steps", "passes", "minutes", "seed", "device")},
        command=facts["command"],
        chats=facts["chat_share"],
        temperature=facts["temperature"],
        dropout=facts["dropout"],
    )


CARD = """\
---
language: ja
license: other
license_name: mixed-cc-by-and-public-domain
library_name: transformers
pipeline_tag: text-generation
---
# migaki tiny: a very small Japanese model

Made to be fine-tuned in a minute on two CPU cores and to show a real effect. It knows no facts and
must not be asked for any. {parameters:,} parameters, Qwen2 architecture ({layers} layers, hidden
{hidden}, tied embeddings, context 1,024), byte-level BPE of {vocabulary:,} tokens made for Japanese
with Qwen2's own normalizer and pre-tokenizer ({per_token:.2f} characters a token), bf16 safetensors,
{size:.1f} MiB in all. ChatML template; a turn ends with `<|im_end|>`, a text with `<|endoftext|>`
(also the padding).

## Bits per character on held-back text
5 % of the documents of each kind, chosen by a hash, were seen by neither tokenizer nor model; {dropped}
training documents too like one of them were left out. Half of the 5 % calibrated one number (the
logits are divided by {temperature:.2f}, by way of the last norm); the other half is measured here. Every token
and the end of each document is scored once; lower is better. The floor is a character 5-gram model (interpolated modified
Kneser–Ney) built from the same text, to which an unknown character costs only its class.

{bits}

The held-back Aozora text is other passages of the same twenty works, so that kind measures style
and vocabulary of known authors. KeiCO says one thing at several levels of politeness: what is left
after removing near-duplicates can still be a paraphrase of training text, for both models alike.

## How it speaks
Mostly plain form (常体), so that fine-tuning on polite text shows. Of all sentences in its greedy
answers to {prompts} fixed prompts (`scripts/measure_tiny_model.py`), {polite:.0%} end politely;
{ended:.0%} of the answers end by themselves within 120 tokens. Answers to prompts {numbers} of that
list (the numbers were fixed before the model was trained; greedy, repetition penalty 1.2):

{shown}

## Training
{tokens:,} tokens seen ({steps:,} steps, {passes} passes), {minutes} minutes on {device}, seed
{seed}; Muon for the matrices, AdamW for the rest, dropout {dropout}, learning rate falling to zero. About {chats:.0%} of the
tokens are chats phrased anew in each pass by `scripts/tiny_chats.py`: user turns written by the
project, answers word for word from the text below, plain form only.

    {command}

Python {python}, torch {torch}, transformers {transformers}, tokenizers {tokenizers}. The run is
paced by the clock, so another machine gives other weights. Settings were chosen over earlier runs
while held-back loss was read, so the figures above are slightly optimistic for the model.

## Text and licences
{sources}

青空文庫: {works}. Public domain in Japan; 青空文庫収録ファイルの取り扱い規準. Wikinews: © the contributors of
ja.wikinews.org, by way of tm4roon/jawikinews-headline-dataset. KeiCO: Liu & Kobayashi 2022.
日英中基本文データ: Kyoto University and NICT. Python documentation: © Python Software Foundation and the
translators. Vue documentation: © the Vue translation team. Changes made here: markup, code, source
lists and repeated passages removed. The weights may be used under the terms of CC BY 4.0 with these
credits; no CC BY-SA text was used.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="the training run's work folder")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--card", action="store_true", help="write README.md into the model folder")
    args = parser.parse_args()
    split = hold_back(read_all(args.data))
    result = measure(args, split)
    (args.work / "measured.json").write_text(
        json.dumps(result, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    print(bits_table(result))
    print(f"polite {result['polite']:.1%}  ended {result['ended']:.1%}")
    for h in result["heard"]:
        print(f"{h['prompt']!r}  →  {h['answer']}")
    if args.card:
        facts = json.loads((args.work / "training.json").read_text(encoding="utf-8"))
        (args.model / "README.md").write_text(card(result, split, facts), encoding="utf-8")


if __name__ == "__main__":
    main()
