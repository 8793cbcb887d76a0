"""Judges every optimizer step before it is taken, and does what the user chose about a bad one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from migaki.errors import LossDivergedError
from migaki.training import checkpoints
from migaki.training.blame import rows_at_fault
from migaki.training.recovery import Recovery, RollBack
from migaki.training.spikes import SpikeWatch
from migaki.training.step_rows import place_of, places_of

if TYPE_CHECKING:
    from migaki.training.trainer import Engine

__all__ = ["Guard"]

_UNMOVED_STEPS = 5
"""Steps in a row with zero gradients after which nothing is going to be learnt."""
_NOT_LEARNT = 1e-3
"""Loss above which there is something to learn; at none, gradients are rightly zero."""
_LOWER_RATE = "Start again with a lower rate, for example training.learning_rate={:g}"
_OTHER_POLICY = "or go on without such steps: training.on_divergence={}"


class Guard:
    """Lets an optimizer step be taken or not.

    Args:
        engine: Whose steps they are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.recovery = Recovery(engine.config)
        self._spiking = False
        self._learnt: Mapping[str, Any] | None = None
        self._spikes = SpikeWatch()
        self._unmoved = 0

    def judge(
        self, losses: Sequence[float], nll_nats: float, *, trained_tokens: int, grad_norm: float
    ) -> bool:
        """Judge the step under way.

        Args:
            losses: Sum of -ln p of each of this process's batches.
            nll_nats: Sum over the batches of all processes: what is judged is the same in all.
            trained_tokens: Of all of them.
            grad_norm: Norm of the step's gradients before clipping.

        Returns:
            Whether it is to be taken.

        Raises:
            LossDivergedError: The policy is to stop, or there were too many bad steps.
            RollBack: The policy is to go back.
        """
        step = self._engine.state.global_step + 1
        rows = self._engine.step_rows.numbers
        if step in self.recovery.steps_to_skip:
            return self._left_out("a rollback leaves out what went wrong here", step, rows)
        if trained_tokens == 0:
            return self._left_out("none of its rows has a token to train", step, rows)
        # A gradient scaler skips steps with infinite gradients itself, as part of finding its scale.
        norm = 0.0 if self._engine.gradients_scaled else grad_norm
        nll = nll_nats
        problem = self._engine.watch.problem(nll, trained_tokens, norm)
        if problem is not None:
            at_fault, said = self._at_fault(losses)
            return self._answer(
                self._engine.config.on_divergence,
                f"{problem}{said}",
                step=step,
                rows=at_fault,
                skipping_helps=not (math.isfinite(nll) and math.isfinite(norm)),
            )
        if not self._spike_may_pass(nll / trained_tokens, trained_tokens, step, rows):
            return False
        self._watch_gradients(nll / trained_tokens, grad_norm, step, rows)
        self.recovery.step_taken()
        return True

    def learnt_from(self, batch: Mapping[str, Any] | None) -> None:
        """Keep a batch of the step just taken as a measure for the weights; a spike is none."""
        if not self._spiking:
            self._learnt = batch

    def refuse_ruined_weights(self) -> None:
        """Stop before weights are saved that the step just taken has ruined.

        The loss known so far is that of the weights before the step. One more pass over the last
        batch that was learnt from tells whether those after it still have a finite loss with finite
        gradients, that is, whether a run could go on from them. The random state is put back behind it.
        """
        if self._learnt is None:
            return
        engine = self._engine
        device = engine.args.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            nll, trained = engine.once_more(self._learnt)
        gradients = [p.grad for p in engine.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        engine.model.zero_grad()
        sums = torch.stack([nll.double(), trained.double(), norm.double()])
        nll_nats, tokens, grad_norm = engine.processes.sum(sums).tolist()
        problem = engine.watch.problem(nll_nats, int(tokens), grad_norm, at_once=True)
        if problem:
            raise self.ruined(f"after this step, {problem}")

    def ruined(self, problem: str) -> Exception:
        """Return what to raise about weights that the step just taken has ruined.

        Args:
            problem: What was seen.
        """
        step, rows = self._engine.state.global_step, self._engine.step_rows.numbers
        if self._engine.config.on_divergence != "rollback":
            return self._diverged(problem, step, rows)
        if self.recovery.may_roll_back():
            return self._way_back(problem, step, rows)
        return self._diverged(f"{problem}, {self._rollbacks_done()}", step, rows)

    def to_json(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {
            "recovery": self.recovery.to_json(),
            "spikes": self._spikes.to_json(),
            "unmoved": self._unmoved,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on from what `to_json` returned."""
        self.recovery.restore(saved.get("recovery", {}))
        self._spikes.restore(saved.get("spikes", {}))
        self._unmoved = saved.get("unmoved", 0)

    def _answer(
        self, policy: str, problem: str, *, step: int, rows: Sequence[int], skipping_helps: bool
    ) -> bool:
        if policy == "skip" and skipping_helps:
            if self.recovery.may_skip():
                return self._left_out(problem, step, rows)
            most = self._engine.config.max_skipped_steps
            problem = f"{problem}; {most} steps before it were skipped"
        if policy == "rollback":
            if self.recovery.may_roll_back():
                raise self._way_back(problem, step, rows)
            problem = f"{problem}, {self._rollbacks_done()}"
        raise self._diverged(problem, step, rows)

    def _spike_may_pass(self, loss: float, trained: int, step: int, rows: Sequence[int]) -> bool:
        problem = self._spikes.problem(loss, trained_tokens=trained)
        self._spiking = problem is not None
        if problem is None:
            return True
        if self._engine.config.on_spike == "report":
            self._say("spike", problem, step, rows)
            return True
        policy = self._engine.config.on_spike
        return self._answer(policy, problem, step=step, rows=rows, skipping_helps=True)

    def _watch_gradients(self, loss: float, norm: float, step: int, rows: Sequence[int]) -> None:
        if norm != 0.0 or loss < _NOT_LEARNT:
            self._unmoved = 0
            return
        self._unmoved += 1
        problem = f"the loss is {loss:.3f} and its gradients are zero: nothing is learnt"
        if self._unmoved == 1:
            self._say("zero gradients", problem, step, rows)
        if self._unmoved == _UNMOVED_STEPS:
            raise self._diverged(f"{problem}, {_UNMOVED_STEPS} steps in a row", step, rows)

    def _at_fault(self, losses: Sequence[float]) -> tuple[list[int], str]:
        """Find the rows behind a loss that is not finite, in whichever process."""
        found = self._engine.processes.gather(self._at_fault_here(losses))
        rows = [row for bad, _ in found for row in bad]
        said = "; ".join(words for _, words in found if words)
        return rows or self._engine.step_rows.numbers, f" ({said})" if said else ""

    def _everywhere(self, rows: Sequence[int]) -> list[int]:
        """Return the rows of all processes; each of them has to ask."""
        parts = self._engine.processes.gather(list(rows))
        return list(dict.fromkeys(row for part in parts for row in part))

    def _at_fault_here(self, losses: Sequence[float]) -> tuple[list[int], str]:
        batches = self._engine.step_rows.batches
        if len(losses) != len(
            batches
        ):  # batches went through the model in pieces: any row may be it
            losses, batches = [sum(losses)], [self._engine.step_rows.numbers]
        bad = [row for nll, batch in zip(losses, batches, strict=True) for row in batch
               if not math.isfinite(nll)]  # fmt: skip
        if not bad:
            return [], ""
        rows, said = rows_at_fault(bad, self._engine.loss_of_row, device=self._engine.args.device)
        return list(rows), said

    def _left_out(self, problem: str, step: int, rows: Sequence[int]) -> bool:
        self._say("skipped", f"skipped, {problem}", step, rows)
        return False

    def _say(self, event: str, problem: str, step: int, rows: Sequence[int]) -> None:
        dataset, rows = self._engine.train_dataset, self._everywhere(rows)
        self._engine.report_event(
            event,
            f"{problem}; {places_of(dataset, rows)}",
            step=step,
            rows=[place_of(dataset, row) for row in rows],
        )

    def _rollbacks_done(self) -> str:
        most = self._engine.config.max_rollbacks
        return f"after {len(self.recovery.rollbacks)} of at most {most} rollbacks"

    def _way_back(self, problem: str, step: int, rows: Sequence[int]) -> Exception:
        engine, rows = self._engine, self._everywhere(rows)
        checkpoint = checkpoints.latest_checkpoint(Path(engine.args.output_dir))
        if checkpoint is None:  # it was deleted meanwhile
            return self._diverged(problem, step, rows)
        line = self.recovery.line(
            to_step=checkpoints.step_of(checkpoint),
            from_step=step,
            problem=f"{problem}; {places_of(engine.train_dataset, rows)}",
            rate=engine.config.learning_rate,
        )
        engine.say(
            f"step {step}: {line['problem']}. Going back to {checkpoint.name}, at a rate of "
            f"{line['learning_rate']:g}, without step {step}."
        )
        return RollBack(checkpoint, line)

    def _diverged(self, problem: str, step: int, rows: Sequence[int]) -> LossDivergedError:
        engine, rows = self._engine, self._everywhere(rows)
        rate = engine.config.learning_rate * engine.guard.recovery.total_factor
        last = checkpoints.latest_checkpoint(Path(engine.args.output_dir))
        kept = (
            f"The last good checkpoint is kept: {last}."
            if last is not None
            else "No checkpoint had been written yet; the base model is untouched."
        )
        other = "skip or rollback" if engine.config.on_divergence == "stop" else "rollback"
        hint = _LOWER_RATE.format(rate / 10)
        if engine.config.on_divergence != "rollback":
            hint += f", {_OTHER_POLICY.format(other)}"
        return LossDivergedError(
            f"Training diverged at step {step} of {engine.state.max_steps}: {problem} "
            f"(learning_rate={rate:g}; rows of the step: {places_of(engine.train_dataset, rows)}). "
            f"{kept}",
            step=step,
            checkpoint=last,
            rows=rows,
            hint=f"{hint}.",
        )
