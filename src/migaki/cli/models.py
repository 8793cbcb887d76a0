"""``migaki models``: which models there are, what they need, and whether they fit here."""

from __future__ import annotations

import json
from typing import Any

import typer

_METHODS = ("inference", "qlora", "lora", "full")


def models(
    as_json: bool = typer.Option(False, "--json", help="Print JSON for a program."),
) -> None:
    """List known models, the memory they need, and what fits on this machine.

    Memory is computed from each model's shape: inference with 4,096 tokens; training of one row of
    1,024 tokens in 16 bits, adapters of rank 16. Any other causal model of the Hub or of a local
    folder works too.
    """
    from migaki.hardware import gpu
    from migaki.models.registry import SUPPORTED_MODELS

    device = gpu.get_available_device()
    available_gib, reason = gpu.available_memory_gib(device)
    rows = [
        {"name": name, **entry, "fits": _fits(entry["memory_gib"], available_gib)}
        for name, entry in sorted(SUPPORTED_MODELS.items(), key=lambda item: item[1]["parameters"])
    ]
    if as_json:
        machine = {"device": str(device), "available_memory_gib": available_gib, "reason": reason}
        typer.echo(json.dumps({"machine": machine, "models": rows}, ensure_ascii=False, indent=2))
        return
    _show(rows, f"{available_gib:.1f} GiB {reason}, on {device}")


def _fits(memory: dict[str, float], available_gib: float) -> dict[str, bool]:
    return {method: memory[method] <= available_gib for method in _METHODS}


def _show(rows: list[dict[str, Any]], machine: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from migaki.cli.console import out

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", overflow="fold")
    for title in ("size", "licence", "context"):
        table.add_column(title, justify="left" if title == "licence" else "right")
    for method in _METHODS:
        table.add_column(f"{method} GiB", justify="right")
    for row in rows:
        cells = [
            Text(f"{row['memory_gib'][m]:g} ✓", style="green")
            if row["fits"][m]
            else Text(f"{row['memory_gib'][m]:g} ✗", style="red")
            for m in _METHODS
        ]
        size = Text(_count(row["parameters"]) + ("" if row["verified"] else " ?"))
        table.add_row(
            Text(row["name"]), size, Text(row["licence"]), Text(f"{row['context']:,}"), *cells
        )
    out.print(table)
    out.print(
        Text(
            f"✓ fits here, ✗ does not: {machine}.  ?: shape not read from the model's own page.",
            style="dim",
        ),
        soft_wrap=True,
    )


def _count(number: int) -> str:
    return f"{number / 1e9:.1f} B" if number >= 1e8 else f"{number / 1e6:.1f} M"
