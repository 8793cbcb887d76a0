"""What a corpus run leaves beside its data: where everything came from, and what became of it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from migaki.atomic import write_json
from migaki.corpus.output_writing import OutputFile
from migaki.corpus.task_results import TaskResult
from migaki.errors import DataError

__all__ = ["MANIFEST", "Manifest", "now", "read_manifest"]

MANIFEST = "manifest.json"
"""Its name in the output folder; it is written last, so where it is, the data is complete."""

_PACKAGES = (
    "migaki",
    "datatrove",
    "pyarrow",
    "fugashi",
    "unidic-lite",
    "hojichar",
    "datasets",
    "ray",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All facts about a corpus that was prepared."""

    made: Mapping[str, Any]
    """Times (UTC), CPU seconds, versions."""
    settings: Mapping[str, Any]
    inputs: list[dict[str, Any]]
    """Each source with its licence, its address, its stages with their settings, and each of its
    shards: counts, and a hash over the ids and texts that were read."""
    counts: Mapping[str, int]
    """read = duplicates + kept + rejected + bad_rows; characters and bytes are without duplicates."""
    duplicates: Mapping[str, Any] | None
    """What deduplication counted, before anything was cleaned; None where there was none."""
    rejected: Mapping[str, Mapping[str, int]]
    """Stage → reason → documents."""
    changes: Mapping[str, int]
    """What stages changed in documents that were kept."""
    licences: Mapping[str, Mapping[str, int]]
    """Source → licence → documents kept."""
    bad_rows: list[dict[str, Any]]
    """The first rows that could not be read, with their place."""
    outputs: list[OutputFile]
    rejected_outputs: list[OutputFile]
    data_sha256: str
    """Over the hashes of all outputs in order: the same data has the same."""
    sources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """What became of each source, without duplicates: see `TaskResult.sources`."""

    def write(self, out: Path) -> None:
        """Write it into the output folder, at once or not at all."""
        write_json(out / MANIFEST, asdict(self))

    @classmethod
    def of(
        cls,
        whole: TaskResult,
        *,
        identity: Mapping[str, Any],
        began: str,
        duplicates: Mapping[str, Any] | None = None,
    ) -> Manifest:
        """Put together what the tasks counted.

        Args:
            whole: All results added up.
            identity: Of the plan.
            began: When the run began, as `now` gives it.
            duplicates: What deduplication counted; None where there was none.
        """
        whole.check()
        left_out = duplicates["read"] - duplicates["kept"] if duplicates else 0
        made = {
            "began": began,
            "ended": now(),
            "cpu_s": round(whole.cpu_s, 3),
            "versions": _versions(),
        }
        return cls(
            made=made,
            settings=identity["settings"],
            inputs=list(_inputs(identity["inputs"], whole)),
            counts={
                "read": whole.read + left_out,
                "duplicates": left_out,
                "kept": whole.kept,
                "rejected": whole.rejected_documents,
                "bad_rows": whole.bad_rows,
                "characters_read": sum(shard.characters for shard in whole.inputs),
                "characters_kept": whole.characters_kept,
                "bytes_read": whole.bytes_read,
            },
            duplicates=duplicates,
            rejected=whole.rejected,
            changes=whole.changes,
            licences=whole.kept_by_source,
            bad_rows=[asdict(row) for row in whole.listed_bad_rows],
            outputs=whole.outputs,
            rejected_outputs=whole.rejected_outputs,
            data_sha256=_hash_of(whole.outputs),
            sources=whole.sources,
        )

    @property
    def damaged(self) -> list[str]:
        """What could not be read to its end, with place and reason."""
        return [
            shard["damage"]
            for source in self.inputs
            for shard in source["shards"]
            if shard["damage"]
        ]


def read_manifest(out: Path) -> Manifest | None:
    """Read the manifest of an output folder; None where there is none yet.

    Raises:
        DataError: It is damaged.
    """
    path = out / MANIFEST
    if not path.exists():
        return None
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        files = {
            name: [OutputFile(**item) for item in value[name]]
            for name in ("outputs", "rejected_outputs")
        }
        return Manifest(**{**value, **files})
    except (OSError, ValueError, TypeError, KeyError) as err:
        raise DataError(
            f"{path} is not a manifest that can be read ({err}).",
            hint="Begin anew with --overwrite, or give another folder with --out.",
        ) from err


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _inputs(described: Iterable[Mapping[str, Any]], whole: TaskResult) -> Iterable[dict[str, Any]]:
    for source in described:
        shards = [asdict(shard) for shard in whole.inputs if shard.source == source["source"]]
        for shard in shards:
            del shard["source"]
        yield {
            "source": source["source"],
            **source["facts"],
            "stages": source["stages"],
            "shards": shards,
        }


def _hash_of(outputs: Iterable[OutputFile]) -> str:
    lines = "".join(f"{file.sha256}  {file.name}\n" for file in outputs)
    return hashlib.sha256(lines.encode()).hexdigest()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
