"""How many bits a model needs per character of trained text: exact and comparable between tokenizers.

    bits per character = sum of -ln p(token) over trained tokens / trained characters / ln 2

Loss per token cannot be compared between tokenizers, because a coarser one has fewer and harder
tokens; characters are the same for everybody (Gao et al. 2020, The Pile, arXiv:2101.00027, §3.1, do
this with bytes). Rows are sorted by length and batched under a token budget with right padding. In a
causal model no real position sees the padding behind it, so the result does not depend on the batch.

The first token of a row has nothing before it and no probability: where it is a trained one it is
not scored, as it is not trained either, and `Likelihood.unscored_tokens` says how many there were.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from migaki.dataset.tokens import IGNORED
from migaki.errors import DataError

__all__ = ["Likelihood", "ScoredRow", "measure_likelihood"]

_HEAD_ROWS = 1024
"""Positions whose float32 log-probabilities are held at once: 0.6 GiB at 152k tokens of vocabulary."""


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """One tokenised row to be measured."""

    input_ids: Sequence[int]
    labels: Sequence[int]
    """As long as ``input_ids``; `IGNORED` where a token is not trained."""
    characters: int
    """Characters of text that the trained tokens stand for."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What was measured, row by row in the order given, so that two models can be paired."""

    nll_nats: tuple[float, ...]
    tokens: tuple[int, ...]
    characters: tuple[int, ...]
    unscored_tokens: int

    @property
    def bits_per_character(self) -> float:
        """Bits per trained character over all rows together."""
        return math.fsum(self.nll_nats) / sum(self.characters) / math.log(2)

    @property
    def loss_per_token(self) -> float:
        """Mean loss in nats per trained token: the number that a trainer logs."""
        return math.fsum(self.nll_nats) / sum(self.tokens)


def measure_likelihood(
    model: nn.Module,
    rows: Sequence[ScoredRow],
    *,
    max_tokens_per_batch: int = 2048,
    on_progress: Callable[[str, int, int | None], None] | None = None,
) -> Likelihood:
    """Measure the likelihood of the trained tokens of every row.

    The model is put into evaluation mode and every module gets its own mode back afterwards.
    Models wrapped by PEFT work like any other.

    Args:
        model: A causal language model of transformers, on its device.
        rows: What to measure. Rows must fit the context of the model.
        max_tokens_per_batch: Padded tokens in one forward pass; one longer row goes alone.
        on_progress: Called with what, rows done and rows in all.

    Raises:
        DataError: There is no row, or one without trained tokens or characters.
    """
    _refuse_unusable(rows)
    nll = [0.0] * len(rows)
    done = 0
    with _evaluation_mode(model), torch.inference_mode():
        for batch in _batches(rows, max_tokens_per_batch):
            for index, value in zip(
                batch, _batch_nll(model, [rows[i] for i in batch]), strict=True
            ):
                nll[index] = value
            done += len(batch)
            if on_progress is not None:
                on_progress("Held-out rows", done, len(rows))
    return Likelihood(
        nll_nats=tuple(nll),
        tokens=tuple(_trained(row) for row in rows),
        characters=tuple(row.characters for row in rows),
        unscored_tokens=sum(row.labels[0] != IGNORED for row in rows),
    )


def _trained(row: ScoredRow) -> int:
    return sum(label != IGNORED for label in row.labels[1:])


def _refuse_unusable(rows: Sequence[ScoredRow]) -> None:
    if not rows:
        raise DataError(
            "There is nothing to measure: no held-out rows.",
            hint="Give more data, or a larger held-out share.",
        )
    for number, row in enumerate(rows, start=1):
        if len(row.input_ids) != len(row.labels):
            raise DataError(
                f"Row {number} has {len(row.input_ids)} tokens but {len(row.labels)} labels."
            )
        if row.characters < 1 or not _trained(row):
            raise DataError(
                f"Row {number} cannot be measured: {row.characters} trained characters, "
                f"{_trained(row)} trained tokens after the first; both must be at least 1.",
                hint="Leave rows without trained text out before measuring.",
            )


def _batches(rows: Sequence[ScoredRow], budget: int) -> Iterator[list[int]]:
    """Yield indices of rows of similar length, longest first, so that memory fails early if at all."""
    batch: list[int] = []
    for index in sorted(range(len(rows)), key=lambda i: -len(rows[i].input_ids)):
        if batch and (len(batch) + 1) * len(rows[batch[0]].input_ids) > budget:
            yield batch
            batch = []
        batch.append(index)
    yield batch


def _batch_nll(model: nn.Module, rows: Sequence[ScoredRow]) -> list[float]:
    """Return the summed loss of each row in nats; shapes are (rows, longest row)."""
    device = next(model.parameters()).device
    shape = (len(rows), max(len(row.input_ids) for row in rows))
    ids = torch.zeros(shape, dtype=torch.long)  # any id will do where the mask is 0
    mask = torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, IGNORED, dtype=torch.long)
    for number, row in enumerate(rows):
        length = len(row.input_ids)
        ids[number, :length] = torch.tensor(row.input_ids)
        mask[number, :length] = 1
        labels[number, :length] = torch.tensor(row.labels)

    targets = labels[:, 1:]
    kept = (targets != IGNORED).any(dim=0).nonzero().squeeze(1)  # positions trained in any row
    arguments: dict[str, Any] = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
    if _forward_takes(model, "logits_to_keep"):
        logits = model(**arguments, use_cache=False, logits_to_keep=kept.to(device)).logits
    else:
        logits = model(**arguments, use_cache=False).logits[:, kept.to(device)]
    row_of, column_of = (targets[:, kept] != IGNORED).nonzero(as_tuple=True)
    wanted = targets[:, kept][row_of, column_of].to(device)
    losses = torch.cat(
        [
            functional.cross_entropy(
                logits[row_of[part], column_of[part]].float(), wanted[part], reduction="none"
            )
            for part in (slice(i, i + _HEAD_ROWS) for i in range(0, len(wanted), _HEAD_ROWS))
        ]
    )
    sums = torch.zeros(len(rows), dtype=torch.float64).index_add_(0, row_of, losses.double().cpu())
    return [float(value) for value in sums]


def _forward_takes(model: nn.Module, name: str) -> bool:
    """Look through PEFT, whose forward passes any keyword on to the model inside."""
    inner: Any = model
    if hasattr(inner, "get_base_model"):
        inner = inner.get_base_model()
    return name in inspect.signature(inner.forward).parameters


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
