"""What a machine or container has."""

from __future__ import annotations

from pathlib import Path

import pytest

from migaki.hardware.memory import available


def test_the_host_has_memory() -> None:
    total, free, reason = available.host_memory_gib()
    assert 0 < free <= total
    assert reason


def _limit(folder: Path, limit: str, used: int, cache: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(limit)
    (folder / "memory.current").write_text(str(used))
    (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")


def test_a_container_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(available, "_CGROUP", tmp_path)
    mib = 1024**2
    _limit(tmp_path, str(64 * mib), used=40 * mib, cache=8 * mib)
    total, free, reason = available.host_memory_gib()
    assert total == pytest.approx(64 / 1024)
    assert free == pytest.approx(32 / 1024)  # cache is given back under pressure
    assert "container's limit" in reason


@pytest.mark.parametrize("limit", ["max", "nonsense", str(2**63 - 4096)])
def test_no_container_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: str) -> None:
    monkeypatch.setattr(available, "_CGROUP", tmp_path)
    _limit(tmp_path, limit, used=1)
    assert "on this machine" in available.host_memory_gib()[2]
