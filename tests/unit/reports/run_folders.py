"""Run folders built by code: a realistic one, and the means to damage it."""

from __future__ import annotations

import math
from pathlib import Path

from migaki.atomic import write_json, write_jsonl, write_text
from migaki.evaluation.answers import Answer, Prompt
from migaki.evaluation.likelihood import Likelihood
from migaki.evaluation.runner import Measurement, compare

DIALOGUES = [
    ("駅までどうやって行けばいい？", "駅は近い。歩いて五分くらいだ。道は分かると思う。",
     "駅までは歩いて五分ほどです。ホテルを出て右にお進みください。"),
    ("朝ごはんは何時から？", "朝ごはんは七時からだった。食堂に行くのがいい。",
     "朝食は午前七時からご用意しております。一階の食堂へお越しください。"),
    ("禁煙の部屋はある？", "禁煙の部屋がある。部屋は広い。部屋は広い。部屋は広い。",
     "はい、禁煙のお部屋もございます。ご希望の広さはおありでしょうか？"),
    ("荷物を預かってほしい。", "荷物は重いものです。", "かしこまりました。フロントでお預かりいたします。"),
    ("おすすめの店を教えて。", "「すし一」という店がうまいよ。昼は混むけどね。",
     "「すし一」が人気です。お昼は混み合いますので、ご予約をおすすめします。"),
    ("明日の天気は？", "明日は雨が降るだろう。傘を持っていこう。", "明日は雨の予報です。傘をお持ちになると安心ですよ。"),
    ("車で行ける？", "車で行ける。駐車場は", "はい、お車でもお越しいただけます。駐車場は二十台分ございます。"),
    ("英語のメニューはある？", "メニュー", "英語のメニューもあるよ。"),
]  # fmt: skip

COMMAND = "migaki train --data chats.jsonl --name polite-hotel"


