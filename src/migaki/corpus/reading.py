"""Open a source by name or path: shards that any process can read, documents in them.

>>> reader = open_source("samples")
>>> shard, = reader.shards()
>>> next(reader.documents(shard)).licence
'CC0-1.0'
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from migaki.corpus.aozora import aozora_reader
from migaki.corpus.documents import Document
from migaki.corpus.files import SAMPLES
from migaki.corpus.licences import UNKNOWN, find_licence
from migaki.corpus.local_shards import FoundFiles, cut_file, find_text_files
from migaki.corpus.row_documents import RowMapping, document_of_row
from migaki.corpus.rows import BadRow
from migaki.corpus.samples import SAMPLES_PATH
from migaki.corpus.shard_rows import shard_rows
from migaki.corpus.shards import HubOptions, ReadingLimits, Shard, SourceReader, TextUnit
from migaki.corpus.sources import HubData, Source, find_source, local_files
from migaki.errors import DataError, UsageError

__all__ = [
    "FileReading",
    "HubOptions",
    "LocalReader",
    "ReadingLimits",
    "Shard",
    "SourceReader",
    "open_files",
    "open_source",
]


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
    base_dir: Path | None = None,
    text: Sequence[str] = (),
    licence: str | None = None,
    encoding: str = "auto",
    text_unit: TextUnit | None = None,
    limits: ReadingLimits | None = None,
    hub: HubOptions | None = None,
) -> SourceReader:
    """Open a source for reading.

    Args:
        name_or_path: A name of `corpus.sources`, ``samples``, ``hub:OWNER/NAME``, a file (JSONL, JSON,
            Parquet, CSV, TSV, TXT, Markdown …, also compressed, or a ZIP archive) or a folder of such
            files. A path wins over a name. Files of Aozora Bunko are told by their names and read as
            works (`corpus.aozora`), unless `text` or `text_unit` is given.
        base_dir: Data folder; a name that has files there is read from them, not from the hub.
        text: Columns that hold the text; none: those of the entry, or found out from the rows.
        licence: Licence of rows that state none themselves.
        encoding: Text encoding of local files, or ``auto``.
        text_unit: What one document of a plain text file is; paragraphs, if the entry says nothing else.
        limits: What is too long to be read.
        hub: Configuration, split and revision of a data set of the hub.

    Raises:
        DataError: There is no such file, the folder holds none that can be read, or the data set of the
            hub does not exist, is gated, cannot be reached or has other columns.
        MissingExtraError: It is on the hub, and `datasets` is not installed.
        UsageError: There is no such name.
    """
    name = str(name_or_path)
    if not name:
        raise UsageError("The name of a source is empty.", hint="Give a file, a folder or a name.")
    files = FileReading(encoding, text_unit, limits or ReadingLimits())
    path = Path(os.path.expanduser(name))
    if path.exists():
        mapping = RowMapping(path.resolve().name, _stated(licence, UNKNOWN), tuple(text))
        found = find_text_files(path)
        works = aozora_reader(found, files.limits) if text_unit is None and not text else None
        return works or files.reader(found, mapping)
    if name == SAMPLES:
        mapping = RowMapping(SAMPLES, "CC0-1.0", constants=(("synthetic", True),))
        return files.reader(FoundFiles(SAMPLES_PATH, (SAMPLES_PATH,)), mapping)
    source = _entry(name)
    there = local_files(name, base_dir) if base_dir is not None else []
    if there:
        stated = replace(source, licence=_stated(licence, source.licence))
        return open_files(name, there, stated, text=text, files=files)
    return _from_hub(source, text, licence, hub or HubOptions())


def open_files(
    name: str,
    paths: Sequence[Path],
    source: Source | None,
    *,
    text: Sequence[str] = (),
    files: FileReading | None = None,
) -> SourceReader:
    """Open files and folders that are there as one source.

    Args:
        name: What documents call it.
        paths: Files or folders, of one folder.
        source: The entry that they are the local equivalent of, if there is one: its licence, columns
            and unit of text hold.
        text: Columns that hold the text, whatever the entry says.
        files: Encoding, unit of text and limits.

    Raises:
        DataError: A folder holds no data files.
    """
    files = files or FileReading()
    found = _together(paths)
    if source is None:
        return files.reader(found, RowMapping(name, text=tuple(text)))
    if source.domain == "aozora" and (works := aozora_reader(found, files.limits)):
        return works
    mapping = RowMapping(name, source.licence, tuple(text) or source.text, or_by_shape=not text)
    return files.reader(found, mapping, source.text_unit)


@dataclass(frozen=True, slots=True)
class FileReading:
    """How local files are read, where they do not say it themselves."""

    encoding: str = "auto"
    text_unit: TextUnit | None = None
    limits: ReadingLimits = field(default_factory=ReadingLimits)

    def reader(
        self, found: FoundFiles, mapping: RowMapping, unit: TextUnit = "paragraph"
    ) -> LocalReader:
        """Return the reader of files that were found."""
        return LocalReader(found, mapping, self.encoding, self.text_unit or unit, self.limits)


_HUB = "hub:"


def _entry(name: str) -> Source:
    """Return the entry of a name; one is made up for an id of the hub."""
    if name.startswith(_HUB):
        id = name.removeprefix(_HUB)
        return Source(
            name=id.replace("/", "--"),
            title=id,
            domain="web",
            purpose="named by its id",
            licence=UNKNOWN,
            homepage=f"https://huggingface.co/datasets/{id}",
            hub=HubData(id=id),
        )
    if any(sign in name for sign in "/\\."):
        raise DataError(
            f"The source {name} does not exist (looked in {Path.cwd()}).",
            hint=f"Give a file or folder, '{SAMPLES}' for the embedded chats, or a name of "
            "'migaki data list'.",
        )
    try:
        return find_source(name)
    except UsageError as err:
        raise UsageError(
            f"There is neither a file nor a source of the name '{name}' (looked in {Path.cwd()}).",
            hint=err.hint,
        ) from err


def _stated(asked: str | None, otherwise: str) -> str:
    return find_licence(asked).name if asked else otherwise


def _together(paths: Sequence[Path]) -> FoundFiles:
    """Return the files of several paths of one data folder."""
    found = [find_text_files(path) for path in paths]
    if len(found) == 1:
        return found[0]
    files = tuple(file for one in found for file in one.files)
    return FoundFiles(paths[0].parent, files, sum(one.other_files for one in found))


def _from_hub(
    source: Source, text: Sequence[str], licence: str | None, options: HubOptions
) -> SourceReader:
    from migaki.corpus.hub import open_hub

    chosen = tuple(text)
    asked = replace(
        source,
        licence=_stated(licence, source.licence),
        text=chosen or source.text,
        hub=replace(source.hub, columns=chosen or source.hub.columns) if source.hub else None,
    )
    return open_hub(asked, options)
