"""Linear layers that read one input, with their adapters, as one step of the backward pass.

    y = x Wᵀ + bias + (x Aᵀ) Bᵀ

    W  the layers' weights below each other (q, k, v)        A  their adapters' A likewise
    B  their adapters' B, scaled, each in its own rows and columns, zeros elsewhere

Written as single operations each layer costs some ten nodes of the backward graph and five passes over
tensors as wide as its output, which on a CPU take as long as the adapters' products. Here there are
three products forwards and five backwards for all layers together. What is computed is the same, in the
number format of the frozen weights (LoRA, Hu et al. 2021, arXiv 2106.09685; PEFT's float32 copy of the
input is what autocast undoes at once).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from migaki.training.fused.products import Product

__all__ = ["Adapters", "Kept", "Projection", "backward", "forward", "project"]


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters of one rank, scale and dropout on layers that read one input.

    Args:
        a: (rank, in) of each layer.
        b: (out, rank) of each layer.
        scale: What their output is multiplied by.
        dropout: Share of each one's input that is set to zero.
    """

    a: tuple[Tensor, ...]
    b: tuple[Tensor, ...]
    scale: float
    dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class Projection:
    """One linear layer, or several whose weights lie below each other in one matrix.

    Args:
        weight: (out of all, in).
        bias: (out of all,).
        adapters: Of every layer, or none.
    """

    weight: Tensor
    bias: Tensor | None = None
    adapters: Adapters | None = None

    @property
    def tensors(self) -> tuple[Tensor | None, ...]:
        """Weight, bias, every a, every b: what autograd has to know."""
        more = () if self.adapters is None else self.adapters.a + self.adapters.b
        return self.weight, self.bias, *more

    def with_tensors(self, tensors: Sequence[Tensor | None]) -> Projection:
        """Return the same with other tensors, in the order of ``tensors``."""
        weight, bias, *more = tensors
        assert weight is not None
        adapters = self.adapters
        if adapters is not None:
            half = len(adapters.a)
            adapters = replace(adapters, a=tuple(more[:half]), b=tuple(more[half:]))  # type: ignore[arg-type]
        return Projection(weight, bias, adapters)


@dataclass(slots=True)
class Kept:
    """What the backward pass needs beside the input; empty where there is no adapter.

    Args:
        inner: (positions, rank of all), the input's product with A.
        a: (rank of all, in), as multiplied by.
        b: (out of all, rank of all), likewise, scaled.
        noise: Of each layer (positions, in), what dropout multiplied its input by.
    """

    inner: Tensor | None = None
    a: Tensor | None = None
    b: Tensor | None = None
    noise: tuple[Tensor, ...] = ()

    @property
    def tensors(self) -> tuple[Tensor | None, ...]:
        """Everything, to be saved by autograd."""
        return self.inner, self.a, self.b, *self.noise


def project(x: Tensor, layer: Projection, product: Product) -> Tensor:
    """Apply linear layers to one input.

    Args:
        x: (..., in).
        layer: The layers.
        product: The kernel of the wide products.

    Returns:
        (..., out of all).
    """
    y: Tensor = _Project.apply(x, layer, product, *layer.tensors)  # type: ignore[no-untyped-call]
    return y


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, layer: Projection, product: Product, *tensors: Tensor | None
    ) -> Tensor:
        flat = x.reshape(-1, x.shape[-1]).to(layer.weight.dtype)
        y, kept = forward(flat, layer, product)
        ctx.save_for_backward(flat, *kept.tensors, *tensors)
        ctx.layer, ctx.product, ctx.shape, ctx.dtype = layer, product, x.shape, x.dtype
        ctx.kept_count = len(kept.tensors)
        return y.view(*x.shape[:-1], y.shape[-1])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        x, *saved = ctx.saved_tensors
        kept = unpack(saved[: ctx.kept_count])
        layer = ctx.layer.with_tensors(saved[ctx.kept_count :])
        g = gradient.reshape(-1, gradient.shape[-1])
        of_x, found = backward(
            g, x, layer, kept, ctx.product,
            of_input=ctx.needs_input_grad[0], wanted=ctx.needs_input_grad[3:],
        )  # fmt: skip
        of_x = None if of_x is None else of_x.view(ctx.shape).to(ctx.dtype)
        return (of_x, None, None, *found)


def unpack(tensors: Sequence[Any]) -> Kept:
    """Return what `Kept.tensors` listed."""
    inner, a, b, *noise = tensors
    return Kept(inner, a, b, tuple(noise))


