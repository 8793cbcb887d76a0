"""From sources to training data: one run of stages over whole corpora, here or on a cluster.

    sources ─ shards ─▶ tasks ─▶ read · stages · write ─▶ data/part-00042-000.jsonl.zst
                                                          rejected/ (if asked for)
                                                          manifest.json, last of all

What is written depends on the input, the stages and the settings, not on the engine or on how many
work at once. A run that was stopped goes on when it is called again.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from migaki.atomic import write_json
from migaki.corpus.cleaning_step import CleaningStep, Task, WorkFolder
from migaki.corpus.deduplication import DeduplicationConfig
from migaki.corpus.execution import Failure, Phase, incomplete_tasks, run_phase, submit_phases
from migaki.corpus.manifest import MANIFEST, Manifest, now, read_manifest
from migaki.corpus.pipeline_config import PipelineConfig
from migaki.corpus.run_plan import Input, RunPlan, changes_of, make_plan
from migaki.corpus.task_results import read_result, total
from migaki.errors import DataError, MigakiError, RunInterruptedError, UsageError
from migaki.locks import take_lock

__all__ = ["Preparation", "prepare", "run_plan"]

CLEAN = "clean"
"""Name of the phase that writes the output."""

_MOST_LISTED = 5
_OURS = ("data", "rejected", ".work", MANIFEST)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a call of `prepare` ended."""

    manifest: Manifest | None
    """None: jobs were handed to Slurm and are not all done."""
    jobs: tuple[str, ...] = ()
    """Ids of the Slurm jobs."""
    tasks_before: int = 0
    """Tasks that were done when it began."""
    tasks: int = 0


def prepare(
    inputs: Sequence[Input],
    *,
    out: Path,
    config: PipelineConfig | None = None,
    overwrite: bool = False,
) -> Preparation:
    """Read sources, send every document through the stages, and write what is kept.

    Args:
        inputs: The sources, each with its stages; `configured_inputs` makes them of a configuration.
        out: Folder for the data; with Slurm or Ray, on storage that every node sees.
        config: Settings; its sources and cleaning are those that `inputs` are made of.
        overwrite: Throw away what an earlier run left in `out`.

    Raises:
        UsageError: `out` holds something else, or work on other input or with other settings.
        DataError: Input cannot be read. All tasks without it are done and kept.
        ResourceError: No space is left, or the cluster asked for is not there.
        RunInterruptedError: Ctrl-C. The same call goes on.
    """
    config = config or PipelineConfig()
    return run_plan(make_plan(inputs, config=config), out=out, config=config, overwrite=overwrite)


def run_plan(
    plan: RunPlan, *, out: Path, config: PipelineConfig, overwrite: bool = False
) -> Preparation:
    """Do what was planned; see `prepare`."""
    if out.exists() and not out.is_dir():
        raise UsageError(
            f"The output {out} is a file, and a folder is needed: data and manifest go into it.",
            hint="Give the name of a folder; it is made if it does not exist.",
        )
    out = out.resolve()  # file systems are kept by their name, and the working folder may change
    folder = WorkFolder(out)
    out.mkdir(parents=True, exist_ok=True)
    lock = take_lock(
        out / ".lock",
        f"Another process is working in {out}.",
        hint="Wait until it ends, or stop it.",
    )
    try:
        if overwrite:
            _clear(out)
        done = _enter(folder, plan)
        if done is not None:
            return Preparation(done, (), len(plan.tasks), len(plan.tasks))
        phases = _phases(folder, plan, config)
        cleaning = next(phase for phase in phases if phase.name == CLEAN)
        before = len(plan.tasks) - len(incomplete_tasks(cleaning, folder.work))
        if config.engine.kind == "slurm":
            jobs = submit_phases(
                phases, engine=config.engine, state=folder.work, name=f"migaki-{out.name}"
            )
            return Preparation(read_manifest(out), tuple(jobs), before, len(plan.tasks))
        _run(phases, folder, config)
        return Preparation(read_manifest(out), (), before, len(plan.tasks))
    finally:
        lock.release()


def _phases(folder: WorkFolder, plan: RunPlan, config: PipelineConfig) -> list[Phase]:
    before: list[Phase] = []
    tasks = plan.tasks
    if config.deduplicate is not None:
        before, tasks = _deduplication(folder, plan, config.deduplicate)
    cleaning = CleaningStep(
        tasks=tasks,
        folder=folder,
        kind=config.output.format,
        file_bytes=config.output.file_mb * 1_000_000,
        keep_rejected=config.output.rejected,
        on_damage=config.on_damage,
    )
    return [
        *before,
        Phase(CLEAN, (cleaning,), len(tasks)),
        Phase("finish", (_FinishStep(folder, len(tasks)),), 1),
    ]


