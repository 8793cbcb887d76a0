"""What a run will do, worked out before it begins: rows, tokens, steps, memory, time.

The plan loads the tokenizer and the data (so that a bad row stops the run in the first seconds)
but not the model: its shape is read from its configuration. Whatever was chosen automatically is
listed with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from transformers import PreTrainedTokenizerBase

from migaki.dataset.prepare import PreparedData, prepare
from migaki.errors import ModelError, ResourceError
from migaki.evaluation.answers import load_prompts
from migaki.hardware import gpu, speed
from migaki.hardware.memory.available import available_memory_gib
from migaki.hardware.memory.estimate import MemoryEstimate
from migaki.hardware.memory.shape import ModelShape
from migaki.models import loading
from migaki.recipes.continuation import Continuation, open_continued_tokenizer
from migaki.recipes.continued_recipe import settle
from migaki.recipes.recipe import Recipe
from migaki.recipes.trained_weights import TrainedWeights, find_trained_weights
from migaki.training.automatic_batch import sizes, sizes_that_fit
from migaki.training.memory_need import MemoryNeed, largest_batch
from migaki.training.processes import join_processes, require_agreement
from migaki.training.settings import count_steps

Progress = Callable[[str, int, int | None], None]

# Share of the measured matrix rate that a whole training step reaches. 0.25 was seen on two CPU
# cores with a 4-layer model and 0.30-0.45 is what single-GPU trainers publish; a plan that ends
# early is better than one that ends late.
_STEP_EFFICIENCY = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """A run that is ready to begin.

    Args:
        recipe: What was asked.
        origin: Where the recipe came from.
        tokenizer: Loaded, with a padding token.
        data: Token ids and labels, counts and rejections.
        device: Where training will run.
        precision: Number format of the computation and why.
        parameters: Weights of the base model.
        weights: How many of them, with adapters, are trained; nothing where an adapter is trained on.
        steps: Optimizer steps, if no early stop.
        memory: Estimated peak, by part, in GiB.
        available_gib: Memory there is.
        seconds: Rough training time.
        choices: Everything chosen automatically, with its reason.
        warnings: What the user should know before saying yes.
        continuation: What the run goes on from, checked; none for one that begins anew.
    """

    recipe: Recipe
    origin: str
    tokenizer: PreTrainedTokenizerBase
    data: PreparedData
    device: torch.device
    precision: tuple[torch.dtype, str]
    parameters: int
    weights: TrainedWeights | None
    steps: int
    memory: MemoryEstimate
    available_gib: float
    seconds: float
    choices: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    continuation: Continuation | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figures of the plan for ``plan.json``."""
        return {
            "recipe": self.origin,
            "model": self.recipe.model.name,
            "method": self.recipe.method,
            "parameters": self.parameters,
            "trained_parameters": self.weights.trained if self.weights is not None else None,
            "device": str(self.device),
            "steps": self.steps,
            "memory_gib": asdict(self.memory),
            "available_memory_gib": self.available_gib,
            "training_seconds": self.seconds,
            "choices": dict(self.choices),
            "warnings": list(self.warnings),
        }


def make_plan(
    recipe: Recipe, *, origin: str = "given", on_progress: Progress | None = None
) -> Plan:
    """Work out a run before it begins.

    Args:
        recipe: What is asked.
        origin: Where the recipe came from, for display.
        on_progress: Called with stage, rows done and rows in all.

    Raises:
        DataError: The data cannot be used as it is.
        ModelError: The tokenizer or configuration of the model cannot be loaded.
        UsageError: The recipe names a layer, token, pattern of weights or optimizer that is not there,
            or what it continues from contradicts it.
        MissingExtraError: A package that the recipe needs is not installed.
    """
    continuation = settle(recipe)
    opened = _open_tokenizer(recipe, continuation)
    shape = _shape(recipe)
    processes = join_processes()  # which chooses the card
    require_agreement(recipe.training, processes)
    device = gpu.get_available_device()
    weights = find_trained_weights(recipe, opened.tokenizer, device)
    loading.check_vocabulary(opened.tokenizer, shape.vocabulary)
    if recipe.evaluation.enabled and recipe.evaluation.prompts is not None:
        load_prompts(Path(recipe.evaluation.prompts))  # a wrong file is said now, not after loading
    context_choice = _fit_context(recipe, shape.context)
    data = prepare(recipe.data, opened.tokenizer, on_progress=on_progress)
    _refuse_unknown_ids(data, shape.vocabulary)
    dtype, dtype_reason = _precision(recipe, device)
    _, steps = count_steps(max(1, len(data.train)), recipe.training, processes=processes.count)
    available_gib, available_reason = available_memory_gib(str(device))
    need = _memory_need(recipe, shape, device, dtype)
    needed, batch_choice = _estimate_memory(recipe, need, data, available_gib)
    return Plan(
        recipe=recipe,
        origin=origin,
        tokenizer=opened.tokenizer,
        data=data,
        device=device,
        precision=(dtype, dtype_reason),
        parameters=shape.parameters,
        weights=weights,
        steps=steps,
        memory=needed,
        available_gib=available_gib,
        seconds=_estimate_seconds(recipe, shape.parameters, data, device, dtype, steps=steps),
        choices={
            "recipe": origin,
            **(continuation.choices if continuation is not None else {}),
            "precision": f"{dtype}".removeprefix("torch.") + f": {dtype_reason}",
            "available memory": available_reason,
            **batch_choice,
            **processes.choice(),
            **opened.choices,
            **context_choice,
        },
        warnings=tuple(_warnings(recipe, data, steps)),
        continuation=continuation,
    )


