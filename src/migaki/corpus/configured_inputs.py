"""What a configuration names, opened: readers of sources, and the stages for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from migaki.config import merge
from migaki.corpus.aozora import AozoraReader
from migaki.corpus.cleaning.config import build_stages, cleaning_config, named_code
from migaki.corpus.document_kinds import kind_of_documents
from migaki.corpus.files import SAMPLES
from migaki.corpus.licences import UNKNOWN, find_licence
from migaki.corpus.pipeline_config import PipelineConfig, SourceConfig
from migaki.corpus.reading import LocalReader, ReadingLimits, SourceReader, open_source
from migaki.corpus.run_plan import LARGEST_TASK_MB, Input
from migaki.corpus.sources import Domain, known_sources, local_files
from migaki.errors import UsageError

__all__ = [
    "AUTO",
    "ConfiguredInput",
    "configured_inputs",
    "preset_for",
    "with_licence",
    "with_task_size",
]

AUTO = "auto"
"""Preset that goes by the kind of the source."""

_TASKS = 64
"""Tasks that a middling input is divided into: enough for the cores of a large machine."""
_SMALLEST_TASK_MB = 4
"""One or two seconds of cleaning; below that, starting a process costs more than it gains."""

_PRESET_OF_DOMAIN: Mapping[Domain, str] = {
    "wikipedia": "encyclopaedia", "news": "encyclopaedia", "aozora": "literature",
    "technical": "technical", "dialogue": "dialogue", "instruction": "dialogue",
    "cc100": "web", "oscar": "web", "web": "web",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ConfiguredInput:
    """A source with its stages, and how they were chosen."""

    input: Input
    preset: str
    reason: str
    """Why this preset."""
    named_code: tuple[str, ...] = ()
    """Code of others that its cleaning runs: said aloud before a run."""


def configured_inputs(config: PipelineConfig) -> list[ConfiguredInput]:
    """Open the sources of a configuration and build their stages.

    Args:
        config: Its ``sources``, ``base_dir`` and ``cleaning`` are read.

    Raises:
        ConfigError: A setting of the cleaning is not known or not valid.
        DataError: A source cannot be read.
        MissingExtraError: A source or a stage needs a package that is not installed.
        UsageError: There is no source of a name.
    """
    return [
        _configured(name, own or SourceConfig(), config) for name, own in config.sources.items()
    ]


def with_task_size(config: PipelineConfig) -> PipelineConfig:
    """Return the configuration with the size of its tasks, where that is left to the input.

    It goes by the size of the input and not by the number of workers, so that the tasks, and with
    them the files that are written, are the same on every machine.
    """
    if config.task_mb:
        return config
    sizes = [
        _stored_bytes(name, own or SourceConfig(), config) for name, own in config.sources.items()
    ]
    known = [size for size in sizes if size is not None]
    if not known or len(known) < len(sizes):
        return replace(config, task_mb=LARGEST_TASK_MB)
    share = sum(known) // _TASKS // 1_000_000
    return replace(config, task_mb=min(LARGEST_TASK_MB, max(_SMALLEST_TASK_MB, share)))


def with_licence(config: PipelineConfig, licence: str) -> PipelineConfig:
    """Return the configuration with a licence for the sources that are the user's own files.

    Those of the hub and the samples keep theirs; a row that states its own keeps it too.

    Args:
        config: Its ``sources`` are read.
        licence: As `corpus.licences` knows it.

    Raises:
        UsageError: The licence is not known, or no source is a file, a folder or an archive.
    """
    name = find_licence(licence).name
    if name == UNKNOWN:
        raise UsageError(
            f"The licence '{licence}' is not in the table of licences.",
            hint="Its names: migaki data list --licences. Without --licence the texts are counted as "
            "unknown.",
        )
    own = {source for source in config.sources if _is_local(source, config)}
    if not own:
        raise UsageError(
            f"--licence is for files and folders, and none was named ({', '.join(config.sources)}).",
            hint="Leave it out: sources with a name state their licence (migaki data list).",
        )
    sources = {
        source: replace(settings or SourceConfig(), licence=name) if source in own else settings
        for source, settings in config.sources.items()
    }
    return replace(config, sources=sources)


def _is_local(name: str, config: PipelineConfig) -> bool:
    if Path(name).expanduser().exists():
        return True
    source = known_sources().get(name)
    here = bool(config.base_dir and local_files(name, Path(config.base_dir)))
    return here and (source is None or source.licence == UNKNOWN)


def preset_for(name: str) -> tuple[str, str]:
    """Return the cleaning preset for a source by its name alone, and why it was chosen.

    Args:
        name: As the user gave it.

    Example:
        >>> preset_for("wikipedia")[0], preset_for("samples")[0], preset_for("pages.jsonl")
        ('encyclopaedia', 'dialogue', ('web', 'nothing is known about its kind'))
    """
    if name == SAMPLES:
        return "dialogue", "they are chats"
    source = known_sources().get(name)
    if source is None or Path(name).exists():
        return "web", "nothing is known about its kind"
    return _PRESET_OF_DOMAIN[source.domain], f"it is listed under {source.domain}"


def _configured(name: str, own: SourceConfig, config: PipelineConfig) -> ConfiguredInput:
    settings: dict[str, Any] = merge(config.cleaning, own.cleaning)
    preset, reason = str(settings.pop("preset", AUTO)), "it was asked for"
    reader = _open(name, own, config)
    if preset == AUTO and isinstance(reader, AozoraReader):
        preset, reason = "literature", f"it is Aozora Bunko: {reader.reason}"
    elif preset == AUTO:
        preset, reason = _seen_or_known(name, reader)
    if isinstance(reader, AozoraReader) and own.licence:
        reason += f"; its works state their licence, {own.licence} is left aside"
    cleaning = cleaning_config(preset, settings, where=f"the cleaning of the source {name}")
    return ConfiguredInput(
        Input(reader, build_stages(cleaning)), preset, reason, named_code(cleaning)
    )


def _seen_or_known(name: str, reader: SourceReader) -> tuple[str, str]:
    known = name == SAMPLES or (name in known_sources() and not Path(name).exists())
    if not known and isinstance(reader, LocalReader):
        return kind_of_documents(reader) or preset_for(name)
    return preset_for(name)


def _open(name: str, own: SourceConfig, config: PipelineConfig) -> SourceReader:
    return open_source(
        name,
        base_dir=Path(config.base_dir) if config.base_dir else None,
        text=own.text,
        licence=own.licence,
        encoding=own.encoding,
        text_unit=own.text_unit,
        limits=ReadingLimits(shard_bytes=(config.task_mb or LARGEST_TASK_MB) * 1_000_000),
    )


def _stored_bytes(name: str, own: SourceConfig, config: PipelineConfig) -> int | None:
    """Return the size of a source's files; None if they are not here."""
    files = _open(name, own, config).facts().get("files")
    return sum(file["bytes"] for file in files) if files else None
