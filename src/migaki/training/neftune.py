"""NEFTune (arXiv 2310.05914): noise on the embeddings while training.

    embedding + uniform(-1, 1) · α / √(L · d)        L: tokens of the row, d: hidden size

L is the length of the row itself, as in section 2 of the paper. With the length of the padded or
packed batch in its place, which the common implementations take, the noise would depend on the
neighbours that a row happens to have.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from migaki.errors import TrainingError

__all__ = ["EmbeddingNoise", "own_lengths"]


def own_lengths(inputs: Mapping[str, Any]) -> Tensor:
    """Return for every position how many tokens its row has.

    Args:
        inputs: A batch: ``input_ids`` (rows, length), and ``position_ids`` of the same shape, which
            start again where packed rows begin, or ``attention_mask`` with 0 at padding.

    Returns:
        (rows, length), at least 1.

    Example:
        >>> ids = torch.zeros(1, 5, dtype=torch.long)
        >>> own_lengths({"input_ids": ids, "position_ids": torch.tensor([[0, 1, 0, 1, 2]])})
        tensor([[2, 2, 3, 3, 3]])
    """
    shape = inputs["input_ids"].shape
    positions, mask = inputs.get("position_ids"), inputs.get("attention_mask")
    real = (
        mask if mask is not None and mask.shape == shape else torch.ones_like(inputs["input_ids"])
    )
    if positions is None:
        return real.sum(1, keepdim=True).clamp(min=1).expand(shape)
    rows = (positions == 0).flatten().cumsum(0) - 1
    tokens = torch.zeros(len(rows), dtype=real.dtype, device=real.device)
    return tokens.index_add(0, rows, real.flatten())[rows].clamp(min=1).reshape(shape)


class EmbeddingNoise:
    """Adds noise to the embeddings of the batches it is told about, and to no others.

    Evaluation, generation and the look at a checkpoint's weights stay as they are, because nobody
    switches the noise on for them. The numbers come from PyTorch's global state, which a checkpoint
    keeps, so a resumed run meets the same noise.

    Args:
        model: The causal language model, possibly wrapped by PEFT.
        alpha: Strength of the noise; 0 switches it off.
    """

    def __init__(self, model: nn.Module, alpha: float) -> None:
        self._alpha = alpha
        find = getattr(model, "get_input_embeddings", None)
        self._embeddings: nn.Module | None = find() if callable(find) else None

    @contextmanager
    def on(self, inputs: Mapping[str, Any]) -> Iterator[None]:
        """Add noise while the model runs on a batch.

        Args:
            inputs: The batch.

        Raises:
            TrainingError: The model does not look its embeddings up in one place.
        """
        if not self._alpha:
            yield
            return
        calls = 0

        def disturb(module: nn.Module, _: Any, output: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            size = own_lengths(inputs).unsqueeze(-1) * output.shape[-1]
            noise = torch.empty_like(output).uniform_(-1, 1)
            return output + noise * (self._alpha / size.sqrt()).to(output.dtype)

        if self._embeddings is None:
            raise self._impossible("it does not tell which layer holds its embeddings")
        hook = self._embeddings.register_forward_hook(disturb)
        try:
            yield
        finally:
            hook.remove()
        if calls != 1:
            raise self._impossible(f"it looks embeddings up {calls} times in a pass")

    def _impossible(self, reason: str) -> TrainingError:
        return TrainingError(
            f"training.neftune_noise_alpha is {self._alpha:g}, and noise cannot be added to the "
            f"embeddings of this model: {reason}.",
            hint="Train with training.neftune_noise_alpha=0.",
        )
