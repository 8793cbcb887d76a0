"""The folder of a run: what a damaged one gets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from migaki.errors import MigakiError, UsageError
from migaki.recipes.fine_tune import resume
from migaki.recipes.recipe import Recipe
from migaki.recipes.run_folder import RunFolder, create_run_folder, find_resumable


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = create_run_folder(Recipe(name="a", output_dir=str(tmp_path)))
    folder.write_recipe(Recipe(name="a", output_dir=str(tmp_path)))
    return folder


@pytest.mark.parametrize("content", ["", '{"state"', "[]", '{"seconds": 5}'])
def test_a_damaged_status_says_nothing_and_is_written_anew(run: RunFolder, content: str) -> None:
    (run.path / "status.json").write_text(content)
    assert find_resumable(run.path.parent, None).path == run.path
    run.set_state("running", seconds={"load": 1.0})
    status = json.loads((run.path / "status.json").read_text())
    assert (status["state"], status["seconds"]) == ("running", {"load": 1.0})


def test_other_damaged_files_are_named(run: RunFolder) -> None:
    (run.path / "data.json").write_text('{"files": [')
    with pytest.raises(MigakiError, match=r"data\.json is damaged.*start a new run"):
        run.read_json("data.json")


def test_a_name_is_taken_once(run: RunFolder) -> None:
    with pytest.raises(UsageError, match="already exists"):
        create_run_folder(Recipe(name="a", output_dir=str(run.path.parent)))


def test_a_file_of_the_name_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(UsageError, match="already exists"):
        create_run_folder(Recipe(name="a", output_dir=str(tmp_path)))


def test_two_processes_never_work_in_one_folder(run: RunFolder) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from filelock import FileLock\n"
            f"with FileLock({str(run.path / '.lock')!r}): print('held', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match="Another process is working on the run 'a'"):
        resume(run.path.parent, "a")
    holder.kill()  # a killed process leaves no lock behind
    holder.wait()
    with run.held():
        pass
