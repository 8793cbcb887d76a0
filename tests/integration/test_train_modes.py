"""``migaki train --mode``: which data each mode takes, up to the plan."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from migaki.cli.app import app


def plan(folder: Path, mode: str, *arguments: str) -> Result:
    call = ["train", "--mode", mode, "--base-dir", str(folder), "--dry-run", "--json", *arguments]
    return CliRunner().invoke(app, call)


def files_of(done: Result) -> list[str]:
    return [Path(file["path"]).name for file in json.loads(done.stdout)["data"]["files"]]


def test_a_trial_runs_on_samples_at_once(tmp_path: Path) -> None:
    done = plan(tmp_path / "data", "trial")
    assert done.exit_code == 0, done.stderr
    assert len(files_of(done)) == 6
    assert all(name.startswith("synthetic-") for name in files_of(done))
    assert "a trial runs on generated samples" in done.stderr


def test_development_takes_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "wikipedia.jsonl").write_text(
        '{"text": "雨は降水である。"}\n' * 30, encoding="utf-8"
    )
    done = plan(tmp_path, "development", "data.max_rows=40")
    assert done.exit_code == 0, done.stderr
    assert files_of(done)[0] == "wikipedia.jsonl"
    assert "generated samples stand in for cc100, dialogue" in done.stderr


def test_production_stops_with_what_is_missing(tmp_path: Path) -> None:
    done = plan(tmp_path, "production")
    assert done.exit_code == 1
    assert f"migaki data prepare wikipedia --out {tmp_path / 'wikipedia'}" in done.stderr
    assert not list(tmp_path.iterdir())


def test_wrong_uses_are_said(tmp_path: Path) -> None:
    assert "Valid: production, development, trial" in plan(tmp_path, "test").stderr
    alone = CliRunner().invoke(app, ["train", "--base-dir", str(tmp_path)])
    assert alone.exit_code == 2
    resumed = CliRunner().invoke(app, ["train", "--mode", "trial", "--resume"])
    assert resumed.exit_code == 2
