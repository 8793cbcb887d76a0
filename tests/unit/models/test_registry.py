"""The table of known models agrees with itself and with the specification."""

from __future__ import annotations

import pytest

from migaki.hardware.memory.shape import ModelShape
from migaki.models.location import embedded_model_folder, read_json_object
from migaki.models.registry import SUPPORTED_MODELS, model_shapes


def test_the_specified_models_are_as_specified() -> None:
    wanted = {
        "cyberagent/calm3-DeepSeek-R1-Distill-Qwen-32B": (
            "CyberAgent DeepSeek-R1 Distill Qwen 32B Japanese",
            64,
        ),
        "elyza/Llama-3-ELYZA-JP-8B": ("Llama-3 ELYZA Japanese 8B", 16),
        "stabilityai/japanese-stablelm-3b-4e1t-instruct": ("Japanese StableLM 3B Instruct", 8),
    }
    for name, (display_name, gigabytes) in wanted.items():
        entry = SUPPORTED_MODELS[name]
        assert (entry["display_name"], entry["min_gpu_memory_gb"]) == (display_name, gigabytes)


def test_there_are_many_more() -> None:
    assert len(model_shapes()) >= 21


@pytest.mark.parametrize("name", list(model_shapes()))
def test_the_shape_has_the_stated_parameters(name: str) -> None:
    assert model_shapes()[name].parameters == pytest.approx(
        SUPPORTED_MODELS[name]["parameters"], rel=0.03
    )


@pytest.mark.parametrize("name", list(SUPPORTED_MODELS))
def test_every_entry_is_whole(name: str) -> None:
    entry = SUPPORTED_MODELS[name]
    assert entry["licence"]
    assert entry["source"]
    assert entry["context"] >= 1024
    memory = entry["memory_gib"]
    assert set(memory) == {"inference", "lora", "qlora", "full"}
    assert memory["qlora"] < memory["lora"] < memory["full"] or entry["parameters"] < 1e8
    # What is from memory is never called verified.
    if "dimensions from memory" in entry["source"] or entry["source"] == "from memory":
        assert not entry["verified"]


def test_the_embedded_model_is_what_lies_in_the_package() -> None:
    file = embedded_model_folder() / "config.json"
    if not file.is_file():
        pytest.skip("the embedded model has not been trained in this checkout")
    shape = ModelShape.from_config(read_json_object(file))
    assert SUPPORTED_MODELS["migaki-tiny"]["parameters"] == shape.parameters
