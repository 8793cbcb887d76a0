"""The optimizer's memory of an earlier run: taken over where it fits, refused with the reason where not.

Only the moments are taken, never rates or schedule: those are the new run's. They begin where the
earlier run's last checkpoint ended, which spares the new run the noisy first steps of AdamW.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from migaki.errors import TrainingError

__all__ = ["OPTIMIZER_FILE", "take_over"]

OPTIMIZER_FILE = "optimizer.pt"
"""transformers' name of it in a checkpoint."""

_MOMENTS = ("exp_avg", "exp_avg_sq", "momentum_buffer", "state1", "state2")
"""What has the shape of its weight, in the optimizers of torch and bitsandbytes."""
_INSTEAD = "Leave the optimizer's state behind: continue_optimizer=false."


def take_over(optimizer: Optimizer, checkpoint: Path) -> str:
    """Give a fresh optimizer the moments that another one had at a checkpoint.

    Args:
        optimizer: New, over the same weights in the same order; its rates stay.
        checkpoint: Folder with ``optimizer.pt``.

    Returns:
        What was taken, for the list of choices.

    Raises:
        TrainingError: It is not there, cannot be read, or belongs to other weights.
    """
    saved = _read(checkpoint / OPTIMIZER_FILE)
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    numbers = [number for group in saved["param_groups"] for number in group["params"]]
    if len(numbers) != len(weights):
        raise TrainingError(
            f"The optimizer's state in {checkpoint} is of {len(numbers):,} weight tensors, and "
            f"{len(weights):,} are trained now.",
            hint=_INSTEAD,
        )
    _refuse_other_kind(optimizer.param_groups[0], saved["param_groups"][0], checkpoint)
    for number, weight in zip(numbers, weights, strict=True):
        for name, value in saved["state"].get(number, {}).items():
            if name in _MOMENTS and value.shape != weight.shape:
                raise TrainingError(
                    f"The optimizer's state in {checkpoint} does not fit: '{name}' has the shape "
                    f"{tuple(value.shape)} where the weight has {tuple(weight.shape)}.",
                    hint=_INSTEAD,
                )
    own = optimizer.state_dict()
    places = [number for group in own["param_groups"] for number in group["params"]]
    own["state"] = {
        place: saved["state"][number]
        for place, number in zip(places, numbers, strict=True)
        if number in saved["state"]
    }
    optimizer.load_state_dict(own)
    return (
        f"moments of {len(weights):,} weight tensors from {checkpoint.name}; rates are this run's"
    )


def _refuse_other_kind(now: dict[str, Any], then: dict[str, Any], checkpoint: Path) -> None:
    """Tell optimizers by the names of their settings; their state does not say what they are."""
    only_one = (set(now) ^ set(then)) - {"params", "lr", "initial_lr"}
    if only_one:
        raise TrainingError(
            f"The optimizer's state in {checkpoint} is of another optimizer: only one of the two has "
            f"{', '.join(sorted(only_one))}.",
            hint=_INSTEAD,
        )


def _read(file: Path) -> dict[str, Any]:
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as err:
        raise TrainingError(
            f"{file.parent} holds no optimizer's state ({file.name} is missing).", hint=_INSTEAD
        ) from err
    except Exception as err:  # torch and pickle raise what they like over a damaged file
        reason = (str(err).splitlines() or [type(err).__name__])[0][:200]
        raise TrainingError(f"{file} cannot be read: {reason}", hint=_INSTEAD) from err
    if not isinstance(saved, dict) or not {"state", "param_groups"} <= set(saved):
        raise TrainingError(f"{file} is no optimizer's state.", hint=_INSTEAD)
    return saved
