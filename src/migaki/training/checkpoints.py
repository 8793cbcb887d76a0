"""Checkpoint folders: written whole or not at all, counted, kept and thrown away.

checkpoints/
├── checkpoint-50/       weights (safetensors) · optimizer.pt · scheduler.pt · rng_state.pth ·
│                        trainer_state.json · migaki_state.json · files.json (what must be there)
└── tmp-checkpoint-100/  under way; a leftover of a killed run is removed at the next start
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from migaki.atomic import DISK_FULL, write_json
from migaki.errors import ResourceError, TrainingError

__all__ = [
    "atomic_folder",
    "checkpoint_bytes",
    "file_of",
    "latest_checkpoint",
    "list_checkpoints",
    "raise_if_disk_error",
    "remove_leftovers",
    "remove_old",
    "require_disk",
    "seal",
    "set_aside_after",
    "verify",
    "write_whole",
]

_NAME = re.compile(r"checkpoint-(\d+)")
_TEMPORARY = "tmp-"
# safetensors and torch.save hide the errno in the text of their own exceptions.
_DISK_WORDS = re.compile(
    r"no space left|file too large|quota exceeded|os error (28|27|122)|PytorchStreamWriter"
    r"|inline_container|unexpected pos",
    re.IGNORECASE,
)
_GIB = 2**30
_SEAL = "files.json"
_HASHED_BYTES = 64 * 2**20


def step_of(checkpoint: Path) -> int:
    """Return the step in a checkpoint's name.

    Example:
        >>> step_of(Path("runs/a/checkpoints/checkpoint-50"))
        50
    """
    match = _NAME.fullmatch(checkpoint.name)
    return int(match[1]) if match else -1


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints of a folder, oldest first."""
    found = [path for path in folder.glob("checkpoint-*") if step_of(path) >= 0 and path.is_dir()]
    return sorted(found, key=step_of)


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint of a folder."""
    found = list_checkpoints(folder)
    return found[-1] if found else None


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` at the end, or vanishes on an error.

    Every file reaches the disk before the rename, so that a power cut leaves either no checkpoint
    or a whole one. An older ``target`` is replaced.

    Args:
        target: The final folder.

    Yields:
        An empty folder beside it.
    """
    temporary = target.with_name(_TEMPORARY + target.name)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for path in [*temporary.rglob("*"), temporary]:
            _flush(path)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
        _flush(target.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_whole(target: Path, fill: Callable[[Path], None], *, model: nn.Module) -> None:
    """Write a checkpoint that is whole or not there.

    Args:
        target: The checkpoint.
        fill: Writes its files into a folder.
        model: What is saved.

    Raises:
        ResourceError: The disk filled up.
    """
    last = latest_checkpoint(target.parent)
    try:
        with atomic_folder(target) as temporary:
            fill(temporary)
            seal(temporary)
    except Exception as err:
        raise_if_disk_error(err, folder=target.parent, model=model, resume_from=last)
        raise


def file_of(save: Callable[[str], None]) -> tuple[str, bytes]:
    """Return the one file that something writes, name and content, to be written by another process.

    Args:
        save: Writes a file into a folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        save(folder)
        (file,) = Path(folder).iterdir()
        return file.name, file.read_bytes()


def seal(folder: Path) -> None:
    """Write down which files a checkpoint has, so that a damaged one is told from a whole one.

    Args:
        folder: The checkpoint, complete.
    """
    files = {path.name: _fingerprint(path) for path in sorted(folder.iterdir()) if path.is_file()}
    write_json(folder / _SEAL, files)


def verify(checkpoint: Path) -> None:
    """Refuse a checkpoint that is not as it was written; from a part of it nothing goes on exactly.

    Args:
        checkpoint: The folder to resume from.

    Raises:
        TrainingError: A file is missing or was changed.
    """
    try:
        files = json.loads((checkpoint / _SEAL).read_text(encoding="utf-8"))
        wrong = [name for name, was in files.items() if _fingerprint(checkpoint / name) != was]
    except FileNotFoundError as err:
        wrong = [f"{Path(err.filename).name} (missing)"]
    except (OSError, ValueError, AttributeError):
        wrong = [_SEAL]
    if wrong:
        others = [p.name for p in list_checkpoints(checkpoint.parent) if p.name != checkpoint.name]
        before = f"from {others[-1]}" if others else "from the beginning"
        raise TrainingError(
            f"The checkpoint {checkpoint} is damaged: {', '.join(wrong)} is not as it was written, so "
            "going on from it would not equal the run.",
            hint=f"Put its files back, or delete that folder and resume {before}.",
        )


def _fingerprint(path: Path) -> dict[str, int | str]:
    """Return size and hash; large files, where hashing takes longer than a step, by size alone."""
    size = path.stat().st_size
    if size > _HASHED_BYTES:
        return {"bytes": size}
    return {"bytes": size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove checkpoints that a killed run left half-written."""
    for path in folder.glob(f"{_TEMPORARY}checkpoint-*"):
        shutil.rmtree(path, ignore_errors=True)


def remove_old(folder: Path, *, keep: int, best: Path | None) -> None:
    """Remove all but the newest checkpoints and the best one.

    Args:
        folder: Where they lie.
        keep: How many of the newest stay.
        best: One that stays in any case.
    """
    for path in list_checkpoints(folder)[:-keep]:
        if path != best:
            shutil.rmtree(path, ignore_errors=True)


def set_aside_after(folder: Path, step: int) -> list[Path]:
    """Rename checkpoints beyond a step, which a run resumed from there no longer descends from.

    Args:
        folder: Where they lie.
        step: The step that the run goes on from.

    Returns:
        Their new names.
    """
    moved = []
    for path in list_checkpoints(folder):
        if step_of(path) > step:
            target = path.with_name(f"abandoned-{path.name}")
            shutil.rmtree(target, ignore_errors=True)
            moved.append(path.rename(target))
    return moved


def checkpoint_bytes(model: nn.Module) -> int:
    """Estimate the size of a checkpoint.

    Weights are saved whole for a fully trained model and as adapters for a wrapped one; AdamW keeps
    two float32 numbers for each trained weight.
    """
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    saved = [p for p in model.parameters() if p.requires_grad or not hasattr(model, "peft_config")]
    weights = sum(p.numel() * p.element_size() for p in saved)
    return weights + 8 * trained + 2**20


def require_disk(folder: Path, model: nn.Module, *, count: int) -> None:
    """Refuse to begin where the checkpoints will not fit.

    Args:
        folder: Where they will lie; it exists.
        model: What will be saved.
        count: How many will be there at once besides those that lie there already.

    Raises:
        ResourceError: Less is free than they need.
    """
    needed = checkpoint_bytes(model) * count
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ResourceError(
            f"{count} checkpoints of about {_size(checkpoint_bytes(model))} need "
            f"{_size(needed)} in {folder}, and {_size(free)} are free.",
            hint="Free some space, choose another output_dir, or keep fewer checkpoints "
            "(training.save_total_limit=1).",
        )


def raise_if_disk_error(
    error: BaseException, *, folder: Path, model: nn.Module, resume_from: Path | None
) -> None:
    """Turn an error that means "the disk is full" into one that says so.

    Args:
        error: What went wrong while a checkpoint was written.
        folder: Where it was written.
        model: What was to be saved.
        resume_from: The last whole checkpoint.

    Raises:
        ResourceError: The error came from a full disk, a quota or a file size limit.
    """
    if not any(map(_is_disk_error, _chain(error))):
        return
    kept = (
        f"The checkpoint {resume_from.name} before it is untouched."
        if resume_from is not None
        else "There was no checkpoint before it."
    )
    raise ResourceError(
        f"The disk filled up while a checkpoint was written to {folder}: it needs about "
        f"{_size(checkpoint_bytes(model))} and {_size(shutil.disk_usage(folder).free)} are free "
        f"(a quota or file size limit may be lower). The unfinished one was removed. {kept}",
        hint="Free some space and go on with --resume.",
    ) from error


def _is_disk_error(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return True
    return _DISK_WORDS.search(str(error)) is not None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _size(count: int) -> str:
    """Return bytes for people.

    Example:
        >>> _size(3 * 2**20)
        '3.0 MiB'
    """
    return f"{count / _GIB:.1f} GiB" if count >= _GIB else f"{count / 2**20:.1f} MiB"
