"""Counts what training does: loss by token, tokens and characters by second."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

__all__ = ["Meter", "Window"]


@dataclass(slots=True)
class Window:
    """Sums since the last line of metrics, or since the beginning."""

    nll_nats: float = 0.0
    trained_tokens: int = 0
    tokens: int = 0
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
        seconds: float,
    ) -> None:
        """Add a step."""
        self.nll_nats += nll_nats
        self.trained_tokens += trained_tokens
        self.tokens += tokens
        self.seconds += seconds
        self.padded_tokens += padded_tokens

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
        return {
            "nll_nats": self.nll_nats,
            "trained_tokens": self.trained_tokens,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "padded_tokens": self.padded_tokens,
        }


class Meter:
    """Two windows and a clock that can be stopped.

    Args:
        characters_per_token: Of the training rows; 0 where it is not known.
    """

    def __init__(self, characters_per_token: float) -> None:
        self.characters_per_token = characters_per_token
        self.recent = Window()
        self.whole = Window()
        self._mark = time.perf_counter()

    def start(self) -> None:
        """Start the clock: what went before (loading, saving, evaluating) is not training."""
        self._mark = time.perf_counter()

    def step(
        self, *, nll_nats: float, trained_tokens: int, tokens: int, padded_tokens: int
    ) -> None:
        """Add an optimizer step that ends now."""
        now = time.perf_counter()
        for window in (self.recent, self.whole):
            window.add(
                nll_nats=nll_nats,
                trained_tokens=trained_tokens,
                tokens=tokens,
                padded_tokens=padded_tokens,
                seconds=now - self._mark,
            )
        self._mark = now

    def speed(self) -> dict[str, float]:
        """Return tokens and characters a second since the last line of metrics."""
        rate = self.recent.tokens_per_s
        return {"tokens_per_s": rate, "characters_per_s": rate * self.characters_per_token}

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs to log the same numbers."""
        return {"recent": self.recent.to_json(), "whole": self.whole.to_json()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self.recent = Window(**saved["recent"])
        self.whole = Window(**saved["whole"])
