"""The data of a run by its mode: real data, samples in its place, or samples only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from migaki.corpus.config import ExecutionMode, JapaneseDataConfig
from migaki.corpus.manager import DatasetManager
from migaki.errors import UsageError

__all__ = ["data_of_mode"]


def data_of_mode(
    mode: str, *, base_dir: Path | None = None, names: Sequence[str] | None = None
) -> tuple[dict[str, Any], str]:
    """Return the data settings of a recipe for a mode, and why these.

    Args:
        mode: ``trial``, ``development`` or ``production``.
        base_dir: The data folder; the specified one without it.
        names: Files of the data folder, or names of sources; those that the mode asks for without them.

    Raises:
        UsageError: There is no such mode.
        DataError: Production, and data is missing; the hint holds the command that gets each.
    """
    if mode not in [known.value for known in ExecutionMode]:
        raise UsageError(
            f"There is no mode '{mode}'.",
            hint=f"Valid: {', '.join(known.value for known in ExecutionMode)}.",
        )
    config = JapaneseDataConfig(
        train_files=list(names) if names else None,  # type: ignore[arg-type]  # as specified
        execution_mode=ExecutionMode(mode),
    )
    if base_dir is not None:
        config.base_dir = base_dir
    found = DatasetManager(config).find_datasets()
    settings: dict[str, Any] = {"train": [str(path) for path in found.train_paths]}
    if found.validation_paths:
        settings["evaluation"] = [str(path) for path in found.validation_paths]
    return settings, f"{mode}: {found.reason}"
