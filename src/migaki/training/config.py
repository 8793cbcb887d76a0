"""What a training run is asked to do: `TrainingConfig` and `LoRAConfig`.

The specified parameters come first, with their names, order and defaults, and may be given by
position; everything of our own is keyword-only behind them. Nothing here imports torch: a
configuration is read, checked and shown without a deep-learning stack. What a value *becomes* on a
given machine (precision, warm-up, checkpointing) is decided in `migaki.training.settings`, with a
reason for each choice.
"""

from __future__ import annotations

import math
from dataclasses import field
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

__all__ = ["LoRAConfig", "Policy", "TrainingConfig", "contradiction"]

_STRICT = ConfigDict(extra="forbid", validate_assignment=True, allow_inf_nan=False)

Policy = Literal["stop", "skip", "rollback"]
"""What is done about a step that went wrong."""

_Count = Annotated[int, Field(ge=1)]
_CountOrZero = Annotated[int, Field(ge=0)]


@dataclass(config=_STRICT)
class TrainingConfig:
    """How a model is trained.

    Example:
        >>> TrainingConfig(3e-4, 4).gradient_accumulation_steps
        4
    """

    learning_rate: Annotated[float, Field(gt=0)] = 2e-5
    """Highest rate, reached after the warm-up."""
    batch_size: _Count = 4
    """Rows in one forward pass on one device."""
    gradient_accumulation_steps: _Count = 4
    """Batches that make one optimizer step; their losses are weighted by trained tokens."""
    num_epochs: _Count = 3
    """Passes over the training rows."""
    warmup_steps: Annotated[int | float, Field(ge=0)] = 100
    """Steps until the rate is reached, at most a tenth of the run; a number below 1 is a share of
    the run and taken as it is."""
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    """Gradients are scaled down to this norm; 0 leaves them as they are."""
    eval_steps: _Count = 100
    """Steps between two evaluations on the held-out rows."""
    save_steps: _Count = 500
    """Steps between two checkpoints."""
    logging_steps: _Count = 10
    """Steps between two lines of metrics."""
    output_dir: str = "./outputs"
    """Folder for checkpoints, metrics and the result."""
    fp16: bool = True
    """Mixed precision: bf16 where the hardware has it, fp16 on older GPUs, fp32 on a CPU."""
    gradient_checkpointing: bool | Literal["always"] = True
    """Recompute activations in the backward pass: true where memory needs it, "always" wherever
    the model can, false never."""
    ddp: bool = False
    """Insist on processes of a launcher, one for each device; those that it started are taken anyway."""
    local_rank: Annotated[int, Field(ge=-1)] = -1
    """Rank of this process on its machine; -1 takes what the launcher says."""
    world_size: _Count = 1
    """Number of processes; 1 takes those that the launcher started, another number insists on it."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = field(default=42, kw_only=True)
    """Seed of adapter weights, data order and dropout."""
    max_steps: _CountOrZero = field(default=0, kw_only=True)
    """Stop after so many optimizer steps; 0 counts epochs."""
    weight_decay: Annotated[float, Field(ge=0)] = field(default=0.0, kw_only=True)
    """AdamW's pull of the weights towards zero."""
    lr_scheduler: Literal["linear", "cosine", "constant"] = field(default="linear", kw_only=True)
    """How the rate falls after the warm-up."""
    group_by_length: bool = field(default=True, kw_only=True)
    """Put rows of similar length into one batch, all batches of about the same padded tokens and
    ``batch_size`` rows on average, so that little is spent on padding."""
    packing: Literal["auto", "always", "never"] = field(default="auto", kw_only=True)
    """Lay the rows of a batch end to end, without padding: auto where the GPU has a kernel for it."""
    packing_split: bool = field(default=False, kw_only=True)
    """Where rows are packed, cut those longer than ``batch_size`` average rows into pieces, for less
    memory; the cuts are counted."""
    eval_batch_size: _CountOrZero = field(default=0, kw_only=True)
    """Rows in one evaluation pass; 0 takes ``batch_size``."""
    early_stopping_patience: _CountOrZero = field(default=0, kw_only=True)
    """Stop after so many evaluations without improvement; 0 never stops early."""
    early_stopping_min_delta: Annotated[float, Field(ge=0)] = field(default=0.0, kw_only=True)
    """Fall of the evaluation loss, in nats per token, that counts as improvement."""
    keep_best: bool = field(default=True, kw_only=True)
    """Keep the checkpoint with the lowest evaluation loss and end with its weights."""
    save_total_limit: _Count = field(default=2, kw_only=True)
    """Checkpoints kept, besides the best one."""
    report_to: list[Literal["tensorboard", "wandb"]] = field(default_factory=list, kw_only=True)
    """Experiment trackers that also get the metrics (needs migaki[tracking])."""
    dataloader_workers: _CountOrZero = field(default=0, kw_only=True)
    """Processes that prepare batches; 0 does it in this one, which is enough for tokenised rows."""
    torch_compile: bool = field(default=False, kw_only=True)
    """Compile the layers: seconds to minutes before the first step, faster steps after it."""
    liger: Literal["auto", "always", "never"] = field(default="auto", kw_only=True)
    """Liger's fused kernels on a GPU (needs migaki[liger]), kept if they give the same gradients."""
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit"] = field(
        default="adamw", kw_only=True
    )
    """AdamW; with moments in 8 bits, or in memory that a GPU may page out (migaki[quantization])."""
    lora_plus_ratio: Annotated[float, Field(ge=1)] = field(default=1.0, kw_only=True)
    """LoRA+: the adapters' B matrices learn at this multiple of the rate; its paper takes 16."""
    neftune_noise_alpha: Annotated[float, Field(ge=0)] = field(default=0.0, kw_only=True)
    """NEFTune: strength of the noise on embeddings while training, 5 to 15 in its paper; 0 is none."""
    freeze: list[str] = field(default_factory=list, kw_only=True)
    """Full training: weights that stay as they are, by patterns of their names (`model.layers.0.*`);
    a later pattern behind `!` trains what it matches after all."""
    auto_batch_size: bool = field(default=False, kw_only=True)
    """Choose ``batch_size`` by the memory there is, confirmed by a trial step; its product with
    ``gradient_accumulation_steps`` stays as it is."""
    fused: bool = field(default=True, kw_only=True)
    """On a CPU compute layers of known kinds by fused functions, where they are proven equal."""
    on_divergence: Policy = field(default="stop", kw_only=True)
    """When the loss is lost (NaN, infinite, worse than guessing): stop, skip the step, or rollback to
    the last checkpoint and go on from it at half the rate without the step."""
    on_spike: Literal["report", "stop", "skip", "rollback"] = field(default="report", kw_only=True)
    """When a loss stands out from the last 64 steps: only report it, or treat it like a divergence."""
    max_skipped_steps: _CountOrZero = field(default=5, kw_only=True)
    """Steps in a row that may be skipped before training stops."""
    max_rollbacks: _CountOrZero = field(default=3, kw_only=True)
    """Rollbacks of a run before training stops."""

    @field_validator("warmup_steps")
    @classmethod
    def _whole_steps_or_share(cls, value: float) -> float:
        if value >= 1 and not float(value).is_integer():
            raise ValueError(
                f"warmup_steps is {value}: give whole steps (0, 1, 2 …) or a share of the run "
                "below 1 (0.05)"
            )
        return value if value < 1 and value else int(value)

    def warmup_for(self, total_steps: int) -> tuple[int, str]:
        """Work out the warm-up of a run.

        Args:
            total_steps: Optimizer steps of the whole run.

        Returns:
            Warm-up steps, and how they came about.

        Example:
            >>> TrainingConfig(warmup_steps=100).warmup_for(60)[0]
            6
            >>> TrainingConfig(warmup_steps=0.5).warmup_for(60)[0]
            30
        """
        if 0 < self.warmup_steps < 1:
            steps = math.ceil(self.warmup_steps * total_steps)
            return steps, f"{self.warmup_steps:g} of {total_steps} steps"
        asked = int(self.warmup_steps)
        ceiling = math.ceil(total_steps / 10)
        if asked <= ceiling:
            return asked, "as set"
        return ceiling, (
            f"warmup_steps={asked} is more than a tenth of {total_steps} steps: shortened, so that "
            "the learning rate is reached early (a share such as warmup_steps=0.5 is taken as it is)"
        )


