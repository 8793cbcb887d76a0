"""``migaki models``: which models there are, what they need, and whether they fit here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.text import Text

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
    for method in _METHODS:
        table.add_column(method, justify="right", no_wrap=True)
    for row in rows:
        memory, fits = row["memory_gib"], row["fits"]
        cells = [
            Text(f"{memory[m]:.{0 if memory[m] >= 100 else 1}f} {'✓' if fits[m] else '✗'}")
            for m in _METHODS
        ]
        for cell, method in zip(cells, _METHODS, strict=True):
            cell.stylize("green" if fits[method] else "red")
        table.add_row(_title(row), *cells)
    out.print(table)
    out.print(
        Text(
            f"GiB of memory; ✓ fits here, ✗ does not: {machine}. "
            "?: dimensions not read from a page of the model.",
            style="dim",
        ),
        soft_wrap=True,
    )


def _title(row: dict[str, Any]) -> Text:
    from rich.text import Text

    doubt = "" if row["verified"] else "?"
    facts = f"{_count(row['parameters'])}{doubt}, {row['context']:,} tokens, {row['licence']}"
    return Text(row["name"]).append(f"\n  {facts}", style="dim")


def _count(number: int) -> str:
    return f"{number / 1e9:.1f} B" if number >= 1e8 else f"{number / 1e6:.1f} M"
