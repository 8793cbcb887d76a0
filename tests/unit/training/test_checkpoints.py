"""Checkpoint folders are whole or not there, and the right ones are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migaki.errors import ResourceError
from migaki.training import checkpoints
from migaki.training.callbacks import MetricsFile

from .conftest import make_model


def make(folder: Path, *steps: int) -> None:
    for step in steps:
        (folder / f"checkpoint-{step}").mkdir(parents=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "checkpoint-5"
    with checkpoints.atomic_folder(target) as folder:
        (folder / "weights").write_text("new")
        assert not target.exists()
    assert (target / "weights").read_text() == "new"
    assert names(tmp_path) == ["checkpoint-5"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_older_folder(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "checkpoint-5"
    target.mkdir()
    (target / "weights").write_text("old")
    with pytest.raises(error), checkpoints.atomic_folder(target) as folder:  # noqa: PT012
        (folder / "weights").write_text("half")
        raise error
    assert (target / "weights").read_text() == "old"
    assert names(tmp_path) == ["checkpoint-5"]


def test_an_older_folder_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "checkpoint-5"
    target.mkdir()
    (target / "stale").write_text("old")
    with checkpoints.atomic_folder(target) as folder:
        (folder / "weights").write_text("new")
    assert names(target) == ["weights"]


def test_checkpoints_are_ordered_by_step(tmp_path: Path) -> None:
    make(tmp_path, 100, 20, 3)
    (tmp_path / "tmp-checkpoint-200").mkdir()
    (tmp_path / "checkpoint-best").mkdir()

    assert [p.name for p in checkpoints.list_checkpoints(tmp_path)] == [
        "checkpoint-3", "checkpoint-20", "checkpoint-100"
    ]  # fmt: skip
    assert checkpoints.latest_checkpoint(tmp_path) == tmp_path / "checkpoint-100"
    assert checkpoints.latest_checkpoint(tmp_path / "nowhere") is None


def test_old_ones_go_but_not_the_best(tmp_path: Path) -> None:
    make(tmp_path, 1, 2, 3, 4, 5)
    checkpoints.remove_old(tmp_path, keep=2, best=tmp_path / "checkpoint-2")
    assert names(tmp_path) == ["checkpoint-2", "checkpoint-4", "checkpoint-5"]


def test_size_counts_weights_and_two_moments() -> None:
    model = make_model()
    weights = sum(p.numel() for p in model.parameters())
    assert checkpoints.checkpoint_bytes(model) == weights * (4 + 8) + 2**20


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
        RuntimeError("I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_recognised_in_its_disguises(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(ResourceError, match="There was no checkpoint before it"):
        checkpoints.raise_if_disk_error(
            error, folder=tmp_path, model=make_model(), resume_from=None
        )


def test_other_errors_are_left_alone(tmp_path: Path) -> None:
    checkpoints.raise_if_disk_error(
        ValueError("something else"), folder=tmp_path, model=make_model(), resume_from=None
    )


def test_metrics_forget_what_a_resumed_run_writes_again(tmp_path: Path) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl")
    for step in (1, 2, 3):
        file.append({"step": step, "loss": 1.0 / step})
    with file.path.open("a", encoding="utf-8") as raw:
        raw.write('{"step": 4, "lo')  # a kill in mid-write

    file.forget_after(2)

    lines = [json.loads(line) for line in file.path.read_text(encoding="utf-8").splitlines()]
    assert lines == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}]
