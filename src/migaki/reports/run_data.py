"""What the files of a run folder say, read without trust.

A run may have failed at any moment and a folder may have been edited: a missing or damaged file is
recorded in `RunData.problems` and read as empty, and a value of another type than expected is read as
absent. Nothing but the folder is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migaki import config
from migaki.errors import ConfigError, UsageError

__all__ = ["RunData", "dig", "number", "read_run", "rows_of", "text"]

_FILES = ("run.yaml", "environment.json", "plan.json", "data.json", "status.json")
_OPTIONAL = ("rejected.jsonl", "lineage.json")
"""There only where rows were rejected, or where the model began to load."""
_REJECTED_SHOWN = 200


@dataclass(frozen=True, slots=True)
class RunData:
    """The content of a run folder; an empty mapping or sequence where a file is not there."""

    name: str
    path: Path
    recipe: Mapping[str, Any]
    environment: Mapping[str, Any]
    plan: Mapping[str, Any]
    data: Mapping[str, Any]
    status: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    lineage: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]]
    samples: Sequence[Mapping[str, Any]]
    rejected: Sequence[Mapping[str, Any]]
    problems: tuple[str, ...]
    """Files that are missing or damaged, each as a sentence."""


def read_run(path: Path) -> RunData:
    """Read a run folder.

    Raises:
        UsageError: It is no run folder.
    """
    if not path.is_dir() or not any((path / name).is_file() for name in _FILES):
        what = "has none of a run's files" if path.is_dir() else "is no folder"
        raise UsageError(
            f"{path} is not a run folder: it {what}.",
            hint="Give the folder that migaki train printed, for example runs/NAME.",
        )
    problems: list[str] = []

    def read(name: str, parse: Callable[[Path], Any], empty: Any) -> Any:
        try:
            value = parse(path / name)
        except FileNotFoundError:
            if name not in _OPTIONAL:
                problems.append(f"{name} is missing.")
        except (OSError, ValueError, ConfigError, RecursionError) as err:
            problems.append(f"{name} cannot be read: {err}")
        else:
            if isinstance(value, type(empty)):
                return value
            problems.append(f"{name} does not hold what it should.")
        return empty

    return RunData(
        name=path.resolve().name,
        path=path,
        recipe=read("run.yaml", _parse_yaml, {}),
        environment=read("environment.json", _parse_json, {}),
        plan=read("plan.json", _parse_json, {}),
        data=read("data.json", _parse_json, {}),
        status=read("status.json", _parse_json, {}),
        evaluation=read("evaluation.json", _parse_json, {}),
        lineage=read("lineage.json", _parse_json, {}),
        metrics=read("metrics.jsonl", _parse_jsonl, []),
        samples=read("samples.jsonl", _parse_jsonl, []),
        rejected=read("rejected.jsonl", _parse_jsonl, [])[:_REJECTED_SHOWN],
        problems=tuple(problems),
    )


def dig(value: Any, *keys: str) -> Any:
    """Follow keys through nested mappings; None where one is missing.

    Example:
        >>> dig({"a": {"b": 1}}, "a", "b"), dig({"a": 3}, "a", "b")
        (1, None)
    """
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def number(value: Any) -> float | None:
    """Return a finite number, or None for anything else.

    Example:
        >>> number(3), number("3"), number(float("nan")), number(True)
        (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def text(value: Any) -> str:
    """Return a text, or nothing for what is none."""
    return value if isinstance(value, str) else ""


def rows_of(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _parse_yaml(path: Path) -> Any:
    if not path.exists():
        raise FileNotFoundError(path)
    return config.read_yaml(path)


def _parse_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8", errors="replace"))


def _parse_jsonl(path: Path) -> list[Mapping[str, Any]]:
    """Read rows; the last one may have been cut off by a kill, and one that is damaged is left out."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if isinstance(row, Mapping):
            found.append(row)
    return found
