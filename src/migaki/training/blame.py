"""Which rows a loss that is not finite comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

__all__ = ["rows_at_fault"]

_MOST_ROWS = 256
"""Rows that are tried one by one; a step rarely has more."""


def rows_at_fault(
    rows: Sequence[int],
    loss_of: Callable[[int], torch.Tensor],
    *,
    device: torch.device,
) -> tuple[list[int], str]:
    """Find the rows whose loss is not finite alone.

    The random state is left as it was.

    Args:
        rows: Numbers of the rows of a batch.
        loss_of: Computes the loss of one row alone, with the weights as they are.
        device: Where it does.

    Returns:
        The rows at fault, and what that says: a row, or the weights.
    """
    tried = rows[:_MOST_ROWS]
    with torch.no_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
        found = [row for row in tried if not bool(torch.isfinite(loss_of(row)))]
    if len(tried) > 1 and len(found) == len(tried):
        return list(rows), "each row alone does it too, so the weights are the cause"
    if not found:
        return list(rows), "no row does it alone"
    others = "" if len(tried) == 1 else f"; the other {len(tried) - len(found)} rows do not"
    return found, f"{len(found)} of them alone does it{others}" if len(
        tried
    ) > 1 else "it is one row"
