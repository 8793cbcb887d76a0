"""``migaki report``: write the page of a run again and say where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from migaki.cli.console import err, out


def report(
    run: Annotated[Path, typer.Argument(help="A run folder, for example runs/NAME.")],
    open_page: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser of this machine.")
    ] = False,
) -> None:
    """Write the report of a run from the files of its folder, and print where it is.

    Any run has one, also while it goes on, or when it failed or was stopped.

      migaki report runs/NAME --open
    """
    from rich.table import Table
    from rich.text import Text

    from migaki.reports.run_data import read_run
    from migaki.reports.run_report import summary_rows, write_report

    page = write_report(run)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in summary_rows(read_run(run)):
        table.add_row(name, Text(value))
    err.print(table)
    out.print(str(page), soft_wrap=True, highlight=False, markup=False)
    if open_page and not _open(page):
        err.print("No browser could be opened here: open the page yourself.", style="yellow")


def _open(page: Path) -> bool:
    import webbrowser

    return webbrowser.open(page.resolve().as_uri())
