"""``migaki data mix``: files in given shares into one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from migaki.cli.choices import one_of
from migaki.cli.console import err, out

if TYPE_CHECKING:
    from migaki.corpus.documents import Document
    from migaki.corpus.mixing import Measure


def mix(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="MIX.yaml [KEY=VALUE…]",
            help="The mixture, and overrides such as seed=1 or sources.wiki.weight=3.",
        ),
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="Where to write: .jsonl, .parquet or .txt."
        ),
    ],
    model: Annotated[
        str, typer.Option("--model", "-m", help="Whose tokenizer counts, where the unit is tokens.")
    ] = "migaki-tiny",
    on_bad_row: Annotated[
        str, typer.Option(help="error: stop at a row that cannot be used. skip: leave it out.")
    ] = "error",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print what each source gave as JSON on stdout.")
    ] = False,
) -> None:
    """Mix files in given shares, with a fixed seed, in memory that does not grow.

    MIX.yaml names the sources, for example:

      sources:

        wiki: {path: wiki.jsonl, weight: 3}

        chats: {path: chats.jsonl, weight: 1, max_epochs: 2}

      budget: 100000000

      migaki data mix MIX.yaml -o mixed.jsonl unit=tokens --model Qwen/Qwen2.5-1.5B

    A source without a weight weighs what it holds. The mixture ends with its budget, or when a source
    has had its epochs (on_exhausted=continue: when all have).
    """
    from migaki import config as configuration
    from migaki.cli.progress import JobProgress
    from migaki.corpus.mixing import MixConfig
    from migaki.corpus.row_mixing import mix_files
    from migaki.errors import UsageError

    files = [name for name in arguments if "=" not in name]
    if len(files) != 1:
        raise UsageError(
            f"{len(files)} mixtures were named; one is needed.",
            hint="For example: migaki data mix mix.yaml -o mixed.jsonl seed=1",
        )
    settings = configuration.merge(
        configuration.read_yaml(Path(files[0]), called="mixture"),
        configuration.parse_overrides(text for text in arguments if "=" in text),
    )
    config = configuration.build(MixConfig, settings, where=f"the mixture {files[0]}")
    with JobProgress(err) as progress:
        found = mix_files(
            config,
            target,
            measure=_token_counter(model) if config.unit == "tokens" else None,
            on_bad_row=one_of("--on-bad-row", on_bad_row, ("error", "skip")),
            overwrite=overwrite,
            progress=lambda *done: progress.on_progress(*done),
        )
    if json_output:
        out.print_json(json.dumps({"output": str(target), **found}, ensure_ascii=False))
    else:
        _show(found, target)


def _token_counter(model: str) -> Measure:
    from migaki.models.loading import load_tokenizer

    tokenizer = load_tokenizer(model)

    def tokens(document: Document) -> int:
        return len(tokenizer(document.text, add_special_tokens=False)["input_ids"])

    return tokens


def _show(found: dict[str, Any], target: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    unit = found["unit"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("source")
    for title in ("asked", "got", unit, "documents", "epochs"):
        table.add_column(title, justify="right")
    for name, source in found["sources"].items():
        epochs = source["epochs"]
        table.add_row(
            Text(name),
            f"{source['share_asked']:.2%}",
            f"{source['share_got']:.2%}",
            f"{source[unit]:,}",
            f"{source['documents']:,}",
            "not all read" if epochs is None else f"{epochs:.2f} of {source['max_epochs']}",
        )
    err.print(Text("Wrote ").append(str(target), style="bold"), soft_wrap=True)
    err.print(table)
    err.print(
        Text(f"{found['total']:,} {unit}; it ended because {found['stopped_because']}."),
        soft_wrap=True,
    )
    if found["bad_rows"]:
        err.print(
            Text(
                f"{found['bad_rows']:,} rows could not be used; they are listed in "
                f"{target}.left_out.jsonl."
            ),
            soft_wrap=True,
        )
