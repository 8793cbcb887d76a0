"""What will a run need at its peak, in GiB? Worked out from the shape of a model.

    training  = the highest of its moments:
        the head   weights + optimizer + gradients so far + kept activations + logits, thrice
        the end    weights + optimizer + all gradients + one layer at work
        the step   weights + optimizer + all gradients
    inference = weights + key/value cache + one layer at work + logits

Weights are counted from the shape. 4-bit: 0.5 byte each plus 0.127 bits/8 of scales (QLoRA, arXiv
2305.14314, section 3: double quantization of 64-weight blocks); 8-bit: 1 byte (LLM.int8(), arXiv
2208.07339). What is not quantized (embeddings, head, norms) is held in float32 then, as PEFT's
``prepare_model_for_kbit_training`` leaves it. AdamW keeps two numbers per trained weight (Loshchilov &
Hutter, arXiv 1711.05101); 8-bit ones a byte each and a scale for 256 (Dettmers et al., arXiv 2110.02861).
tests/unit/hardware/memory/test_reality.py holds the figures against what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from migaki.hardware.memory.activations import Pass, layer_bytes_per_token
from migaki.hardware.memory.shape import ModelShape

__all__ = [
    "CUDA_CONTEXT_GIB",
    "LOGIT_BYTES_AT_ONCE",
    "Batch",
    "MemoryEstimate",
    "Method",
    "Optimizer",
    "estimate",
]

Method = Literal["inference", "lora", "qlora", "qlora_8bit", "full"]
Optimizer = Literal["adamw", "adamw_8bit"]

LOGIT_BYTES_AT_ONCE = 1 << 30
"""Memory that logits may take in training before the head takes its positions in pieces. A GPU's matrix
product over the vocabulary wants some hundred positions; this holds 588 of 151,936 tokens."""

CUDA_CONTEXT_GIB = 0.5
"""What a process takes of a card before its first tensor: kernels and the driver's own tables. Between
0.3 and 0.6 GiB by card and driver; not PyTorch's to give, so it stands beside the total."""

_GIB = 1024**3
_QUANTIZED_BYTES: dict[Method, float] = {"qlora": 0.5 + 0.127 / 8, "qlora_8bit": 1.0}
_MOMENT_BYTES: dict[Optimizer, float] = {"adamw": 8.0, "adamw_8bit": 2 + 8 / 256}
_LOGIT_BYTES = 12
"""At the start of the backward pass, in float32: log-probabilities, their gradient, that of the logits."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes through the model at once."""

    rows: int = 1
    tokens: int = 512
    """Length of the longest row."""
    accumulated: bool = False
    """Several such make an optimizer step, so gradients are there while activations are."""


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Memory by part, and at the worst moment, in GiB.

    The parts are not all there at once (gradients come as activations go), so their sum may be more
    than the total.
    """

    weights_gib: float
    """Of the model and its adapters, with the 16-bit copies that mixed precision makes."""
    gradients_gib: float
    optimizer_gib: float
    activations_gib: float
    """Kept for the backward pass; in inference the key/value cache and one layer's work."""
    logits_gib: float
    total_gib: float
    """Tensors at the worst moment: what `torch.cuda.max_memory_allocated` counts."""
    context_gib: float = 0.0
    """What CUDA takes beside the tensors; no longer free once the card has been asked."""


