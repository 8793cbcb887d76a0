"""The figures of a run that several sections of the page speak of."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from migaki.reports.formats import count
from migaki.reports.run_data import RunData, dig, number, text

__all__ = [
    "bits_per_character",
    "can_resume",
    "home_of",
    "interval_of",
    "items_of",
    "polite_share",
    "resume_command",
    "stage_seconds",
    "steps_done",
    "steps_text",
]


def bits_per_character(run: RunData) -> tuple[float | None, float | None, float | None]:
    """Return bits per character before and after, and the relative change."""
    before, after = (
        number(dig(run.evaluation, name, "validation", "bits_per_character"))
        for name in ("before", "after")
    )
    change = number(dig(run.evaluation, "change", "bits_per_character_relative"))
    return before, after, change


def polite_share(run: RunData) -> tuple[float | None, float | None, float | None]:
    """Return the polite share before and after, and the change in points."""
    before, after = (
        number(dig(run.evaluation, name, "answers", "polite_share")) for name in ("before", "after")
    )
    return before, after, number(dig(run.evaluation, "change", "polite_share_points"))


def stage_seconds(run: RunData) -> tuple[float | None, float | None]:
    """Return the seconds of training and of everything."""
    stages = [number(value) for _, value in items_of(run.status.get("seconds"))]
    known = [value for value in stages if value is not None]
    return number(dig(run.status, "seconds", "train")), sum(known) if known else None


def steps_done(run: RunData) -> int:
    """Return the last step that was logged."""
    steps = [number(row.get("step")) for row in run.metrics]
    return int(max((s for s in steps if s is not None), default=0))


def steps_text(run: RunData) -> str:
    """Write how many steps were done."""
    done, planned = steps_done(run), number(run.plan.get("steps"))
    if not done:
        return f"{count(planned)} planned" if planned else ""
    return (
        f"{done:,} of {count(planned)} steps" if planned and planned != done else f"{done:,} steps"
    )


def can_resume(run: RunData) -> bool:
    """Tell whether the run did not complete (one that was killed says running) and left a checkpoint."""
    stopped = text(run.status.get("state")) in ("interrupted", "failed", "running")
    return stopped and any(run.path.glob("checkpoints/checkpoint-*"))


def resume_command(run: RunData) -> str:
    """Return the command that goes on with the run."""
    parent = text(run.recipe.get("output_dir")) or "runs"
    elsewhere = "" if parent == "runs" else f" output_dir={shlex.quote(parent)}"
    return f"migaki train --resume --name {shlex.quote(run.name)}{elsewhere}"


def interval_of(value: Any) -> tuple[float, float] | None:
    """Read a [low, high] pair."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    low, high = number(value[0]), number(value[1])
    return (low, high) if low is not None and high is not None else None


def items_of(value: Any) -> Sequence[tuple[Any, Any]]:
    """Return the items of a mapping, nothing for anything else."""
    return list(value.items()) if isinstance(value, Mapping) else []


def home_of(run: RunData) -> str:
    """Return the folder of the run as its recipe names it: the page must not depend on the caller."""
    parent = text(run.recipe.get("output_dir")) or "runs"
    return f"{parent.rstrip('/') or '/'}/{run.name}"
