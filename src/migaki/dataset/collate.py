"""Examples to one padded batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from migaki.dataset.tokens import IGNORED

__all__ = ["Collator", "pad_token_id", "without_padding"]


class Collator:
    """Pads to the longest example of the batch, on the right.

    Padding is told from content by position, never by token id, so a tokenizer whose pad token is
    its end-of-text token still learns to end its text.

        input_ids        a b c E        labels   -100 -100  c   E
                         d E P P                 -100   E -100 -100
        attention_mask   1 1 1 1
                         1 1 0 0

    Args:
        tokenizer: Gives the id to pad with; one without a pad token pads with its end-of-text token.
        pad_to_multiple_of: Round the length up, where hardware likes it.
    """

    def __init__(self, tokenizer: Any, *, pad_to_multiple_of: int | None = None) -> None:
        self.pad_token_id = pad_token_id(tokenizer)
        self.pad_to_multiple_of = pad_to_multiple_of

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Return ``input_ids``, ``attention_mask`` and ``labels`` of shape (batch, longest).

        Args:
            examples: With ``input_ids`` and ``labels``; other keys are left out.
        """
        longest = max(len(example["input_ids"]) for example in examples)
        if self.pad_to_multiple_of:
            longest += -longest % self.pad_to_multiple_of
        shape = (len(examples), longest)
        ids = torch.full(shape, self.pad_token_id, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, IGNORED, dtype=torch.long)
        for row, example in enumerate(examples):
            length = len(example["input_ids"])
            ids[row, :length] = torch.as_tensor(example["input_ids"])
            labels[row, :length] = torch.as_tensor(example["labels"])
            mask[row, :length] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def pad_token_id(tokenizer: Any) -> int:
    """Return the id to pad with: the pad token, the end-of-text token, or 0."""
    for value in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if value is not None:
            return int(value)
    return 0


def without_padding(row: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and labels of a row without the padding that it may bring along.

    Args:
        row: With ``input_ids``, ``labels`` and, where it is padded, ``attention_mask``.
    """
    ids = torch.as_tensor(row["input_ids"], dtype=torch.long)
    labels = torch.as_tensor(row["labels"], dtype=torch.long)
    mask = row.get("attention_mask")
    if mask is None:
        return ids, labels
    real = torch.as_tensor(mask, dtype=torch.bool)
    return ids[real], labels[real]
