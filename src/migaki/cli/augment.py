"""``migaki augment``: the rows of a file and their variants into another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from migaki.cli.choices import one_of, words_of
from migaki.cli.console import err, out
from migaki.cli.row_watch import RowWatch
from migaki.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from migaki.corpus.augmentation import Augmentation, Summary
    from migaki.linguistics.operators import Operator


def augment(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="IN",
            show_default=False,
            help="JSONL, Parquet or TXT (a row a line). JSON, CSV and TSV too, held in memory whole.",
        ),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            show_default=False,
            help="Where to write: its suffix (.jsonl, .parquet, .txt) is the format.",
        ),
    ] = None,
    variants: Annotated[
        int, typer.Option("--variants", "-n", min=1, help="Variants of each row, at most.")
    ] = 3,
    operators: Annotated[
        str | None,
        typer.Option(
            help="Operators or families, divided by commas: adverbs,verbs.politeness. All if none."
        ),
    ] = None,
    use: Annotated[
        str,
        typer.Option(
            help="What the variants are for: train (good Japanese), rejected (the worse side of a "
            "preference pair) or evaluation (minimal pairs)."
        ),
    ] = "train",
    fields: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            help="Column to vary, or assistant, user, system in a conversation; again for more. "
            "What the model is to say if none.",
        ),
    ] = None,
    rate: Annotated[
        float,
        typer.Option(help="Share of the rows that get variants; the others stay as they are."),
    ] = 1.0,
    max_rows: Annotated[
        int | None,
        typer.Option("--max-rows", help="Only so many rows, from the top, get variants."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Chooses among the possible variants, and the rows of --rate.")
    ] = 0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; the output does not depend on it. All cores if none."),
    ] = None,
    keep_source: Annotated[
        bool,
        typer.Option("--keep-source/--no-keep-source", help="Write each source row too, first."),
    ] = True,
    on_bad_row: Annotated[
        str,
        typer.Option(
            help="error: stop at a row that cannot be used. skip: leave it out and list it in "
            "OUT.rejected.jsonl."
        ),
    ] = "error",
    engine: Annotated[
        str, typer.Option(help="Analyser: fugashi or sudachi (an extra).")
    ] = "fugashi",
    encoding: Annotated[str, typer.Option(help="Text encoding of IN.")] = "auto",
    licence: Annotated[
        str | None,
        typer.Option(help="Licence of rows that state none: CC-BY-4.0, MIT …", show_default=False),
    ] = None,
    force_licence: Annotated[
        bool,
        typer.Option(
            "--force-licence",
            help="Vary rows whose licence forbids changed texts: you have permission.",
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with work that was stopped or killed.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace OUT, or throw unfinished work away.")
    ] = False,
    list_operators: Annotated[
        bool, typer.Option("--list-operators", help="Show the operators and what each declares.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the summary or the list as JSON on stdout.")
    ] = False,
) -> None:
    """Say the same differently: write the rows of a file with variants of each.

    Every variant is analysed again before it is written, and says in its columns augment_… which row
    it comes from, what was changed where, and by which operator. Other columns (license, source …)
    stay as they are.

      migaki augment my_chats.jsonl -o more_chats.jsonl

      migaki augment corpus.parquet -o out.parquet --variants 2 --operators adverbs,verbs

      migaki augment --list-operators

    Memory does not grow with the number of rows. OUT appears when it is complete; until then work is
    kept in OUT.part, and after Ctrl-C or a kill the same command with --resume goes on.
    """
    if list_operators:
        _list_operators(json_output=json_output)
        return
    if source is None or target is None:
        missing = "the file to read" if source is None else "where to write"
        raise UsageError(
            f"It was not said {missing}.", hint="For example: migaki augment in.jsonl -o out.jsonl"
        )
    from migaki.corpus.augmentation import Augmentation
    from migaki.hardware.cpu import usable_cores

    asked = Augmentation(
        variants=variants,
        seed=seed,
        operators=words_of(operators),
        use=use,
        fields=tuple(fields or ()),
        keep_source=keep_source,
        rate=rate,
        max_rows=max_rows,
        engine=engine,
        on_bad_row=one_of("--on-bad-row", on_bad_row, ("error", "skip")),
        encoding=encoding,
        licence=licence,
        force_licence=force_licence,
    )
    _run(
        source,
        target,
        asked,
        workers=workers or usable_cores(),
        resume=resume,
        overwrite=overwrite,
        json_output=json_output,
    )


def _run(
    source: Path,
    target: Path,
    asked: Augmentation,
    *,
    workers: int,
    resume: bool,
    overwrite: bool,
    json_output: bool,
) -> None:
    from migaki.cli.progress import JobProgress
    from migaki.corpus.augmentation import augment_file

    with JobProgress(err) as progress:
        watch = RowWatch(progress)
        summary = augment_file(
            source,
            target,
            asked,
            workers=workers,
            resume=resume,
            overwrite=overwrite,
            on_progress=watch.on_progress,
        )
    if json_output:
        typer.echo(json.dumps({"output": str(target), **summary.to_json()}, ensure_ascii=False))
        return
    _show(summary, target, watch)


def _show(summary: Summary, target: Path, watch: RowWatch) -> None:
    from rich.text import Text

    bad = summary.bad_rows
    used = summary.rows - bad
    fields = ", ".join(f"{name} ({rows:,} rows)" for name, rows in summary.fields.items())
    lines = [
        f"Varied: {fields or 'nothing'}.",
        f"Rows: {summary.rows:,} read = {used:,} used + {bad:,} not usable; "
        f"{summary.rows_passed_over:,} of them were not to be varied, "
        f"{summary.rows_without_variant:,} have no variant.",
        f"Sentences: {summary.sentences:,}, of which {summary.sentences_without_variant:,} are the "
        "same in every variant.",
    ]
    err.print(
        Text("Wrote ")
        .append(str(target), style="bold")
        .append(
            f": {summary.rows_out:,} rows, {summary.variants:,} of them variants, in "
            f"{watch.elapsed_s:,.1f} s ({watch.rows_per_s:,.0f} rows/s)."
        ),
        soft_wrap=True,
    )
    for line in lines:
        err.print(Text(line), soft_wrap=True)
    _show_licences(summary)
    if summary.operators or summary.rejections:
        err.print(_outcomes(summary))
    for row in summary.listed_bad_rows:
        err.print(
            Text(f"  {row['file']}:{row['line']}: {row['reason']}", style="yellow"), soft_wrap=True
        )
    if bad:
        err.print(Text(f"All {bad:,} are listed in {target}.rejected.jsonl."), soft_wrap=True)


def _show_licences(summary: Summary) -> None:
    from rich.text import Text

    from migaki.corpus.licences import find_licence

    if not summary.licences:
        return
    rows = ", ".join(f"{name} ({count:,} rows)" for name, count in summary.licences.items())
    err.print(Text(f"Licences: {rows}."), soft_wrap=True)
    unsure = sum(
        n for name, n in summary.licences.items() if find_licence(name).augment == "unknown"
    )
    forced = sum(n for name, n in summary.licences.items() if find_licence(name).augment == "no")
    if unsure:
        err.print(
            Text(
                f"Whether {unsure:,} of them may be changed is not known: check before you publish what "
                "was made of them; --licence states it.",
                style="yellow",
            ),
            soft_wrap=True,
        )
    if forced:
        err.print(
            Text(f"{forced:,} of them were changed against their licence.", style="bold yellow"),
            soft_wrap=True,
        )


def _outcomes(summary: Summary) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("operator", overflow="fold")
    table.add_column("in variants", justify="right")
    table.add_column("rejected", justify="right")
    table.add_column("because", overflow="fold")
    for name in sorted({*summary.operators, *summary.rejections}):
        kept = summary.operators.get(name, 0)
        reasons = summary.rejections.get(name, {})
        lost = sum(reasons.values())
        most_first = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        table.add_row(
            Text(name),
            f"{kept:,}",
            f"{lost:,} ({lost / (kept + lost):.0%})" if lost else "0",
            Text(", ".join(f"{reason} {count:,}" for reason, count in most_first)),
        )
    return table


# ── operators ────────────────────────────────────────────────────────────────────────────────────


def _list_operators(*, json_output: bool) -> None:
    from migaki.linguistics.operators import find_operators

    found = find_operators()
    if json_output:
        typer.echo(json.dumps([_declared(o) for o in found], ensure_ascii=False, indent=2))
        return
    from rich.text import Text

    widest = max(len(operator.name) for operator in found)
    for operator in found:
        grammatical = "grammatical" if operator.grammatical else "ungrammatical"
        line = Text(f"{operator.name:{widest}}", style="bold")
        line.append(
            f"  {operator.family:10}  meaning {operator.meaning:7}  {grammatical:13}  {operator.use}",
            style="not bold",
        )
        out.print(
            line.append(f"\n    {operator.description}", style="dim not bold"), soft_wrap=True
        )
    out.print(
        Text("The last word is the use: those for training are taken unless --use names another."),
        soft_wrap=True,
    )


def _declared(operator: Operator) -> dict[str, Any]:
    return {
        "name": operator.name,
        "family": operator.family,
        "meaning": str(operator.meaning),
        "grammatical": operator.grammatical,
        "use": str(operator.use),
        "description": operator.description,
    }
