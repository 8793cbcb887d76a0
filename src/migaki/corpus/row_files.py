"""Rows written to one file that is whole or not there, with a list of what was left out beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from migaki.corpus.resumable_output import ResumableOutput
from migaki.corpus.row_writing import UnwritableRowError, json_line, writing_of
from migaki.corpus.rows import BadRow
from migaki.errors import DataError

__all__ = ["LEFT_OUT", "RowFile"]

LEFT_OUT = ".left_out.jsonl"
"""Suffix of the list that goes with the output."""

_CHUNK = 256
_IDENTITY = {"job": "rows"}


class RowFile:
    """A file of rows that is being written; a context manager.

    Args:
        target: The output: .jsonl, .parquet or .txt.
        overwrite: It may be replaced.

    Raises:
        UsageError: It exists, or its format is not known.
    """

    def __init__(self, target: Path, *, overwrite: bool = False) -> None:
        self._writing = writing_of(target)
        self._output = ResumableOutput(
            target,
            suffixes=(*self._writing.suffixes, LEFT_OUT),
            identity=_IDENTITY,
            overwrite=overwrite or _is_ours_unfinished(target),
        )
        self._rows: list[tuple[Mapping[str, Any], str | None]] = []
        self._left_out: list[bytes] = []
        self.written = 0
        """Rows that were given."""

    def __enter__(self) -> RowFile:
        """Nothing more to do: the files are open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the files their names, or throw them away after an error."""
        try:
            if kind is None:
                self._flush()
                self._output.finish(self._writing.finisher)
        finally:
            self._output.__exit__(kind, error, trace)

    def write(self, row: Any, *, where: str) -> None:
        """Add a row; a text becomes the column ``text``.

        Args:
            row: The row.
            where: Its file and line, for messages.

        Raises:
            DataError: A file of this format cannot hold it.
        """
        value = {"text": row} if isinstance(row, str) else row
        column = "text" if set(value) & {"text"} else None
        try:
            self._writing.check(value, column)
        except UnwritableRowError as err:
            raise DataError(f"{where}: the row {err}.") from err
        self._rows.append((value, column))
        self.written += 1
        if len(self._rows) >= _CHUNK:
            self._flush()

    def leave_out(self, note: Mapping[str, Any]) -> None:
        """List a row that is left out."""
        self._left_out.append(json_line(note))
        if len(self._left_out) >= _CHUNK:
            self._flush()

    def leave_out_bad(self, rows: Iterable[BadRow]) -> None:
        """List rows that cannot be used."""
        for row in rows:
            self.leave_out(
                {"id": f"{row.path}:{row.line}", "reason": "bad_row", "detail": row.reason}
            )

    def _flush(self) -> None:
        pieces = (*self._writing.encode(self._rows), b"".join(self._left_out))
        rows = len(self._rows) + len(self._left_out)
        self._rows, self._left_out = [], []
        self._output.append(pieces, rows=rows, totals={})


def _is_ours_unfinished(target: Path) -> bool:
    """Tell whether a job of this kind was stopped here: it begins anew, as nothing can be resumed."""
    state = target.with_name(target.name + ".part.json")
    if target.exists() or not state.exists():
        return False
    try:
        found = json.loads(state.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("made_with") == _IDENTITY
