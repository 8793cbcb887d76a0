"""Open a source by name or path: shards that any process can read, documents in them.

>>> reader = open_source("samples")
>>> shard, = reader.shards()
>>> next(reader.documents(shard)).licence
'CC0-1.0'
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migaki.corpus.documents import Document
from migaki.corpus.files import SAMPLES
from migaki.corpus.licences import UNKNOWN, find_licence
from migaki.corpus.local_shards import FoundFiles, cut_file, find_text_files
from migaki.corpus.row_documents import RowMapping, document_of_row
from migaki.corpus.rows import BadRow
from migaki.corpus.samples import SAMPLES_PATH
from migaki.corpus.shard_rows import shard_rows
from migaki.corpus.shards import ReadingLimits, Shard, SourceReader, TextUnit
from migaki.errors import DataError, UsageError

__all__ = ["LocalReader", "ReadingLimits", "Shard", "SourceReader", "open_source"]


@dataclass(frozen=True, slots=True)
class LocalReader:
    """Files of the user as a source; see `SourceReader`."""

    found: FoundFiles
    mapping: RowMapping
    encoding: str = "auto"
    text_unit: TextUnit = "paragraph"
    limits: ReadingLimits = field(default_factory=ReadingLimits)

    @property
    def name(self) -> str:
        """What documents call the source."""
        return self.mapping.source

    @property
    def licence(self) -> str:
        """Licence of the documents that do not state their own."""
        return self.mapping.licence

    def shards(self) -> list[Shard]:
        """Return the parts of all files, in the order of the files."""
        return [
            shard
            for path in self.found.files
            for shard in cut_file(
                path,
                self.found.place(path),
                encoding=self.encoding,
                text_unit=self.text_unit,
                limits=self.limits,
            )
        ]

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield the documents of a part; what is none stands in its place as a `BadRow`."""
        rows = shard_rows(
            shard, encoding=self.encoding, text_unit=self.text_unit, limits=self.limits
        )
        place = shard.name if shard.end is None else shard.name.rpartition("@")[0]
        line, on_its_line = 0, 0
        for row in rows:
            if isinstance(row, BadRow):
                yield row
                continue
            on_its_line = on_its_line + 1 if row.line == line else 1
            line = row.line
            yield document_of_row(row, self.mapping, place=place, on_its_line=on_its_line)

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of the source."""
        return {
            "kind": "files",
            "licence": self.licence,
            "path": str(self.found.root),
            "files": [
                {"name": self.found.place(path), "bytes": path.stat().st_size}
                for path in self.found.files
                if path.exists()
            ],
            "other_files": self.found.other_files,
        }


def open_source(
    name_or_path: str | Path,
    *,
    text: Sequence[str] = (),
    licence: str | None = None,
    encoding: str = "auto",
    text_unit: TextUnit = "paragraph",
    limits: ReadingLimits | None = None,
) -> SourceReader:
    """Open a source for reading.

    Args:
        name_or_path: A file (JSONL, JSON, Parquet, CSV, TSV, TXT, Markdown …, also compressed, or a
            ZIP archive), a folder of such files, or ``samples``.
        text: Columns that hold the text; none means that the shape of the rows is found out.
        licence: Licence of rows that state none themselves.
        encoding: Text encoding of local files, or ``auto``.
        text_unit: What one document of a plain text file is.
        limits: What is too long to be read.

    Raises:
        DataError: There is no such file, or the folder holds none that can be read.
        UsageError: The name is empty.
    """
    if not str(name_or_path):
        raise UsageError("The name of a source is empty.", hint="Give a file, a folder or a name.")
    stated = find_licence(licence).name if licence else UNKNOWN
    path = Path(os.path.expanduser(str(name_or_path)))
    if str(name_or_path) == SAMPLES and not path.exists():
        mapping = RowMapping(SAMPLES, "CC0-1.0", constants=(("synthetic", True),))
        return LocalReader(FoundFiles(SAMPLES_PATH, (SAMPLES_PATH,)), mapping)
    if not path.exists():
        raise DataError(
            f"The source {name_or_path} does not exist (looked in {Path.cwd()}).",
            hint=f"Give a file or folder, or '{SAMPLES}' for the embedded chats.",
        )
    return LocalReader(
        find_text_files(path),
        RowMapping(path.name, stated, tuple(text)),
        encoding=encoding,
        text_unit=text_unit,
        limits=limits or ReadingLimits(),
    )
