"""On a real card: the memory that was predicted is the memory that is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.unit.training.conftest import Rows, make_model, make_tokenizer

from migaki.hardware import memory
from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("recompute", [False, "always"], ids=["kept", "recomputed"])
def test_the_peak_is_within_a_tenth_of_the_estimate(
    tmp_path: Path, card: torch.device, recompute: bool | str
) -> None:
    batch, tokens = 8, 1024
    base = make_model(
        hidden_size=1536, intermediate_size=8960, num_hidden_layers=12, num_attention_heads=12,
        num_key_value_heads=2, vocab_size=151_936, max_position_embeddings=tokens,
    )  # fmt: skip
    base = base.to(torch.bfloat16).to(card)
    shape = memory.ModelShape.from_config(base.config.to_dict())
    model = attach_lora(base, lora_dropout=0.0, seed=0)
    ids = torch.randint(0, 151_936, (4 * batch, tokens)).tolist()
    rows = Rows([{"input_ids": row, "labels": row} for row in ids])
    config = TrainingConfig(
        batch_size=batch, gradient_accumulation_steps=1, num_epochs=1, liger="never",
        gradient_checkpointing=recompute,
    )  # fmt: skip
    torch.cuda.reset_peak_memory_stats()

    run_training(model, make_tokenizer(), config, train_dataset=rows, output_dir=tmp_path)

    measured = torch.cuda.max_memory_allocated() / 2**30
    predicted = memory.estimate(
        shape, method="lora", batch=batch, tokens=tokens, dtype_bytes=2, lora_dropout=0.0,
        activation_checkpointing=recompute == "always",
    )  # fmt: skip
    assert predicted.total_gib == pytest.approx(measured, rel=0.1)
