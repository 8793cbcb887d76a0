"""Counts what training does: loss by token, tokens and characters by second."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Meter", "Window"]


@dataclass(slots=True)
class Window:
    """Sums since the last line of metrics, or since the beginning."""

    nll_nats: float = 0.0
    trained_tokens: int = 0
    tokens: int = 0
    """Real tokens, no padding."""
    pairs: int = 0
    """Sum over rows of tokens², what attention works on."""
    skipped_steps: int = 0
    """Steps that were not taken; their loss is not in the sums, their tokens and time are."""
    seconds: float = 0.0
    padded_tokens: int = 0
    """Tokens that were computed: the real ones and the padding between them."""

    def add(
        self,
        *,
        nll_nats: float,
        trained_tokens: int,
        tokens: int,
        padded_tokens: int,
        pairs: int,
        seconds: float,
    ) -> None:
        """Add a step."""
        self.nll_nats += nll_nats
        self.trained_tokens += trained_tokens
        self.tokens += tokens
        self.padded_tokens += padded_tokens
        self.pairs += pairs
        self.seconds += seconds

    @property
    def loss(self) -> float:
        """Nats per trained token."""
        return self.nll_nats / max(1, self.trained_tokens)

    @property
    def tokens_per_s(self) -> float:
        """Real tokens (no padding) a second of training, without evaluation and saving."""
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def padding_share(self) -> float:
        """Share of the computed tokens that were padding, 0-1."""
        return 1 - self.tokens / self.padded_tokens if self.padded_tokens else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the sums; Python writes floats so that they read back the same."""
        return asdict(self)


class Meter:
    """Two windows and a clock that can be stopped."""

    def __init__(self) -> None:
        self.recent = Window()
        self.whole = Window()
        self._last_loss = 0.0
        self._mark = time.perf_counter()

    def start(self) -> None:
        """Start the clock: what went before (loading, saving, evaluating) is not training."""
        self._mark = time.perf_counter()

    def step(
        self,
        *,
        nll_nats: float,
        trained_tokens: int,
        tokens: int,
        padded_tokens: int,
        pairs: int,
        taken: bool = True,
    ) -> None:
        """Add an optimizer step that ends now.

        Args:
            nll_nats: Sum over its trained tokens.
            trained_tokens: How many there are.
            tokens: Real tokens.
            padded_tokens: Those that were computed, padding included.
            pairs: Sum over rows of tokens².
            taken: Whether the weights learn from it. What was not learnt counts as time, not as loss.
        """
        now = time.perf_counter()
        for window in (self.recent, self.whole):
            window.add(
                nll_nats=nll_nats if taken else 0.0,
                trained_tokens=trained_tokens if taken else 0,
                tokens=tokens,
                padded_tokens=padded_tokens,
                pairs=pairs,
                seconds=now - self._mark,
            )
            window.skipped_steps += 0 if taken else 1
        self._mark = now
        if self.recent.trained_tokens:
            self._last_loss = self.recent.loss

    @property
    def loss(self) -> float:
        """Of the steps since the last line of metrics; the one before, where none was taken since."""
        return self.recent.loss if self.recent.trained_tokens else self._last_loss

    def next_line(self) -> None:
        """Begin a new window: a line of metrics was written."""
        self.recent = Window()

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs to log the same numbers."""
        return {
            "recent": self.recent.to_json(),
            "whole": self.whole.to_json(),
            "last_loss": self._last_loss,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self.recent = Window(**saved["recent"])
        self.whole = Window(**saved["whole"])
        self._last_loss = saved.get("last_loss", 0.0)
