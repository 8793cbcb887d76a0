"""A disk that fills up while a checkpoint is written: a real one, not a mock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migaki.errors import ResourceError
from migaki.training.checkpoints import atomic_folder, raise_if_disk_error

from .conftest import make_model

TESTS = Path(__file__).resolve().parents[1]


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training.run_tiny", str(folder), *options],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=TESTS,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "limit"),
    [((), 5_000), (("--full",), 60_000), (("--full",), 200_000)],
    ids=["adapter", "weights (safetensors)", "optimizer (torch.save)"],
)
def test_a_file_size_limit_in_mid_checkpoint(
    options: tuple[str, ...], limit: int, tmp_path: Path
) -> None:
    """The operating system refuses to write beyond the limit, as it does on a full disk."""
    ended = run(tmp_path, "--file-limit", str(limit), "--save-steps", "2", *options)

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "ResourceError: The disk filled up while a checkpoint was written" in ended.stdout
    assert "MiB are free" in ended.stdout or "GiB are free" in ended.stdout
    assert "The checkpoint checkpoint-2 before it is untouched" in ended.stdout
    assert "--resume" in ended.stdout
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["checkpoint-2"]

    if options:  # resuming is the same whatever filled the disk
        return
    again = run(tmp_path, "--resume", "--save-steps", "2", *options)
    assert "done 15" in again.stdout, again.stdout + again.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_file_system_leaves_no_half_folder(small_disk: Path) -> None:
    (small_disk / "checkpoint-1").mkdir()
    with (
        pytest.raises(OSError, match="No space left") as caught,
        atomic_folder(small_disk / "checkpoint-2") as folder,
    ):
        (folder / "weights").write_bytes(b"x" * 4 * 2**20)

    assert [path.name for path in small_disk.iterdir()] == ["checkpoint-1"]
    with pytest.raises(ResourceError, match=r"needs about 1\.\d MiB and 2\.0 MiB are free"):
        raise_if_disk_error(caught.value, folder=small_disk, model=make_model(), resume_from=None)


@pytest.mark.slow
def test_a_disk_too_small_for_the_run_is_refused_at_once(small_disk: Path) -> None:
    ended = run(small_disk / "run", "--full", "--save-steps", "2")

    assert ended.returncode == 1
    assert "checkpoints of about" in ended.stdout
    assert "step 1" not in ended.stdout
