"""Fused kernels and compiled layers around one run: tried, compared, kept or taken back.

Whatever is switched on here computed the loss and the gradients of some rows of the run as the plain
model does (`trial.difference`); what differs, or fails, is taken back with a line that says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from migaki.hardware.out_of_memory import is_out_of_memory
from migaki.models import liger
from migaki.models.patches import Patch, base_of
from migaki.training import compile as compilation
from migaki.training.config import TrainingConfig
from migaki.training.fused.attach import fuse
from migaki.training.trial import Trial, difference, try_step

__all__ = ["Run", "accelerated", "use_verified"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """What the trials need of a run.

    Args:
        model: The model as it is trained, on its device.
        config: What is asked.
        precision: Number format of the computation.
        batch: Gives some rows of the run on the model's device.
        step: Runs forward and backward; returns the summed loss and the trained tokens.
    """

    model: nn.Module
    config: TrainingConfig
    precision: torch.dtype
    batch: Callable[[], Mapping[str, Tensor]]
    step: Callable[[Mapping[str, Any]], tuple[Tensor, Tensor]]


@contextmanager
def accelerated(run: Run) -> Iterator[dict[str, str]]:
    """Make a model faster where that is asked for and proves right, while the context lasts.

    Args:
        run: Before its first step.

    Yields:
        The choices with their reasons, by topic.
    """
    device = next(run.model.parameters()).device
    fused, fused_reason = liger.choose_liger(run.config.liger, run.model, device)
    compiled, compiled_reason = compilation.choose_compilation(
        run.config.torch_compile, run.model, device
    )
    if compiled and run.config.liger == "auto":
        fused, fused_reason = False, "torch.compile fuses the same operations"
    choices = {"liger": _in_words(fused, fused_reason)}
    if run.config.torch_compile:
        choices["compilation"] = _in_words(compiled, compiled_reason)
    functions, functions_reason = _choose_functions(run, device, compiled=compiled)
    choices["fused functions"] = _in_words(functions, functions_reason)
    with ExitStack() as stack:
        if fused or compiled or functions:
            batch = run.batch()
            try:
                plain = try_step(run.model, batch, run.step)
            except Exception as err:
                if not is_out_of_memory(err):
                    raise
                fused = compiled = functions = False
                choices = {topic: "off: memory ran out when it was tried" for topic in choices}
        if fused:
            kept, reason = use_verified(run, batch, plain, liger.apply_liger, stack=stack)
            choices["liger"] = _in_words(kept, reason)
        if functions:
            kept, reason = _fuse_verified(run, batch, plain, stack=stack)
            choices["fused functions"] = _in_words(kept, reason)
        if compiled:
            kept, reason = _compile_verified(run, batch, plain, stack=stack)
            choices["compilation"] = _in_words(kept, reason)
        yield choices


def use_verified(
    run: Run,
    batch: Mapping[str, Tensor],
    plain: Trial,
    kernels: Callable[[nn.Module], None],
    *,
    stack: ExitStack,
) -> tuple[bool, str]:
    """Replace parts of a model by kernels that give the same loss and gradients.

    Args:
        run: Its model is changed.
        batch: Rows to compare on.
        plain: What the model gave on them before.
        kernels: Replaces the parts, in place.
        stack: Takes the change back when it is closed.

    Returns:
        Whether the kernels are in use, and the reason.
    """
    try:
        patch = Patch(base_of(run.model), kernels)
    except Exception as err:
        return _taken_back(f"they could not be put in ({_first_line(err)})")
    try:
        problem = difference(plain, try_step(run.model, batch, run.step), run.precision)
    except Exception as err:  # what kernels raise is theirs: compilers, drivers, shapes
        problem = f"they failed ({_first_line(err)})"
    if problem is not None:
        patch.undo()
        return _taken_back(problem)
    stack.callback(patch.undo)
    return (
        True,
        f"{patch.changed} modules; loss and gradients of {_size(batch)} tokens are the same",
    )


def _choose_functions(run: Run, device: torch.device, *, compiled: bool) -> tuple[bool, str]:
    """Decide whether our own fused functions are tried."""
    if not run.config.fused:
        return False, "fused=False"
    if device.type != "cpu":
        return False, f"they are for the CPU, this is {device.type}"
    if compiled:
        return False, "torch.compile fuses the same operations"
    return True, "on a CPU"


def _fuse_verified(
    run: Run, batch: Mapping[str, Tensor], plain: Trial, *, stack: ExitStack
) -> tuple[bool, str]:
    fused = fuse(run.model, precision=run.precision)
    if not fused.count:
        return False, "no layer of this model is of a known kind"
    try:
        problem = difference(plain, try_step(run.model, batch, run.step), run.precision)
    except Exception as err:  # whatever a model's code raises over outputs that it does not expect
        problem = f"they failed ({_first_line(err)})"
    if problem is not None:
        fused.remove()
        return _taken_back(problem)
    stack.callback(fused.remove)
    return True, (
        f"{fused.count} modules; loss and gradients of {_size(batch)} tokens are the same; products "
        f"by {fused.kernel}"
    )


def _compile_verified(
    run: Run, batch: Mapping[str, Tensor], plain: Trial, *, stack: ExitStack
) -> tuple[bool, str]:
    plain_again = try_step(run.model, batch, run.step, dropout=True)  # warm by now
    compilation.compile_layers(run.model)
    try:
        without_dropout = try_step(run.model, batch, run.step)
        problem = difference(plain, without_dropout, run.precision)
        first = try_step(run.model, batch, run.step, dropout=True)
        second = try_step(run.model, batch, run.step, dropout=True)
    except Exception as err:  # so does what a compiler raises
        problem = f"it failed ({_first_line(err)})"
    if problem is not None:
        compilation.take_back(run.model)
        return _taken_back(problem)
    stack.callback(compilation.take_back, run.model)
    return True, compilation.when_it_pays(
        warm_up_s=without_dropout.seconds + first.seconds - 2 * second.seconds,
        plain_s=plain_again.seconds,
        compiled_s=second.seconds,
    )


def _taken_back(problem: str) -> tuple[bool, str]:
    logger.warning("Taken back, the plain computation goes on: %s.", problem)
    return False, f"taken back: {problem}"


def _in_words(chosen: bool, reason: str) -> str:
    return f"{'on' if chosen else 'off'}: {reason}"


def _size(batch: Mapping[str, Tensor]) -> int:
    return batch["input_ids"].numel()


def _first_line(err: Exception) -> str:
    return f"{type(err).__name__}: {(str(err).strip().splitlines() or [''])[0][:200]}"
