"""How far work on rows is, how fast it goes, and when it will be done."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from migaki.cli.console import err

if TYPE_CHECKING:
    from migaki.cli.progress import JobProgress

__all__ = ["RowWatch"]


@dataclass
class RowWatch:
    """Shows how far the work is, how fast it goes, and when it will be done."""

    progress: JobProgress
    began_s: float = field(default_factory=time.monotonic)
    first: int | None = None
    """Rows that were done before this process began."""
    done: int = 0

    def on_progress(self, done: int, total: int | None) -> None:
        """Take note of rows done; the first call says how many were done before."""
        if self.first is None:
            self.first, self.began_s = done, time.monotonic()
            self.done = done
            if done:
                self.progress.say(f"going on after {done:,} rows")
            return
        self.done = done
        note = f"{self.rows_per_s:,.0f} rows/s"
        if total is not None and not err.is_terminal:
            note += f"  left {(total - done) / self.rows_per_s:,.0f} s"
        self.progress.on_progress("rows", done, total, note=note)

    @property
    def elapsed_s(self) -> float:
        """Seconds of this process's work."""
        return max(1e-9, time.monotonic() - self.began_s)

    @property
    def rows_per_s(self) -> float:
        """Rows a second of this process."""
        return (self.done - (self.first or 0)) / self.elapsed_s
