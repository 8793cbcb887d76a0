"""`transformers.Trainer`, subclassed once, where training must be exact.

Ours are the loss (trained positions only, weighted by tokens over a whole optimizer step), the order
of rows (a function of seed and epoch), evaluation (exact nats per token and bits per character, no
logits kept), checkpoints (whole or not there) and the watch over divergence. Optimizer, schedule,
clipping, precision, devices, resume and trackers stay the Trainer's.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader
from transformers import PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainingArguments

from migaki.dataset.tokens import IGNORED
from migaki.training import checkpoints
from migaki.training.acceleration import Run
from migaki.training.batch_size import Batch, TokensAtOnce, pieces_of
from migaki.training.batching import EpochBatches, LongestFirst, Rows, ordinary_rows, row_lengths
from migaki.training.callbacks import MetricsFile, TrainingObserver
from migaki.training.config import TrainingConfig
from migaki.training.divergence import DivergenceWatch
from migaki.training.flow import Flow
from migaki.training.guard import Guard
from migaki.training.identity import run_identity
from migaki.training.interrupts import StopRequest
from migaki.training.loss import TrainedLoss
from migaki.training.meter import Meter
from migaki.training.neftune import EmbeddingNoise
from migaki.training.optimizer import make_optimizer
from migaki.training.optimizer_state import take_over
from migaki.training.processes import join_processes
from migaki.training.recovery import scale_rates
from migaki.training.settings import Settings
from migaki.training.shares import Batches, IdleBatches, share_out
from migaki.training.step_rows import NumberedRows, StepRows, numbered
from migaki.training.throughput import Throughput

__all__ = ["Engine", "read_state"]

logger = logging.getLogger(__name__)

_STATE_FILE = "migaki_state.json"


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
    optimizer: Any
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
            data_collator=settings.packing.collator(tokenizer),
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
        )
        self.processes = join_processes()
        self.config = config
        self.settings = settings
        self.observer = observer if self.processes.is_first else None
        self.metrics = metrics
        self.tokenizer = tokenizer
        self.lengths = row_lengths(train_dataset)
        self.sampler = EpochBatches(
            self.lengths,
            batch_size=config.batch_size,
            seed=config.seed,
            arrange=settings.packing.arrange(config),
        )
        self.meter = Meter()
        self.throughput = Throughput(
            model,
            precision=settings.precision,
            activation_checkpointing=settings.activation_checkpointing,
            rows=train_dataset,
            processes=self.processes.count,
        )
        self.step_rows = StepRows(self.lengths)
        self.watch = DivergenceWatch(_vocabulary(model))
        self.guard = Guard(self)
        self.flow = Flow(self, stop)
        self.optimizer_from: Path | None = None
        """A checkpoint of another run whose optimizer state is taken over."""
        self.optimizer_choice: str | None = None
        self._loss = TrainedLoss(model)
        self._noise = EmbeddingNoise(model, config.neftune_noise_alpha)
        self._step_nll: list[Tensor] = []
        self._step_trained: list[Tensor] = []
        self._step_batches: list[Batch] = []
        self.late_choices: dict[str, str] = {}
        """What was decided while the run was under way, with the reason, by topic."""
        self.at_once = {
            what: TokensAtOnce(what, self._note_halved) for what in ("training", "evaluation")
        }
        self._grad_norm: Tensor | float | None = None
        self._batch: Mapping[str, Any] | None = None
        self.remove_callback(PrinterCallback)
        self.add_callback(self.flow)

    # ---- rows ------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return this process's share of `EpochBatches`, with the numbers of their rows."""
        collate = numbered(IdleBatches(self.data_collator, self.train_dataset))
        return self._loader(NumberedRows(self.train_dataset), collate, self.sampler, even=True)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """Return batches of held-out rows, longest first."""
        rows = eval_dataset if eval_dataset is not None else self.eval_dataset
        longest_first = LongestFirst(row_lengths(rows))
        batches = BatchSampler(longest_first, self.args.eval_batch_size, drop_last=False)
        return self._loader(rows, self.data_collator, batches, even=False)

    def _loader(self, rows: Any, collate: Any, batches: Batches, *, even: bool) -> DataLoader[Any]:
        return share_out(
            rows,
            batches,
            self.processes,
            collate=collate,
            even=even,
            device=self.accelerator.device,
            workers=self.args.dataloader_num_workers,
        )

    def get_batch_samples(
        self, epoch_iterator: Iterator[Any], num_batches: int, device: torch.device
    ) -> tuple[list[Any], Tensor]:
        """Take this process's batches of one optimizer step; count the trained tokens of them all."""
        batches = list(islice(epoch_iterator, num_batches))
        self.step_rows.begin(batches)
        counts = [(batch["labels"][:, 1:] != IGNORED).sum() for batch in batches]
        trained = torch.stack(counts).sum() if counts else torch.zeros(())
        return batches, self.processes.sum(trained.to(device))

    def create_optimizer(self, model: Any = None) -> Any:
        """Make the optimizer; give it the state of an earlier run where that was asked for."""
        if self.optimizer is None:
            self.optimizer = make_optimizer(model if model is not None else self.model, self.config)
        if self.optimizer_from is not None and self.optimizer_choice is None:
            self.optimizer_choice = take_over(self.optimizer, self.optimizer_from)
        return self.optimizer

    # ---- loss ------------------------------------------------------------------------------------

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Return this batch's share of the loss of the optimizer step."""
        with self._noise.on(inputs):
            nll, trained = self._loss(model, inputs)
        self._step_nll.append(nll.detach())
        self._step_trained.append(trained)
        self._batch = inputs
        divisor = trained if num_items_in_batch is None else num_items_in_batch
        # A step without trained tokens has a loss of 0 and changes nothing, rather than 0/0.
        # DDP takes the mean over processes where the sum is wanted.
        share = torch.as_tensor(divisor, device=nll.device).clamp(min=1)
        loss = nll * self.processes.count / share
        return (loss, None) if return_outputs else loss

    def training_step(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Add the gradients of a batch; where memory runs out, those of the step anew, in pieces."""
        earlier = tuple(self._step_batches)
        self._step_batches.append(inputs)
        if self.args.world_size > 1:  # the other processes would wait for this one's gradients
            return self._add_gradients(model, [inputs], num_items_in_batch)
        attempts = 0

        def work(pieces: list[Batch]) -> Tensor:
            nonlocal attempts
            attempts += 1
            if attempts > 1:  # the failed pass has left part of its gradients behind
                self._forget_step()
                self._step_batches = [*earlier, inputs]
                for batch in earlier:
                    again = pieces_of(batch, self.at_once["training"].limit)
                    self._add_gradients(model, again, num_items_in_batch)
            return self._add_gradients(model, pieces, num_items_in_batch)

        return self.at_once["training"].run(inputs, work)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Return nothing: the Trainer's count walks all modules every step, and is 6N for LoRA too."""
        return 0

    def _add_gradients(self, model: nn.Module, pieces: list[Batch], trained: Any) -> Tensor:
        losses = [
            super(Engine, self).training_step(model, dict(piece), trained) for piece in pieces
        ]
        return torch.stack(losses).sum()

    def _forget_step(self) -> None:
        self.model.zero_grad()
        self._step_nll.clear()
        self._step_trained.clear()
        self._batch = None
        self._step_batches = []

    def _note_halved(self, limit: int, reason: str) -> None:
        topic = (
            "tokens at once in training"
            if "in training" in reason
            else "tokens at once in evaluation"
        )
        self.late_choices[topic] = reason
        step = self.state.global_step
        self.metrics.append(
            {"split": "memory", "step": step, "tokens_at_once": limit, "reason": reason}
        )

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        self._grad_norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        return self._grad_norm

    def close_step(self) -> None:
        """Sum up an optimizer step before it is taken; one that would ruin the weights is not."""
        grad_norm = torch.as_tensor(self._grad_norm, device=self._step_nll[0].device)
        batch_nll = torch.stack(self._step_nll).double()
        trained = torch.stack(self._step_trained).double().sum()
        counts = batch_nll.new_tensor([*self.step_rows.counts, self.flow.stop_wanted])
        sums = self.processes.sum(torch.hstack([batch_nll.sum(), trained, counts]))
        # One wait for the device a step. DDP has summed the gradients of the norm already.
        nll, total, tokens, padded, pairs, stops, norm, *losses = torch.hstack(
            [sums, grad_norm.double(), batch_nll]
        ).tolist()
        self.flow.agree_to_stop(bool(stops))
        self._step_batches = []
        self._step_nll.clear()
        self._step_trained.clear()
        taken = self.guard.judge(losses, nll, trained_tokens=int(total), grad_norm=norm)
        if taken:
            self.guard.learnt_from(self._batch)
        if not taken:
            # An optimizer passes over weights without gradients: neither they nor its moments change.
            self.model.zero_grad(set_to_none=True)
            self._tr_loss.nan_to_num_(0.0)
        self.meter.step(
            nll_nats=nll,
            trained_tokens=int(total),
            tokens=int(tokens),
            padded_tokens=int(padded),
            pairs=int(pairs),
            taken=taken,
        )

    @property
    def gradients_scaled(self) -> bool:
        """Whether a gradient scaler skips steps whose gradients are not finite (fp16)."""
        return getattr(self.accelerator, "scaler", None) is not None

    def loss_of_row(self, row: int) -> Tensor:
        """Return the loss of one training row alone."""
        batch = self._prepare_inputs(self.data_collator([self.train_dataset[row]]))
        with self.accelerator.autocast():
            nll, _ = self._loss(self.model, batch)
        return nll

    def report_event(self, event: str, problem: str, *, step: int, **more: Any) -> None:
        """Write a line of metrics about something that went wrong, and say it."""
        self.metrics.append(
            {"split": "event", "step": step, "event": event, "problem": problem, **more}
        )
        self.say(f"step {step}: {problem}.")

    def say(self, text: str) -> None:
        """Tell the user about something that went wrong."""
        if self.processes.is_first:
            logger.warning(text[:1].upper() + text[1:])

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
            raise self.guard.ruined(f"the loss on held-out rows is {loss}")
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
            total += self.at_once["evaluation"].run(batch, self._measure_pieces)
        total = self.processes.sum(total)
        return float(total[0]), int(total[1])

    def _measure_pieces(self, pieces: list[Batch]) -> Tensor:
        total = torch.zeros(2, dtype=torch.float64)
        for piece in pieces:
            with self.accelerator.autocast():
                nll, trained = self._loss(self.model, self._prepare_inputs(dict(piece)))
            total += torch.stack([nll.double(), trained.double()]).cpu()
        return total

    # ---- metrics ---------------------------------------------------------------------------------

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Write a line of metrics and hand it to the trackers."""
        record: dict[str, Any] | None = None
        epoch = round(self.state.epoch or 0.0, 6)
        if "loss" in logs:
            logs = {**logs, **self._figures()}
            logs = {key: value for key, value in logs.items() if math.isfinite(value)}
            record = {"split": "train", "step": self.state.global_step, "epoch": epoch, **logs}
            self.meter.next_line()
        elif "eval_loss" in logs:
            values = {key.removeprefix("eval_"): value for key, value in logs.items()}
            record = {"split": "eval", "step": self.state.global_step, "epoch": epoch, **values}
        if record is not None:
            self.metrics.append(record)
        super().log(logs, start_time)

    def _figures(self) -> dict[str, float]:
        window = self.meter.recent
        figures = {
            "loss": window.loss if window.trained_tokens else math.nan,
            **self.throughput.of(window).to_json(),
            "eta_s": self.flow.eta_s(self.state),
        }
        return (
            {**figures, "skipped_steps": window.skipped_steps} if window.skipped_steps else figures
        )

    # ---- checkpoints -----------------------------------------------------------------------------

    @property
    def best_checkpoint(self) -> Path | None:
        """The checkpoint with the lowest evaluation loss, wherever the folder lies by now."""
        if not self.config.keep_best or self.state.best_global_step is None:
            return None
        path = Path(self.args.output_dir) / f"checkpoint-{self.state.best_global_step}"
        return path if path.is_dir() else None

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        self.guard.refuse_ruined_weights()
        target = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        self.store_flos()
        if self.state.best_global_step == self.state.global_step:
            self.state.best_model_checkpoint = str(target)
        own = None if self.processes.is_first else checkpoints.file_of(self._save_rng_state)
        states = self.processes.gather(own)
        fill = partial(self._fill_checkpoint, random_states=states)
        self.processes.alone(lambda: checkpoints.write_whole(target, fill, model=self.model))
        if self.processes.is_first:
            keep = self.config.save_total_limit
            checkpoints.remove_old(target.parent, keep=keep, best=self.best_checkpoint)
        if self.observer is not None:
            self.observer.on_checkpoint(target)
        self.meter.start()

    def save_beginning(self) -> None:
        """Write a checkpoint of step 0 where a rollback may want to go back so far."""
        if "rollback" in (self.config.on_divergence, self.config.on_spike):
            self._save_checkpoint(self.model, None)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            scale_rates(self.optimizer, self.lr_scheduler, self.guard.recovery.rate_factor)

    def _fill_checkpoint(self, folder: Path, random_states: list[tuple[str, bytes] | None]) -> None:
        self.save_model(str(folder), _internal_call=True)
        self._save_optimizer_and_scheduler(str(folder))
        self._save_scaler(str(folder))
        self._save_rng_state(str(folder))
        for name, content in filter(None, random_states):
            (folder / name).write_bytes(content)
        self.state.save_to_json(str(folder / "trainer_state.json"))
        own = {
            "format": 1,
            "run": self.identity(),
            "meter": self.meter.to_json(),
            "watch": self.watch.to_json(),
            "guard": self.guard.to_json(),
            "flow": self.flow.to_json(),
            "tokens_at_once": {what: found.limit for what, found in self.at_once.items()},
        }
        (folder / _STATE_FILE).write_text(json.dumps(own, indent=2), encoding="utf-8")

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write weights as safetensors and the tokenizer; no pickled arguments."""
        extra: dict[str, Any] = {}
        if hasattr(self.model, "peft_config"):
            # "auto" asks the hub whether the base vocabulary changed; adapters never need it.
            extra["save_embedding_layers"] = False
            # A frozen older adapter beside the trained one stays where it came from.
            extra["selected_adapters"] = self.model.active_adapters[:1]
        self.model.save_pretrained(output_dir, state_dict=state_dict, **extra)
        self.tokenizer.save_pretrained(output_dir)
        (Path(output_dir or self.args.output_dir) / "README.md").unlink(missing_ok=True)

    def once_more(self, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Go through the model with a batch, there and back, and take no step."""
        with self.accelerator.autocast():
            nll, trained = self._loss(self.model, batch)
        nll.backward()  # type: ignore[no-untyped-call]
        return nll.detach(), trained

    def as_tried(self) -> Run:
        """Return what is needed to compare faster ways of computing with the plain one."""
        return Run(
            model=self.model,
            config=self.config,
            precision=self.settings.precision,
            batch=self._ordinary_rows,
            step=self.once_more,
        )

    def _ordinary_rows(self) -> Any:
        rows = ordinary_rows(self.train_dataset, self.lengths, count=self.config.batch_size)
        return self._prepare_inputs(self.data_collator(rows))

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a resumed run to equal an uninterrupted one."""
        return run_identity(
            self.config,
            self.model,
            self.train_dataset,
            lengths=self.lengths,
            packed=self.settings.packing.attention is not None,
            processes=self.processes.count,
        )

    def restore(self, checkpoint: Path) -> None:
        """Take over what the Trainer does not keep: open metrics, patience, the first loss."""
        saved = read_state(checkpoint)
        self.meter.restore(saved["meter"])
        self.watch.restore(saved["watch"])
        self.guard.restore(saved.get("guard", {}))
        self.flow.restore(saved["flow"])
        for what, limit in saved.get("tokens_at_once", {}).items():
            self.at_once[what].limit = limit


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Return what `Engine` keeps in a checkpoint beside the Trainer's own state."""
    state: dict[str, Any] = json.loads((checkpoint / _STATE_FILE).read_text(encoding="utf-8"))
    return state


def _vocabulary(model: nn.Module) -> int:
    return int(getattr(getattr(model, "config", None), "vocab_size", 0) or 0)
