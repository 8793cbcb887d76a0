"""What of a model decides how it learns: a run is resumed only where it is the same."""

from __future__ import annotations

from typing import Any

from torch import nn

from migaki.models.low_bit import quantization_of

__all__ = ["identity_of_model"]

_ADAPTER_PARTS = (
    "r", "lora_alpha", "lora_dropout", "bias", "target_modules",
    "use_rslora", "use_dora", "trainable_token_indices",
)  # fmt: skip


def identity_of_model(model: nn.Module) -> dict[str, Any]:
    """Return the settings of a model's adapters and how its weights are stored.

    Args:
        model: Any model, possibly wrapped by PEFT.
    """
    adapters = {
        name: {
            part: sorted(value) if isinstance(value := getattr(config, part, None), set) else value
            for part in _ADAPTER_PARTS
        }
        for name, config in getattr(model, "peft_config", {}).items()
    }
    return {"adapter": adapters, "quantization": quantization_of(model)}