def measurements() -> tuple[Measurement, Measurement]:
    sides = []
    for side, (scale, cut) in enumerate(((2.31, 6), (1.42, -1))):
        characters = tuple(40 + 7 * (n % 9) for n in range(60))
        likelihood = Likelihood(
            nll_nats=tuple(
                c * scale * (1 + (0.1 + 0.2 * side) * math.sin(n * (3 + side)))
                for n, c in enumerate(characters)
            ),
            tokens=tuple(c // 2 for c in characters),
            characters=characters,
            unscored_tokens=0,
        )
        answers = tuple(
            Answer(Prompt(f"hotel-{n}", row[0], "hotel"), row[1 + side], n == cut)
            for n, row in enumerate(DIALOGUES)
        )
        settings = {
            "seed": 42,
            "decoding": "greedy",
            "max_new_tokens": 48,
            "rows": 60,
            "prompts": 8,
        }
        sides.append(Measurement(likelihood, answers, settings))
    return sides[0], sides[1]


def metrics(steps: int = 150) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for step in range(5, steps + 1, 5):
        loss = 2.1 + 2.2 * math.exp(-step / 40) + 0.08 * math.sin(step * 1.7)
        rate = 3e-3 * min(step / 10, 1 - step / (steps + 10))
        rows.append(
            {"split": "train", "step": step, "epoch": step / 50, "loss": loss, "grad_norm": 0.9 + 0.3 * math.cos(step),
             "learning_rate": rate, "tokens_per_s": 4100 + 300 * math.sin(step / 9), "characters_per_s": 6900.0}
        )  # fmt: skip
        if step % 50 == 0:
            held_out = 2.3 + 1.9 * math.exp(-step / 45)
            rows.append({"split": "eval", "step": step, "epoch": step / 50, "loss": held_out, "tokens": 3100,
                         "bits_per_character": held_out * 0.87, "runtime": 1.2})  # fmt: skip
    return rows


def environment() -> dict[str, object]:
    return {
        "created_at": "2026-11-22T06:30:00+0900",
        "command": COMMAND,
        "migaki": {"version": "0.1.0", "commit": "61dc9c54d4b94f5a8021fe61dc9c54d4b94f5a80"},
        "python": "3.11.9",
        "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
        "packages": {"torch": "2.13.0+cpu", "transformers": "5.23.0", "peft": "0.21.2"},
        "hardware": {"device": "cpu", "backend": "CPU", "cpu": "Intel Xeon Platinum 8488C", "cores": 2,
                     "memory_gib": 23.4, "gpus": []},
        "seed": 42,
        "precision": {"dtype": "float32", "reason": "no GPU; this CPU gains nothing from bfloat16"},
    }  # fmt: skip


def data() -> dict[str, object]:
    return {
        "files": [
            {"path": "data/chats.jsonl", "rows": 912, "format": "messages", "encoding": "utf-8",
             "format_reason": "every row has 'messages' with 'role' and 'content'",
             "licences": {"CC BY 4.0": 900, "CC0": 12}, "sha256": "ab" * 32,
             "sources": [{"source": "megagonlabs/asdc", "licence": "CC BY 4.0", "rows": 900},
                         {"source": "news", "licence": "CC BY-SA 4.0", "rows": 8},
                         {"source": "chats.jsonl", "licence": "", "rows": 4}]},
        ],
        "rows_read": 912, "rows_kept": 905,
        "rejected": {"no assistant turn": 5, "empty conversation": 2},
        "overlong": {"rows": 3, "policy": "truncate", "tokens_total_lost": 412, "tokens_trained_lost": 120},
        "train": {"rows": 845, "tokens": 91_204, "trained_tokens": 48_310, "characters": 152_880,
                  "tokens_median": 98, "tokens_p95": 201, "tokens_longest": 512},
        "validation": {"rows": 60, "tokens": 6_420, "trained_tokens": 3_100, "characters": 10_790,
                       "tokens_median": 99, "tokens_p95": 188, "tokens_longest": 301},
        "notes": {"turns after the last answer left out": 83}, "warnings": [], "end_of_turn": ["<|im_end|>"],
        "template": "the chat template of the tokenizer", "text_ends_with": None,
        "split": {"method": "near-duplicates stay on one side (MinHash, Jaccard 0.7)", "groups": 871},
    }  # fmt: skip


RECIPE = """# migaki train polite-hotel/run.yaml
name: polite-hotel
output_dir: runs
method: lora
model: {name: migaki-tiny, dtype: auto}
data: {train: [data/chats.jsonl], max_tokens: 512}
lora: {r: 16, lora_alpha: 32, target_modules: null}
training: {learning_rate: 3.0e-3, batch_size: 16, gradient_accumulation_steps: 1, num_epochs: 3, seed: 42}
"""


def make_run(folder: Path) -> Path:
    """Build a completed run."""
    folder.mkdir(parents=True)
    before, after = measurements()
    write_text(folder / "run.yaml", RECIPE)
    write_json(folder / "environment.json", environment())
    write_json(folder / "data.json", data())
    write_json(
        folder / "plan.json",
        {"recipe": "first-run", "model": "migaki-tiny", "method": "lora", "parameters": 4_720_000,
         "device": "cpu", "steps": 150, "training_seconds": 41.0,
         "choices": {"recipe": "built-in 'first-run'", "precision": "float32: no GPU",
                     "available memory": "free memory of this machine"},
         "warnings": ["The licence of 12 rows asks for nothing, that of 900 for attribution."]},
    )  # fmt: skip
    write_json(
        folder / "status.json",
        {"state": "completed", "message": "",
         "seconds": {"load": 1.2, "before": 6.4, "train": 62.31, "save": 0.4, "after": 6.1}},
    )  # fmt: skip
    write_json(folder / "evaluation.json", compare(before, after))
    write_jsonl(folder / "samples.jsonl", after.sample_rows(before=before))
    write_jsonl(folder / "metrics.jsonl", metrics())
    write_jsonl(
        folder / "rejected.jsonl",
        [{"path": "data/chats.jsonl", "line": n, "reason": "no assistant turn"} for n in (17, 88)],
    )
    return folder
