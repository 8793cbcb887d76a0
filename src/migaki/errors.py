"""Every exception that migaki raises on purpose.

A message says what was wrong, what was received and what is valid; the hint says what to do next.
The command line prints both as one paragraph and turns the class into an exit status.

    MigakiError                     exit status 1
    ├── UsageError                  exit status 2: the call itself is wrong
    │   └── ConfigError             a key or value of a recipe or override
    ├── DataError                   a file cannot be read as training data
    │   └── BadRowError             one row of it, with file and line
    ├── ModelError                  a model or tokenizer cannot be loaded or used
    ├── ResourceError               not enough memory or disk for what was asked
    ├── TrainingError               training cannot go on
    │   └── LossDivergedError       the loss became NaN or infinite
    ├── MissingExtraError           an optional package is not installed
    └── RunInterruptedError         exit status 130: stopped by the user, resumable
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = [
    "BadRowError",
    "ConfigError",
    "DataError",
    "LossDivergedError",
    "MigakiError",
    "MissingExtraError",
    "ModelError",
    "ResourceError",
    "RunInterruptedError",
    "TrainingError",
    "UsageError",
]


class MigakiError(Exception):
    """Base of all errors that migaki raises on purpose.

    Args:
        message: What was wrong, what was received, what is valid.
        hint: What to do next, as a sentence.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class UsageError(MigakiError):
    """The call itself is wrong: an option, an argument, a combination of both."""

    exit_code = 2


class ConfigError(UsageError):
    """A key or a value of a recipe, a configuration object or a dotted override is wrong."""


class DataError(MigakiError):
    """A file is missing, empty, or cannot be read as training data."""


class BadRowError(DataError):
    """One row of a file cannot be used.

    Args:
        reason: What is wrong with the row.
        path: The file.
        line: 1-based line, or record number where the format has no lines.
        hint: What to do next.
    """

    def __init__(self, reason: str, *, path: Path, line: int, hint: str | None = None) -> None:
        super().__init__(f"{path}:{line}: {reason}", hint=hint)
        self.reason = reason
        self.path = path
        self.line = line


class ModelError(MigakiError):
    """A model or tokenizer cannot be found, loaded, trusted or used as asked."""


class ResourceError(MigakiError):
    """There is not enough memory or disk for what was asked."""


class TrainingError(MigakiError):
    """Training cannot start or cannot go on."""


class LossDivergedError(TrainingError):
    """The loss became NaN or infinite; the last good checkpoint is kept.

    Args:
        message: Step, value and likely cause.
        step: The optimizer step at which it was seen.
        checkpoint: The last good checkpoint, if there is one.
        rows: Numbers of the training rows that it was seen on, where they are known.
        hint: What to do next.
    """

    def __init__(
        self,
        message: str,
        *,
        step: int,
        checkpoint: Path | None = None,
        rows: Sequence[int] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.step = step
        self.checkpoint = checkpoint
        self.rows = tuple(rows)


class MissingExtraError(MigakiError):
    """A feature needs a package that is not installed.

    Args:
        feature: What was asked for.
        package: The package that is missing.
        extra: The extra of migaki that brings it; None where migaki's own installation does.

    Example:
        >>> print(MissingExtraError("4-bit loading", package="bitsandbytes", extra="quantization"))
        4-bit loading needs the package 'bitsandbytes', which is not installed. \
Install it with: pip install 'migaki[quantization]'
    """

    def __init__(self, feature: str, *, package: str, extra: str | None = None) -> None:
        super().__init__(
            f"{feature} needs the package '{package}', which is not installed.",
            hint=f"Install it with: pip install '{f'migaki[{extra}]' if extra else package}'",
        )
        self.package = package
        self.extra = extra


class RunInterruptedError(MigakiError):
    """The user stopped the run; what was done is on disk and can be resumed.

    Args:
        message: Where it stopped.
        checkpoint: The checkpoint to resume from, if one was written.
        hint: The command that resumes.
    """

    exit_code = 130

    def __init__(
        self, message: str, *, checkpoint: Path | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.checkpoint = checkpoint