def estimate(  # noqa: PLR0913 - what a step is, all by keyword
    shape: ModelShape,
    *,
    method: Method,
    batch: Batch,
    dtype_bytes: int = 2,
    activation_checkpointing: bool = False,
    r: int = 16,
    lora_dropout: float = 0.0,
    optimizer: Optimizer = "adamw",
    device: str = "cpu",
) -> MemoryEstimate:
    """Estimate the memory that a step needs at its peak.

    Args:
        shape: The model.
        method: ``inference``, or how it is trained: ``qlora`` has a 4-bit base. Adapters are on
            every linear layer but the head.
        batch: What goes through the model at once.
        dtype_bytes: Bytes of the number format that is computed in: 4, or 2 for mixed precision.
            Full training keeps weights, gradients and moments in float32 either way; LoRA keeps
            the frozen base in this format and its adapters in float32.
        activation_checkpointing: Activations of a layer are recomputed when needed.
        r: Rank of the adapters.
        lora_dropout: Above zero every adapter keeps a copy of its input.
        optimizer: Whose moments are kept.
        device: ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.

    Example:
        >>> tiny = ModelShape(4, 256, 4, 2, 1024, 8000, tied=True)
        >>> estimate(tiny, method="full", batch=Batch(4, 128), dtype_bytes=4).weights_gib < 0.03
        True
    """
    on_card = device.startswith("cuda")
    how = Pass(
        dtype_bytes=dtype_bytes,
        whole=method == "full",
        r=r,
        lora_dropout=lora_dropout,
        mask_bytes=1 if on_card else 4,
    )
    context = CUDA_CONTEXT_GIB if on_card else 0.0
    positions = batch.rows * batch.tokens
    adapters = 0 if method in ("inference", "full") else shape.lora_parameters(r)
    weights = _base_bytes(shape, method, dtype_bytes) + 4 * adapters
    layer = layer_bytes_per_token(shape, how) * positions
    if method == "inference":
        cache = 2 * shape.layers * shape.kv_width * positions * dtype_bytes
        at_work = layer + _work_bytes(shape, how, positions)
        logits_of_last = batch.rows * shape.vocabulary * 8
        total = weights + cache + max(at_work, logits_of_last)
        return _gib(weights, 0, 0, cache + at_work, logits_of_last, total, context_gib=context)
    trained = shape.parameters if how.whole else adapters
    gradients, moments = 4.0 * trained, _MOMENT_BYTES[optimizer] * trained
    activations = _kept_bytes(shape, how, positions, layer, activation_checkpointing)
    logits = _logit_bytes(shape, positions, dtype_bytes)
    work = _work_bytes(shape, how, positions)
    recomputed = layer if activation_checkpointing else 0.0
    head = 4.0 * shape.vocabulary * shape.hidden if how.whole else 0.0
    so_far = gradients if batch.accumulated else 0.0
    moments_of_a_step = {
        "head": so_far + activations + max(logits, head + logits / 3),
        "first layer": so_far + activations + head + recomputed + work,
        "end": gradients + layer + work + (head if batch.accumulated or shape.tied else 0.0),
    }
    total = weights + moments + max(*moments_of_a_step.values(), gradients)
    return _gib(
        weights, gradients, moments, activations + recomputed, logits, total, context_gib=context
    )


def _base_bytes(shape: ModelShape, method: Method, dtype_bytes: int) -> float:
    if method == "full":
        copies = 4 + (dtype_bytes if dtype_bytes < 4 else 0)  # autocast keeps 16-bit copies
        return float(shape.parameters * copies)
    if method in _QUANTIZED_BYTES:
        rest = shape.parameters - shape.linear_parameters
        return shape.linear_parameters * _QUANTIZED_BYTES[method] + rest * 4
    return float(shape.parameters * dtype_bytes)


def _kept_bytes(
    shape: ModelShape, how: Pass, positions: int, layer: float, checkpointing: bool
) -> float:
    """Activations of all layers, or the inputs of all; and what the last norm keeps."""
    last_norm = shape.hidden * 4 * (2 if how.whole else 1) * positions
    if checkpointing:
        return shape.layers * shape.hidden * positions * how.dtype_bytes + last_norm
    return shape.layers * layer + last_norm


def _work_bytes(shape: ModelShape, how: Pass, positions: int) -> float:
    """Gradients that the backward pass of a layer holds at once, in its feed-forward part."""
    return positions * (3 * shape.intermediate + 2 * shape.hidden) * how.dtype_bytes


def _logit_bytes(shape: ModelShape, positions: int, dtype_bytes: int) -> float:
    """Return what the logits take at the start of the backward pass; pieces of them, if many."""
    whole = positions * shape.vocabulary * _LOGIT_BYTES
    hidden = positions * shape.hidden * (dtype_bytes + 4)  # in pieces: all gradients, no logits
    return float(whole if whole <= LOGIT_BYTES_AT_ONCE else LOGIT_BYTES_AT_ONCE + hidden)


def _gib(*sizes: float, context_gib: float) -> MemoryEstimate:
    weights, gradients, optimizer, activations, logits, total = (size / _GIB for size in sizes)
    return MemoryEstimate(
        weights_gib=weights,
        gradients_gib=gradients,
        optimizer_gib=optimizer,
        activations_gib=activations,
        logits_gib=logits,
        total_gib=total,
        context_gib=context_gib,
    )
