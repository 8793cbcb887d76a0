"""The main job: plan → load → measure → train → save → measure → report, in one run folder.

This module only puts the rooms below in order and keeps the run folder truthful at every moment:
whatever stops the run, the folder says so, holds the last good checkpoint and can be resumed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import PreTrainedModel

from migaki.atomic import write_jsonl
from migaki.errors import MigakiError, RunInterruptedError
from migaki.evaluation import answers as answers_module
from migaki.evaluation import runner
from migaki.hardware import gpu
from migaki.models import loading
from migaki.recipes.continuation import put_adapter
from migaki.recipes.lineage_of_run import end_lineage, keep_lineage
from migaki.recipes.plan import Plan, check_memory, make_plan
from migaki.recipes.recipe import Recipe
from migaki.recipes.run_folder import (
    RunFolder,
    create_run_folder,
    describe_environment,
    ensure_writable,
    find_resumable,
)
from migaki.reports.model_card import write_model_card
from migaki.reports.run_data import dig
from migaki.reports.run_report import write_report
from migaki.training.callbacks import TrainingObserver
from migaki.training.checkpoints import atomic_folder
from migaki.training.engine import TrainingResult, run_training
from migaki.training.processes import Processes, ending_together, join_processes

logger = logging.getLogger(__name__)


class JobObserver(Protocol):
    """Sees a job happen; the command line draws bars with it."""

    def on_stage(self, title: str) -> None:
        """A stage begins."""

    def on_progress(self, what: str, done: int, total: int | None) -> None:
        """Part of the stage is done."""

    def training(self) -> TrainingObserver | None:
        """Return what shall see the training steps."""


class SilentObserver:
    """Sees nothing: the default of the Python API."""

    def on_stage(self, title: str) -> None:
        """Log the stage."""
        logger.info(title)

    def on_progress(self, what: str, done: int, total: int | None) -> None:
        """Ignore it."""

    def training(self) -> TrainingObserver | None:
        """Return nothing."""
        return None


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run left behind.

    Args:
        folder: The run folder.
        report: The page to look at.
        evaluation: ``evaluation.json``: before, after, change; empty when switched off.
        training: Steps, losses, seconds of the training itself.
        seconds: Wall-clock seconds by stage.
    """

    folder: Path
    report: Path
    evaluation: dict[str, Any]
    training: TrainingResult
    seconds: dict[str, float]


def fine_tune(
    recipe: Recipe, *, observer: JobObserver | None = None, command: str | None = None
) -> RunResult:
    """Run a recipe from its data to its report.

    Args:
        recipe: What is asked.
        observer: Sees stages and steps.
        command: The command line to record; without one that of this process.

    Raises:
        MigakiError: Whatever stopped the run; the run folder says the same.

    Example:
        ``fine_tune(Recipe(name="my-run"))`` adapts the embedded model with its sample data.
    """
    seen = observer or SilentObserver()
    return carry_out(
        make_plan(recipe, on_progress=seen.on_progress), observer=seen, command=command
    )


@ending_together
def carry_out(
    plan: Plan, *, observer: JobObserver | None = None, command: str | None = None
) -> RunResult:
    """Carry out a plan in a new run folder.

    Called in several processes of a launcher, it trains with all of them; the first alone makes the
    folder, measures and writes.

    Args:
        plan: From ``make_plan``.
        observer: Sees stages and steps.
        command: The command line to record.
    """
    check_memory(plan)
    processes = join_processes()
    run = processes.alone(lambda: _make_folder(plan.recipe))
    with _held(run, processes):
        processes.alone(lambda: _write_beginning(run, plan, command))
        return _Job(run, plan, observer or SilentObserver(), resumed=False).finish()


@ending_together
def resume(
    output_dir: Path, name: str | None = None, *, observer: JobObserver | None = None
) -> RunResult:
    """Go on with a run that was stopped.

    Args:
        output_dir: Folder of run folders.
        name: Name of the run; without one the latest that did not complete.
        observer: Sees stages and steps.

    Raises:
        UsageError: There is no such run, it is complete, or another process works on it.
        MigakiError: Its data changed since it began.
    """
    seen = observer or SilentObserver()
    processes = join_processes()
    run = processes.alone(lambda: find_resumable(output_dir, name))
    with _held(run, processes):
        origin = str(run.path / "run.yaml")
        plan = make_plan(run.recipe(), origin=origin, on_progress=seen.on_progress)
        _refuse_changed_data(run, plan)
        check_memory(plan)
        return _Job(run, plan, seen, resumed=True).finish()


