"""Which attention kernel a model computes with: padded batches and packs.

Padded batches go through transformers' own backends. For packs (several sequences in one row, see
`migaki.dataset.packing`) two functions of `packed_attention` stand beside them; transformers passes
them the boundaries that were worked out once for the batch.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig

from migaki.models.packed_attention import LOOP, VARLEN

__all__ = ["choose_attention", "choose_packed_attention"]

_VARLEN_SINCE = (2, 10)  # torch.nn.attention.varlen
_VARLEN_MAX_HEAD = 256  # of PyTorch's flash kernels
_FLEX = "flex_attention"
_FLASH = "flash_attention"
_KNOWN_LAYERS = {"full_attention", "sliding_attention"}


def choose_attention(
    device: torch.device,
    dtype: torch.dtype,
    *,
    use_flash_attention: bool = True,
    config: PreTrainedConfig | None = None,
) -> tuple[str, str]:
    """Choose the attention kernel that a model is loaded with.

    Args:
        device: Where the model will be.
        dtype: Number format of its weights.
        use_flash_attention: Whether FlashAttention 2 is wanted.
        config: Of the model; without it any kernel is taken for possible.

    Returns:
        The name as transformers knows it, and the reason.

    Example:
        >>> choose_attention(torch.device("cpu"), torch.float32)
        ('sdpa', 'FlashAttention 2 needs a GPU, this is cpu')
    """
    reason = (
        _why_not_flash(device, dtype)
        if use_flash_attention
        else "FlashAttention 2 was not asked for"
    )
    if reason is None:
        return "flash_attention_2", "flash_attn is installed and the device supports it"
    if not _supports_sdpa(config):
        return "eager", f"PyTorch's own kernels cannot compute this architecture; {reason}"
    return "sdpa", reason


def _why_not_flash(device: torch.device, dtype: torch.dtype) -> str | None:
    if device.type != "cuda":
        return f"FlashAttention 2 needs a GPU, this is {device.type}"
    if importlib.util.find_spec("flash_attn") is None:
        return "the package flash_attn is not installed; PyTorch's own kernels are used"
    if dtype not in (torch.float16, torch.bfloat16):
        return f"FlashAttention 2 computes in 16 bits, the weights are {dtype}"
    if _older_than_ampere(device):
        return "FlashAttention 2 needs compute capability 8.0 (Ampere) or newer"
    return None


def _older_than_ampere(device: torch.device) -> bool:
    return torch.version.hip is None and torch.cuda.get_device_capability(device) < (8, 0)


def _supports_sdpa(config: PreTrainedConfig | None) -> bool:
    """Gemma 2, for one, caps its attention scores, which SDPA has no argument for."""
    known = AutoModelForCausalLM._model_mapping  # no public way to a class without its weights
    if config is None or type(config) not in known:
        return True
    return bool(getattr(known[type(config)], "_supports_sdpa", True))


def choose_packed_attention(
    model: Any, *, device: torch.device, precision: torch.dtype
) -> tuple[str | None, str]:
    """Choose the kernel that computes packs.

    In this order: PyTorch's variable-length attention, FlashAttention where the model was loaded with
    it, FlexAttention, one SDPA call for each sequence.

    Args:
        model: The model, possibly wrapped by PEFT.
        device: Where it is.
        precision: Number format of the computation.

    Returns:
        The name as transformers knows it, or nothing where packs would be computed wrong; and the
        reason.
    """
    unwrap = getattr(model, "get_base_model", None)
    base = unwrap() if callable(unwrap) else model
    config: Any = getattr(base, "config", None)
    if (refusal := _why_not_packed(base, config)) is not None:
        return None, refusal
    reason = _why_not_varlen(config, device, precision)
    if reason is None:
        return VARLEN, "PyTorch's variable-length attention computes a pack in one call"
    if str(config._attn_implementation).startswith(_FLASH):
        return config._attn_implementation, f"FlashAttention is installed; {reason}"
    if device.type == "cuda" and getattr(base, "_supports_flex_attn", False):
        return _FLEX, f"FlexAttention skips what lies between sequences; {reason}"
    return LOOP, f"one call of PyTorch's attention for each sequence; {reason}"


def _why_not_packed(base: Any, config: Any) -> str | None:
    can_set = getattr(type(base), "_can_set_attn_implementation", None)
    if config is None or not callable(can_set) or not can_set():
        return f"the attention of {type(base).__name__} cannot be exchanged"
    unknown = set(getattr(config, "layer_types", None) or ()) - _KNOWN_LAYERS
    if unknown:
        return f"its layers of the kind {', '.join(sorted(unknown))} would see across boundaries"
    return None


def _why_not_varlen(config: Any, device: torch.device, precision: torch.dtype) -> str | None:
    if device.type != "cuda":
        return f"faster kernels for packs need a GPU, this is {device.type}"
    if _torch_version() < _VARLEN_SINCE:
        return f"variable-length attention came with PyTorch 2.10, this is {torch.__version__}"
    if precision not in (torch.float16, torch.bfloat16):
        return f"variable-length attention computes in 16 bits, the precision is {precision}"
    if _older_than_ampere(device):
        return "variable-length attention needs compute capability 8.0 (Ampere) or newer"
    if getattr(config, "attn_logit_softcapping", None):
        return "variable-length attention cannot cap scores, as this model does"
    if getattr(config, "attention_dropout", 0):
        return "variable-length attention has no dropout, and this model asks for it"
    heads = max(1, int(getattr(config, "num_attention_heads", 1)))
    width = getattr(config, "head_dim", None) or getattr(config, "hidden_size", 0) // heads
    if width > _VARLEN_MAX_HEAD:
        return (
            f"variable-length attention takes heads of up to {_VARLEN_MAX_HEAD}, these are {width}"
        )
    return None


def _torch_version() -> tuple[int, ...]:
    return tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
