"""Which weights a recipe trains, found on a model without weights before anything is loaded.

What would stop the run after minutes of loading stops it here: a layer, a token or a pattern that the
model does not have, an optimizer that the device does not have.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from migaki.models import loading, low_bit
from migaki.recipes.recipe import Recipe
from migaki.training.freezing import freeze_weights
from migaki.training.optimizer import require_optimizer

__all__ = ["TrainedWeights", "find_trained_weights"]


@dataclass(frozen=True, slots=True)
class TrainedWeights:
    """How many weights a run changes.

    Args:
        trained: Weights that are trained.
        total: All weights, adapters included.
    """

    trained: int
    total: int

    def __str__(self) -> str:
        """Return both, for people.

        Example:
            >>> str(TrainedWeights(250_000, 4_000_000))
            '250,000 of 4,000,000 weights are trained (6.25 %)'
        """
        share = 100 * self.trained / max(1, self.total)
        return f"{self.trained:,} of {self.total:,} weights are trained ({share:.3g} %)"


def find_trained_weights(
    recipe: Recipe, tokenizer: PreTrainedTokenizerBase, device: torch.device
) -> TrainedWeights | None:
    """Count the weights that a run will train, and refuse what the model or device does not have.

    Args:
        recipe: What is asked.
        tokenizer: Of the model; it knows the ids of tokens that are named.
        device: Where training will run.

    Returns:
        Nothing for an adapter that is trained on, whose size its own file says.

    Raises:
        UsageError: A layer, token, pattern or optimizer is not there.
        MissingExtraError: A package that the recipe needs is not installed.
    """
    require_optimizer(recipe.training, device)
    if recipe.lora.use_qlora:
        low_bit.require_bitsandbytes("QLoRA")
    place = loading.locate(
        recipe.model.name,
        revision=recipe.model.revision,
        trust_remote_code=recipe.model.trust_remote_code,
        weights=False,
    )
    if place.adapter is not None:
        return None
    skeleton = loading.read_skeleton(
        recipe.model.name,
        revision=recipe.model.revision,
        trust_remote_code=recipe.model.trust_remote_code,
    )
    if recipe.method == "full":
        freeze_weights(skeleton, recipe.training.freeze)
        return _count(skeleton)
    from migaki.training.lora import attach_adapter  # peft takes seconds to import

    return _count(
        attach_adapter(skeleton, recipe.lora, tokenizer=tokenizer, seed=recipe.training.seed)
    )


def _count(model: nn.Module) -> TrainedWeights:
    parameters = list(model.parameters())
    return TrainedWeights(
        trained=sum(p.numel() for p in parameters if p.requires_grad),
        total=sum(p.numel() for p in parameters),
    )
