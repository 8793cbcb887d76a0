"""The training files that an ablation compares, made from the same rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from migaki.atomic import write_jsonl
from migaki.corpus.augmentation import Augmentation, augment_file
from migaki.corpus.files import BadRow, Row, open_file
from migaki.corpus.row_selection import select_rows
from migaki.corpus.row_sets import RowSet
from migaki.corpus.selection import SelectionConfig
from migaki.dataset.token_dataset import TokenDataset
from migaki.errors import UsageError
from migaki.recipes.plan import Plan

__all__ = ["Arm", "augmented_rows", "every_row", "random_rows", "selected_rows", "write_rows"]

WriteArm = Callable[[Path, Path, int], Mapping[str, Any]]
"""Makes the training file of an arm (second) of all training rows (first), with a seed; returns what
the report says of it."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of a comparison.

    Args:
        name: A word: it names files and runs.
        description: What is done to the rows, as a report says it.
        write: Makes the training file.
    """

    name: str
    description: str
    write: WriteArm


def every_row() -> Arm:
    """Return the arm of the rows as they are."""

    def write(source: Path, target: Path, seed: int) -> dict[str, Any]:
        rows = _values(source)
        write_jsonl(target, rows)
        return {"rows": len(rows)}

    return Arm("source", "the rows as they are", write)


def augmented_rows(asked: Augmentation, *, workers: int = 1) -> Arm:
    """Return the arm of the rows and their variants; the run's seed chooses the variants.

    Args:
        asked: Which variants; its seed is replaced, its source rows are kept.
        workers: Processes.
    """

    def write(source: Path, target: Path, seed: int) -> dict[str, Any]:
        summary = augment_file(
            source,
            target,
            replace(asked, seed=seed, keep_source=True),
            workers=workers,
            overwrite=True,
        )
        return {"rows": summary.rows_out, "variants": summary.variants}

    operators = ", ".join(asked.operators) or "all operators"
    return Arm(
        "augmented", f"the rows and up to {asked.variants} variants of each ({operators})", write
    )


def selected_rows(count: int) -> Arm:
    """Return the arm of so many rows, chosen to be good and to differ; the seed changes nothing."""

    def write(source: Path, target: Path, seed: int) -> dict[str, Any]:
        selection = select_rows(
            RowSet((str(source),)), target, SelectionConfig(count=count), overwrite=True
        )
        return {"rows": selection.to_json()["taken"]}

    return Arm("selected", f"{count:,} rows that are good and differ (migaki data select)", write)


def random_rows(count: int) -> Arm:
    """Return the arm of so many rows, drawn at random by the run's seed."""

    def write(source: Path, target: Path, seed: int) -> dict[str, Any]:
        rows = _values(source)
        if count >= len(rows):
            raise UsageError(
                f"{count:,} of {len(rows):,} training rows were asked for: nothing would be chosen.",
                hint=f"Ask for fewer than {len(rows):,}.",
            )
        drawn = random.Random(f"ablation {seed}").sample(range(len(rows)), count)
        write_jsonl(target, [rows[index] for index in sorted(drawn)])
        return {"rows": count}

    return Arm("random", f"{count:,} rows drawn at random", write)


def write_rows(plan: Plan, folder: Path) -> tuple[Path, Path]:
    """Write the rows that a plan trains on and those that it holds out, as they stand in their files.

    Args:
        plan: Its data are split already, with near-duplicates on one side.
        folder: Where ``train.jsonl`` and ``evaluation.jsonl`` go.

    Returns:
        Both paths.

    Raises:
        UsageError: Nothing is held out, or one row is on both sides.
    """
    trained, held = _places(plan.data.train), _places(plan.data.validation)
    if not held:
        raise UsageError(
            "No rows are held out, so there is nothing to measure on.",
            hint="Leave data.held_out at 0.1, or name files with data.evaluation=[FILE].",
        )
    both = trained & held
    if both:
        path, line = min(both)
        raise UsageError(
            f"The rows are so few and long that they were held out in pieces: {path}, line {line} is "
            "on both sides.",
            hint="Divide the text into rows first (a paragraph a row), or give more of it.",
        )
    train, evaluation = folder / "train.jsonl", folder / "evaluation.jsonl"
    for target, places in ((train, trained), (evaluation, held)):
        write_jsonl(target, _rows_at(sorted(places), plan.recipe.data.encoding))
    return train, evaluation


def _places(data: TokenDataset) -> set[tuple[str, int]]:
    return {(str(origin.path), origin.line) for origin in data.origins}


def _rows_at(places: Sequence[tuple[str, int]], encoding: str) -> list[dict[str, Any]]:
    lines: dict[str, set[int]] = {}
    for path, line in places:
        lines.setdefault(path, set()).add(line)
    return [
        row.value if isinstance(row.value, dict) else {"text": row.value}
        for path, wanted in lines.items()
        for row in _read(Path(path), encoding)
        if row.line in wanted
    ]


def _values(path: Path) -> list[dict[str, Any]]:
    return [row.value for row in _read(path)]


def _read(path: Path, encoding: str = "utf-8") -> list[Row]:
    rows = open_file(path, encoding=encoding).rows()
    return [row for row in rows if not isinstance(row, BadRow)]
