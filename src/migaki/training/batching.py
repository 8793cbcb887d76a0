"""Rows to batches: padding, and the order of rows as a function of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from migaki.dataset.collate import Collator

__all__ = ["EpochSampler", "LongestFirst", "Rows", "UnpaddedCollator", "row_lengths"]

_POOL_BATCHES = 50
"""Batches whose rows are sorted by length together: more means less padding and less mixing."""


class Rows(Protocol):
    """Tokenised rows: ``{"input_ids", "labels"}``, and ``attention_mask`` where they are padded."""

    def __len__(self) -> int:
        """Count rows."""

    def __getitem__(self, index: int, /) -> Mapping[str, Any]:
        """Return a row."""


def row_lengths(rows: Rows) -> list[int]:
    """Return the tokens of every row without padding: the dataset's own count, or counted here."""
    lengths = getattr(rows, "lengths", None)
    if lengths is not None:
        return [int(length) for length in lengths]
    return [len(_without_padding(rows[index])[0]) for index in range(len(rows))]


def _without_padding(row: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    ids = torch.as_tensor(row["input_ids"], dtype=torch.long)
    labels = torch.as_tensor(row["labels"], dtype=torch.long)
    mask = row.get("attention_mask")
    if mask is None:
        return ids, labels
    real = torch.as_tensor(mask, dtype=torch.bool)
    return ids[real], labels[real]


class UnpaddedCollator:
    """Pads rows to the longest of the batch, after taking off padding that they bring along.

    A dataset that pads every row to its maximum would otherwise cost its full width each step.

    Args:
        tokenizer: Gives the token to pad with.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._collate = Collator(tokenizer)

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return ``input_ids``, ``attention_mask`` and ``labels``, each (rows, longest)."""
        real = [_without_padding(row) for row in rows]
        return self._collate([{"input_ids": ids, "labels": labels} for ids, labels in real])


class EpochSampler(Sampler[int]):
    """Yields every row once an epoch, in an order fixed by seed and epoch.

    No random state is read or changed, so a run that starts in the middle of an epoch sees just the
    rows that an uninterrupted one would see. With ``group_by_length``, rows are shuffled, sorted by
    length within pools of many batches, and the batches are shuffled again; every row is still
    seen once.

    Args:
        lengths: Tokens of every row.
        batch_size: Rows in a batch.
        seed: Seed of the run.
        group_by_length: Put rows of similar length together.

    Example:
        >>> sampler = EpochSampler([3, 1, 2, 9], batch_size=2, seed=1, group_by_length=True)
        >>> sorted(sampler)
        [0, 1, 2, 3]
    """

    def __init__(
        self, lengths: Sequence[int], *, batch_size: int, seed: int, group_by_length: bool
    ) -> None:
        self._lengths = np.asarray(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._group_by_length = group_by_length
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is yielded next."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Count rows."""
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        """Yield row numbers."""
        rng = np.random.default_rng([self._seed, self.epoch])
        order = rng.permutation(len(self._lengths))
        if self._group_by_length:
            order = self._grouped(order, rng)
        yield from order.tolist()

    def _grouped(self, order: Any, rng: np.random.Generator) -> Any:
        pool = self._batch_size * _POOL_BATCHES
        batches = []
        for start in range(0, len(order), pool):
            rows = order[start : start + pool]
            rows = rows[np.argsort(-self._lengths[rows], kind="stable")]
            batches += [
                rows[i : i + self._batch_size] for i in range(0, len(rows), self._batch_size)
            ]
        # Batches are cut off this order one after the other, so only the last may be short.
        short = batches.pop() if len(batches[-1]) < self._batch_size else order[:0]
        shuffled = [batches[i] for i in rng.permutation(len(batches))]
        return np.concatenate([*shuffled, short])


class LongestFirst(Sampler[int]):
    """Yields every row once, longest first: little padding, and memory fails early if at all.

    Args:
        lengths: Tokens of every row.

    Example:
        >>> list(LongestFirst([3, 1, 2]))
        [0, 2, 1]
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        self._order = sorted(range(len(lengths)), key=lambda index: -lengths[index])

    def __len__(self) -> int:
        """Count rows."""
        return len(self._order)

    def __iter__(self) -> Iterator[int]:
        """Yield row numbers."""
        return iter(self._order)
