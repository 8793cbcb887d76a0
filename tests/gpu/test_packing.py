"""On a real card: packs give the loss of padded rows, on whichever backend is chosen for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.unit.training.conftest import make_model, make_rows, make_tokenizer

from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training

pytestmark = pytest.mark.gpu

ROWS = 16


def loss_of_one_step(folder: Path, card: torch.device, *, packing: str, mixed: bool) -> float:
    base = make_model(hidden_size=256, intermediate_size=512).to(card)
    config = TrainingConfig(
        batch_size=ROWS, gradient_accumulation_steps=1, num_epochs=1, liger="never", fp16=mixed,
        packing=packing,
    )  # fmt: skip
    result = run_training(
        attach_lora(base, lora_dropout=0.0, seed=0),
        make_tokenizer(),
        config,
        train_dataset=make_rows(ROWS),
        output_dir=folder,
    )
    assert result.steps == 1
    return result.train_loss


@pytest.mark.parametrize("mixed", [True, False], ids=["bf16", "fp32"])
def test_packed_rows_have_the_loss_of_padded_ones(
    tmp_path: Path, card: torch.device, mixed: bool
) -> None:
    padded = loss_of_one_step(tmp_path / "padded", card, packing="never", mixed=mixed)
    packed = loss_of_one_step(tmp_path / "packed", card, packing="always", mixed=mixed)

    assert packed == pytest.approx(padded, rel=5e-3 if mixed else 1e-5)
