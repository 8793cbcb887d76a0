"""Reading a model's layers as `Projection`: which of them the fused functions can compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from migaki.training.fused.linear import Adapters, Projection

__all__ = ["Layers", "is_fusible"]


def is_fusible(layer: nn.Module) -> bool:
    """Tell whether a layer is an ordinary linear one, bare or with one ordinary LoRA adapter.

    Quantized layers, several adapters at once and LoRA's variants (DoRA) keep their own forward pass.
    """
    base = getattr(layer, "base_layer", layer)
    if type(base) is not nn.Linear or not base.weight.is_floating_point():
        return False
    if base is layer:
        return True
    adapters = list(getattr(layer, "active_adapters", ()))
    if len(adapters) != 1 or adapters[0] not in getattr(layer, "lora_A", {}):
        return False
    (name,) = adapters
    parts = (layer.lora_A[name], layer.lora_B[name])  # type: ignore[index]
    return name not in getattr(layer, "lora_variant", {}) and all(
        type(part) is nn.Linear and part.bias is None for part in parts
    )


class Layers:
    """Linear layers that read one input, read as one projection.

    The weights of several are moved into one matrix, of which each then holds its rows, so that
    they take no more memory than before.

    Args:
        modules: Each `is_fusible`; several only if `can_join`.
    """

    def __init__(self, modules: Sequence[Any]) -> None:
        self.modules = list(modules)
        self._bases = [getattr(module, "base_layer", module) for module in modules]
        self._weight: Tensor = self._bases[0].weight
        self._bias: Tensor | None = self._bases[0].bias
        self.sizes = [base.out_features for base in self._bases]

    @staticmethod
    def can_join(modules: Sequence[Any]) -> bool:
        """Tell whether layers can be read as one: frozen, alike, with adapters alike or none."""
        bases = [getattr(module, "base_layer", module) for module in modules]
        own = [p for base in bases for p in (base.weight, base.bias) if p is not None]
        kinds = {(base.in_features, base.weight.dtype, base.bias is None) for base in bases}
        return (
            not any(parameter.requires_grad for parameter in own)
            and len(kinds) == 1
            and len({_adapter_kind(module) for module in modules}) == 1
        )

    def join(self) -> Callable[[], None]:
        """Move the weights of several layers into one matrix; return what moves them apart again."""
        if len(self.modules) == 1:
            return lambda: None
        self._weight = _joined([base.weight for base in self._bases])
        if self._bias is not None:
            self._bias = _joined([base.bias for base in self._bases])

        def part() -> None:
            for base in self._bases:
                for parameter in (base.weight, base.bias):
                    if parameter is not None:
                        parameter.data = parameter.data.clone()

        return part

    @property
    def are_plain(self) -> bool:
        """Whether every adapter is switched on and not merged at this moment."""
        return not any(
            getattr(module, "disable_adapters", False) or getattr(module, "merged", False)
            for module in self.modules
        )

    def projection(self) -> Projection:
        """Return what the layers compute with now."""
        first = self.modules[0]
        if not hasattr(first, "base_layer"):
            return Projection(self._weight, self._bias)
        (name,) = first.active_adapters
        dropout = first.lora_dropout[name]
        share = float(getattr(dropout, "p", 0.0)) if dropout.training else 0.0
        adapters = Adapters(
            tuple(module.lora_A[name].weight for module in self.modules),
            tuple(module.lora_B[name].weight for module in self.modules),
            float(first.scaling[name]),
            share,
        )
        return Projection(self._weight, self._bias, adapters)


def _joined(parameters: Sequence[nn.Parameter]) -> Tensor:
    whole = torch.cat([parameter.data for parameter in parameters])
    parts = torch.split(whole, [len(parameter) for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.data = part
    return whole


def _adapter_kind(module: Any) -> tuple[Any, ...]:
    if not hasattr(module, "base_layer"):
        return ()
    (name,) = module.active_adapters
    dropout = getattr(module.lora_dropout[name], "p", 0.0)
    return name, module.r[name], module.scaling[name], dropout
