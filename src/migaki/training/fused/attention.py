"""Attention in float32 where a CPU computes it faster so.

PyTorch's attention kernel for CPUs takes three times as long backwards in bfloat16 as in float32 on
processors that multiply bfloat16 in vectors (avx512_bf16) but not in tiles (AMX): 4.5 against 1.5 ms a
layer of benchmarks/training_cpu.py. Its tensors are the narrow ones, so converting them costs little.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

__all__ = ["FLOAT32_SDPA"]

FLOAT32_SDPA = "sdpa_in_float32"
"""Name of the function among transformers' attention implementations."""


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Return SDPA's output, computed in float32, in the number format of the query."""
    if attention_mask is not None and attention_mask.is_floating_point():
        attention_mask = attention_mask.float()
    with torch.autocast(query.device.type, enabled=False):
        output, _ = sdpa_attention_forward(
            module, query.float(), key.float(), value.float(), attention_mask, **options
        )
    return output.to(query.dtype), None


AttentionInterface.register(FLOAT32_SDPA, _attend)
AttentionMaskInterface.register(FLOAT32_SDPA, sdpa_mask)
