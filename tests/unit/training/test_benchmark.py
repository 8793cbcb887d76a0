"""The benchmark runs, and compares the same computation; here with migaki alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_benchmark_measures_and_judges_what_migaki_trains(
    project_root: Path, shared_data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    command = [
        sys.executable, str(project_root / "benchmarks" / "training_cpu.py"), "--data",
        str(shared_data), "--venvs", str(tmp_path), "--rows", "16", "--repeats", "1", "--ways",
        "migaki", "--workloads", "answers", "--out", str(out),
    ]  # fmt: skip

    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=880)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    first = result["first_losses"]["answers"]
    assert first["migaki"][-1] < first["migaki"][0]
    assert result["workload"]["rows"] == 16
    (run,) = result["runs"]
    assert run["way"] == "migaki"
    assert run["steps"] == 2
    assert run["wall_s"] > run["seconds"] > 0
    assert run["final_loss"] == pytest.approx(first["migaki"][0], rel=0.02)
    assert run["versions"]["torch"]
    assert result["floor"]["float32"]["gflop_per_s"] > 0
