"""The one training engine: `transformers.Trainer`, subclassed where we must be exact.

Ours are the loss (trained positions only, weighted by tokens over a whole optimizer step), the order
of rows (a function of seed and epoch), evaluation (exact nats per token and bits per character, no
logits kept), checkpoints (whole or not there) and the watch over divergence. Optimizer, schedule,
clipping, precision, devices, resume and trackers stay the Trainer's.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import (
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from migaki.dataset.tokens import IGNORED
from migaki.errors import LossDivergedError, RunInterruptedError, TrainingError
from migaki.training import checkpoints
from migaki.training.batching import (
    EpochSampler,
    LongestFirst,
    Rows,
    UnpaddedCollator,
    row_lengths,
)
from migaki.training.callbacks import MetricsFile, TrainingObserver
from migaki.training.config import TrainingConfig
from migaki.training.divergence import DivergenceWatch
from migaki.training.flow import Flow
from migaki.training.interrupts import StopRequest
from migaki.training.loss import TrainedLoss
from migaki.training.meter import Meter
from migaki.training.settings import (
    Settings,
    decide_settings,
    require_launcher,
    require_trackers,
)

__all__ = ["Engine", "TrainingResult", "read_state", "run_training"]

logger = logging.getLogger(__name__)

_STATE_FILE = "migaki_state.json"

# transformers 5 renamed gradient checkpointing to what it is.
_RENAMED = "activation_checkpointing" in TrainingArguments.__dataclass_fields__
_CHECKPOINTING = "activation_checkpointing" if _RENAMED else "gradient_checkpointing"


class Engine(Trainer):  # type: ignore[misc]
    """Trains a causal language model on tokenised rows.

    Args:
        model: The model, on its device.
        tokenizer: Saved with every checkpoint; its padding token fills batches.
        config: What is asked.
        settings: What was decided.
        arguments: The same in the Trainer's words.
        train_dataset: Rows to train on.
        eval_dataset: Held-out rows.
        metrics: Where losses and throughput are written.
        observer: Sees steps, evaluations and checkpoints.
        stop: The user's wish to stop.
    """

    control: Any
    loss_is_scaled_for_ga = True  # the loss is a share of the whole optimizer step's tokens

    def __init__(  # noqa: PLR0913 - one call, in run_training
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        *,
        config: TrainingConfig,
        settings: Settings,
        arguments: TrainingArguments,
        train_dataset: Rows,
        eval_dataset: Rows | None,
        metrics: MetricsFile,
        observer: TrainingObserver | None,
        stop: StopRequest,
    ) -> None:
        super().__init__(
            model=model,
            args=arguments,
            data_collator=UnpaddedCollator(tokenizer),
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
        )
        self.config = config
        self.settings = settings
        self.observer = observer
        self.metrics = metrics
        self.tokenizer = tokenizer
        self.lengths = row_lengths(train_dataset)
        self.sampler = EpochSampler(
            self.lengths,
            batch_size=config.batch_size,
            seed=config.seed,
            group_by_length=config.group_by_length,
        )
        self.meter = Meter(_characters_per_token(train_dataset))
        self.watch = DivergenceWatch(_vocabulary(model))
        self.flow = Flow(self, stop)
        self._loss = TrainedLoss(model)
        self._step_nll: list[Tensor] = []
        self._step_trained: list[Tensor] = []
        self._step_tokens: list[Tensor] = []
        self._grad_norm: Tensor | float | None = None
        self._last_batch: Mapping[str, Any] | None = None
        self.remove_callback(PrinterCallback)
        self.add_callback(self.flow)

    # ---- rows ------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return batches in the order of `EpochSampler`."""
        return self._loader(self.train_dataset, self.args.train_batch_size, self.sampler)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """Return batches of held-out rows, longest first."""
        rows = eval_dataset if eval_dataset is not None else self.eval_dataset
        return self._loader(rows, self.args.eval_batch_size, LongestFirst(row_lengths(rows)))

    def _loader(self, rows: Any, batch_size: int, sampler: Any) -> DataLoader[Any]:
        loader = DataLoader(
            rows,
            batch_size=batch_size,
            sampler=sampler,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.device.type == "cuda",
            # DataLoader draws a number from the global state otherwise, which dropout also uses.
            generator=torch.Generator(),
        )
        prepared: DataLoader[Any] = self.accelerator.prepare(loader)
        return prepared

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Tensor]:
        """Take the batches of one optimizer step and count their trained tokens together."""
        batches = list(islice(epoch_iterator, num_batches))
        counts = [(batch["labels"][:, 1:] != IGNORED).sum() for batch in batches]
        trained = torch.stack(counts).sum().to(device) if counts else torch.zeros(1, device=device)
        if self.args.world_size > 1:
            trained = self.accelerator.gather(trained).sum()
        return batches, trained

    # ---- loss ------------------------------------------------------------------------------------

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Return this batch's share of the loss of the optimizer step."""
        nll, trained = self._loss(model, inputs)
        self._step_nll.append(nll.detach())
        self._step_trained.append(trained)
        self._step_tokens.append(inputs["attention_mask"].sum())
        self._last_batch = inputs
        divisor = trained if num_items_in_batch is None else num_items_in_batch
        # A step without trained tokens has a loss of 0 and changes nothing, rather than 0/0.
        loss = nll / torch.as_tensor(divisor, device=nll.device).clamp(min=1)
        if self.args.world_size > 1:
            loss = loss * self.args.world_size  # gradients are averaged over processes
        return (loss, None) if return_outputs else loss

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        self._grad_norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        return self._grad_norm

    def close_step(self) -> None:
        """Sum up an optimizer step before it is taken; refuse one that would ruin the weights."""
        grad_norm = torch.as_tensor(self._grad_norm, device=self._step_nll[0].device)
        sums = torch.stack(  # one wait for the device a step
            [
                torch.stack(self._step_nll).double().sum(),
                torch.stack(self._step_trained).double().sum(),
                torch.stack(self._step_tokens).double().sum(),
                grad_norm.double(),
            ]
        )
        nll, trained, tokens, norm = sums.tolist()
        for values in (self._step_nll, self._step_trained, self._step_tokens):
            values.clear()
        scaled = getattr(self.accelerator, "scaler", None) is not None  # it skips such steps itself
        problem = self.watch.problem(nll, int(trained), 0.0 if scaled else norm)
        if problem:
            raise self.diverged(problem, step=self.state.global_step + 1)
        self.meter.step(nll_nats=nll, trained_tokens=int(trained), tokens=int(tokens))

    def diverged(self, problem: str, *, step: int) -> LossDivergedError:
        """Describe a divergence at a step and what is left."""
        rate = self.config.learning_rate
        last = checkpoints.latest_checkpoint(Path(self.args.output_dir))
        kept = (
            f"The last good checkpoint is kept: {last}."
            if last is not None
            else "No checkpoint had been written yet; the base model is untouched."
        )
        return LossDivergedError(
            f"Training diverged at step {step} of {self.state.max_steps}: {problem} "
            f"(learning_rate={rate:g}). {kept}",
            step=step,
            checkpoint=last,
            hint=f"Start again with a lower rate, for example training.learning_rate={rate / 10:g}.",
        )

    # ---- evaluation ------------------------------------------------------------------------------

    def evaluate(
        self,
        eval_dataset: Any = None,
        ignore_keys: list[str] | None = None,
        metric_key_prefix: str = "eval",
    ) -> dict[str, float]:
        """Measure held-out rows: nats per trained token, and bits per trained character if known."""
        started = time.perf_counter()
        rows = eval_dataset if eval_dataset is not None else self.eval_dataset
        nll, trained = self._measure(self.get_eval_dataloader(rows))
        loss = nll / max(1, trained)
        if not math.isfinite(loss):
            raise self.diverged(f"the loss on held-out rows is {loss}", step=self.state.global_step)
        metrics = {f"{metric_key_prefix}_loss": loss, f"{metric_key_prefix}_tokens": trained}
        if characters := sum(getattr(rows, "trained_characters", ())):
            bits = nll / math.log(2) / characters
            metrics[f"{metric_key_prefix}_bits_per_character"] = bits
        metrics[f"{metric_key_prefix}_runtime"] = round(time.perf_counter() - started, 3)
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        self.meter.start()
        return metrics

    @torch.no_grad()
    def _measure(self, loader: DataLoader[Any]) -> tuple[float, int]:
        self.model.eval()
        total = torch.zeros(2, dtype=torch.float64)
        for batch in loader:
            with self.accelerator.autocast():
                nll, trained = self._loss(self.model, self._prepare_inputs(batch))
            total += torch.stack([nll.double(), trained.double()]).cpu()
        if self.args.world_size > 1:
            total = self.accelerator.reduce(total.to(self.args.device)).cpu()
        return float(total[0]), int(total[1])

    # ---- metrics ---------------------------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Write a line of metrics and hand it to the trackers."""
        record: dict[str, Any] | None = None
        epoch = round(self.state.epoch or 0.0, 6)
        if "loss" in logs:
            logs = {**logs, "loss": self.meter.recent.loss, **self.meter.speed()}
            record = {"split": "train", "step": self.state.global_step, "epoch": epoch, **logs}
            self.meter.recent = type(self.meter.recent)()
        elif "eval_loss" in logs:
            values = {key.removeprefix("eval_"): value for key, value in logs.items()}
            record = {"split": "eval", "step": self.state.global_step, "epoch": epoch, **values}
        if record is not None and self.is_world_process_zero():
            self.metrics.append(record)
        super().log(logs, start_time)

    # ---- checkpoints -----------------------------------------------------------------------------

    @property
    def best_checkpoint(self) -> Path | None:
        """The checkpoint with the lowest evaluation loss, wherever the folder lies by now."""
        if not self.config.keep_best or self.state.best_global_step is None:
            return None
        path = Path(self.args.output_dir) / f"checkpoint-{self.state.best_global_step}"
        return path if path.is_dir() else None

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        self._refuse_ruined_weights()
        folder = Path(self.args.output_dir)
        target = folder / f"checkpoint-{self.state.global_step}"
        self.store_flos()
        if self.state.best_global_step == self.state.global_step:
            self.state.best_model_checkpoint = str(target)
        last = checkpoints.latest_checkpoint(folder)
        try:
            with checkpoints.atomic_folder(target) as temporary:
                self._write_checkpoint(temporary)
        except Exception as err:
            checkpoints.raise_if_disk_error(err, folder=folder, model=self.model, resume_from=last)
            raise
        checkpoints.remove_old(folder, keep=self.config.save_total_limit, best=self.best_checkpoint)
        if self.observer is not None:
            self.observer.on_checkpoint(target)
        self.meter.start()

    def _write_checkpoint(self, folder: Path) -> None:
        self.save_model(str(folder), _internal_call=True)
        self._save_optimizer_and_scheduler(str(folder))
        self._save_scaler(str(folder))
        self._save_rng_state(str(folder))
        self.state.save_to_json(str(folder / "trainer_state.json"))
        own = {
            "format": 1,
            "run": self.identity(),
            "meter": self.meter.to_json(),
            "watch": self.watch.to_json(),
            "flow": self.flow.to_json(),
        }
        (folder / _STATE_FILE).write_text(json.dumps(own, indent=2), encoding="utf-8")

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write weights as safetensors and the tokenizer; no pickled arguments."""
        extra: dict[str, Any] = {}
        if hasattr(self.model, "peft_config"):
            # "auto" asks the hub whether the base vocabulary changed; adapters never need it.
            extra["save_embedding_layers"] = False
        self.model.save_pretrained(output_dir, state_dict=state_dict, **extra)
        self.tokenizer.save_pretrained(output_dir)
        (Path(output_dir or self.args.output_dir) / "README.md").unlink(missing_ok=True)

    def _refuse_ruined_weights(self) -> None:
        """Stop before weights are saved that the step just taken has ruined.

        The loss known so far is that of the weights before the step. One pass over the last batch,
        without dropout and so without touching the random state, tells whether those after it
        still have a finite loss with finite gradients, that is, whether a run could go on from them.
        """
        if self._last_batch is None:
            return
        self.model.eval()
        with self.accelerator.autocast():
            nll, trained = self._loss(self.model, self._last_batch)
        nll.backward()
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        self.model.zero_grad()
        problem = self.watch.problem(nll.item(), int(trained), norm.item(), at_once=True)
        if problem:
            raise self.diverged(f"after this step, {problem}", step=self.state.global_step)

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a resumed run to equal an uninterrupted one."""
        free = {"output_dir", "report_to", "dataloader_workers", "local_rank", "save_total_limit"}
        settings = {
            name: value for name, value in vars(self.config).items() if not name.startswith("_")
        }
        rows = hashlib.sha256(np.asarray(self.lengths, dtype=np.int64).tobytes())
        for index in {0, len(self.lengths) - 1}:
            rows.update(str([int(t) for t in self.train_dataset[index]["input_ids"]]).encode())
        return {
            **{name: value for name, value in settings.items() if name not in free},
            "processes": self.args.world_size,
            "rows": len(self.lengths),
            "rows_sha256": rows.hexdigest(),
        }

    def restore(self, checkpoint: Path) -> None:
        """Take over what the Trainer does not keep: open metrics, patience, the first loss."""
        saved = read_state(checkpoint)
        self.meter.restore(saved["meter"])
        self.watch.restore(saved["watch"])
        self.flow.restore(saved["flow"])


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Return what `Engine` keeps in a checkpoint beside the Trainer's own state."""
    state: dict[str, Any] = json.loads((checkpoint / _STATE_FILE).read_text(encoding="utf-8"))
    return state


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
    choices: Mapping[str, str]
    checkpoint: Path | None


