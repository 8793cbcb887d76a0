"""``migaki data clean``: keep what is good Japanese, mend what can be mended, say why of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migaki.cli.console import err, out
from migaki.cli.row_watch import RowWatch
from migaki.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from migaki.corpus.file_cleaning import CleaningSummary


def clean(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IN… [KEY=VALUE…]",
            show_default=False,
            help="Files, folders or globs (JSONL, Parquet, TXT with a row a line; JSON, CSV and TSV, "
            "held in memory whole), and settings such as length.min_japanese=100 or ellipses=off.",
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            show_default=False,
            help="Where to write: its suffix (.jsonl, .parquet, .txt) is the format. Nothing is written "
            "without it.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            "-p",
            help="Kind of text: web, swallow (the same as published), encyclopaedia (and news), "
            "literature, technical, dialogue; none for only what KEY=VALUE and --config name.",
        ),
    ] = "web",
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="FILE", help="Settings in YAML, laid over the preset."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show examples of each reason with what was measured.")
    ] = False,
    examples: Annotated[
        int,
        typer.Option("--examples", min=1, help="How many examples --explain shows of each reason."),
    ] = 3,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="List what is rejected in OUT.rejected.jsonl, with why."),
    ] = False,
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            help="Column that is text, or assistant, user, system in a conversation; again for more. All "
            "that is text if none.",
        ),
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print the settings as YAML, and do nothing.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; the output does not depend on it. All cores if none."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Text encoding of IN.")] = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with work that was stopped or killed.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUT, or throw unfinished work away.")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Clean rows: keep good Japanese, mend widths and encodings, mask personal information.

    Every row is kept or rejected whole, with its reason; rows read = kept + rejected. A conversation is one
    text. The rows keep their columns.

      migaki data clean web.jsonl -o clean.jsonl

      migaki data clean chats.jsonl --preset dialogue --explain

      migaki data clean a.parquet b.parquet -o clean.parquet --config cleaning.yaml length.min_japanese=200
    """
    from migaki.cli.progress import JobProgress
    from migaki.config import to_yaml
    from migaki.corpus.cleaning.config import named_code, read_cleaning_config
    from migaki.corpus.file_cleaning import Cleaning, clean_files
    from migaki.hardware.cpu import usable_cores

    names = [a for a in arguments or [] if "=" not in a or Path(a).exists()]
    overrides = [a for a in arguments or [] if a not in names]
    settings = read_cleaning_config(config, preset=preset, overrides=overrides)
    if show_config:
        typer.echo(to_yaml(settings), nl=False)
        return
    if not names:
        raise UsageError(
            "It was not said what to clean.",
            hint="For example: migaki data clean in.jsonl -o out.jsonl",
        )
    if rejected and target is None:
        raise UsageError(
            "--rejected lists beside the output, and there is none.", hint="Give -o OUT."
        )
    if code := named_code(settings):
        err.print(
            f"The configuration runs code: {', '.join(code)}.", style="yellow", soft_wrap=True
        )
    asked = Cleaning(settings, tuple(fields or ()), rejected, examples, encoding)
    with JobProgress(err) as progress:
        summary = clean_files(
            names,
            asked,
            target=target,
            workers=workers or usable_cores(),
            resume=resume,
            overwrite=overwrite,
            on_progress=RowWatch(progress).on_progress,
        )
    if json_output:
        where = {"output": str(target) if target else None}
        typer.echo(json.dumps({**where, **summary.to_json()}, ensure_ascii=False))
        return
    _show(summary, target, rejected=rejected)
    if explain:
        _show_examples(summary)


def _show(summary: CleaningSummary, target: Path | None, *, rejected: bool) -> None:
    from rich.text import Text

    lost = summary.rows - summary.kept - summary.unreadable
    share = summary.characters_kept / summary.characters if summary.characters else 0.0
    out.print(_table(summary))
    err.print(
        Text(f"{summary.rows:,} rows read = {summary.kept:,} kept + {lost:,} rejected + ")
        .append(f"{summary.unreadable:,} unreadable; ")
        .append(
            f"{summary.characters_kept:,} of {summary.characters:,} characters kept ({share:.0%})."
        ),
        soft_wrap=True,
    )
    if target is None:
        err.print("Nothing was written: give -o OUT.", style="yellow")
        return
    err.print(Text("Wrote ").append(str(target), style="bold").append("."), soft_wrap=True)
    if rejected and (lost or summary.unreadable):
        err.print(f"What was rejected is listed in {target}.rejected.jsonl.", soft_wrap=True)


def _table(summary: CleaningSummary) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stage", overflow="fold")
    table.add_column("what became of the rows", overflow="fold")
    table.add_column("rows", justify="right")
    table.add_column("share", justify="right")
    rows = max(1, summary.rows)
    for stage, reasons in summary.rejected.items():
        for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
            table.add_row(stage, f"rejected: {reason}", f"{count:,}", f"{count / rows:.1%}")
    if summary.unreadable:
        table.add_row(
            "reading", "unreadable", f"{summary.unreadable:,}", f"{summary.unreadable / rows:.1%}"
        )
    for name, count in sorted(summary.changes.items()):
        table.add_row("changed", name, f"{count:,}", "")
    table.add_row("", "kept", f"{summary.kept:,}", f"{summary.kept / rows:.1%}", style="bold")
    return table


def _show_examples(summary: CleaningSummary) -> None:
    from rich.text import Text

    for reason, found in summary.examples.items():
        out.print(Text(f"\n{reason}", style="bold"), soft_wrap=True)
        for example in found:
            head = Text(f"  {example['id']}  ", style="dim").append(
                example["detail"], style="not dim cyan"
            )
            text = " ".join(example["text"].split())
            out.print(head, soft_wrap=True)
            out.print(Text(f"    {text}"), soft_wrap=True)
