"""Whether an adapter fits a base model, told from headers and configurations before anything loads.

Adapters of PEFT alone say no more about their base than its name. What can be known is compared: the
names and the shapes of the layers that they change.
"""

from __future__ import annotations

import re
from pathlib import Path

from torch import nn
from transformers.pytorch_utils import Conv1D

from migaki.errors import ModelError
from migaki.models.fingerprint import tensor_shapes
from migaki.models.location import read_json_object

__all__ = ["adapted_layers", "refuse_other_base"]

_PREFIX = "base_model.model."
# PEFT's names of LoRA tensors: two matrices a linear layer, two tables an embedding.
_LORA = re.compile(r"(?P<layer>.+)\.lora_(?P<part>embedding_A|embedding_B|A|B)(\.\w+)?")
_SHOWN = 3


def adapted_layers(folder: Path) -> list[str]:
    """Return the layers that an adapter changes, by their full names in the base model.

    Args:
        folder: Holds ``adapter_model.safetensors``.
    """
    return sorted({layer for layer, _ in _lora_shapes(folder)})


def refuse_other_base(skeleton: nn.Module, folder: Path, *, base: str) -> None:
    """Stop when an adapter was made for another model than the one it is to be put on.

    Args:
        skeleton: The base model, without weights.
        folder: The adapter.
        base: What the base model is called, for the message.

    Raises:
        ModelError: The adapter is no LoRA, its layers are not there, or they have other sizes.
    """
    kind = str(read_json_object(folder / "adapter_config.json").get("peft_type"))
    if kind != "LORA":
        raise ModelError(
            f"The adapter {folder} is of the kind {kind}; migaki goes on with LORA.",
            hint="Merge it into its base model with PEFT, and continue from the merged model.",
        )
    modules = dict(skeleton.named_modules())
    wrong: list[str] = []
    for (layer, part), shape in sorted(_lora_shapes(folder).items()):
        module = modules.get(layer)
        if module is None:
            wrong.append(f"it has no layer {layer}")
            continue
        expected = _width(module, part)
        got = shape[0] if part in ("B", "embedding_B") else shape[-1]
        if expected is not None and got != expected:
            side = "out of" if part in ("B", "embedding_B") else "into"
            wrong.append(f"{expected:,} values go {side} {layer}, the adapter has {got:,}")
    wrong = list(dict.fromkeys(wrong))
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ModelError(
            f"The adapter {folder} was not trained on {base} ({type(skeleton).__name__}): "
            f"{'; '.join(wrong[:_SHOWN])}{more}.",
            hint="Use the model it was trained on: leave --model out to take the one it names "
            "in adapter_config.json.",
        )


def _lora_shapes(folder: Path) -> dict[tuple[str, str], tuple[int, ...]]:
    found = {}
    for name, shape in tensor_shapes(folder / "adapter_model.safetensors").items():
        match = _LORA.match(name.removeprefix(_PREFIX))
        if match and shape:
            found[match["layer"], match["part"]] = shape
    return found


def _width(module: nn.Module, part: str) -> int | None:
    """Return how many values a layer takes (``A``) or gives (``B``); nothing where it is no layer."""
    if isinstance(module, nn.Linear):
        return module.in_features if part == "A" else module.out_features
    if isinstance(module, Conv1D):
        return int(module.weight.shape[0] if part == "A" else module.weight.shape[1])
    if isinstance(module, nn.Embedding):
        return module.num_embeddings if part == "embedding_A" else module.embedding_dim
    return None