def _make_folder(recipe: Recipe) -> RunFolder:
    ensure_writable(Path(recipe.output_dir))
    return create_run_folder(recipe)


@contextmanager
def _held(run: RunFolder, processes: Processes) -> Iterator[None]:
    """Keep other runs out of the folder; the processes of this one go in together."""
    if not processes.is_first:
        yield
        return
    with run.held():
        yield


def _write_beginning(run: RunFolder, plan: Plan, command: str | None) -> None:
    dtype, reason = plan.precision
    run.write_recipe(plan.recipe)
    run.write_json("plan.json", plan.to_json())
    run.write_json("data.json", plan.data.report.to_json())
    run.write_json(
        "environment.json",
        describe_environment(
            hardware=gpu.describe_hardware(),
            seed=plan.recipe.training.seed,
            precision={"dtype": str(dtype).removeprefix("torch."), "reason": reason},
            command=command,
        ),
    )
    if plan.data.rejected:
        write_jsonl(run.path / "rejected.jsonl", (row.to_json() for row in plan.data.rejected))


def _refuse_changed_data(run: RunFolder, plan: Plan) -> None:
    def hashes(report: dict[str, Any]) -> list[object]:
        files = report.get("files")
        return [dig(file, "sha256") for file in files] if isinstance(files, list) else []

    if hashes(run.read_json("data.json")) != hashes(plan.data.report.to_json()):
        raise MigakiError(
            f"The data of the run '{run.path.name}' changed since it began: resuming would train "
            "on other rows than the checkpoint knows.",
            hint="Put the old files back, or start a new run.",
        )


