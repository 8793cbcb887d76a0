"""Which rows make an optimizer step: their numbers travel with the batches.

The order of rows is the sampler's, and how many make a batch may be anybody's (a token budget, packing):
so each row brings its number along, and the collator hands the numbers on beside the tensors. Counts
of tokens come from the dataset's own lengths, without a wait for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from migaki.training.batching import Rows

__all__ = ["NumberedRows", "StepRows", "numbered", "place_of", "places_of"]

_ROWS = "migaki_rows"
_NAMED = 8
"""Rows that a message names; more are counted."""


class NumberedRows:
    """Rows that know their number.

    Args:
        rows: What is trained on.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return a row with its number."""
        return {**self._rows[index], _ROWS: int(index)}


class _NumberedCollator:
    """A collator that hands the numbers of its rows on; a class, so that workers can be given it."""

    def __init__(self, collate: Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]]) -> None:
        self._collate = collate

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {**self._collate(rows), _ROWS: [row[_ROWS] for row in rows]}


def numbered(
    collate: Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]],
) -> Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]:
    """Return a collator of `NumberedRows` whose batches `StepRows.begin` can read."""
    return _NumberedCollator(collate)


class StepRows:
    """The rows of the optimizer step under way, batch by batch, and how many tokens they hold.

    Args:
        lengths: Tokens of every row, without padding.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        self._lengths = lengths
        self.batches: list[list[int]] = []
        self.tokens = 0
        """Of the rows, without padding."""
        self.pairs = 0
        """Sum over rows of tokens²: what attention works on."""
        self.padded_tokens = 0
        """That are computed: those of the rows and the padding between them."""

    def begin(self, batches: Sequence[dict[str, Any]]) -> None:
        """Take the row numbers out of the batches of a step, which the model must not see."""
        self.batches = [batch.pop(_ROWS) for batch in batches]
        lengths = [self._lengths[row] for row in self.numbers]
        self.tokens = sum(lengths)
        self.pairs = sum(length * length for length in lengths)
        self.padded_tokens = sum(int(batch["input_ids"].numel()) for batch in batches)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Tokens, padded tokens and pairs."""
        return self.tokens, self.padded_tokens, self.pairs

    @property
    def numbers(self) -> list[int]:
        """Numbers of all rows of the step."""
        return [row for batch in self.batches for row in batch]


def place_of(dataset: Any, row: int) -> str:
    """Return where a row stands: its file and line where the dataset knows them, or its number.

    Example:
        >>> place_of([{}, {}], 1)
        'row 1'
    """
    origins = getattr(dataset, "origins", ())
    if row < len(origins):
        return f"{origins[row].path}:{origins[row].line}"
    return f"row {row}"


def places_of(dataset: Any, rows: Sequence[int]) -> str:
    """Name rows in a message, the first of many.

    Example:
        >>> places_of([{}] * 30, range(10))
        'row 0, row 1, row 2, row 3, row 4, row 5, row 6, row 7 and 2 more'
    """
    named = ", ".join(place_of(dataset, row) for row in rows[:_NAMED])
    return f"{named} and {len(rows) - _NAMED} more" if len(rows) > _NAMED else named
