"""What others see of a training run, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from migaki.atomic import write_text

if TYPE_CHECKING:
    from migaki.training.throughput import Speed

__all__ = ["MetricsFile", "TrainingObserver"]


class TrainingObserver(Protocol):
    """Sees a training run happen; the command line draws a bar with it."""

    def on_start(self, total_steps: int) -> None:
        """Training begins."""

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
        """An optimizer step is done, or was left out."""

    def on_evaluate(self, step: int, bits_per_character: float | None) -> None:
        """The held-out rows were measured; None where their characters are not known."""

    def on_checkpoint(self, path: Path) -> None:
        """A checkpoint is on disk, whole."""

    def on_end(self) -> None:
        """Training is over, however it ended."""


class MetricsFile:
    """``metrics.jsonl``: one line for every logged step, every evaluation and every event.

    Args:
        path: The file; it is appended to.
        is_writer: False in all but the first of several processes: what they append is left out.
    """

    def __init__(self, path: Path, *, is_writer: bool = True) -> None:
        self.path = path
        self._is_writer = is_writer

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a line and hand it to the operating system, so that a killed run keeps it."""
        if not self._is_writer:
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(record), ensure_ascii=False) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Return the lines; one that was cut off by a kill, or is none of ours, is left out."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        records = []
        for line in text.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("step"), int):
                records.append(record)
        return records

    def forget_after(self, step: int) -> None:
        """Drop lines beyond a step: a run resumed from there writes them again."""
        kept = [record for record in self.read() if record["step"] <= step]
        write_text(
            self.path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in kept)
        )
