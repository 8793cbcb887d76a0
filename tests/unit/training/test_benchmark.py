"""The benchmark runs, compares the same computation and writes what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(find_spec("trl") is None, reason="needs migaki[bench]")
def test_benchmark_compares_the_same_training(
    project_root: Path, shared_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    ended = subprocess.run(
        [
            sys.executable, str(project_root / "benchmarks" / "training_cpu.py"), "--data",
            str(shared_data), "--rows", "16", "--repeats", "1", "--ways", "migaki", "trl",
            "--out", str(out),
        ],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout + ended.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert result["first_losses"]["migaki"] == pytest.approx(
        result["first_losses"]["trl"], abs=1e-3
    )
    assert result["workload"]["rows"] == 16
    assert result["time_ratios"]["trl / migaki"]["median"] > 0
    assert {run["way"] for run in result["runs"]} == {"migaki", "trl"}
    assert result["versions"]["torch"]
