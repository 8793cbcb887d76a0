"""The processor: its name, what it can do, and how many cores this process may use."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path

__all__ = ["cpu_flags", "cpu_name", "cpu_vendor", "usable_cores"]

_CPUINFO = Path("/proc/cpuinfo")


def usable_cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """Return the name of the processor."""
    return _line("model name") or platform.processor() or platform.machine()


def cpu_vendor() -> str:
    """Return the vendor as the processor itself says it (``AuthenticAMD``); empty where not known."""
    return _line("vendor_id")


def cpu_flags() -> frozenset[str]:
    """Return the instruction sets as Linux names them (``avx512_bf16``); empty elsewhere."""
    return frozenset(_line("flags").split())


@functools.cache
def _line(name: str) -> str:
    """Return what the first processor's entry says under a name."""
    try:
        text = _CPUINFO.read_text(encoding="utf-8")
    except OSError:
        return ""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
