"""The matrix product of a linear layer, by the fastest exact kernel of this CPU.

PyTorch multiplies float32 matrices with Intel's MKL, which keeps its AVX-512 kernels to Intel's own
processors: on an AMD Zen 4 it reaches 100-190 GFLOP/s where oneDNN, which PyTorch carries too, reaches
180-215 (two cores, shapes of a small model; benchmarks/training_cpu.py prints both). Both sum in
float32.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from migaki.hardware.cpu import cpu_flags, cpu_vendor

__all__ = ["Product", "choose_product", "onednn_product", "torch_product"]

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(x, weight, bias) → x · weightᵀ + bias; x is (positions, in), weight (out, in), of any strides."""


def torch_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return x · weightᵀ + bias by PyTorch's own choice of kernel."""
    return torch.mm(x, weight.t()) if bias is None else torch.addmm(bias, x, weight.t())


def onednn_product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return x · weightᵀ + bias by oneDNN."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def choose_product(device: torch.device, dtype: torch.dtype) -> tuple[Product, str]:
    """Choose the kernel of linear layers; the same on every run of one machine, so that runs repeat.

    Args:
        device: Where the model is.
        dtype: Number format of its frozen weights.

    Returns:
        The product, and its name with the reason.
    """
    if device.type != "cpu" or dtype != torch.float32:
        return torch_product, "PyTorch's own"
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not available or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return torch_product, "PyTorch's own (this build has no oneDNN)"
    if cpu_vendor() != "AuthenticAMD" or "avx512f" not in cpu_flags():
        return torch_product, "PyTorch's own (MKL is at home on this processor)"
    return onednn_product, "oneDNN (MKL keeps AVX-512 to Intel's processors)"
