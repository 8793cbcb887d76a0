"""The loss, computed at trained positions only.

Only tokens with a label contribute to the loss, so the head (by far the widest layer: hidden size ×
vocabulary) is applied to their positions alone. A forward pre-hook on the model's own head drops the
other positions; everything the model does before and after its head (PEFT wrappers, tied weights,
logit scaling, soft-capping) stays the model's own. Where the trained positions are many, the head takes
them in pieces (`chunked_head`). A model whose forward pass does not call its head that way gets its
ordinary logits, with a logged reason.

    loss = Σ -ln p(trained token)  over all batches of an optimizer step
           / trained tokens of all batches of that step

which makes 8 batches of 1 row equal 1 batch of 8 rows however unequal the rows are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from migaki.dataset.tokens import IGNORED
from migaki.training.chunked_head import Tail, nll_in_chunks, positions_per_chunk, sum_nll

__all__ = ["TrainedLoss", "trained_targets"]

logger = logging.getLogger(__name__)

_NOT_FOR_THE_MODEL = frozenset({"labels", "attention_mask"})


def trained_targets(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Find the positions that predict a trained token, and those tokens.

    Args:
        labels: (rows, length); `IGNORED` where nothing is trained.

    Returns:
        Flat positions into (rows × length), and the token each of them has to predict. The first
        token of a row has no position before it and is never predicted.

    Example:
        >>> positions, tokens = trained_targets(torch.tensor([[7, IGNORED, 5]]))
        >>> positions.tolist(), tokens.tolist()
        ([1], [5])
    """
    shifted = functional.pad(labels[:, 1:], (0, 1), value=IGNORED).flatten()
    positions = (shifted != IGNORED).nonzero().squeeze(1)
    return positions, shifted.index_select(0, positions)


