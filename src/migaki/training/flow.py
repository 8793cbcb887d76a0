"""What happens after each optimizer step: show, evaluate, save, stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from migaki.training.interrupts import StopRequest

if TYPE_CHECKING:
    from migaki.training.trainer import Engine

__all__ = ["Flow"]


_STALLED = 3
"""Evaluations in a row without improvement that are worth a word; one or two are often noise."""


class Flow(TrainerCallback):  # type: ignore[misc]
    """Decides at each step what happens next: stop, save, evaluate."""

    def __init__(self, engine: Engine, stop: StopRequest) -> None:
        self._engine = engine
        self._stop = stop
        self._rate = 0.0
        self._started = 0.0
        self._started_step = 0
        self.stopped_early = False
        self._reference: float | None = None
        self._without_improvement = 0
        self._stop_agreed = False

    @property
    def stop_wanted(self) -> bool:
        """Whether the user wants this process to stop; signals reach others sooner or later."""
        return self._stop.wanted

    def agree_to_stop(self, wanted: bool) -> None:
        """Take it that all processes know at this step whether one of them is to stop."""
        self._stop_agreed = wanted

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"reference": self._reference, "without_improvement": self._without_improvement}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self._reference = saved["reference"]
        self._without_improvement = saved["without_improvement"]

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clocks."""
        self._started = time.perf_counter()
        self._started_step = state.global_step
        self._engine.meter.start()
        if self._engine.observer is not None:
            self._engine.observer.on_start(state.max_steps)
        if state.global_step == 0:
            self._engine.save_beginning()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Choose the order of the epoch that the step belongs to."""
        steps_per_epoch = self._engine.settings.steps_per_epoch
        self._engine.sampler.set_epoch(state.global_step // steps_per_epoch)

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Look at loss and gradients while the weights are still the old ones."""
        self._rate = self._engine.optimizer.param_groups[0]["lr"]
        self._engine.close_step()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Show the step; at the end or on a wish to stop, leave nothing unwritten."""
        if state.global_step >= state.max_steps:
            control.should_log = True
        if self._engine.observer is not None:
            self._show(state)
        alone = self._engine.processes.count == 1
        if self._stop_agreed or (alone and self._stop.wanted):
            control.should_save = True
            control.should_training_stop = True

    def _show(self, state: TrainerState) -> None:
        engine = self._engine
        assert engine.observer is not None
        engine.observer.on_step(
            state.global_step,
            state.max_steps,
            loss=engine.meter.loss,
            learning_rate=self._rate,
            eta_s=self.eta_s(state),
            speed=engine.throughput.of(engine.meter.recent),
        )

    def eta_s(self, state: TrainerState) -> float:
        """Seconds to the end, if the steps to come take as long as those since the start."""
        done = state.global_step - self._started_step
        per_step = (time.perf_counter() - self._started) / max(1, done)
        return float(per_step * (state.max_steps - state.global_step))

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Keep the best weights; stop when they have not improved for long."""
        loss = (metrics or {})["eval_loss"]
        config = self._engine.config
        if self._engine.observer is not None:
            bits = (metrics or {}).get("eval_bits_per_character")
            self._engine.observer.on_evaluate(state.global_step, bits)
        if config.keep_best and (state.best_metric is None or loss < state.best_metric):
            control.should_save = True
        if self._reference is None or loss < self._reference - config.early_stopping_min_delta:
            self._reference = loss
            self._without_improvement = 0
            return
        self._without_improvement += 1
        if self._without_improvement == _STALLED:
            self._engine.report_event(
                "no improvement",
                f"the loss on held-out rows has not improved in {_STALLED} evaluations: "
                f"{loss:.4f} now, {self._reference:.4f} at best",
                step=state.global_step,
            )
        patience = config.early_stopping_patience
        if patience and self._without_improvement >= patience:
            self.stopped_early = state.global_step < state.max_steps
            control.should_training_stop = True
