"""Rows to batches: padding, and the batches as a function of seed and epoch alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from migaki.dataset.collate import without_padding
from migaki.dataset.tokens import IGNORED

__all__ = [
    "Arrange",
    "EpochBatches",
    "LongestFirst",
    "Rows",
    "UnpaddedCollator",
    "by_length",
    "ordinary_rows",
    "row_lengths",
]

Index = npt.NDArray[np.int64]
"""Numbers of rows."""

Arrange = Callable[[Index, int], list[Index]]
"""Lengths of the rows of a pool and how many batches to make → the rows of each batch."""

_POOL_BATCHES = 50
"""Batches whose rows are arranged together: more means less padding and less mixing."""


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
    return [len(without_padding(rows[index])[0]) for index in range(len(rows))]


class UnpaddedCollator:
    """Makes batches of rows after taking off padding that they bring along.

    A dataset that pads every row to its maximum would otherwise cost its full width each step.

    Args:
        collate: Makes a batch of rows without padding.
    """

    def __init__(self, collate: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> None:
        self._collate = collate

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the batch."""
        real = [without_padding(row) for row in rows]
        return self._collate([{"input_ids": ids, "labels": labels} for ids, labels in real])


class EpochBatches(Sampler[list[int]]):
    """Yields the batches of an epoch: every row once, in an order fixed by seed and epoch.

    No random state is read or changed, so a run that starts in the middle of an epoch sees just the
    batches that an uninterrupted one would see. Rows are shuffled, arranged to batches within pools
    of many batches, and all batches are shuffled again, so that the batches of one optimizer step
    differ in length.

    Args:
        lengths: Tokens of every row.
        batch_size: Rows in a batch; with an arrangement, on average.
        seed: Seed of the run.
        arrange: Makes the batches of a pool; without one rows stay in the order they were drawn in.

    Example:
        >>> batches = EpochBatches([3, 1, 2, 9], batch_size=2, seed=1, arrange=by_length)
        >>> sorted(sorted(batch) for batch in batches)
        [[0, 1, 2], [3]]
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        batch_size: int,
        seed: int,
        arrange: Arrange | None = None,
    ) -> None:
        self._lengths = np.asarray(lengths, dtype=np.int64)
        self._batch_size = batch_size
        self._seed = seed
        self._arrange = arrange
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches are yielded next."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Count batches: the same in every epoch."""
        return math.ceil(len(self._lengths) / self._batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the row numbers of each batch."""
        rng = np.random.default_rng([self._seed, self.epoch])
        order = rng.permutation(len(self._lengths))
        if self._arrange is None:
            yield from (rows.tolist() for rows in _slices(order, self._batch_size))
            return
        batches = [
            pool[batch]
            for pool in _slices(order, self._batch_size * _POOL_BATCHES)
            for batch in self._arrange(self._lengths[pool], math.ceil(len(pool) / self._batch_size))
        ]
        for index in rng.permutation(len(batches)):
            yield batches[index].tolist()


def _slices(rows: Index, size: int) -> Iterator[Index]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def by_length(lengths: Index, count: int) -> list[Index]:
    """Put rows of similar length together, so that all batches cost about the same.

    The rows, longest first, are cut where the padded tokens of a batch (rows × longest) would pass a
    budget, the smallest that makes no more than ``count`` batches; a row above it is a batch of its
    own. The largest batch is therefore never larger than the largest of batches of equally many rows.

    Args:
        lengths: Tokens of every row.
        count: Batches to make; at most as many as rows.

    Returns:
        The rows of each batch, as numbers into ``lengths``; exactly ``count`` batches.

    Example:
        >>> by_length(np.array([9, 1, 3, 2]), 2)
        [array([0]), array([2, 3, 1])]
    """
    order = np.argsort(-lengths, kind="stable")
    longest_first = lengths[order].tolist()
    low, high = 1, longest_first[0] * math.ceil(len(order) / count)
    while low < high:
        budget = (low + high) // 2
        if len(_starts(longest_first, budget, limit=count)) <= count:
            high = budget
        else:
            low = budget + 1
    batches = np.split(order, _starts(longest_first, high, limit=count)[1:])
    while len(batches) < count:  # rows of one length can make a budget jump over the count
        costs = [len(batch) * lengths[batch[0]] if len(batch) > 1 else 0 for batch in batches]
        widest = int(np.argmax(costs))
        half = (len(batches[widest]) + 1) // 2
        batches[widest : widest + 1] = [batches[widest][:half], batches[widest][half:]]
    return batches


def _starts(longest_first: list[int], budget: int, *, limit: int) -> list[int]:
    """Return where batches within a budget begin; no further than the first beyond a limit."""
    starts: list[int] = []
    row = 0
    while row < len(longest_first) and len(starts) <= limit:
        starts.append(row)
        row += max(1, budget // max(1, longest_first[row]))
    return starts


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


def ordinary_rows(rows: Rows, lengths: Sequence[int], *, count: int) -> list[Mapping[str, Any]]:
    """Return a few rows of the middle of all lengths that have a trained token.

    Args:
        rows: All rows.
        lengths: Tokens of every row.
        count: How many, at most.

    Example:
        >>> rows = [{"labels": [1] * n} for n in (9, 2, 5)]
        >>> ordinary_rows(rows, [9, 2, 5], count=1)
        [{'labels': [1, 1, 1, 1, 1]}]
    """
    order = np.argsort(lengths, kind="stable")
    outwards = sorted(range(len(order)), key=lambda place: abs(place - len(order) // 2))
    found = (rows[int(order[place])] for place in outwards)
    trained = (row for row in found if (np.asarray(row["labels"])[1:] != IGNORED).any())
    return list(islice(trained, count))
