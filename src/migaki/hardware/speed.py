"""How fast this device multiplies matrices: the one number a time estimate can stand on."""

from __future__ import annotations

import time
from functools import lru_cache

import torch

__all__ = ["matmul_flops", "measure_matmul_flops"]

_SIZES = {"cuda": (4096, 10)}
"""Rows of the matrices and products in one measurement, by kind of device: enough work to hide the wait."""


def measure_matmul_flops(device: torch.device, dtype: torch.dtype, *, size: int = 1024) -> float:
    """Measure floating-point operations per second of a square matrix product.

    Args:
        device: Where to measure.
        dtype: Number format of the product.
        size: Rows and columns; 1,024 takes some 20 ms on two laptop cores. A GPU gets 4,096.

    Returns:
        The best of five measurements, 2·size³ operations a product.
    """
    size, products = _SIZES.get(device.type, (size, 1))
    # Random numbers: a GPU multiplies ones faster than anything real, as fewer bits change.
    source = torch.Generator(device).manual_seed(0)
    left = torch.randn(size, size, device=device, generator=source).to(dtype)
    best_s = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(products):
            product = left @ left
        product[0, 0].item()  # waits for the device
        best_s = min(best_s, time.perf_counter() - start)
    return 2.0 * size**3 * products / best_s


def matmul_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Return `measure_matmul_flops`, measured once a process for a device, format and thread count."""
    return _measured(str(device), dtype, torch.get_num_threads())


@lru_cache
def _measured(device: str, dtype: torch.dtype, threads: int) -> float:
    return measure_matmul_flops(torch.device(device), dtype)
