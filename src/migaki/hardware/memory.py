"""What will this run need, in GiB, and what is there? Worked out from the shape of a model.

Nothing here loads a model or imports torch (a card is asked only when one is named).

    inference = weights + key/value cache + one layer's work + logits
    training  = weights + gradients + AdamW's two moments + activations + logits and their gradients

Weights: counted from the shape; `ModelShape.parameters` is exact for the Llama, Qwen2, Qwen3, Gemma 2,
Mistral, StableLM and GPT-NeoX families. 4-bit: 0.5 byte each plus 0.127 bits/8 of scales (QLoRA, arXiv
2305.14314, section 3: double quantization of 64-weight blocks), embeddings and head unquantized.
AdamW keeps two numbers per trained weight (Loshchilov & Hutter, arXiv 1711.05101).
Activations: what autograd keeps of each layer, counted tensor by tensor below in the manner of
Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models" (arXiv 2205.05198,
section 4), for gated feed-forward layers and fused attention, which keeps no (tokens x tokens) matrix.
tests/unit/hardware/test_memory_reality.py holds the figures against measured peaks.
"""

from __future__ import annotations

import importlib
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psutil

from migaki.errors import ModelError

__all__ = [
    "MemoryEstimate",
    "Method",
    "ModelShape",
    "available_memory_gib",
    "cpu_name",
    "estimate",
    "host_memory_gib",
    "usable_cores",
]

Method = Literal["inference", "lora", "qlora", "full"]

LOGIT_BYTES_AT_ONCE = 1 << 30
"""Memory that logits may take in training before the head takes its positions in pieces. A GPU's matrix
product over the vocabulary wants some hundred positions; this holds 588 of 151,936 tokens."""

