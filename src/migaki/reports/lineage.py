"""The stages that a model was trained in, from `lineage.json`, read without trust."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from migaki.reports.formats import MISSING, count, take
from migaki.reports.run_data import RunData, dig, number, rows_of, text

__all__ = ["base_name", "earlier_files", "lineage_line", "lineage_table"]

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_LONGEST = 120


def base_name(run: RunData) -> str:
    """Return what the first stage began with: an id of the Hub, or the name of its folder."""
    return _plain_name(text(dig(run.lineage, "base", "name")))


def lineage_line(run: RunData) -> str:
    """Return the base model and all runs in one line; nothing for a model of one stage."""
    stages = rows_of(run.lineage.get("stages"))
    if len(stages) < 2:
        return ""
    names = [base_name(run), *(_cut(text(stage.get("run"))) for stage in stages)]
    return " → ".join(name or MISSING for name in names)


def lineage_table(run: RunData) -> list[tuple[str, ...]]:
    """Return a row for each stage: run, how it was trained, data, steps, trained tokens, base.

    Nothing for a model of one stage, of which the rest of the page speaks.
    """
    stages = rows_of(run.lineage.get("stages"))
    return [_row(stage) for stage in stages] if len(stages) > 1 else []


def earlier_files(run: RunData) -> list[Mapping[str, Any]]:
    """Return the files that the model was trained on before this run, and that this run lacks."""
    seen = {text(file.get("sha256")) for file in rows_of(run.data.get("files"))} - {""}
    found = []
    for stage in rows_of(run.lineage.get("stages"))[:-1]:
        for file in rows_of(stage.get("data")):
            digest = text(file.get("sha256"))
            if digest not in seen:
                found.append(file)
            seen |= {digest} - {""}
    return found


def _row(stage: Mapping[str, Any]) -> tuple[str, ...]:
    method, adapter = text(stage.get("method")), text(stage.get("adapter"))
    came_from = text(stage.get("continued_from"))
    how = {
        "new": f"{method}, a new adapter",
        "trained on": f"{method}, the adapter of {came_from} trained on",
        "stacked": f"{method}, a new adapter stacked on that of {came_from}",
        "": f"{method}, every weight" + (f" of {came_from}" if came_from else ""),
    }.get(adapter, f"{method}, {adapter}")
    files = rows_of(stage.get("data"))
    data = ", ".join(_file(file) for file in files) or "not known"
    steps, tokens = (
        count(stage.get(key)) if number(stage.get(key)) is not None else MISSING
        for key in ("steps", "trained_tokens")
    )
    base = _plain_name(text(dig(stage, "model", "name")))
    return _cut(text(stage.get("run"))), _cut(how), take(data)[0], steps, tokens, base


def _file(file: Mapping[str, Any]) -> str:
    digest = text(file.get("sha256"))[:12]
    return _cut(text(file.get("name"))) + (f" ({digest})" if digest else "")


def _plain_name(name: str) -> str:
    return _cut(name if _HUB_ID.fullmatch(name) else re.split(r"[/\\]", name.rstrip("/\\"))[-1])


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