class TrainedLoss:
    """Sums -ln p over the trained tokens of a batch.

    Args:
        model: The causal language model, possibly wrapped by PEFT; its head is looked up once.
        positions_at_once: Whose logits may exist together; by default what fits in 1 GiB.
    """

    def __init__(self, model: nn.Module, *, positions_at_once: int | None = None) -> None:
        find = getattr(model, "get_output_embeddings", None)
        head = find() if callable(find) else None
        self._head = head if isinstance(head, nn.Module) else None
        self._tail: Tail | None = None
        self._tail_verified = False
        self._at_once: int | None = None
        if self._head is None:
            self._use_all_logits("it does not tell which layer is its head")
            return
        width = getattr(self._head, "out_features", None)
        self._at_once = positions_at_once or (positions_per_chunk(width) if width else None)
        if self._at_once is not None:
            try:
                self._tail = Tail(model)
            except ValueError as err:
                logger.info("The head takes all trained positions at once: %s.", err)

    @property
    def head_on_trained_only(self) -> bool:
        """Whether the head is spared the positions that are not trained."""
        return self._head is not None

    @property
    def head_in_pieces(self) -> bool:
        """Whether the head takes many positions in pieces."""
        return self._head is not None and self._tail is not None

    def __call__(self, model: nn.Module, inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Run the model.

        Args:
            model: The model as the engine holds it: the one given at the start, or its wrapper.
            inputs: A batch with ``labels``; rows that are padded, are padded behind. The model is not
                given their mask: it is causal, so what is computed at a token cannot depend on padding
                behind it, and without a mask attention takes its faster kernels.

        Returns:
            Sum of -ln p over the trained tokens, with gradient, and the number of those tokens.
        """
        labels = inputs["labels"]
        positions, targets = trained_targets(labels)
        batch = {key: value for key, value in inputs.items() if key not in _NOT_FOR_THE_MODEL}
        nll = self._nll_in_pieces(model, batch, labels.shape, positions, targets)
        if nll is None:
            logits = self._trained_logits(model, batch, labels.shape, positions)
            nll = sum_nll(logits, targets)
        return nll, torch.as_tensor(targets.numel(), device=nll.device)

    def _nll_in_pieces(
        self,
        model: nn.Module,
        batch: dict[str, Any],
        shape: torch.Size,
        positions: Tensor,
        targets: Tensor,
    ) -> Tensor | None:
        """Return the sum with the head in pieces; nothing where that is not needed or not possible."""
        tail = self._tail
        if self._head is None or tail is None or self._at_once is None:
            return None
        if len(positions) <= self._at_once:
            return None
        # The head is shown one position, which costs nothing; the first time some, to compare with.
        shown = 1 if self._tail_verified else min(8, len(positions))
        kept: list[Tensor] = []
        logits = self._hooked_logits(model, batch, shape, positions, shown=shown, kept=kept)
        if logits is None:
            return None
        (hidden,) = kept
        if not self._tail_verified and not self._agrees(tail, model, hidden[:shown], logits):
            return None

        inner = _without_ddp(model)

        def logits_of(some: Tensor) -> Tensor:
            return tail(inner, some)

        return nll_in_chunks(logits_of, hidden, targets, tail.parameters, chunk=self._at_once)

    def _agrees(self, tail: Tail, model: nn.Module, hidden: Tensor, logits: Tensor) -> bool:
        """Compare the tail with the model itself, once; without agreement it is not used."""
        with torch.no_grad():
            found = tail(_without_ddp(model), hidden)
        exact = 1e-5 if logits.dtype == torch.float32 else 1e-2
        if found.shape == logits.shape and torch.allclose(found, logits, rtol=exact, atol=exact):
            self._tail_verified = True
            return True
        self._tail = None
        logger.warning(
            "The head of this model takes all trained positions at once (more memory): applied to "
            "some of them it answers otherwise."
        )
        return False

    def _trained_logits(
        self, model: nn.Module, batch: dict[str, Any], shape: torch.Size, positions: Tensor
    ) -> Tensor:
        logits = self._hooked_logits(model, batch, shape, positions, shown=len(positions), kept=[])
        return self._all_logits(model, batch, positions) if logits is None else logits

    def _hooked_logits(
        self,
        model: nn.Module,
        batch: dict[str, Any],
        shape: torch.Size,
        positions: Tensor,
        *,
        shown: int,
        kept: list[Tensor],
    ) -> Tensor | None:
        """Run the model with its head applied to the first ``shown`` of the trained positions.

        Args:
            model: The model.
            batch: Its inputs.
            shape: (rows, length).
            positions: Flat trained positions.
            shown: How many of them the head sees.
            kept: Takes the hidden states of all of them: (positions, hidden size).

        Returns:
            (shown, vocabulary); nothing for a model that does not call its head that way.
        """
        if self._head is None:
            return None
        calls = 0

        def keep_trained(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
            nonlocal calls
            calls += 1
            if not args or args[0].dim() != 3 or args[0].shape[:2] != shape:
                return None
            trained = args[0].flatten(0, 1).index_select(0, positions)
            kept.append(trained)
            return (trained[:shown], *args[1:])

        hook = self._head.register_forward_pre_hook(keep_trained)
        try:
            logits: Tensor = model(**batch).logits
        finally:
            hook.remove()
        if calls == 1 and logits.dim() == 2 and len(logits) == shown:
            return logits
        self._use_all_logits("its forward pass does not call its head once on all positions")
        return None

    def _all_logits(self, model: nn.Module, batch: dict[str, Any], positions: Tensor) -> Tensor:
        logits: Tensor = model(**batch).logits
        return logits.flatten(0, 1).index_select(0, positions)

    def _use_all_logits(self, reason: str) -> None:
        self._head = None
        logger.warning(
            "The head of this model is applied to every position, not only to trained ones "
            "(slower, more memory): %s.",
            reason,
        )


def _without_ddp(model: nn.Module) -> nn.Module:
    """Return what DDP wraps: its own forward pass prepares a backward pass, once a batch."""
    return model.module if isinstance(model, DistributedDataParallel) else model
