"""A run stopped from outside goes on from the command line as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow]

_SETTINGS = (
    "training.max_steps=24",
    "training.save_steps=4",
    "training.eval_steps=8",
    "training.logging_steps=1",
    "training.batch_size=4",
    "lora.lora_dropout=0.1",
    "evaluation.max_new_tokens=4",
)


def _start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "migaki", "train", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _steps(run: Path) -> list[tuple[str, int, float]]:
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [(row["split"], row["step"], row["loss"]) for row in rows]


def _wait_for_step(run: Path, step: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        if any(seen >= step for _, seen, _ in _steps(run)):
            return
        time.sleep(0.05)
    raise AssertionError(f"step {step} was not reached: {process.communicate()[1]}")


@pytest.mark.parametrize(
    ("stop", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_stopped_and_resumed_equals_uninterrupted(
    tmp_path: Path, chat_file: Path, stop: signal.Signals, status: int
) -> None:
    common = ("--yes", "--data", str(chat_file), *_SETTINGS)
    whole = _start(tmp_path, *common, "--name", "whole")
    _, said = whole.communicate(timeout=240)
    assert whole.returncode == 0, said

    run = tmp_path / "runs" / "stopped"
    stopped = _start(tmp_path, *common, "--name", "stopped")
    _wait_for_step(run, 6, stopped)
    stopped.send_signal(stop)
    _, said = stopped.communicate(timeout=120)
    assert stopped.returncode == status, said
    if stop is signal.SIGINT:
        assert "migaki train --resume --name stopped" in said
        assert json.loads((run / "status.json").read_text())["state"] == "interrupted"

    resumed = _start(tmp_path, "--resume", "--name", "stopped")
    _, said = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, said
    assert _steps(run) == _steps(tmp_path / "runs" / "whole")
    before, after = (
        json.loads((tmp_path / "runs" / name / "evaluation.json").read_text())
        for name in ("whole", "stopped")
    )
    assert before["after"] == after["after"]
