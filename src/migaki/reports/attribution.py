"""Whose texts a run was trained on, and what their licences ask of whoever publishes the model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from migaki.corpus.licences import attribution, find_licence
from migaki.corpus.sources import known_sources
from migaki.reports.formats import clean
from migaki.reports.lineage import earlier_files
from migaki.reports.run_data import RunData, number, rows_of, text

__all__ = ["CreditedSource", "credited_sources", "duties"]

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class CreditedSource:
    """One source of a run's data under one licence."""

    source: str
    licence: str
    """Name of the licence in `corpus.licences`; ``unknown`` where nobody said, or it is not there."""
    rows: int
    line: str
    """The words that name it: source, licence, address, what it asks for."""


def credited_sources(run: RunData) -> list[CreditedSource]:
    """Return the sources of the data that a run's model was trained on, the most rows first.

    Args:
        run: A run folder that was read; its ``data.json`` counts rows by source and licence, and its
            lineage those of the stages before it.
    """
    rows: Counter[tuple[str, str]] = Counter()
    for file in [*rows_of(run.data.get("files")), *earlier_files(run)]:
        for entry in rows_of(file.get("sources")):
            name = clean(text(entry.get("source")))[:_LONGEST_NAME] or "a file without name"
            licence = clean(text(entry.get("licence")))[:_LONGEST_NAME]
            rows[name, licence] += int(number(entry.get("rows")) or 0)
    return [_credit(name, licence, count) for (name, licence), count in rows.most_common()]


def _credit(name: str, licence: str, rows: int) -> CreditedSource:
    entry = known_sources().get(name)
    title, url = (entry.title, entry.homepage) if entry else (name, "")
    line = attribution(licence, source=title, url=url)
    return CreditedSource(name, find_licence(licence).name, rows, line)


def duties(sources: list[CreditedSource]) -> list[str]:
    """Return what the licences together ask of whoever publishes what was made of the data."""
    found = [find_licence(source.licence) for source in sources]
    named = sorted({licence.name for licence in found if licence.attribution == "yes"})
    alike = sorted({licence.name for licence in found if licence.share_alike == "yes"})
    not_sold = sorted({licence.name for licence in found if licence.commercial == "no"})
    unsure = sum(source.rows for source in sources if not find_licence(source.licence).known)
    said = []
    if named:
        said.append(f"Name the sources ({', '.join(named)}).")
    if alike:
        said.append(
            f"What is made of the texts and published carries the same licence ({', '.join(alike)}). "
            "Whether a model's weights are made of its texts in this sense is not settled."
        )
    if not_sold:
        said.append(f"Not for commercial use ({', '.join(not_sold)}).")
    if unsure:
        said.append(f"The licence of {unsure:,} rows is not known: check it before you publish.")
    return said
