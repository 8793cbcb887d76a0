"""Adapters: nothing changes until they are trained, what is saved comes back, runs can be moved."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.models.test_loading import Folder, edit_json
from tests.unit.models.tiny_random import make_model

from migaki.errors import ModelError, UsageError
from migaki.models.adapters import (
    attach_lora,
    auto_detect_target_modules,
    count_parameters,
    load_adapter,
    merge_adapter,
    portable_name,
    save_adapter,
)
from migaki.models.loading import load_model, load_tokenizer, locate

IDS = torch.tensor([[5, 6, 7, 8]])


def trained_adapter(model: Any, *, steps: int = 3) -> Any:
    adapted = attach_lora(model, r=4, lora_alpha=8, lora_dropout=0.0, seed=1)
    optimizer = torch.optim.SGD([p for p in adapted.parameters() if p.requires_grad], lr=1.0)
    for _ in range(steps):
        adapted(IDS, labels=IDS).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return adapted.eval()


@pytest.mark.parametrize(
    ("family", "expected"),
    [
        ("qwen2", "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"),
        ("llama", "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"),
        ("stablelm", "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj"),
        ("gpt_neox", "query_key_value dense dense_h_to_4h dense_4h_to_h"),
    ],
)
def test_target_modules_are_found(family: str, expected: str) -> None:
    assert auto_detect_target_modules(make_model(family)) == expected.split()


def test_gpt2_names_and_head() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_head=2))
    assert auto_detect_target_modules(model) == ["c_attn", "c_proj", "c_fc"]


def test_no_target_modules() -> None:
    with pytest.raises(ModelError, match=r"lora\.target_modules"):
        auto_detect_target_modules(torch.nn.Sequential(torch.nn.Linear(2, 2)))


def test_unknown_target() -> None:
    with pytest.raises(UsageError, match=r"'q_porj'.*q_proj"):
        attach_lora(make_model(), target_modules=["q_proj", "q_porj"])


@pytest.mark.parametrize("family", ["qwen2", "llama", "gpt_neox", "stablelm"])
def test_fresh_adapters_change_nothing_and_only_they_are_trained(family: str) -> None:
    model = make_model(family)
    before = model(IDS).logits
    adapted = attach_lora(model, r=4).eval()
    assert torch.equal(adapted(IDS).logits, before)
    trained, total = count_parameters(adapted)
    assert 0 < trained < total
    assert all("lora_" in name for name, p in adapted.named_parameters() if p.requires_grad)


def test_seed_makes_adapters_repeatable_and_leaves_the_global_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = attach_lora(make_model(), seed=3).state_dict()
    torch.manual_seed(5)
    second = attach_lora(make_model(), seed=3).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    torch.manual_seed(5)
    model = make_model()
    torch.random.set_rng_state(before)
    attach_lora(model, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("family", ["qwen2", "gpt_neox"])
def test_saved_adapter_comes_back_through_the_loader(
    model_folder: Folder, tmp_path: Path, tokenizer: Any, family: str
) -> None:
    base = model_folder(family)
    adapted = trained_adapter(load_model(base, device="cpu").model)
    save_adapter(adapted, tmp_path / "run" / "adapter", base=base, tokenizer=tokenizer)
    assert sorted(p.name for p in (tmp_path / "run/adapter").glob("adapter_*")) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    for name in (tmp_path / "run", tmp_path / "run" / "adapter"):
        loaded = load_model(name, device="cpu")
        assert torch.equal(loaded.model(IDS).logits, adapted(IDS).logits)
        assert loaded.location.folder == base
        assert not any(p.requires_grad for p in loaded.model.parameters())
    more = load_adapter(
        load_model(base, device="cpu").model, tmp_path / "run" / "adapter", trainable=True
    )
    assert count_parameters(more) == count_parameters(adapted)
    assert load_tokenizer(tmp_path / "run").get_vocab() == tokenizer.get_vocab()


def test_merged_model_answers_the_same() -> None:
    adapted = trained_adapter(make_model())
    wanted = adapted(IDS).logits
    merged = merge_adapter(adapted)
    torch.testing.assert_close(merged(IDS).logits, wanted, rtol=1e-4, atol=1e-4)
    assert not any("lora" in name for name, _ in merged.named_parameters())


def test_adapter_on_the_embedded_model_stores_its_name(
    model_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokenizer: Any
) -> None:
    base = model_folder(name="tiny")
    for module in ("migaki.models.location", "migaki.models.adapters"):
        monkeypatch.setattr(f"{module}.embedded_model_folder", lambda: base)
    adapted = trained_adapter(load_model("migaki-tiny", device="cpu").model)
    save_adapter(adapted, tmp_path / "run" / "adapter", base="migaki-tiny", tokenizer=tokenizer)
    saved = json.loads((tmp_path / "run/adapter/adapter_config.json").read_text(encoding="utf-8"))
    assert saved["base_model_name_or_path"] == "migaki-tiny"
    assert str(tmp_path) not in json.dumps(saved)
    moved = shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    assert locate(moved).name == "migaki-tiny"
    assert torch.equal(load_model(moved, device="cpu").model(IDS).logits, adapted(IDS).logits)
    assert portable_name(base) == "migaki-tiny"


def test_base_beside_the_adapter(model_folder: Folder, tmp_path: Path) -> None:
    base = model_folder(name="base")
    save_adapter(trained_adapter(make_model()), tmp_path / "adapter", base=base)
    edit_json(tmp_path / "adapter" / "adapter_config.json", base_model_name_or_path="../base")
    assert locate(tmp_path / "adapter").folder == base


# --- broken adapter folders -----------------------------------------------------------------------


@pytest.fixture
def adapter(model_folder: Folder, tmp_path: Path) -> Path:
    base = model_folder(name="base")
    save_adapter(trained_adapter(make_model(), steps=1), tmp_path / "adapter", base=base)
    return tmp_path / "adapter"


@pytest.mark.parametrize("content", ["", "{", "[]", "\x80"])
def test_damaged_adapter_config(adapter: Path, content: str) -> None:
    (adapter / "adapter_config.json").write_text(content, encoding="latin-1")
    with pytest.raises(ModelError, match=r"adapter_config\.json"):
        load_model(adapter)


def test_huge_adapter_config(adapter: Path) -> None:
    (adapter / "adapter_config.json").write_bytes(b" " * (17 * 1024 * 1024))
    with pytest.raises(ModelError, match=r"adapter_config\.json has"):
        load_model(adapter)


@pytest.mark.parametrize("base", [None, "", 3, ["x"], {"a": 1}])
def test_base_that_is_no_name(adapter: Path, base: Any) -> None:
    edit_json(adapter / "adapter_config.json", base_model_name_or_path=base)
    with pytest.raises(ModelError, match="does not name its base model"):
        load_model(adapter)


def test_base_that_is_not_there(adapter: Path) -> None:
    edit_json(adapter / "adapter_config.json", base_model_name_or_path="/somebody/elses/model")
    with pytest.raises(ModelError, match=r"base model '/somebody/elses/model'.*does not exist"):
        load_model(adapter)


def test_adapter_on_an_adapter(adapter: Path, tmp_path: Path) -> None:
    second = Path(shutil.copytree(adapter, tmp_path / "second"))
    edit_json(second / "adapter_config.json", base_model_name_or_path=str(adapter))
    with pytest.raises(ModelError, match="names another adapter"):
        load_model(second)


@pytest.mark.parametrize("base", [".", "..", None])
def test_adapter_that_leads_back_to_itself(
    adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str | None
) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "run" / "adapter"))
    edit_json(folder / "adapter_config.json", base_model_name_or_path=base or str(folder))
    monkeypatch.chdir(folder)
    with pytest.raises(ModelError, match=r"another adapter|itself"):
        load_model(folder)


def test_adapter_pickle_is_refused(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"only as a pickle \(adapter_model\.bin\)"):
        load_model(adapter)


def test_adapter_without_weights(adapter: Path) -> None:
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"adapter_model\.safetensors is missing"):
        load_model(adapter)


def test_cut_off_adapter(adapter: Path) -> None:
    file = adapter / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelError, match="cut off"):
        load_model(adapter)


@pytest.mark.parametrize(
    "change",
    [
        {"peft_type": "NONESUCH"},
        {"peft_type": None},
        {"r": "many"},
        {"target_modules": ["nowhere"]},
        {"r": 64},
    ],
)
def test_adapter_config_that_makes_no_sense(adapter: Path, change: dict[str, Any]) -> None:
    edit_json(adapter / "adapter_config.json", **change)
    with pytest.raises(ModelError):
        load_model(adapter, device="cpu")


def test_adapter_of_another_model(adapter: Path, tmp_path: Path, tokenizer: Any) -> None:
    make_model(intermediate_size=96).save_pretrained(tmp_path / "other")
    with pytest.raises(ModelError, match="does not fit its base model"):
        load_adapter(make_model(intermediate_size=96), adapter)


def test_adapter_that_lacks_a_tensor(adapter: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(adapter / "adapter_model.safetensors")
    tensors.pop(sorted(tensors)[0])
    save_file(tensors, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="1 of its tensors are missing"):
        load_adapter(make_model(), adapter)
