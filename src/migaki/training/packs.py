"""Whether rows are packed, decided before the first step and proven on two of them.

Packs and padded batches of similar length come in the same number, so nothing else of a run depends on
which of the two it is.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from migaki.dataset.collate import Collator, without_padding
from migaki.dataset.packing import PackCollator, SplitRows, pack_evenly
from migaki.dataset.tokens import IGNORED
from migaki.models.attention import choose_packed_attention
from migaki.models.packed_attention import LOOP, packed_attention
from migaki.training.batching import Arrange, Rows, UnpaddedCollator, by_length
from migaki.training.config import TrainingConfig
from migaki.training.loss import TrainedLoss

__all__ = ["PADDED", "Packing", "choose_packing", "split_long_rows"]

logger = logging.getLogger(__name__)

_TOLERANCE = {torch.float32: 1e-4}
_TOLERANCE_16_BIT = 0.02
"""Relative; 16 bits hold 8 to 11 digits of a number, and kernels sum in different orders."""
_LEAK = 1e-5
"""Relative: what a row may change in the next one; nothing, but for the order of sums."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How rows come together in batches.

    Args:
        attention: Kernel that computes packs; none where batches are padded.
        reason: Why.
    """

    attention: str | None
    reason: str

    def arrange(self, config: TrainingConfig) -> Arrange | None:
        """Return how the batches of a pool are made."""
        if self.attention is not None:
            return pack_evenly
        return by_length if config.group_by_length else None

    def collator(self, tokenizer: Any) -> UnpaddedCollator:
        """Return what makes a batch of rows."""
        return UnpaddedCollator(Collator(tokenizer) if self.attention is None else PackCollator())


PADDED = Packing(None, "padded")


def choose_packing(
    config: TrainingConfig,
    model: nn.Module,
    rows: Rows,
    *,
    precision: torch.dtype,
) -> Packing:
    """Decide whether rows are packed.

    Args:
        config: What is asked.
        model: The model, on its device.
        rows: Training rows; two of them are computed both ways.
        precision: Number format of the computation.
    """
    device = next(model.parameters()).device
    padded = "padded, rows of similar length together" if config.group_by_length else "padded"
    if config.packing == "never":
        return Packing(None, f"{padded}: packing=never")
    attention, reason = choose_packed_attention(model, device=device, precision=precision)
    if config.packing == "auto" and attention in (None, LOOP):
        return Packing(None, f"{padded}: {reason}")
    problem = reason if attention is None else _disagreement(model, attention, rows, precision)
    if problem is not None:
        logger.warning("Rows are not packed: %s.", problem)
        return Packing(None, f"{padded}: {problem}")
    return Packing(attention, f"packed, {attention}: {reason}; equal to unpacked rows when tried")


def split_long_rows(config: TrainingConfig, rows: Rows, lengths: Sequence[int]) -> tuple[Rows, str]:
    """Cut rows that are longer than a pack of average rows.

    Args:
        config: With ``packing_split``.
        rows: Training rows, to be packed.
        lengths: Tokens of each.

    Returns:
        The rows and pieces, and how many there are.
    """
    longest = max(2, math.ceil(config.batch_size * sum(lengths) / len(lengths)))
    split = SplitRows(rows, lengths, longest=longest)
    more = len(split) - len(lengths)
    return split, (
        f"{split.cut} of {len(lengths)} rows cut into {split.cut + more} pieces of at most {longest} "
        f"tokens; what a piece is cut from it does not see, and {more} first tokens are not trained"
    )


def _disagreement(
    model: nn.Module, attention: str, rows: Rows, precision: torch.dtype
) -> str | None:
    """Compute two rows packed and unpacked; return what differs."""
    pair = _two_trained(rows)
    if pair is None:
        return "fewer than two rows have a trained token, so that packs cannot be tried"
    first, second = pair
    silent = {**first, "labels": torch.full_like(first["labels"], IGNORED)}
    other = {**silent, "input_ids": first["input_ids"].flip(0)}
    training = model.training
    model.eval()
    try:
        alone = _nll(model, _unpacked(second), precision)
        with packed_attention(model, attention):
            behind, behind_other = (
                _nll(model, PackCollator()([before, second]), precision)
                for before in (silent, other)
            )
    except Exception as err:  # whatever a model's code raises over inputs that it does not know
        return f"a pack fails in this model ({type(err).__name__}: {str(err).splitlines()[0]})"
    finally:
        model.train(training)
    tolerance = _TOLERANCE.get(precision, _TOLERANCE_16_BIT)
    if not math.isclose(behind, alone, rel_tol=tolerance):
        return f"packed, a row has the loss {behind:.6g}, alone {alone:.6g}"
    if not math.isclose(behind, behind_other, rel_tol=_LEAK):
        return f"the row before it changes a row's loss from {behind:.6g} to {behind_other:.6g}"
    return None


def _two_trained(rows: Rows) -> tuple[dict[str, Any], dict[str, Any]] | None:
    found: list[dict[str, Any]] = []
    for index in range(len(rows)):
        ids, labels = without_padding(rows[index])
        if (labels[1:] != IGNORED).any():
            found.append({"input_ids": ids, "labels": labels})
        if len(found) == 2:
            return found[0], found[1]
    return None


def _unpacked(row: Mapping[str, Any]) -> dict[str, Any]:
    ids = row["input_ids"].unsqueeze(0)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "labels": row["labels"].unsqueeze(0),
    }


@torch.no_grad()
def _nll(model: nn.Module, batch: Mapping[str, Any], precision: torch.dtype) -> float:
    device = next(model.parameters()).device
    placed = {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }
    with torch.autocast(device.type, precision, enabled=precision != torch.float32):
        nll, _ = TrainedLoss(model)(model, placed)
    return float(nll)
