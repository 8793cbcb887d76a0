"""Work for processes to do; they import it by its name."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from migaki.errors import DataError


def slow_when_even(number: int) -> int:
    time.sleep(0.02 if number % 2 == 0 else 0)
    return number * number


def fail(number: int) -> int:
    if number == 3:
        raise DataError("三は読めません。", hint="直してください。")
    return number


def stumble(number: int) -> int:
    return 1 // (number - 3)


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def report_pid(number: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def environment(project_root: Path) -> dict[str, str]:
    """Let a process import these tests and the migaki that stands beside them."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(project_root / "src"), str(project_root)]),
    }


def die_the_first_time(job: tuple[Path, int]) -> int:
    folder, number = job
    seen = folder / str(number)
    if number % 3 == 0 and not seen.exists():
        seen.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number
