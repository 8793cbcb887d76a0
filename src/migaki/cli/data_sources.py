"""``migaki data list``: the sources of text that migaki knows, and the licences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from migaki.cli.console import err, out

if TYPE_CHECKING:
    from rich.text import Text

    from migaki.corpus.licences import Licence
    from migaki.corpus.sources import Source

_USES = ("train", "augment", "redistribute", "commercial")
_DUTIES = ("share_alike", "attribution")


def list_sources(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME…]", help="Only these sources, or licences.", show_default=False
        ),
    ] = None,
    base_dir: Annotated[
        Path, typer.Option("--base-dir", help="Data folder; what of a source lies there is shown.")
    ] = Path("dataset/deepseek-jp"),
    licences: Annotated[
        bool,
        typer.Option("--licences", help="List licences instead: what each allows and asks for."),
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List the sources of Japanese text: what they hold, where they are, what their licence allows.

    Each is opened by its name, streamed from the Hugging Face hub or read from the data folder; files of
    your own need no entry.

      migaki data list

      migaki data list --licences

      migaki data prepare news --out dataset/deepseek-jp/news
    """
    if licences:
        _list_licences(names or [], json_output=json_output)
        return
    from migaki.corpus.sources import find_source, known_sources

    chosen = [find_source(name) for name in names] if names else list(known_sources().values())
    if json_output:
        typer.echo(
            json.dumps([_as_json(s, base_dir) for s in chosen], ensure_ascii=False, indent=2)
        )
        return
    for source in chosen:
        _show(source, base_dir)
    _show_legend()


def _show(source: Source, base_dir: Path) -> None:
    from rich.text import Text

    from migaki.corpus.licences import find_licence
    from migaki.corpus.sources import local_files

    head = Text(f"{source.name:14}", style="bold")
    head.append(f" {source.domain:12}{source.title}: {source.purpose}", style="not bold")
    out.print(head, soft_wrap=True)
    where = (_where(source), _size(source), "gated: accept its terms first" if source.gated else "")
    details = [
        _licence_line(find_licence(source.licence)),
        "; ".join(fact for fact in where if fact),
        f"from memory, not verified: {', '.join(source.unverified)}" if source.unverified else "",
        source.note,
    ]
    for line in details:
        if line:
            out.print(Text(f"    {line}", style="dim"), soft_wrap=True)
    for path in local_files(source.name, base_dir):
        out.print(Text(f"    in the data folder: {path}", style="green"), soft_wrap=True)


def _where(source: Source) -> str:
    if source.hub is None:
        return source.obtain
    config = f", config {source.hub.config}" if source.hub.config else ""
    return f"hub {source.hub.id}{config}, columns {', '.join(source.hub.columns)}"


def _size(source: Source) -> str:
    rows = f"{source.rows:,} rows" if source.rows is not None else ""
    size = f"{source.download_bytes / 1e6:,.0f} MB to fetch" if source.download_bytes else ""
    return ", ".join(part for part in (rows, size) if part)


def _licence_line(licence: Licence) -> str:
    uses = [f"{_word(use)} {_mark(getattr(licence, use))}" for use in _USES]
    duties = [_word(duty) for duty in _DUTIES if getattr(licence, duty) == "yes"]
    return f"{licence.name}: {', '.join(uses)}" + (f"; {', '.join(duties)}" if duties else "")


def _mark(answer: str) -> str:
    return {"yes": "✓", "no": "✗"}.get(answer, "?")


def _word(column: str) -> str:
    return column.replace("_", " ")


def _show_legend() -> None:
    from rich.text import Text

    err.print(
        Text(
            "✓ the licence allows it, ✗ it does not, ? not known. Columns are checked when a source is "
            "opened.",
            style="dim",
        ),
        soft_wrap=True,
    )


def _as_json(source: Source, base_dir: Path) -> dict[str, Any]:
    from migaki.config import to_mapping
    from migaki.corpus.sources import local_files

    there = [str(path) for path in local_files(source.name, base_dir)]
    return {**to_mapping(source), "in_data_folder": there}


# ── licences ─────────────────────────────────────────────────────────────────────────────────────


def _list_licences(names: list[str], *, json_output: bool) -> None:
    from dataclasses import asdict

    from migaki.corpus.licences import find_licence, known_licences

    chosen = [find_licence(name) for name in names] if names else list(known_licences())
    if json_output:
        typer.echo(
            json.dumps([asdict(licence) for licence in chosen], ensure_ascii=False, indent=2)
        )
        return
    for licence in chosen:
        out.print(_licence_text(licence), soft_wrap=True)
    err.print("A reading of the licence texts by engineers, not legal advice.", style="dim")


def _licence_text(licence: Licence) -> Text:
    from rich.text import Text

    name, _, answers = _licence_line(licence).partition(": ")
    text = Text(f"{name:18} ", style="bold").append(answers, style="not bold")
    basis = "; ".join(part for part in (licence.basis, licence.url) if part)
    return text.append(f"\n    {basis}", style="dim not bold")
