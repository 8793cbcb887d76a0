"""Liger's fused kernels (arXiv 2410.10989) for RMSNorm, SwiGLU/GeGLU and rotary embedding.

The only module that imports ``liger_kernel``. Its fused linear cross-entropy is left out: the head
sees trained positions only, in pieces (`migaki.training.chunked_head`), which hold no full logits
either.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

import torch
from torch import nn

from migaki.errors import MissingExtraError, UsageError
from migaki.models.patches import base_of

__all__ = ["apply_liger", "choose_liger"]

_LEFT_OUT = ("cross_entropy", "fused_linear_cross_entropy")


def choose_liger(
    wanted: Literal["auto", "always", "never"], model: nn.Module, device: torch.device
) -> tuple[bool, str]:
    """Decide whether Liger's kernels are tried.

    Args:
        wanted: As the configuration says.
        model: Its architecture must be one that Liger knows.
        device: Where it is.

    Returns:
        The choice and the reason.

    Raises:
        UsageError: ``always``, where they cannot run.
        MissingExtraError: ``always``, and Liger is not installed.
    """
    if wanted == "never":
        return False, "liger=never"
    hindrance = _hindrance(model, device)
    if hindrance is None:
        return True, "installed, and made for this architecture"
    if wanted == "auto":
        return False, hindrance
    if device.type == "cuda" and find_spec("liger_kernel") is None:
        raise MissingExtraError("liger=always", package="liger-kernel", extra="liger")
    raise UsageError(f"liger=always cannot be: {hindrance}.", hint="Use liger=auto or liger=never.")


def _hindrance(model: nn.Module, device: torch.device) -> str | None:
    if device.type != "cuda":
        return f"its kernels run on CUDA and ROCm cards, and this model is on {device.type}"
    if find_spec("liger_kernel") is None:
        return "liger-kernel is not installed (pip install 'migaki[liger]')"
    try:
        from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN as KNOWN
    except Exception as err:  # it checks versions of transformers and triton while it is imported
        return f"liger-kernel cannot be loaded ({(str(err).splitlines() or ['?'])[0][:200]})"
    kind = getattr(base_of(model).config, "model_type", "")
    return None if kind in KNOWN else f"it has no kernels for {kind or type(model).__name__}"


def apply_liger(model: nn.Module) -> None:
    """Replace what Liger has kernels for, in this model; undone by `migaki.models.patches.Patch`.

    Args:
        model: A supported model, without PEFT's wrapper.
    """
    import inspect

    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN as KNOWN

    apply = KNOWN[model.config.model_type]  # type: ignore[union-attr]
    known = inspect.signature(apply).parameters
    apply(model=model, **{name: False for name in _LEFT_OUT if name in known})
