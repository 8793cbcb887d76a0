"""Loading: what works comes back as it was saved, what does not says why and what to do."""

from __future__ import annotations

import json
import logging
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import errors as hub
from tests.unit.models.tiny_random import make_model, make_tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from migaki.errors import MissingExtraError, ModelError, UsageError
from migaki.models import loading, location, low_bit
from migaki.models.loading import (
    check_fit,
    choose_pad_token,
    load_model,
    load_tokenizer,
    locate,
    open_tokenizer,
    read_shape,
    save_model,
)

Folder = Callable[..., Path]
IDS = torch.tensor([[5, 6, 7, 8]])


def edit_json(path: Path, **changes: Any) -> None:
    data = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(data), encoding="utf-8")


# --- what works ---------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["qwen2", "llama", "gpt_neox", "stablelm"])
def test_a_saved_model_comes_back(model_folder: Folder, family: str) -> None:
    loaded = load_model(model_folder(family), device="cpu")
    wanted = make_model(family)
    assert loaded.model.dtype == torch.float32
    assert torch.equal(loaded.model(IDS).logits, wanted(IDS).logits)
    assert loaded.location.adapter is None
    assert loaded.choices["attention"].startswith("sdpa: ")


def test_stablelm_from_before_transformers_knew_it(model_folder: Folder) -> None:
    """The config.json of japanese-stablelm-3b-4e1t, whose Python code is not needed."""
    folder = model_folder("stablelm")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    for new in ("partial_rotary_factor", "layer_norm_eps", "rope_parameters"):
        config.pop(new, None)
    config |= {
        "model_type": "stablelm_epoch",
        "architectures": ["StableLMEpochForCausalLM"],
        "auto_map": {"AutoModelForCausalLM": "modeling_stablelm_epoch.StableLMEpochForCausalLM"},
        "rope_pct": 0.25,
        "rope_theta": 10000,
        "norm_eps": 1e-05,
        "num_heads": 4,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    loaded = load_model(folder, device="cpu").model
    assert read_shape(folder).parameters == sum(p.numel() for p in loaded.parameters())
    assert torch.equal(loaded(IDS).logits, make_model("stablelm")(IDS).logits)
    assert load_tokenizer(folder).eos_token == "<|im_end|>"


def test_dtype_is_what_was_asked_for(model_folder: Folder) -> None:
    assert (
        load_model(model_folder(), device="cpu", dtype=torch.bfloat16).model.dtype == torch.bfloat16
    )


def test_save_and_load_again(tmp_path: Path, tokenizer: Any) -> None:
    model = make_model("llama")
    save_model(model, tokenizer, tmp_path / "new")
    assert not list((tmp_path / "new").glob("*.bin"))
    again = load_model(tmp_path / "new", device="cpu").model
    assert torch.equal(again(IDS).logits, model(IDS).logits)
    assert load_tokenizer(tmp_path / "new").chat_template == tokenizer.chat_template


def test_sharded_weights(tmp_path: Path, tokenizer: Any) -> None:
    model = make_model("llama")
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    tokenizer.save_pretrained(tmp_path)
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert torch.equal(load_model(tmp_path, device="cpu").model(IDS).logits, model(IDS).logits)
    shards[-1].unlink()
    with pytest.raises(ModelError, match="lacks 1 of its"):
        load_model(tmp_path, device="cpu")


def test_run_folder_with_a_model(model_folder: Folder, tmp_path: Path) -> None:
    model_folder(name="run/model")
    assert locate(tmp_path / "run").folder == tmp_path / "run" / "model"
    assert load_tokenizer(tmp_path / "run").eos_token == "<|im_end|>"


@pytest.mark.parametrize("family", ["qwen2", "llama", "gpt_neox", "stablelm"])
def test_shape_is_read_without_loading(model_folder: Folder, family: str) -> None:
    real = sum(p.numel() for p in make_model(family).parameters())
    assert read_shape(model_folder(family)).parameters == real


def test_path_with_spaces_and_japanese(model_folder: Folder) -> None:
    folder = model_folder(name="私の モデル")
    assert load_model(folder, device="cpu").location.folder == folder


# --- the tokenizer ------------------------------------------------------------------------------


def test_locally_trained_qwen2_tokenizer_keeps_its_own_rules(tmp_path: Path) -> None:
    """AutoTokenizer replaces the pre-tokenizer of a folder whose config says qwen2."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("。", "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(["2026年11月 東京です。", "it's 3.14 です。"] * 20, trainer)
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=trained, eos_token="<|endoftext|>").save_pretrained(
        tmp_path
    )
    edit_json(tmp_path / "tokenizer_config.json", tokenizer_class="Qwen2Tokenizer")
    make_model().save_pretrained(tmp_path)
    opened = open_tokenizer(tmp_path)
    text = "2026年11月 it's 東京です。3.14"
    assert opened.tokenizer.encode(text, add_special_tokens=False) == trained.encode(text).ids
    assert opened.tokenizer.eos_token == "<|endoftext|>"
    assert opened.choices["tokenizer"].startswith("PreTrainedTokenizerFast: Qwen2Tokenizer encodes")


@pytest.mark.parametrize(
    ("special", "eos", "expected"),
    [
        (["<|endoftext|>", "<|im_end|>"], "<|im_end|>", "<|endoftext|>"),
        (["<|pad|>", "</s>"], "</s>", "<|pad|>"),
        (["<unk>", "</s>"], "</s>", "<unk>"),
        (["</s>"], "</s>", "</s>"),
    ],
)
def test_padding_token_is_chosen_with_a_reason(special: list[str], eos: str, expected: str) -> None:
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(
        models.WordLevel({t: i for i, t in enumerate([*special, "猫"])}, unk_token=None)
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=eos)
    size = len(tokenizer)
    reason = choose_pad_token(tokenizer)
    assert tokenizer.pad_token == expected
    assert reason is not None
    assert reason.startswith(f"{expected}: ")
    assert len(tokenizer) == size  # nothing was added that the model has no embedding for
    assert choose_pad_token(tokenizer) is None  # it has one now


def test_tokenizer_without_pad_and_eos() -> None:
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({"猫": 0}, unk_token=None))
    with pytest.raises(ModelError, match="neither a padding token nor an end-of-text token"):
        choose_pad_token(PreTrainedTokenizerFast(tokenizer_object=inner))


def test_tokenizer_without_pad_token_from_a_folder(model_folder: Folder, caplog: Any) -> None:
    folder = model_folder()
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    config.pop("pad_token")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    with caplog.at_level(logging.INFO, logger="migaki"):
        opened = open_tokenizer(folder)
    assert opened.tokenizer.pad_token == "<|endoftext|>"
    assert "padding token: <|endoftext|>" in caplog.text


def test_tokenizer_larger_than_the_model() -> None:
    with pytest.raises(ModelError, match="do not belong together"):
        check_fit(make_model(vocabulary=300), make_tokenizer())
    check_fit(make_model(), make_tokenizer())
    image = make_tokenizer()
    image.add_special_tokens({"additional_special_tokens": ["<image>"]})
    check_fit(make_model(vocabulary=len(image) - 1), image)  # as with Gemma 3


def test_folder_without_a_tokenizer(model_folder: Folder) -> None:
    folder = model_folder()
    for file in folder.glob("*token*"):
        file.unlink()
    with pytest.raises(ModelError, match=r"has no tokenizer.*Copy tokenizer\.json"):
        load_tokenizer(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": 3}'])
def test_damaged_tokenizer(model_folder: Folder, content: str) -> None:
    folder = model_folder()
    (folder / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="tokenizer"):
        load_tokenizer(folder)


# --- folders that are no models -----------------------------------------------------------------


def test_tokenizer_of_special_tokens_alone(model_folder: Folder) -> None:
    folder = model_folder()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"has no (vocabulary|tokenizer)|cannot be read"):
        load_tokenizer(folder)


def test_empty_name() -> None:
    with pytest.raises(ModelError, match="name is empty"):
        locate("  ")


@pytest.mark.parametrize(
    "name", ["./nowhere", "/no/such/model", "a/b/c", "~/nowhere-here", "no where"]
)
def test_missing_folder(name: str) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        locate(name)


def test_folder_without_config(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        locate(tmp_path)


def test_unfinished_run(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("", encoding="utf-8")
    with pytest.raises(ModelError, match=r"has not finished.*--resume"):
        locate(tmp_path)


def test_a_folder_that_leads_back_to_itself(tmp_path: Path) -> None:
    (tmp_path / "adapter").symlink_to(".")
    with pytest.raises(ModelError, match=r"no config\.json"):
        locate(tmp_path)


def test_a_file_is_not_a_model(model_folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is a file"):
        locate(model_folder() / "model.safetensors")
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"GGUF.*cannot be trained"):
        locate(tmp_path / "x.gguf")


def test_folder_without_weights(model_folder: Folder) -> None:
    folder = model_folder()
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no weights: model\.safetensors is missing"):
        load_model(folder)


def test_pickle_is_refused_unopened(model_folder: Folder) -> None:
    folder = model_folder()
    (folder / "model.safetensors").unlink()
    marker = folder / "opened"

    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (marker,))

    torch.save({"weight": Bomb()}, folder / "pytorch_model.bin")
    with pytest.raises(
        ModelError, match=r"only as a pickle \(pytorch_model\.bin\).*convert it once"
    ):
        load_model(folder)
    assert not marker.exists()


def test_only_gguf(model_folder: Folder) -> None:
    folder = model_folder()
    (folder / "model.safetensors").rename(folder / "model.gguf")
    with pytest.raises(ModelError, match="only GGUF"):
        load_model(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, 0.999])
def test_cut_off_weights(model_folder: Folder, keep: float) -> None:
    file = model_folder() / "model.safetensors"
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(ModelError, match=r"cut off|not a whole"):
        load_model(file.parent)


def test_damaged_header(model_folder: Folder) -> None:
    file = model_folder() / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[8:12] = b"\xff\xff\xff\xff"
    file.write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        load_model(file.parent)
    file.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    with pytest.raises(ModelError, match="not a whole"):
        load_model(file.parent)


def test_git_lfs_pointer(model_folder: Folder) -> None:
    file = model_folder() / "model.safetensors"
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(ModelError, match="Git LFS pointer"):
        load_model(file.parent)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"x"', "{}", "\x80"])
def test_damaged_config(model_folder: Folder, content: str) -> None:
    folder = model_folder()
    (folder / "config.json").write_text(content, encoding="latin-1")
    with pytest.raises(ModelError, match=r"config\.json"):
        load_model(folder)


def test_huge_config(model_folder: Folder) -> None:
    folder = model_folder()
    (folder / "config.json").write_bytes(b" " * (17 * 1024 * 1024))
    with pytest.raises(ModelError, match="a few thousand"):
        load_model(folder)


def test_weights_that_lack_a_tensor(model_folder: Folder) -> None:
    from safetensors.torch import load_file, save_file

    file = model_folder() / "model.safetensors"
    tensors = load_file(file)
    tensors.pop("model.layers.1.mlp.up_proj.weight")
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(ModelError, match=r"1 missing \(model\.layers\.1\.mlp\.up_proj\.weight\)"):
        load_model(file.parent)


def test_config_of_another_size(model_folder: Folder) -> None:
    folder = model_folder()
    edit_json(folder / "config.json", intermediate_size=128)
    with pytest.raises(ModelError):
        load_model(folder)


def test_unknown_architecture(model_folder: Folder) -> None:
    folder = model_folder()
    edit_json(folder / "config.json", model_type="nonesuch")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(folder)


def test_not_a_causal_model(model_folder: Folder) -> None:
    folder = model_folder()
    edit_json(folder / "config.json", model_type="wav2vec2", architectures=["Wav2Vec2Model"])
    with pytest.raises(ModelError, match="causal language models"):
        load_model(folder)


# --- code that comes with a model -----------------------------------------------------------------


@pytest.fixture
def model_with_code(model_folder: Folder) -> Path:
    folder = model_folder()
    edit_json(
        folder / "config.json",
        model_type="sneaky",
        auto_map={"AutoConfig": "code.SneakyConfig", "AutoModelForCausalLM": "code.SneakyModel"},
    )
    (folder / "code.py").write_text(
        f"from pathlib import Path\nPath({str(folder / 'ran')!r}).touch()\n"
        "from transformers import Qwen2Config, Qwen2ForCausalLM\n"
        "class SneakyConfig(Qwen2Config):\n    model_type = 'sneaky'\n"
        "class SneakyModel(Qwen2ForCausalLM):\n    config_class = SneakyConfig\n",
        encoding="utf-8",
    )
    return folder


def test_code_does_not_run_unasked(model_with_code: Path) -> None:
    with pytest.raises(ModelError, match=r"Python code of its own.*trust_remote_code"):
        load_model(model_with_code, device="cpu")
    load_tokenizer(model_with_code)  # needs no code
    assert not (model_with_code / "ran").exists()


def test_code_runs_when_asked_and_that_is_said(model_with_code: Path, caplog: Any) -> None:
    with caplog.at_level(logging.WARNING, logger="migaki"):
        load_model(model_with_code, device="cpu", trust_remote_code=True)
    assert (model_with_code / "ran").exists()
    assert "trust_remote_code is on" in caplog.text


# --- the Hub --------------------------------------------------------------------------------------


def _hub_says(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", refuse)


def _http_error(kind: type[Exception], status: int) -> Exception:
    from types import SimpleNamespace

    error = kind.__new__(kind)
    Exception.__init__(error, f"{status} Client Error")
    error.response = SimpleNamespace(status_code=status, headers={})  # type: ignore[attr-defined]
    return error


def test_hub_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    _hub_says(monkeypatch, hub.OfflineModeIsEnabled("offline"))
    with pytest.raises(ModelError, match=r"HF_HUB_OFFLINE=1.*migaki-tiny"):
        locate("nobody/nothing")


def test_hub_out_of_reach_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real client, with names that do not resolve: one try, not half a minute of them."""
    import socket

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)

    def unresolved(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    start = time.perf_counter()
    with pytest.raises(ModelError, match=r"not in the local cache.*cannot be reached"):
        locate("nobody/nothing")
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        (hub.GatedRepoError, 403, r"gated.*hf auth login"),
        (hub.RepositoryNotFoundError, 404, r"There is no model 'meta/none'.*spelling"),
        (hub.RevisionNotFoundError, 404, "no revision 'v9'"),
    ],
)
def test_hub_refuses(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception], status: int, message: str
) -> None:
    _hub_says(monkeypatch, _http_error(kind, status))
    with pytest.raises(ModelError, match=message):
        locate("meta/none", revision="v9")


