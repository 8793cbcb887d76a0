"""Select rows of training files: the whole job, from files to a file with why each was taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from migaki.corpus.row_files import RowFile
from migaki.corpus.row_sets import RowSet, answer_of, changed_input, row_of
from migaki.corpus.rows import BadRow
from migaki.corpus.selection import Selection, SelectionConfig, select

__all__ = ["select_rows"]

Progress = Callable[[str, int, int | None], None]


def select_rows(
    rows: RowSet,
    target: Path,
    config: SelectionConfig,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Selection:
    """Write the rows that are taken, in the order of the input, with columns that say why.

    Args:
        rows: The candidates; read twice.
        target: The output: .jsonl, .parquet or .txt (which keeps no columns).
        config: How many, and what counts.
        overwrite: The output may be replaced.
        progress: Told a stage, rows done, and how many there are.

    Raises:
        UsageError: The output exists, or its format is not known.
        DataError: A file cannot be read, no row can be taken, or a row cannot be written.
    """
    with RowFile(target, overwrite=overwrite) as output:
        bad: list[BadRow] = []
        selection = select(rows.documents(bad), config, part=answer_of, progress=progress)
        output.leave_out_bad(bad)
        taken = {chosen.number: chosen for chosen in selection.chosen}
        for number, document in enumerate(rows.documents()):
            if chosen := taken.pop(number, None):
                if chosen.id != document.id:
                    raise changed_input(number + 1)
                row = row_of(document)
                value = {"text": row} if isinstance(row, str) else row
                output.write({**value, **chosen.columns()}, where=document.id)
        if taken:
            raise changed_input(min(taken) + 1)
    return selection
