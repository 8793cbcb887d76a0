"""``migaki report``: the path on stdout, the figures on stderr, clear errors."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from migaki.cli import report as report_module
from migaki.cli.app import app

_FOLDERS = Path(__file__).parents[1] / "reports" / "run_folders.py"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    spec = importlib.util.spec_from_file_location("run_folders", _FOLDERS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_run(tmp_path / "polite-hotel")


def test_prints_the_path_and_a_summary(run):
    done = CliRunner().invoke(app, ["report", str(run)])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{run}/report.html\n"
    assert "bits per character" in done.stderr
    assert "completed" in done.stderr.lower()
    assert (run / "report.html").is_file()


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_no_run_is_wrong_use(tmp_path, there):
    folder = tmp_path / "nothing"
    if there:
        folder.mkdir()
    done = CliRunner().invoke(app, ["report", str(folder)])
    assert done.exit_code == 2
    assert "is not a run folder" in done.stderr
    assert "runs/NAME" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("opens", [True, False])
def test_open(run, monkeypatch, opens):
    asked: list[Path] = []
    monkeypatch.setattr(report_module, "_open", lambda page: asked.append(page) or opens)
    done = CliRunner().invoke(app, ["report", str(run), "--open"])
    assert done.exit_code == 0
    assert asked == [run / "report.html"]
    assert ("No browser" in done.stderr) is not opens


def test_reporting_needs_no_torch(run):
    code = (
        "import sys; from pathlib import Path; from migaki.reports.run_report import write_report; "
        f"write_report(Path({str(run)!r})); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
