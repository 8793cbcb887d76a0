"""Which weights are meant by the name of something that is continued: a run, a checkpoint, a folder.

A run that has finished has a result. One that was interrupted has checkpoints: the best one is taken
where the run kept one, else the newest, and that is said.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from migaki.errors import ModelError, UsageError
from migaki.models.hub import fetch
from migaki.models.location import ModelLocation, locate
from migaki.training import checkpoints

__all__ = ["Source", "find_source"]


@dataclass(frozen=True, slots=True)
class Source:
    """Weights to go on from."""

    folder: Path
    """Holds an adapter or a whole model."""
    called: str
    """What a person calls it: run, run and checkpoint, Hub id, name of the folder."""
    run: Path | None = None
    """The run folder it lies in."""
    checkpoint: Path | None = None
    """The same as `folder` where it is a checkpoint."""
    reason: str = ""
    """Why these weights of the run."""

    @property
    def is_adapter(self) -> bool:
        """Whether it is an adapter, not a whole model."""
        return (self.folder / "adapter_config.json").is_file()


def find_source(text: str, *, output_dir: Path, revision: str | None = None) -> Source:
    """Find the weights that a name stands for.

    Args:
        text: A folder (run, adapter, checkpoint, model), the name of a run, or a Hub id.
        output_dir: Folder of run folders, where names of runs are looked for.
        revision: Branch, tag or commit on the Hub.

    Raises:
        ModelError: There are no usable weights.
        TrainingError: The checkpoint is damaged.
    """
    for folder in (Path(os.path.expanduser(text)), output_dir / text):
        if folder.is_dir():
            return _in_folder(folder.resolve())
    try:
        location = locate(text, revision=revision, weights=False)
    except ModelError as err:
        raise ModelError(
            f"There is nothing to continue from at '{text}': {err.message}",
            hint=f"Give a folder or the name of a run in {output_dir}: {_runs(output_dir)}.",
        ) from err
    return Source(_downloaded(text, location, revision), called=text)


def _downloaded(text: str, location: ModelLocation, revision: str | None) -> Path:
    """Return the folder, with an adapter's weights; those of a whole model are fetched when it loads."""
    if location.adapter is None:
        return location.folder
    return fetch(text, revision=revision, python_files=False)


def _in_folder(folder: Path) -> Source:
    if (folder / "trainer_state.json").is_file():
        return _checkpoint(folder, "as named")
    if _holds_weights(folder):
        run = folder.parent if (folder.parent / "run.yaml").is_file() else None
        return Source(folder, run.name if run else folder.name, run)
    for part in ("adapter", "model"):
        if _holds_weights(folder / part):
            return Source(folder / part, folder.name, _run_or_none(folder))
    if not (folder / "run.yaml").is_file():
        locate(folder)  # says what it lacks
    return _from_unfinished(folder)


def _from_unfinished(run: Path) -> Source:
    found = checkpoints.list_checkpoints(run / "checkpoints")
    if not found:
        raise ModelError(
            f"The run {run} has neither a result nor a checkpoint to continue from.",
            hint=f"Finish it first: migaki train --resume --name {run.name}",
        )
    best = _best(found)
    if best is not None:
        return _checkpoint(best, "the run did not finish; the best checkpoint it has")
    return _checkpoint(found[-1], "the run did not finish; its newest checkpoint")


def _best(found: list[Path]) -> Path | None:
    """Return the checkpoint with the lowest evaluation loss, as the newest one knows it."""
    try:
        state = json.loads((found[-1] / "trainer_state.json").read_text(encoding="utf-8"))
        step = state.get("best_global_step")
    except (OSError, ValueError, AttributeError):
        return None
    return next((path for path in found if checkpoints.step_of(path) == step), None)


def _checkpoint(folder: Path, reason: str) -> Source:
    checkpoints.verify(folder)
    run = _run_or_none(folder.parents[1])
    if run is not None and "continue_adapter: stack" in (run / "run.yaml").read_text("utf-8"):
        raise UsageError(
            f"{folder.name} of the run '{run.name}' holds only the new adapter of two that are "
            "stacked; without the older one it is not a model.",
            hint=f"Finish the run first: migaki train --resume --name {run.name}",
        )
    called = f"{run.name}, {folder.name}" if run else folder.name
    return Source(folder, called, run, checkpoint=folder, reason=reason)


def _holds_weights(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("adapter_config.json", "config.json"))


def _run_or_none(folder: Path) -> Path | None:
    return folder if (folder / "run.yaml").is_file() else None


def _runs(folder: Path) -> str:
    names = sorted(path.parent.name for path in folder.glob("*/run.yaml"))
    return ", ".join(names) if names else "there is none yet"