@dataclass(config=_STRICT)
class LoRAConfig:
    """Low-rank adapters: which weights get one, and how large.

    Example:
        >>> LoRAConfig(8, 16).lora_dropout
        0.05
    """

    r: _Count = 16
    """Rank of the adapters."""
    lora_alpha: _Count = 32
    """Scale: the adapter's output is multiplied by ``lora_alpha / r``."""
    target_modules: list[str] | None = None
    """Names of the layers that get an adapter; without it all linear layers but the head."""
    lora_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the adapter's inputs set to zero while training."""
    bias: Literal["none", "all", "lora_only"] = "none"
    """Which bias terms are trained as well."""
    task_type: Literal["CAUSAL_LM"] = "CAUSAL_LM"
    """PEFT's name of the task; causal language models are what migaki trains."""
    use_qlora: bool = False
    """Keep the base model quantized while the adapters train (needs migaki[quantization])."""
    qlora_4bit: bool = True
    """4-bit base for QLoRA; false is 8-bit."""
    use_rslora: bool = field(default=False, kw_only=True)
    """rsLoRA: scale by ``lora_alpha / sqrt(r)``, which keeps large ranks learning."""
    use_dora: bool = field(default=False, kw_only=True)
    """DoRA: train the length of each row of a weight matrix apart from its direction (slower)."""
    trainable_tokens: list[int | str] = field(default_factory=list, kw_only=True)
    """Tokens, by id or as written, whose rows of embedding and head are trained as well."""

    @field_validator("trainable_tokens")
    @classmethod
    def _tokens_once(cls, value: list[int | str]) -> list[int | str]:
        wrong = [token for token in value if (token == "" if isinstance(token, str) else token < 0)]
        if wrong or len(set(value)) < len(value):
            raise ValueError(
                f"trainable_tokens is {value}: give each token once, by its id (0, 1 …) or as it is "
                "written ('<|user|>')"
            )
        return value

    @field_validator("target_modules")
    @classmethod
    def _some_modules(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and (not value or not all(name.strip() for name in value)):
            raise ValueError(
                f"target_modules is {value}: name at least one layer (['q_proj', 'v_proj']), or "
                "leave it out for all linear layers"
            )
        return value


def contradiction(
    method: Literal["lora", "qlora", "full"],
    training: TrainingConfig,
    lora: LoRAConfig | None = None,
) -> str | None:
    """Find settings that the method would leave without effect.

    Args:
        method: How weights are trained.
        training: How a model is trained.
        lora: The adapters, where there are any settings for them.

    Returns:
        What contradicts what and what to do, or nothing.

    Example:
        >>> contradiction("lora", TrainingConfig(freeze=["model.embed_tokens.*"]))
        "training.freeze is for method 'full': beside adapters every other weight is frozen. Drop it"
    """
    if method != "full":
        if training.freeze:
            return (
                "training.freeze is for method 'full': beside adapters every other weight is frozen. "
                "Drop it"
            )
        return None
    if training.lora_plus_ratio != 1:
        return (
            f"training.lora_plus_ratio is {training.lora_plus_ratio:g}, and method 'full' has no "
            "adapters. Choose method: lora, or drop it"
        )
    given = (
        [name for name in ("use_rslora", "use_dora", "trainable_tokens") if getattr(lora, name)]
        if lora is not None
        else []
    )
    if given:
        return (
            f"lora.{given[0]} is set, and method 'full' has no adapters: it trains every weight. "
            "Choose method: lora, or drop it"
        )
    return None
