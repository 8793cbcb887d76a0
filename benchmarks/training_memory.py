"""What training takes at its peak, measured, against what `migaki.hardware.memory` says beforehand.

    python benchmarks/training_memory.py                      # a small model on the CPU
    python benchmarks/training_memory.py --model 1.5B 7B 13B  # on a GPU; --method qlora for 13B
    python benchmarks/training_memory.py --model embedded --method full --rows 8 --tokens 256

Measured is what PyTorch's own allocator has handed out at the worst moment of three optimizer steps
with the engine's loss, from before the weights are made: on a GPU `torch.cuda.max_memory_allocated`, on the
CPU the running sum of the allocator's events (`torch.profiler`, ``profile_memory``), which is the same
figure. Unlike the resident set it does not hold imports, thread stacks, or freed pages that the C library
keeps, so it is exact and the same in every run; what MKL and oneDNN take past the allocator is not in it.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from migaki.hardware import cpu
from migaki.hardware.memory.estimate import Batch, MemoryEstimate, Method, estimate
from migaki.hardware.memory.shape import ModelShape
from migaki.models.adapters import attach_lora
from migaki.models.location import embedded_model_folder, read_json_object
from migaki.training.loss import TrainedLoss

_SIZES: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "small": (Qwen2Config, {"vocab_size": 4000, "hidden_size": 128, "intermediate_size": 352,
                            "num_hidden_layers": 4, "num_attention_heads": 4,
                            "num_key_value_heads": 2, "tie_word_embeddings": True}),
    "1.5B": (Qwen2Config, {"vocab_size": 151_936, "hidden_size": 1536, "intermediate_size": 8960,
                           "num_hidden_layers": 28, "num_attention_heads": 12,
                           "num_key_value_heads": 2, "tie_word_embeddings": True}),
    "7B": (Qwen2Config, {"vocab_size": 152_064, "hidden_size": 3584, "intermediate_size": 18_944,
                         "num_hidden_layers": 28, "num_attention_heads": 28,
                         "num_key_value_heads": 4, "tie_word_embeddings": False}),
    "13B": (LlamaConfig, {"vocab_size": 32_000, "hidden_size": 5120, "intermediate_size": 13_824,
                          "num_hidden_layers": 40, "num_attention_heads": 40,
                          "num_key_value_heads": 40, "tie_word_embeddings": False}),
}  # fmt: skip
"""Qwen2.5 1.5B and 7B and Llama 2 13B as published; random weights, which take the same memory."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run to measure.

    Args:
        method: ``lora``, ``qlora`` or ``full``.
        rows: Rows in one forward pass.
        tokens: Length of the longest; with ``padded`` the others are shorter.
        bf16: Mixed precision with a 16-bit base (LoRA) or float32 masters (full).
        recompute: Activation checkpointing.
        lora_dropout: Of the adapters.
        accumulation: Passes in one optimizer step.
        padded: Whether rows are of unequal length.
    """

    method: Method
    rows: int
    tokens: int
    bf16: bool = False
    recompute: bool = False
    lora_dropout: float = 0.0
    accumulation: int = 1
    padded: bool = False


def main(arguments: list[str]) -> int:
    """Measure and print a line of JSON for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["small"], choices=[*_SIZES, "embedded"])
    parser.add_argument("--method", default="lora", choices=["lora", "qlora", "full"])
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--recompute", action="store_true")
    parser.add_argument("--fp32", action="store_true", help="without mixed precision")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    case = Case(
        options.method, options.rows, options.tokens, bf16=not options.fp32,
        recompute=options.recompute, padded=options.rows > 1,
    )  # fmt: skip
    results = [_compare(name, case, device) for name in options.model]
    for result in results:
        sys.stdout.write(json.dumps(result) + "\n")
    if options.out is not None:
        options.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


