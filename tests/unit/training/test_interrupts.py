"""Ctrl-C, SIGTERM and kill -9 against a real process, then resume."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from migaki.training.interrupts import StopRequest

TESTS = Path(__file__).resolve().parents[1]
TIMES = {
    "tokens_per_s", "trained_tokens_per_s", "characters_per_s", "mfu", "hfu", "memory_gib", "eta_s",
    "runtime",
}  # fmt: skip
STEPS = 15


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "training.run_tiny", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=TESTS,
    )


@contextmanager
def at_step(step: int, folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has just done a step and pauses."""
    process = start(folder, "--pause", "0.4", *options)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == f"step {step}":
                break
        else:
            pytest.fail(f"the run ended before step {step}: {process.communicate()[1]}")
        yield process
    finally:
        process.kill()
        process.wait()


def finish(folder: Path, *options: str) -> str:
    process = start(folder, *options)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, out + err
    return out


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(x).items() if k not in TIMES} for x in lines]


def last_weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / f"checkpoint-{STEPS}" / "adapter_model.safetensors")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert f"done {STEPS}" in finish(folder)
    return folder


def assert_same_run(folder: Path, other: Path) -> None:
    assert read_metrics(folder) == read_metrics(other)
    expected = last_weights(other)
    assert all(torch.equal(value, expected[key]) for key, value in last_weights(folder).items())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_writes_a_checkpoint_and_resume_is_exact(
    number: signal.Signals, uninterrupted: Path, tmp_path: Path
) -> None:
    with at_step(7, tmp_path, "--save-steps", "4") as process:  # the middle of the second epoch
        process.send_signal(number)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "RunInterruptedError: Stopped at step 7 of 15. The checkpoint checkpoint-7" in out
    assert "migaki train --resume" in out
    assert "Ctrl-C again stops at once" in err
    assert "step 8" not in out

    if number is signal.SIGINT:  # what follows is the same for both
        assert "step 8" in finish(tmp_path, "--resume")
        assert_same_run(tmp_path, uninterrupted)


@pytest.mark.slow
def test_second_signal_stops_at_once(tmp_path: Path) -> None:
    with at_step(6, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Stopped at once at step 6 of 15. The checkpoint checkpoint-4" in out
    assert not list((tmp_path / "checkpoints").glob("tmp-*"))


@pytest.mark.slow
def test_kill_9_loses_only_the_steps_since_the_checkpoint(
    uninterrupted: Path, tmp_path: Path
) -> None:
    with at_step(7, tmp_path) as process:
        process.kill()
        process.wait()
    logged = [record["step"] for record in read_metrics(tmp_path)]
    assert max(logged) >= 6  # beyond the checkpoint, to be written again

    out = finish(tmp_path, "--resume")

    assert "step 7" in out
    assert_same_run(tmp_path, uninterrupted)


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.wanted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with StopRequest() as stop:
            seen.append((stop.wanted, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, before)]
