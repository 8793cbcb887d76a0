"""`FullFinetuningTrainer`: every weight is trained."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from migaki.errors import UsageError
from migaki.models import loading
from migaki.models.low_bit import is_quantized
from migaki.training.batching import Rows
from migaki.training.checkpoints import atomic_folder
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training
from migaki.training.preparation import (
    choose_rows,
    load_parts,
    refuse_contradiction,
    refuse_own_result,
)
from migaki.training.processes import ending_together, join_processes

if TYPE_CHECKING:
    from migaki.models.base import BaseModel

__all__ = ["FullFinetuningTrainer"]

logger = logging.getLogger(__name__)


class FullFinetuningTrainer:
    """Trains all weights and saves the model in ``output_dir/model``.

    Args:
        model: A model of migaki; it is loaded when training begins.
        config: How to train.
        train_dataset: Rows to train on, if no texts are given to `train`.
        eval_dataset: Held-out rows, likewise.
        use_accelerate: Kept as specified. Accelerate always places the model, casts numbers and, where
            a launcher started several processes, spreads the work.

    Raises:
        UsageError: A setting is for adapters.
    """

    def __init__(
        self,
        model: BaseModel,
        config: TrainingConfig,
        train_dataset: Rows | None = None,
        eval_dataset: Rows | None = None,
        use_accelerate: bool = True,
    ) -> None:
        refuse_contradiction("full", config)
        self.model = model
        self.config = config
        self.train_dataset = train_dataset
        self.eval_dataset = eval_dataset
        self.use_accelerate = use_accelerate

    @ending_together
    def train(
        self,
        train_texts: list[str] | None = None,
        eval_texts: list[str] | None = None,
        resume_from_checkpoint: str | bool | None = None,
    ) -> nn.Module:
        """Train, and save the model with the tokenizer.

        Args:
            train_texts: Texts of which every token is trained.
            eval_texts: Held-out texts.
            resume_from_checkpoint: Folder of a checkpoint, or true for the newest one.

        Returns:
            The trained model, in evaluation mode.

        Raises:
            UsageError: The model is quantized, or the result would replace it.
        """
        folder = Path(self.config.output_dir) / "model"
        refuse_own_result(self.model, folder)
        model, tokenizer = load_parts(self.model, self.config)
        if is_quantized(model):
            raise UsageError(
                "A quantized model cannot be trained whole.",
                hint="Load it without load_in_4bit and load_in_8bit, or use LoRAFinetuningTrainer.",
            )
        result = run_training(
            model,
            tokenizer,
            self.config,
            train_dataset=choose_rows("train", self.train_dataset, train_texts, tokenizer),
            eval_dataset=choose_rows("eval", self.eval_dataset, eval_texts, tokenizer),
            resume=resume_from_checkpoint or False,
        )

        def save() -> None:
            with atomic_folder(folder) as temporary:
                loading.save_model(model, tokenizer, temporary)

        join_processes().alone(save)
        logger.info("%d steps; the model is in %s", result.steps, folder)
        trained: nn.Module = model
        return trained
