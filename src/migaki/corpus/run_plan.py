"""What a corpus run will do, fixed before it begins: its tasks, and what they depend on.

Tasks are made from the input and the settings alone. Whoever runs them, and however many at once,
each reads the same shards and writes the same files.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from importlib.metadata import version
from typing import Any

from migaki.config import to_mapping
from migaki.corpus.cleaning_step import Task
from migaki.corpus.documents import Stage
from migaki.corpus.limited_reader import LimitedReader
from migaki.corpus.pipeline_config import PipelineConfig
from migaki.corpus.planned_reader import PlannedReader
from migaki.corpus.shards import Shard, SourceReader
from migaki.errors import DataError, UsageError

__all__ = [
    "LARGEST_TASK_MB",
    "Input",
    "RunPlan",
    "changes_of",
    "describe_stage",
    "differences",
    "make_plan",
]

LARGEST_TASK_MB = 64
"""Size of a task where the input is large or its size is not known: minutes of work."""

_MOST_DIFFERENCES = 5
_MOST_LISTED = 50
_TOLD_ELSEWHERE = ("engine", "sources", "cleaning")
"""Settings on which the output does not depend, or of which the identity says what they came to."""


@dataclass(frozen=True, slots=True)
class Input:
    """A source, and what its documents go through."""

    reader: SourceReader
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The tasks of a run."""

    readers: tuple[SourceReader, ...]
    """The sources with the parts that were found."""
    tasks: tuple[Task, ...]
    identity: Mapping[str, Any]
    """Everything that the output depends on, as JSON has it. Work that was begun with another one
    cannot be gone on with."""

    @property
    def bytes(self) -> int:
        """Size of the input as stored; shards of unknown size count nothing."""
        return sum(shard.size_bytes for task in self.tasks for shard in task.shards)


def make_plan(inputs: Sequence[Input], *, config: PipelineConfig) -> RunPlan:
    """Divide sources into tasks.

    Neighbouring shards of one source share a task until it is large enough.

    Args:
        inputs: The sources with their stages.
        config: Settings of the run.

    Raises:
        UsageError: There is no source, or two have one name, so that their documents had one id.
        DataError: The sources hold no data.
    """
    if config.limit:
        inputs = [replace(i, reader=LimitedReader(i.reader, config.limit)) for i in inputs]
    names = [given.reader.name for given in inputs]
    _refuse_names(names)
    readers = tuple(PlannedReader(i.reader, tuple(i.reader.shards())) for i in inputs)
    if not any(reader.found for reader in readers):
        raise DataError(f"The sources hold no data: {', '.join(names)}.")
    tasks = tuple(
        Task(reader, group, given.stages)
        for given, reader in zip(inputs, readers, strict=True)
        for group in _grouped(reader.found, config)
    )
    return RunPlan(readers, tasks, _identity(inputs, tasks, config))


def _refuse_names(names: Sequence[str]) -> None:
    if not names:
        raise UsageError(
            "No source was named.", hint="Give a file, a folder or a name of 'migaki data list'."
        )
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"Two sources are called {name}: their documents would have the same ids.",
                hint="Rename one, or give the folder that holds both.",
            )


def _grouped(shards: Sequence[Shard], config: PipelineConfig) -> Iterator[tuple[Shard, ...]]:
    most = (config.task_mb or LARGEST_TASK_MB) * 1_000_000
    group: list[Shard] = []
    size = 0
    for shard in shards:
        # A shard of unknown size may be large.
        if group and (size + shard.size_bytes > most or not shard.size_bytes):
            yield tuple(group)
            group, size = [], 0
        group.append(shard)
        size += shard.size_bytes or most
    if group:
        yield tuple(group)


def _identity(
    inputs: Sequence[Input], tasks: Sequence[Task], config: PipelineConfig
) -> Mapping[str, Any]:
    settings = {k: v for k, v in to_mapping(config).items() if k not in _TOLD_ELSEWHERE}
    identity = {
        "migaki": version("migaki"),
        "settings": settings,
        "inputs": [
            {
                "source": given.reader.name,
                "facts": given.reader.facts(),
                "stages": [describe_stage(stage) for stage in given.stages],
            }
            for given in inputs
        ],
        "tasks": [
            {
                "source": task.reader.name,
                "shards": [_describe_shard(shard) for shard in task.shards],
            }
            for task in tasks
        ],
    }
    as_json: Mapping[str, Any] = json.loads(json.dumps(identity, ensure_ascii=False, default=str))
    return as_json


