"""The one training engine: what happens around `Engine` from the first check to the result."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase, TrainingArguments, set_seed

from migaki.dataset.tokens import IGNORED
from migaki.errors import RunInterruptedError, TrainingError
from migaki.hardware import allocator
from migaki.models import low_bit
from migaki.models.packed_attention import packed_attention
from migaki.training import checkpoints
from migaki.training.acceleration import accelerated
from migaki.training.automatic_batch import choose_batch_size
from migaki.training.batching import Rows, row_lengths
from migaki.training.callbacks import MetricsFile, TrainingObserver
from migaki.training.config import TrainingConfig, contradiction
from migaki.training.freezing import freeze_weights
from migaki.training.identity import differences, refuse_different_runs
from migaki.training.interrupts import StopRequest
from migaki.training.optimizer import optimizer_choice, require_optimizer
from migaki.training.packs import choose_packing, split_long_rows
from migaki.training.processes import ending_together, join_processes, require_agreement
from migaki.training.recovery import RollBack
from migaki.training.settings import (
    Settings,
    choose_training_precision,
    decide_settings,
    require_trackers,
)
from migaki.training.trainer import Engine, read_state

__all__ = ["TrainingResult", "run_training"]

logger = logging.getLogger(__name__)

# transformers 5 renamed gradient checkpointing to what it is.
_RENAMED = "activation_checkpointing" in TrainingArguments.__dataclass_fields__
_CHECKPOINTING = "activation_checkpointing" if _RENAMED else "gradient_checkpointing"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run did.

    Args:
        steps: Optimizer steps taken, those before a resume included.
        total_steps: Steps of the whole plan.
        train_loss: Nats per trained token over the run.
        eval_loss: Nats per trained token on the held-out rows, of the weights that were kept.
        best_step: Step of those weights.
        stopped_early: Whether patience ended before the plan.
        tokens: Real tokens (no padding) seen.
        trained_tokens: Those of them with a loss.
        seconds: Training time, without evaluation and saving.
        tokens_per_s: The two divided.
        padding_share: Share of the places in the batches that held padding.
        mfu: Model FLOPs utilization; how it is worked out is among the choices.
        skipped_steps: Steps that were not taken, because they had gone wrong or had nothing to train.
        rollbacks: Returns to a checkpoint, each at half the rate before it.
        choices: What was decided automatically, with the reason, by topic.
        checkpoint: The newest checkpoint.
    """

    steps: int
    total_steps: int
    train_loss: float
    eval_loss: float | None
    best_step: int | None
    stopped_early: bool
    tokens: int
    trained_tokens: int
    seconds: float
    tokens_per_s: float
    padding_share: float
    mfu: float | None
    skipped_steps: int
    rollbacks: int
    choices: Mapping[str, str]
    checkpoint: Path | None


