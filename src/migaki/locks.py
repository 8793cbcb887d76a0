"""One process at a time in a place; a lock goes with the process that holds it, however that ends."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from migaki.errors import UsageError

__all__ = ["take_lock"]


def take_lock(path: Path, message: str, *, hint: str) -> FileLock:
    """Take a lock at once, or not at all.

    Args:
        path: The lock's file, made if it is not there; its folder must exist.
        message: What to say where another process holds it.
        hint: What to do then.

    Raises:
        UsageError: Another process holds it.
    """
    lock = FileLock(path, blocking=False)
    try:
        lock.acquire()
    except Timeout as err:
        raise UsageError(message, hint=hint) from err
    return lock