def forward(x: Tensor, layer: Projection, product: Product) -> tuple[Tensor, Kept]:
    """Apply linear layers to one input, without recording anything.

    Args:
        x: (positions, in), in the number format of the weights.
        layer: The layers.
        product: The kernel of the wide products.

    Returns:
        (positions, out of all), and what the backward pass needs.
    """
    with torch.autocast(x.device.type, enabled=False):
        y = product(x, layer.weight, layer.bias)
        adapters = layer.adapters
        if adapters is None:
            return y, Kept()
        a = _stack(adapters.a).to(x.dtype)
        b = (_block_diagonal(adapters.b) * adapters.scale).to(x.dtype)
        noise = tuple(_noise(x, adapters.dropout) for _ in adapters.a) if adapters.dropout else ()
        if noise:
            parts = torch.split(a, [part.shape[0] for part in adapters.a])
            inner = torch.cat([(x * n) @ p.t() for n, p in zip(noise, parts, strict=True)], dim=1)
        else:
            inner = x @ a.t()
        y.addmm_(inner, b.t())
    return y, Kept(inner, a, b, noise)


def backward(
    g: Tensor,
    x: Tensor,
    layer: Projection,
    kept: Kept,
    product: Product,
    *,
    of_input: bool,
    wanted: Sequence[bool],
) -> tuple[Tensor | None, list[Tensor | None]]:
    """Return the gradients of linear layers that read one input.

    Args:
        g: (positions, out of all), of their output.
        x: (positions, in).
        layer: The layers.
        kept: What `forward` kept.
        product: The kernel of the wide products.
        of_input: Whether the gradient of x is wanted.
        wanted: Which of ``layer.tensors`` want theirs.

    Returns:
        The gradient of x, and those of ``layer.tensors``.
    """
    with torch.autocast(x.device.type, enabled=False):
        of_x = product(g, layer.weight.t(), None) if of_input else None
        of_weight = (g.t() @ x).to(layer.weight.dtype) if wanted[0] else None
        of_bias = g.sum(0) if wanted[1] else None
        adapters = layer.adapters
        if adapters is None or kept.inner is None or kept.a is None or kept.b is None:
            return of_x, [of_weight, of_bias]
        low = g @ kept.b
        if of_x is not None:
            _add_through_adapters(of_x, low, kept, adapters)
        of_a: Sequence[Tensor | None] = [None] * len(adapters.a)
        of_b: Sequence[Tensor | None] = [None] * len(adapters.b)
        if any(wanted[2:]):
            of_a = _of_a(low, x, kept, adapters)
            of_b = _blocks((g.t() @ kept.inner).to(adapters.b[0].dtype), adapters)
    return of_x, [of_weight, of_bias, *of_a, *of_b]


def _add_through_adapters(of_x: Tensor, low: Tensor, kept: Kept, adapters: Adapters) -> None:
    assert kept.a is not None
    if not kept.noise:
        of_x.addmm_(low, kept.a)
        return
    ranks = [part.shape[0] for part in adapters.a]
    parts = zip(torch.split(low, ranks, dim=1), torch.split(kept.a, ranks), kept.noise, strict=True)
    for part, a, noise in parts:
        of_x.addcmul_(part @ a, noise)


def _of_a(low: Tensor, x: Tensor, kept: Kept, adapters: Adapters) -> list[Tensor | None]:
    ranks = [part.shape[0] for part in adapters.a]
    dtype = adapters.a[0].dtype
    if not kept.noise:
        return list(torch.split((low.t() @ x).to(dtype), ranks))
    parts = zip(torch.split(low, ranks, dim=1), kept.noise, strict=True)
    return [(part.t() @ (x * noise)).to(dtype) for part, noise in parts]


def _blocks(of_all: Tensor, adapters: Adapters) -> list[Tensor | None]:
    """Cut the blocks of each B out of the gradient of all of them, and scale them."""
    found: list[Tensor | None] = []
    row = column = 0
    for b in adapters.b:
        block = of_all[row : row + b.shape[0], column : column + b.shape[1]]
        found.append(block * adapters.scale)
        row, column = row + b.shape[0], column + b.shape[1]
    return found


def _block_diagonal(parts: Sequence[Tensor]) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    whole: Tensor = torch.block_diag(*parts)  # type: ignore[no-untyped-call]
    return whole


def _stack(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _noise(x: Tensor, dropout: float) -> Tensor:
    """Draw what dropout multiplies an input by: 0, or 1 / (share that stays)."""
    return torch.empty_like(x).bernoulli_(1.0 - dropout).div_(1.0 - dropout)
