"""What the batches of one run need in memory, and what there is for them.

One estimate decides three things: whether activations are recomputed, how many rows go through the
model at once (`training.automatic_batch`), and what the plan says before anything is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from migaki.errors import MigakiError
from migaki.hardware.memory.available import available_memory_gib
from migaki.hardware.memory.estimate import Batch, MemoryEstimate, Method, Optimizer, estimate
from migaki.hardware.memory.shape import ModelShape
from migaki.models.low_bit import quantization_of
from migaki.training.batching import EpochBatches, by_length
from migaki.training.config import TrainingConfig

__all__ = ["USABLE_SHARE", "MemoryNeed", "largest_batch", "need_of_model"]

USABLE_SHARE = 0.8
"""Of the free memory, for a run: a tenth less for the error of the estimate, a tenth for what allocators
hold back and other processes take meanwhile."""

_GIB = 1024**3
_OPTIMIZERS: dict[str, Optimizer] = {
    "adamw": "adamw", "paged_adamw": "adamw",
    "adamw_8bit": "adamw_8bit", "paged_adamw_8bit": "adamw_8bit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Everything that decides about memory but the batch.

    Args:
        shape: The model.
        method: How it is trained.
        dtype_bytes: Of the number format that is computed in.
        device: Where.
        config: Optimizer and accumulation.
        r: Rank of the adapters.
        lora_dropout: Of the adapters.
        present_gib: Weights that are in memory already, and so no longer in what is free.
    """

    shape: ModelShape
    method: Method
    dtype_bytes: int
    device: str
    config: TrainingConfig
    r: int = 16
    lora_dropout: float = 0.0
    present_gib: float = 0.0

    def of(self, batch: Batch, *, recompute: bool) -> MemoryEstimate:
        """Estimate a step whose largest batch this is."""
        return estimate(
            self.shape,
            method=self.method,
            batch=batch,
            dtype_bytes=self.dtype_bytes,
            activation_checkpointing=recompute,
            r=self.r,
            lora_dropout=self.lora_dropout,
            optimizer=_OPTIMIZERS[self.config.optimizer],
            device=self.device,
        )

    def more_than_present_gib(self, needed: MemoryEstimate) -> float:
        """Return what such a step takes of the memory that is free now."""
        context = 0.0 if self.present_gib else needed.context_gib
        return needed.total_gib + context - min(self.present_gib, needed.weights_gib)

    def fits(self, needed: MemoryEstimate, free_gib: float) -> bool:
        """Whether such a step fits with a margin."""
        return self.more_than_present_gib(needed) <= free_gib * USABLE_SHARE

    def free_gib(self) -> float:
        """Return the memory that is free on the device."""
        return available_memory_gib(self.device)[0]


def need_of_model(
    model: nn.Module, config: TrainingConfig, precision: torch.dtype
) -> MemoryNeed | None:
    """Read off a loaded model what its training needs.

    Args:
        model: On its device, possibly wrapped by PEFT.
        config: How it is trained.
        precision: Number format of the computation.

    Returns:
        The need; nothing where the size of the model is not known.
    """
    described: Any = getattr(model, "config", None)
    try:
        shape = ModelShape.from_config(described.to_dict())
    except (MigakiError, AttributeError):
        return None
    parameters = list(model.parameters())
    adapters = list(getattr(model, "peft_config", {}).values())
    return MemoryNeed(
        shape=shape,
        method=_method(model, adapted=bool(adapters)),
        dtype_bytes=precision.itemsize,
        device=str(parameters[0].device),
        config=config,
        r=max((getattr(adapter, "r", 16) for adapter in adapters), default=16),
        lora_dropout=max(
            (getattr(adapter, "lora_dropout", 0.0) for adapter in adapters), default=0.0
        ),
        present_gib=sum(p.numel() * p.element_size() for p in parameters) / _GIB,
    )


def _method(model: nn.Module, *, adapted: bool) -> Method:
    if not adapted:
        return "full"
    quantized = quantization_of(model)
    if quantized is None:
        return "lora"
    return "qlora_8bit" if quantized == "8-bit" else "qlora"


def largest_batch(
    lengths: Sequence[int], config: TrainingConfig, *, packed: bool = False
) -> tuple[list[int], Batch]:
    """Find the batch of the first epoch that takes most memory.

    Batches of similar length are all of about the same padded tokens (`batching.by_length`), far
    fewer than ``batch_size`` times the longest row. Later epochs draw other pools; what they differ by is
    part of the margin.

    Args:
        lengths: Tokens of every row.
        config: Batch size, accumulation, seed and order.
        packed: Whether rows are laid end to end, without padding.

    Returns:
        The numbers of its rows, and the batch.

    Example:
        >>> largest_batch([9, 1, 3, 2], TrainingConfig(batch_size=2))[1].tokens
        9
    """
    batches = EpochBatches(
        lengths,
        batch_size=config.batch_size,
        seed=config.seed,
        arrange=by_length if config.group_by_length or packed else None,
    )
    accumulated = config.gradient_accumulation_steps > 1
    if packed:  # packs are more even than batches of similar length, so that these stand for them
        rows = max(batches, key=lambda batch: sum(lengths[row] for row in batch))
        return rows, Batch(1, sum(lengths[row] for row in rows), accumulated=accumulated)
    rows = max(batches, key=lambda batch: _weight(batch, lengths))
    longest = max(lengths[row] for row in rows)
    return rows, Batch(len(rows), longest, accumulated=accumulated)


def _weight(batch: list[int], lengths: Sequence[int]) -> tuple[int, int]:
    longest = max(lengths[row] for row in batch)
    return len(batch) * longest, longest
