"""What a corpus run does: sources, cleaning, output, engine. The settings, nothing else."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from migaki.corpus.deduplication import DeduplicationConfig

__all__ = [
    "EngineConfig",
    "OutputConfig",
    "PipelineConfig",
    "RayConfig",
    "SlurmConfig",
    "SourceConfig",
]

_STRICT = ConfigDict(extra="forbid")


@dataclass(config=_STRICT, kw_only=True)
class SlurmConfig:
    """What ``sbatch`` is asked for, for each task."""

    partition: str = "cpu"
    """Where the jobs run; ``sinfo`` lists the partitions."""
    time: str = "24:00:00"
    """Longest time of a job, as Slurm writes it."""
    memory_gb: Annotated[int, Field(ge=1)] = 4
    """Memory of a task, in GB."""
    tasks_per_job: Annotated[int, Field(ge=1)] = 1
    """Tasks that a job does one after another: more where starting a job is slow."""
    qos: str = ""
    """Quality of service; empty: the cluster's own."""
    setup: str = ""
    """Shell commands before a task; empty: this Python's programs are found first."""
    options: dict[str, str] = field(default_factory=dict)
    """More options of sbatch: ``{account: nlp}``."""


@dataclass(config=_STRICT, kw_only=True)
class RayConfig:
    """Which Ray cluster, and what a task needs of it."""

    address: str = ""
    """``auto`` or ``ray://HOST:10001``; empty: a cluster of this machine alone, as long as the run."""
    memory_gb: Annotated[float, Field(ge=0)] = 0
    """Memory that is reserved for a task, in GB; 0: none."""


@dataclass(config=_STRICT, kw_only=True)
class EngineConfig:
    """Where the tasks run, and how many at once. What they write does not depend on it.

    Example:
        >>> EngineConfig().kind
        'local'
    """

    kind: Literal["local", "slurm", "ray"] = "local"
    """local: processes of this machine. slurm: a job array. ray: a Ray cluster."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Tasks at once; 0: all cores of this machine, or as many as the cluster gives."""
    slurm: SlurmConfig = field(default_factory=SlurmConfig)
    ray: RayConfig = field(default_factory=RayConfig)


@dataclass(config=_STRICT, kw_only=True)
class OutputConfig:
    """What is written."""

    format: Literal["jsonl", "parquet"] = "jsonl"
    """jsonl: JSON Lines in zstd. parquet: Parquet with zstd inside, for fast random access."""
    file_mb: Annotated[int, Field(ge=1)] = 256
    """Uncompressed size of an output file, at most, in MB."""
    rejected: bool = False
    """Write rejected documents too, each with its reason."""


@dataclass(config=_STRICT, kw_only=True)
class SourceConfig:
    """How one source is read and cleaned, where it is not as all others."""

    cleaning: dict[str, Any] = field(default_factory=dict)
    """Laid over the cleaning of the run: ``{preset: dialogue}``, ``{length: {min_japanese: 50}}``."""
    licence: str | None = None
    """Licence of rows that state none themselves."""
    text: list[str] = field(default_factory=list)
    """Columns that hold the text; none: the shape of the rows is found out."""
    text_unit: Literal["paragraph", "line", "file"] | None = None
    """What one document of a plain text file is: a paragraph, if nothing is said."""
    encoding: str = "auto"
    """Text encoding of local files."""


@dataclass(config=_STRICT, kw_only=True)
class PipelineConfig:
    """One corpus run, complete.

    Example:
        >>> PipelineConfig(sources={"articles.jsonl": None}).output.format
        'jsonl'
    """

    sources: dict[str, SourceConfig | None] = field(default_factory=dict)
    """Files, folders or names (``migaki data list``), each with what is special about it, or nothing."""
    base_dir: str = ""
    """Data folder: a name that has files there is read from them, not from the hub."""
    cleaning: dict[str, Any] = field(default_factory=lambda: {"preset": "auto"})
    """Preset and settings of the stages. ``auto`` goes by the kind of each source, and says how;
    ``none`` runs nothing that is not named."""
    deduplicate: DeduplicationConfig | None = None
    """Leave out, before anything else, documents that say the same as another: ``{}`` with the usual
    settings. Compared are all sources with each other."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Read only so many rows of each source, for a trial."""
    task_mb: Annotated[int, Field(ge=0)] = 0
    """Size of a task, in MB of input as stored: what a killed worker costs at most. 0: a 64th of the
    input, between 4 and 64 MB."""
    on_damage: Literal["error", "skip"] = "error"
    """A file that breaks off: fail when all others are done, or keep what was read and count it."""
    output: OutputConfig = field(default_factory=OutputConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
