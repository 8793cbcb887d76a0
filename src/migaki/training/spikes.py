"""A loss that stands out from those just before it."""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import Any

__all__ = ["SpikeWatch"]

_WINDOW_STEPS = 64
"""Steps that a loss is compared with: long enough for a steady median, short enough to follow a fall."""
_LEAST_STEPS = 16
"""Before so many there is nothing to compare with: losses fall fast at the beginning."""
_Z = 6.0
"""Robust z-score of a spike. Iglewicz and Hoaglin (How to Detect and Handle Outliers, 1993) call 3.5 an
outlier; losses of batches are no normal distribution, and a warning an hour is a warning unread."""
_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""
_LEAST_SPREAD = 0.02
"""Share of the median below which a spread is not believed: equal losses make any other a spike."""
_ENOUGH_TOKENS = 32
"""Trained tokens from which the loss of a step says something."""


class SpikeWatch:
    """Compares the loss of a step with the median of the last ones.

        z = (loss - median) / max(1.4826 · median|loss - median|, 2 % of the median)

    Median and median deviation, so that one spike does not hide the next. Spikes are what large runs
    meet most: PaLM (arXiv 2204.02311, section 5.1) went back to a checkpoint before them and left
    out the batches; most are harmless, so the default only says them.

    Example:
        >>> watch = SpikeWatch()
        >>> found = [watch.problem(loss, trained_tokens=100) for loss in [2.0, 2.1] * 10 + [4.0]]
        >>> found[-1]
        'the loss is 4.000, 26.3 deviations above the median of the last 20 steps (2.050)'
        >>> any(found[:-1])
        False
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_WINDOW_STEPS)

    def problem(self, loss: float, *, trained_tokens: int) -> str | None:
        """Judge a step and remember it.

        Args:
            loss: Nats per trained token.
            trained_tokens: How many there are.

        Returns:
            What stands out, or nothing.
        """
        if trained_tokens < _ENOUGH_TOKENS or not math.isfinite(loss):
            return None
        before = list(self._recent)
        self._recent.append(loss)
        if len(before) < _LEAST_STEPS:
            return None
        middle = median(before)
        spread = _SIGMA * median(abs(value - middle) for value in before)
        score = (loss - middle) / max(spread, _LEAST_SPREAD * middle, 1e-9)
        if score <= _Z:
            return None
        return (
            f"the loss is {loss:.3f}, {score:.1f} deviations above the median of the last "
            f"{len(before)} steps ({middle:.3f})"
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"recent": list(self._recent)}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self._recent.extend(saved.get("recent", ()))
