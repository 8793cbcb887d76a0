"""Where a model lies: the embedded one, a folder, an adapter, a run folder, or an id on the Hub.

Every command that takes a model takes all of these. A folder is checked here, before a
deep-learning library touches it: weights are safetensors or nothing (a pickle can run code when it
is opened), files are whole, JSON is JSON.
"""

from __future__ import annotations

import json
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migaki.errors import ModelError
from migaki.models.hub import fetch

__all__ = [
    "EMBEDDED_NAME",
    "ModelLocation",
    "base_of_adapter",
    "embedded_model_folder",
    "has_tokenizer",
    "locate",
    "read_json_object",
    "unreadable",
]


EMBEDDED_NAME = "migaki-tiny"
"""The name by which the model inside the package is known, also in the adapters trained on it."""

_MAX_JSON_BYTES = 16 * 1024 * 1024
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_PICKLES = ("pytorch_model*.bin", "adapter_model.bin", "*.pt", "*.pth", "*.ckpt", "*.bin")


@dataclass(frozen=True, slots=True)
class ModelLocation:
    """A model that was found and whose files look whole."""

    name: str
    """The name to store and show: ``migaki-tiny``, a Hub id, or the absolute folder."""

    folder: Path
    """Holds ``config.json`` and the weights."""

    adapter: Path | None = None
    """Holds an adapter trained on the model, if that is what was asked for."""

    @property
    def tokenizer_folder(self) -> Path:
        """The adapter's folder if a tokenizer was saved with it, else the model's."""
        if self.adapter is not None and has_tokenizer(self.adapter):
            return self.adapter
        return self.folder


def embedded_model_folder() -> Path:
    """Return the folder of the model inside the package."""
    return Path(__file__).parent / "tiny"


