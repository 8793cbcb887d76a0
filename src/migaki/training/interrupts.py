"""Ctrl-C and SIGTERM while training: finish the step, write a checkpoint, stop."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["StopRequest"]

logger = logging.getLogger(__name__)

_ECHO_S = 3.0
"""A second signal sooner than this after the first is taken for the launcher's copy of it."""


class StopRequest:
    """Turns the first signal into a wish and the second into `KeyboardInterrupt`.

    Works in the main thread, the only one that Python delivers signals to; elsewhere it does
    nothing. The handlers that were there before are put back at the end.

    Args:
        launched: Whether a launcher started this process. torchrun passes on to its processes the Ctrl-C
            that the terminal has sent them already: within seconds it is the same wish.

    Example:
        ``with StopRequest() as stop: ...; if stop.wanted: save_and_leave()``
    """

    def __init__(self, *, launched: bool = False) -> None:
        self.wanted = False
        self._echo_s = _ECHO_S if launched else 0.0
        self._first_s = 0.0
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
            if time.monotonic() - self._first_s < self._echo_s:
                return
            raise KeyboardInterrupt
        self.wanted = True
        self._first_s = time.monotonic()
        logger.warning(
            "Stopping after this step, with a checkpoint. Ctrl-C again stops at once, without one."
        )
