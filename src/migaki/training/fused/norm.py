"""RMSNorm as one step of the backward pass (Zhang & Sennrich 2019, arXiv 1910.07467)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

__all__ = ["rms_norm"]


def rms_norm(x: Tensor, weight: Tensor, *, epsilon: float) -> Tensor:
    """Divide each position by the root of its mean square, in float32, and scale.

    Args:
        x: (..., hidden).
        weight: (hidden,).
        epsilon: Added to the mean square.

    Returns:
        (..., hidden), in the number format of x.
    """
    y: Tensor = _RMSNorm.apply(x, weight, epsilon)  # type: ignore[no-untyped-call]
    return y


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True).add_(epsilon))
        ctx.save_for_backward(x, weight, scale)
        return (wide * scale).to(x.dtype).mul_(weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, weight, scale = ctx.saved_tensors
        normed = x.float() * scale
        of_weight = None
        if ctx.needs_input_grad[1]:
            of_weight = (gradient.float() * normed).flatten(0, -2).sum(0).to(weight.dtype)
        g = gradient.float() * weight.float()
        shared = (g * normed).mean(-1, keepdim=True)
        of_x = g.addcmul_(normed, shared, value=-1.0).mul_(scale)
        return of_x.to(x.dtype), of_weight, None