_GIB = 1024**3
_NF4_BYTES = 0.5 + 0.127 / 8
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The dimensions of a decoder-only transformer, enough to count its weights."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    context: int = 2048
    tied: bool = False
    """The head shares the embedding matrix."""
    head_size: int | None = None
    """Width of one head; ``hidden / heads`` if not given."""
    gated: bool = True
    """Feed-forward with gate, up and down (Llama); without it two matrices (GPT-NeoX)."""
    biases: Literal["none", "qkv", "all"] = "none"
    """Which linear layers have biases."""
    norms: int = 2
    """Normalisations per layer (4 in Gemma 2)."""
    norm_bias: bool = False
    """LayerNorm with bias instead of RMSNorm."""
    qk_norm: bool = False
    """Queries and keys are normalised per head (Qwen3)."""

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.head_size or self.hidden // self.heads

    @property
    def query_width(self) -> int:
        """Width of all queries of a token."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Width of all keys (or values) of a token."""
        return self.kv_heads * self.head_dim

    @property
    def linear_layers(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of the linear layers of one transformer layer."""
        h, i, q, kv = self.hidden, self.intermediate, self.query_width, self.kv_width
        feed_forward = ((h, i), (h, i), (i, h)) if self.gated else ((h, i), (i, h))
        return ((h, q), (h, kv), (h, kv), (q, h), *feed_forward)

    @property
    def linear_parameters(self) -> int:
        """Weights of all linear layers but the head, without biases: what quantization shrinks."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linear_layers)

    @property
    def parameters(self) -> int:
        """All weights; tied ones once."""
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        norm = self.hidden * (2 if self.norm_bias else 1)
        biased = {"none": (), "qkv": self.linear_layers[:3], "all": self.linear_layers}[self.biases]
        per_layer = self.norms * norm + sum(outputs for _, outputs in biased)
        per_layer += 2 * self.head_dim if self.qk_norm else 0
        return embeddings + self.linear_parameters + self.layers * per_layer + norm

    def lora_parameters(self, r: int) -> int:
        """Weights of adapters of rank ``r`` on all linear layers but the head."""
        return self.layers * sum(r * (inputs + outputs) for inputs, outputs in self.linear_layers)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> ModelShape:
        """Read the shape from a ``config.json`` as transformers writes it.

        Args:
            config: The mapping; of a model with several parts, its ``text_config`` is used.

        Raises:
            ModelError: A dimension is missing or not a positive whole number.

        Example:
            >>> shape = ModelShape.from_config(
            ...     {"model_type": "qwen2", "num_hidden_layers": 24, "hidden_size": 896,
            ...      "num_attention_heads": 14, "num_key_value_heads": 2, "intermediate_size": 4864,
            ...      "vocab_size": 151936, "tie_word_embeddings": True})
            >>> f"{shape.parameters:,}"  # Qwen2.5-0.5B
            '494,032,768'
        """
        inner = config.get("text_config")
        if isinstance(inner, Mapping):
            config = {**config, **inner}
        kind = str(config.get("model_type", ""))
        heads = _dimension(config, "num_attention_heads", "n_head")
        hidden = _dimension(config, "hidden_size", "n_embd", "d_model")
        classic = kind in _CLASSIC
        return cls(
            layers=_dimension(config, "num_hidden_layers", "n_layer"),
            hidden=hidden,
            heads=heads,
            kv_heads=_dimension(config, "num_key_value_heads", default=heads),
            intermediate=_dimension(config, "intermediate_size", "n_inner", default=4 * hidden),
            vocabulary=_dimension(config, "vocab_size"),
            context=_dimension(config, "max_position_embeddings", "n_positions", default=2048),
            tied=bool(config.get("tie_word_embeddings", kind in _TIED)),
            head_size=_dimension(config, "head_dim", default=max(1, hidden // heads)),
            gated=not classic,
            biases=_biases(kind, config),
            norms=4 if kind in _FOUR_NORMS else 2,
            norm_bias=classic or kind == "stablelm",
            qk_norm=kind.startswith(("qwen3", "gemma3")),
        )


_NO_DIMENSION = 10**9  # the largest vocabularies and contexts have 7 and 8 digits
_CLASSIC = frozenset({"gpt_neox", "gpt2", "gptj", "gpt_bigcode", "opt", "bloom", "phi"})
_TIED = frozenset({"gpt2", "gemma", "gemma2", "gemma3", "gemma3_text", "bloom", "opt"})
_FOUR_NORMS = frozenset({"gemma2", "gemma3", "gemma3_text"})


def _biases(kind: str, config: Mapping[str, Any]) -> Literal["none", "qkv", "all"]:
    if kind in _CLASSIC:
        return "all"
    if kind in {"qwen2", "qwen2_moe"} or config.get("use_qkv_bias") or config.get("attention_bias"):
        return "qkv"
    return "none"


def _dimension(config: Mapping[str, Any], *names: str, default: int | None = None) -> int:
    for name in names:
        value = config.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _NO_DIMENSION:
            raise ModelError(
                f"config.json: {name} is {repr(value)[:20]}; it must be a positive whole number, and "
                "not one of ten digits.",
                hint="Copy or download the model again.",
            )
        return value
    if default is not None:
        return default
    raise ModelError(
        f"config.json names no {names[0]}, so the size of the model is unknown.",
        hint="migaki estimates the memory of decoder-only transformers.",
    )


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Memory at the peak, by part, in GiB."""

    weights_gib: float
    gradients_gib: float
    optimizer_gib: float
    activations_gib: float
    """Kept for the backward pass; in inference the key/value cache and one layer's work."""
    logits_gib: float
    total_gib: float
    """All parts and the work space of the libraries."""


def estimate(
    shape: ModelShape,
    *,
    method: Method,
    batch: int = 1,
    tokens: int = 512,
    dtype_bytes: int = 2,
    activation_checkpointing: bool = False,
    r: int = 16,
    lora_dropout: float = 0.0,
) -> MemoryEstimate:
    """Estimate the memory a step needs at its peak.

    Args:
        shape: The model.
        method: ``inference``, or how it is trained.
        batch: Rows in one forward pass.
        tokens: Length of the longest row, padding included.
        dtype_bytes: Bytes of the number format that is computed in: 4, or 2 for mixed precision.
            Full training keeps weights, gradients and moments in float32 either way; LoRA keeps
            the frozen base in this format and its adapters in float32.
        activation_checkpointing: Activations of a layer are recomputed when needed.
        r: Rank of the adapters.
        lora_dropout: Above zero every adapter keeps a copy of its input.

    Example:
        >>> tiny = ModelShape(4, 256, 4, 2, 1024, 8000, tied=True)
        >>> estimate(tiny, method="full", dtype_bytes=4).weights_gib < 0.03
        True
    """
    positions = batch * tokens
    weights = _weight_bytes(shape, method, dtype_bytes)
    if method == "inference":
        cache = 2 * shape.layers * shape.kv_width * positions * dtype_bytes
        work = _layer_values(shape, "inference", 0.0) * positions * dtype_bytes
        return _total(weights, 0, 0, cache + work, batch * shape.vocabulary * 8)
    trained = shape.parameters if method == "full" else shape.lora_parameters(r)
    return _total(
        weights,
        trained * 4,
        trained * 8,
        _activation_bytes(
            shape, method, positions, dtype_bytes, activation_checkpointing, lora_dropout
        ),
        _logit_bytes(shape, positions, dtype_bytes),
    )


def _weight_bytes(shape: ModelShape, method: Method, dtype_bytes: int) -> float:
    if method == "full":
        copies = 4 + (dtype_bytes if dtype_bytes < 4 else 0)  # autocast keeps 16-bit copies
        return float(shape.parameters * copies)
    if method == "qlora":
        rest = shape.parameters - shape.linear_parameters
        return shape.linear_parameters * _NF4_BYTES + rest * dtype_bytes
    return shape.parameters * dtype_bytes


def _layer_values(shape: ModelShape, method: Method, lora_dropout: float) -> float:
    """Numbers that one layer keeps per token until the backward pass."""
    h, i, q, kv = shape.hidden, shape.intermediate, shape.query_width, shape.kv_width
    residuals = 2 * h  # input of either norm
    attention = 3 * q + 2 * kv + q  # q, repeated k and v, output; k and v before repetition
    feed_forward = 3 * i if shape.gated else 2 * i  # gate, up, activated gate
    inputs = 2 * h + i  # what the linear layers are fed, shared by q, k, v and by gate, up
    normed = 2 * h if method == "full" else 0  # for the gradient of the norms' weights
    dropped = 0.0
    if method in ("lora", "qlora") and lora_dropout > 0:
        copies = sum(width for width, _ in shape.linear_layers)
        dropped = copies * 1.25  # dropped-out copy and a one-byte mask for each adapter
    return residuals + attention + feed_forward + inputs + normed + dropped


def _activation_bytes(
    shape: ModelShape,
    method: Method,
    positions: int,
    dtype_bytes: int,
    checkpointing: bool,
    lora_dropout: float,
) -> float:
    layer = _layer_values(shape, method, lora_dropout) * positions * dtype_bytes
    if checkpointing:
        return shape.layers * shape.hidden * positions * dtype_bytes + layer
    return shape.layers * layer


def _logit_bytes(shape: ModelShape, positions: int, dtype_bytes: int) -> float:
    """Logits as computed, in float32, their log-softmax and their gradient; pieces of them, if many."""
    float_copy = 4 if dtype_bytes < 4 else 0
    whole = positions * shape.vocabulary * (dtype_bytes + float_copy + 4 + 4)
    hidden = positions * shape.hidden * (dtype_bytes + 4)  # in pieces: all gradients, no logits
    return whole if whole <= LOGIT_BYTES_AT_ONCE else LOGIT_BYTES_AT_ONCE + hidden


def _total(
    weights: float, gradients: float, optimizer: float, activations: float, logits: float
) -> MemoryEstimate:
    return MemoryEstimate(
        weights_gib=weights / _GIB,
        gradients_gib=gradients / _GIB,
        optimizer_gib=optimizer / _GIB,
        activations_gib=activations / _GIB,
        logits_gib=logits / _GIB,
        total_gib=(weights + gradients + optimizer + activations + logits) * 1.05 / _GIB,
    )


def available_memory_gib(device: str = "cpu") -> tuple[float, str]:
    """Return the memory a run may take on a device, and where the figure comes from.

    Args:
        device: ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.

    Example:
        >>> available_memory_gib("cpu")[0] > 0
        True
    """
    if device.startswith("cuda"):
        # A named card means PyTorch is loaded already; by name, so that host figures never need it.
        gpu = importlib.import_module("migaki.hardware.gpu")
        torch = importlib.import_module("torch")
        found: tuple[float, str] = gpu.available_memory_gib(torch.device(device))
        return found
    _, available, reason = host_memory_gib()
    if device == "mps":
        return available, f"{reason}; MPS shares the memory of the machine"
    return available, reason


def host_memory_gib() -> tuple[float, float, str]:
    """Return the memory of this machine or container.

    Returns:
        All of it, what may still be taken, and where the figures come from. In a Linux container
        (cgroup v2 or v1) its limit counts, because going over it kills the process.
    """
    machine = psutil.virtual_memory()
    total, available = float(machine.total), float(machine.available)
    reason = f"free of {total / _GIB:.1f} GiB on this machine"
    limit = _cgroup_limit()
    if limit is not None and limit[0] < total:
        total = limit[0]
        left = max(0.0, limit[0] - limit[1])
        if left < available:
            available = left
            reason = f"left under the container's limit of {total / _GIB:.1f} GiB"
    return total / _GIB, available / _GIB, reason


def _cgroup_limit() -> tuple[float, float] | None:
    """Return the tightest memory limit of this process's control groups and what they use."""
    tightest: tuple[float, float] | None = None
    for folder, limit_name, usage_name in _cgroup_folders():
        limit = _number(folder / limit_name)
        usage = _number(folder / usage_name)
        if limit is None or usage is None or limit >= 2**60:  # v1 writes a huge number for "none"
            continue
        used = max(0.0, usage - _reclaimable(folder))
        if tightest is None or limit - used < tightest[0] - tightest[1]:
            tightest = (limit, used)
    return tightest


def _cgroup_folders() -> list[tuple[Path, str, str]]:
    v2 = ("memory.max", "memory.current")
    v1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    found = [(_CGROUP, *v2), (_CGROUP / "memory", *v1)]
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        names = v1 if "memory" in controllers.split(",") else v2
        root = _CGROUP / "memory" if names == v1 else _CGROUP
        inner = root / path.lstrip("/")
        found += [(folder, *names) for folder in (inner, *inner.parents) if root in folder.parents]
    return found


def _reclaimable(folder: Path) -> float:
    """Page cache counts as used but is given back under pressure."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="utf-8").split("\n")
    except OSError:
        return 0.0
    values = dict(line.split(" ", 1) for line in lines if " " in line)
    return float(values.get("inactive_file", values.get("total_inactive_file", 0)))


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):  # "max" means no limit
        return None


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """Return the name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