def _describe_shard(shard: Shard) -> dict[str, Any]:
    try:
        changed_ns = os.stat(shard.path).st_mtime_ns
    except OSError:  # of the hub, or one that reading will report
        changed_ns = 0
    return {"name": shard.name, "bytes": shard.size_bytes, "changed_ns": changed_ns}


def describe_stage(stage: Stage) -> dict[str, Any]:
    """Return a stage's name and settings, as a manifest keeps them.

    Args:
        stage: A dataclass shows its fields; another stage its name and class.
    """
    kind = type(stage)
    facts = {"name": stage.name, "made_by": f"{kind.__module__}.{kind.__qualname__}"}
    return {**facts, "settings": _plain(stage)} if is_dataclass(stage) else facts


def _plain(value: Any) -> Any:
    """Return a setting as JSON has it, the same in every process."""
    if isinstance(value, str | int | float | bool | type(None)):
        return value
    if isinstance(value, re.Pattern):
        return value.pattern
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.repr}
    if isinstance(value, Mapping):
        return _listed({str(key): _plain(inner) for key, inner in value.items()})
    if isinstance(value, set | frozenset):
        return _listed(sorted(map(str, value)))
    if isinstance(value, list | tuple):
        return _listed([_plain(inner) for inner in value])
    return getattr(value, "__qualname__", type(value).__qualname__)


def _listed(values: Any) -> Any:
    """Return a collection, a word list by its size and hash."""
    if len(values) <= _MOST_LISTED:
        return values
    text = json.dumps(values, ensure_ascii=False)
    return {"items": len(values), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def changes_of(
    before: Mapping[str, Any], now: Mapping[str, Any], *, done: Iterable[int] | None
) -> list[str]:
    """Return in words why work begun with one identity cannot be gone on with in another.

    Args:
        before: The identity with which it was begun.
        now: That of today's plan.
        done: Tasks that are done, whose input must be as it was; input of the others may have been
            mended. None: all input must be as it was.

    Example:
        >>> old = {"settings": {}, "inputs": [], "tasks": [{"source": "a"}, {"source": "b"}]}
        >>> new = {**old, "tasks": [{"source": "a"}, {"source": "b", "shards": ["mended"]}]}
        >>> changes_of(old, new, done=[0]), changes_of(old, new, done=[0, 1])
        ([], ['tasks[1].shards was null, is a list of 1'])
    """
    before = _with_damage_allowed(before, now)
    if done is None:
        return differences(before, now)
    found = differences(_without_files(before), _without_files(now))
    for number in done:
        places = [tasks[number : number + 1] for tasks in (before["tasks"], now["tasks"])]
        if not all(places):
            return [*found, f"task {number} was planned and is not any more"]
        found += differences(places[0][0], places[1][0], where=f"tasks[{number}]")
    return found[:_MOST_DIFFERENCES]


def _with_damage_allowed(before: Mapping[str, Any], now: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an identity that skips damage, if damage ended the work and is to be skipped now.

    A task that was done while damage was an error met none, so what it wrote is the same.
    """
    settings, asked = before.get("settings", {}), now.get("settings", {})
    if (settings.get("on_damage"), asked.get("on_damage")) != ("error", "skip"):
        return before
    return {**before, "settings": {**settings, "on_damage": "skip"}}


def _without_files(identity: Mapping[str, Any]) -> dict[str, Any]:
    inputs = [{k: v for k, v in given.items() if k != "facts"} for given in identity["inputs"]]
    return {**{k: v for k, v in identity.items() if k != "tasks"}, "inputs": inputs}


def differences(before: Any, now: Any, *, where: str = "") -> list[str]:
    """Return in words what differs between two identities, the first few.

    Example:
        >>> differences({"settings": {"limit": None}}, {"settings": {"limit": 9}})
        ['settings.limit was null, is 9']
    """
    found: list[str] = []
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            inner = f"{where}.{key}" if where else str(key)
            found += differences(before.get(key), now.get(key), where=inner)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (old, new) in enumerate(zip(before, now, strict=True)):
            found += differences(old, new, where=f"{where}[{number}]")
    elif before != now:
        found.append(f"{where} was {_short(before)}, is {_short(now)}")
    return found[:_MOST_DIFFERENCES]


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:80]}…"
