"""How far a corpus run is, read from what its tasks leave in the work folder.

Tasks may run in other processes or on other machines; the folder is what all of them share. So this
works for every engine, and from another terminal too.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from migaki.corpus.cleaning_step import WorkFolder
from migaki.corpus.task_results import read_result
from migaki.errors import DataError

__all__ = ["Progress", "ProgressWatch"]


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done up to now."""

    tasks_done: int
    tasks_running: int
    rows: int
    bytes: int
    """Of text that was read."""


@dataclass
class ProgressWatch:
    """Looks at a run again and again; finished tasks are read once."""

    folder: WorkFolder
    _done: dict[int, tuple[int, int]] = field(default_factory=dict)

    def look(self) -> Progress:
        """Return how far the run is; what is being written at this moment may be missed."""
        for path in self._new_results():
            with suppress(DataError):
                result = read_result(path)
                self._done[int(path.stem)] = (result.read, result.bytes_read)
        running: dict[int, tuple[int, int]] = {}
        for path in self._numbered(self.folder.note(0).parent):
            with suppress(OSError, ValueError, KeyError):
                note = json.loads(path.read_text(encoding="utf-8"))
                running[int(path.stem)] = (note["read"], note["bytes"])
        running = {number: note for number, note in running.items() if number not in self._done}
        seen = [*self._done.values(), *running.values()]
        rows, size = (sum(column) for column in zip(*seen, strict=True)) if seen else (0, 0)
        return Progress(len(self._done), len(running), rows, size)

    def _new_results(self) -> list[Path]:
        names = self._numbered(self.folder.result(0).parent)
        return [path for path in names if int(path.stem) not in self._done]

    @staticmethod
    def _numbered(folder: Path) -> list[Path]:
        """Return the files of tasks; those being written have a dot before their names."""
        try:
            return [path for path in folder.iterdir() if path.stem.isdecimal()]
        except OSError:  # the run has not begun, or is over
            return []
