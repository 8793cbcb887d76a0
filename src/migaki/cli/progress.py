"""Bars and lines that show a job happening, on stderr.

On a terminal one live bar with loss, tokens/s, characters/s and the time left; elsewhere (a log
file, CI) a plain line now and then, because a redrawn bar is noise in a file.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from migaki.training.throughput import Speed

# Seconds between two lines where there is no terminal.
_LINE_EVERY_S = 10.0
_WIDE_TERMINAL, _WIDE_BAR, _NARROW_BAR = 110, 28, 8
# Columns of "Training", the steps, both clocks and what separates them, without the bar itself.
_BESIDE_BAR = 40


class JobProgress:
    """Draws stages, their progress and the training steps; a ``recipes.JobObserver``.

    Args:
        console: Where to draw; a terminal gets bars, anything else gets lines.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.bar_width = _WIDE_BAR if console.width >= _WIDE_TERMINAL else _NARROW_BAR
        self._progress = Progress(
            TextColumn("[progress.description]{task.description}"),
            BarColumn(bar_width=self.bar_width),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._what = ""
        self._last_line_s = 0.0

    def __enter__(self) -> JobProgress:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def on_stage(self, title: str) -> None:
        """Begin a stage: what was drawn before is done."""
        self._drop_bar()
        self._console.print(f"[bold cyan]›[/] {title}", soft_wrap=True)

    def on_progress(self, what: str, done: int, total: int | None, *, note: str = "") -> None:
        """Move the bar of the stage, or say a line now and then."""
        self._move(what, done, total, note=note)

    def training(self) -> TrainingProgress:
        """Return what draws the training steps."""
        return TrainingProgress(self)

    def _move(self, what: str, done: int, total: int | None, *, note: str) -> None:
        if not self._console.is_terminal:
            self._say_sometimes(what, done, total, note)
            return
        if self._task is None or what != self._what:
            self._drop_bar()
            self._task = self._progress.add_task(what, total=total, note=note)
            self._what = what
        self._progress.update(self._task, completed=done, total=total, note=note)

    def _say_sometimes(self, what: str, done: int, total: int | None, note: str) -> None:
        now = time.monotonic()
        finished = total is not None and done >= total
        if now - self._last_line_s < _LINE_EVERY_S and not finished:
            return
        self._last_line_s = now
        of = f"/{total}" if total is not None else ""
        self._console.print(
            f"  {what} {done}{of}  {note}".rstrip(), soft_wrap=True, highlight=False
        )

    def _drop_bar(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(f"  {text}", soft_wrap=True, highlight=False)


def _figures(speed: Speed) -> list[str]:
    """Write the figures of training, the most telling first."""
    figures = [f"{speed.tokens_per_s:,.0f} tokens/s"]
    if speed.mfu is not None:
        figures.append(f"MFU {100 * speed.mfu:.0f} %")
    figures.append(f"{speed.memory_gib:.1f} GiB")
    if speed.characters_per_s:
        figures.append(f"{speed.characters_per_s:,.0f} chars/s")
    figures.append(f"{speed.trained_tokens_per_s:,.0f} trained/s")
    return [*figures, f"padding {100 * speed.padding_share:.0f} %"]


def _fitting(figures: Sequence[str], width: int) -> str:
    """Join as many figures as fit, at least the first.

    Example:
        >>> _fitting(["loss 2.345", "1,234 tokens/s", "MFU 12 %"], 30)
        'loss 2.345  1,234 tokens/s'
    """
    note = figures[0]
    for figure in figures[1:]:
        if len(note) + 2 + len(figure) > width:
            break
        note += f"  {figure}"
    return note


def _clock(seconds: float) -> str:
    """Write a duration as the bar does.

    Example:
        >>> _clock(61), _clock(4000)
        ('01:01', '1:06:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


class TrainingProgress:
    """Draws training steps; a ``training.TrainingObserver``."""

    def __init__(self, job: JobProgress) -> None:
        self._job = job

    def on_start(self, total_steps: int) -> None:
        """Show the empty bar at once: the first step may take long."""
        self._job._move("Training", 0, total_steps, note="")

    def on_step(
        self,
        step: int,
        total_steps: int,
        *,
        loss: float,
        learning_rate: float,
        speed: Speed,
        eta_s: float,
    ) -> None:
        """Move the bar and show loss and speed, as much as fits beside it."""
        console = self._job._console
        figures = [f"loss {loss:.3f}", *_figures(speed)]
        if console.is_terminal:
            note = _fitting(figures, console.width - self._job.bar_width - _BESIDE_BAR)
        else:
            note = "  ".join([*figures, f"left {_clock(eta_s)}"])
        self._job._move("Training", step, total_steps, note=note)

    def on_evaluate(self, step: int, bits_per_character: float | None) -> None:
        """Say a validation point."""
        if bits_per_character is not None:
            self._job.say(
                f"step {step}: {bits_per_character:.3f} bits per character on held-out rows"
            )

    def on_checkpoint(self, path: Path) -> None:
        """Say that a checkpoint is on disk."""

    def on_end(self) -> None:
        """Nothing more to draw."""
