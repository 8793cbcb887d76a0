"""How fast this CPU could train the workload if it did nothing but the model's matrix products.

    python floor.py MODEL ADAPTER TOKENS

With adapters on a frozen model every weight is multiplied twice a token, forward and for the
gradient of its input, at 2 FLOPs a weight: 4N FLOPs (6N where the weight itself is trained, which
are the adapters alone); the head only for trained tokens. The rate is measured on the model's own shapes, each as often as it occurs,
with the tokens of an average batch. Element-wise work, attention and the loss come on top, so that no
tool reaches the floor.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

SECONDS = 1.5


def measure(model: Path, adapter: Path, tokens_per_batch: int) -> dict[str, Any]:
    """Return the FLOPs of a token, and GFLOP/s in float32 and bfloat16."""
    import torch

    shapes = _shapes(model)
    head = shapes.pop("model.embed_tokens.weight")
    body = sum(rows * columns for rows, columns in shapes.values())
    found: dict[str, Any] = {
        "body_flops_per_token": 4 * body + 6 * _adapter_weights(adapter),
        "head_flops_per_token": 4 * head[0] * head[1],
        "tokens_per_batch": tokens_per_batch,
    }
    for dtype in (torch.float32, torch.bfloat16):
        rate = _rate([*shapes.values(), head], tokens_per_batch, dtype)
        found[str(dtype).removeprefix("torch.")] = {"gflop_per_s": rate / 1e9}
    return found


def _shapes(model: Path) -> dict[str, tuple[int, int]]:
    """Read the matrices of the model; the head is the embeddings."""
    from safetensors import safe_open

    with safe_open(model / "model.safetensors", "pt") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    return {name: (shape[0], shape[1]) for name, shape in shapes.items() if len(shape) == 2}


def _adapter_weights(adapter: Path) -> int:
    from safetensors import safe_open

    with safe_open(adapter / "adapter_model.safetensors", "pt") as file:
        shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    return sum(int(shape[0]) * int(shape[1]) for shape in shapes)


def _rate(shapes: list[tuple[int, int]], tokens: int, dtype: Any) -> float:
    """Return FLOP/s of the products forward (x·Wᵀ) and backward (g·W), the best of several passes."""
    import torch

    weights = [torch.randn(shape, dtype=dtype) for shape in shapes]
    inputs = [torch.randn((tokens, shape[1]), dtype=dtype) for shape in shapes]
    gradients = [torch.randn((tokens, shape[0]), dtype=dtype) for shape in shapes]
    flops = sum(4 * tokens * rows * columns for rows, columns in shapes)
    best = float("inf")
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        for weight, given, gradient in zip(weights, inputs, gradients, strict=True):
            torch.nn.functional.linear(given, weight)
            torch.matmul(gradient, weight)
        best = min(best, time.perf_counter() - start)
    return flops / best


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
