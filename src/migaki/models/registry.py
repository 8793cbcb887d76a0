"""The models that migaki knows: shape, licence and the memory they need, computed.

The facts stand in ``registry.tsv`` beside this file, one model a row, with where they were seen.
``verified`` is ``yes`` where the dimensions were read from a published config.json of the model
(or of the model it was made from, named in ``source``), ``no`` where they are from memory: such a
row is a good guess until the model is loaded, which always reads the real file.

``min_gpu_memory_gb`` is the specified figure for the three specified models. For the others it is
the smallest usual card (in GB) that holds inference: 16-bit weights and 4,096 tokens of context.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from migaki.hardware.memory.estimate import Batch, Method, estimate
from migaki.hardware.memory.shape import ModelShape
from migaki.models.location import EMBEDDED_NAME, embedded_model_folder, read_json_object

__all__ = ["REFERENCE_TOKENS", "SUPPORTED_MODELS", "model_shapes", "needed_memory_gib"]

REFERENCE_TOKENS = 1024
"""Length of the row for which training memory is stated (batch 1, r=16, recomputed activations)."""

_METHODS: tuple[Method, ...] = ("inference", "lora", "qlora", "full")
_CARDS_GB = (2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 80, 96, 144, 192, 288)
_SPECIFIED_GB = {
    "cyberagent/calm3-DeepSeek-R1-Distill-Qwen-32B": 64,
    "elyza/Llama-3-ELYZA-JP-8B": 16,
    "stabilityai/japanese-stablelm-3b-4e1t-instruct": 8,
}


@cache
def model_shapes() -> MappingProxyType[str, ModelShape]:
    """Return the shape of each known model."""
    return MappingProxyType({row["name"]: _shape(row) for row in _rows()})


def needed_memory_gib(shape: ModelShape) -> dict[str, float]:
    """Compute the memory that a model needs for each method, in GiB.

    Inference: 16-bit weights, one conversation of 4,096 tokens. Training: one row of
    `REFERENCE_TOKENS` tokens, bf16, recomputed activations, adapters of rank 16.

    Args:
        shape: The model.
    """
    return {
        method: round(
            estimate(
                shape,
                method=method,
                batch=Batch(
                    tokens=min(shape.context, 4096 if method == "inference" else REFERENCE_TOKENS)
                ),
                activation_checkpointing=True,
            ).total_gib,
            1 if shape.parameters > 1e8 else 3,
        )
        for method in _METHODS
    }


def _rows() -> list[dict[str, str]]:
    with Path(__file__).with_name("registry.tsv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def _shape(row: dict[str, str]) -> ModelShape:
    return ModelShape(
        layers=int(row["layers"]),
        hidden=int(row["hidden"]),
        heads=int(row["heads"]),
        kv_heads=int(row["kv_heads"]),
        intermediate=int(row["intermediate"]),
        vocabulary=int(row["vocabulary"]),
        context=int(row["context"]),
        tied=row["tied"] == "yes",
        head_size=int(row["head_size"]) if row["head_size"] else None,
        biases=cast(Literal["none", "qkv", "all"], row["biases"]),
        norms=int(row["norms"]),
        norm_bias=row["norm_bias"] == "yes",
        qk_norm=row["qk_norm"] == "yes",
    )


def _entry(row: dict[str, str]) -> dict[str, Any]:
    memory = needed_memory_gib(_shape(row))
    smallest = next(
        (c for c in _CARDS_GB if c * 1e9 / 1024**3 >= memory["inference"]), _CARDS_GB[-1]
    )
    return {
        "display_name": row["display_name"],
        "min_gpu_memory_gb": _SPECIFIED_GB.get(row["name"], smallest),
        "parameters": int(row["parameters"]),
        "licence": row["licence"],
        "context": int(row["context"]),
        "memory_gib": memory,
        "source": row["source"],
        "verified": row["verified"] == "yes",
        "note": row["note"],
    }


def _embedded_entry() -> dict[str, dict[str, Any]]:
    file = embedded_model_folder() / "config.json"
    if not file.is_file():  # a checkout in which it has not been trained yet
        return {}
    shape = ModelShape.from_config(read_json_object(file))
    return {
        EMBEDDED_NAME: {
            "display_name": "migaki-tiny, the model inside the package",
            "min_gpu_memory_gb": _CARDS_GB[0],
            "parameters": shape.parameters,
            "licence": "apache-2.0",
            "context": shape.context,
            "memory_gib": needed_memory_gib(shape),
            "source": "its config.json",
            "verified": True,
            "note": "For trying things out: no network, no GPU",
        }
    }


SUPPORTED_MODELS: dict[str, dict[str, Any]] = {
    **_embedded_entry(),
    **{row["name"]: _entry(row) for row in _rows()},
}
"""Hub id to facts: ``display_name``, ``min_gpu_memory_gb``, ``parameters``, ``licence``, ``context``,
``memory_gib`` (by method), ``source``, ``verified``, ``note``."""
