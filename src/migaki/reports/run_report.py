"""One HTML page about a run, from the files of its folder and nothing else.

The page is a single file without scripts, fonts, pictures or links from elsewhere, and a content
security policy that forbids them. Same files, same bytes: it holds no clock and no random number. Model
output and data are hostile: every value is escaped by Jinja's autoescape after `formats.clean` took out
what no page may hold, and none of them ever stands in a URL, a style or an attribute name.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from migaki.atomic import write_text
from migaki.reports import background, outcome
from migaki.reports.formats import clean
from migaki.reports.lineage import base_name, lineage_line, lineage_table
from migaki.reports.run_data import RunData, read_run

__all__ = ["render_report", "summary_rows", "write_report"]


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run folder, whole or not at all.

    Args:
        folder: A run folder; the run may have completed, failed or still run.

    Returns:
        The page.

    Raises:
        UsageError: It is no run folder.
        OSError: The page cannot be written.
    """
    path = folder / "report.html"
    write_text(path, render_report(read_run(folder)))
    return path


def render_report(run: RunData) -> str:
    """Return the page of a run as HTML."""
    environment = _environment()
    css, _, _ = environment.loader.get_source(environment, "report.css")  # type: ignore[union-attr]
    return environment.get_template("report.html.j2").render(
        name=run.name,
        css=Markup(css),  # a file of the package
        head=outcome.headline(run),
        tiles=outcome.tiles(run),
        warnings=outcome.warnings(run),
        subject=background.subject(run),
        lineage=lineage_table(run),
        lineage_base=base_name(run),
        charts=background.curves(run),
        throughput=background.throughput(run),
        bars=outcome.register_bars(run),
        pairs=outcome.answer_pairs(run),
        quality=outcome.answer_quality(run),
        data=background.data_facts(run),
        environment=background.environment_facts(run),
        commands=background.commands(run),
        problems=run.problems,
    )


def summary_rows(run: RunData) -> list[tuple[str, str]]:
    """Return state and headline figures as (name, value), for a terminal."""
    head = outcome.headline(run)
    rows = [("state", clean(" ".join(t for t in (head["state"], head["message"]) if t)))]
    for tile in outcome.tiles(run):
        before, change = (f"{tile.before} → ", f" ({tile.change})") if tile.change else ("", "")
        rows.append((tile.label.lower(), f"{before}{tile.value}{change}"))
    if line := lineage_line(run):
        rows.append(("lineage", clean(line)))
    return rows


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("migaki.reports"),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _finalize(value: Any) -> Any:
    """Take hostile characters out of everything that is drawn."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