@ending_together
def run_training(  # noqa: PLR0913 - each is a decision of the caller, all by keyword
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    config: TrainingConfig,
    *,
    train_dataset: Rows,
    eval_dataset: Rows | None = None,
    output_dir: str | Path | None = None,
    resume: bool | str | Path = False,
    observer: TrainingObserver | None = None,
    optimizer_from: Path | None = None,
) -> TrainingResult:
    """Train a model in place.

    Writes ``metrics.jsonl`` and ``checkpoints/`` into the output folder. The first Ctrl-C (or
    SIGTERM) finishes the step and writes a checkpoint, the second stops at once.

    Args:
        model: Any causal language model of transformers, possibly wrapped by PEFT; what has
            ``requires_grad`` is trained. It ends in evaluation mode.
        tokenizer: Its tokenizer.
        config: How to train.
        train_dataset: Rows ``{"input_ids", "labels"}``.
        eval_dataset: Held-out rows; with ``trained_characters`` also bits per character.
        output_dir: Folder of the run; without it ``config.output_dir``.
        resume: Go on from the newest checkpoint of the folder (from the beginning if there is
            none), or from the one named.
        observer: Sees steps, evaluations and checkpoints.
        optimizer_from: A checkpoint of another run whose optimizer state is taken over, unless this
            run has a checkpoint of its own.

    Raises:
        RunInterruptedError: The user stopped it.
        LossDivergedError: The loss became NaN, infinite or far worse than guessing.
        ResourceError: The disk is too small, or filled up.
        TrainingError: There is nothing to train on, settings contradict the model, the checkpoint
            belongs to another run, or another process ended.
        UsageError: The device has no such optimizer, ``freeze`` fits no weight, or all, or the settings
            contradict the processes that were started.
        MissingExtraError: ``report_to`` needs a package that is not installed.
    """
    folder = Path(output_dir if output_dir is not None else config.output_dir)
    processes = join_processes()
    require_trackers(config)
    require_agreement(config, processes)
    frozen = _prepare_weights(model, config)
    _require_trained_tokens(train_dataset)
    store = folder / "checkpoints"
    checkpoint = processes.alone(lambda: _checkpoint_to_resume(store, resume))
    config, batch_size = processes.alone(
        lambda: _choose_batch_size(config, model, tokenizer, train_dataset, checkpoint)
    )
    lengths = row_lengths(train_dataset)
    precision, _ = choose_training_precision(config, model)
    packing = choose_packing(config, model, train_dataset, precision=precision)
    choices = {"batches": packing.reason, **processes.choice()}
    if config.packing_split and packing.attention is not None:
        train_dataset, choices["packing_split"] = split_long_rows(config, train_dataset, lengths)
        lengths = row_lengths(train_dataset)
    settings = decide_settings(
        config, model, lengths=lengths, packing=packing, processes=processes.count
    )
    choices = {**settings.choices, **frozen, **choices, **batch_size}
    if (reason := _keep_trained_weights_precise(model)) is not None:
        choices["trained weights"] = reason
    kept, reason = allocator.keep_memory_between_steps(next(model.parameters()).device.type)
    choices["allocator"] = f"{'tuned' if kept else 'as it is'}: {reason}"
    _say(choices)
    processes.alone(lambda: _make_room(store, model, config, settings, eval_dataset))
    metrics = MetricsFile(folder / "metrics.jsonl", is_writer=processes.is_first)
    arguments = _arguments(config, settings, store, model, has_eval=eval_dataset is not None)

    def attempt(checkpoint: Path | None, stop: StopRequest) -> Engine:
        engine = Engine(
            model,
            tokenizer,
            config=config,
            settings=settings,
            arguments=arguments,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            metrics=metrics,
            observer=observer,
            stop=stop,
        )
        if not processes.is_first:  # or every process would drop the same activations
            set_seed((config.seed + processes.rank) % 2**32)
        engine.optimizer_from = optimizer_from if checkpoint is None else None
        refuse_different_runs(processes, engine.identity())
        _prepare_folder(engine, store, checkpoint)
        try:
            with accelerated(engine.as_tried()) as faster:
                _say(faster)
                choices.update(faster)
                _train(engine, checkpoint)
        finally:
            if engine.optimizer_choice is not None:
                choices["optimizer state"] = engine.optimizer_choice
        return engine

    with (
        StopRequest(launched=processes.launched) as stop,
        _trackers(folder),
        _left_as_found(model),
        packed_attention(model, packing.attention),
    ):
        try:
            engine = _train_with_rollbacks(attempt, checkpoint, stop, metrics)
        finally:
            if observer is not None and processes.is_first:
                observer.on_end()
    return _result(engine, choices | {"MFU": engine.throughput.formula})


def _choose_batch_size(
    config: TrainingConfig,
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    rows: Rows,
    checkpoint: Path | None,
) -> tuple[TrainingConfig, dict[str, str]]:
    before = _settings_before(checkpoint) if config.auto_batch_size else None
    return choose_batch_size(config, model, tokenizer, rows, before=before)


def _make_room(
    store: Path,
    model: nn.Module,
    config: TrainingConfig,
    settings: Settings,
    eval_dataset: Rows | None,
) -> None:
    store.mkdir(parents=True, exist_ok=True)
    checkpoints.remove_leftovers(store)
    count = _checkpoints_to_come(config, settings, store, eval_dataset)
    checkpoints.require_disk(store, model, count=count)


def _train_with_rollbacks(
    attempt: Callable[[Path | None, StopRequest], Engine],
    checkpoint: Path | None,
    stop: StopRequest,
    metrics: MetricsFile,
) -> Engine:
    """Train; where a rollback is wanted, go on from its checkpoint as a resumed run would."""
    while True:
        try:
            return attempt(checkpoint, stop)
        except RollBack as back:
            checkpoint = back.checkpoint
            metrics.append(back.line)


def _say(choices: Mapping[str, str]) -> None:
    for topic, choice in choices.items():
        logger.info("%s: %s", topic, choice)


def _train(engine: Engine, checkpoint: Path | None) -> None:
    store = Path(engine.args.output_dir)
    try:
        engine.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
        if any(engine.processes.gather(engine.flow.stop_wanted)):
            raise _interrupted(engine, at_once=False)
        best = engine.best_checkpoint
        if best is not None and checkpoints.step_of(best) != engine.state.global_step:
            engine._load_from_checkpoint(str(best))
    except KeyboardInterrupt as err:
        raise _interrupted(engine, at_once=True) from err
    except OSError as err:  # metrics are written too, not only checkpoints
        last = checkpoints.latest_checkpoint(store)
        checkpoints.raise_if_disk_error(err, folder=store, model=engine.model, resume_from=last)
        raise
    finally:
        # Undo what accelerate wrapped around forward: what follows is not training.
        engine.accelerator.unwrap_model(engine.model, keep_fp32_wrapper=False)
        engine.accelerator.free_memory()
        engine.model.zero_grad(set_to_none=True)
        engine.model.eval()


