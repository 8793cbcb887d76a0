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
_ENOUGH_TOKENS = 32
"""Trained tokens from which the loss of one batch says something about the model."""


class DivergenceWatch:
    """Tells a loss that has left the road.

    Not finite is enough. A finite loss counts when it is clearly worse than guessing every token
    with equal chance (ln of the vocabulary) and twice as bad as at the start, several steps in a
    row: a too high rate often ends there, since a normalised network seldom overflows.

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
        limit = max(_CLEARLY * self._guessing, 2 * (self._first or 0.0))
        if (at_once or len(recent) == _DIVERGED_STEPS) and min(recent) > limit:
            return (
                f"the loss is {loss:.3f}, far worse than guessing every token "
                f"({self._guessing:.2f}); it began at {self._first or 0.0:.3f}"
            )
        return None

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"first": self._first, "recent": list(self._recent)}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self._first = saved["first"]
        self._recent.extend(saved["recent"])
