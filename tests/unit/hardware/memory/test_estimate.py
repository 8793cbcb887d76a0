"""What a run needs: the parts, and how they grow."""

from __future__ import annotations

from typing import Any

import pytest

from migaki.hardware.memory.estimate import CUDA_CONTEXT_GIB, Batch, estimate
from migaki.hardware.memory.shape import ModelShape

LLAMA_8B = ModelShape(32, 4096, 32, 8, 14336, 128256, context=8192)


def test_methods_are_in_their_order_and_grow_with_the_batch() -> None:
    totals = {
        m: estimate(
            LLAMA_8B, method=m, batch=Batch(1, 1024), activation_checkpointing=True
        ).total_gib
        for m in ("qlora", "lora", "full")
    }
    assert 5 < totals["qlora"] < 12
    assert 15 < totals["lora"] < 24
    assert 120 < totals["full"] < 160  # about 16-18 bytes for each of 8 billion
    small = estimate(LLAMA_8B, method="lora", batch=Batch(1, 1024))
    large = estimate(LLAMA_8B, method="lora", batch=Batch(4, 1024))
    recomputed = estimate(
        LLAMA_8B, method="lora", batch=Batch(4, 1024), activation_checkpointing=True
    )
    assert large.activations_gib == pytest.approx(4 * small.activations_gib)
    assert recomputed.activations_gib < large.activations_gib / 5
    assert large.total_gib > large.weights_gib + large.optimizer_gib + large.activations_gib


def test_each_saving_saves_what_it_is_for() -> None:
    def total(**changes: Any) -> float:
        return estimate(LLAMA_8B, **{"method": "full", "batch": Batch(4, 512), **changes}).total_gib

    eight_bit = total() - total(optimizer="adamw_8bit")
    assert eight_bit == pytest.approx(LLAMA_8B.parameters * (8 - 2.03125) / 1024**3)
    assert total(batch=Batch(4, 512, accumulated=True)) > total()
    four, eight, sixteen = (
        estimate(LLAMA_8B, method=method, batch=Batch()).weights_gib
        for method in ("qlora", "qlora_8bit", "lora")
    )
    assert four < eight < sixteen
    assert total(method="lora", lora_dropout=0.1) > total(method="lora")


def test_a_card_takes_a_context_beside_the_tensors() -> None:
    on_card = estimate(LLAMA_8B, method="lora", batch=Batch(), device="cuda:0")
    assert on_card.context_gib == CUDA_CONTEXT_GIB
    assert on_card.total_gib == estimate(LLAMA_8B, method="lora", batch=Batch()).total_gib
