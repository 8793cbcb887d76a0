"""What is done about a step that went wrong: stop, skip it, or go back and go on more slowly.

    stop      the error names step, rows and the last good checkpoint
    skip      the step is not taken: weights and moments stay, the schedule goes on
    rollback  from the last good checkpoint again, at half the rate, without the step that went wrong

A rollback is a resume within the run. It stands in ``metrics.jsonl``, at the step that was gone back
to, and from there a resumed run knows it: the lines up to a checkpoint say what was learnt before it
went on. So a run with a rollback, killed and resumed anywhere, equals itself. PaLM (arXiv 2204.02311,
section 5.1) went back some 100 steps before a spike and left out 200-500 batches; the rate was kept
there, and is halved here because a small run diverges by its rate more often than by its data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migaki.training.config import TrainingConfig

__all__ = ["RATE_FACTOR", "Recovery", "RollBack", "Rollback", "scale_rates"]

RATE_FACTOR = 0.5
"""By which a rollback multiplies the rate; a power of two, so that the product is exact."""
_EVENT = "rolled back"


@dataclass(frozen=True, slots=True)
class Rollback:
    """One return to a checkpoint.

    Args:
        to_step: Step of the checkpoint.
        from_step: Step that went wrong; it is left out from then on.
    """

    to_step: int
    from_step: int


class RollBack(Exception):  # noqa: N818 - a way out of the Trainer's loop, not an error
    """Leaves the training loop to go back to a checkpoint.

    Args:
        checkpoint: Where to go on from.
        line: The line of metrics that records it.
    """

    def __init__(self, checkpoint: Path, line: Mapping[str, Any]) -> None:
        super().__init__(checkpoint.name)
        self.checkpoint = checkpoint
        self.line = line


class Recovery:
    """Remembers skipped steps and rollbacks of a run, and how many more there may be.

    Args:
        config: The policy and its limits.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._config = config
        self._in_a_row = 0
        self._known = 0
        self.rollbacks: tuple[Rollback, ...] = ()

    @property
    def steps_to_skip(self) -> frozenset[int]:
        """Steps that a rollback leaves out."""
        return frozenset(rollback.from_step for rollback in self.rollbacks)

    @property
    def total_factor(self) -> float:
        """What all rollbacks together have made of the rate."""
        return float(RATE_FACTOR ** len(self.rollbacks))

    @property
    def rate_factor(self) -> float:
        """What the rate is multiplied by now, beside what the checkpoint already holds."""
        return float(RATE_FACTOR ** (len(self.rollbacks) - self._known))

    def may_skip(self) -> bool:
        """Count a step to be skipped; false where there were too many in a row."""
        self._in_a_row += 1
        return self._in_a_row <= self._config.max_skipped_steps

    def may_roll_back(self) -> bool:
        """Tell whether one more rollback is allowed."""
        return len(self.rollbacks) < self._config.max_rollbacks

    def step_taken(self) -> None:
        """Forget the skipped steps before a good one."""
        self._in_a_row = 0

    def line(self, *, to_step: int, from_step: int, problem: str, rate: float) -> dict[str, Any]:
        """Return the line of metrics that records a rollback."""
        number = len(self.rollbacks) + 1
        return {
            "split": "event",
            "step": to_step,
            "event": _EVENT,
            "from_step": from_step,
            "problem": problem,
            "learning_rate": rate * RATE_FACTOR**number,
            "number": number,
        }

    def recall(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Take over the rollbacks that the metrics of this run tell of.

        Args:
            lines: Up to the step that is gone on from.
        """
        self.rollbacks = tuple(
            Rollback(to_step=line["step"], from_step=line["from_step"])
            for line in lines
            if line.get("event") == _EVENT and isinstance(line.get("from_step"), int)
        )

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs: among it how often the rate in the checkpoint was halved."""
        return {"in_a_row": self._in_a_row, "rollbacks": len(self.rollbacks)}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self._in_a_row = saved.get("in_a_row", 0)
        self._known = saved.get("rollbacks", 0)


def scale_rates(optimizer: Any, schedule: Any, factor: float) -> None:
    """Multiply the rates of an optimizer and of its schedule, now and from now on.

    Args:
        optimizer: Torch's, or accelerate's around it.
        schedule: A schedule that multiplies base rates.
        factor: 1 changes nothing.
    """
    if factor == 1.0:
        return
    for group in optimizer.param_groups:
        group["lr"] *= factor
        group["initial_lr"] *= factor
    schedule.base_lrs = [rate * factor for rate in schedule.base_lrs]
    schedule._last_lr = [rate * factor for rate in schedule._last_lr]