def run_training(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    config: TrainingConfig,
    *,
    train_dataset: Rows,
    eval_dataset: Rows | None = None,
    output_dir: str | Path | None = None,
    resume: bool | str | Path = False,
    observer: TrainingObserver | None = None,
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

    Raises:
        RunInterruptedError: The user stopped it.
        LossDivergedError: The loss became NaN, infinite or far worse than guessing.
        ResourceError: The disk is too small, or filled up.
        TrainingError: There is nothing to train on, or the checkpoint belongs to another run.
        MissingExtraError: ``report_to`` needs a package that is not installed.
    """
    folder = Path(output_dir if output_dir is not None else config.output_dir)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    require_trackers(config)
    require_launcher(config, processes)
    _require_trained_tokens(train_dataset)
    lengths = row_lengths(train_dataset)
    settings = decide_settings(
        config, model, rows=len(lengths), longest=max(lengths), processes=processes
    )
    choices = dict(settings.choices)
    if (reason := _keep_trained_weights_precise(model)) is not None:
        choices["trained weights"] = reason
    for topic, choice in choices.items():
        logger.info("%s: %s", topic, choice)
    store = folder / "checkpoints"
    store.mkdir(parents=True, exist_ok=True)
    checkpoints.remove_leftovers(store)
    checkpoint = _checkpoint_to_resume(store, resume)
    checkpoints.require_disk(store, model, checkpoints=_checkpoints_at_once(config, settings))
    metrics = MetricsFile(folder / "metrics.jsonl")
    with StopRequest() as stop, _trackers(folder), _left_as_found(model):
        engine = Engine(
            model,
            tokenizer,
            config=config,
            settings=settings,
            arguments=_arguments(config, settings, store, model, has_eval=eval_dataset is not None),
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            metrics=metrics,
            observer=observer,
            stop=stop,
        )
        _prepare_folder(engine, store, checkpoint)
        _train(engine, checkpoint, stop)
    return _result(engine, choices)


def _train(engine: Engine, checkpoint: Path | None, stop: StopRequest) -> None:
    store = Path(engine.args.output_dir)
    try:
        engine.train(resume_from_checkpoint=str(checkpoint) if checkpoint is not None else None)
        if stop.wanted:
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
        engine.model.eval()
        if engine.observer is not None:
            engine.observer.on_end()


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


def _prepare_folder(engine: Engine, store: Path, checkpoint: Path | None) -> None:
    """Make the folder say what has happened up to the step that training starts from."""
    step = 0
    if checkpoint is not None:
        _refuse_other_run(engine, checkpoint)
        engine.restore(checkpoint)
        step = checkpoints.step_of(checkpoint)
    for path in checkpoints.set_aside_after(store, step):
        logger.warning("The run goes on from step %d: set aside %s.", step, path)
    engine.metrics.forget_after(step)


def _refuse_other_run(engine: Engine, checkpoint: Path) -> None:
    before = read_state(checkpoint)["run"]
    now = json.loads(json.dumps(engine.identity()))
    changed = [
        f"{name}: {before.get(name)!r} then, {now.get(name)!r} now"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    if changed:
        raise TrainingError(
            f"The checkpoint {checkpoint} belongs to a run with other settings or data "
            f"({'; '.join(changed)}): going on from it would not equal that run.",
            hint="Resume with the settings it was started with, or start a new run from its weights.",
        )


def _checkpoints_at_once(config: TrainingConfig, settings: Settings) -> int:
    """Count checkpoints on disk at the fullest moment, the one under way included."""
    written = math.ceil(settings.total_steps / config.save_steps)
    return min(config.save_total_limit + int(config.keep_best), written) + 1


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
        local_rank=config.local_rank,
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
        choices=choices,
        checkpoint=checkpoints.latest_checkpoint(Path(engine.args.output_dir)),
    )


def _characters_per_token(rows: Rows) -> float:
    """Return how many characters a token stands for; 0 where the dataset does not say."""
    return sum(getattr(rows, "characters", ())) / max(1, getattr(rows, "total_tokens", 0))


def _vocabulary(model: nn.Module) -> int:
    return int(getattr(getattr(model, "config", None), "vocab_size", 0) or 0)
