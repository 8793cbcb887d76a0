"""Real documents of each kind, and larger files made of them by sampling with noise."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from migaki.corpus.aozora import read_aozora
from migaki.corpus.documents import Document
from migaki.corpus.reading import open_source

KINDS = {
    "wiki": "encyclopaedia",
    "news": "encyclopaedia",
    "tech": "technical",
    "dialogue": "dialogue",
    "aozora": "literature",
}
"""Folder of the shared data → cleaning preset."""

_NOISE = 0.02
_KANA = [chr(code) for code in range(ord("ぁ"), ord("ゖ"))]


def documents_of(data: Path, kind: str) -> list[Document]:
    """Return the documents of one folder."""
    if kind == "aozora":
        found = read_aozora(data / kind / "raw_sjis")
        return [item for item in found if isinstance(item, Document)]
    reader = open_source(data / kind)
    items = (item for shard in reader.shards() for item in reader.documents(shard))
    return [item for item in items if isinstance(item, Document)]


def megabytes(documents: list[Document]) -> float:
    """Return the size of the texts in MB of UTF-8."""
    return sum(len(document.text.encode()) for document in documents) / 1e6


def write_sampled(path: Path, documents: list[Document], *, mb: float, seed: int = 0) -> Path:
    """Write JSON Lines of about `mb` MB: documents drawn at random, 2 % of their characters changed.

    Copies would be found by caches and compressed away; these are not the same twice.
    """
    with path.open("w", encoding="utf-8") as file:
        size = 0
        for row in _sampled(documents, random.Random(seed)):
            size += file.write(row) * 3
            if size >= mb * 1e6:
                return path
    return path


def _sampled(documents: list[Document], rng: random.Random) -> Iterator[str]:
    while True:
        text = list(rng.choice(documents).text)
        for _ in range(int(len(text) * _NOISE)):
            text[rng.randrange(len(text))] = rng.choice(_KANA)
        yield json.dumps({"text": "".join(text), "license": "unknown"}, ensure_ascii=False) + "\n"
