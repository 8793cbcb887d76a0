"""Weights in 4 and 8 bits and optimizers with moments in 8: what migaki takes from bitsandbytes.

**The trap of 4-bit weights on a CPU.** On a CPU with avx512_bf16, `Linear4bit` repacks its weights at
its first forward pass in evaluation mode. What is computed from them with gradients afterwards is
wrong, for Llama without a word: the gradients of adapters have a mean cosine of 0.634 to the right
ones, merging is off by 2 in the logits (bitsandbytes 0.50.2). The repacking is lossy, so it cannot be
taken back. It is therefore switched off for every model before anything runs through it, and a model
that was repacked elsewhere is refused.
"""

from __future__ import annotations

import importlib.util
import logging
from typing import Any, Literal

import torch
from torch import nn

from migaki.errors import MissingExtraError, ModelError, UsageError

__all__ = [
    "LowBitOptimizer",
    "is_quantized",
    "keep_4bit_weights_unpacked",
    "make_low_bit_optimizer",
    "quantization_of",
    "require_bitsandbytes",
    "require_low_bit_optimizer",
]


class _OncePerMessage(logging.Filter):
    """Lets bitsandbytes say once, not at every layer of every pass, that 8 bits are made from 16."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the message is new."""
        new = record.getMessage() not in self._said
        self._said.add(record.getMessage())
        return new


logging.getLogger("bitsandbytes.autograd._functions").addFilter(_OncePerMessage())

LowBitOptimizer = Literal["adamw_8bit", "paged_adamw", "paged_adamw_8bit"]

# Where bitsandbytes 0.50 has the update of 8-bit moments, and memory that is paged; elsewhere it
# fails at the first step, or takes ordinary memory behind a warning.
_8BIT_DEVICES = ("cpu", "cuda", "xpu")
_PAGED_DEVICES = ("cuda",)


def require_bitsandbytes(feature: str) -> None:
    """Refuse to go on without bitsandbytes.

    Args:
        feature: What needs it, for the message.

    Raises:
        MissingExtraError: It is not installed.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtraError(feature, package="bitsandbytes", extra="quantization")


def is_quantized(model: nn.Module) -> bool:
    """Return whether weights of a model are stored in 8 or 4 bits."""
    return quantization_of(model) is not None


def quantization_of(model: nn.Module) -> str | None:
    """Return how a model's weights are stored: ``8-bit``, ``nf4``, ``fp4``, another library's name.

    Args:
        model: Any model, possibly wrapped by PEFT.

    Returns:
        Nothing for ordinary weights.
    """
    for module in model.modules():
        if type(module).__name__ == "Linear4bit":
            return str(getattr(module.weight, "quant_type", "4-bit"))
        if type(module).__name__ == "Linear8bitLt":
            return "8-bit"
    if not getattr(model, "is_quantized", False):
        return None
    return str(getattr(model, "quantization_method", "quantized"))


def keep_4bit_weights_unpacked(model: nn.Module) -> None:
    """Keep 4-bit weights as they were quantized, on every device the model may move to.

    Args:
        model: Any model; one without 4-bit weights is left alone.

    Raises:
        ModelError: An evaluation pass outside of migaki has repacked them already.
    """
    for name, module in model.named_modules():
        if type(module).__name__ != "Linear4bit":
            continue
        state = getattr(module.weight, "quant_state", None)
        if getattr(state, "packing_format_for_cpu", False):
            raise ModelError(
                f"The 4-bit weights of {name} were repacked by an evaluation pass of bitsandbytes on "
                "the CPU: gradients, merging and saving would be wrong from now on.",
                hint="Load the model with migaki (JapaneseModel, load_model), which keeps them as "
                "they are, or hand it over before its first evaluation pass.",
            )
        module.support_avx512bf16_for_cpu = False


def require_low_bit_optimizer(name: LowBitOptimizer, device: torch.device) -> None:
    """Refuse an optimizer that would not do on a device what its name says.

    Args:
        name: The optimizer.
        device: Where the trained weights are.

    Raises:
        MissingExtraError: bitsandbytes is not installed.
        UsageError: It has no such optimizer for the device.
    """
    require_bitsandbytes(f"training.optimizer={name}")
    valid = ["adamw"]
    if device.type in _8BIT_DEVICES:
        valid.append("adamw_8bit")
    if device.type in _PAGED_DEVICES:
        valid += ["paged_adamw", "paged_adamw_8bit"]
    if name not in valid:
        why = (
            "paging moves moments out of a GPU's memory"
            if name.startswith("paged")
            else "bitsandbytes has no 8-bit AdamW there"
        )
        raise UsageError(
            f"training.optimizer is {name}, and training is on {device.type}: {why}.",
            hint=f"Valid here: {', '.join(valid)}.",
        )


def make_low_bit_optimizer(
    name: LowBitOptimizer,
    groups: list[dict[str, Any]],
    *,
    betas: tuple[float, float],
    eps: float,
) -> torch.optim.Optimizer:
    """Make AdamW with moments in 8 bits (blocks of 256, arXiv 2110.02861), in paged memory, or both.

    Tensors of fewer than 4,096 values keep moments in 32 bits, as bitsandbytes has it.

    Args:
        name: The optimizer; `require_low_bit_optimizer` has checked it.
        groups: Parameter groups with rate and weight decay; one with ``optim_bits`` 32 keeps its
            moments in 32 bits.
        betas: Decay of the two moments.
        eps: Added to the divisor.
    """
    from bitsandbytes import optim

    base: Any = {
        "adamw_8bit": optim.AdamW8bit,
        "paged_adamw": optim.PagedAdamW,
        "paged_adamw_8bit": optim.PagedAdamW8bit,
    }[name]

    class ByGroup(base):  # type: ignore[misc]
        """Reads ``optim_bits`` from the group.

        bitsandbytes' own way, a manager of the whole process, would pass on what one run set to the
        parameters at the same places of the next.
        """

        def get_config(self, gindex: int, pindex: int, group: dict[str, Any]) -> dict[str, Any]:
            config: dict[str, Any] = super().get_config(gindex, pindex, group)
            return {**config, "optim_bits": group.get("optim_bits", config["optim_bits"])}

    made: torch.optim.Optimizer = ByGroup(groups, betas=betas, eps=eps)
    return made
