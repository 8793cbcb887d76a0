"""Training on one GPU: migaki beside TRL on a 1.5B model, and what 7B to 32B models need.

Models are randomly initialised in the shapes of published ones, so nothing is downloaded. Rows are
Japanese chats of mixed length, cut at 2,048 tokens, all tokens trained; LoRA r=16 on all linear
layers, bf16. A run has its own process; the ways of a comparison take turns. Results are appended.

    python benchmarks/training_gpu.py --part rows      # where the chats are; writes token ids
    python benchmarks/training_gpu.py --part compare   # 1.5B: migaki, TRL as it comes, TRL at its best
    python benchmarks/training_gpu.py --part 7b        # then 13b, 13b-qlora, 32b-qlora
    python benchmarks/training_gpu.py --part compare --tiny   # the same on a CPU, to see that it runs

`--seconds` bounds a run: it is stopped at a step and measured without its first steps. MFU counts
4 FLOPs per parameter and token for LoRA (2 forward, 2 backward through frozen weights), recomputation
not counted, against the rate of an 8,192³ bf16 product measured in the same process. Needs
`pip install 'migaki[bench,quantization]'`; Liger and FlashAttention are used by TRL's best way where
they are installed. With the package `dashscope` and `tiktoken` the ids are Qwen's own; otherwise a
byte-level BPE is trained on the chats and its ids are spread over the vocabulary.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
SOURCES = (
    "dialogue/asdc_main.jsonl", "dialogue/real_persona_chat.jsonl",
    "dialogue/asdc_customer_service_chat.jsonl", "instruct/instruction_ja.jsonl",
)  # fmt: skip
MAX_TOKENS = 2048
BATCH = 8
RATE = 2e-4
SEED = 42
SKIPPED_STEPS = 3
"""First steps, which hold warm-ups of kernels and allocator."""
LIMIT_GIB = 48.0
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# hidden, feed-forward, layers, heads, key-value heads, vocabulary, tied: the published config.json of
# Qwen2.5-1.5B, -7B and -32B and of Llama-2-13b.
SHAPES: dict[str, tuple[int, int, int, int, int, int, bool]] = {
    "1.5b": (1536, 8960, 28, 12, 2, 151_936, True),
    "7b": (3584, 18_944, 28, 28, 4, 152_064, False),
    "13b": (5120, 13_824, 40, 40, 40, 32_000, False),
    "32b": (5120, 27_648, 64, 40, 8, 152_064, False),
}
TINY = (32, 64, 2, 4, 2, 512, True)
WAYS = {
    "migaki": "as it comes",
    "migaki-compiled": "torch_compile=True",
    "trl": "as it comes",
    "trl-grouped": "rows grouped by length, no activation checkpointing",
    "trl-best": "packing (bfd, padding-free), no activation checkpointing, Liger if installed",
}
PARTS: dict[str, tuple[str, tuple[str, ...], bool]] = {  # shape, ways, 4-bit base
    "compare": ("1.5b", tuple(WAYS), False),
    "7b": ("7b", ("migaki",), False),
    "13b": ("13b", ("migaki",), False),
    "13b-qlora": ("13b", ("migaki",), True),
    "32b-qlora": ("32b", ("migaki",), True),
}


def main() -> int:
    given = _arguments()
    if given.worker:
        print(json.dumps(_work(given)))
        return 0
    if given.part == "rows":
        _write_rows(Path(given.rows), Path(given.data), given.count)
        return 0
    if not Path(given.rows).is_file():
        _write_rows(Path(given.rows), Path(given.data), given.count)
    shape, ways, _ = PARTS[given.part]
    ways = tuple(way for way in ways if given.ways is None or way in given.ways)
    runs = [_run(given, way) for repeat in range(given.repeats) for way in ways[:: (-1) ** repeat]]
    result = {"part": given.part, "shape": shape, "tiny": given.tiny, "runs": runs, **_machine()}
    out = Path(given.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else []
    out.write_text(json.dumps([*before, result], indent=1) + "\n", encoding="utf-8")
    print(f"appended to {out}")
    return 1 if any("error" in run for run in runs) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("rows", *PARTS), default="compare")
    parser.add_argument("--ways", nargs="+", choices=WAYS)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=40.0, help="of training in a run")
    parser.add_argument("--count", type=int, default=4000, help="chats at most")
    parser.add_argument("--tiny", action="store_true", help="a tiny shape, also on a CPU")
    parser.add_argument("--data", default=str(HERE.parents[2] / "shared" / "data"))
    parser.add_argument("--rows", default=str(HERE.parents[1] / ".bench" / "rows.json"))
    parser.add_argument("--out", default=str(HERE.parent / "results" / "training_gpu.json"))
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    return parser.parse_args()


# ---- rows -----------------------------------------------------------------------------------------


def _write_rows(path: Path, data: Path, count: int) -> None:
    texts = _chats(data)
    random.Random(SEED).shuffle(texts)
    texts = texts[:count]
    encode, vocabulary, named = _qwen() or _trained(texts)
    rows = [encode(text)[:MAX_TOKENS] for text in texts]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"tokenizer": named, "rows": rows}), encoding="utf-8")
    tokens = sum(map(len, rows))
    print(
        f"{path}: {len(rows):,} chats, {tokens:,} tokens of {named} ({vocabulary:,} ids), "
        f"{sum(map(len, texts)) / tokens:.2f} characters per token, longest {max(map(len, rows)):,}"
    )


def _chats(data: Path) -> list[str]:
    """Return the chats beside the checkout, or without them those in the package."""
    files = [data / source for source in SOURCES if (data / source).is_file()]
    if not files:
        from importlib.resources import files as resources

        files = [Path(str(resources("migaki.corpus") / "sample_data" / "polite_chat.jsonl"))]
        print(f"no chats in {data}: the sample chats of the package are used (they are short)")
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
    return [_text(json.loads(line)) for line in lines if line.strip()]


def _text(row: dict[str, Any]) -> str:
    if "text" in row:
        return str(row["text"])
    return "\n".join(f"{m['role']}: {m['content']}" for m in row["messages"])


def _qwen() -> tuple[Any, int, str] | None:
    """Return Qwen's merges as the package dashscope holds them."""
    if find_spec("dashscope") is None or find_spec("tiktoken") is None:
        return None
    import tiktoken
    from tiktoken.load import load_tiktoken_bpe

    spec = find_spec("dashscope")
    folder = Path(str(spec.origin if spec else "")).parent / "resources"
    ranks = load_tiktoken_bpe(str(folder / "qwen.tiktoken"))
    pattern = (  # of Qwen2's tokenizer.json
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    encoding = tiktoken.Encoding("qwen", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return encoding.encode_ordinary, len(ranks), "qwen.tiktoken"


def _trained(texts: list[str]) -> tuple[Any, int, str]:
    """Train a BPE on the chats; its ids are spread, so that all of the embeddings are read."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=4_000, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    size = tokenizer.get_vocab_size()
    step = 151_643 // size

    def encode(text: str) -> list[int]:
        return [token * step for token in tokenizer.encode(text).ids]

    return encode, size, f"byte-level BPE trained on the chats, ids times {step}"


# ---- one run, in its own process ------------------------------------------------------------------


def _work(given: argparse.Namespace) -> dict[str, Any]:
    import torch
    from transformers import logging

    logging.set_verbosity_error()
    shape, _, quantized = PARTS[given.part]
    sizes = TINY if given.tiny else SHAPES[shape]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not given.tiny:
        raise SystemExit("there is no GPU: --tiny runs a tiny shape on the CPU")
    saved = json.loads(Path(given.rows).read_text(encoding="utf-8"))["rows"]
    rows = [[token % sizes[5] for token in row] for row in saved]
    rate = _matmul_rate(device)
    model = _model(sizes, device, quantized=quantized)
    parameters = _parameters(model)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as out:
        train = _migaki if given.worker.startswith("migaki") else _trl
        clock = train(model, rows, given.worker, Path(out), seconds=given.seconds)
    if not clock.steps:
        raise SystemExit(f"no step behind the first {SKIPPED_STEPS}: give more rows (--count)")
    tokens_per_s = clock.tokens / clock.seconds
    peak = torch.cuda.max_memory_reserved() / 2**30 if device.type == "cuda" else None
    return {
        "way": given.worker,
        "tokens_per_s": tokens_per_s,
        "mfu": 4 * parameters * tokens_per_s / rate,
        "peak_gib": peak,
        f"within_{LIMIT_GIB:.0f}_gib": None if peak is None else peak <= LIMIT_GIB,
        "allocated_gib": torch.cuda.max_memory_allocated() / 2**30 if peak is not None else None,
        "steps": clock.steps,
        "tokens": clock.tokens,
        "seconds": clock.seconds,
        "parameters": parameters,
        "matmul_tflops": rate / 1e12,
        "notes": clock.notes,
    }


class _Clock:
    """Counts real tokens and seconds behind the first steps, and says when it is enough."""

    def __init__(self, seconds: float) -> None:
        self.limit_s = seconds
        self.tokens = self.steps = 0
        self.seconds = 0.0
        self.notes: dict[str, str] = {}
        self._seen = self._first_tokens = 0
        self._started = 0.0

    def step(self, tokens_so_far: int) -> bool:
        """Note the end of a step; true when the time is up."""
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._seen += 1
        now = time.perf_counter()
        if self._seen == SKIPPED_STEPS:
            self._started, self._first_tokens = now, tokens_so_far
        elif self._seen > SKIPPED_STEPS:
            self.steps = self._seen - SKIPPED_STEPS
            self.tokens = tokens_so_far - self._first_tokens
            self.seconds = now - self._started
        return self._seen > SKIPPED_STEPS and self.seconds >= self.limit_s


def _matmul_rate(device: Any) -> float:
    """Return FLOP/s of a large bf16 product on random numbers: zeros run faster than data do."""
    import torch

    size, count = (8192, 10) if device.type == "cuda" else (256, 3)
    left, right = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    best_s = float("inf")
    for _ in range(count):
        started = time.perf_counter()
        product = left @ right
        product[0, 0].item()  # waits
        best_s = min(best_s, time.perf_counter() - started)
    return 2.0 * size**3 / best_s


def _model(sizes: tuple[Any, ...], device: Any, *, quantized: bool) -> Any:
    """Make a random model, layer by layer on the device, in 4 bits if asked for."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer

    hidden, inner, layers, heads, kv_heads, vocabulary, tied = sizes
    config = Qwen2Config(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=kv_heads, tie_word_embeddings=tied,
        max_position_embeddings=MAX_TOKENS, use_cache=False, pad_token_id=0, eos_token_id=0,
    )  # fmt: skip
    config._attn_implementation = "sdpa"
    whole = list(config.layer_types)
    config.num_hidden_layers, config.layer_types = 1, whole[:1]
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    torch.manual_seed(SEED)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            model = Qwen2ForCausalLM(config)
            config.num_hidden_layers, config.layer_types = layers, whole
            model.model.layers = torch.nn.ModuleList()
            for index in range(layers):
                layer = Qwen2DecoderLayer(config, index)
                for parameter in layer.parameters():
                    if parameter.dim() > 1:
                        torch.nn.init.normal_(parameter, std=config.initializer_range)
                model.model.layers.append(_in_4_bits(layer) if quantized else layer)
    finally:
        torch.set_default_dtype(before)
    model.model.config = model.config = config
    if quantized:
        model.is_quantized = model.is_loaded_in_4bit = True
    return model


def _in_4_bits(layer: Any) -> Any:
    """Quantize the linear layers of a layer: NF4, double quantization."""
    import bitsandbytes as bnb
    import torch

    for parent in list(layer.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, torch.nn.Linear):
                device = child.weight.device
                small = bnb.nn.Linear4bit(
                    child.in_features, child.out_features, bias=child.bias is not None,
                    compute_dtype=child.weight.dtype, compress_statistics=True, quant_type="nf4",
                    device="cpu",
                )  # fmt: skip
                small.support_avx512bf16_for_cpu = False  # wrong gradients after an evaluation
                small.weight = bnb.nn.Params4bit(
                    child.weight.data.cpu(), requires_grad=False, quant_type="nf4"
                )
                if child.bias is not None:
                    small.bias = torch.nn.Parameter(child.bias.data.cpu(), requires_grad=False)
                setattr(parent, name, small.to(device))
    return layer


def _parameters(model: Any) -> int:
    """Count weights that multiply: the embedding only where it is the head as well."""
    from migaki.models.adapters import count_parameters

    embedding = model.get_input_embeddings().weight
    separate = model.get_output_embeddings().weight is not embedding
    return count_parameters(model)[1] - (embedding.numel() if separate else 0)


class _Rows:
    def __init__(self, rows: list[list[int]]) -> None:
        self.rows = rows
        self.lengths = [len(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        return {"input_ids": self.rows[index], "labels": self.rows[index]}


def _migaki(model: Any, rows: list[list[int]], way: str, out: Path, *, seconds: float) -> _Clock:
    from migaki.models.adapters import attach_lora
    from migaki.training import engine
    from migaki.training.config import TrainingConfig

    clock = _Clock(seconds)
    adapted = attach_lora(model, lora_dropout=0.0, target_modules=TARGETS, seed=SEED)
    adapted.base_model.model.is_quantized = False  # asked before adapters are there, never again
    config = TrainingConfig(
        learning_rate=RATE, batch_size=BATCH, gradient_accumulation_steps=1, num_epochs=1,
        logging_steps=10_000, save_steps=1_000_000, output_dir=str(out),
        torch_compile=way == "migaki-compiled",
    )  # fmt: skip

    class Timed(engine.Engine):
        def close_step(self) -> None:
            super().close_step()
            if clock.step(self.meter.whole.tokens):
                self.control.should_training_stop = True

    engine.Engine = Timed  # type: ignore[misc]
    result = engine.run_training(adapted, _tokenizer(), config, train_dataset=_Rows(rows))
    clock.notes = dict(result.choices)
    return clock


def _trl(model: Any, rows: list[list[int]], way: str, out: Path, *, seconds: float) -> _Clock:
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    clock = _Clock(seconds)
    cpu = not torch.cuda.is_available()
    options: dict[str, Any] = {"bf16": not cpu, "use_cpu": cpu}
    if way != "trl":
        options |= {"activation_checkpointing": False, "gradient_checkpointing": False}
    if way == "trl-grouped":
        options["train_sampling_strategy"] = "group_by_length"
    if way == "trl-best":
        options |= {"packing": True, "packing_strategy": "bfd", "padding_free": True}
        options["per_device_train_batch_size"] = max(1, BATCH // 4)  # packs of 2,048 tokens
        if find_spec("liger_kernel") is not None and not cpu:
            options["use_liger_kernel"] = True
        if find_spec("flash_attn") is not None:
            model.set_attn_implementation("flash_attention_2")
        clock.notes = {"liger": str("use_liger_kernel" in options)}
        clock.notes["attention"] = model.config._attn_implementation
    config = SFTConfig(**{
        "output_dir": str(out), "learning_rate": RATE, "per_device_train_batch_size": BATCH,
        "gradient_accumulation_steps": 1, "num_train_epochs": 1, "max_length": MAX_TOKENS,
        "logging_steps": 10_000, "save_strategy": "no", "report_to": "none", "disable_tqdm": True,
        "seed": SEED, **options,
    })  # fmt: skip
    seen = 0

    class Timed(SFTTrainer):
        def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal seen
            mask = inputs.get("attention_mask")
            seen += int(inputs["input_ids"].numel() if mask is None else mask.sum())
            return super().training_step(model, inputs, *args, **kwargs)

    class Stop(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            control.should_training_stop |= clock.step(seen)
            return control

    trainer = Timed(
        model=model, args=config, processing_class=_tokenizer(), callbacks=[Stop()],
        train_dataset=Dataset.from_list([{"input_ids": row} for row in rows]),
        peft_config=LoraConfig(
            r=16, lora_alpha=32, lora_dropout=0.0, target_modules=TARGETS, task_type="CAUSAL_LM"
        ),
    )  # fmt: skip
    trainer.train()
    return clock


def _tokenizer() -> Any:
    """Both tools want one, for padding; the rows are token ids already."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<pad>")


# ---- one run after the other ----------------------------------------------------------------------


def _run(given: argparse.Namespace, way: str) -> dict[str, Any]:
    command = [
        sys.executable, str(HERE), "--worker", way, "--part", given.part, "--rows", given.rows,
        "--seconds", str(given.seconds), *(["--tiny"] if given.tiny else []),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        print(f"{way:16} failed:\n{ended.stderr[-1500:]}", flush=True)
        return {"way": way, "error": ended.stderr[-1500:]}
    run: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    peak = "" if run["peak_gib"] is None else f" peak {run['peak_gib']:6.1f} GiB"
    print(
        f"{way:16} {run['tokens_per_s']:10,.0f} tokens/s MFU {run['mfu']:6.1%}{peak} "
        f"({run['steps']} steps; product {run['matmul_tflops']:.1f} TFLOP/s)",
        flush=True,
    )
    return run


def _machine() -> dict[str, Any]:
    import torch

    names = ("torch", "transformers", "peft", "trl", "bitsandbytes", "liger-kernel", "flash-attn")
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"gpu": card, "versions": versions, "command": " ".join(sys.argv[1:])}


if __name__ == "__main__":
    sys.exit(main())
