"""What only a GPU can show; without one every test here says that it was skipped."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def card() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA or ROCm card")
    return torch.device("cuda")