class _Job:
    """One run under way: the stages in order, timed, with the folder kept truthful."""

    def __init__(self, run: RunFolder, plan: Plan, observer: JobObserver, *, resumed: bool) -> None:
        self.run = run
        self.plan = plan
        self.processes = join_processes()
        self.observer = observer if self.processes.is_first else SilentObserver()
        self.resumed = resumed
        self.seconds: dict[str, float] = {}

    def finish(self) -> RunResult:
        """Do every stage; on any stop, record it, write the report, and pass the error on."""
        try:
            self.processes.alone(lambda: self.run.set_state("running"))
            training = self._stages()
        except KeyboardInterrupt as err:
            self._record("interrupted", "stopped by the user")
            raise RunInterruptedError(
                f"Stopped. The run '{self.run.path.name}' keeps what it has.",
                hint=self._resume_hint(),
            ) from err
        except RunInterruptedError as err:
            self._record("interrupted", err.message)
            raise RunInterruptedError(
                err.message, checkpoint=err.checkpoint, hint=self._resume_hint()
            ) from err
        except Exception as err:
            told = self.processes.end(err)
            stopped = isinstance(told, RunInterruptedError)
            self._record("interrupted" if stopped else "failed", str(told))
            if told is err:
                raise
            raise told from err
        report = self.processes.alone(self._complete)
        return RunResult(
            folder=self.run.path,
            report=report,
            evaluation=self.run.read_json("evaluation.json"),
            training=training,
            seconds=dict(self.seconds),
        )

    def _complete(self) -> Path:
        self.run.set_state("completed", seconds=self.seconds)
        with self._stage("report", "Writing the report"):
            report = write_report(self.run.path)
            write_model_card(self.run.path, self._result_folder())
        return report

    def _stages(self) -> TrainingResult:
        with self._stage("load", f"Loading {self.plan.recipe.model.name}"):
            model = self._load_model()
        self.processes.alone(lambda: self._measure_before(model))
        with self._stage("train", "Training"):
            training = self._train(model)
        self.processes.alone(lambda: self._keep(model, training))
        return training

    def _measure_before(self, model: PreTrainedModel) -> None:
        if self.plan.recipe.evaluation.enabled and not self.run.read_json("evaluation.json"):
            with self._stage("before", "Measuring the model as it is"):
                self._keep_before(self._measure(model))

    def _keep(self, model: PreTrainedModel, training: TrainingResult) -> None:
        self._keep_choices(training)
        with self._stage("save", "Saving"):
            self._save(model)
            end_lineage(self.run, self.lineage, training, self._result_folder())
        if self.plan.recipe.evaluation.enabled:
            with self._stage("after", "Measuring what changed"):
                self._keep_after(self._measure(model))

    def _load_model(self) -> PreTrainedModel:
        recipe = self.plan.recipe
        self.lineage = self.processes.alone(lambda: keep_lineage(self.run, self.plan))
        loaded = loading.load_model(
            recipe.model.name,
            device=self.plan.device,
            dtype=self._weights_dtype(),
            load_in_8bit=recipe.lora.use_qlora and not recipe.lora.qlora_4bit,
            load_in_4bit=recipe.lora.use_qlora and recipe.lora.qlora_4bit,
            revision=recipe.model.revision,
            trust_remote_code=recipe.model.trust_remote_code,
        )
        self.base = loaded.location
        self.choices = loaded.choices
        if recipe.method == "full":
            return loaded.model
        continuation = self.plan.continuation
        if continuation is not None and continuation.adapter is not None:
            stacked = recipe.lora if recipe.continue_adapter == "stack" else None
            adapted: PreTrainedModel = put_adapter(
                loaded.model,
                continuation.adapter,
                stacked=stacked,
                tokenizer=self.plan.tokenizer,
                seed=recipe.training.seed,
            )
            return adapted
        from migaki.training.lora import attach_adapter  # peft takes seconds to import

        return attach_adapter(
            loaded.model,
            recipe.lora,
            tokenizer=self.plan.tokenizer,
            seed=recipe.training.seed,
        )

    def _weights_dtype(self) -> torch.dtype:
        """Master weights stay in fp32 when they are trained; a frozen base need not."""
        return torch.float32 if self.plan.recipe.method == "full" else self.plan.precision[0]

    def _train(self, model: PreTrainedModel) -> TrainingResult:
        return run_training(
            model,
            self.plan.tokenizer,
            self.plan.recipe.training,
            train_dataset=self.plan.data.train,
            eval_dataset=self.plan.data.validation or None,
            output_dir=self.run.path,
            resume=self.resumed,
            observer=self.observer.training(),
            optimizer_from=self._optimizer_checkpoint(),
        )

    def _optimizer_checkpoint(self) -> Path | None:
        continuation = self.plan.continuation
        if continuation is None or not self.plan.recipe.continue_optimizer:
            return None
        return continuation.optimizer_checkpoint()

    def _keep_choices(self, training: TrainingResult) -> None:
        """Add what the engine decided to what the plan decided: each with its reason."""
        plan = self.run.read_json("plan.json")
        before = plan.get("choices")
        before = before if isinstance(before, dict) else {}
        choices = {**before, **self.choices, **training.choices}
        self.run.write_json("plan.json", {**plan, "choices": choices})

    def _save(self, model: PreTrainedModel) -> None:
        tokenizer = self.plan.tokenizer
        if self.plan.recipe.method == "full":
            with atomic_folder(self.run.model) as folder:
                loading.save_model(model, tokenizer, folder)
        else:
            from migaki.models import adapters, stacking

            if stacking.is_stacked(model):
                stacking.fold(model)
            with atomic_folder(self.run.adapter) as folder:
                adapters.save_adapter(model, folder, tokenizer=tokenizer, base=self.base.name)

    def _result_folder(self) -> Path:
        return self.run.model if self.plan.recipe.method == "full" else self.run.adapter

    def _measure(self, model: PreTrainedModel) -> runner.Measurement:
        settings = self.plan.recipe.evaluation
        prompts = answers_module.load_prompts(Path(settings.prompts) if settings.prompts else None)
        return runner.measure(
            model,
            self.plan.tokenizer,
            self.plan.data.validation,
            prompts,
            max_new_tokens=settings.max_new_tokens,
            batch_size=settings.batch_size,
            seed=self.plan.recipe.training.seed,
            on_progress=self.observer.on_progress,
        )

    def _keep_before(self, before: runner.Measurement) -> None:
        write_jsonl(self.run.path / "samples.jsonl", before.sample_rows())
        self.run.write_json("evaluation.json", {"before": before.to_json()})

    def _keep_after(self, after: runner.Measurement) -> None:
        before = runner.Measurement.from_run(self.run.path)
        write_jsonl(self.run.path / "samples.jsonl", after.sample_rows(before=before))
        self.run.write_json("evaluation.json", runner.compare(before, after))

    @contextmanager
    def _stage(self, key: str, title: str) -> Iterator[None]:
        self.observer.on_stage(title)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[key] = round(time.perf_counter() - start, 2)

    def _record(self, state: Any, message: str) -> None:
        """Best effort: a full disk must not hide the error that the user needs to see."""
        if not self.processes.is_first:
            return
        try:
            self.run.set_state(state, message, seconds=self.seconds)
            write_report(self.run.path)
        except OSError as err:
            logger.warning("the run folder could not be updated: %s", err)

    def _resume_hint(self) -> str:
        folder = self.run.path.parent
        elsewhere = "" if str(folder) == "runs" else f" output_dir={folder}"
        return f"Go on with: migaki train --resume --name {self.run.path.name}{elsewhere}"