def _compare(name: str, case: Case, device: torch.device) -> dict[str, Any]:
    config = model_config(name)
    started = time.perf_counter()
    measured = measure(config, case, device) / 1024**3
    said = predict(config, case, device)
    return {
        "model": name,
        "case": asdict(case),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else cpu.cpu_name(),
        "torch": torch.__version__,
        "measured_gib": round(measured, 4),
        "estimated_gib": round(said.total_gib, 4),
        "error": round(said.total_gib / measured - 1, 4),
        "parts": asdict(said),
        "seconds": round(time.perf_counter() - started, 1),
    }


def model_config(name: str) -> Any:
    """Return the configuration of a model by its name here."""
    if name == "embedded":
        return Qwen2Config(**read_json_object(embedded_model_folder() / "config.json"))
    kind, sizes = _SIZES[name]
    return kind(**sizes, max_position_embeddings=4096)


def predict(config: Any, case: Case, device: torch.device) -> MemoryEstimate:
    """Return what the estimate says of a case."""
    return estimate(
        ModelShape.from_config(config.to_dict()),
        method=case.method,
        batch=Batch(case.rows, case.tokens, accumulated=case.accumulation > 1),
        dtype_bytes=2 if case.bf16 else 4,
        activation_checkpointing=case.recompute,
        lora_dropout=case.lora_dropout,
        device=device.type,
    )


def measure(config: Any, case: Case, device: torch.device) -> int:
    """Return the bytes of tensors at the peak of three optimizer steps."""
    return peak_bytes(lambda: _train(config, case, device), device)


def peak_bytes(work: Callable[[], object], device: torch.device) -> int:
    """Return the most that PyTorch's allocator had handed out while something ran."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profile:
        work()
    now = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    return peak


def _train(config: Any, case: Case, device: torch.device) -> None:
    model = _model(config, case, device)
    loss_of = TrainedLoss(model)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)  # what the Trainer takes
    for _ in range(3):
        for batch in _batches(case, config.vocab_size, device):
            with torch.autocast(device.type, torch.bfloat16, enabled=case.bf16):
                nll, count = loss_of(model, batch)
            (nll / count).backward()  # type: ignore[no-untyped-call]
            del nll, count
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()


def _batches(case: Case, vocabulary: int, device: torch.device) -> Iterator[dict[str, Any]]:
    for _ in range(case.accumulation):
        ids = torch.randint(vocabulary, (case.rows, case.tokens), device=device)
        mask = torch.ones_like(ids)
        if case.padded:
            mask[1:, case.tokens - case.tokens // 16 :] = 0
        labels = ids.masked_fill(mask == 0, -100)
        yield {"input_ids": ids, "attention_mask": mask, "labels": labels}


def _model(config: Any, case: Case, device: torch.device) -> nn.Module:
    frozen_type = torch.bfloat16 if case.bf16 and case.method != "full" else torch.float32
    config.dtype = frozen_type  # a saved configuration names the format it was saved in
    config.use_cache = False  # as the Trainer sets it
    with device, _default_dtype(frozen_type):
        model: Any = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")
    if case.method == "qlora":
        model = _quantized(model, device)
    if case.method != "full":
        model = attach_lora(model, r=16, lora_dropout=case.lora_dropout, seed=0)
    if case.recompute:
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model.train()  # type: ignore[no-any-return]


def _quantized(model: Any, device: torch.device) -> Any:
    """Put 4-bit layers in place of the linear ones but the head, as loading with NF4 does."""
    import bitsandbytes as bnb

    for name, module in list(model.named_modules()):
        if not isinstance(module, nn.Linear) or name.endswith("lm_head"):
            continue
        layer = bnb.nn.Linear4bit(
            module.in_features, module.out_features, bias=module.bias is not None,
            compute_dtype=torch.bfloat16, compress_statistics=True, quant_type="nf4",
        )  # fmt: skip
        layer.weight = bnb.nn.Params4bit(
            module.weight.data.cpu(),
            requires_grad=False,
            quant_type="nf4",
            compress_statistics=True,
        )
        layer.bias = module.bias
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, layer.to(device))
        layer.support_avx512bf16_for_cpu = False
    model.is_quantized = model.is_loaded_in_4bit = True
    return model


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
