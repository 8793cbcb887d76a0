"""Weights and adapters as Hugging Face stores them ↔ as litgpt stores them.

    python litgpt_weights.py in  MODEL ADAPTER   # before training: MODEL/litgpt
    python litgpt_weights.py out RUN             # after it: RUN/adapter

litgpt joins query, key and value into one layer and their adapters into one pair: A holds the three
As above each other, B the three Bs. It loads a checkpoint without insisting on every weight, so that
adapters in the checkpoint become those that training starts from.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import torch
from job import LORA_ALPHA, LORA_RANK, LORA_TARGETS
from litgpt.config import Config
from litgpt.scripts.convert_hf_checkpoint import copy_weights_qwen_2_5
from litgpt.utils import save_config
from safetensors.torch import load_file, save_file

JOINED = ("q_proj", "k_proj", "v_proj")
SINGLE = {
    "self_attn.o_proj": "attn.proj",
    "mlp.gate_proj": "mlp.fc_1",
    "mlp.up_proj": "mlp.fc_2",
    "mlp.down_proj": "mlp.proj",
}
THEIRS = "base_model.model.model.layers.{layer}.{part}.lora_{side}.weight"
OURS = "transformer.h.{layer}.{part}.lora_{side}"


def convert_in(model: Path, adapter: Path) -> None:
    """Write ``model/litgpt``: configuration, tokenizer, weights with the adapters among them."""
    folder = model / "litgpt"
    folder.mkdir(exist_ok=True)
    config = _config(json.loads((model / "config.json").read_text(encoding="utf-8")))
    save_config(config, folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        shutil.copy(model / name, folder / name)
    weights: dict[str, torch.Tensor] = {}
    copy_weights_qwen_2_5(config, {}, weights, load_file(model / "model.safetensors"))
    weights |= _adapters_in(load_file(adapter / "adapter_model.safetensors"), config.n_layer)
    torch.save(weights, folder / "lit_model.pth")


def convert_out(run: Path) -> None:
    """Write ``run/adapter`` as PEFT reads it."""
    saved = torch.load(run / "final" / "lit_model.pth.lora", weights_only=True)["model"]
    layers = 1 + max(int(name.split(".")[2]) for name in saved)
    folder = run / "adapter"
    folder.mkdir(exist_ok=True)
    save_file(_adapters_out(saved, layers), folder / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "r": LORA_RANK,
        "lora_alpha": LORA_ALPHA,
        "lora_dropout": 0.0,
        "target_modules": list(LORA_TARGETS),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")


def _config(theirs: dict[str, int]) -> Config:
    return Config(
        name="Qwen2.5-benchmark",
        block_size=theirs["max_position_embeddings"],
        vocab_size=theirs["vocab_size"],
        padded_vocab_size=theirs["vocab_size"],
        n_layer=theirs["num_hidden_layers"],
        n_embd=theirs["hidden_size"],
        n_head=theirs["num_attention_heads"],
        n_query_groups=theirs["num_key_value_heads"],
        intermediate_size=theirs["intermediate_size"],
        norm_eps=theirs["rms_norm_eps"],
        rope_base=_rope_base(theirs),
        rotary_percentage=1.0,
        parallel_residual=False,
        bias=False,
        attn_bias=True,
        norm_class_name="RMSNorm",
        mlp_class_name="LLaMAMLP",
    )


def _rope_base(theirs: dict) -> int:  # type: ignore[type-arg]
    return int(theirs.get("rope_theta") or theirs["rope_parameters"]["rope_theta"])


def _adapters_in(theirs: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    ours = {}
    for layer in range(layers):
        for side in "AB":
            parts = [
                theirs[THEIRS.format(layer=layer, part=f"self_attn.{name}", side=side)]
                for name in JOINED
            ]
            ours[OURS.format(layer=layer, part="attn.qkv", side=side)] = torch.cat(parts)
            for from_name, to_name in SINGLE.items():
                ours[OURS.format(layer=layer, part=to_name, side=side)] = theirs[
                    THEIRS.format(layer=layer, part=from_name, side=side)
                ]
    return ours


def _adapters_out(ours: dict[str, torch.Tensor], layers: int) -> dict[str, torch.Tensor]:
    theirs = {}
    for layer in range(layers):
        for side in "AB":
            joined = ours[OURS.format(layer=layer, part="attn.qkv", side=side)]
            for name, part in zip(JOINED, joined.chunk(len(JOINED)), strict=True):
                key = THEIRS.format(layer=layer, part=f"self_attn.{name}", side=side)
                theirs[key] = part.contiguous()
            for to_name, from_name in SINGLE.items():
                key = THEIRS.format(layer=layer, part=to_name, side=side)
                theirs[key] = ours[OURS.format(layer=layer, part=from_name, side=side)]
    return theirs


if __name__ == "__main__":
    if sys.argv[1] == "in":
        convert_in(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        convert_out(Path(sys.argv[2]))