def _interrupted(engine: Engine, *, at_once: bool) -> RunInterruptedError:
    last = checkpoints.latest_checkpoint(Path(engine.args.output_dir))
    where = f"step {engine.state.global_step} of {engine.state.max_steps}"
    if last is None:
        return RunInterruptedError(
            f"Stopped at {where}, before the first checkpoint.", hint="Start the run again."
        )
    return RunInterruptedError(
        f"Stopped {'at once ' if at_once else ''}at {where}. The checkpoint {last.name} holds "
        f"everything up to step {checkpoints.step_of(last)}.",
        checkpoint=last,
        hint="Go on with resume_from_checkpoint=True (migaki train --resume).",
    )


def _prepare_weights(model: nn.Module, config: TrainingConfig) -> dict[str, str]:
    """Freeze what shall be frozen; refuse what cannot be trained, or not rightly."""
    device = next(model.parameters()).device
    require_optimizer(config, device)
    low_bit.keep_4bit_weights_unpacked(model)
    adapted = hasattr(model, "peft_config")
    if (problem := contradiction("lora" if adapted else "full", config)) is not None:
        raise TrainingError(f"{problem}.")
    if low_bit.is_quantized(model) and not adapted:
        raise TrainingError(
            f"The weights of this model are quantized ({low_bit.quantization_of(model)}), and only "
            "adapters can be trained on such.",
            hint="Attach an adapter (--method qlora), or load the model without quantization.",
        )
    choices = {"optimizer": optimizer_choice(config, device)}
    if (frozen := freeze_weights(model, config.freeze)) is not None:
        choices["frozen"] = frozen
    _require_trained_weights(model)
    return choices


def _require_trained_weights(model: nn.Module) -> None:
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise TrainingError(
            f"No weight of {type(model).__name__} is to be trained: none has requires_grad.",
            hint="Attach an adapter, or load the model without freezing it.",
        )


def _require_trained_tokens(rows: Rows) -> None:
    count = len(rows)
    if count == 0:
        raise TrainingError("There are no training rows.", hint="Give data with at least one row.")
    if not any((torch.as_tensor(rows[i]["labels"])[1:] != IGNORED).any() for i in range(count)):
        raise TrainingError(
            f"None of the {count} training rows has a token to train: all labels are {IGNORED}.",
            hint="Look at what would be trained: migaki data preview",
        )


def _keep_trained_weights_precise(model: nn.Module) -> str | None:
    """Hold trained weights in float32: AdamW's steps are often below the precision of 16 bits."""
    changed = 0
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.dtype in (torch.bfloat16, torch.float16):
            parameter.data = parameter.data.float()
            changed += parameter.numel()
    if not changed:
        return None
    return f"float32: {changed:,} were in 16 bits, where small updates are lost"


def _checkpoint_to_resume(store: Path, resume: bool | str | Path) -> Path | None:
    if isinstance(resume, bool):
        found = checkpoints.latest_checkpoint(store) if resume else None
        if resume and found is None:
            logger.warning("There is no checkpoint in %s yet: starting from the beginning.", store)
        return found
    path = Path(resume)
    if not (path / "trainer_state.json").is_file() or checkpoints.step_of(path) < 0:
        known = ", ".join(str(p) for p in checkpoints.list_checkpoints(store)) or "none"
        raise TrainingError(
            f"{path} is not a checkpoint.", hint=f"Checkpoints of this run: {known}."
        )
    return path


def _settings_before(checkpoint: Path | None) -> Mapping[str, Any] | None:
    """Return the settings of the run that a checkpoint belongs to."""
    if checkpoint is None:
        return None
    checkpoints.verify(checkpoint)
    settings = read_state(checkpoint)["run"]
    batches = settings["batches_per_step"] // join_processes().count
    return {**settings, "gradient_accumulation_steps": batches}


def _prepare_folder(engine: Engine, store: Path, checkpoint: Path | None) -> None:
    """Make folder and engine say what has happened up to the step that training starts from."""
    engine.processes.alone(lambda: _go_back_to(engine, store, checkpoint))
    if checkpoint is not None:
        engine.restore(checkpoint)
    engine.guard.recovery.recall(engine.metrics.read() if checkpoint is not None else ())


def _go_back_to(engine: Engine, store: Path, checkpoint: Path | None) -> None:
    step = 0
    if checkpoint is not None:
        checkpoints.verify(checkpoint)
        _refuse_other_run(engine, checkpoint)
        step = checkpoints.step_of(checkpoint)
    for path in checkpoints.set_aside_after(store, step):
        logger.warning("The run goes on from step %d: set aside %s.", step, path)
    engine.metrics.forget_after(step)