def locate(
    path_or_id: str | Path,
    *,
    revision: str | None = None,
    trust_remote_code: bool = False,
    weights: bool = True,
) -> ModelLocation:
    """Find a model and check its files.

    Args:
        path_or_id: ``migaki-tiny``, a model folder, an adapter folder, a run folder (with
            ``adapter/`` or ``model/``), or a Hub id such as ``Qwen/Qwen2.5-0.5B-Instruct``,
            which is downloaded if it is not in the cache.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Also download the Python files of a Hub repository.
        weights: Also download its weights; a plan needs only the small files.

    Raises:
        ModelError: Nothing usable is there; the hint says what to do.
    """
    text = str(path_or_id).strip()
    if not text:
        raise ModelError(
            "The model name is empty.",
            hint=f"Give a folder, a Hub id, or '{EMBEDDED_NAME}' for the embedded model.",
        )
    if text == EMBEDDED_NAME:
        return _embedded()
    path = Path(os.path.expanduser(text))  # Path's own fails for a user who is not there
    if path.is_dir():
        return _locate_folder(path)
    if path.is_file():
        raise _file_error(path)
    if _looks_like_path(path_or_id, text) or not _HUB_ID.fullmatch(text):
        raise ModelError(
            f"The model folder {path} does not exist.",
            hint=f"Check the path (the current folder is {Path.cwd()}), or use '{EMBEDDED_NAME}'.",
        )
    folder = fetch(text, revision=revision, python_files=trust_remote_code, weights=weights)
    found = _locate_folder(folder, weights=weights)
    return ModelLocation(text if found.adapter is None else found.name, found.folder, found.adapter)


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a small JSON object that belongs to a model.

    Args:
        path: For example ``config.json``.

    Raises:
        ModelError: It is missing, too large, not UTF-8, not JSON, or not an object.
    """
    again = "Copy or download the model again."
    try:
        size = path.stat().st_size
        if size > _MAX_JSON_BYTES:
            raise ModelError(
                f"{path} has {size:,} bytes; a model's configuration has a few thousand.",
                hint=again,
            )
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise ModelError(f"{path} does not exist.", hint=again) from err
    except OSError as err:
        raise ModelError(f"{path} cannot be read: {err}.") from err
    except (UnicodeDecodeError, ValueError, RecursionError) as err:
        raise ModelError(f"{path} is not valid JSON: {err}.", hint=again) from err
    if not isinstance(value, dict):
        raise ModelError(f"{path} must hold a JSON object, not {type(value).__name__}.", hint=again)
    return value


def unreadable(what: str, folder: Path, err: Exception) -> ModelError:
    """Turn what a library raised over a folder into words.

    Args:
        what: ``model`` or ``tokenizer``.
        folder: Where it lies.
        err: What was raised.
    """
    lines = [line.strip() for line in str(err).splitlines() if line.strip()]
    said = 2 if lines and lines[0].endswith(":") else 1  # what is wrong stands behind the colon
    reason = " ".join(lines[:said] or [type(err).__name__])[:300].rstrip(".")
    if "trust_remote_code" in str(err):
        return ModelError(
            f"The {what} in {folder} comes with Python code of its own, which migaki does not run "
            "unless told to.",
            hint="Read that code; if you trust it, set model.trust_remote_code=true.",
        )
    if isinstance(err, ImportError):
        hint = "Install the package it names, then try again."
    elif "does not recognize this architecture" in str(err) or "Unrecognized" in str(err):
        hint = "migaki adapts causal language models that transformers knows; see: migaki models"
    else:
        hint = (
            "Copy or download it again; if that does not help, the model is damaged at its source."
        )
    return ModelError(f"The {what} in {folder} cannot be read: {reason}.", hint=hint)


def _embedded() -> ModelLocation:
    folder = embedded_model_folder()
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"The embedded model is not in this installation (looked in {folder}).",
            hint="Install migaki again, or make it in a checkout: scripts/train_tiny_model.py --help",
        )
    _check_model_folder(folder)
    return ModelLocation(EMBEDDED_NAME, folder)


def _looks_like_path(given: str | Path, text: str) -> bool:
    return (
        isinstance(given, Path)
        or text.startswith((".", "~", os.sep))
        or "\\" in text
        or text.count("/") > 1
        or (os.altsep is not None and os.altsep in text and text.count(os.altsep) > 1)
    )


def _file_error(path: Path) -> ModelError:
    if path.suffix == ".gguf":
        return ModelError(
            f"{path} is a GGUF file, which is for inference in llama.cpp and cannot be trained.",
            hint="Use the original model in safetensors form.",
        )
    return ModelError(
        f"{path} is a file; a model is a folder with config.json, safetensors and a tokenizer.",
        hint=f"Did you mean its folder, {path.parent}?",
    )


def _locate_folder(folder: Path, *, weights: bool = True) -> ModelLocation:
    folder = folder.resolve()
    if (folder / "adapter_config.json").is_file():
        return _locate_adapter(folder, weights=weights)
    if (folder / "config.json").is_file():
        if weights:
            _check_model_folder(folder)
        return ModelLocation(str(folder), folder)
    for part in ("adapter", "model"):
        if _holds_a_model(folder / part):
            return _locate_folder(folder / part, weights=weights)
    if (folder / "run.yaml").is_file():
        raise ModelError(
            f"The run {folder} has not finished: it has no adapter/ or model/ yet.",
            hint=f"Finish it with: migaki train --resume --name {folder.name}",
        )
    raise ModelError(
        f"The folder {folder} has no config.json, so it is not a model.",
        hint="A model folder holds config.json, model.safetensors and tokenizer.json; "
        "a run folder holds adapter/ or model/.",
    )


def _holds_a_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("adapter_config.json", "config.json"))


def _leads_to_an_adapter(folder: Path) -> bool:
    if (folder / "config.json").is_file():
        return (folder / "adapter_config.json").is_file()
    return any((f / "adapter_config.json").is_file() for f in (folder, folder / "adapter"))


def _locate_adapter(folder: Path, *, weights: bool) -> ModelLocation:
    tensors = folder / "adapter_model.safetensors"
    if weights and not tensors.is_file():
        raise _weights_error(folder, "adapter_model.safetensors")
    if weights:
        _check_safetensors(tensors)
    base = base_of_adapter(folder)
    try:
        found = locate(base, weights=weights)
    except ModelError as err:
        raise ModelError(
            f"The base model '{base}' of the adapter {folder} cannot be used: {err.message}",
            hint=err.hint,
        ) from err
    if found.adapter is not None:
        raise _adapter_of_adapter(folder, found.adapter)
    return ModelLocation(found.name, found.folder, folder)


def base_of_adapter(folder: Path) -> str:
    """Return what an adapter calls its base model: a name for `locate`.

    Args:
        folder: Holds ``adapter_config.json``; a base model may lie at a path relative to it.

    Raises:
        ModelError: It names none, or another adapter.
    """
    config = read_json_object(folder / "adapter_config.json")
    base = config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base.strip():
        raise ModelError(
            f"{folder / 'adapter_config.json'} does not name its base model "
            f"(base_model_name_or_path is {base!r}).",
            hint="Write the folder or Hub id of the model it was trained on there.",
        )
    beside = folder / base
    if any(map(_leads_to_an_adapter, (beside, Path(os.path.expanduser(base))))):
        raise _adapter_of_adapter(folder, base)  # before it is followed: it may lead back here
    return str(beside) if base != EMBEDDED_NAME and beside.is_dir() else base


def _adapter_of_adapter(folder: Path, base: object) -> ModelError:
    return ModelError(
        f"The adapter {folder} names another adapter as its base ({base}).",
        hint="Merge the base adapter into its model first, and name the merged model.",
    )


def _check_model_folder(folder: Path) -> None:
    config = read_json_object(folder / "config.json")
    if not isinstance(config.get("model_type"), str) and "auto_map" not in config:
        raise ModelError(
            f"{folder / 'config.json'} has no model_type, so the architecture is unknown.",
            hint="Copy or download the model again.",
        )
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = read_json_object(index).get("weight_map")
        if not isinstance(shards, dict) or not all(isinstance(v, str) for v in shards.values()):
            raise ModelError(f"{index} has no valid weight_map.", hint="Download the model again.")
        names = sorted(set(shards.values()))
        outside = [name for name in names if Path(name).name != name]
        missing = [name for name in names if not (folder / name).is_file()]
        if outside or missing:
            raise ModelError(
                f"The model folder {folder} lacks {len(outside or missing)} of its "
                f"{len(names)} weight files: {', '.join((outside or missing)[:3])}.",
                hint="Finish the download or the copy.",
            )
        files = [folder / name for name in names]
    else:
        files = [folder / "model.safetensors"]
        if not files[0].is_file():
            raise _weights_error(folder, "model.safetensors")
    for file in files:
        _check_safetensors(file)


def _weights_error(folder: Path, wanted: str) -> ModelError:
    pickles = sorted({path.name for pattern in _PICKLES for path in folder.glob(pattern)})
    pickles = [name for name in pickles if name != "training_args.bin"]
    if pickles:
        return ModelError(
            f"The folder {folder} has its weights only as a pickle ({', '.join(pickles[:3])}); opening "
            "a pickle can run any program hidden in it, so migaki reads safetensors only.",
            hint=_convert_hint(folder, pickles[0]),
        )
    if any(folder.glob("*.gguf")):
        return ModelError(
            f"The folder {folder} has only GGUF weights, which cannot be trained.",
            hint="Use the original model in safetensors form.",
        )
    return ModelError(
        f"The folder {folder} has no weights: {wanted} is missing.",
        hint="Copy or download the model again, with its safetensors files.",
    )


def _convert_hint(folder: Path, pickle_name: str) -> str:
    if pickle_name.startswith("adapter_model"):
        return (
            'If you trust its origin, convert it once: python -c "import torch; '
            "from safetensors.torch import save_file; "
            f"save_file(torch.load('{folder}/{pickle_name}', weights_only=True), "
            f"'{folder}/adapter_model.safetensors')\""
        )
    return (
        'If you trust its origin, convert it once: python -c "from transformers import '
        f"AutoModelForCausalLM as M; M.from_pretrained('{folder}', use_safetensors=False)"
        f".save_pretrained('{folder}-safetensors')\" and copy its tokenizer files there."
    )


def _check_safetensors(path: Path) -> None:
    """Compare a file's size with what its header promises, without reading the tensors."""
    again = "Copy or download it again."
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(b"version "):
            raise ModelError(
                f"{path} is a Git LFS pointer, not the weights.",
                hint=f"Fetch the weights with: git -C {path.parent} lfs pull",
            )
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 0 < length <= size - 8:
            raise ModelError(
                f"{path} is not a whole safetensors file ({size:,} bytes).", hint=again
            )
        try:
            header = json.loads(file.read(length))
            end = max(
                (int(t["data_offsets"][1]) for n, t in header.items() if n != "__metadata__"),
                default=0,
            )
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as err:
            raise ModelError(
                f"{path} has a damaged safetensors header: {err}.", hint=again
            ) from err
    expected = 8 + length + end
    if size != expected:
        raise ModelError(
            f"{path} is {'cut off' if size < expected else 'damaged'}: it has {size:,} bytes "
            f"where its header promises {expected:,}.",
            hint=again,
        )


def has_tokenizer(folder: Path) -> bool:
    """Tell whether a folder holds a tokenizer."""
    return any((folder / n).is_file() for n in ("tokenizer.json", "tokenizer.model", "vocab.json"))
