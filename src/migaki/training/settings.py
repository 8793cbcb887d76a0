"""What a configuration becomes on this machine, each choice with its reason."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from importlib.util import find_spec

import torch
from torch import nn

from migaki.errors import MigakiError, MissingExtraError, UsageError
from migaki.hardware import gpu
from migaki.hardware.memory.available import available_memory_gib
from migaki.hardware.memory.estimate import Batch, estimate
from migaki.hardware.memory.shape import ModelShape
from migaki.training.config import TrainingConfig
from migaki.training.packs import PADDED, Packing

__all__ = ["Settings", "count_steps", "decide_settings", "require_one_process", "require_trackers"]

_FREE_SHARE = 0.5
"""Activations may take this share of the free memory before they are recomputed instead of kept."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration, decided.

    Args:
        steps_per_epoch: Optimizer steps of one pass.
        total_steps: Optimizer steps of the run, if it does not stop early.
        warmup_steps: Steps until the learning rate is reached.
        precision: Number format of the computation.
        activation_checkpointing: Whether activations are recomputed in the backward pass.
        packing: How rows come together in batches.
        choices: What was decided, in words with the reason, by topic.
    """

    steps_per_epoch: int
    total_steps: int
    warmup_steps: int
    precision: torch.dtype
    activation_checkpointing: bool
    packing: Packing = PADDED
    choices: dict[str, str] = field(default_factory=dict)


def count_steps(rows: int, config: TrainingConfig) -> tuple[int, int]:
    """Count optimizer steps: whole batches, then whole accumulations, per epoch.

    Args:
        rows: Training rows.
        config: Batch size, accumulation, epochs or steps.

    Returns:
        Steps of one epoch and of the run.

    Example:
        >>> count_steps(10, TrainingConfig(batch_size=4, gradient_accumulation_steps=4))
        (1, 3)
    """
    batches = math.ceil(rows / config.batch_size)
    per_epoch = max(1, math.ceil(batches / config.gradient_accumulation_steps))
    return per_epoch, config.max_steps or per_epoch * config.num_epochs


def decide_settings(
    config: TrainingConfig, model: nn.Module, *, rows: int, longest: int
) -> Settings:
    """Decide what the configuration leaves to the machine.

    Args:
        config: What is asked.
        model: The model, on its device.
        rows: Training rows.
        longest: Tokens of the longest of them.
    """
    device = next(model.parameters()).device
    per_epoch, total = count_steps(rows, config)
    warmup, warmup_reason = config.warmup_for(total)
    precision, precision_reason = _precision(config, model, device)
    recompute, recompute_reason = _checkpointing(config, model, device, longest, precision)
    return Settings(
        steps_per_epoch=per_epoch,
        total_steps=total,
        warmup_steps=warmup,
        precision=precision,
        activation_checkpointing=recompute,
        choices={
            "precision": f"{str(precision).removeprefix('torch.')}: {precision_reason}",
            "warm-up": f"{warmup} steps: {warmup_reason}",
            "activation checkpointing": f"{'on' if recompute else 'off'}: {recompute_reason}",
        },
    )


def require_trackers(config: TrainingConfig) -> None:
    """Refuse to begin without the packages that ``report_to`` needs.

    Raises:
        MissingExtraError: One is not installed.
    """
    for tracker in config.report_to:
        if find_spec(tracker) is None:
            raise MissingExtraError(f"report_to={tracker}", package=tracker, extra="tracking")


def require_one_process(config: TrainingConfig) -> None:
    """Refuse what would train several copies beside each other.

    Raises:
        UsageError: Several processes are asked for, or were started.
    """
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if config.ddp or config.world_size > 1 or started > 1:
        raise UsageError(
            f"Training over several processes is not there yet (ddp={config.ddp}, "
            f"world_size={config.world_size}, {started} started).",
            hint="Start one process with ddp=False and world_size=1; it takes one device.",
        )


def _precision(
    config: TrainingConfig, model: nn.Module, device: torch.device
) -> tuple[torch.dtype, str]:
    if not config.fp16:
        return torch.float32, "fp16=False"
    if device.type == "cpu" and _is_frozen_in_bf16(model):
        return torch.bfloat16, "the frozen weights are in bfloat16; trained ones stay in float32"
    return gpu.choose_precision(device)


def _is_frozen_in_bf16(model: nn.Module) -> bool:
    frozen = {p.dtype for p in model.parameters() if not p.requires_grad and p.is_floating_point()}
    return frozen == {torch.bfloat16}


def _checkpointing(
    config: TrainingConfig,
    model: nn.Module,
    device: torch.device,
    longest: int,
    precision: torch.dtype,
) -> tuple[bool, str]:
    if config.gradient_checkpointing is False:
        return False, "gradient_checkpointing=False"
    if not getattr(model, "supports_gradient_checkpointing", False):
        return False, "this model cannot recompute activations"
    if config.gradient_checkpointing == "always":
        return True, "gradient_checkpointing=always"
    try:
        shape = ModelShape.from_config(model.config.to_dict())  # type: ignore[union-attr, operator]
    except MigakiError:
        return True, "the size of this model is not known, and recomputing saves memory"
    needed = estimate(
        shape,
        method="lora" if hasattr(model, "peft_config") else "full",
        batch=Batch(config.batch_size, longest, padded=config.batch_size > 1),
        dtype_bytes=precision.itemsize,
        lora_dropout=0.1,  # any: it decides whether copies of inputs are counted
    )
    kept = needed.activations_gib + needed.logits_gib
    free, _ = available_memory_gib(str(device))
    if kept <= free * _FREE_SHARE:
        return False, (
            f"kept activations take about {kept:.2f} of {free:.1f} GiB free; recomputing them would "
            'cost about a third more time (gradient_checkpointing="always" does it anyway)'
        )
    return True, f"kept activations would take about {kept:.1f} of {free:.1f} GiB free"
