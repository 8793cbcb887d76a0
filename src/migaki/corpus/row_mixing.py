"""Mix files of training rows into one: the whole job of a mixing configuration."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from migaki.corpus.mixing import Measure, MixConfig, mix
from migaki.corpus.row_files import RowFile
from migaki.corpus.row_sets import RowSet, row_of
from migaki.corpus.rows import BadRow
from migaki.errors import ConfigError

__all__ = ["mix_files"]

Progress = Callable[[str, int, int | None], None]


def mix_files(
    config: MixConfig,
    target: Path,
    *,
    measure: Measure | None = None,
    on_bad_row: Literal["error", "skip"] = "error",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a mixture of files and return what each gave.

    Args:
        config: Each source with its ``path``.
        target: The output: .jsonl, .parquet or .txt.
        measure: Length of a document, where the unit is tokens.
        on_bad_row: Stop at a row that cannot be used, or leave it out, list and count it.
        overwrite: The output may be replaced.
        progress: Told a stage, units written, and the budget.

    Raises:
        ConfigError: A source has no path.
        UsageError: The output exists, or its format is not known.
        DataError: A file cannot be read, or is empty.
        BadRowError: A row cannot be used, and such rows are not to be left out.
    """
    homeless = [name for name, share in config.sources.items() if share.path is None]
    if homeless:
        raise ConfigError(
            f"The source '{homeless[0]}' of the mixture has no path.",
            hint="Say where it is: sources: {NAME: {path: FILE, weight: 1}}.",
        )
    bad_rows: list[BadRow] = []
    sources = {
        name: partial(RowSet((share.path,), on_bad_row=on_bad_row).documents, bad_rows)
        for name, share in config.sources.items()
        if share.path
    }
    with RowFile(target, overwrite=overwrite) as output:
        mixture = mix(sources, config, measure=measure)
        for document in mixture:
            output.write(row_of(document), where=document.id)
            if progress and output.written % 256 == 0:
                progress("mixing", mixture.total, config.budget)
        met = {(row.path, row.line): row for row in bad_rows}  # each epoch meets them again
        output.leave_out_bad(met.values())
    return {**mixture.to_json(), "bad_rows": len(met)}
