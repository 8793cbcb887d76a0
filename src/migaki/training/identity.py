"""What decides how a run learns: it is resumed only where that is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from migaki.models.low_bit import quantization_of
from migaki.training.batching import Rows
from migaki.training.config import TrainingConfig

__all__ = ["identity_of_model", "run_identity"]

_FREE = frozenset(
    {"output_dir", "report_to", "dataloader_workers", "local_rank", "save_total_limit",
     "on_divergence", "on_spike", "max_skipped_steps", "max_rollbacks"}
)  # fmt: skip
"""Settings that change nothing of what was learnt up to a checkpoint."""

_ADAPTER_PARTS = (
    "r", "lora_alpha", "lora_dropout", "bias", "target_modules",
    "use_rslora", "use_dora", "trainable_token_indices",
)  # fmt: skip


def identity_of_model(model: nn.Module) -> dict[str, Any]:
    """Return the settings of a model's adapters and how its weights are stored.

    Args:
        model: Any model, possibly wrapped by PEFT.
    """
    adapters = {
        name: {
            part: sorted(value) if isinstance(value := getattr(config, part, None), set) else value
            for part in _ADAPTER_PARTS
        }
        for name, config in getattr(model, "peft_config", {}).items()
    }
    return {"adapter": adapters, "quantization": quantization_of(model)}


def run_identity(
    config: TrainingConfig, model: nn.Module, rows: Rows, *, lengths: Sequence[int], packed: bool
) -> dict[str, Any]:
    """Return settings, rows and adapter of a run, for comparison.

    Args:
        config: How it trains.
        model: What it trains.
        rows: What it trains on.
        lengths: Tokens of every row.
        packed: Whether rows are packed.
    """
    settings = {name: value for name, value in vars(config).items() if not name.startswith("_")}
    digest = hashlib.sha256(np.asarray(lengths, dtype=np.int64).tobytes())
    for index in {0, len(lengths) - 1}:
        digest.update(str([int(t) for t in rows[index]["input_ids"]]).encode())
    return {
        **{name: value for name, value in settings.items() if name not in _FREE},
        "packed": packed,
        "rows": len(lengths),
        "rows_sha256": digest.hexdigest(),
        **identity_of_model(model),
    }
