"""Files that are either whole or not there.

Text goes to a temporary name in the same folder, reaches the disk, and is renamed over the target;
a run that is killed in between leaves the previous file untouched.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["DISK_FULL", "named_in_errors", "write_json", "write_jsonl", "write_text"]


DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where nothing more can be written: full, quota used up, size limit reached."""


@contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """Name the file in what the system raises on writing, where it does not: only opening does.

    Args:
        path: The file.

    Example:
        >>> with named_in_errors(Path("out.jsonl")):
        ...     raise OSError(errno.ENOSPC, "No space left on device")
        Traceback (most recent call last):
        OSError: [Errno 28] No space left on device: 'out.jsonl'
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to ``path`` at once or not at all.

    Args:
        path: The target; its folder must exist.
        text: The content. Lone surrogates, which UTF-8 cannot hold, become U+FFFD.

    Raises:
        OSError: The disk is full or not writable; ``path`` is as it was.
    """
    data = text.encode("utf-8", errors="surrogatepass").decode("utf-8", errors="replace").encode()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with named_in_errors(path), os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes 0600; a run folder is meant to be shared like any other file.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as readable JSON, Japanese unescaped, at once or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line, at once or not at all."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