def test_hub_repository_of_pickles(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace as Thing

    files = [Thing(rfilename="config.json"), Thing(rfilename="pytorch_model.bin")]
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: Thing(siblings=files))
    with pytest.raises(ModelError, match="no safetensors"):
        locate("old/model")


def test_hub_model_from_the_cache(
    monkeypatch: pytest.MonkeyPatch, model_folder: Folder, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    commit = "0" * 40
    snapshot = cache / "models--some--model" / "snapshots" / commit
    shutil.copytree(model_folder(), snapshot)
    refs = cache / "models--some--model" / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(cache))
    _hub_says(monkeypatch, hub.OfflineModeIsEnabled("offline"))
    found = locate("some/model")
    assert found.name == "some/model"
    assert found.folder == snapshot
    # A plan needs the small files only: it must not wait for gigabytes.
    for weights in snapshot.glob("*.safetensors"):
        weights.unlink()
    assert load_tokenizer("some/model").pad_token_id is not None
    assert loading.read_shape("some/model").parameters > 0
    with pytest.raises(ModelError, match="safetensors"):
        locate("some/model")


def test_embedded_model_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(location, "embedded_model_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="not in this installation"):
        locate("migaki-tiny")


# --- options --------------------------------------------------------------------------------------


def test_both_quantizations() -> None:
    with pytest.raises(UsageError, match="both set"):
        load_model("migaki-tiny", load_in_8bit=True, load_in_4bit=True)


def test_quantization_without_bitsandbytes(
    monkeypatch: pytest.MonkeyPatch, model_folder: Folder
) -> None:
    real = low_bit.importlib.util.find_spec
    monkeypatch.setattr(
        low_bit.importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "bitsandbytes" else real(name, *rest),
    )
    with pytest.raises(MissingExtraError, match=r"4-bit loading.*migaki\[quantization\]"):
        load_model(model_folder(), load_in_4bit=True)
