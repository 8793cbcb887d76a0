"""How much data a run needs, by its purpose: the specified modes and data settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from migaki.errors import ConfigError

__all__ = ["ExecutionMode", "JapaneseDataConfig"]

_REQUIRED = {
    "production": ("wikipedia", "cc100", "oscar", "aozora", "news", "technical"),
    "development": ("wikipedia", "cc100", "dialogue"),
    "trial": (),
}
_AUGMENTED_TEXTS = {"production": None, "development": 1000, "trial": 100}


class ExecutionMode(Enum):
    """What a run is for, which decides what data it needs.

    Example:
        >>> ExecutionMode("trial").augmented_texts(5000)
        100
    """

    PRODUCTION = "production"
    """Real data, all of it; what is missing stops the run."""
    DEVELOPMENT = "development"
    """Real data where there is some, generated samples in place of the rest."""
    TRIAL = "trial"
    """Generated samples at once."""

    @property
    def required_sources(self) -> tuple[str, ...]:
        """Names of the sources that this mode asks for."""
        return _REQUIRED[self.value]

    def augmented_texts(self, total: int) -> int:
        """Return how many of the texts are augmented: 100, 1,000 or all of them.

        Args:
            total: How many there are.
        """
        most = _AUGMENTED_TEXTS[self.value]
        return total if most is None else min(most, total)


@dataclass
class JapaneseDataConfig:
    """Which data a run uses and where it lies.

    Args:
        base_dir: The data folder.
        train_files: Files or folders in it, or names of sources (``migaki data list``), whose files are
            looked for there. None: those that the mode asks for.
        validation_files: The same, to measure on. None: a part of the training data is held out.
        execution_mode: What the run is for; its name will do.
        require_all_files: Whether all of ``train_files`` must be there, or any one of them.

    Raises:
        ConfigError: A value is of the wrong kind.

    Example:
        >>> JapaneseDataConfig(execution_mode="development").train_files
        ['wikipedia', 'cc100', 'dialogue']
    """

    base_dir: Path = Path("dataset/deepseek-jp")
    train_files: list[str] = None  # type: ignore[assignment]  # resolved below
    validation_files: list[str] = None  # type: ignore[assignment]
    execution_mode: ExecutionMode = ExecutionMode.DEVELOPMENT
    require_all_files: bool = True

    def __post_init__(self) -> None:
        """Resolve the defaults, which depend on the mode."""
        self.base_dir = Path(self.base_dir)
        self.execution_mode = _mode(self.execution_mode)
        required = self.execution_mode.required_sources
        self.train_files = _names("train_files", self.train_files, required)
        self.validation_files = _names("validation_files", self.validation_files, ())


def _mode(value: ExecutionMode | str) -> ExecutionMode:
    try:
        return ExecutionMode(value)
    except ValueError as err:
        raise ConfigError(
            f"execution_mode is {value!r}, which is no mode.",
            hint=f"Valid: {', '.join(mode.value for mode in ExecutionMode)}.",
        ) from err


def _names(setting: str, value: Sequence[str | Path] | None, default: Sequence[str]) -> list[str]:
    if value is None:
        return list(default)
    names = [] if isinstance(value, str) else list(value)
    if isinstance(value, str) or not all(isinstance(n, str | Path) and str(n) for n in names):
        raise ConfigError(
            f"{setting} is {value!r}; it must be a list of names of files or sources."
        )
    return [str(name) for name in names]
