"""Telling that memory ran out from other errors."""

from __future__ import annotations

import gc

import torch

__all__ = ["give_back", "is_out_of_memory"]

_ON_THE_CPU = ("DefaultCPUAllocator: ", "could not create a primitive", "could not create a memory")
"""How torch's allocator on the CPU complains (c10/core/impl/alloc_cpu: "can't allocate memory", "not
enough memory"), and what oneDNN says when it gets none: plain RuntimeErrors."""


def is_out_of_memory(err: BaseException) -> bool:
    """Say whether an error means that memory ran out.

    A CPU often does not say so: where the system promises more memory than there is, it ends the process
    instead. What a run needs is therefore estimated beforehand.

    Args:
        err: What was raised.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(ValueError())
        (True, False)
    """
    if isinstance(err, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(err, RuntimeError) and any(words in str(err) for words in _ON_THE_CPU)


def give_back() -> None:
    """Return what failed work has left behind to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
