"""The gated feed-forward block as one step of the backward pass.

    y = down(silu(gate(x)) · up(x))          SwiGLU (Shazeer 2020, arXiv 2002.05202)

The activated gate and its product with ``up`` are the widest tensors of a layer. They are made again in
the backward pass, which costs two element-wise passes, instead of being kept.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from migaki.training.fused import linear
from migaki.training.fused.linear import Projection
from migaki.training.fused.products import Product

__all__ = ["feed_forward"]


def feed_forward(x: Tensor, wide: Projection, down: Projection, product: Product) -> Tensor:
    """Apply a gated feed-forward block.

    Args:
        x: (..., hidden).
        wide: hidden → 2 × intermediate: the gate, which SiLU activates, and below it ``up``.
        down: intermediate → hidden.
        product: The kernel of the wide products.

    Returns:
        (..., hidden).
    """
    y: Tensor = _FeedForward.apply(  # type: ignore[no-untyped-call]
        x, wide, down, product, *wide.tensors, *down.tensors
    )
    return y


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        wide: Projection,
        down: Projection,
        product: Product,
        *tensors: Tensor | None,
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1]).to(wide.weight.dtype)
        both, outer = linear.forward(flat, wide, product)
        gate, up = both.chunk(2, dim=1)
        y, inner = linear.forward(functional.silu(gate).mul_(up), down, product)
        ctx.save_for_backward(flat, both, *outer.tensors, *inner.tensors, *tensors)
        ctx.layers, ctx.product, ctx.shape, ctx.dtype = (wide, down), product, x.shape, x.dtype
        ctx.counts = (len(outer.tensors), len(inner.tensors), len(wide.tensors))
        return y.view(*x.shape[:-1], y.shape[-1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        x, both, *saved = ctx.saved_tensors
        outer_count, inner_count, wide_count = ctx.counts
        kept = outer_count + inner_count
        outer = linear.unpack(saved[:outer_count])
        inner = linear.unpack(saved[outer_count:kept])
        wide = ctx.layers[0].with_tensors(saved[kept : kept + wide_count])
        down = ctx.layers[1].with_tensors(saved[kept + wide_count :])
        wanted = ctx.needs_input_grad
        gate, up = both.chunk(2, dim=1)
        activated = functional.silu(gate)
        of_product, of_down = linear.backward(
            gradient.reshape(-1, gradient.shape[-1]), activated * up, down, inner, ctx.product,
            of_input=True, wanted=wanted[4 + wide_count :],
        )  # fmt: skip
        assert of_product is not None
        of_both = torch.empty_like(both)
        of_gate, of_up = of_both.chunk(2, dim=1)
        torch.mul(of_product, activated, out=of_up)
        torch.ops.aten.silu_backward(of_product.mul_(up), gate, grad_input=of_gate)
        of_x, of_wide = linear.backward(
            of_both, x, wide, outer, ctx.product,
            of_input=wanted[0], wanted=wanted[4 : 4 + wide_count],
        )  # fmt: skip
        of_x = None if of_x is None else of_x.view(ctx.shape).to(ctx.dtype)
        return (of_x, None, None, None, *of_wide, *of_down)
