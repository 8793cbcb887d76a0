"""One step taken for measuring: loss, gradients and time, with nothing left behind.

What makes training faster (compiled layers, fused kernels) is compared with the plain computation on
rows of the run before it is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Trial", "difference", "in_training", "try_step"]

_LOSS_TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 1e-2, torch.float16: 1e-2}
"""Relative. bf16 has 8 bits: a few roundings in another order differ by some 2**-8 = 0.4 %."""

_GRADIENT_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 5e-2, torch.float16: 5e-2}
"""Of the norm of all gradients together. What is wrong in the mathematics differs by tens of per cent."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one forward and backward pass gave.

    Args:
        nll_nats: Sum over the trained tokens.
        gradients: Of every weight that has one, by name; on the CPU, so that a card keeps its memory.
        seconds: Time of the two passes.
        padded_tokens: Tokens computed, padding included.
    """

    nll_nats: float
    gradients: Mapping[str, Tensor]
    seconds: float
    padded_tokens: int


def try_step(
    model: nn.Module,
    batch: Mapping[str, Tensor],
    step: Callable[[Mapping[str, Any]], tuple[Tensor, Tensor]],
    *,
    dropout: bool = False,
) -> Trial:
    """Take one step and undo what it left: gradients, random state, modes.

    Args:
        model: In training mode while it is tried.
        batch: Inputs with ``labels``, on the model's device.
        step: Runs forward and backward; returns the summed loss and the trained tokens.
        dropout: Leave dropout on. Two ways of computing draw other numbers, so they are compared
            without.
    """
    device = next(model.parameters()).device
    model.zero_grad()
    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        in_training(model, dropout=dropout),
    ):
        _wait(device)
        started = time.perf_counter()
        nll, _ = step(batch)
        _wait(device)
        seconds = time.perf_counter() - started
    found = {n: p.grad.cpu() for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()  # lets go of them; they live on in what is returned
    return Trial(
        nll_nats=float(nll),
        gradients=found,
        seconds=seconds,
        padded_tokens=batch["input_ids"].numel(),
    )


def difference(plain: Trial, other: Trial, precision: torch.dtype) -> str | None:
    """Say in what two trials differ by more than rounding.

    Args:
        plain: The reference.
        other: What is to replace it.
        precision: Number format of the computation; it sets how much is rounding.

    Returns:
        The difference in words, or nothing.
    """
    if plain.gradients.keys() != other.gradients.keys():
        return "other weights have gradients"
    off = abs(other.nll_nats - plain.nll_nats) / max(abs(plain.nll_nats), 1e-12)
    if not off <= _LOSS_TOLERANCE[precision]:  # NaN too
        return f"the loss differs by {off:.1e} of itself"
    norm = _norm(plain.gradients.values())
    apart = _norm(
        other.gradients[name].float() - value.float() for name, value in plain.gradients.items()
    )
    if not apart <= _GRADIENT_TOLERANCE[precision] * max(norm, 1e-12):
        return f"the gradients differ by {apart / max(norm, 1e-12):.1e} of their norm"
    return None


def _norm(tensors: Any) -> float:
    return float(sum(float(tensor.double().square().sum()) for tensor in tensors) ** 0.5)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def in_training(model: nn.Module, *, dropout: bool) -> Iterator[None]:
    """Put a model into training mode for a while.

    Args:
        model: Every module gets its own mode back.
        dropout: Whether modules that drop out do so.
    """
    before = {module: module.training for module in model.modules()}
    model.train()
    if not dropout:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
    try:
        yield
    finally:
        for module, mode in before.items():
            module.training = mode
