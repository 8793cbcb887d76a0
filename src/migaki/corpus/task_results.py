"""What one task of a corpus run did, in numbers that add up, kept as a JSON file per task.

The file is the last thing that a task writes: where it is, the task's output is whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from migaki.atomic import write_text
from migaki.corpus.output_writing import OutputFile
from migaki.errors import DataError

__all__ = ["BadRowNote", "InputCount", "TaskResult", "read_result", "total", "write_result"]

LISTED_BAD_ROWS = 20
"""Bad rows that are shown with their place; all are counted."""


@dataclass(slots=True)
class InputCount:
    """What was read from one shard of a source."""

    source: str
    shard: str
    documents: int = 0
    characters: int = 0
    bytes: int = 0
    """Of the texts in UTF-8."""
    sha256: str = ""
    """Over ids and texts in order: two readings of the same documents have the same."""
    damage: str = ""
    """Where and why the rest of the shard could not be read; empty where it was read to its end."""


@dataclass(frozen=True, slots=True)
class BadRowNote:
    """A row that could not be read: where and why."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class TaskResult:
    """Counts of one task, or of all together; documents and bad rows are counted apart."""

    inputs: list[InputCount] = field(default_factory=list)
    outputs: list[OutputFile] = field(default_factory=list)
    rejected_outputs: list[OutputFile] = field(default_factory=list)
    read: int = 0
    """Rows: documents and bad rows."""
    kept: int = 0
    bad_rows: int = 0
    characters_kept: int = 0
    rejected: dict[str, dict[str, int]] = field(default_factory=dict)
    """Stage → reason → documents."""
    changes: dict[str, int] = field(default_factory=dict)
    """What stages changed in kept documents: ``{"personal_information.email": 2}``."""
    kept_by_source: dict[str, dict[str, int]] = field(default_factory=dict)
    """Source → licence → documents kept."""
    listed_bad_rows: list[BadRowNote] = field(default_factory=list)
    sources: dict[str, dict[str, int]] = field(default_factory=dict)
    """Source, as it was named → rows read, kept, rejected, bad; and rejected by each stage and reason:
    ``{"read": 3, "kept": 1, "rejected": 2, "bad_rows": 0, "rejected by length: too_short": 2}``."""
    cpu_s: float = 0.0
    wall_s: float = 0.0

    @property
    def rejected_documents(self) -> int:
        """All rejections together."""
        return sum(sum(reasons.values()) for reasons in self.rejected.values())

    @property
    def bytes_read(self) -> int:
        """Text that was read, in bytes of UTF-8."""
        return sum(shard.bytes for shard in self.inputs)

    def check(self) -> None:
        """Make sure that nothing was lost.

        Raises:
            DataError: Rows read are not rows kept, rejected and bad together.
        """
        if self.read != self.kept + self.rejected_documents + self.bad_rows:
            raise DataError(
                f"The counts do not add up: {self.read:,} rows read, {self.kept:,} kept, "
                f"{self.rejected_documents:,} rejected, {self.bad_rows:,} bad.",
                hint="This is a mistake in migaki; please report it.",
            )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON has them."""
        return asdict(self)


def write_result(path: Path, result: TaskResult) -> None:
    """Write a task's result at once or not at all.

    Raises:
        DataError: Its counts do not add up.
        OSError: The disk is full or not writable.
    """
    result.check()
    write_text(path, json.dumps(result.to_json(), ensure_ascii=False) + "\n")


def read_result(path: Path) -> TaskResult:
    """Read a task's result.

    Raises:
        DataError: It is missing or damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return TaskResult(
            **{
                **value,
                "inputs": [InputCount(**item) for item in value["inputs"]],
                "outputs": [OutputFile(**item) for item in value["outputs"]],
                "rejected_outputs": [OutputFile(**item) for item in value["rejected_outputs"]],
                "listed_bad_rows": [BadRowNote(**item) for item in value["listed_bad_rows"]],
            }
        )
    except (OSError, ValueError, TypeError, KeyError) as err:
        raise DataError(
            f"The result of a task, {path}, cannot be read ({err}).",
            hint="Begin anew with --overwrite.",
        ) from err


def total(results: Iterable[TaskResult]) -> TaskResult:
    """Add results up, in the order of the tasks.

    >>> total([TaskResult(read=2, kept=2), TaskResult(read=1, bad_rows=1)]).read
    3
    """
    whole = TaskResult()
    changes: Counter[str] = Counter()
    for part in results:
        whole.inputs += part.inputs
        whole.outputs += part.outputs
        whole.rejected_outputs += part.rejected_outputs
        whole.read += part.read
        whole.kept += part.kept
        whole.bad_rows += part.bad_rows
        whole.characters_kept += part.characters_kept
        whole.cpu_s += part.cpu_s
        whole.wall_s += part.wall_s
        changes.update(part.changes)
        _add(whole.rejected, part.rejected)
        _add(whole.kept_by_source, part.kept_by_source)
        _add(whole.sources, part.sources)
        room = LISTED_BAD_ROWS - len(whole.listed_bad_rows)
        whole.listed_bad_rows += part.listed_bad_rows[:room]
    whole.changes = dict(sorted(changes.items()))
    return whole


def _add(whole: dict[str, dict[str, int]], part: Mapping[str, Mapping[str, int]]) -> None:
    for name, counts in part.items():
        below = whole.setdefault(name, {})
        for reason, count in counts.items():
            below[reason] = below.get(reason, 0) + count
