"""A map over processes that keeps the order, holds little in memory, and leaves no orphans.

`concurrent.futures` was not taken: its workers outlive a parent that is killed, and it has no bound
on what waits for an early item. Here each worker has a pipe of its own, whose other end dies with the
parent, and at most `_AHEAD` items per worker are on their way.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Generic, TypeVar

from migaki.errors import MigakiError, UsageError

__all__ = ["map_ordered"]

Item = TypeVar("Item")
Result = TypeVar("Result")

logger = logging.getLogger(__name__)

_AHEAD = 4
_FAREWELL_S = 2.0


def map_ordered(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, attempts: int = 1
) -> Iterator[Result]:
    """Yield ``work(item)`` for each item, in the order of the items.

    Processes are spawned, not forked, so that threads and open files of the caller are no danger; a
    script that calls this must therefore be importable (``if __name__ == "__main__":``).

    Args:
        work: What to do; with several workers it must be picklable.
        items: Read as they are needed.
        workers: Processes, but never more than there are items; with 1 the work is done in this one.
        attempts: How often an item may be begun: where the process that had it was killed, another
            takes its place. An item whose work fails is not tried again.

    Raises:
        UsageError: `workers` or `attempts` is less than 1.
        MigakiError: A worker failed, or was killed in the last attempt. With one worker its own
            exception comes through.

    Example:
        >>> list(map_ordered(str.upper, ["a", "b"], workers=1))
        ['A', 'B']
    """
    if workers < 1:
        raise UsageError(f"{workers} workers were asked for; at least 1 is needed.")
    if attempts < 1:
        raise UsageError(f"{attempts} attempts were asked for; at least 1 is needed.")
    rest = iter(items)
    first = list(islice(rest, workers))
    if len(first) <= 1:
        yield from map(work, chain(first, rest))
        return
    with _Crew(work, len(first), attempts) as crew:
        yield from crew.run(chain(first, rest))


class _Crew(Generic[Item, Result]):
    """Workers with a pipe each."""

    def __init__(self, work: Callable[[Item], Result], workers: int, attempts: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._work, self._attempts = work, attempts
        self._pipes: list[Connection] = []
        self._processes: list[SpawnProcess] = []
        for _ in range(workers):
            self._hire()

    def _hire(self) -> Connection:
        """Start one more worker."""
        # Ctrl-C reaches every process of the terminal; only this one is to answer it. A blocked
        # signal stays blocked in the children and is delivered here afterwards.
        resource_tracker.ensure_running()  # its start would take our blocking back
        mask = getattr(signal, "pthread_sigmask", None)
        before = mask(signal.SIG_BLOCK, {signal.SIGINT}) if mask else None
        try:
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=_serve, args=(theirs, self._work), daemon=True)
            process.start()
            theirs.close()
        finally:
            if mask:
                mask(signal.SIG_SETMASK, before)
        self._pipes.append(ours)
        self._processes.append(process)
        return ours

    def __enter__(self) -> _Crew[Item, Result]:
        """Nothing more to do: the workers run."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the workers: at once if something went wrong, else when they see the pipe closed."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            if kind is not None:
                process.terminate()
            process.join(_FAREWELL_S)
            if process.is_alive():
                process.kill()
                process.join()

    def run(self, items: Iterable[Item]) -> Iterator[Result]:
        """Yield the results in order."""
        source = enumerate(items)
        idle = list(self._pipes)
        running: dict[Connection, _Task[Item]] = {}
        done: dict[int, Result] = {}
        ready_for = 0  # the number of the result that is yielded next
        given = 0
        more = True
        while True:
            while more and idle and given < ready_for + _AHEAD * len(self._pipes):
                found = next(source, None)
                if found is None:
                    more = False
                    break
                given = found[0] + 1
                self._begin(idle.pop(), _Task(*found), running)
            if ready_for in done:
                yield done.pop(ready_for)
                ready_for += 1
                continue
            if not running:
                return
            for ready in wait(list(running)):
                pipe = next(p for p in running if p is ready)
                task = running.pop(pipe)
                try:
                    answer = pipe.recv()
                except (EOFError, OSError):
                    self._begin(self._replace(pipe, task), task, running)
                    continue
                done[task.number] = _result(answer)
                idle.append(pipe)

    def _begin(
        self, pipe: Connection, task: _Task[Item], running: dict[Connection, _Task[Item]]
    ) -> None:
        """Give a task to the worker at this pipe, or to one who takes its place."""
        while True:
            task.attempts += 1
            try:
                pipe.send(task.item)
            except OSError:
                pipe = self._replace(pipe, task)
            else:
                running[pipe] = task
                return

    def _replace(self, pipe: Connection, task: _Task[Item]) -> Connection:
        """Bury a worker that died, and start another if its task may be tried again."""
        at = self._pipes.index(pipe)
        process = self._processes[at]
        process.join(_FAREWELL_S)
        problem = f"A worker process ended before its work was done (exit code {process.exitcode})."
        if task.attempts >= self._attempts:
            if self._attempts > 1:
                problem += f" It was attempt {task.attempts} of {self._attempts}."
            raise MigakiError(
                problem,
                hint="If that is -9, the system may have run out of memory: use fewer --workers.",
            )
        logger.warning("%s Another process does it again.", problem)
        pipe.close()
        del self._pipes[at], self._processes[at]
        return self._hire()


@dataclass(slots=True)
class _Task(Generic[Item]):
    """An item that was given to a worker."""

    number: int
    item: Item
    attempts: int = 0


def _result(answer: tuple[tuple[str, str | None] | None, Any]) -> Any:
    failure, result = answer
    if failure is not None:
        message, hint = failure
        raise MigakiError(message, hint=hint)
    return result


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """Answer each item with ``(failure, result)`` until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where it could not be blocked
    while True:
        try:
            item = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[tuple[str, str | None] | None, Any] = (None, work(item))
        except MigakiError as err:
            answer = ((err.message, err.hint), None)
        except Exception:
            answer = (("A worker failed:\n" + traceback.format_exc(), "Please report it."), None)
        try:
            pipe.send(answer)
        except OSError:
            return
