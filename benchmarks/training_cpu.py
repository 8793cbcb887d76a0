"""One fine-tuning workload on a CPU, by migaki and by plain TRL, in one go.

    python benchmarks/training_cpu.py --data ../shared/data --repeats 3

2,000 Japanese chats of 20-400 characters; a Qwen2 of 4 layers, hidden size 256 and 8,000 tokens of
byte-level BPE, random weights from a fixed seed; LoRA r=16 on all linear layers but the head; one
epoch, batch 8, at most 512 tokens, float32, AdamW, no activation checkpointing.

Fair means: both get the same token ids and train on all of them, start from the same weights and
the same adapters, log every 10 steps and save once at the end; each run is a fresh process, and the
tools take turns, so that a busy moment of the machine hits both. The losses of the first three steps
on one fixed batch must agree before anything is timed. Timed is the training call alone (loading
and tokenising are not). Needs `pip install 'migaki[bench]'`.

Four ways are run: each tool as it comes (migaki groups rows by length, TRL shuffles them), and each
with the other's order of rows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

SOURCES = ("dialogue/asdc_customer_service_chat.jsonl", "instruct/instruction_ja.jsonl")
SHORTEST, LONGEST = 20, 400
VOCABULARY = 8000
MAX_TOKENS = 512
BATCH = 8
SEED = 42
RATE = 2e-4
CHECK_STEPS = 3
TOLERANCE = 1e-3
WAYS = {
    "migaki": "as it comes: rows grouped by length",
    "trl": "as it comes: rows shuffled",
    "migaki-shuffled": "rows shuffled, as TRL does",
    "trl-grouped": "train_sampling_strategy=group_by_length",
}


def main() -> int:
    given = _arguments()
    if given.worker:
        print(json.dumps(_work(given.worker, Path(given.folder), check=given.check)))
        return 0
    with tempfile.TemporaryDirectory(prefix="migaki-bench-") as name:
        folder = Path(name)
        facts = _prepare(folder, Path(given.data), given.rows)
        print(
            f"{facts['rows']:,} chats, {facts['tokens']:,} tokens, "
            f"{facts['parameters']:,} parameters; {given.repeats} repeats"
        )
        losses = {tool: _run(tool, folder, check=True)["losses"] for tool in ("migaki", "trl")}
        _compare_losses(losses)
        runs = _take_turns(folder, given.ways, given.repeats)
    result = {"workload": facts, "first_losses": losses, **_summary(runs), **_machine()}
    _show(result)
    out = Path(given.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"written to {out}")
    return 0


def _arguments() -> argparse.Namespace:
    here = Path(__file__).resolve()
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", default=str(here.parents[2] / "shared" / "data"))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--out", default=str(here.parent / "results" / "training_cpu.json"))
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- the workload ---------------------------------------------------------------------------------


def _prepare(folder: Path, data: Path, count: int) -> dict[str, Any]:
    """Write tokenizer, model and token ids; both tools read the same files."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    texts = _chats(data, count)
    tokenizer = _tokenizer(texts)
    texts = texts[:count]
    tokenizer.save_pretrained(folder)
    end = tokenizer.eos_token_id
    rows = [[*tokenizer(text)["input_ids"], end][:MAX_TOKENS] for text in texts]
    (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=VOCABULARY, hidden_size=256, intermediate_size=1024, num_hidden_layers=4,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=MAX_TOKENS,
            tie_word_embeddings=True, eos_token_id=end, pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    return {
        "rows": len(rows),
        "tokens": sum(map(len, rows)),
        "trained_tokens": sum(len(row) - 1 for row in rows),
        "characters": sum(map(len, texts)),
        "parameters": model.num_parameters(),
        "sources": list(SOURCES),
        "batch": BATCH,
        "max_tokens": MAX_TOKENS,
    }


def _chats(data: Path, count: int) -> list[str]:
    texts = []
    for source in SOURCES:
        for line in (data / source).read_text(encoding="utf-8").splitlines():
            messages = json.loads(line)["messages"]
            if SHORTEST <= sum(len(message["content"]) for message in messages) <= LONGEST:
                texts.append("\n".join(f"{m['role']}: {m['content']}" for m in messages))
    if len(texts) < count:
        raise SystemExit(f"{data} holds {len(texts)} chats of {SHORTEST}-{LONGEST} characters")
    random.Random(SEED).shuffle(texts)
    return texts


def _tokenizer(texts: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|pad|>", "<|end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>"
    )


# ---- the tools ------------------------------------------------------------------------------------


def _work(way: str, folder: Path, *, check: bool) -> dict[str, Any]:
    """Train once in this process."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    if check:
        rows = rows[:BATCH]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    torch.manual_seed(SEED)
    lora = LoraConfig(
        r=16, lora_alpha=32, lora_dropout=0.0, target_modules=targets, task_type="CAUSAL_LM"
    )
    model = get_peft_model(model, lora)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        train = _migaki if way.startswith("migaki") else _trl
        losses, seconds = train(
            model, tokenizer, rows, Path(out), grouped=way in ("migaki", "trl-grouped"), check=check
        )
    return {
        "way": way,
        "seconds": seconds,
        "tokens_per_s": sum(map(len, rows)) / seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "threads": torch.get_num_threads(),
        "losses": losses,
    }


class _Rows:
    def __init__(self, rows: list[list[int]]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return {"input_ids": self.rows[index], "labels": self.rows[index]}


def _migaki(
    model: Any, tokenizer: Any, rows: list[list[int]], out: Path, *, grouped: bool, check: bool
) -> tuple[list[float], float]:
    from migaki.training.config import TrainingConfig
    from migaki.training.engine import run_training

    config = TrainingConfig(
        learning_rate=RATE,
        batch_size=BATCH,
        gradient_accumulation_steps=1,
        num_epochs=CHECK_STEPS if check else 1,
        warmup_steps=0,
        logging_steps=1 if check else 10,
        seed=SEED,
        group_by_length=grouped,
        gradient_checkpointing=False,
        output_dir=str(out),
    )
    start = time.perf_counter()
    run_training(model, tokenizer, config, train_dataset=_Rows(rows))
    seconds = time.perf_counter() - start
    lines = (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["loss"] for line in lines], seconds


def _trl(
    model: Any, tokenizer: Any, rows: list[list[int]], out: Path, *, grouped: bool, check: bool
) -> tuple[list[float], float]:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        output_dir=str(out),
        learning_rate=RATE,
        per_device_train_batch_size=BATCH,
        gradient_accumulation_steps=1,
        num_train_epochs=CHECK_STEPS if check else 1,
        logging_steps=1 if check else 10,
        seed=SEED,
        max_length=MAX_TOKENS,
        train_sampling_strategy="group_by_length" if grouped else "random",
        activation_checkpointing=False,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
    )
    dataset = Dataset.from_list([{"input_ids": row} for row in rows])
    trainer = SFTTrainer(
        model=model, args=config, train_dataset=dataset, processing_class=tokenizer
    )
    start = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - start
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry], seconds


# ---- one run after the other ----------------------------------------------------------------------


def _run(way: str, folder: Path, *, check: bool = False) -> dict[str, Any]:
    command = [sys.executable, __file__, "--worker", way, "--folder", str(folder)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    ended = subprocess.run(
        [*command, *(["--check"] if check else [])],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if ended.returncode != 0:
        raise SystemExit(f"{way} failed:\n{ended.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return result


def _compare_losses(losses: dict[str, list[float]]) -> None:
    """Both tools must compute the same thing, or their speeds cannot be compared."""
    pairs = list(zip(losses["migaki"], losses["trl"], strict=True))
    for step, (ours, theirs) in enumerate(pairs, start=1):
        print(f"step {step} on one fixed batch: loss {ours:.6f} migaki, {theirs:.6f} trl")
    if abs(pairs[0][0] - pairs[0][1]) > TOLERANCE:
        raise SystemExit(f"the first losses differ by more than {TOLERANCE}: not comparable")


def _take_turns(folder: Path, ways: list[str], repeats: int) -> list[dict[str, Any]]:
    runs = []
    for repeat in range(repeats):
        order = ways if repeat % 2 == 0 else ways[::-1]
        for way in order:
            run = _run(way, folder)
            runs.append({**run, "repeat": repeat})
            print(
                f"repeat {repeat + 1}: {way:16} {run['seconds']:7.1f} s "
                f"{run['tokens_per_s']:8,.0f} tokens/s {run['peak_mib']:7,.0f} MiB",
                flush=True,
            )
    return runs


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    ways = list(dict.fromkeys(run["way"] for run in runs))
    summary = {
        way: {
            key: statistics.median(run[key] for run in runs if run["way"] == way)
            for key in ("seconds", "tokens_per_s", "peak_mib")
        }
        for way in ways
    }
    ratios = {}
    for ours, theirs in (
        ("migaki", "trl"),
        ("migaki", "trl-grouped"),
        ("migaki-shuffled", "trl"),
    ):
        pairs = _pairs(runs, ours, theirs)
        if pairs:  # of the same repeat, minutes apart at most
            ratios[f"{theirs} / {ours}"] = {
                "median": statistics.median(pairs), "min": min(pairs), "max": max(pairs)
            }  # fmt: skip
    return {"summary": summary, "time_ratios": ratios, "runs": runs}


def _pairs(runs: list[dict[str, Any]], ours: str, theirs: str) -> list[float]:
    seconds = {(run["way"], run["repeat"]): run["seconds"] for run in runs}
    repeats = {run["repeat"] for run in runs}
    return [
        seconds[theirs, repeat] / seconds[ours, repeat]
        for repeat in sorted(repeats)
        if (ours, repeat) in seconds and (theirs, repeat) in seconds
    ]


def _machine() -> dict[str, Any]:
    from migaki.hardware.cpu import cpu_name, usable_cores

    packages = ("migaki", "trl", "torch", "transformers", "peft", "accelerate", "datasets")
    return {
        "machine": {
            "cpu": cpu_name(),
            "cores": usable_cores(),
            "system": platform.platform(),
            "load_average": os.getloadavg(),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in packages},
        },
    }


def _show(result: dict[str, Any]) -> None:
    print(f"\n{'median of the repeats':34} {'s':>8} {'tokens/s':>10} {'peak MiB':>10}")
    for way, values in result["summary"].items():
        label = f"{way} ({WAYS[way]})"
        print(
            f"{label[:46]:46} {values['seconds']:8.1f} {values['tokens_per_s']:10,.0f} "
            f"{values['peak_mib']:10,.0f}"
        )
    for name, ratio in result["time_ratios"].items():
        print(
            f"time {name}: {ratio['median']:.2f} ({ratio['min']:.2f}-{ratio['max']:.2f}); above 1 "
            "means migaki is faster"
        )
    machine, versions = result["machine"], result["versions"]
    print(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_average'][0]:.1f}")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))


if __name__ == "__main__":
    sys.exit(main())
