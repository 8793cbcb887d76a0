"""The specified GPU functions, on a machine without one and on made-up ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from migaki.errors import UsageError
from migaki.hardware import gpu

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(name="Card", multi_processor_count=84)
    for name, value in {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_properties": lambda _: properties,
        "get_device_name": lambda _: "Card",
        "mem_get_info": lambda _: (6 * 1024**3, 8 * 1024**3),
        "memory_allocated": lambda _: 1024**3,
        "get_device_capability": lambda *_: (8, 6),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu() -> None:
    assert gpu.get_available_device() == CPU
    assert gpu.get_gpu_memory_info() == {"available": False, "device_count": 0, "devices": []}
    gpu.clear_gpu_memory()
    gpu.set_memory_fraction(0.5)
    described = gpu.describe_hardware()
    assert (described["device"], described["precision"]) == ("cpu", "float32")
    assert described["available_memory_gib"] > 0


@pytest.mark.usefixtures("one_card")
def test_with_a_card() -> None:
    assert gpu.get_available_device() == CUDA
    assert gpu.get_gpu_memory_info() == {
        "available": True,
        "device_count": 1,
        "devices": [
            {
                "index": 0,
                "name": "Card",
                "total_memory_gb": 8.0,
                "allocated_memory_gb": 1.0,
                "free_memory_gb": 6.0,
                "multi_processor_count": 84,
            }
        ],
    }
    assert gpu.available_memory_gib(CUDA)[0] == 6.0


def test_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu.choose_precision(CPU)[0] == torch.float32
    assert gpu.choose_precision(torch.device("mps"))[0] == torch.float32
    for capability, expected in (((9, 0), torch.bfloat16), ((7, 5), torch.float16)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_, c=capability: c)
        dtype, reason = gpu.choose_precision(CUDA)
        assert dtype == expected
        assert "compute capability" in reason
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert gpu.choose_precision(CUDA)[0] == torch.bfloat16


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan"), True, "0.5", None])
def test_memory_fraction_out_of_range(fraction: Any) -> None:
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        gpu.set_memory_fraction(fraction)


@pytest.mark.usefixtures("one_card")
def test_memory_fraction_reaches_every_card(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, int]] = []
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *a: seen.append(a))
    gpu.set_memory_fraction()
    assert seen == [(0.9, 0)]


def test_optimize_keeps_the_numbers_on_a_cpu() -> None:
    model = torch.nn.Linear(2, 2)
    same, device = gpu.optimize_model_for_gpu(model, CPU)
    assert same is model
    assert device == CPU
    assert model.weight.dtype == torch.float32


def test_optimize_takes_the_format_of_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "choose_precision", lambda _: (torch.bfloat16, "made up"))
    assert gpu.optimize_model_for_gpu(torch.nn.Linear(2, 2), CPU)[0].weight.dtype == torch.bfloat16
    plain = gpu.optimize_model_for_gpu(torch.nn.Linear(2, 2), CPU, enable_mixed_precision=False)[0]
    assert plain.weight.dtype == torch.float32


def test_optimize_switches_recomputation_on() -> None:
    from tests.unit.models.tiny_random import make_model

    model: Any = gpu.optimize_model_for_gpu(make_model(), CPU, gradient_checkpointing=True)[0]
    assert model.model.layers[0].gradient_checkpointing


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA or ROCm card")
def test_on_a_real_card() -> None:
    info = gpu.get_gpu_memory_info()
    assert info["devices"][0]["total_memory_gb"] > 1
    model, device = gpu.optimize_model_for_gpu(torch.nn.Linear(8, 8))
    assert next(model.parameters()).device == device
