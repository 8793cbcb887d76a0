"""A new adapter beside a frozen older one, and both made into one that any reader of LoRA loads.

    W x + s₁ B₁ (A₁ x) + s₂ B₂ (A₂ x)  =  W x + [s₁ B₁  s₂ B₂] ([A₁; A₂] x)

While it is trained, the older adapter stays beside the new one, as it was: merging it into the base
would round it to the base's format (8 bits of mantissa in bf16, 4 bits under QLoRA). What is saved is
one adapter of rank r₁ + r₂ on the same base: nothing is lost, nothing large is written, and no
reader has to know of stacks.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from migaki.errors import ModelError, UsageError
from migaki.models.adapters import refuse_incomplete
from migaki.models.fingerprint import tensor_shapes
from migaki.models.location import read_json_object

__all__ = ["fold", "is_stacked", "refuse_unstackable", "stack"]

logger = logging.getLogger(__name__)

_OLD, _NEW = "previous", "default"


def refuse_unstackable(folder: Path, new: Mapping[str, Any]) -> None:
    """Stop when two adapters have parts that cannot be joined by their ranks.

    Args:
        folder: The older adapter.
        new: Settings of the new one, by PEFT's names.

    Raises:
        UsageError: One is more than low-rank matrices on linear layers.
    """
    old = _unjoinable(read_json_object(folder / "adapter_config.json"))
    if any(
        ".lora_embedding_" in name for name in tensor_shapes(folder / "adapter_model.safetensors")
    ):
        old.append("adapted embeddings")
    for which, found in ((str(folder), old), ("the new one", _unjoinable(new))):
        if found:
            raise UsageError(
                f"The adapters cannot be stacked: {which} has {', '.join(found)}, which cannot be "
                "joined with another adapter's.",
                hint="Train the older one on (continue_adapter=train), or leave that setting out.",
            )


def _unjoinable(config: Mapping[str, Any]) -> list[str]:
    parts = ("use_dora", "lora_bias", "modules_to_save", "trainable_token_indices", "trainable_tokens",
             "layer_replication", "target_parameters")  # fmt: skip
    found = [name for name in parts if config.get(name)]
    return [*found, "bias"] if config.get("bias") not in (None, "none") else found


def stack(model: Any, folder: Path) -> None:
    """Put an older adapter, frozen and without dropout, beside the fresh one of a model.

    Args:
        model: A PEFT model as `migaki.models.adapters.attach_lora` returns it.
        folder: The older adapter.

    Raises:
        ModelError: It does not fit the model.
    """
    try:
        model.load_adapter(str(folder), adapter_name=_OLD, is_trainable=False)
    except Exception as err:  # as in adapters.load_adapter
        reason = (str(err).strip().splitlines() or [type(err).__name__])[0][:300]
        raise ModelError(f"The adapter {folder} does not fit its base model: {reason}") from err
    refuse_incomplete(model, folder, name=_OLD)
    model.base_model.set_adapter([_NEW, _OLD])
    for name, parameter in model.named_parameters():
        if f".{_OLD}." in name or name.endswith(f".{_OLD}"):
            parameter.requires_grad = False
    for layer in _layers(model).values():
        if _OLD in layer.lora_dropout:
            layer.lora_dropout[_OLD] = nn.Identity()


def is_stacked(model: Any) -> bool:
    """Tell whether a model has an older adapter beside its own."""
    return _OLD in getattr(model, "peft_config", {})


@torch.no_grad()
def fold(model: Any) -> None:
    """Make one adapter of the older and the new one, in place; its output is theirs, rounding aside.

    Args:
        model: As `stack` left it, trained.
    """
    pairs = {name: _joined(layer) for name, layer in _layers(model).items()}
    rank = max(a.shape[0] for a, _ in pairs.values())
    joined = dataclasses.replace(
        model.peft_config[_NEW],
        r=rank,
        lora_alpha=rank,  # the scales stand in the matrices
        use_rslora=False,
        rank_pattern={},
        alpha_pattern={},
        target_modules=_targets(model, set(pairs)),
        init_lora_weights=True,
    )
    model.delete_adapter(_NEW)
    model.add_adapter(_NEW, joined)
    model.delete_adapter(_OLD)
    model.set_adapter(_NEW)
    for name, layer in _layers(model).items():
        a, b = pairs[name]
        new_a, new_b = layer.lora_A[_NEW].weight, layer.lora_B[_NEW].weight
        new_a.data = new_a.data.to(a.dtype).zero_()
        new_b.data = new_b.data.to(b.dtype).zero_()
        new_a[: a.shape[0]] = a
        new_b[:, : b.shape[1]] = b
    model.eval()
    logger.info("the older adapter and the new one were made one of rank %d", rank)


def _layers(model: Any) -> dict[str, Any]:
    return {
        name.removeprefix("base_model.model."): module
        for name, module in model.named_modules()
        if hasattr(module, "lora_A") and hasattr(module, "base_layer")
    }


def _joined(layer: Any) -> tuple[Tensor, Tensor]:
    """Return A (ranks, in) and B (out, ranks) of all adapters of a layer, scaled."""
    names = [name for name in (_OLD, _NEW) if name in layer.lora_A]
    downs = [layer.lora_A[name].weight for name in names]
    ups = [layer.lora_B[name].weight * layer.scaling[name] for name in names]
    return torch.cat(downs, dim=0), torch.cat(ups, dim=1)


def _targets(model: Any, layers: set[str]) -> set[str]:
    """Return the shortest names that mean these layers and no others."""
    lasts = {name.rsplit(".", maxsplit=1)[-1] for name in layers}
    meant = {
        name.removeprefix("base_model.model.")
        for name, _ in model.named_modules()
        if name.rsplit(".", maxsplit=1)[-1] in lasts
    }
    return lasts if meant == layers else set(layers)
