"""By what a model is known again: its configuration, and a hash over samples of every tensor.

A name says little: a folder can be trained on, a branch of the Hub moves. An adapter that is put on
other weights than it was trained on loads without a word and answers badly. The hash is over the
tensors in the order of their names, so that another division into files, or a copy, changes nothing.
No tensor is read whole where that takes long: training changes every weight of a tensor, which three
places of it show as well as all.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from migaki.errors import ModelError
from migaki.models.location import read_json_object

__all__ = ["Fingerprint", "hash_adapter", "hash_tensors", "read_fingerprint", "tensor_shapes"]

_WHOLE_BYTES = 64 * 2**20
"""Weights up to this size are hashed whole, in about 0.1 s."""
_SAMPLE_BYTES = 4096
"""Read at the start, the middle and the end of each tensor of larger ones."""
_LENGTH_BYTES = 8
"""A safetensors file begins with the length of its header."""

# What saving a model again may change without changing what it computes.
_PASSING = frozenset(
    {"_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache", "auto_map",
     "architectures", "bos_token_id", "eos_token_id", "pad_token_id", "attn_implementation",
     "_attn_implementation", "quantization_config", "id2label", "label2id"}
)  # fmt: skip
# What is named first when two models differ.
_TELLING = ("model_type", "vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a model was, cheap to take and to compare."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """``config.json`` without what saving may change."""
    weights_sha256: str | None = None
    """Over all tensors; none where the weights are not on this machine."""

    def to_json(self) -> dict[str, Any]:
        """Return it as stored in ``lineage.json``."""
        return {"config": dict(self.config), "weights_sha256": self.weights_sha256}

    @classmethod
    def from_json(cls, value: Any) -> Fingerprint:
        """Read it back; what is of another type than expected counts as unknown."""
        value = value if isinstance(value, Mapping) else {}
        config, weights = value.get("config"), value.get("weights_sha256")
        return cls(
            config if isinstance(config, Mapping) else {},
            weights if isinstance(weights, str) else None,
        )

    def differences(self, found: Fingerprint) -> list[str]:
        """Return how another model differs from this one, the most telling first.

        Args:
            found: The other; settings that only one of the two names are not compared, because
                versions of transformers write out different defaults.

        Example:
            >>> Fingerprint({"vocab_size": 100}).differences(Fingerprint({"vocab_size": 90}))
            ['vocab_size is 90, was 100']
        """
        names = [name for name in _TELLING if name in self.config]
        names += sorted(set(self.config) - set(names))
        wrong = [
            f"{name} is {found.config[name]!r}, was {self.config[name]!r}"
            for name in names
            if name in found.config and found.config[name] != self.config[name]
        ]
        known = self.weights_sha256 and found.weights_sha256
        if known and self.weights_sha256 != found.weights_sha256:
            wrong.append(
                f"the weights are others (hash {str(found.weights_sha256)[:12]}, "
                f"was {str(self.weights_sha256)[:12]})"
            )
        return wrong


def read_fingerprint(folder: Path) -> Fingerprint:
    """Take the fingerprint of a model folder.

    Args:
        folder: With ``config.json``; its weights may not be there yet.

    Raises:
        ModelError: A file of it is damaged.
    """
    config = read_json_object(folder / "config.json")
    kept = {name: value for name, value in config.items() if name not in _PASSING}
    files = sorted(folder.glob("model*.safetensors"))
    return Fingerprint(kept, hash_tensors(files) if files else None)


def hash_adapter(folder: Path) -> str:
    """Return the hash of an adapter's tensors."""
    return hash_tensors([folder / "adapter_model.safetensors"])


def hash_tensors(files: list[Path]) -> str:
    """Hash names, types, shapes and contents of all tensors, in the order of their names.

    Args:
        files: safetensors files.

    Returns:
        SHA-256 in hexadecimal digits.

    Raises:
        ModelError: A file has no readable header.
    """
    whole = sum(file.stat().st_size for file in files) <= _WHOLE_BYTES
    places = {name: (file, entry) for file in files for name, entry in _header(file)[1].items()}
    starts = {file: _header(file)[0] for file in files}
    found = hashlib.sha256()
    opened = {file: file.open("rb") for file in files}
    try:
        for name, (file, entry) in sorted(places.items()):
            found.update(f"{name} {entry['dtype']} {entry['shape']}\n".encode())
            begin, end = (starts[file] + int(offset) for offset in entry["data_offsets"])
            for piece in _pieces(opened[file], begin, end, whole=whole):
                found.update(piece)
    finally:
        for stream in opened.values():
            stream.close()
    return found.hexdigest()


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a safetensors file by name, without reading a tensor.

    Raises:
        ModelError: It has no readable header.
    """
    return {name: tuple(entry["shape"]) for name, entry in _header(file)[1].items()}


def _header(file: Path) -> tuple[int, dict[str, Any]]:
    """Return where the tensors begin, and name → type, shape, place."""
    try:
        with file.open("rb") as stream:
            length = struct.unpack("<Q", stream.read(_LENGTH_BYTES))[0]
            if length > file.stat().st_size:
                raise ValueError(f"the header would have {length:,} bytes")
            header = json.loads(stream.read(length))
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        if not all({"dtype", "shape", "data_offsets"} <= set(t) for t in tensors.values()):
            raise ValueError("a tensor has no type, shape or place")
    except (OSError, struct.error, ValueError, TypeError, AttributeError, RecursionError) as err:
        raise ModelError(
            f"{file} is not a whole safetensors file: {err}.", hint="Copy or download it again."
        ) from err
    return _LENGTH_BYTES + length, tensors


def _pieces(stream: BinaryIO, begin: int, end: int, *, whole: bool) -> Iterator[bytes]:
    if whole or end - begin <= 3 * _SAMPLE_BYTES:
        stream.seek(begin)
        yield stream.read(end - begin)
        return
    for place in (begin, (begin + end - _SAMPLE_BYTES) // 2, end - _SAMPLE_BYTES):
        stream.seek(place)
        yield stream.read(_SAMPLE_BYTES)
