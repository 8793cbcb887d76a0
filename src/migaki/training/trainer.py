"""`transformers.Trainer`, subclassed once, where training must be exact.

Ours are the loss (trained positions only, weighted by tokens over a whole optimizer step), the order
of rows (a function of seed and epoch), evaluation (exact nats per token and bits per character, no
logits kept), checkpoints (whole or not there) and the watch over divergence. Optimizer, schedule,
clipping, precision, devices, resume and trackers stay the Trainer's.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from transformers import PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainingArguments

from migaki.dataset.tokens import IGNORED
from migaki.errors import LossDivergedError
from migaki.training import checkpoints
from migaki.training.acceleration import Run
from migaki.training.batch_size import Batch, TokensAtOnce, pieces_of
from migaki.training.batching import (
    EpochBatches,
    LongestFirst,
    Rows,
    row_lengths,
)
from migaki.training.callbacks import MetricsFile, TrainingObserver
from migaki.training.config import TrainingConfig
from migaki.training.divergence import DivergenceWatch
from migaki.training.flow import Flow
from migaki.training.identity import identity_of_model
from migaki.training.interrupts import StopRequest
from migaki.training.loss import TrainedLoss
from migaki.training.meter import Meter
from migaki.training.neftune import EmbeddingNoise
from migaki.training.optimizer import make_optimizer
from migaki.training.optimizer_state import take_over
from migaki.training.settings import Settings

__all__ = ["Engine", "read_state"]

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
        self.config = config
        self.settings = settings
        self.observer = observer
        self.metrics = metrics
        self.tokenizer = tokenizer
        self.lengths = row_lengths(train_dataset)
        self.sampler = EpochBatches(
            self.lengths,
            batch_size=config.batch_size,
            seed=config.seed,
            arrange=settings.packing.arrange(config),
        )
        self.meter = Meter(_characters_per_token(train_dataset))
        self.watch = DivergenceWatch(_vocabulary(model))
        self.flow = Flow(self, stop)
        self.optimizer_from: Path | None = None
        """A checkpoint of another run whose optimizer state is taken over."""
        self.optimizer_choice: str | None = None
        self._loss = TrainedLoss(model)
        self._noise = EmbeddingNoise(model, config.neftune_noise_alpha)
        self._step_nll: list[Tensor] = []
        self._step_trained: list[Tensor] = []
        self._step_tokens: list[Tensor] = []
        self._step_padded = 0
        self._step_batches: list[Batch] = []
        self.late_choices: dict[str, str] = {}
        """What was decided while the run was under way, with the reason, by topic."""
        self.at_once = {
            what: TokensAtOnce(what, self._note_halved) for what in ("training", "evaluation")
        }
        self._grad_norm: Tensor | float | None = None
        self._last_batch: Mapping[str, Any] | None = None
        self.remove_callback(PrinterCallback)
        self.add_callback(self.flow)

    # ---- rows ------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return the batches of `EpochBatches`."""
        return self._loader(self.train_dataset, batch_sampler=self.sampler)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> DataLoader[Any]:
        """Return batches of held-out rows, longest first."""
        rows = eval_dataset if eval_dataset is not None else self.eval_dataset
        longest_first = LongestFirst(row_lengths(rows))
        return self._loader(rows, batch_size=self.args.eval_batch_size, sampler=longest_first)

    def _loader(self, rows: Any, **order: Any) -> DataLoader[Any]:
        loader = DataLoader(
            rows,
            **order,
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
        trained = torch.stack(counts).sum() if counts else torch.zeros(())
        return batches, trained.to(device)

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
        computed = inputs["labels"].numel()
        mask = inputs.get("attention_mask")  # a pack has neither mask nor padding
        real = torch.full((), computed, device=nll.device) if mask is None else mask.sum()
        self._step_tokens.append(real)
        self._step_padded += computed
        self._last_batch = inputs
        divisor = trained if num_items_in_batch is None else num_items_in_batch
        # A step without trained tokens has a loss of 0 and changes nothing, rather than 0/0.
        loss = nll / torch.as_tensor(divisor, device=nll.device).clamp(min=1)
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
        for values in (self._step_nll, self._step_trained, self._step_tokens):
            values.clear()
        self._step_padded = 0
        self._last_batch = None
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
        self._step_batches = []
        for values in (self._step_nll, self._step_trained, self._step_tokens):
            values.clear()
        scaled = getattr(self.accelerator, "scaler", None) is not None  # it skips such steps itself
        problem = self.watch.problem(nll, int(trained), 0.0 if scaled else norm)
        if problem:
            raise self.diverged(problem, step=self.state.global_step + 1)
        self.meter.step(
            nll_nats=nll,
            trained_tokens=int(trained),
            tokens=int(tokens),
            padded_tokens=self._step_padded,
        )
        self._step_padded = 0

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
            total += self.at_once["evaluation"].run(batch, self._measure_pieces)
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
            logs = {**logs, "loss": self.meter.recent.loss, **self.meter.speed()}
            record = {"split": "train", "step": self.state.global_step, "epoch": epoch, **logs}
            self.meter.recent = type(self.meter.recent)()
        elif "eval_loss" in logs:
            values = {key.removeprefix("eval_"): value for key, value in logs.items()}
            record = {"split": "eval", "step": self.state.global_step, "epoch": epoch, **values}
        if record is not None:
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
                checkpoints.seal(temporary)
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

    def _refuse_ruined_weights(self) -> None:
        """Stop before weights are saved that the step just taken has ruined.

        The loss known so far is that of the weights before the step. One more pass over the last
        batch tells whether those after it still have a finite loss with finite gradients, that is,
        whether a run could go on from them. The random state is put back behind it.
        """
        if self._last_batch is None:
            return
        device = self.args.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            nll, trained = self._once_more(self._last_batch)
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        self.model.zero_grad()
        problem = self.watch.problem(nll.item(), int(trained), norm.item(), at_once=True)
        if problem:
            raise self.diverged(f"after this step, {problem}", step=self.state.global_step)

    def _once_more(self, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
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
            step=self._once_more,
        )

    def _ordinary_rows(self) -> Any:
        """Return a few rows of the middle of all lengths that have a trained token."""
        order = np.argsort(self.lengths, kind="stable")
        outwards = sorted(range(len(order)), key=lambda place: abs(place - len(order) // 2))
        found = (self.train_dataset[int(order[place])] for place in outwards)
        trained = (row for row in found if (np.asarray(row["labels"])[1:] != IGNORED).any())
        rows = list(islice(trained, self.config.batch_size))
        return self._prepare_inputs(self.data_collator(rows))

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
            "packed": self.settings.packing.attention is not None,
            "rows": len(self.lengths),
            "rows_sha256": rows.hexdigest(),
            **identity_of_model(self.model),
        }

    def restore(self, checkpoint: Path) -> None:
        """Take over what the Trainer does not keep: open metrics, patience, the first loss."""
        saved = read_state(checkpoint)
        self.meter.restore(saved["meter"])
        self.watch.restore(saved["watch"])
        self.flow.restore(saved["flow"])
        for what, limit in saved.get("tokens_at_once", {}).items():
            self.at_once[what].limit = limit


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Return what `Engine` keeps in a checkpoint beside the Trainer's own state."""
    state: dict[str, Any] = json.loads((checkpoint / _STATE_FILE).read_text(encoding="utf-8"))
    return state


def _characters_per_token(rows: Rows) -> float:
    """Return how many characters a token stands for; 0 where the dataset does not say."""
    return sum(getattr(rows, "characters", ())) / max(1, getattr(rows, "total_tokens", 0))


def _vocabulary(model: nn.Module) -> int:
    return int(getattr(getattr(model, "config", None), "vocab_size", 0) or 0)
