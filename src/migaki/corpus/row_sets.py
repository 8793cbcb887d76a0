"""Files of training rows as documents that remember their row, read as often as needed.

What works on whole rows (deduplication, selection, mixing) writes them as they were: the document is
only what is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from migaki.corpus.documents import Document
from migaki.corpus.licences import UNKNOWN
from migaki.corpus.reading import LocalReader, open_source
from migaki.corpus.row_parts import row_parts
from migaki.corpus.rows import BadRow, Row
from migaki.corpus.shard_rows import shard_rows
from migaki.corpus.text_fields import FieldProblemError
from migaki.errors import BadRowError, DataError, UsageError

__all__ = ["RowSet", "answer_of", "changed_input", "own_part_of", "row_of", "same_documents"]


def row_of(document: Document) -> Any:
    """Return the row that a document of a `RowSet` is made of."""
    return document.metadata["row"]


def own_part_of(document: Document) -> str:
    """Return what sets the row apart; see `RowParts.own`."""
    own: str = document.metadata["own"]
    return own


def answer_of(document: Document) -> str:
    """Return what the model is to learn to write of the row."""
    answer: str = document.metadata["answer"]
    return answer


@dataclass(frozen=True)
class RowSet:
    """The rows of some files.

    Args:
        names: Files or folders, as `open_source` takes them; not data sets of the hub.
        fields: Which columns of a row are its text; all that is known if none.
        encoding: Text encoding, or ``auto``.
        on_bad_row: Stop at a row that cannot be used, or leave it out.
    """

    names: tuple[str, ...]
    fields: tuple[str, ...] = ()
    encoding: str = "auto"
    on_bad_row: Literal["error", "skip"] = "error"

    def __post_init__(self) -> None:
        """Refuse a name that stands twice: its rows would be duplicates of themselves."""
        resolved = [str(Path(name).expanduser().resolve()) for name in self.names]
        twice = sorted({name for name in resolved if resolved.count(name) > 1})
        if twice:
            raise UsageError(f"The same file is named twice: {', '.join(twice)}.")

    def read(self) -> Iterator[Document | BadRow]:
        """Yield the rows as documents, in the order of the files.

        Raises:
            BadRowError: A row cannot be used, and such rows are not to be left out.
        """
        for name in self.names:
            reader = _local(name, self.encoding)
            for shard in reader.shards():
                rows = shard_rows(
                    shard, encoding=self.encoding, text_unit=reader.text_unit, limits=reader.limits
                )
                place = shard.name if shard.end is None else shard.name.rpartition("@")[0]
                place = name if Path(name).is_file() else f"{name}/{place}"
                line = on_its_line = 0  # a JSON array may stand on one line
                for row in rows:
                    on_its_line = on_its_line + 1 if row.line == line else 1
                    line = row.line
                    which = f".{on_its_line}" if on_its_line > 1 else ""
                    yield self._document(row, name, f"{place}:{line}{which}")

    def documents(self, bad_rows: list[BadRow] | None = None) -> Iterator[Document]:
        """Yield the rows that can be used.

        Args:
            bad_rows: Where the others are put.

        Raises:
            BadRowError: A row cannot be used, and such rows are not to be left out.
        """
        for found in self.read():
            if isinstance(found, Document):
                yield found
            elif bad_rows is not None:
                bad_rows.append(found)

    def _document(self, row: Row | BadRow, name: str, place: str) -> Document | BadRow:
        if isinstance(row, BadRow):
            bad = row
        else:
            try:
                parts = row_parts(row.value, fields=self.fields)
            except FieldProblemError as err:
                bad = BadRow(row.path, row.line, str(err), repr(row.value)[:2000])
            else:
                found = {"row": row.value, "own": parts.own, "answer": parts.answer}
                return Document(parts.text, place, name, UNKNOWN, found)
        if self.on_bad_row == "error":
            raise BadRowError(
                f"{bad.reason}.",
                path=bad.path,
                line=bad.line,
                hint="Repair it, or go on without such rows: --on-bad-row skip.",
            )
        return bad


def same_documents(rows: RowSet, ids: Sequence[str]) -> Iterator[Document]:
    """Yield the documents of a second reading, which must be those of the first.

    Args:
        rows: The rows.
        ids: What the first reading found.

    Raises:
        DataError: A file has changed in between.
    """
    number = 0
    for number, document in enumerate(rows.documents(), start=1):
        if number > len(ids) or document.id != ids[number - 1]:
            break
        yield document
    else:
        if number == len(ids):
            return
    raise changed_input(number)


def changed_input(number: int) -> DataError:
    """Return the error for input that is another when it is read again."""
    return DataError(
        f"The input has changed while it was read: row {number:,} is not what it was.",
        hint="Wait until nobody writes these files, and begin anew.",
    )


def _local(name: str, encoding: str) -> LocalReader:
    reader = open_source(name, encoding=encoding)
    if not isinstance(reader, LocalReader):
        raise UsageError(
            f"{name} is a data set of the hub.",
            hint=f"Bring it here first: migaki data prepare {name} -o FOLDER.",
        )
    return reader
