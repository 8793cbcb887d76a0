"""How fast this device multiplies matrices: the one number a time estimate can stand on."""

from __future__ import annotations

import time

import torch


def measure_matmul_flops(device: torch.device, dtype: torch.dtype, *, size: int = 1024) -> float:
    """Measure floating-point operations per second of a square matrix product.

    Args:
        device: Where to measure.
        dtype: Number format of the product.
        size: Rows and columns; 1,024 takes some 20 ms on two laptop cores.

    Returns:
        The best of five products, 2·size³ operations each.
    """
    left = torch.ones(size, size, device=device, dtype=dtype)
    best_s = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        product = left @ left
        product[0, 0].item()  # waits for the device
        best_s = min(best_s, time.perf_counter() - start)
    return 2.0 * size**3 / best_s
