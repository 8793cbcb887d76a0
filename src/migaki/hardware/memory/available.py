"""The memory there is: of a card, of the machine, of the container. No torch until a card is named."""

from __future__ import annotations

import importlib
from pathlib import Path

import psutil

__all__ = ["available_memory_gib", "host_memory_gib"]

_GIB = 1024**3
_CGROUP = Path("/sys/fs/cgroup")


def available_memory_gib(device: str = "cpu") -> tuple[float, str]:
    """Return the memory a run may take on a device, and where the figure comes from.

    Args:
        device: ``cpu``, ``mps``, ``cuda`` or ``cuda:N``.

    Example:
        >>> available_memory_gib("cpu")[0] > 0
        True
    """
    if device.startswith("cuda"):
        # A named card means PyTorch is loaded already; by name, so that host figures never need it.
        gpu = importlib.import_module("migaki.hardware.gpu")
        torch = importlib.import_module("torch")
        found: tuple[float, str] = gpu.available_memory_gib(torch.device(device))
        return found
    _, available, reason = host_memory_gib()
    if device == "mps":
        return available, f"{reason}; MPS shares the memory of the machine"
    return available, reason


def host_memory_gib() -> tuple[float, float, str]:
    """Return the memory of this machine or container.

    Returns:
        All of it, what may still be taken, and where the figures come from. In a Linux container
        (cgroup v2 or v1) its limit counts, because going over it kills the process.
    """
    machine = psutil.virtual_memory()
    total, available = float(machine.total), float(machine.available)
    reason = f"free of {total / _GIB:.1f} GiB on this machine"
    limit = _cgroup_limit()
    if limit is not None and limit[0] < total:
        total = limit[0]
        left = max(0.0, limit[0] - limit[1])
        if left < available:
            available = left
            reason = f"left under the container's limit of {total / _GIB:.1f} GiB"
    return total / _GIB, available / _GIB, reason


def _cgroup_limit() -> tuple[float, float] | None:
    """Return the tightest memory limit of this process's control groups and what they use."""
    tightest: tuple[float, float] | None = None
    for folder, limit_name, usage_name in _cgroup_folders():
        limit = _number(folder / limit_name)
        usage = _number(folder / usage_name)
        if limit is None or usage is None or limit >= 2**60:  # v1 writes a huge number for "none"
            continue
        used = max(0.0, usage - _reclaimable(folder))
        if tightest is None or limit - used < tightest[0] - tightest[1]:
            tightest = (limit, used)
    return tightest


def _cgroup_folders() -> list[tuple[Path, str, str]]:
    v2 = ("memory.max", "memory.current")
    v1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
    found = [(_CGROUP, *v2), (_CGROUP / "memory", *v1)]
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        names = v1 if "memory" in controllers.split(",") else v2
        root = _CGROUP / "memory" if names == v1 else _CGROUP
        inner = root / path.lstrip("/")
        found += [(folder, *names) for folder in (inner, *inner.parents) if root in folder.parents]
    return found


def _reclaimable(folder: Path) -> float:
    """Page cache counts as used but is given back under pressure."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="utf-8").split("\n")
    except OSError:
        return 0.0
    values = dict(line.split(" ", 1) for line in lines if " " in line)
    return float(values.get("inactive_file", values.get("total_inactive_file", 0)))


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError):  # "max" means no limit
        return None
