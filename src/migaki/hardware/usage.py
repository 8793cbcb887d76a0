"""What this process takes of the memory of a device, as it is now and at its peak."""

from __future__ import annotations

from functools import lru_cache

import psutil
import torch

__all__ = ["memory_in_use_gib"]

_GIB = 1024**3


def memory_in_use_gib(device: torch.device) -> tuple[float, float | None]:
    """Return the memory in use, in GiB.

    Args:
        device: Where the model is.

    Returns:
        On a GPU the peak of what tensors took since the process began, and the peak of what PyTorch
        reserved for them; elsewhere the resident memory of this process, and nothing.

    Example:
        >>> used, reserved = memory_in_use_gib(torch.device("cpu"))
        >>> used > 0, reserved
        (True, None)
    """
    if device.type == "cuda":
        return (
            torch.cuda.max_memory_allocated(device) / _GIB,
            torch.cuda.max_memory_reserved(device) / _GIB,
        )
    if device.type == "mps":
        return (
            torch.mps.current_allocated_memory() / _GIB,
            torch.mps.driver_allocated_memory() / _GIB,
        )
    return _process().memory_info().rss / _GIB, None


@lru_cache(maxsize=1)
def _process() -> psutil.Process:
    return psutil.Process()
