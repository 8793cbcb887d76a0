"""``migaki data select``: few rows that are good and differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migaki.cli.choices import one_of
from migaki.cli.console import err, out

if TYPE_CHECKING:
    from migaki.corpus.selection import Selection


def select(
    sources: Annotated[
        list[str], typer.Argument(metavar="IN…", help="Files or folders of rows to choose from.")
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Where to write: .jsonl, .parquet or .txt."
        ),
    ],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many rows to take.")],
    topics: Annotated[float, typer.Option(min=0, help="Weight of covering all topics.")] = 1.0,
    quality: Annotated[float, typer.Option(min=0, help="Weight of quality.")] = 1.0,
    registers: Annotated[float, typer.Option(min=0, help="Weight of rare registers.")] = 1.0,
    fields: Annotated[
        list[str] | None,
        typer.Option("--field", help="Column that is looked at; again for more. All text if none."),
    ] = None,
    on_bad_row: Annotated[
        str, typer.Option(help="error: stop at a row that cannot be used. skip: leave it out.")
    ] = "error",
    encoding: Annotated[str, typer.Option(help="Text encoding of IN.")] = "auto",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the counts as JSON.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the counts as JSON on stdout.")
    ] = False,
) -> None:
    """Choose few rows that are good and differ, and say why each was taken.

    Each row adds what is most needed: a topic that is not covered, a rare register, or quality
    (Japanese, varied, one register, whole, long enough). Near-duplicates are never both taken. The
    columns select_… of OUT say what decided; no model judges.

      migaki data select chats.jsonl -o few.jsonl --count 800

    Memory: about 4 KB a row.
    """
    from migaki.atomic import write_json
    from migaki.cli.progress import JobProgress
    from migaki.corpus.row_selection import select_rows
    from migaki.corpus.row_sets import RowSet
    from migaki.corpus.selection import SelectionConfig

    config = SelectionConfig(count=count, topics=topics, quality=quality, registers=registers)
    rows = RowSet(
        tuple(sources),
        tuple(fields or ()),
        encoding,
        one_of("--on-bad-row", on_bad_row, ("error", "skip")),
    )
    with JobProgress(err) as progress:
        found = select_rows(
            rows,
            target,
            config,
            overwrite=overwrite,
            progress=lambda *done: progress.on_progress(*done),
        )
    if report:
        write_json(report, found.to_json())
    if json_output:
        out.print_json(json.dumps({"output": str(target), **found.to_json()}, ensure_ascii=False))
    else:
        _show(found, target, count)


def _show(found: Selection, target: Path, count: int) -> None:
    from rich.text import Text

    counts = found.to_json()
    left_out = ", ".join(f"{rows:,} {reason}" for reason, rows in counts["left_out"].items())
    lines = [
        f"Rows: {counts['candidates']:,} candidates = {counts['taken']:,} taken + "
        f"{counts['not_needed']:,} not needed + {sum(counts['left_out'].values()):,} left out"
        + (f" ({left_out})." if left_out else "."),
        "Taken for: "
        + ", ".join(f"{reason} {n:,}" for reason, n in counts["reasons"].items())
        + ".",
        "Registers: " + ", ".join(f"{name} {n:,}" for name, n in counts["registers"].items()) + ".",
    ]
    err.print(Text("Wrote ").append(str(target), style="bold"), soft_wrap=True)
    for line in lines:
        err.print(Text(line), soft_wrap=True)
    if counts["taken"] < count:
        err.print(
            Text(f"Only {counts['taken']:,} of {count:,} rows could be taken.", style="yellow"),
            soft_wrap=True,
        )
