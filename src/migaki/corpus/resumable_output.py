"""Files that grow for a long time, survive a kill, and appear under their own names when done.

Beside ``OUT`` work is kept in ``OUT.part`` (and ``OUT.part`` + suffix for files that go with it), and
``OUT.part.json`` says how much of them counts: rows of the input done, bytes of each file, totals so
far, and what was asked. What stands behind those bytes is cut off when the work goes on.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from migaki.atomic import named_in_errors, write_json
from migaki.errors import DataError, RunInterruptedError, UsageError
from migaki.locks import take_lock

__all__ = ["ResumableOutput"]

COMMIT_EVERY_S = 1.0
"""Seconds of work that a kill may cost."""

Finisher = Callable[[Path, Path], None]
"""Makes the final file (second) of a part file (first)."""


@dataclass(frozen=True, slots=True)
class _Done:
    """How far the work is."""

    rows: int
    written: tuple[int, ...]
    totals: dict[str, Any]


class ResumableOutput:
    """The files of one output that is being written; a context manager.

    Args:
        target: The output.
        suffixes: Suffix of each file: ``""`` is the output itself. Files that stay empty are not made,
            except the output.
        identity: What the work depends on. To go on, it must be the same; strings and numbers.
        resume: Go on with work that was stopped, if there is any.
        overwrite: An output that exists may be replaced, work that was stopped may be thrown away.

    Raises:
        UsageError: The output exists, or was begun with another input or other options, or another
            process writes it.
        DataError: What was written so far is damaged.
    """

    def __init__(
        self,
        target: Path,
        *,
        suffixes: Sequence[str],
        identity: Mapping[str, Any],
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self._done = _Done(0, (0,) * len(suffixes), {})
        self.resumed = False
        """Whether earlier work is gone on with."""
        self._target, self._suffixes = target, tuple(suffixes)
        self._identity = json.loads(json.dumps(identity))
        self._overwrite = overwrite
        self._files: list[BinaryIO] = []
        self._finished = False
        self._last_commit_s = time.monotonic()
        _refuse_place(target)
        self._lock = take_lock(
            self._beside(".part.lock"),
            f"Another process is writing {target}.",
            hint="Wait until it ends, or stop it.",
        )
        try:
            self._begin(resume=resume)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ResumableOutput:
        """Nothing more to do: the files are open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the files; what is done so far, if anything, is kept, also after an error or Ctrl-C."""
        try:
            if self._files and self.rows:
                self.commit()
            elif self._files:
                self._discard()
        finally:
            self.close()

    @property
    def rows(self) -> int:
        """Rows of the input that are done."""
        return self._done.rows

    @property
    def totals(self) -> dict[str, Any]:
        """What the caller counted in those rows."""
        return self._done.totals

    @property
    def finished(self) -> bool:
        """Whether all rows were written before, and only the names are missing."""
        return self._finished

    @property
    def part(self) -> Path:
        """Where the output grows."""
        return self._part("")

    @contextmanager
    def kept_when_stopped(self) -> Iterator[None]:
        """Say what Ctrl-C leaves, once the files are closed: enter this before the output itself.

        Raises:
            RunInterruptedError: In the place of KeyboardInterrupt.
        """
        try:
            yield
        except KeyboardInterrupt as err:
            if not self.rows:
                raise RunInterruptedError("No rows were done yet; nothing is left.") from err
            raise RunInterruptedError(
                f"{self.rows:,} rows are done and kept in {self.part}.",
                hint="The same command with --resume goes on.",
            ) from err

    def append(self, pieces: Sequence[bytes], *, rows: int, totals: dict[str, Any]) -> None:
        """Add what some rows gave to each file.

        Args:
            pieces: One for each suffix.
            rows: Rows of the input that are done with this.
            totals: All counts with this; must not be changed afterwards.
        """
        with named_in_errors(self._target):
            for file, piece in zip(self._files, pieces, strict=True):
                file.write(piece)
        written = zip(self._done.written, map(len, pieces), strict=True)
        # One assignment: Ctrl-C between two would leave counts that do not belong together.
        self._done = _Done(self._done.rows + rows, tuple(map(sum, written)), totals)
        if time.monotonic() - self._last_commit_s >= COMMIT_EVERY_S:
            self.commit()

    def commit(self) -> None:
        """Bring everything to the disk, then the state that counts it."""
        with named_in_errors(self._target):
            for file in self._files:
                file.flush()
                os.fsync(file.fileno())
        write_json(
            self._state_path,
            {
                "rows_done": self._done.rows,
                "bytes": dict(zip(self._suffixes, self._done.written, strict=True)),
                "finished": self._finished,
                "made_with": self._identity,
                "totals": self._done.totals,
            },
        )
        self._last_commit_s = time.monotonic()

    def finish(self, finisher: Finisher | None = None) -> None:
        """Give the files their own names; call it when everything is appended.

        Args:
            finisher: Makes the output of its part; without one it is renamed.

        Raises:
            UsageError: An output of this name has appeared meanwhile.
        """
        self._finished = True
        if self._files:
            self.commit()
        self._close_files()
        if self._target.exists() and self.part.exists():
            self._refuse_existing()
        for suffix in reversed(self._suffixes):  # the output last: it says that all is there
            self._deliver(suffix, finisher if not suffix else None)
        self._state_path.unlink()

    def close(self) -> None:
        """Close the files and let others write."""
        self._close_files()
        with suppress(OSError):  # Windows does not delete what is open
            self._beside(".part.lock").unlink()
        self._lock.release()

    # ── beginning ────────────────────────────────────────────────────────────────────────────────

    def _begin(self, *, resume: bool) -> None:
        wanted = resume or not self._overwrite
        state = _read_state(self._state_path) if wanted and self._state_path.exists() else None
        if state and resume:
            self._go_on(state)
            return
        if state and state["rows_done"]:
            raise UsageError(
                f"{self.part} holds unfinished work.",
                hint="Go on with it (--resume), or throw it away and begin anew (--overwrite).",
            )
        self._refuse_existing()
        self._discard()
        self.commit()
        self._open()

    def _discard(self) -> None:
        self._close_files()
        for suffix in self._suffixes:
            self._part(suffix).unlink(missing_ok=True)
        self._state_path.unlink(missing_ok=True)

    def _go_on(self, state: Mapping[str, Any]) -> None:
        made_with = state["made_with"]
        changed = [
            f"{key} was {json.dumps(made_with.get(key), ensure_ascii=False)}, "
            f"is {json.dumps(self._identity.get(key), ensure_ascii=False)}"
            for key in dict.fromkeys([*made_with, *self._identity])
            if made_with.get(key) != self._identity.get(key)
        ]
        if changed:
            raise UsageError(
                f"{self.part} was begun otherwise, so its rows would not fit: {'; '.join(changed)}.",
                hint="Repeat the command as it was, or begin anew with --overwrite.",
            )
        self.resumed = True
        written = tuple(state["bytes"][suffix] for suffix in self._suffixes)
        self._done = _Done(state["rows_done"], written, state["totals"])
        self._finished = state["finished"]
        if self._finished:  # stopped while the files got their names
            return
        self._refuse_existing()
        for suffix, valid in zip(self._suffixes, self._done.written, strict=True):
            part = self._part(suffix)
            size = part.stat().st_size if part.exists() else 0
            if size < valid:
                raise DataError(
                    f"{part} is damaged: it has {size:,} bytes, but {valid:,} were written.",
                    hint="Begin anew with --overwrite.",
                )
        self._open()

    def _open(self) -> None:
        for suffix, valid in zip(self._suffixes, self._done.written, strict=True):
            file = self._part(suffix).open("ab")
            self._files.append(file)
            file.truncate(valid)

    def _refuse_existing(self) -> None:
        if self._target.exists() and not self._overwrite:
            raise UsageError(
                f"{self._target} exists already.",
                hint="Give another name with -o, or allow it to be replaced with --overwrite.",
            )

    # ── ending ───────────────────────────────────────────────────────────────────────────────────

    def _deliver(self, suffix: str, finisher: Finisher | None) -> None:
        part, final, ready = self._part(suffix), self._beside(suffix), self._beside(".part.ready")
        if suffix and part.exists() and not part.stat().st_size:
            part.unlink()
            final.unlink(missing_ok=True)  # of an earlier output that is replaced
        elif part.exists() and finisher:
            finisher(part, ready)
            part.unlink()  # from here on `ready` is whole, also for one who comes after a kill
        elif part.exists():
            os.replace(part, final)
        if finisher and ready.exists():
            os.replace(ready, final)

    def _close_files(self) -> None:
        with named_in_errors(self._target):
            while self._files:
                self._files.pop().close()

    # ── names ────────────────────────────────────────────────────────────────────────────────────

    @property
    def _state_path(self) -> Path:
        return self._beside(".part.json")

    def _part(self, suffix: str) -> Path:
        return self._beside(".part" + suffix)

    def _beside(self, suffix: str) -> Path:
        return self._target.with_name(self._target.name + suffix)


def _refuse_place(target: Path) -> None:
    if target.is_dir():
        raise UsageError(f"The output {target} is a folder.", hint="Give the name of a file.")
    if not target.parent.is_dir():
        raise UsageError(
            f"The folder {target.parent} does not exist.", hint=f"Make it: mkdir -p {target.parent}"
        )


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not {"rows_done", "bytes", "finished", "made_with", "totals"} <= state.keys():
            raise ValueError("keys are missing")
    except (OSError, ValueError, AttributeError) as err:
        raise DataError(
            f"{path}, which says how far the work was, cannot be read ({err}).",
            hint="Begin anew with --overwrite.",
        ) from err
    return state
