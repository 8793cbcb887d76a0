"""When a loss has left the road."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

__all__ = ["DivergenceWatch"]

_DIVERGED_STEPS = 5
"""Steps in a row that must be worse than guessing before a finite loss counts as diverged."""
_CLEARLY = 1.2
"""A loss this many times that of guessing is worse than knowing nothing."""
_GUESSING = 0.99
"""From this share of the loss of guessing a model knows nothing (any more)."""
_KNEW = 0.7
"""A model whose first loss was below this share of guessing knew something."""
_ENOUGH_TOKENS = 32
"""Trained tokens from which the loss of one batch says something about the model."""


class DivergenceWatch:
    """Tells a loss that has left the road.

    Not finite is enough. A finite loss counts when it is clearly worse than guessing every token
    with equal chance (ln of the vocabulary) and twice as bad as at the start, several steps in a
    row: a too high rate often ends there, since a normalised network seldom overflows. So does a model
    that knew something at the start and now guesses: its last layer gives every token the same chance.

    Args:
        vocabulary: Tokens of the model; 0 where it is not known.
    """

    def __init__(self, vocabulary: int) -> None:
        self._guessing = math.log(vocabulary) if vocabulary > 1 else math.inf
        self._first: float | None = None
        self._recent: deque[float] = deque(maxlen=_DIVERGED_STEPS)

    def problem(
        self, nll_nats: float, trained_tokens: int, grad_norm: float, *, at_once: bool = False
    ) -> str | None:
        """Judge a step.

        Args:
            nll_nats: Sum over its trained tokens.
            trained_tokens: How many there are.
            grad_norm: Norm of its gradients.
            at_once: Judge this loss alone, without remembering it.

        Returns:
            What is wrong, or nothing.
        """
        loss = nll_nats / max(1, trained_tokens)
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        if not math.isfinite(grad_norm):
            return f"the loss is {loss:.3f} but the norm of its gradients is {grad_norm}"
        if trained_tokens < _ENOUGH_TOKENS:
            return None
        if not at_once:
            self._first = loss if self._first is None else self._first
            self._recent.append(loss)
        recent = [loss] if at_once else list(self._recent)
        lowest = min(recent) if at_once or len(recent) == _DIVERGED_STEPS else 0.0
        first = self._first or 0.0
        if lowest > max(_CLEARLY * self._guessing, 2 * first):
            words = "far worse than"
        elif 0 < first < _KNEW * self._guessing and lowest >= _GUESSING * self._guessing:
            words = "no better than"
        else:
            return None
        return (
            f"the loss is {loss:.3f}, {words} guessing every token ({self._guessing:.2f}); "
            f"it began at {first:.3f}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"first": self._first, "recent": list(self._recent)}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self._first = saved["first"]
        self._recent.extend(saved["recent"])
