"""Data sets of the Hugging Face hub as sources: streamed, at one commit, their columns checked.

The only importer of `datasets` in this room; it is an extra. Without a network the same files can be
put into the data folder, where `corpus.reading` finds them under the name of the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migaki.atomic import DISK_FULL
from migaki.corpus.documents import Document
from migaki.corpus.row_documents import RowMapping, document_of_row
from migaki.corpus.rows import BadRow, Row
from migaki.corpus.shards import HubOptions, Shard
from migaki.corpus.sources import HubData, Source
from migaki.errors import DataError, MigakiError, MissingExtraError, ResourceError, UsageError

if TYPE_CHECKING:
    from datasets import IterableDataset

__all__ = ["HubReader", "open_hub"]

_PAGE = "https://huggingface.co/datasets/"


@dataclass(frozen=True, slots=True)
class HubReader:
    """A data set of the hub as a source; see `SourceReader`.

    A lost connection raises `DataError` in the middle of a shard: what came is not all there is, so
    the shard must be read again, not be taken as done.
    """

    source: Source
    data: HubData
    revision: str | None
    """The commit that is read, the same in every worker; None for a local folder."""

    @property
    def name(self) -> str:
        """What documents call the source."""
        return self.source.name

    @property
    def licence(self) -> str:
        """Licence of the documents that do not state their own."""
        return self.source.licence

    def shards(self) -> list[Shard]:
        """Return one part for each file of the data set."""
        count = _dataset(self.data, self.revision).num_shards
        return [Shard(f"{n:05d}", self.data.id, 0, begin=n, end=n + 1) for n in range(count)]

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield the documents of a part.

        Raises:
            DataError: The connection was lost, or a file of the data set is damaged.
        """
        dataset = _dataset(self.data, self.revision)
        mapping = RowMapping(self.source.name, self.source.licence, self.source.text)
        part = dataset.shard(num_shards=dataset.num_shards, index=shard.begin)
        number = 0
        try:
            for number, value in enumerate(part, start=1):
                row = Row(Path(self.data.id, shard.name), number, value)
                yield document_of_row(row, mapping, place=shard.name)
        except Exception as err:  # whatever datasets, pyarrow and the network raise
            raise _explained(err, self.data, at=f"part {shard.name}, row {number + 1}") from err

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of the source."""
        return {
            "kind": "hub",
            "licence": self.licence,
            "homepage": self.source.homepage,
            "id": self.data.id,
            "config": self.data.config,
            "split": self.data.split,
            "revision": self.revision,
        }


def open_hub(source: Source, options: HubOptions | None = None) -> HubReader:
    """Open a data set of the hub and check its columns.

    Args:
        source: Its entry in the table; one with ``hub``.
        options: Configuration, split and revision, where they are not the entry's.

    Raises:
        MissingExtraError: `datasets` is not installed.
        DataError: It does not exist, is gated, cannot be reached, or has other columns.
        UsageError: The source is not on the hub, or has no such configuration or split.
    """
    options = options or HubOptions()
    if source.hub is None:
        raise UsageError(
            f"The source '{source.name}' is not on the hub.",
            hint=f"To get it: {source.obtain}; then give the folder.",
        )
    data = HubData(
        id=source.hub.id,
        config=options.config or source.hub.config,
        split=options.split or source.hub.split,
        columns=source.hub.columns,
    )
    if _datasets_missing():
        raise MissingExtraError(
            f"Reading '{source.name}' from the hub", package="datasets", extra="hub-data"
        )
    reader = HubReader(source, data, _commit(data, options.revision))
    _refuse_other_columns(data, _dataset(data, reader.revision))
    return reader


def _datasets_missing() -> bool:
    from importlib.util import find_spec

    return find_spec("datasets") is None


def _commit(data: HubData, revision: str) -> str | None:
    """Return the commit behind a branch, so that a push in the middle of a run changes nothing."""
    if Path(data.id).is_dir():
        return None
    from huggingface_hub import HfApi

    try:
        return HfApi().dataset_info(data.id, revision=revision, timeout=30).sha
    except Exception as err:  # httpx, huggingface_hub: a tree of their own each
        raise _explained(err, data) from err


@lru_cache(maxsize=4)
def _dataset(data: HubData, revision: str | None) -> IterableDataset:
    from datasets import load_dataset

    try:
        return load_dataset(
            data.id, data.config, split=data.split, revision=revision, streaming=True
        )
    except Exception as err:
        raise _explained(err, data) from err


def _refuse_other_columns(data: HubData, dataset: IterableDataset) -> None:
    if dataset.features is not None:
        there = list(dataset.features)
    else:  # JSON tells its columns only with its rows
        try:
            there = list(next(iter(dataset), {}))
        except Exception as err:
            raise _explained(err, data, at="the first row") from err
    missing = [column for column in data.columns if column not in there]
    if missing:
        raise DataError(
            f"The data set {data.id} does not have the columns that are expected of it: "
            f"{', '.join(missing)} missing; it has {', '.join(there) or 'none'}.",
            hint="It was changed since its entry was written: give the columns that hold the text with "
            "--text, or an older commit with --revision.",
        )


# ── errors in words ──────────────────────────────────────────────────────────────────────────────


def _explained(err: Exception, data: HubData, *, at: str = "") -> MigakiError:
    """Return what to tell a user about whatever the libraries raised."""
    if isinstance(err, MigakiError):
        return err
    names = {cls.__name__ for cause in _causes(err) for cls in type(cause).__mro__}
    said = dict.fromkeys(" ".join(str(cause).split()) for cause in _causes(err))
    text = "; ".join(words for words in said if words)
    where = f"{data.id}{f', {at}' if at else ''}"
    if _no_space(err):
        return ResourceError(
            f"The disk is full while reading {where}.",
            hint="Free some space, or set HF_HOME to a folder on a larger disk; then run it again.",
        )
    if "GatedRepoError" in names or "gated dataset" in text:
        return DataError(
            f"The data set {where} is gated: its terms must be accepted first.",
            hint=f"Accept them on {_PAGE}{data.id} with your account, then log in here: hf auth login",
        )
    if "RevisionNotFoundError" in names:
        return DataError(
            f"The data set {where} has no such revision.", hint=f"See {_PAGE}{data.id}."
        )
    if names & {"RepositoryNotFoundError", "DatasetNotFoundError"}:
        return DataError(
            f"The data set {where} does not exist on the hub, or is private.",
            hint="Check its name; for a private one log in first: hf auth login",
        )
    if "Dataset scripts" in text:
        return DataError(
            f"The data set {where} has a loading script, which datasets no longer runs.",
            hint="Download its files and give their folder, or take another source: migaki data list",
        )
    if "BuilderConfig" in text or "Bad split" in text or "Config name is missing" in text:
        return UsageError(f"The data set {where}: {text[:300]}")
    if names & _NETWORK:
        return DataError(
            f"The hub could not be reached for {where} ({text[:160]}).",
            hint="Check the network, and the variables HF_HUB_OFFLINE and HTTPS_PROXY; or put the files "
            "into the data folder."
            + (" The same command, run again, goes on with what is missing." if at else ""),
        )
    return DataError(
        f"The data set {where} cannot be read: {type(err).__name__}: {text[:300]}.",
        hint=f"Look at {_PAGE}{data.id}; give an older commit with --revision if it was changed.",
    )


_NETWORK = {
    "ConnectionError", "OfflineModeIsEnabled", "TransportError", "HTTPError", "TimeoutError",
    "LocalEntryNotFoundError", "ClientError", "HfHubHTTPError",
}  # fmt: skip


def _causes(err: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = err
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found


def _no_space(err: Exception) -> bool:
    return any(isinstance(cause, OSError) and cause.errno in DISK_FULL for cause in _causes(err))
