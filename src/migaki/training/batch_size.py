"""How much goes through the model at once: halved where memory runs out, with the same result.

The loss of an optimizer step is a sum over trained tokens divided by their number (`training.loss`), so
a batch may be cut into pieces of rows whose gradients are added: the step is the same to rounding. With
dropout, the pieces draw other masks than the whole would have. The limit is in padded tokens, which is
what memory depends on, not in rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from torch import Tensor

from migaki.errors import ResourceError
from migaki.hardware.out_of_memory import give_back, is_out_of_memory

__all__ = ["TokensAtOnce", "pieces_of"]

logger = logging.getLogger(__name__)

Batch = Mapping[str, Any]
_T = TypeVar("_T")


class TokensAtOnce:
    """A limit on padded tokens in one pass, found by running into it.

    Args:
        what: ``training`` or ``evaluation``, for what is said.
        on_halved: Called with the new limit and the line that says so.
    """

    def __init__(self, what: str, on_halved: Callable[[int, str], None]) -> None:
        self._what = what
        self._on_halved = on_halved
        self.limit: int | None = None

    def run(self, batch: Batch, work: Callable[[list[Batch]], _T]) -> _T:
        """Do work on a batch, in pieces where memory wants it; repeated whole when it ran out.

        Args:
            batch: Tensors of (rows, length).
            work: Takes the pieces; must begin anew when it is called again.

        Raises:
            ResourceError: Memory ran out with a single row.
        """
        while True:
            pieces = pieces_of(batch, self.limit)
            try:
                return work(pieces)
            except Exception as err:
                if not is_out_of_memory(err):
                    raise
                failed = err.with_traceback(None)  # its frames hold the tensors of the failed pass
            self._halve(pieces, failed)
            give_back()

    def _halve(self, pieces: list[Batch], failed: Exception) -> None:
        widest = max(pieces, key=lambda piece: piece["input_ids"].numel())
        rows, length = widest["input_ids"].shape
        if rows == 1 or not _divisible(widest):
            raise ResourceError(
                f"Memory ran out in {self._what} with {rows} row{'s' * (rows > 1)} of {length} tokens, "
                f"which cannot be divided: {str(failed).strip().splitlines()[0][:200]}",
                hint="Make it smaller: data.max_tokens, training.gradient_checkpointing=always, "
                "--method qlora (on a GPU), or a smaller --model (migaki models shows what fits).",
            ) from failed
        self.limit = max(length, rows * length // 2)
        reason = (
            f"{self.limit:,} padded tokens at once in {self._what}: memory ran out with {rows} rows "
            f"of {length}; larger batches are cut into pieces whose gradients are added"
        )
        logger.warning(reason)
        self._on_halved(self.limit, reason)


def pieces_of(batch: Batch, limit: int | None) -> list[Batch]:
    """Cut a batch into pieces of rows of about equal size within a limit of padded tokens.

    Args:
        batch: Tensors of (rows, length), padded on the right.
        limit: Padded tokens of a piece; a single row may have more. Without one the batch stays whole.

    Example:
        >>> import torch
        >>> ids = torch.ones(4, 10, dtype=torch.long)
        >>> [len(p["input_ids"]) for p in pieces_of({"input_ids": ids, "attention_mask": ids}, 20)]
        [2, 2]
    """
    rows, length = batch["input_ids"].shape
    if limit is None or rows * length <= limit or not _divisible(batch):
        return [batch]
    at_once = max(1, limit // length)
    return [_trimmed(batch, start, start + at_once) for start in range(0, rows, at_once)]


def _divisible(batch: Batch) -> bool:
    """Whether every part has a line for each row; a pack, which has no mask, has not."""
    if "attention_mask" not in batch:
        return False
    shape = batch["input_ids"].shape
    return all(isinstance(part, Tensor) and part.shape == shape for part in batch.values())


def _trimmed(batch: Batch, start: int, stop: int) -> Batch:
    """Take some rows, without the padding that only others needed."""
    width = int(batch["attention_mask"][start:stop].sum(dim=1).max())
    return {name: part[start:stop, :width] for name, part in batch.items()}
