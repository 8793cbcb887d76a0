"""`migaki data sample`, as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from migaki.cli.app import app

runner = CliRunner()


def test_it_writes_files_that_say_what_they_are(tmp_path: Path) -> None:
    result = runner.invoke(app, ["data", "sample", "-o", str(tmp_path), "-d", "news", "-n", "3"])
    assert result.exit_code == 0, result.output
    (file,) = tmp_path.iterdir()
    assert file.name == "synthetic-news.jsonl"
    assert str(file) in result.stdout.replace("\n", "")
    assert len([json.loads(line) for line in file.read_text("utf-8").splitlines()]) == 3


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    result = runner.invoke(app, ["data", "sample", "-o", str(tmp_path), "-d", "poems"])
    assert result.exit_code != 0
    assert not list(tmp_path.iterdir())
