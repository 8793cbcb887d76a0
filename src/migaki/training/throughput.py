"""What the seconds of training were worth: tokens, characters, and a share of the device's speed.

    MFU = model FLOPs of the tokens seen / seconds / matrix rate of the device
    HFU = the same with what activation checkpointing computes twice

The FLOPs are those of `migaki.hardware.flops` (PaLM, arXiv 2204.02311, appendix B; LoRA without the
gradients of frozen weights). The rate is measured on this device in the precision of the run,
not taken from a data sheet: a share of what this machine can do, whoever shares it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from migaki.errors import MigakiError
from migaki.hardware import speed
from migaki.hardware.flops import Flops, training_flops
from migaki.hardware.memory.shape import ModelShape
from migaki.hardware.usage import memory_in_use_gib
from migaki.training.batching import Rows
from migaki.training.meter import Window

__all__ = ["Speed", "Throughput"]

_EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")


@dataclass(frozen=True, slots=True)
class Speed:
    """Figures of a stretch of training; evaluation and saving are no part of it."""

    tokens_per_s: float
    """Real tokens, no padding."""
    trained_tokens_per_s: float
    """Those of them with a loss."""
    characters_per_s: float
    """Characters of the data; 0 where the dataset does not count them."""
    padding_share: float
    """Share of the places in the batches that hold padding, 0-1."""
    memory_gib: float
    """On a GPU the peak of allocated memory; elsewhere the resident memory of the process."""
    memory_reserved_gib: float | None = None
    """What PyTorch holds of a GPU at its peak."""
    mfu: float | None = None
    """Model FLOPs utilization, 0-1; nothing where the shape of the model is not known."""
    hfu: float | None = None
    """Hardware FLOPs utilization, where something is computed twice."""

    def to_json(self) -> dict[str, float]:
        """Return the figures that there are."""
        return {key: value for key, value in asdict(self).items() if value is not None}


class Throughput:
    """Turns counts into figures.

    Args:
        model: The model, on its device.
        precision: What it computes in.
        activation_checkpointing: Whether its layers compute twice.
        rows: What it is trained on; those that count their characters tell how many a token is.
        processes: How many devices the counts are of.
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        precision: torch.dtype,
        activation_checkpointing: bool,
        rows: Rows,
        processes: int = 1,
    ) -> None:
        characters, tokens = sum(getattr(rows, "characters", ())), getattr(rows, "total_tokens", 0)
        self._characters_per_token = characters / max(1, tokens)
        self._device = next(model.parameters()).device
        self._processes = processes
        self._model_flops: Flops | None = None
        self._hardware_flops: Flops | None = None
        self._rate = 0.0
        try:
            known = _counted(model)
        except MigakiError as err:
            self.formula = f"not known: {err.message}"
            return
        self._model_flops = training_flops(**known)
        if activation_checkpointing:
            self._hardware_flops = training_flops(**known, recomputed_layers=True)
        self._rate = speed.matmul_flops(self._device, precision)
        self.formula = _formula(self._model_flops, known["method"], self._rate, precision)

    def of(self, window: Window) -> Speed:
        """Return the figures of a window."""
        seconds = window.seconds or float("inf")
        memory, reserved = memory_in_use_gib(self._device)
        return Speed(
            tokens_per_s=window.tokens / seconds,
            trained_tokens_per_s=window.trained_tokens / seconds,
            characters_per_s=window.tokens / seconds * self._characters_per_token,
            padding_share=window.padding_share,
            memory_gib=memory,
            memory_reserved_gib=reserved,
            mfu=self._utilization(self._model_flops, window),
            hfu=self._utilization(self._hardware_flops, window),
        )

    def _utilization(self, flops: Flops | None, window: Window) -> float | None:
        if flops is None or not window.seconds:
            return None
        done = flops.of(
            tokens=window.tokens, trained_tokens=window.trained_tokens, pairs=window.pairs
        )
        return done / window.seconds / (self._rate * self._processes)


def _counted(model: nn.Module) -> dict[str, Any]:
    """Return what `training_flops` wants to know of a model.

    Raises:
        MigakiError: The shape of the model is not known.
    """
    config = model.config.to_dict()  # type: ignore[union-attr, operator]
    if any(config.get(key) for key in _EXPERTS):
        raise MigakiError("the experts that a token goes through are not counted yet")
    adapters = [p.numel() for name, p in model.named_parameters() if ".lora_" in name]
    return {
        "shape": ModelShape.from_config(config),
        "method": "lora" if hasattr(model, "peft_config") else "full",
        "adapter_parameters": sum(adapters) or None,
        "parallel_residual": bool(config.get("use_parallel_residual")),
    }


def _formula(flops: Flops, method: str, rate: float, precision: torch.dtype) -> str:
    frozen = ", none for frozen weights" if method == "lora" else ""
    return (
        f"({flops.a_token / 1e6:,.2f} MFLOP x tokens + {flops.a_trained_token / 1e6:,.2f} MFLOP x "
        f"trained tokens + {flops.a_pair / 1e3:,.1f} kFLOP x tokens² of each row) / seconds / "
        f"{rate / 1e9:,.0f} GFLOP/s, what this device multiplies in "
        f"{str(precision).removeprefix('torch.')} as measured. Forward pass and gradients{frozen}; "
        "nothing that is computed twice (PaLM, arXiv 2204.02311, appendix B)"
    )
