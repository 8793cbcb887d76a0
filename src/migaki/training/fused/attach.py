"""Putting the fused functions on a model for the time of its training.

Only forward passes of single modules are exchanged, on the instance: names, weights, adapters and
checkpoints stay as they are, and `Fused.remove` leaves no trace. `migaki.training.acceleration` compares
loss and gradients with the model's own before the first step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from migaki.hardware.cpu import cpu_flags
from migaki.training.fused.attention import FLOAT32_SDPA
from migaki.training.fused.feed_forward import feed_forward
from migaki.training.fused.layers import Layers, is_fusible
from migaki.training.fused.linear import project
from migaki.training.fused.norm import rms_norm
from migaki.training.fused.products import Product, choose_product

__all__ = ["Fused", "fuse"]

_ATTENTION = ("q_proj", "k_proj", "v_proj")
"""Layers of one module that read the same input, as transformers names them."""
_FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")

_Forward = Callable[..., Any]


@dataclass(slots=True)
class Fused:
    """The exchanged forward passes of a model.

    Args:
        count: How many modules are computed by fused functions.
        kernel: What multiplies their matrices, with the reason.
    """

    count: int
    kernel: str
    _undo: list[Callable[[], None]] = field(default_factory=list)

    def remove(self) -> None:
        """Give every module its own forward pass back."""
        while self._undo:
            self._undo.pop()()
        self.count = 0


def fuse(model: nn.Module, *, precision: torch.dtype) -> Fused:
    """Exchange what the fused functions can compute.

    Args:
        model: A causal language model, possibly wrapped by PEFT, on the CPU.
        precision: Number format that training computes in; layers in another keep their own pass.

    Returns:
        What was exchanged, perhaps nothing.
    """
    product, kernel = choose_product(torch.device("cpu"), precision)
    exchange = _Exchange(product, precision)
    exchange.descend(model)
    if exchange.count:
        exchange.attend(model)
    return Fused(exchange.count, kernel, exchange.undo)


class _Exchange:
    """Walks down a model and exchanges forward passes."""

    def __init__(self, product: Product, precision: torch.dtype) -> None:
        self.product = product
        self.precision = precision
        self.count = 0
        self.undo: list[Callable[[], None]] = []

    def descend(self, module: nn.Module) -> None:
        """Exchange what this module or those below it compute."""
        if self._knows(module):
            self._replace(module, _one(Layers([module]), module.forward, self.product))
            return
        if type(module).__name__.endswith("RMSNorm"):
            self._norm(module)
            return
        if self._is_feed_forward(module):
            wide, down = Layers([module.gate_proj, module.up_proj]), Layers([module.down_proj])
            self.undo.append(wide.join())
            self._replace(module, _feed_forward(wide, down, module.forward, self.product))
            return
        together = self._can_join(module, _ATTENTION)
        if together:
            self._attention(module)
        for name, child in module.named_children():
            if not (together and name in _ATTENTION):
                self.descend(child)

    def _attention(self, module: nn.Module) -> None:
        layers = Layers([getattr(module, name) for name in _ATTENTION])
        shared = _Shared(layers, self.product)
        self.undo.append(layers.join())
        for place, layer in enumerate(layers.modules):
            self._replace(layer, shared.forward_of(place))

    def attend(self, model: nn.Module) -> None:
        """Let attention be computed in float32 where that is faster than in bfloat16."""
        config: Any = getattr(model, "config", None)
        tiles = "amx_bf16" in cpu_flags()
        if self.precision != torch.bfloat16 or tiles:
            return
        if getattr(config, "_attn_implementation", None) == "sdpa":
            config._attn_implementation = FLOAT32_SDPA
            self.undo.append(lambda: setattr(config, "_attn_implementation", "sdpa"))

    def _replace(self, module: nn.Module, forward: _Forward) -> None:
        before = module.__dict__.get("forward")

        def put_back() -> None:
            del module.forward
            if before is not None:
                module.forward = before

        module.forward = forward
        self.undo.append(put_back)
        self.count += 1

    def _knows(self, module: Any) -> bool:
        if not is_fusible(module):
            return False
        weight = getattr(module, "base_layer", module).weight
        return bool(weight.dtype == self.precision and weight.device.type == "cpu")

    def _can_join(self, module: nn.Module, names: tuple[str, ...]) -> bool:
        layers = [getattr(module, name, None) for name in names]
        known = all(isinstance(layer, nn.Module) and self._knows(layer) for layer in layers)
        return known and Layers.can_join(layers)

    def _is_feed_forward(self, module: Any) -> bool:
        activation = getattr(module, "act_fn", None)
        if activation is None or not self._can_join(module, _FEED_FORWARD[:2]):
            return False
        children = [name for name, _ in module.named_children() if name != "act_fn"]
        sample = torch.linspace(-4, 4, 9)
        return (
            children == [*_FEED_FORWARD]
            and self._knows(module.down_proj)
            and module.gate_proj.out_features == module.up_proj.out_features
            and torch.equal(activation(sample), functional.silu(sample))
        )

    def _norm(self, module: Any) -> None:
        epsilon = getattr(module, "variance_epsilon", getattr(module, "eps", None))
        weight = getattr(module, "weight", None)
        if epsilon is None or weight is None or weight.dim() != 1:
            return
        sample = torch.linspace(-2, 3, 3 * len(weight), dtype=weight.dtype).view(3, -1)
        with torch.no_grad():
            expected = module(sample)
            found = rms_norm(sample, weight, epsilon=epsilon)
        exact = 1e-5 if weight.dtype == torch.float32 else 2e-2
        if expected.dtype == found.dtype and torch.allclose(
            expected, found, atol=exact, rtol=exact
        ):
            self._replace(module, lambda x: rms_norm(x, module.weight, epsilon=epsilon))


def _one(layers: Layers, own: _Forward, product: Product) -> _Forward:
    def forward(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or not layers.are_plain:
            return own(x, *args, **kwargs)
        return project(x, layers.projection(), product)

    return forward


def _feed_forward(wide: Layers, down: Layers, own: _Forward, product: Product) -> _Forward:
    def forward(x: Tensor) -> Any:
        if not wide.are_plain or not down.are_plain:
            return own(x)
        return feed_forward(x, wide.projection(), down.projection(), product)

    return forward


class _Shared:
    """Layers that read one input: the first that is called computes all of them.

    Args:
        layers: They.
        product: The kernel of the wide products.
    """

    def __init__(self, layers: Layers, product: Product) -> None:
        self._layers = layers
        self._own: list[_Forward] = [module.forward for module in layers.modules]
        self._product = product
        self._input: Tensor | None = None
        self._ready: dict[int, Tensor] = {}

    def forward_of(self, place: int) -> _Forward:
        """Return the forward pass of one of them."""

        def forward(x: Tensor, *args: Any, **kwargs: Any) -> Any:
            if self._input is x and place in self._ready:
                return self._take(place)
            if args or kwargs or not self._layers.are_plain:
                return self._own[place](x, *args, **kwargs)
            outputs = project(x, self._layers.projection(), self._product)
            self._input = x
            self._ready = dict(enumerate(torch.split(outputs, self._layers.sizes, dim=-1)))
            return self._take(place)

        return forward

    def _take(self, place: int) -> Tensor:
        output = self._ready.pop(place)
        if not self._ready:
            self._input = None
        return output
