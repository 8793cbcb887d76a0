"""What the trainers have in common before the engine starts: model, tokenizer, rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from migaki.dataset.text_dataset import TextDataset
from migaki.errors import ModelError, UsageError
from migaki.hardware.gpu import get_available_device
from migaki.models.location import locate
from migaki.training.batching import Rows
from migaki.training.config import LoRAConfig, TrainingConfig, contradiction
from migaki.training.optimizer import require_optimizer

if TYPE_CHECKING:
    from migaki.models.base import BaseModel

__all__ = [
    "base_name",
    "choose_rows",
    "load_parts",
    "refuse_contradiction",
    "refuse_own_result",
]


def refuse_contradiction(
    method: Literal["lora", "full"], training: TrainingConfig, lora: LoRAConfig | None = None
) -> None:
    """Refuse settings that the method would leave without effect.

    Args:
        method: How weights are trained.
        training: How a model is trained.
        lora: The adapters.

    Raises:
        UsageError: There is one.
    """
    if (problem := contradiction(method, training, lora)) is not None:
        raise UsageError(f"{problem}.")


def load_parts(
    model: BaseModel, config: TrainingConfig
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return model and tokenizer, loading what is not loaded yet.

    Args:
        model: A model of migaki.
        config: How it will be trained.

    Raises:
        UsageError: The optimizer is not to be had where the model will be.
        MissingExtraError: A package that it needs is not installed.
    """
    require_optimizer(config, model.device or get_available_device())
    return model.load_model(), model.load_tokenizer()


def base_name(model: BaseModel) -> str:
    """Return what an adapter trained on a model stores as its base: never another adapter."""
    try:
        return locate(model.model_name, weights=False).name
    except ModelError:  # a model class of the user's own may have a name that is no place
        return model.model_name


def refuse_own_result(model: BaseModel, result: Path) -> None:
    """Stop when the result of training would replace the weights that it begins with.

    Args:
        model: What is trained.
        result: Folder that will be written.

    Raises:
        UsageError: They are the same.
    """
    given = Path(model.model_name).expanduser()
    if given.resolve() in (result.resolve(), result.parent.resolve()):
        raise UsageError(
            f"The result would replace what is trained on: both are {result}.",
            hint="Give another output_dir; every stage has a folder of its own.",
        )


@overload
def choose_rows(
    role: Literal["train"], dataset: Rows | None, texts: list[str] | None, tokenizer: Any
) -> Rows: ...


@overload
def choose_rows(
    role: Literal["eval"], dataset: Rows | None, texts: list[str] | None, tokenizer: Any
) -> Rows | None: ...


def choose_rows(
    role: Literal["train", "eval"], dataset: Rows | None, texts: list[str] | None, tokenizer: Any
) -> Rows | None:
    """Return the rows of a role: the dataset, or the texts as one.

    Args:
        role: What they are for; training needs them.
        dataset: What the trainer was made with.
        texts: What ``train`` was called with.
        tokenizer: Encodes the texts.

    Raises:
        UsageError: Both are given, or neither where one is needed.
    """
    if dataset is not None and texts is not None:
        raise UsageError(
            f"{role}_dataset and {role}_texts are both given; one of them is used.",
            hint="Give the texts to train(), or the dataset to the trainer.",
        )
    if texts is not None:
        return TextDataset(texts, tokenizer)
    if dataset is None and role == "train":
        raise UsageError(
            "There is nothing to train on: neither train_dataset nor train_texts is given.",
            hint="Call train(train_texts=[…]), or make the trainer with a train_dataset.",
        )
    return dataset