def _deduplication(
    folder: WorkFolder, plan: RunPlan, config: DeduplicationConfig
) -> tuple[list[Phase], tuple[Task, ...]]:
    """Return what finds duplicates, and the tasks of a plan without them."""
    from migaki.corpus.deduplication_steps import DeduplicatedReader, deduplication_phases

    ranks = count()
    without = {
        reader.name: DeduplicatedReader(
            reader,
            tuple(reader.shards()),
            folder.duplicates,
            {shard.name: next(ranks) for shard in reader.shards()},
        )
        for reader in plan.readers
    }
    tasks = tuple(replace(task, reader=without[task.reader.name]) for task in plan.tasks)
    return deduplication_phases(plan.readers, folder.duplicates, config), tasks


def _run(phases: Sequence[Phase], folder: WorkFolder, config: PipelineConfig) -> None:
    for phase in phases:
        try:
            failures = run_phase(phase, engine=config.engine, state=folder.work)
        except KeyboardInterrupt as err:
            left = len(incomplete_tasks(phase, folder.work))
            raise RunInterruptedError(
                f"{phase.tasks - left:,} of {phase.tasks:,} tasks are done and kept in {folder.out}.",
                hint="The same command goes on with the rest.",
            ) from err
        if failures:
            raise _failed(phase, failures)


def _failed(phase: Phase, failures: Sequence[Failure]) -> MigakiError:
    tasks_of = Counter(failure.problem for failure in failures)
    hints = [failure.hint for failure in failures if failure.hint]
    problems = " ".join(
        problem if count == 1 else f"{count:,} times: {problem}"
        for problem, count in tasks_of.most_common(_MOST_LISTED)
    )
    more = len(tasks_of) - _MOST_LISTED
    return DataError(
        f"{len(failures):,} of {phase.tasks:,} tasks failed; the others are done and kept. "
        f"{problems}{f' And {more:,} other problems.' if more > 0 else ''}",
        hint=hints[0] if hints else None,
    )


@dataclass(frozen=True)
class _FinishStep:
    """Adds the results of all tasks up and writes the manifest: the last task of a run."""

    folder: WorkFolder
    tasks: int

    name = "migaki: manifest"

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        began, identity = _begun(self.folder)
        whole = total(read_result(self.folder.result(number)) for number in range(self.tasks))
        found = self.folder.duplicates / "duplicates.json"
        duplicates = json.loads(found.read_text("utf-8")) if found.exists() else None
        manifest = Manifest.of(whole, identity=identity, began=began, duplicates=duplicates)
        manifest.write(self.folder.out)
        shutil.rmtree(self.folder.scratch, ignore_errors=True)
        return iter(())


# ── what is there already ────────────────────────────────────────────────────────────────────────


def _enter(folder: WorkFolder, plan: RunPlan) -> Manifest | None:
    """Begin a run, or find the one that was begun; return its manifest if it is complete."""
    if _plan_path(folder).exists():
        return _enter_again(folder, plan)
    others = sorted(path.name for path in folder.out.iterdir() if path.name != ".lock")
    if others:
        raise UsageError(
            f"{folder.out} is not empty ({', '.join(others[:3])} …), and not of a run of this kind.",
            hint="Give a new folder with --out.",
        )
    folder.make()
    write_json(_plan_path(folder), {"began": now(), "identity": plan.identity})
    return None


def _enter_again(folder: WorkFolder, plan: RunPlan) -> Manifest | None:
    began, identity = _begun(folder)
    manifest = read_manifest(folder.out)
    # What was compared with all other documents cannot be exchanged.
    settled = manifest is not None or folder.duplicates.exists()
    done = sorted(int(path.stem) for path in folder.result(0).parent.glob("[0-9]*.json"))
    changed = changes_of(identity, plan.identity, done=None if settled else done)
    if changed:
        raise UsageError(
            f"{folder.out} holds work that was begun otherwise: {'; '.join(changed)}.",
            hint="Repeat the command as it was, give another --out, or begin anew with --overwrite.",
        )
    folder.make()
    if identity != plan.identity:
        write_json(_plan_path(folder), {"began": began, "identity": plan.identity})
    return manifest


def _begun(folder: WorkFolder) -> tuple[str, Mapping[str, Any]]:
    path = _plan_path(folder)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return value["began"], value["identity"]
    except (OSError, ValueError, TypeError, KeyError) as err:
        raise DataError(
            f"{path}, which says what was begun, cannot be read ({err}).",
            hint="Begin anew with --overwrite.",
        ) from err


def _plan_path(folder: WorkFolder) -> Path:
    return folder.work / "plan.json"


def _clear(out: Path) -> None:
    """Remove what a run left, and nothing else."""
    for name in _OURS:
        path = out / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
