"""Tokenised examples in flat arrays: the form in which training and measuring take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from migaki.dataset.tokens import IGNORED, Encoded

__all__ = ["Origin", "TokenDataset"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an example came from."""

    path: Path
    line: int


class TokenDataset(Dataset[dict[str, Any]]):
    """Examples as token ids and labels.

    All ids stand behind each other in one array and all labels in another, 8 bytes a token, so
    that a million rows cost no million objects.

    Args:
        input_ids: Shape (tokens of all examples,).
        labels: Same shape; -100 where a token is not trained.
        starts: Shape (examples + 1,): where each example begins, and the end of the last.
        characters: Characters of the data that all tokens of each example stand for.
        trained_characters: Characters of the data that its trained tokens stand for.
        origins: File and line of each example; empty for texts that came from no file.
    """

    def __init__(
        self,
        input_ids: npt.NDArray[np.int32],
        labels: npt.NDArray[np.int32],
        starts: npt.NDArray[np.int64],
        *,
        characters: Sequence[int],
        trained_characters: Sequence[int],
        origins: Sequence[Origin] = (),
    ) -> None:
        self.input_ids = input_ids
        self.labels = labels
        self.starts = starts
        self.characters = [int(count) for count in characters]
        self.trained_characters = [int(count) for count in trained_characters]
        self.lengths: list[int] = np.diff(starts).tolist()
        self.origins = tuple(origins)

    @classmethod
    def from_encoded(
        cls, examples: Sequence[Encoded], origins: Sequence[Origin] = ()
    ) -> TokenDataset:
        """Put encoded examples into flat arrays."""
        empty = np.zeros(0, dtype=np.int32)
        return cls(
            np.concatenate([e.ids for e in examples]) if examples else empty,
            np.concatenate([e.labels() for e in examples]) if examples else empty,
            np.cumsum([0, *(len(e.ids) for e in examples)]).astype(np.int64),
            characters=[e.characters() for e in examples],
            trained_characters=[e.trained_characters() for e in examples],
            origins=origins,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one example.

        Returns:
            ``input_ids``, ``attention_mask`` and ``labels`` of shape (tokens,), and ``characters``,
            the number of characters that the trained tokens stand for.
        """
        ids, labels = self.row(index)
        input_ids = torch.from_numpy(ids.astype(np.int64))
        return {
            "input_ids": input_ids,
            "attention_mask": torch.ones_like(input_ids),
            "labels": torch.from_numpy(labels.astype(np.int64)),
            "characters": self.trained_characters[index],
        }

    def row(self, index: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Return ids and labels of one example without copying; negative indices count from the end."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        index %= len(self)
        part = slice(self.starts[index], self.starts[index + 1])
        return self.input_ids[part], self.labels[part]

    def select(self, indices: Sequence[int] | npt.NDArray[np.int64]) -> TokenDataset:
        """Return some of the examples, in the order given."""
        chosen = [int(i) for i in indices]
        rows = [self.row(i) for i in chosen]
        empty = np.zeros(0, dtype=np.int32)
        return TokenDataset(
            np.concatenate([ids for ids, _ in rows]) if rows else empty,
            np.concatenate([labels for _, labels in rows]) if rows else empty,
            np.cumsum([0, *(len(ids) for ids, _ in rows)]).astype(np.int64),
            characters=[self.characters[i] for i in chosen],
            trained_characters=[self.trained_characters[i] for i in chosen],
            origins=[self.origins[i] for i in chosen] if self.origins else (),
        )

    @property
    def trained_lengths(self) -> npt.NDArray[np.int64]:
        """Trained tokens of each example, the first token aside, which nothing predicts."""
        trained = self.labels != IGNORED
        trained[self.starts[:-1]] = False
        totals = np.concatenate([[0], np.cumsum(trained)])
        return np.asarray(totals[self.starts[1:]] - totals[self.starts[:-1]], dtype=np.int64)

    @property
    def total_tokens(self) -> int:
        """Tokens of all examples."""
        return len(self.input_ids)

    @property
    def trained_tokens(self) -> int:
        """Trained tokens of all examples."""
        return int(self.trained_lengths.sum())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(len(self)))
