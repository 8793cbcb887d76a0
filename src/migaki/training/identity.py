"""What decides how a run learns: it is resumed only where that is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from migaki.errors import TrainingError
from migaki.models.low_bit import quantization_of
from migaki.training.batching import Rows
from migaki.training.config import TrainingConfig
from migaki.training.processes import Processes

__all__ = ["differences", "identity_of_model", "refuse_different_runs", "run_identity"]

_FREE = frozenset(
    {"output_dir", "report_to", "dataloader_workers", "save_total_limit",
     "ddp", "local_rank", "world_size", "gradient_accumulation_steps",  # see batches_per_step
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
    config: TrainingConfig,
    model: nn.Module,
    rows: Rows,
    *,
    lengths: Sequence[int],
    packed: bool,
    processes: int = 1,
) -> dict[str, Any]:
    """Return settings, rows and adapter of a run, for comparison.

    Args:
        config: How it trains.
        model: What it trains.
        rows: What it trains on.
        lengths: Tokens of every row.
        packed: Whether rows are packed.
        processes: How many train together; more of them with less accumulation is the same run.
    """
    settings = {name: value for name, value in vars(config).items() if not name.startswith("_")}
    digest = hashlib.sha256(np.asarray(lengths, dtype=np.int64).tobytes())
    for index in {0, len(lengths) - 1}:
        digest.update(str([int(t) for t in rows[index]["input_ids"]]).encode())
    return {
        **{name: value for name, value in settings.items() if name not in _FREE},
        "packed": packed,
        "batches_per_step": config.gradient_accumulation_steps * processes,
        "rows": len(lengths),
        "rows_sha256": digest.hexdigest(),
        **identity_of_model(model),
    }


def differences(
    one: Mapping[str, Any], other: Mapping[str, Any], *, names: tuple[str, str] = ("then", "now")
) -> str:
    """Say in words where two identities differ; nothing where they do not.

    Example:
        >>> differences({"rows": 3}, {"rows": 4})
        'rows: 3 then, 4 now'
    """
    return "; ".join(
        f"{key}: {one.get(key)!r} {names[0]}, {other.get(key)!r} {names[1]}"
        for key in sorted({*one, *other})
        if one.get(key) != other.get(key)
    )


def refuse_different_runs(processes: Processes, identity: Mapping[str, Any]) -> None:
    """Stop processes that would train with other settings or rows than the first.

    Args:
        processes: All of them have to ask.
        identity: Of the run as this process knows it.

    Raises:
        TrainingError: Two differ; the message says in what.
    """
    identities = processes.gather(identity)
    for rank, other in enumerate(identities):
        changed = differences(identities[0], other, names=("process 0", f"process {rank}"))
        if changed:
            raise TrainingError(
                f"The processes do not train the same run ({changed}).",
                hint="Start all of them with the same command, data and version.",
            )
