"""The specified data manager: is the data there that the mode needs, and what is used if not?

>>> manager = DatasetManager(JapaneseDataConfig(execution_mode=ExecutionMode.PRODUCTION))
>>> manager.ensure_datasets_exist()
False
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from migaki.corpus import synthetic
from migaki.corpus.config import ExecutionMode, JapaneseDataConfig
from migaki.corpus.documents import Document
from migaki.corpus.reading import SourceReader, open_files
from migaki.corpus.samples import SAMPLES_SEED
from migaki.corpus.sources import SYNTHETIC, Domain, known_sources, local_files
from migaki.corpus.synthetic import DOMAINS, write_sample_documents
from migaki.errors import DataError

__all__ = ["DatasetManager", "FoundDatasets"]

logger = logging.getLogger(__name__)

_MOST_SAMPLES = 1000
"""Texts of each kind; a trial has as many as it augments."""

_SAMPLES_OF: Mapping[Domain, synthetic.Domain] = {
    "wikipedia": "encyclopaedia", "cc100": "web", "oscar": "web", "web": "web", "aozora": "literature",
    "news": "news", "technical": "technical", "dialogue": "dialogue", "instruction": "dialogue",
}  # fmt: skip
"""Kind of source → kind of sample that may stand in its place."""

TRIAL_SAMPLES = ("wikipedia", "web", "aozora", "news", "technical", "dialogue")
"""Kinds of source whose samples a trial runs on, besides the sample chats."""


@dataclass(frozen=True, slots=True)
class FoundDatasets:
    """The data that a run will use, and why this."""

    train: tuple[SourceReader, ...]
    validation: tuple[SourceReader, ...]
    """Empty: a part of the training data is held out."""
    train_paths: tuple[Path, ...]
    """The files and folders behind ``train``."""
    validation_paths: tuple[Path, ...]
    samples_for: tuple[str, ...]
    """Names in whose place generated samples stand."""
    reason: str


class DatasetManager:
    """Find the data of a configuration, or what may stand in its place."""

    def __init__(self, config: JapaneseDataConfig) -> None:
        self.config = config
        self.base_dir = config.base_dir

    def ensure_datasets_exist(self) -> bool:
        """Tell whether there is data to train on, generating samples where the mode allows it.

        In production, False: what is missing and how to get it is logged as an error; `find_datasets`
        raises the same.
        """
        try:
            found = self.find_datasets()
        except DataError as err:
            logger.error("%s", err)
            return False
        if found.samples_for:
            logger.warning("%s", found.reason)
        return True

    def missing_files(self) -> list[str]:
        """Return the names of ``train_files`` of which the data folder holds nothing."""
        return [name for name in self.config.train_files if not local_files(name, self.base_dir)]

    def find_datasets(self) -> FoundDatasets:
        """Return the data to use.

        Raises:
            DataError: The mode is production, and data is missing or was generated; the hint holds the
                command that gets each. Or a file to measure on does not exist.
        """
        mode, missing = self.config.execution_mode, self.missing_files()
        names = self.config.train_files
        if mode is ExecutionMode.TRIAL:
            return self._samples_only()
        enough = not missing if self.config.require_all_files else len(missing) < len(names)
        if mode is ExecutionMode.PRODUCTION and not (enough and names):
            raise self._missing_error(missing or names)
        there = [name for name in names if name not in missing]
        reason = (
            f"{len(there)} of {len(names)} are in {self.base_dir}: {', '.join(there) or 'none'}"
        )
        if enough:
            missing = []
        else:
            reason += f"; generated samples stand in for {', '.join(missing)}"
        found = self._found(there, missing, reason)
        if mode is ExecutionMode.PRODUCTION:
            _refuse_synthetic(found.train)
        return found

    def _samples_only(self) -> FoundDatasets:
        reason = "a trial runs on generated samples"
        unused = [name for name in self.config.train_files if name not in self.missing_files()]
        if unused:
            reason += f"; {', '.join(unused)} is there and not used: that needs another mode"
        return self._found([], list(known_sources()), reason)

    def _found(self, names: Sequence[str], missing: Sequence[str], reason: str) -> FoundDatasets:
        measured = self._existing_validation_files()
        samples = self._write_samples(missing) if missing else []
        return FoundDatasets(
            train=(
                *self._readers(names),
                *(open_files(path.stem, [path], None) for path in samples),
            ),
            validation=tuple(self._readers(measured)),
            train_paths=(*self._paths(names), *samples),
            validation_paths=tuple(self._paths(measured)),
            samples_for=tuple(missing),
            reason=reason,
        )

    def _paths(self, names: Sequence[str]) -> list[Path]:
        return [path for name in names for path in local_files(name, self.base_dir)]

    def _readers(self, names: Sequence[str]) -> list[SourceReader]:
        return [
            open_files(name, local_files(name, self.base_dir), known_sources().get(name))
            for name in names
        ]

    def _existing_validation_files(self) -> list[str]:
        missing = [
            name for name in self.config.validation_files if not local_files(name, self.base_dir)
        ]
        if missing:
            raise DataError(
                f"The data to measure on is not in {self.base_dir}: {', '.join(missing)}.",
                hint="Put it there, or leave validation_files out: a part of the training data is then "
                "held out.",
            )
        return self.config.validation_files

    def _write_samples(self, names: Sequence[str]) -> list[Path]:
        """Write samples of the kinds of text that the names stand for; return the files."""
        known = known_sources()
        kinds = {_SAMPLES_OF[known[name].domain] for name in names if name in known}
        domains = [domain for domain in DOMAINS if domain in kinds] or list(DOMAINS)
        count = self.config.execution_mode.augmented_texts(_MOST_SAMPLES)
        try:
            return write_sample_documents(
                self.base_dir, count=count, seed=SAMPLES_SEED, domains=domains
            )
        except OSError as err:
            raise DataError(
                f"Samples cannot be written into {self.base_dir}: {err.strerror or err}.",
                hint="Free some space, or give another base_dir.",
            ) from err

    def _missing_error(self, missing: Sequence[str]) -> DataError:
        """Say what is missing, and the command that gets each."""
        known = known_sources()
        ways = [
            f"  {name}: "
            + (
                known[name].command(self.base_dir)
                if name in known
                else f"put it into {self.base_dir}, or correct its name in train_files"
            )
            for name in missing
        ]
        needed = "all" if self.config.require_all_files else "at least one"
        return DataError(
            f"Production needs {needed} of {', '.join(self.config.train_files) or 'no files'}; missing in "
            f"{self.base_dir}: {', '.join(missing)}.",
            hint="\n".join(["Get them, or choose the mode development or trial:", *ways]),
        )


def _refuse_synthetic(readers: Sequence[SourceReader]) -> None:
    """Refuse generated samples: by the name of a file, or by what its first document says of itself."""
    generated = [reader.name for reader in readers if _is_synthetic(reader)]
    if generated:
        raise DataError(
            f"Production does not train on generated samples, and these are: {', '.join(generated)}.",
            hint="Put real data in their place, or choose the mode development or trial.",
        )


def _is_synthetic(reader: SourceReader) -> bool:
    shards = reader.shards()
    if any(SYNTHETIC in Path(shard.path).name for shard in shards):
        return True
    for shard in shards[:1]:
        first = next(reader.documents(shard), None)
        return isinstance(first, Document) and bool(first.metadata.get("synthetic"))
    return False
