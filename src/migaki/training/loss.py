"""The loss, computed at trained positions only.

Only tokens with a label contribute to the loss, so the head (by far the widest layer: hidden size ×
vocabulary) is applied to their positions alone. A forward pre-hook on the model's own head drops the
other positions; everything the model does before and after its head (PEFT wrappers, tied weights,
logit scaling, soft-capping) stays the model's own. A model whose forward pass does not call its head
that way gets its ordinary logits, with a logged reason.

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

from migaki.dataset.tokens import IGNORED

__all__ = ["TrainedLoss", "trained_targets"]

logger = logging.getLogger(__name__)


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
    """

    def __init__(self, model: nn.Module) -> None:
        find = getattr(model, "get_output_embeddings", None)
        head = find() if callable(find) else None
        self._head = head if isinstance(head, nn.Module) else None
        if self._head is None:
            self._use_all_logits("it does not tell which layer is its head")

    @property
    def head_on_trained_only(self) -> bool:
        """Whether the head is spared the positions that are not trained."""
        return self._head is not None

    def __call__(self, model: nn.Module, inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Run the model.

        Args:
            model: The model as the engine holds it: the one given at the start, or its wrapper.
            inputs: A batch with ``labels``.

        Returns:
            Sum of -ln p over the trained tokens, with gradient, and the number of those tokens.
        """
        labels = inputs["labels"]
        positions, targets = trained_targets(labels)
        batch = {key: value for key, value in inputs.items() if key != "labels"}
        logits = self._trained_logits(model, batch, labels.shape, positions)
        # float32: a bf16 log-softmax over a large vocabulary is wrong in the second digit.
        nll = functional.cross_entropy(logits.float(), targets, reduction="sum")
        return nll, torch.as_tensor(targets.numel(), device=nll.device)

    def _trained_logits(
        self, model: nn.Module, batch: dict[str, Any], shape: torch.Size, positions: Tensor
    ) -> Tensor:
        if self._head is not None:
            calls = 0

            def keep_trained(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
                nonlocal calls
                calls += 1
                if not args or args[0].dim() != 3 or args[0].shape[:2] != shape:
                    return None
                return (args[0].flatten(0, 1).index_select(0, positions), *args[1:])

            hook = self._head.register_forward_pre_hook(keep_trained)
            try:
                logits: Tensor = model(**batch).logits
            finally:
                hook.remove()
            if calls == 1 and logits.dim() == 2 and len(logits) == len(positions):
                return logits
            self._use_all_logits("its forward pass does not call its head once on all positions")
        return self._all_logits(model, batch, positions)

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
