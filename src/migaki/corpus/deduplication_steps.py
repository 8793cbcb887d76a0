"""Deduplication of whole corpora on a cluster, in three phases of datatrove's engine.

    sign    one task a shard: signatures, in datatrove's files for MinHash, and what is known of each
            document beside them (about 630 bytes a document on the shared disk)
    match   one task a band: datatrove's `MinhashDedupBuckets` merges the sorted signatures of all
            shards and writes down who agrees
    choose  one task: the choice of `migaki.corpus.deduplication`, over the documents that agree with
            any other in a band; about 900 bytes of memory for each of those

What is left out is what `find_duplicates` leaves out of the same documents, whatever the number of
workers. `DeduplicatedReader` then reads a source without it, so that `prepare` cleans and writes the
rest. datatrove's own third and fourth stages are not used: they do not verify candidates, and join
whatever is connected by a chain of them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
from datatrove.utils.hashing import HashConfig

from migaki.atomic import write_json, write_jsonl
from migaki.corpus.deduplication import (
    BAND_ROWS,
    BANDS,
    HASHES,
    DeduplicationConfig,
    Signature,
    signatures,
)
from migaki.corpus.documents import Document
from migaki.corpus.duplicate_ledger import TEXT_HASH_BYTES, Duplicates, Ledger, settle
from migaki.corpus.duplicate_pairs import Buckets
from migaki.corpus.execution import Phase
from migaki.corpus.planned_reader import PlannedReader
from migaki.corpus.rows import BadRow
from migaki.corpus.shards import Shard, SourceReader
from migaki.errors import DataError

__all__ = ["DeduplicatedReader", "deduplicated", "deduplication_phases"]

_DATATROVE = MinhashConfig(
    n_grams=3,
    num_buckets=BANDS,
    hashes_per_bucket=BAND_ROWS,
    hash_config=HashConfig(precision=32, hash_fc="sha1"),
)
_RECORD = np.dtype([(f"hash{row}", "<u4") for row in range(BAND_ROWS)] + [("document", "<u4")])
_PAIR = np.dtype([(name, "<u4") for name in ("file", "document", "other_file", "other_document")])
_BUFFERED_RECORDS = 1000

Task = tuple[SourceReader, Shard]


def deduplication_phases(
    readers: Sequence[SourceReader], folder: Path, config: DeduplicationConfig
) -> list[Phase]:
    """Return what `migaki.corpus.execution` is to run, in order.

    Args:
        readers: The sources; documents are compared within and across them.
        folder: On storage that every worker sees; holds signatures and, afterwards, what is left out.
        config: What counts as a duplicate.
    """
    tasks = tuple((reader, shard) for reader in readers for shard in reader.shards())
    match = MinhashDedupBuckets(
        str(folder / "signatures"),
        str(folder / "pairs"),
        config=_DATATROVE,
        lines_to_buffer=_BUFFERED_RECORDS,
    )
    return [
        Phase("sign", (_SignStep(tasks, folder, config),), len(tasks)),
        Phase("match", (match,), BANDS),
        Phase("choose", (_ChooseStep(tasks, folder, config),), 1),
    ]


def deduplicated(readers: Sequence[SourceReader], folder: Path) -> list[DeduplicatedReader]:
    """Return readers of the same sources without what was left out; call it when all phases are done.

    Args:
        readers: The sources, as `deduplication_phases` was given them.
        folder: Its folder.

    Raises:
        DataError: The phases are not done, or were run on other sources.
    """
    if not (folder / "duplicates.json").exists():
        raise DataError(
            f"{folder} holds no finished deduplication.", hint="Run all of its phases first."
        )
    found: list[DeduplicatedReader] = []
    rank = 0
    for reader in readers:
        shards = reader.shards()
        ranks = {shard.name: rank + number for number, shard in enumerate(shards)}
        rank += len(shards)
        for shard in shards:
            _Known(folder, ranks[shard.name]).check(reader, shard)
        found.append(DeduplicatedReader(reader, tuple(shards), folder, ranks))
    return found


@dataclass(frozen=True, slots=True)
class DeduplicatedReader(PlannedReader):
    """A source without the documents that were left out; see `SourceReader`."""

    folder: Path
    ranks: Mapping[str, int]
    """Name of a shard → number of its task."""

    def documents(self, shard: Shard) -> Iterator[Document | BadRow]:
        """Yield the documents of a part that stay, and what stands in the place of those that are none."""
        left_out = set(np.load(_left_out_path(self.folder, self.ranks[shard.name], "npy")).tolist())
        number = 0
        for item in self.reader.documents(shard):
            if isinstance(item, Document):
                number += 1
                if number - 1 in left_out:
                    continue
            yield item

    def facts(self) -> dict[str, Any]:
        """Return what a manifest keeps of the source, and that it was deduplicated."""
        counts = json.loads((self.folder / "duplicates.json").read_text("utf-8"))
        return {**self.reader.facts(), "deduplication": counts}


# ── sign ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _SignStep:
    """Signs the documents of one shard."""

    tasks: tuple[Task, ...]
    folder: Path
    config: DeduplicationConfig

    name = "migaki: signatures"

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        reader, shard = self.tasks[rank]
        known = _Known(self.folder, rank)
        bands = [self.folder / "signatures" / f"bucket_{band:03d}" for band in range(BANDS)]
        for path in (*bands, self.folder / "pairs", self.folder / "left_out"):
            path.mkdir(parents=True, exist_ok=True)
        ids: list[str] = []
        sources: list[str] = []
        found = list(signatures(_noted(reader, shard, ids, sources), shortest=self.config.shortest))
        digests = known.write(ids, sources, found)
        for band, path in enumerate(bands):
            records = np.empty(len(digests), dtype=_RECORD)
            for row in range(BAND_ROWS):
                records[f"hash{row}"] = digests[:, band * BAND_ROWS + row]
            records["document"] = np.arange(len(digests))
            records.sort(order=_RECORD.names)
            # Whole or not there, and never under a name that datatrove would read.
            temporary = known.path(f".band.{os.getpid()}")
            temporary.write_bytes(records.tobytes())
            os.replace(temporary, path / f"{rank:05d}.minhash.sig")
        known.sign(reader, shard)
        return iter(())


def _noted(
    reader: SourceReader, shard: Shard, ids: list[str], sources: list[str]
) -> Iterator[Document]:
    for document in reader.documents(shard):
        if isinstance(document, Document):
            ids.append(document.id)
            sources.append(document.source)
            yield document


@dataclass(frozen=True)
class _Known:
    """What is known of the documents of one task, in files."""

    folder: Path
    rank: int

    def write(
        self, ids: Sequence[str], sources: Sequence[str], found: Sequence[Signature]
    ) -> npt.NDArray[np.uint16]:
        """Write everything down; return the digests."""
        self.path("").mkdir(parents=True, exist_ok=True)
        digests = np.array([one.digest for one in found], dtype=np.uint16).reshape(-1, HASHES)
        self._save("digests", digests)
        self._save("characters", np.array([one.characters for one in found], dtype=np.int64))
        hashes = np.frombuffer(b"".join(one.text_hash for one in found), dtype=np.uint8)
        self._save("text_hashes", hashes.reshape(-1, TEXT_HASH_BYTES))
        encoded = [name.encode("utf-8", "surrogatepass") for name in ids]
        self._save("id_ends", np.cumsum([0, *map(len, encoded)], dtype=np.int64))
        self._save("ids", np.frombuffer(b"".join(encoded), dtype=np.uint8))
        names, numbers = np.unique(np.array(sources, dtype=str), return_inverse=True)
        self._save("sources", numbers.astype(np.int32))
        write_json(self.path("sources.json"), names.tolist())
        return digests

    def sign(self, reader: SourceReader, shard: Shard) -> None:
        """Say whose documents these are: the task is done."""
        write_json(self.path("shard.json"), {"source": reader.name, "shard": shard.name})

    def check(self, reader: SourceReader, shard: Shard) -> None:
        """Refuse documents of another shard.

        Raises:
            DataError: They are of another one, or are not there.
        """
        path = self.path("shard.json")
        known = json.loads(path.read_text("utf-8")) if path.exists() else None
        if known != {"source": reader.name, "shard": shard.name}:
            raise DataError(
                f"{self.folder} was made of other sources: task {self.rank} is {known}, not "
                f"{reader.name}, {shard.name}.",
                hint="Give the sources in the same order, or deduplicate anew into a new folder.",
            )

    def load(self, name: str) -> npt.NDArray[Any]:
        """Return an array, left on the disk."""
        array: npt.NDArray[Any] = np.load(self.path(f"{name}.npy"), mmap_mode="r")
        return array

    def ids(self, documents: npt.NDArray[np.int64]) -> list[str]:
        """Return the ids of some documents."""
        ends, letters = self.load("id_ends"), self.load("ids")
        return [
            bytes(letters[ends[n] : ends[n + 1]]).decode("utf-8", "surrogatepass")
            for n in documents
        ]

    def sources(self, documents: npt.NDArray[np.int64]) -> list[str]:
        """Return the sources of some documents."""
        names = json.loads(self.path("sources.json").read_text("utf-8"))
        return [names[number] for number in self.load("sources")[documents]]

    def path(self, name: str) -> Path:
        """Return where something stands."""
        return self.folder / "documents" / f"{self.rank:05d}" / name

    def _save(self, name: str, array: npt.NDArray[Any]) -> None:
        temporary = self.path(f".{name}.{os.getpid()}.npy")
        np.save(temporary, array, allow_pickle=False)
        os.replace(temporary, self.path(f"{name}.npy"))


# ── choose ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _ChooseStep:
    """Chooses who stays among all documents that agree with another in a band."""

    tasks: tuple[Task, ...]
    folder: Path
    config: DeduplicationConfig

    name = "migaki: duplicates"

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        counts = [len(_Known(self.folder, n).load("characters")) for n in range(len(self.tasks))]
        starts = np.cumsum([0, *counts])
        bands = [
            _read_band(path, starts) for path in sorted((self.folder / "pairs").glob("*.dups"))
        ]
        members = np.unique(
            np.concatenate([np.empty(0, dtype=np.int64), *(b.members for b in bands)])
        )
        bands = [Buckets(np.searchsorted(members, band.members), band.sizes) for band in bands]
        found = self._settle(members, starts, bands)
        self._write(members, starts, found)
        counted = found.to_json()
        counted["kept"] += int(starts[-1]) - counted["read"]
        counted["read"] = int(starts[-1])
        write_json(self.folder / "duplicates.json", counted)
        shutil.rmtree(self.folder / "signatures", ignore_errors=True)
        return iter(())

    def _settle(
        self,
        members: npt.NDArray[np.int64],
        starts: npt.NDArray[np.int64],
        bands: Sequence[Buckets],
    ) -> Duplicates:
        ids: list[str] = []
        sources: list[str] = []
        digests = np.empty((len(members), HASHES), dtype=np.uint16)
        characters = np.empty(len(members), dtype=np.int64)
        hashes = np.empty((len(members), TEXT_HASH_BYTES), dtype=np.uint8)
        for rank, part in _parts(members, starts):
            known, inside = _Known(self.folder, rank), members[part] - starts[rank]
            ids += known.ids(inside)
            sources += known.sources(inside)
            digests[part] = known.load("digests")[inside]
            characters[part] = known.load("characters")[inside]
            hashes[part] = known.load("text_hashes")[inside]
        names = hashes.view(np.dtype((np.void, TEXT_HASH_BYTES))).reshape(-1)
        ledger = Ledger(ids, sources, characters, names)
        return settle(ledger, self.config, digests, lambda stay: _among(bands, stay, len(members)))

    def _write(
        self, members: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], found: Duplicates
    ) -> None:
        """Write for each task the documents that it leaves out."""
        left_out = found.kept_instead >= 0
        for rank in range(len(self.tasks)):
            path = _left_out_path(self.folder, rank, "npy")
            np.save(path, np.empty(0, dtype=np.int64), allow_pickle=False)
        for rank, part in _parts(members, starts):
            mine = np.arange(part.start, part.stop)[left_out[part]]
            np.save(
                _left_out_path(self.folder, rank, "npy"),
                members[mine] - starts[rank],
                allow_pickle=False,
            )
            write_jsonl(
                _left_out_path(self.folder, rank, "jsonl"),
                (
                    {
                        "id": found.ids[number],
                        "reason": "exact_duplicate" if found.exact[number] else "near_duplicate",
                        "kept": found.ids[int(found.kept_instead[number])],
                        "similarity": round(float(found.similarity[number]), 3),
                    }
                    for number in mine.tolist()
                ),
            )


def _read_band(path: Path, starts: npt.NDArray[np.int64]) -> Buckets:
    """Put the buckets of a band together again: datatrove writes each as a chain of pairs a-b, b-c."""
    pairs = np.fromfile(path, dtype=_PAIR)
    left = starts[pairs["file"]] + pairs["document"]
    right = starts[pairs["other_file"]] + pairs["other_document"]
    begins = np.ones(len(pairs), dtype=bool)
    begins[1:] = left[1:] != right[:-1]
    firsts = np.flatnonzero(begins)
    sizes = np.diff(np.append(firsts, len(pairs))) + 1
    members = np.insert(right, firsts, left[firsts])
    return Buckets(members.astype(np.int64), sizes.astype(np.int64))


def _among(bands: Iterable[Buckets], stay: npt.NDArray[np.int64], count: int) -> Iterator[Buckets]:
    """Yield the buckets without the documents that do not stay."""
    stays = np.zeros(count, dtype=bool)
    stays[stay] = True
    for band in bands:
        bucket = np.repeat(np.arange(len(band.sizes)), band.sizes)
        inside = stays[band.members]
        sizes = np.bincount(bucket[inside], minlength=len(band.sizes))
        shared = inside & (sizes[bucket] > 1)
        yield Buckets(band.members[shared], sizes[sizes > 1].astype(np.int64))


def _parts(
    members: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]
) -> Iterator[tuple[int, slice]]:
    """Yield each task that has members, and where they stand."""
    edges = np.searchsorted(members, starts)
    for rank in np.flatnonzero(np.diff(edges)).tolist():
        yield rank, slice(int(edges[rank]), int(edges[rank + 1]))


def _left_out_path(folder: Path, rank: int, suffix: str) -> Path:
    return folder / "left_out" / f"{rank:05d}.{suffix}"
