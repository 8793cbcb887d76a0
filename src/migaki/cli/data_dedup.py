"""``migaki data dedup``: rows that say the same as another go, and what evaluation sets ask."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migaki.cli.choices import one_of
from migaki.cli.console import err, out
from migaki.errors import UsageError

if TYPE_CHECKING:
    from migaki.corpus.row_deduplication import DeduplicationSummary


def dedup(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="IN…", help="Files or folders of rows; of them all, one copy stays."
        ),
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Where to write: .jsonl, .parquet or .txt."
        ),
    ],
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EVAL",
            help="Evaluation set (JSON, JSONL, CSV) whose questions no row may hold; again for more.",
        ),
    ] = None,
    on_contaminated: Annotated[
        str, typer.Option(help="A row that holds such a question: drop it, or only report it.")
    ] = "drop",
    threshold: Annotated[
        float,
        typer.Option(min=0.5, max=1.0, help="Similarity from which rows are near-duplicates."),
    ] = 0.6,
    exact: Annotated[bool, typer.Option("--exact", help="Only exact duplicates.")] = False,
    fields: Annotated[
        list[str] | None,
        typer.Option("--field", help="Column that is compared; again for more. All text if none."),
    ] = None,
    prefer: Annotated[
        list[str] | None,
        typer.Option(
            help="The IN whose rows rather stay; again for the next. The longest if none."
        ),
    ] = None,
    paragraphs: Annotated[
        str,
        typer.Option(help="Lines that stood before, in `text`: keep, count or remove them."),
    ] = "keep",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all counts and findings as JSON.")
    ] = None,
    on_bad_row: Annotated[
        str, typer.Option(help="error: stop at a row that cannot be used. skip: leave it out.")
    ] = "error",
    encoding: Annotated[str, typer.Option(help="Text encoding of IN.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the counts as JSON on stdout.")
    ] = False,
) -> None:
    """Leave out rows that say the same as another, and rows that hold evaluation questions.

    Two rows are near-duplicates from about one edited character in eleven on; of two that ask about
    the same passage, the questions and answers must be alike as well. The rows that stay are written
    unchanged; the others are listed, each with its reason, in OUT.left_out.jsonl.

      migaki data dedup chats.jsonl wiki.parquet -o clean.jsonl --prefer chats.jsonl

      migaki data dedup chats.jsonl -o clean.jsonl --against jcommonsenseqa-valid.json --report found.json

    Memory: about 350 bytes a row, whatever their length; 640 bytes a row in a temporary file.
    """
    from migaki.atomic import write_json
    from migaki.cli.progress import JobProgress
    from migaki.corpus.deduplication import DeduplicationConfig
    from migaki.corpus.row_deduplication import DeduplicationJob, deduplicate_files
    from migaki.corpus.row_sets import RowSet

    if unknown := [name for name in prefer or () if name not in sources]:
        raise UsageError(
            f"--prefer {unknown[0]} is none of the inputs.", hint=f"Valid: {', '.join(sources)}."
        )
    job = DeduplicationJob(
        rows=RowSet(
            tuple(sources),
            tuple(fields or ()),
            encoding,
            one_of("--on-bad-row", on_bad_row, ("error", "skip")),
        ),
        duplicates=DeduplicationConfig(near=not exact, threshold=threshold, prefer=prefer or []),
        against=tuple(against or ()),
        on_contaminated=one_of("--on-contaminated", on_contaminated, ("drop", "report")),
        paragraphs=one_of("--paragraphs", paragraphs, ("keep", "count", "remove")),
    )
    with JobProgress(err) as progress:
        summary = deduplicate_files(
            job, target, overwrite=overwrite, progress=lambda *done: progress.on_progress(*done)
        )
    found = summary.to_json()
    if report:
        write_json(report, found)
    if json_output:
        out.print_json(json.dumps({"output": str(target), **found}, ensure_ascii=False))
    else:
        _show(summary, target)


def _show(summary: DeduplicationSummary, target: Path) -> None:
    from rich.text import Text

    found = summary.to_json()
    duplicates = found["duplicates"]
    lines = [
        f"Rows: {found['rows_read']:,} read = {found['rows_written']:,} written + "
        f"{sum(found['left_out'].values()):,} left out + {found['bad_rows']:,} not usable.",
        f"Duplicates: {duplicates['exact_duplicates']:,} exact, {duplicates['near_duplicates']:,} near; "
        f"{duplicates['within_a_source']:,} within a source, {duplicates['across_sources']:,} across.",
    ]
    if duplicates["large_buckets"]:
        lines.append(
            f"{duplicates['large_buckets']:,} groups of candidates had more than 256 rows; in them each "
            "row was compared with the most preferred ones only."
        )
    if found["contamination"]:
        lines += _contamination_lines(found["contamination"])
    if found["paragraphs"]:
        counts = found["paragraphs"]
        lines.append(
            f"Lines: {counts['repeated']:,} of {counts['lines']:,} stood before "
            f"({counts['repeated_characters']:,} characters)."
        )
    err.print(Text("Wrote ").append(str(target), style="bold"), soft_wrap=True)
    for line in lines:
        err.print(Text(line), soft_wrap=True)
    if found["rows_written"] < found["rows_read"]:
        err.print(Text(f"What was left out is listed in {target}.left_out.jsonl."), soft_wrap=True)


def _contamination_lines(found: dict[str, object]) -> list[str]:
    sets = found["sets"]
    assert isinstance(sets, dict)
    each = [
        f"  {name}: {counts['found']:,} of {counts['items']:,} items found"
        for name, counts in sets.items()
    ]
    return [
        f"Evaluation: {found['items_found']:,} of {found['items']:,} items have their question in "
        f"{found['documents_with_questions']:,} rows; {found['items_with_answers_only']:,} only a long "
        f"answer; {found['items_too_short']:,} are too short to be looked for.",
        *each,
    ]
