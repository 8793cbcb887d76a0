"""What kind of text a file holds: its suffix says it, except where the content says otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from migaki.corpus.encoding import Encoding
from migaki.corpus.text_rows import is_indented

__all__ = ["KIND_OF_SUFFIX", "FileKind", "text_kind"]

FileKind: TypeAlias = Literal["jsonl", "json", "parquet", "csv", "tsv", "txt"]

KIND_OF_SUFFIX: Mapping[str, FileKind] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet",
    ".csv": "csv", ".tsv": "tsv", ".txt": "txt", ".text": "txt", ".md": "txt",
}  # fmt: skip


def text_kind(path: Path, head: bytes, encoding: Encoding) -> FileKind:
    """Choose between the text formats; between JSON and JSON Lines the content decides.

    Args:
        path: For its suffix.
        head: The first bytes, or all.
        encoding: That of the file.
    """
    kind = KIND_OF_SUFFIX.get(path.suffix.lower())
    start = head[:4096].decode(encoding.codec, errors="ignore").lstrip("\ufeff \t\r\n")[:1]
    if kind is None:
        kind = "json" if start and start in "[{" else "txt"
    if kind in ("json", "jsonl") and start == "[":
        return "json"
    if kind == "jsonl":  # one indented object under this name is JSON
        return "json" if is_indented(head.decode(encoding.codec, errors="ignore")) else kind
    # Broken objects are still JSON under the name .json; elsewhere they might be any text.
    return "jsonl" if _is_object_per_line(head, encoding, whole=kind != "json") else kind


def _is_object_per_line(head: bytes, encoding: Encoding, *, whole: bool) -> bool:
    """Tell JSON Lines from one object or other text: two lines, each an object of its own."""
    lines = head.decode(encoding.codec, errors="ignore").lstrip("\ufeff").split("\n")
    first = [line.strip() for line in lines[:100] if line.strip()][:2]
    if len(first) < 2 or not all(line[0] == "{" and line[-1] == "}" for line in first):
        return False
    return not whole or all(map(_is_json, first))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
