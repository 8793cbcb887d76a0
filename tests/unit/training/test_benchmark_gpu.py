"""The benchmark for a GPU runs on the CPU in a tiny shape and writes what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

QUANTIZED = pytest.param(
    ["--part", "32b-qlora"],
    ["migaki"],
    marks=pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="needs bitsandbytes"),
)
COMPARED = pytest.param(
    ["--part", "compare", "--ways", "migaki", "trl-best"],
    ["migaki", "trl-best"],
    marks=pytest.mark.skipif(find_spec("trl") is None, reason="needs migaki[bench]"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "ways"), [COMPARED, QUANTIZED])
def test_a_tiny_run_is_measured_and_appended(
    project_root: Path, tmp_path: Path, asked: list[str], ways: list[str]
) -> None:
    out, rows = tmp_path / "result.json", tmp_path / "rows.json"
    out.write_text('[{"part": "earlier"}]', encoding="utf-8")
    ids = [[(7 * i) % 500 for i in range(9 + row % 120)] for row in range(400)]  # 6 steps of packs
    rows.write_text(json.dumps({"tokenizer": "none", "rows": ids}), encoding="utf-8")
    ended = subprocess.run(
        [
            sys.executable, str(project_root / "benchmarks" / "training_gpu.py"), *asked, "--tiny",
            "--repeats", "1", "--seconds", "0.01", "--rows", str(rows), "--out", str(out),
        ],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout + ended.stderr
    earlier, result = json.loads(out.read_text(encoding="utf-8"))
    runs: list[dict[str, Any]] = result["runs"]
    assert earlier == {"part": "earlier"}
    assert [run["way"] for run in runs] == ways
    assert all(run["tokens"] > 0 and run["steps"] >= 1 for run in runs)
    assert result["versions"]["torch"]
