"""What a configuration becomes on this machine, each choice with its reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec

import torch
from torch import nn

from migaki.errors import MissingExtraError
from migaki.hardware import gpu
from migaki.training.config import TrainingConfig
from migaki.training.memory_need import USABLE_SHARE, largest_batch, need_of_model
from migaki.training.packs import PADDED, Packing

__all__ = [
    "Settings",
    "choose_training_precision",
    "count_steps",
    "decide_settings",
    "require_trackers",
]


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


def count_steps(rows: int, config: TrainingConfig, *, processes: int = 1) -> tuple[int, int]:
    """Count optimizer steps: whole batches, shared out, then whole accumulations, per epoch.

    Args:
        rows: Training rows.
        config: Batch size, accumulation, epochs or steps.
        processes: How many share the batches.

    Returns:
        Steps of one epoch and of the run.

    Example:
        >>> count_steps(10, TrainingConfig(batch_size=4, gradient_accumulation_steps=4))
        (1, 3)
    """
    batches = math.ceil(math.ceil(rows / config.batch_size) / processes)
    per_epoch = max(1, math.ceil(batches / config.gradient_accumulation_steps))
    return per_epoch, config.max_steps or per_epoch * config.num_epochs


def decide_settings(
    config: TrainingConfig,
    model: nn.Module,
    *,
    lengths: Sequence[int],
    packing: Packing = PADDED,
    processes: int = 1,
) -> Settings:
    """Decide what the configuration leaves to the machine.

    Args:
        config: What is asked.
        model: The model, on its device.
        lengths: Tokens of every training row.
        packing: How they come together in batches.
        processes: How many share them.
    """
    per_epoch, total = count_steps(len(lengths), config, processes=processes)
    warmup, warmup_reason = config.warmup_for(total)
    precision, precision_reason = choose_training_precision(config, model)
    recompute, recompute_reason = _checkpointing(
        config, model, precision, lengths, packed=packing.attention is not None
    )
    return Settings(
        steps_per_epoch=per_epoch,
        total_steps=total,
        warmup_steps=warmup,
        precision=precision,
        activation_checkpointing=recompute,
        packing=packing,
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


def choose_training_precision(config: TrainingConfig, model: nn.Module) -> tuple[torch.dtype, str]:
    """Choose the number format that is computed in.

    Args:
        config: What is asked.
        model: The model, on its device.

    Returns:
        The format and the reason.
    """
    device = next(model.parameters()).device
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
    precision: torch.dtype,
    lengths: Sequence[int],
    *,
    packed: bool,
) -> tuple[bool, str]:
    if config.gradient_checkpointing is False:
        return False, "gradient_checkpointing=False"
    if not getattr(model, "supports_gradient_checkpointing", False):
        return False, "this model cannot recompute activations"
    if config.gradient_checkpointing == "always":
        return True, "gradient_checkpointing=always"
    need = need_of_model(model, config, precision)
    if need is None:
        return True, "the size of this model is not known, and recomputing saves memory"
    _, batch = largest_batch(lengths, config, packed=packed)
    kept, recomputed = (need.of(batch, recompute=recompute) for recompute in (False, True))
    free = need.free_gib()
    more, less = (need.more_than_present_gib(needed) for needed in (kept, recomputed))
    if need.fits(kept, free):
        return False, (
            f"a step takes about {more:.2f} GiB beside the weights, of {free:.1f} GiB free; recomputing "
            f"would take {less:.2f} GiB and about a third more time "
            '(gradient_checkpointing="always" does it anyway)'
        )
    return True, (
        f"a step would take about {more:.1f} GiB beside the weights with activations kept, {less:.1f} "
        f"GiB with them recomputed, and {USABLE_SHARE:.0%} of {free:.1f} GiB free may be used"
    )
