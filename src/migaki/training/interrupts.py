"""Ctrl-C and SIGTERM while training: finish the step, write a checkpoint, stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["StopRequest"]

logger = logging.getLogger(__name__)


class StopRequest:
    """Turns the first signal into a wish and the second into `KeyboardInterrupt`.

    Works in the main thread, the only one that Python delivers signals to; elsewhere it does
    nothing. The handlers that were there before are put back at the end.

    Example:
        ``with StopRequest() as stop: ...; if stop.wanted: save_and_leave()``
    """

    def __init__(self) -> None:
        self.wanted = False
        self._previous: dict[signal.Signals, Callable[..., Any] | int | None] = {}

    def __enter__(self) -> StopRequest:
        """Take over SIGINT and SIGTERM."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the previous handlers back."""
        for number, handler in self._previous.items():
            # None means a handler that was not installed from Python and cannot be put back.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._previous.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
        logger.warning(
            "Stopping after this step, with a checkpoint. Ctrl-C again stops at once, without one."
        )
