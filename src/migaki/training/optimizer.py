"""Which weights learn at which rate, and which implementation of AdamW takes the step.

AdamW as PyTorch has it (decoupled decay, arXiv 1711.05101), betas 0.9 and 0.999, epsilon 1e-8. Norms
and biases do not decay. LoRA+ (arXiv 2402.12354, section 4) gives the adapters' B matrices a multiple
of the rate: A starts random and B at zero, and at equal rates A's part is learnt too slowly in wide
models.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import Trainer

from migaki.models import low_bit
from migaki.training.config import TrainingConfig

__all__ = ["make_optimizer", "optimizer_choice", "parameter_groups", "require_optimizer"]

_BETAS = (0.9, 0.999)
_EPSILON = 1e-8

# Where PyTorch has one kernel for the whole step.
_FUSED_DEVICES = ("cpu", "cuda", "mps", "xpu")


def require_optimizer(config: TrainingConfig, device: torch.device) -> None:
    """Refuse an optimizer that is not to be had on a device.

    Args:
        config: What is asked.
        device: Where training will run.

    Raises:
        MissingExtraError: It needs bitsandbytes, which is not installed.
        UsageError: The device has no such optimizer.
    """
    if config.optimizer != "adamw":
        low_bit.require_low_bit_optimizer(config.optimizer, device)


def optimizer_choice(config: TrainingConfig, device: torch.device) -> str:
    """Say which implementation takes the steps, with the reason.

    Example:
        >>> optimizer_choice(TrainingConfig(), torch.device("cpu"))
        'adamw, fused: one kernel for the whole step, equal at every number of threads'
    """
    if config.optimizer != "adamw":
        return f"{config.optimizer}, bitsandbytes: as asked"
    if device.type in _FUSED_DEVICES:
        return "adamw, fused: one kernel for the whole step, equal at every number of threads"
    return f"adamw, tensor by tensor: PyTorch has no fused one for {device.type}"


def parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, Any]]:
    """Sort trained weights by rate and decay.

    Args:
        model: What has ``requires_grad`` is trained.
        config: Rate, decay, ratio of LoRA+.

    Returns:
        Groups for an optimizer, none of them empty; the first has the rate that is shown.
    """
    decaying = set(Trainer.get_decay_parameter_names(None, model))
    embedded = _embedding_weights(model)
    groups: dict[tuple[bool, bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            faster = config.lora_plus_ratio != 1 and "lora_B" in name
            key = (faster, name not in decaying, id(parameter) in embedded)
            groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": config.learning_rate * (config.lora_plus_ratio if faster else 1),
            "weight_decay": 0.0 if constant else config.weight_decay,
            # 8-bit blocks suit no embeddings, whose gradients are too uneven (arXiv 2110.02861,
            # section 2.3).
            **({"optim_bits": 32} if whole else {}),
        }
        for (faster, constant, whole), parameters in sorted(
            groups.items(), key=lambda item: item[0]
        )
    ]


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Make the optimizer of a run.

    Args:
        model: On its device; what has ``requires_grad`` is trained.
        config: What is asked; `require_optimizer` has checked it.
    """
    groups = parameter_groups(model, config)
    if config.optimizer != "adamw":
        return low_bit.make_low_bit_optimizer(config.optimizer, groups, betas=_BETAS, eps=_EPSILON)
    # Against the step tensor by tensor it rounds otherwise (3.6e-7 after 50 steps) and took a third
    # of the time on one CPU core.
    fused = groups[0]["params"][0].device.type in _FUSED_DEVICES
    return torch.optim.AdamW(
        groups, lr=config.learning_rate, betas=_BETAS, eps=_EPSILON, fused=fused
    )


def _embedding_weights(model: nn.Module) -> set[int]:
    return {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    }