def _refuse_other_run(engine: Engine, checkpoint: Path) -> None:
    before = read_state(checkpoint)["run"]
    now = json.loads(json.dumps(engine.identity()))
    changed = differences(before, now)
    if changed:
        raise TrainingError(
            f"The checkpoint {checkpoint} belongs to a run with other settings or data "
            f"({changed}): going on from it would not equal that run.",
            hint="Resume with the settings it was started with, or start a new run from its weights.",
        )


def _checkpoints_to_come(
    config: TrainingConfig, settings: Settings, store: Path, eval_dataset: Rows | None
) -> int:
    """Count checkpoints that are not on disk yet at the fullest moment, the one under way included."""
    written = math.ceil(settings.total_steps / config.save_steps)
    written += "rollback" in (config.on_divergence, config.on_spike)
    kept = config.save_total_limit
    if config.keep_best and eval_dataset is not None:
        written += math.ceil(settings.total_steps / config.eval_steps)
        kept += 1
    there = len(checkpoints.list_checkpoints(store))
    return max(1, min(kept, written) + 1 - there)


def _arguments(
    config: TrainingConfig, settings: Settings, store: Path, model: nn.Module, *, has_eval: bool
) -> TrainingArguments:
    device = next(model.parameters()).device
    arguments = TrainingArguments(
        output_dir=str(store),
        run_name=store.parent.name,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.eval_batch_size or config.batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=(
            "constant_with_warmup" if config.lr_scheduler == "constant" else config.lr_scheduler
        ),
        warmup_steps=settings.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        num_train_epochs=config.num_epochs,
        max_steps=config.max_steps or -1,
        logging_steps=config.logging_steps,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if has_eval else "no",
        eval_steps=config.eval_steps if has_eval else None,
        save_strategy="steps",
        save_steps=config.save_steps,
        metric_for_best_model="loss" if has_eval else None,
        greater_is_better=False if has_eval else None,
        seed=config.seed,
        bf16=settings.precision == torch.bfloat16,
        fp16=settings.precision == torch.float16,
        **{_CHECKPOINTING: settings.activation_checkpointing},
        use_cpu=device.type == "cpu",
        # Every trained weight is in every batch's graph, and buffers hold no state.
        ddp_find_unused_parameters=False,
        ddp_broadcast_buffers=False,
        dataloader_num_workers=config.dataloader_workers,
        remove_unused_columns=False,
        report_to=list(config.report_to) or "none",
        disable_tqdm=True,
    )
    if arguments.n_gpu > 1:  # one process per device, or one device: never torch's DataParallel
        arguments._n_gpu = 1
    return arguments


@contextmanager
def _trackers(folder: Path) -> Iterator[None]:
    """Let trackers write beside the run, and W&B not reach for a network it was not given."""
    wanted = {
        "TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard"),
        "WANDB_DIR": str(folder),
        "WANDB_PROJECT": "migaki",
    }
    if "WANDB_API_KEY" not in os.environ:
        wanted["WANDB_MODE"] = "offline"
    added = {key: value for key, value in wanted.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            os.environ.pop(key, None)


@contextmanager
def _left_as_found(model: nn.Module) -> Iterator[None]:
    """Put back what the Trainer switches on the model."""
    config = getattr(model, "config", None)
    cached = getattr(config, "use_cache", None)
    recomputed = bool(getattr(model, f"is_{_CHECKPOINTING}", False))
    try:
        yield
    finally:
        if config is not None and cached is not None:
            config.use_cache = cached
        if not recomputed and getattr(model, f"is_{_CHECKPOINTING}", False):
            getattr(model, f"{_CHECKPOINTING}_disable")()


def _result(engine: Engine, choices: Mapping[str, str]) -> TrainingResult:
    state, whole = engine.state, engine.meter.whole
    best = engine.best_checkpoint
    evaluations = [entry for entry in state.log_history if "eval_loss" in entry]
    loss = evaluations[-1]["eval_loss"] if evaluations else None
    return TrainingResult(
        steps=state.global_step,
        total_steps=state.max_steps,
        train_loss=whole.loss,
        eval_loss=state.best_metric if best is not None else loss,
        best_step=checkpoints.step_of(best) if best is not None else None,
        stopped_early=engine.flow.stopped_early,
        tokens=whole.tokens,
        trained_tokens=whole.trained_tokens,
        seconds=whole.seconds,
        tokens_per_s=whole.tokens_per_s,
        padding_share=whole.padding_share,
        mfu=engine.throughput.of(whole).mfu,
        skipped_steps=whole.skipped_steps,
        rollbacks=len(engine.guard.recovery.rollbacks),
        choices={**choices, **engine.late_choices},
        checkpoint=checkpoints.latest_checkpoint(Path(engine.args.output_dir)),
    )
