"""Stages from the command line: a second run goes on from the first and says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.helpers import Migaki

pytestmark = pytest.mark.integration

_SHORT = (
    "training.max_steps=2",
    "training.save_steps=2",
    "training.eval_steps=2",
    "training.batch_size=2",
    "data.max_tokens=64",
    "evaluation.enabled=false",
)


def test_resume_and_continue_from_are_told_apart(migaki: Migaki) -> None:
    done = migaki("train", "--resume", "--continue-from", "first")
    assert done.returncode == 2
    assert "--resume finishes a stopped run" in done.stderr
    assert "--continue-from begins a new run" in done.stderr


def test_what_is_not_there_is_not_continued(migaki: Migaki) -> None:
    done = migaki("train", "--yes", "--continue-from", "runs/first")
    assert done.returncode == 1
    assert "nothing to continue from at 'runs/first'" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_two_stages_on_the_embedded_model(migaki: Migaki, tmp_path: Path, chat_file: Path) -> None:
    common = ("train", "--yes", "--data", str(chat_file), *_SHORT)
    first = migaki(*common, "--name", "first")
    assert first.returncode == 0, first.stderr
    itself = migaki(*common, "--name", "first", "--continue-from", "first")
    assert itself.returncode == 2
    assert "cannot continue from itself" in itself.stderr
    second = migaki(*common, "--name", "second", "--continue-from", "first")
    assert second.returncode == 0, second.stderr
    run = tmp_path / "runs" / "second"
    lineage = json.loads((run / "lineage.json").read_text(encoding="utf-8"))
    assert [stage["run"] for stage in lineage["stages"]] == ["first", "second"]
    assert lineage["base"]["name"] == "migaki-tiny"
    assert "continues from" in second.stderr
    shown = migaki("report", str(run))
    assert "migaki-tiny → first → second" in " ".join(shown.stderr.split())
    assert "Lineage" in (run / "report.html").read_text(encoding="utf-8")
    card = (run / "adapter" / "README.md").read_text(encoding="utf-8")
    assert "the adapter of first trained on" in card
