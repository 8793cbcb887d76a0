"""A small deterministic way to vary a text, for tests of everything around it; workers import it."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from migaki.corpus.augmentation import Augmentation, Summary, augment_file
from migaki.corpus.row_variants import Generate, Generated
from migaki.linguistics.edits import Edit

ENDING = re.compile("です(?=。|$)", re.MULTILINE)
OTHERS = ("だ", "である", "じゃ", "なり")


@dataclass(frozen=True)
class EndingVariant:
    edits: tuple[Edit, ...]
    operators: tuple[str, ...] = ("test.ending",)


def vary_endings(asked: Augmentation) -> Generate:
    """です at the end of sentences becomes something else; which one first depends on the seed."""

    def generate(text: str) -> Generated:
        if "壊" in text:
            raise ValueError("壊れた")
        found = list(ENDING.finditer(text))
        if not found:
            return Generated((), {"test.ending": {"no copula": 1}})
        order = [OTHERS[(asked.seed + n) % len(OTHERS)] for n in range(asked.variants)]
        return Generated(
            [
                EndingVariant(tuple(Edit(*m.span(), other, "test.ending") for m in found))
                for other in order[: len(OTHERS)]
            ]
        )

    return generate


def vary_slowly(asked: Augmentation) -> Generate:
    generate = vary_endings(asked)

    def slow(text: str) -> Generated:
        time.sleep(0.005)
        return generate(text)

    return slow


TWO = Augmentation(variants=2)


def augment(source: Path, target: Path, asked: Augmentation = TWO, **options: Any) -> Summary:
    return augment_file(source, target, asked, make_generate=vary_endings, **options)


def write_rows(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def read_rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def texts(path: Path) -> list[str]:
    return [row["text"] for row in read_rows(path)]
