"""The allocator is tuned where that is understood, and left alone where the user has set it."""

from __future__ import annotations

import platform

import pytest

from migaki.hardware.allocator import keep_memory_between_steps

GLIBC = platform.libc_ver()[0] == "glibc"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD", "PYTORCH_ALLOC_CONF"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(not GLIBC, reason="glibc only")
def test_glibc_takes_the_settings() -> None:
    tuned, reason = keep_memory_between_steps("cpu")

    assert tuned
    assert "MiB are kept" in reason


@pytest.mark.skipif(not GLIBC, reason="glibc only")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MALLOC_TRIM_THRESHOLD_", "131072"),
        ("GLIBC_TUNABLES", "glibc.malloc.top_pad=1"),
        ("LD_PRELOAD", "/usr/lib/libjemalloc.so.2"),
    ],
)
def test_what_the_user_has_set_stays(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    tuned, reason = keep_memory_between_steps("cpu")

    assert not tuned
    assert name in reason


def test_settings_of_cuda_stay_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "max_split_size_mb:128")

    assert keep_memory_between_steps("cuda") == (
        False,
        "as the environment says (PYTORCH_ALLOC_CONF)",
    )


def test_other_systems_and_devices_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not keep_memory_between_steps("mps")[0]
    monkeypatch.setattr("sys.platform", "darwin")
    assert not keep_memory_between_steps("cpu")[0]