def check_memory(plan: Plan) -> None:
    """Refuse a run that will not fit, before anything is loaded.

    Raises:
        ResourceError: The estimate is above the memory there is.
    """
    if plan.memory.total_gib <= plan.available_gib:
        return
    smaller = "--method lora" if plan.recipe.method == "full" else "--method qlora (on a GPU)"
    raise ResourceError(
        f"Training {plan.recipe.model.name} with method '{plan.recipe.method}' needs about "
        f"{plan.memory.total_gib:.1f} GiB and {plan.available_gib:.1f} GiB are available on "
        f"{plan.device}.",
        hint="Make it smaller: training.batch_size=1 training.gradient_accumulation_steps="
        f"{plan.recipe.training.batch_size * plan.recipe.training.gradient_accumulation_steps}, "
        f"data.max_tokens={max(128, plan.recipe.data.max_tokens // 2)}, "
        f"training.gradient_checkpointing=true, {smaller}, or a smaller --model "
        "(migaki models shows what fits here).",
    )


def _fit_context(recipe: Recipe, context: int) -> dict[str, str]:
    """Lower ``max_tokens`` to what the model can see; rows above it would be wasted or fail."""
    asked = recipe.data.max_tokens
    if asked <= context:
        return {}
    try:
        recipe.data.max_tokens = context
    except ValidationError as err:
        raise ModelError(
            f"The model {recipe.model.name} reads {context} tokens at once; that is too few to train.",
            hint="Check max_position_embeddings in its config.json.",
        ) from err
    return {"max_tokens": f"{context}: the model's context, below the {asked} that were asked for"}


def _refuse_unknown_ids(data: PreparedData, vocabulary: int) -> None:
    largest = max(int(side.input_ids.max()) for side in (data.train, data.validation) if len(side))
    if largest >= vocabulary:
        raise ModelError(
            f"The data holds the token {largest:,}, and the model has {vocabulary:,} embeddings.",
            hint="Take the tokenizer that came with the model, or leave control tokens out of the text.",
        )


def _open_tokenizer(recipe: Recipe, continuation: Continuation | None) -> loading.LoadedTokenizer:
    trusted = recipe.model.trust_remote_code
    if continuation is not None:
        return open_continued_tokenizer(continuation, trust_remote_code=trusted)
    return loading.open_tokenizer(
        recipe.model.name, revision=recipe.model.revision, trust_remote_code=trusted
    )


def _precision(recipe: Recipe, device: torch.device) -> tuple[torch.dtype, str]:
    if recipe.model.dtype != "auto":
        return getattr(torch, recipe.model.dtype), "set in the recipe (model.dtype)"
    if not recipe.training.fp16:
        return torch.float32, "training.fp16=false"
    if recipe.method == "lora":
        return gpu.choose_frozen_precision(device)
    return gpu.choose_precision(device)


def _shape(recipe: Recipe) -> ModelShape:
    return loading.read_shape(
        recipe.model.name,
        revision=recipe.model.revision,
        trust_remote_code=recipe.model.trust_remote_code,
    )


def _memory_need(
    recipe: Recipe, shape: ModelShape, device: torch.device, dtype: torch.dtype
) -> MemoryNeed:
    four_bits = recipe.method != "qlora" or recipe.lora.qlora_4bit
    return MemoryNeed(
        shape=shape,
        method=recipe.method if four_bits else "qlora_8bit",
        dtype_bytes=dtype.itemsize,
        device=str(device),
        config=recipe.training,
        r=recipe.lora.r,
        lora_dropout=recipe.lora.lora_dropout,
    )


def _estimate_memory(
    recipe: Recipe, need: MemoryNeed, data: PreparedData, available_gib: float
) -> tuple[MemoryEstimate, dict[str, str]]:
    """Estimate as the engine will do it: activations are recomputed only where memory needs it."""
    training, lengths = recipe.training, list(data.train.lengths) or [1]
    if training.auto_batch_size:
        found = list(sizes(lengths, training, need, can_recompute=True))
        size = sizes_that_fit(found, need, available_gib)[0]
        assert size.needed is not None
        return size.needed, {"batch size": f"{size}: as estimated; a trial step will confirm it"}
    _, batch = largest_batch(lengths, training)
    kept, recomputed = (need.of(batch, recompute=recompute) for recompute in (False, True))
    if training.gradient_checkpointing == "always":
        return recomputed, {}
    if not training.gradient_checkpointing or need.fits(kept, available_gib):
        return kept, {}
    return recomputed, {}


def _estimate_seconds(
    recipe: Recipe,
    parameters: int,
    data: PreparedData,
    device: torch.device,
    dtype: torch.dtype,
    *,
    steps: int,
) -> float:
    """4N operations per token train an adapter (forward, and backward through), 6N every weight."""
    per_token = (6 if recipe.method == "full" else 4) * parameters
    rows = steps * recipe.training.batch_size * recipe.training.gradient_accumulation_steps
    tokens = rows * data.train.total_tokens / max(1, len(data.train))
    rate = speed.measure_matmul_flops(device, dtype) * _STEP_EFFICIENCY
    return per_token * tokens / rate


def _warnings(recipe: Recipe, data: PreparedData, steps: int) -> list[str]:
    found = list(data.report.warnings)
    if steps < 20:
        found.append(
            f"Only {steps} optimizer steps: the model will hardly change. More data, more epochs "
            "(training.num_epochs) or a smaller batch (training.batch_size) give more."
        )
    if len(data.validation) == 0:
        found.append("Nothing is held out: the report cannot show bits per character.")
    if recipe.model.trust_remote_code:
        found.append("trust_remote_code is on: Python code that came with the model will run.")
    return found
