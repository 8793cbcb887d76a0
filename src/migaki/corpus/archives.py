"""ZIP archives: their files are read where they are, nothing is ever unpacked to a disk.

So a name such as ``../../etc/passwd`` cannot do harm; it is refused all the same, with links,
encrypted files and bombs, because an archive that holds one is not what its owner thinks it is.
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from migaki.corpus.shards import ReadingLimits
from migaki.errors import DataError

__all__ = ["ZIP_DAMAGE", "RefusedMemberError", "is_zip", "open_member", "zip_members"]

ZIP_DAMAGE = (zipfile.BadZipFile, RuntimeError)
"""What `zipfile` raises where an archive is damaged, or asks for a password."""

_BOMB_FLOOR_BYTES = 10 << 20  # small files of one repeated character are no danger


class RefusedMemberError(DataError):
    """A file of an archive is not read, whatever it holds; the others are."""


def is_zip(head: bytes) -> bool:
    """Tell by the first bytes."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def zip_members(path: Path) -> list[tuple[str, int]]:
    """Return the files in an archive with their compressed size, in the order of their names.

    Raises:
        DataError: It is damaged, or all of it together is a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError) as err:
        raise DataError(
            f"{path} is not a readable ZIP archive ({err}).",
            hint="ZIP keeps its index at the end: an archive that was cut off must be fetched again.",
        ) from err
    return sorted({info.filename: info.compress_size for info in files}.items())


@contextmanager
def open_member(path: Path, name: str, limits: ReadingLimits) -> Iterator[IO[bytes]]:
    """Open one file of an archive for reading.

    Raises:
        RefusedMemberError: Its name leads out of the archive, or it is a link, encrypted or a bomb.
    """
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
        problem = _problem(info, limits)
        if problem:
            raise RefusedMemberError(
                f"{path}!{name} {problem}; it is not read.",
                hint="Look at who made this archive; unpack what you trust and give the folder.",
            )
        with archive.open(info) as stream:
            yield stream


def _problem(info: zipfile.ZipInfo, limits: ReadingLimits) -> str:
    parts = re.split(r"[/\\]", info.filename)
    if info.filename.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", info.filename):
        return "has an absolute path"
    if ".." in parts:
        return "has a path that leads out of the archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "is a symbolic link"
    if info.flag_bits & 1:
        return "is encrypted"
    compressed = max(1, info.compress_size)
    if info.file_size > _BOMB_FLOOR_BYTES and info.file_size / compressed > limits.expansion:
        return (
            f"would unpack to {info.file_size / (1 << 20):,.0f} MiB, {info.file_size / compressed:,.0f} "
            "times its size: a bomb, not text"
        )
    return ""
