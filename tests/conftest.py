"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no defect: properties are judged by what they find, not by the milliseconds.
settings.register_profile("migaki", deadline=None)
settings.load_profile("migaki")

# Two cores are shared by the whole suite; many small products gain nothing from threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PROJECT_ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of every later collection of garbage.

    Modules and tests are there until the end, and accelerate collects twice in every training:
    0.7 s of the 0.9 s that a run of three tiny steps takes.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real Japanese data beside the checkout, or wherever MIGAKI_SHARED_DATA says."""
    folder = Path(os.environ.get("MIGAKI_SHARED_DATA", PROJECT_ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the shared test data is not at {folder} (set MIGAKI_SHARED_DATA)")
    return folder
