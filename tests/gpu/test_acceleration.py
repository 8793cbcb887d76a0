"""On a real card: Liger's kernels and compiled layers prove themselves equal, in fp32 and bf16."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.training.conftest import make_model, make_rows, make_tokenizer

from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import TrainingResult, run_training

pytestmark = pytest.mark.gpu


def train(folder: Path, card: torch.device, **changes: Any) -> TrainingResult:
    base = make_model(hidden_size=256, intermediate_size=512).to(card)
    model = attach_lora(base, lora_dropout=0.0, seed=0)
    config = TrainingConfig(
        learning_rate=3e-3, gradient_accumulation_steps=1, num_epochs=1, warmup_steps=0, **changes
    )
    return run_training(
        model, make_tokenizer(), config, train_dataset=make_rows(64), output_dir=folder
    )


@pytest.mark.skipif(find_spec("liger_kernel") is None, reason="needs migaki[liger]")
@pytest.mark.parametrize("mixed", [False, True], ids=["fp32", "bf16"])
def test_ligers_kernels_are_kept_and_train_alike(
    tmp_path: Path, card: torch.device, mixed: bool
) -> None:
    plain = train(tmp_path / "plain", card, fp16=mixed, liger="never")
    fused = train(tmp_path / "fused", card, fp16=mixed, liger="always")

    assert fused.choices["liger"].startswith("on: "), fused.choices["liger"]
    assert fused.train_loss == pytest.approx(plain.train_loss, rel=2e-2 if mixed else 1e-3)


@pytest.mark.parametrize("mixed", [False, True], ids=["fp32", "bf16"])
def test_compiled_layers_train_alike(tmp_path: Path, card: torch.device, mixed: bool) -> None:
    plain = train(tmp_path / "plain", card, fp16=mixed, liger="never")
    compiled = train(tmp_path / "compiled", card, fp16=mixed, liger="never", torch_compile=True)

    assert compiled.choices["compilation"].startswith("on: "), compiled.choices["compilation"]
    assert compiled.train_loss == pytest.approx(plain.train_loss, rel=2e-2 if mixed else 1e-3)


def test_expandable_segments_are_taken(tmp_path: Path, card: torch.device) -> None:
    assert "expandable segments" in train(tmp_path, card).choices["allocator"]
