"""A map over processes keeps order and leaves no orphans."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.unit.corpus.jobs import (
    die,
    die_the_first_time,
    environment,
    fail,
    slow_when_even,
    stumble,
)

from migaki.corpus.ordered_map import map_ordered
from migaki.errors import MigakiError, UsageError


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    assert list(map_ordered(slow_when_even, range(40), workers=workers)) == [
        n * n for n in range(40)
    ]


def test_large_messages_do_not_lock() -> None:
    items = [bytes(300_000)] * 12
    assert sum(map(len, map_ordered(bytes.upper, items, workers=2))) == 12 * 300_000


def test_items_are_read_as_they_are_needed() -> None:
    read = []

    def items():  # type: ignore[no-untyped-def]
        for number in range(10_000):
            read.append(number)
            yield number

    results = map_ordered(slow_when_even, items(), workers=2)
    assert next(results) == 0
    results.close()
    assert len(read) < 50


def test_an_error_on_purpose_comes_through_with_its_hint() -> None:
    with pytest.raises(MigakiError, match="三は読めません") as caught:
        list(map_ordered(fail, range(8), workers=2))
    assert caught.value.hint == "直してください。"


def test_an_unforeseen_error_comes_with_its_traceback() -> None:
    with pytest.raises(MigakiError, match="ZeroDivisionError"):
        list(map_ordered(stumble, range(8), workers=2))


def test_a_killed_worker_is_reported() -> None:
    with pytest.raises(MigakiError, match="exit code -9"):
        list(map_ordered(die, range(8), workers=2))


def test_what_a_killed_worker_had_is_done_by_another(tmp_path: Path) -> None:
    jobs = [(tmp_path, number) for number in range(10)]
    assert list(map_ordered(die_the_first_time, jobs, workers=2, attempts=2)) == list(range(10))


def test_an_item_that_kills_every_worker_ends_the_work() -> None:
    with pytest.raises(MigakiError, match="attempt 3 of 3"):
        list(map_ordered(die, range(8), workers=2, attempts=3))


def test_no_workers_is_an_error() -> None:
    with pytest.raises(UsageError, match="0 workers"):
        list(map_ordered(fail, [1], workers=0))


SCRIPT = """
import sys, time
from migaki.corpus.ordered_map import map_ordered
from tests.unit.corpus.jobs import report_pid
if __name__ == "__main__":
    for pid in map_ordered(report_pid, range(10_000), workers=2):
        print(pid, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_workers_die_with_a_killed_parent(tmp_path: Path, project_root: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env=environment(project_root),
    )
    assert parent.stdout
    pids = {int(parent.stdout.readline()) for _ in range(20)}
    parent.kill()
    parent.wait()
    until = time.monotonic() + 10
    while any(is_running(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(is_running(pid) for pid in pids)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")
