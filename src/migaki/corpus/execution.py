"""Where the tasks of a corpus run are executed: this process, all cores, Slurm or Ray.

The engine is datatrove: a step is called with the number of a task, and a task that is done leaves a
file ``completions/00042``, so that work begun in one place can be gone on with in another. Its
executors for one machine and for Ray wait for ever when a process is killed (measured, see
docs/decisions/0012), so these two give their tasks out by `map_ordered` and by Ray's own retries;
Slurm is datatrove's. Only this module imports datatrove's executors, or Ray.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from datatrove.executor.base import DistributedEnvVars, PipelineExecutor
from datatrove.executor.slurm import SlurmPipelineExecutor

from migaki.atomic import write_text
from migaki.corpus.ordered_map import map_ordered
from migaki.corpus.pipeline_config import EngineConfig, SlurmConfig
from migaki.errors import MigakiError, MissingExtraError, ResourceError
from migaki.hardware.cpu import usable_cores

__all__ = [
    "ATTEMPTS",
    "Failure",
    "Phase",
    "Step",
    "incomplete_tasks",
    "run_phase",
    "submit_phases",
]

Step: TypeAlias = Callable[[Any, int, int], Any]
"""A step of datatrove: called with documents (None for the first), task number and task count."""

ATTEMPTS = 3
"""How often a task is begun whose process is killed. What kills three is no accident."""

_JOBS = "slurm_jobs.txt"

_KILLED = 128
"""Exit codes above this say by which signal a process ended (POSIX shells)."""


@dataclass(frozen=True)
class Phase:
    """Steps that run on every task before the next phase may begin."""

    name: str
    """A word; also the folder of its state."""
    steps: tuple[Step, ...]
    tasks: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that could not be done."""

    task: int
    problem: str
    hint: str | None


def incomplete_tasks(phase: Phase, state: Path) -> list[int]:
    """Return the tasks of a phase that are still to be done."""
    folder = state / phase.name / "completions"
    done = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return [number for number in range(phase.tasks) if f"{number:05d}" not in done]


def run_phase(phase: Phase, *, engine: EngineConfig, state: Path) -> list[Failure]:
    """Run what is left of a phase, here or on Ray; one failed task does not end the others.

    Args:
        phase: What to do.
        engine: Where; not ``slurm``.
        state: Folder for the state of all phases, on storage that every worker sees.

    Raises:
        MissingExtraError: Ray is asked for and not installed.
        ResourceError: The Ray cluster is not there, or processes were killed again and again.
    """
    waiting = incomplete_tasks(phase, state)
    if not waiting:
        return []
    attempt = partial(_attempt, _Tasks(phase, state))
    if engine.kind == "ray":
        return _on_ray(attempt, waiting, engine)
    workers = engine.workers or usable_cores()
    try:
        outcomes = list(map_ordered(attempt, waiting, workers=workers, attempts=ATTEMPTS))
    except MigakiError as err:
        raise ResourceError(err.message, hint=err.hint) from err
    return [outcome for outcome in outcomes if outcome is not None]


class _Tasks(PipelineExecutor):  # type: ignore[misc]
    """datatrove's way to do one task and to mark it done; others give the tasks out."""

    def __init__(self, phase: Phase, state: Path) -> None:
        super().__init__(list(phase.steps), logging_dir=str(state / phase.name))
        self._tasks, self._state = phase.tasks, state / phase.name

    def attempt(self, number: int) -> None:
        """Do one task."""
        self._run_for_rank(number, local_rank=1)

    def keep_trace(self, number: int) -> Path:
        """Write down where the error at hand came from, and return where that stands."""
        path = self._state / f"error-{number:05d}.txt"
        write_text(path, traceback.format_exc())
        return path

    def run(self) -> None:
        """Not asked of this executor: `run_phase` gives its tasks out."""
        raise NotImplementedError

    @property
    def world_size(self) -> int:
        """How many tasks there are."""
        return self._tasks

    def get_distributed_env(self, node_rank: int = -1) -> DistributedEnvVars:
        """Return what datatrove tells its steps about a machine; ours ask nothing."""
        return DistributedEnvVars(
            datatrove_node_ips="localhost",
            datatrove_cpus_per_task="-1",
            datatrove_mem_per_cpu="-1",
            datatrove_gpus_on_node="-1",
            datatrove_executor="LOCAL",
        )


def _attempt(tasks: _Tasks, number: int) -> Failure | None:
    """Do one task, in whatever process this is; what goes wrong is an answer."""
    from loguru import logger

    logger.disable("datatrove")  # it writes to stderr, which is the user's
    try:
        tasks.attempt(number)
    except MigakiError as err:
        return Failure(number, err.message, err.hint)
    except Exception as err:
        return Failure(
            number,
            f"{type(err).__name__}: {str(err).rstrip('.')}.",
            f"migaki did not expect this; please report it with {tasks.keep_trace(number)}.",
        )
    return None


# ── Ray ──────────────────────────────────────────────────────────────────────────────────────────


