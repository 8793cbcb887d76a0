"""Each process's share of the batches: without overlap, without loss, the same steps as one process.

Of the batches of an epoch, in the order of the sampler, process r of W takes the r-th, (r+W)-th, … With
accumulation A a step therefore holds the rows that one process sees with accumulation A·W: the same run.

    batches   0 1 2 3 4 5 6         W = 2, A = 2
    process 0 0 . 2 . 4 . 6         steps {0 1 2 3} {4 5 6 idle}
    process 1 . 1 . 3 . 5 idle

Backward passes of DDP meet, so every process needs as many batches as the others: where they do not come
out even, one gets an *idle* batch, a row without trained tokens, which adds nothing to any sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from typing import Any, Protocol

import torch
from accelerate.data_loader import prepare_data_loader
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from migaki.dataset.tokens import IGNORED
from migaki.training.batching import Rows
from migaki.training.processes import Processes

__all__ = ["Batches", "IdleBatches", "Share", "share_out"]


class Batches(Sized, Protocol):
    """Batches of row numbers, in the order of an epoch."""

    def __iter__(self) -> Iterator[list[int]]:
        """Yield them."""


class Share(Sampler[list[int]]):
    """Yields every W-th batch.

    Args:
        batches: All of them, in the same order in every process.
        processes: Who takes them.
        even: Yield an empty batch where this process comes out one short.

    Example:
        >>> one, other = Processes(0, 0, 2), Processes(1, 1, 2)
        >>> list(Share([[0, 1], [2, 3], [4]], one, even=True))
        [[0, 1], [4]]
        >>> list(Share([[0, 1], [2, 3], [4]], other, even=True))
        [[2, 3], []]
    """

    def __init__(self, batches: Batches, processes: Processes, *, even: bool) -> None:
        self._batches = batches
        self._processes = processes
        self._even = even

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose batches are yielded next."""
        set_epoch = getattr(self._batches, "set_epoch", None)
        if callable(set_epoch):
            set_epoch(epoch)

    def __len__(self) -> int:
        """Count the batches of this process."""
        late = 0 if self._even else self._processes.rank
        return math.ceil((len(self._batches) - late) / self._processes.count)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of this process."""
        rank, count = self._processes.rank, self._processes.count
        seen = 0
        for number, batch in enumerate(self._batches):
            seen = number + 1
            if number % count == rank:
                yield batch
        if self._even and 0 < seen % count <= rank:
            yield []


class IdleBatches:
    """Collates rows; of no rows it makes an idle batch.

    Args:
        collate: What makes a batch of rows.
        rows: Where it takes a row from when it needs one.
    """

    def __init__(
        self,
        collate: Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]],
        rows: Rows,
    ) -> None:
        self._collate = collate
        self._rows = rows

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Return the batch; an idle one has no trained token."""
        if rows:
            return self._collate(rows)
        batch = self._collate([self._rows[0]])
        return {**batch, "labels": torch.full_like(batch["labels"], IGNORED)}


def share_out(
    rows: Any,
    batches: Batches,
    processes: Processes,
    *,
    collate: Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]],
    even: bool,
    device: torch.device,
    workers: int,
) -> DataLoader[Any]:
    """Return what loads a process's share of the batches onto its device.

    Args:
        rows: All rows.
        batches: All batches of an epoch.
        processes: Who shares them.
        collate: Makes a batch of rows; of no rows where batches may be idle (`IdleBatches`).
        even: Fill up with idle batches, so that every process has as many.
        device: Where batches go.
        workers: Processes that prepare them; the batches are the same.
    """
    loader = DataLoader(
        rows,
        batch_sampler=Share(batches, processes, even=even),
        collate_fn=collate,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        # DataLoader draws a number from the global state otherwise, which dropout also uses.
        generator=torch.Generator(),
    )
    # Not accelerator.prepare, which would share the batches out once more.
    prepared: DataLoader[Any] = prepare_data_loader(
        loader, device, num_processes=1, process_index=0, put_on_device=True
    )
    return prepared
