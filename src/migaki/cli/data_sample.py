"""``migaki data sample``: write sample documents, made by migaki, for trials."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from migaki.cli.console import err, out
from migaki.errors import UsageError


def sample(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False, help="Folder for the files."
        ),
    ],
    domain: Annotated[
        list[str] | None,
        typer.Option(
            "--domain",
            "-d",
            show_default=False,
            help="encyclopaedia, web, literature, news, technical or dialogue; all if none is named.",
        ),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Texts of each kind.")] = 1000,
    seed: Annotated[int, typer.Option(help="Same seed, same texts.")] = 7,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there.")
    ] = False,
) -> None:
    """Write sample texts: short, grammatical, all made up.

    For trying things out where real text is missing. Every file is called synthetic-…, every row says
    "synthetic": true, and production refuses them.

      migaki data sample -o data/samples

      migaki data sample -o data/samples -d news -d dialogue -n 200
    """
    from migaki.corpus.synthetic import DOMAINS, chosen_domains, write_sample_documents

    domains = chosen_domains(domain or DOMAINS)
    there = [path for name in domains if (path := output / f"synthetic-{name}.jsonl").exists()]
    if there and not overwrite:
        raise UsageError(
            f"{there[0]} is there already.", hint="Give another folder, or --overwrite."
        )
    files = write_sample_documents(output, count=count, seed=seed, domains=domains)
    err.print(f"{len(files) * count:,} sample texts, made up, seed {seed}:")
    for file in files:
        out.print(str(file), soft_wrap=True, highlight=False)
