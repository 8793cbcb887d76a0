"""How many rows go through the model at once, chosen: estimated, then tried before the first step.

What the user fixes is the effective batch, ``batch_size`` × ``gradient_accumulation_steps`` rows in an
optimizer step; it stays as it is. Of its divisors that are powers of two the largest is taken whose
step fits into the free memory with activations kept, and only if none does, the largest that fits with
activations recomputed. One step on the largest batch of the run confirms it; where memory runs out in
it, the next smaller size is tried.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from migaki.dataset.collate import Collator
from migaki.errors import ResourceError
from migaki.hardware.memory.estimate import Batch, MemoryEstimate
from migaki.hardware.out_of_memory import give_back, is_out_of_memory
from migaki.training.batching import Rows, UnpaddedCollator, row_lengths
from migaki.training.config import TrainingConfig
from migaki.training.fused.attach import fuse
from migaki.training.loss import TrainedLoss
from migaki.training.memory_need import USABLE_SHARE, MemoryNeed, largest_batch, need_of_model
from migaki.training.settings import choose_training_precision
from migaki.training.trial import in_training

__all__ = ["RESUMED", "Size", "choose_batch_size", "sizes", "sizes_that_fit"]

logger = logging.getLogger(__name__)

RESUMED = ("batch_size", "gradient_accumulation_steps", "gradient_checkpointing")
"""What a resumed run takes from its checkpoint: other sizes would make other batches."""

_RENAMED = hasattr(PreTrainedModel, "activation_checkpointing_enable")
_RECOMPUTING = "activation_checkpointing" if _RENAMED else "gradient_checkpointing"


@dataclass(frozen=True, slots=True)
class Size:
    """A way to make an optimizer step.

    Args:
        config: What was asked, with the batch size, accumulation and recomputation of this way.
        rows: Numbers of the rows of its largest batch.
        batch: That batch.
        needed: Memory at the peak, as estimated; unknown without a known shape.
    """

    config: TrainingConfig
    rows: list[int]
    batch: Batch
    needed: MemoryEstimate | None

    @property
    def recompute(self) -> bool:
        """Whether activations are recomputed."""
        return self.config.gradient_checkpointing == "always"

    def __str__(self) -> str:
        """Describe it."""
        kept = "recomputed" if self.recompute else "kept"
        return (
            f"{self.config.batch_size} rows × {self.config.gradient_accumulation_steps}, "
            f"activations {kept}"
        )


def sizes(
    lengths: Sequence[int], config: TrainingConfig, need: MemoryNeed | None, *, can_recompute: bool
) -> Iterator[Size]:
    """Yield the ways to make an optimizer step, the one to be preferred first.

    Args:
        lengths: Tokens of every training row.
        config: What is asked.
        need: Estimates; without it sizes are yielded without estimate.
        can_recompute: Whether the model can recompute activations.

    Example:
        >>> config = TrainingConfig(batch_size=3, gradient_accumulation_steps=4)
        >>> [str(s) for s in sizes([9] * 12, config, None, can_recompute=False)][:2]
        ['4 rows × 3, activations kept', '2 rows × 6, activations kept']
    """
    effective = config.batch_size * config.gradient_accumulation_steps
    asked = config.gradient_checkpointing
    ways = [False] if asked != "always" or not can_recompute else []
    ways += [True] if asked and can_recompute else []
    for recompute in ways:
        rows = effective & -effective  # the largest power of two that divides it
        while rows:
            way = replace(
                config,
                batch_size=rows,
                gradient_accumulation_steps=effective // rows,
                gradient_checkpointing="always" if recompute else False,
            )
            numbers, batch = largest_batch(lengths, way)
            needed = None if need is None else need.of(batch, recompute=recompute)
            yield Size(way, numbers, batch, needed)
            rows //= 2


def sizes_that_fit(found: Sequence[Size], need: MemoryNeed | None, free_gib: float) -> list[Size]:
    """Return the sizes that are estimated to fit, and the leanest in any case.

    Args:
        found: What `sizes` yields.
        need: How they are estimated; without it none can be left out.
        free_gib: Memory there is.
    """
    if need is None:
        return list(found)
    fitting = [s for s in found if s.needed is not None and need.fits(s.needed, free_gib)]
    return fitting if found[-1] in fitting else [*fitting, found[-1]]


def choose_batch_size(
    config: TrainingConfig,
    model: nn.Module,
    tokenizer: Any,
    rows: Rows,
    *,
    before: Mapping[str, Any] | None = None,
) -> tuple[TrainingConfig, dict[str, str]]:
    """Choose how many rows go through the model at once, where that is asked for.

    Args:
        config: What is asked; with ``auto_batch_size`` batch size and accumulation are chosen.
        model: On its device. Weights, gradients, random state and modes are left as they are.
        tokenizer: Its padding token fills the batch that is tried.
        rows: Training rows.
        before: Settings of the run that goes on, by name, where one does.

    Returns:
        The configuration to train with, and the choice with its reason, by topic.

    Raises:
        ResourceError: Memory ran out with the leanest way.
    """
    if not config.auto_batch_size:
        return config, {}
    effective = config.batch_size * config.gradient_accumulation_steps
    # An evaluation takes the longest rows together, so it keeps to what was asked.
    config = replace(config, eval_batch_size=config.eval_batch_size or config.batch_size)
    if before is not None and before.get("auto_batch_size"):
        resumed = replace(config, **{name: before[name] for name in RESUMED})
        if resumed.batch_size * resumed.gradient_accumulation_steps == effective:
            return resumed, _said(resumed, "as the checkpoint was trained")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        return config, _said(config, "as set: several processes must take the same, and each sees "
                             "only its own memory")  # fmt: skip
    precision, _ = choose_training_precision(config, model)
    need = need_of_model(model, config, precision)
    can_recompute = bool(getattr(model, "supports_gradient_checkpointing", False))
    found = list(sizes(row_lengths(rows), config, need, can_recompute=can_recompute))
    free = need.free_gib() if need is not None else 0.0
    failed: list[Size] = []
    for size in sizes_that_fit(found, need, free):
        batch = UnpaddedCollator(Collator(tokenizer))([rows[number] for number in size.rows])
        if _goes_through(model, batch, size, need, precision):
            return size.config, _choices(size, failed, need, free)
        logger.warning("Memory ran out in a trial step with %s.", size)
        failed.append(size)
    raise ResourceError(
        f"Memory ran out in a trial step with the leanest way, {found[-1]}: "
        f"{found[-1].batch.rows} row(s) of {found[-1].batch.tokens} tokens.",
        hint="Make it smaller: data.max_tokens, --method qlora (on a GPU), or a smaller --model "
        "(migaki models shows what fits).",
    )


def _choices(
    size: Size, failed: list[Size], need: MemoryNeed | None, free_gib: float
) -> dict[str, str]:
    tried = f"a step on {size.batch.rows} rows of {size.batch.tokens} tokens went through"
    if need is not None and size.needed is not None:
        wanted = need.more_than_present_gib(size.needed)
        tried = (
            f"about {wanted:.2f} GiB beside the weights, of {free_gib:.1f} GiB free "
            f"({USABLE_SHARE:.0%} may be used); {tried}"
        )
    if failed:
        tried += f"; memory ran out with {', '.join(map(str, failed))}"
    return _said(size.config, tried)


def _said(config: TrainingConfig, reason: str) -> dict[str, str]:
    rows, times = config.batch_size, config.gradient_accumulation_steps
    choices = {"batch size": f"{rows} rows × {times} = {rows * times} a step: {reason}"}
    if config.gradient_checkpointing == "always":
        choices["activation checkpointing"] = "on: chosen with the batch size"
    elif not config.gradient_checkpointing:
        choices["activation checkpointing"] = "off: chosen with the batch size"
    return choices


def _goes_through(
    model: nn.Module,
    batch: dict[str, Any],
    size: Size,
    need: MemoryNeed | None,
    precision: torch.dtype,
) -> bool:
    """Take a step on a batch and undo what it left; return whether memory was enough."""
    try:
        _try(model, batch, size, need, precision)
    except Exception as err:
        if not is_out_of_memory(err):
            raise
        failed = True
    else:
        failed = False
    model.zero_grad()
    give_back()
    return not failed


def _try(
    model: nn.Module,
    batch: dict[str, Any],
    size: Size,
    need: MemoryNeed | None,
    precision: torch.dtype,
) -> None:
    device = next(model.parameters()).device
    loss = TrainedLoss(model)
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng([device] if device.type == "cuda" else []))
        stack.enter_context(in_training(model, dropout=True))
        if size.recompute:
            stack.enter_context(_recomputing(model))
        if size.config.fused and device.type == "cpu" and not size.config.torch_compile:
            stack.callback(fuse(model, precision=precision).remove)
        moments = size.needed.optimizer_gib if size.needed is not None else 0.0
        room = torch.empty(int(moments * 1024**3), dtype=torch.uint8, device=device)
        placed = {name: part.to(device) for name, part in batch.items()}
        for _ in range(2 if size.batch.accumulated else 1):  # gradients are there in the second
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                nll, trained = loss(model, placed)
            (nll / trained.clamp(min=1)).backward()  # type: ignore[no-untyped-call]
        del room


@contextmanager
def _recomputing(model: nn.Module) -> Iterator[None]:
    """Recompute activations for a while; the hook that transformers puts on embeddings goes as well."""
    if getattr(model, f"is_{_RECOMPUTING}", False):
        yield
        return
    getattr(model, f"{_RECOMPUTING}_enable")()
    try:
        yield
    finally:
        getattr(model, f"{_RECOMPUTING}_disable")()
        if getattr(model, "_require_grads_hooks", None):
            model.disable_input_require_grads()  # type: ignore[operator]