def _on_ray(
    attempt: Callable[[int], Failure | None], waiting: Sequence[int], engine: EngineConfig
) -> list[Failure]:
    with _ray(engine) as ray:
        memory = int(engine.ray.memory_gb * 1e9) or None

        def work(number: int) -> Failure | None:
            return attempt(number)

        # Ray itself tries a task again whose process was killed.
        remote = ray.remote(num_cpus=1, memory=memory, max_retries=ATTEMPTS - 1)(work)
        at_once = engine.workers or len(waiting)
        rest, failures = list(reversed(waiting)), list[Failure]()
        running: dict[Any, int] = {}
        while rest or running:
            while rest and len(running) < at_once:
                number = rest.pop()
                running[remote.remote(number)] = number
            for ready in ray.wait(list(running))[0]:
                number = running.pop(ready)
                try:
                    failure = ray.get(ready)
                except ray.exceptions.RayError as err:
                    failure = Failure(
                        number,
                        f"Its process was lost {ATTEMPTS} times: {str(err).splitlines()[0]}",
                        "If the machine ran out of memory, set engine.ray.memory_gb.",
                    )
                if failure is not None:
                    failures.append(failure)
    return failures


@contextmanager
def _ray(engine: EngineConfig) -> Iterator[Any]:
    """Connect to the cluster asked for, or start one here for as long as the run."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import ray
    except ImportError as err:
        raise MissingExtraError("The engine ray", package="ray", extra="ray") from err
    if ray.is_initialized():
        yield ray
        return
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    try:
        if engine.ray.address:
            ray.init(address=engine.ray.address, log_to_driver=False, logging_level="ERROR")
        else:
            ray.init(address="local", num_cpus=engine.workers or usable_cores(), **quiet)
    except (ConnectionError, RuntimeError, ValueError) as err:
        raise ResourceError(
            f"The Ray cluster {engine.ray.address or 'of this machine'} cannot be used: {err}.",
            hint="Start one with 'ray start --head', or leave engine.ray.address empty.",
        ) from err
    try:
        yield ray
    finally:
        ray.shutdown()


# ── Slurm ────────────────────────────────────────────────────────────────────────────────────────


class _SlurmArray(SlurmPipelineExecutor):  # type: ignore[misc]
    """A job array whose tasks are tried again when their process is killed."""

    def get_launch_file_contents(self, sbatch_args: dict[str, Any], run_script: str) -> str:
        """Return the batch script: datatrove's, with attempts.

        Slurm itself begins a job again whose machine was lost, but not one whose process was
        killed, for example because it took more memory than was asked for.
        """
        numbers = " ".join(str(number + 1) for number in range(ATTEMPTS))
        # One line: datatrove takes the common indentation of all lines away.
        loop = (
            f"for attempt in {numbers}; do {run_script} && exit 0 || code=$?; "
            f'[ "$code" -gt {_KILLED} ] || exit "$code"; '
            'echo "Attempt $attempt was killed (exit code $code)."; done; exit "$code"'
        )
        script: str = super().get_launch_file_contents(sbatch_args, loop)
        return script

    def launch_merge_stats(self) -> None:
        """Leave out datatrove's own summary: each task leaves its result, which are added up."""


def submit_phases(
    phases: Sequence[Phase], *, engine: EngineConfig, state: Path, name: str
) -> list[str]:
    """Hand phases to Slurm, each to begin when the one before has succeeded.

    Jobs that were handed over before and are still waiting or running are left to it.

    Args:
        phases: In order; those without incomplete tasks are left out.
        engine: What each task asks for.
        state: Folder for the state of all phases, on storage that every node sees.
        name: How the jobs are called.

    Returns:
        The Slurm ids of the jobs.

    Raises:
        ResourceError: There is no ``sbatch`` here, or it refused.
    """
    if jobs := _jobs_under_way(state):
        return jobs
    for phase in phases:
        if not incomplete_tasks(phase, state):
            continue
        array = _SlurmArray(
            list(phase.steps),
            tasks=phase.tasks,
            job_name=f"{name}-{phase.name}",
            logging_dir=str(state / phase.name),
            depends_job_id=jobs[-1] if jobs else None,
            workers=engine.workers or -1,
            **_slurm_arguments(engine.slurm),
        )
        try:
            array.launch_job()
        except (OSError, subprocess.CalledProcessError) as err:
            raise ResourceError(
                f"sbatch could not be run for {phase.name}: {err}.",
                hint="Run this on a machine where Slurm's commands work (try: sinfo), and look at "
                "engine.slurm.",
            ) from err
        jobs.append(str(array.job_id))
        write_text(state / _JOBS, "\n".join(jobs))
    return jobs


def _jobs_under_way(state: Path) -> list[str]:
    """Return the jobs of an earlier call, if Slurm still has any of them."""
    path = state / _JOBS
    jobs = path.read_text("utf-8").split() if path.exists() else []
    if not jobs:
        return []
    command = ["squeue", "--noheader", "--format=%i", f"--jobs={','.join(jobs)}"]
    try:
        # Slurm forgets jobs that are over, and then calls their ids invalid.
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as err:
        raise ResourceError(
            f"squeue could not be run, to see whether {', '.join(jobs)} are still at work: {err}.",
            hint="Run this on a machine where Slurm's commands work (try: sinfo).",
        ) from err
    return jobs if found.stdout.strip() else []


def _slurm_arguments(slurm: SlurmConfig) -> dict[str, Any]:
    programs = shlex.quote(str(Path(sys.executable).parent))
    return {
        "time": slurm.time,
        "partition": slurm.partition,
        "mem_per_cpu_gb": slurm.memory_gb,
        "tasks_per_job": slurm.tasks_per_job,
        "qos": slurm.qos,
        "env_command": slurm.setup or f"export PATH={programs}:$PATH",
        # A phase whose predecessor failed would wait for ever.
        "sbatch_args": {"kill-on-invalid-dep": "yes", **slurm.options},
    }
