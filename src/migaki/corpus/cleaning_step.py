"""One task of a corpus run: its shards through the stages into its own output files.

A task is a fixed part of the input, so what it writes does not depend on who runs it, on how many
work beside it, or on whether an earlier attempt was killed. It is called as datatrove calls a
pipeline step: ``step(data, rank, world_size)``, where the rank is the number of the task.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from migaki.atomic import DISK_FULL
from migaki.corpus.documents import Document, Rejection, Stage, run_stages
from migaki.corpus.licences import UNKNOWN
from migaki.corpus.output_writing import OutputFormat, OutputWriter
from migaki.corpus.row_documents import has_conversation, stated_licence, without_turns
from migaki.corpus.row_writing import UnwritableRowError
from migaki.corpus.rows import BadRow, DamagedFile, SkippedFile
from migaki.corpus.shards import Shard, SourceReader
from migaki.corpus.task_results import (
    LISTED_BAD_ROWS,
    BadRowNote,
    InputCount,
    TaskResult,
    write_result,
)
from migaki.errors import DataError, MigakiError, ResourceError

__all__ = ["AS_TEXT", "CleaningStep", "DamagePolicy", "Task", "WorkFolder"]

DamagePolicy: TypeAlias = Literal["error", "skip"]

_NOTE_EVERY_S = 1.0
_LONGEST_RAW = 2000
_LONGEST_LICENCE = 80
_MOST_LICENCES = 20
"""Licences that are counted by what is stated, for each source; a column may hold a text a row."""
AS_TEXT = "conversation_as_text"
"""What a conversation is counted by that is written as text, without its speakers."""
_WRITING = "writing"
"""Stage in whose name a document is rejected that no file could hold."""


@dataclass(frozen=True, slots=True)
class Task:
    """Shards of one source that are read in one go."""

    reader: SourceReader
    shards: tuple[Shard, ...]
    stages: tuple[Stage, ...]
    """What its documents go through, in order; picklable, because other processes run them."""


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Where a run writes: finished data, and beside it what is needed to go on."""

    out: Path

    @property
    def data(self) -> Path:
        """The documents that were kept."""
        return self.out / "data"

    @property
    def rejected(self) -> Path:
        """The documents that were not, with their reasons."""
        return self.out / "rejected"

    @property
    def work(self) -> Path:
        """State of the run."""
        return self.out / ".work"

    @property
    def scratch(self) -> Path:
        """Files that are being written."""
        return self.work / "scratch"

    @property
    def duplicates(self) -> Path:
        """What is left out because another document says the same."""
        return self.work / "duplicates"

    def result(self, number: int) -> Path:
        """Result of a task: there when all its output is."""
        return self.work / "results" / f"{number:05d}.json"

    def note(self, number: int) -> Path:
        """How far a task is."""
        return self.work / "progress" / f"{number:05d}"

    def make(self) -> None:
        """Make all folders."""
        for path in (self.data, self.scratch, self.work / "results", self.work / "progress"):
            path.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class CleaningStep:
    """What every task does.

    Args:
        tasks: All tasks; the rank chooses one.
        folder: Where to write.
        kind: Format of the output.
        file_bytes: Uncompressed size at which an output file is full.
        keep_rejected: Write rejected documents and bad rows too, with their reasons.
        on_damage: A shard that breaks off: end the task, or count it and go on with the next.
    """

    tasks: tuple[Task, ...]
    folder: WorkFolder
    kind: OutputFormat
    file_bytes: int
    keep_rejected: bool
    on_damage: DamagePolicy

    name = "migaki: read, clean, write"

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Run one task.

        Raises:
            DataError: The input is damaged and `on_damage` is ``error``.
            ResourceError: The disk is full.
            MigakiError: A stage failed on a document.
        """
        try:
            self._run(rank)
        except OSError as err:
            raise _in_words(err, self.folder.out) from err
        return iter(())

    def _run(self, number: int) -> None:
        if self.folder.result(number).exists():
            return
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        for left in self.folder.scratch.glob(f"part-{number:05d}-*"):
            left.unlink(missing_ok=True)  # by an attempt that was killed
        work = _Work(self, number)
        result = work.run()
        result.cpu_s = time.process_time() - cpu_s
        result.wall_s = time.perf_counter() - wall_s
        write_result(self.folder.result(number), result)
        self.folder.note(number).unlink(missing_ok=True)


@dataclass
class _Work:
    """One task while it runs."""

    step: CleaningStep
    number: int
    result: TaskResult = field(default_factory=TaskResult)
    noted_s: float = 0.0
    hint: str = ""
    """What to do about the first damage."""

    def run(self) -> TaskResult:
        with (
            self._writer(self.step.folder.data) as kept,
            self._writer(self.step.folder.rejected) as rejected,
        ):
            for shard in self._task.shards:
                self._read(shard, kept, rejected)
            self._refuse_damage()
            self._sum_up()
            self.result.outputs = kept.finish()
            self.result.rejected_outputs = rejected.finish()
        return self.result

    @property
    def _task(self) -> Task:
        return self.step.tasks[self.number]

    def _writer(self, folder: Path) -> OutputWriter:
        return OutputWriter(
            folder,
            f"part-{self.number:05d}",
            kind=self.step.kind if folder == self.step.folder.data else "jsonl",
            most_bytes=self.step.file_bytes,
            scratch=self.step.folder.scratch,
        )

    def _read(self, shard: Shard, kept: OutputWriter, rejected: OutputWriter) -> None:
        count = InputCount(self._task.reader.name, shard.name)
        digest = hashlib.sha256()
        self.result.inputs.append(count)
        for item in self._task.reader.documents(shard):
            self.result.read += 1
            if isinstance(item, DamagedFile) and not isinstance(item, SkippedFile):
                self._note_damage(item, count)
            if isinstance(item, BadRow):
                self._add_bad_row(item, rejected)
            else:
                _count(count, digest, item)
                self._add(item, kept, rejected)
            self._note()
        count.sha256 = digest.hexdigest()

    def _sum_up(self) -> None:
        """Count for the source what the task counted: a task has one source."""
        result = self.result
        reasons = {
            f"rejected by {stage}: {reason}": count
            for stage, counts in result.rejected.items()
            for reason, count in counts.items()
        }
        result.sources[self._task.reader.name] = {
            "read": result.read,
            "kept": result.kept,
            "rejected": result.rejected_documents,
            "bad_rows": result.bad_rows,
            **reasons,
        }

    def _note_damage(self, damaged: DamagedFile, count: InputCount) -> None:
        count.damage = f"{damaged.path}:{damaged.line}: {damaged.reason}"
        self.hint = self.hint or damaged.hint

    def _refuse_damage(self) -> None:
        """End the task if input broke off; all of it was read, so that all damage is named at once."""
        damage = [count.damage for count in self.result.inputs if count.damage]
        if damage and self.step.on_damage == "error":
            raise DataError(
                f"{'. '.join(damage)}.",
                hint=f"{self.hint} Then repeat the command; or keep what can be read: --on-damage "
                "skip.".lstrip(),
            )

    def _add(self, document: Document, kept: OutputWriter, rejected: OutputWriter) -> None:
        outcome = _through(document, self._task.stages)
        if not isinstance(outcome, Rejection):
            try:
                kept.write(_row(outcome))
            except (UnwritableRowError, UnicodeEncodeError) as err:
                outcome = Rejection(outcome, _WRITING, "unwritable", str(err))
        if isinstance(outcome, Rejection):
            self._reject(outcome, rejected)
            return
        result = self.result
        result.kept += 1
        result.characters_kept += len(outcome.text)
        licences = result.kept_by_source.setdefault(outcome.source, {})
        licence = _counted_licence(outcome, licences)
        licences[licence] = licences.get(licence, 0) + 1
        if has_conversation(outcome.metadata):
            result.changes[AS_TEXT] = result.changes.get(AS_TEXT, 0) + 1
        for name, changed in outcome.counts.items():
            result.changes[name] = result.changes.get(name, 0) + changed

    def _reject(self, rejection: Rejection, rejected: OutputWriter) -> None:
        reasons = self.result.rejected.setdefault(rejection.stage, {})
        reasons[rejection.reason] = reasons.get(rejection.reason, 0) + 1
        if not self.step.keep_rejected:
            return
        document = rejection.document
        rejected.write(
            {
                "id": document.id,
                "text": document.text,
                "source": document.source,
                "license": document.licence,
                "stage": rejection.stage,
                "reason": rejection.reason,
                "detail": rejection.detail,
            }
        )

    def _add_bad_row(self, row: BadRow, rejected: OutputWriter) -> None:
        self.result.bad_rows += 1
        if len(self.result.listed_bad_rows) < LISTED_BAD_ROWS:
            note = BadRowNote(str(row.path), row.line, row.reason)
            self.result.listed_bad_rows.append(note)
        if self.step.keep_rejected:
            rejected.write(
                {
                    "id": f"{row.path}:{row.line}",
                    "text": row.raw[:_LONGEST_RAW],
                    "source": self._task.reader.name,
                    "stage": "reading",
                    "reason": "bad_row",
                    "detail": row.reason,
                }
            )

    def _note(self) -> None:
        """Leave word of how far the task is, now and then, for whoever watches."""
        now = time.monotonic()
        if now - self.noted_s < _NOTE_EVERY_S:
            return
        self.noted_s = now
        note = {"read": self.result.read, "bytes": self.result.bytes_read}
        path = self.step.folder.note(self.number)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(json.dumps(note), encoding="utf-8")
        os.replace(temporary, path)


def _through(document: Document, stages: Sequence[Stage]) -> Document | Rejection:
    try:
        return run_stages(document, stages)
    except MigakiError:
        raise
    except Exception as err:
        raise MigakiError(
            f"A stage failed on the document {document.id}: {type(err).__name__}: {err}.",
            hint="A stage must reject what it cannot use, and never raise. If it is a filter of your "
            "own, repair it; the tasks that are done are kept.",
        ) from err


def _counted_licence(document: Document, counted: Mapping[str, int]) -> str:
    """Return what a licence is counted by: its name, or what was stated where nobody knows the name."""
    stated = stated_licence(document.metadata)
    if document.licence != UNKNOWN or stated is None or stated.strip() in ("", UNKNOWN):
        return document.licence
    words = " ".join(stated.split())
    shown = words if len(words) <= _LONGEST_LICENCE else f"{words[:_LONGEST_LICENCE]}…"
    name = f"{UNKNOWN}, stated as '{shown}'"
    return (
        name if name in counted or len(counted) < _MOST_LICENCES else f"{UNKNOWN}, stated otherwise"
    )


def _count(count: InputCount, digest: Any, document: Document) -> None:
    data = document.text.encode("utf-8", errors="surrogatepass")
    count.documents += 1
    count.characters += len(document.text)
    count.bytes += len(data)
    digest.update(document.id.encode("utf-8", errors="surrogatepass"))
    digest.update(b"\0%d\0" % len(data))
    digest.update(data)


def _row(document: Document) -> Mapping[str, Any]:
    # Half a character: Parquet cannot hold it, and no model can read it.
    for text in (document.text, document.id, document.source):
        text.encode()
    return {
        "id": document.id,
        "text": document.text,
        "source": document.source,
        "license": document.licence,
        "metadata": without_turns(document.metadata),  # as they were: what is masked stands there
    }


def _in_words(err: OSError, out: Path) -> MigakiError:
    if err.errno in DISK_FULL:
        return ResourceError(
            f"There is no space left for {out}.",
            hint="Make room and repeat the command: finished tasks are kept.",
        )
    where = f"{err.filename}: " if err.filename else ""
    return DataError(f"A file could not be read or written: {where}{err.strerror or err}.")
