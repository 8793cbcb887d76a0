"""What computes here: CUDA or ROCm cards, Apple's MPS, or the CPU.

ROCm builds of PyTorch answer to the name ``cuda``; ``torch.version.hip`` tells them apart. Every
function works without any card and says so instead of failing.
"""

from __future__ import annotations

import gc
import logging
import os
import platform
from typing import Any

import torch

from migaki.errors import UsageError
from migaki.hardware import cpu
from migaki.hardware.memory import available

__all__ = [
    "available_memory_gib",
    "choose_frozen_precision",
    "choose_precision",
    "clear_gpu_memory",
    "describe_hardware",
    "get_available_device",
    "get_gpu_memory_info",
    "optimize_model_for_gpu",
    "set_memory_fraction",
]

logger = logging.getLogger(__name__)

_GIB = 1024**3
_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def get_available_device() -> torch.device:
    """Return the best device there is: a CUDA or ROCm card, MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def get_gpu_memory_info() -> dict[str, Any]:
    """Return the cards of this machine and their memory.

    Returns:
        ``available``, ``device_count`` and ``devices``, each of these with ``index``, ``name``,
        ``total_memory_gb``, ``allocated_memory_gb`` (by this process), ``free_memory_gb`` (of the
        whole card) and ``multi_processor_count``. A gigabyte here is 1024³ bytes. MPS shares the
        memory of the machine and counts as one card.
    """
    if torch.cuda.is_available():
        devices = [_cuda_device(index) for index in range(torch.cuda.device_count())]
    elif torch.backends.mps.is_available():
        devices = [_mps_device()]
    else:
        devices = []
    return {"available": bool(devices), "device_count": len(devices), "devices": devices}


def optimize_model_for_gpu(
    model: torch.nn.Module,
    device: torch.device | None = None,
    enable_mixed_precision: bool = True,
    gradient_checkpointing: bool = False,
) -> tuple[torch.nn.Module, torch.device]:
    """Move a model to a device and set it up there.

    Args:
        model: Changed in place; a quantized one stays where it is.
        device: Without one the best there is.
        enable_mixed_precision: Turn the weights into the 16-bit format that the card computes;
            on the CPU and MPS they keep theirs.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.

    Returns:
        The model and the device.
    """
    device = device if device is not None else get_available_device()
    if not getattr(model, "is_quantized", False):
        model = model.to(device)
        dtype, reason = choose_precision(device)
        if enable_mixed_precision and dtype != torch.float32:
            model = model.to(dtype)
            logger.info("precision: %s (%s)", str(dtype).removeprefix("torch."), reason)
    if gradient_checkpointing:
        enable = getattr(model, "gradient_checkpointing_enable", None)
        if callable(enable):
            enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        else:
            logger.warning("%s cannot recompute activations", type(model).__name__)
    return model, device


def clear_gpu_memory() -> None:
    """Give memory that PyTorch keeps for reuse back to the card."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def set_memory_fraction(fraction: float = 0.9) -> None:
    """Limit the share of each card's memory that this process may take.

    Args:
        fraction: Above 0, at most 1. Without a card this does nothing and says so.

    Raises:
        UsageError: The share is out of range.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction <= 1:
        raise UsageError(
            f"The memory fraction is {fraction!r}; it must be above 0 and at most 1.",
            hint="0.9 leaves a tenth of the card to others.",
        )
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            torch.cuda.set_per_process_memory_fraction(float(fraction), index)
    elif torch.backends.mps.is_available():
        torch.mps.set_per_process_memory_fraction(float(fraction))
    else:
        logger.info("there is no GPU, so no memory fraction to set")


def choose_precision(device: torch.device) -> tuple[torch.dtype, str]:
    """Choose the number format of mixed precision on a device.

    Args:
        device: Where the model will be.

    Returns:
        The format and the reason.

    Example:
        >>> choose_precision(torch.device("cpu"))[0]
        torch.float32
    """
    if device.type == "cuda" and torch.version.hip is not None:
        return torch.bfloat16, "ROCm cards compute bfloat16 natively (CDNA, RDNA 3 and newer)"
    if device.type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        if major >= 8:
            return torch.bfloat16, f"compute capability {major}.{minor} has bfloat16 in hardware"
        return torch.float16, (
            f"compute capability {major}.{minor} is older than 8.0 and has no bfloat16 in hardware"
        )
    if device.type == "mps":
        return torch.float32, "16-bit training on MPS is not reliable enough to be the default"
    return torch.float32, ("on a CPU, where weights that are trained need its digits")


def choose_frozen_precision(device: torch.device) -> tuple[torch.dtype, str]:
    """Choose the number format of weights that are not trained, and of the computation with them.

    Args:
        device: Where the model will be.

    Returns:
        The format and the reason.
    """
    if device.type != "cpu":
        return choose_precision(device)
    found = sorted(_BF16_FLAGS & cpu.cpu_flags())
    if found:
        return torch.bfloat16, (
            f"this CPU multiplies bfloat16 ({', '.join(found)}) about three times as fast as float32; "
            "adapters stay in float32 (model.dtype=float32 computes everything in it)"
        )
    return torch.float32, "this CPU has no bfloat16 in hardware"


def available_memory_gib(device: torch.device) -> tuple[float, str]:
    """Return the memory a run may take on a device, and where the figure comes from.

    Args:
        device: A CUDA or ROCm card, MPS or the CPU.
    """
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return (
            free / _GIB,
            f"free of {total / _GIB:.1f} GiB on {torch.cuda.get_device_name(device)}",
        )
    return available.available_memory_gib(str(device))


def describe_hardware() -> dict[str, Any]:
    """Return what this machine is, as plain values for ``environment.json`` and ``doctor``."""
    device = get_available_device()
    dtype, reason = choose_precision(device)
    total_gib, available_gib, memory_reason = available.host_memory_gib()
    return {
        "device": str(device),
        "backend": _backend(),
        "precision": str(dtype).removeprefix("torch."),
        "precision_reason": reason,
        "cpu": cpu.cpu_name(),
        "architecture": platform.machine(),
        "cores": cpu.usable_cores(),
        "torch_threads": torch.get_num_threads(),
        "memory_gib": round(total_gib, 2),
        "available_memory_gib": round(available_gib, 2),
        "memory_reason": memory_reason,
        "gpus": get_gpu_memory_info()["devices"],
    }


def _backend() -> str:
    if torch.version.hip is not None:
        return f"ROCm {torch.version.hip}"
    if torch.version.cuda is not None:
        return f"CUDA {torch.version.cuda}"
    return "MPS" if torch.backends.mps.is_available() else "CPU"


def _cuda_device(index: int) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    return {
        "index": index,
        "name": properties.name,
        "total_memory_gb": total / _GIB,
        "allocated_memory_gb": torch.cuda.memory_allocated(index) / _GIB,
        "free_memory_gb": free / _GIB,
        "multi_processor_count": properties.multi_processor_count,
    }


def _mps_device() -> dict[str, Any]:
    total = torch.mps.recommended_max_memory()
    used = torch.mps.driver_allocated_memory()
    return {
        "index": 0,
        "name": f"Apple {platform.processor() or 'silicon'} (MPS)",
        "total_memory_gb": total / _GIB,
        "allocated_memory_gb": torch.mps.current_allocated_memory() / _GIB,
        "free_memory_gb": max(0, total - used) / _GIB,
        "multi_processor_count": os.cpu_count() or 0,
    }
