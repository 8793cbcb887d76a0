"""`LoRAFinetuningTrainer`: adapters on a frozen model, quantized or not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from migaki.errors import ModelError, UsageError
from migaki.hardware import gpu
from migaki.models import adapters, loading
from migaki.models.low_bit import is_quantized, require_bitsandbytes
from migaki.models.tokenizers import token_ids
from migaki.training.batching import Rows
from migaki.training.checkpoints import atomic_folder
from migaki.training.config import LoRAConfig, TrainingConfig
from migaki.training.engine import run_training
from migaki.training.preparation import (
    base_name,
    choose_rows,
    load_parts,
    refuse_contradiction,
    refuse_own_result,
)
from migaki.training.processes import ending_together, join_processes

if TYPE_CHECKING:
    from migaki.models.base import BaseModel

__all__ = ["LoRAFinetuningTrainer"]

logger = logging.getLogger(__name__)


class LoRAFinetuningTrainer:
    """Trains low-rank adapters and saves them in ``output_dir/adapter``.

    Args:
        model: A model of migaki; it is loaded when training begins, quantized for QLoRA.
        lora_config: Which layers get an adapter, and how large.
        training_config: How to train.
        train_dataset: Rows to train on, if no texts are given to `train`.
        eval_dataset: Held-out rows, likewise.

    Raises:
        MissingExtraError: QLoRA was asked for and bitsandbytes is not installed.
        UsageError: A setting would be without effect on adapters.

    Example:
        ``LoRAFinetuningTrainer(JapaneseModel("migaki-tiny"), LoRAConfig(), TrainingConfig())
        .train(train_texts=["…"])``
    """

    def __init__(
        self,
        model: BaseModel,
        lora_config: LoRAConfig,
        training_config: TrainingConfig,
        train_dataset: Rows | None = None,
        eval_dataset: Rows | None = None,
    ) -> None:
        refuse_contradiction("lora", training_config, lora_config)
        if lora_config.use_qlora:
            require_bitsandbytes("QLoRA")
        self.model = model
        self.lora_config = lora_config
        self.training_config = training_config
        self.train_dataset = train_dataset
        self.eval_dataset = eval_dataset

    @ending_together
    def train(
        self,
        train_texts: list[str] | None = None,
        eval_texts: list[str] | None = None,
        resume_from_checkpoint: str | bool | None = None,
    ) -> nn.Module:
        """Train, and save the adapter with the tokenizer.

        Args:
            train_texts: Texts of which every token is trained.
            eval_texts: Held-out texts.
            resume_from_checkpoint: Folder of a checkpoint, or true for the newest one.

        Returns:
            The model with its adapter, in evaluation mode. A model that was loaded from an adapter is
            trained on with it.

        Raises:
            UsageError: The result would replace the adapter that is trained on.
        """
        folder = Path(self.training_config.output_dir) / "adapter"
        refuse_own_result(self.model, folder)
        if self.lora_config.use_qlora:
            self._ask_for_quantization()
        base, tokenizer = load_parts(self.model, self.training_config)
        self._require_quantized_as_asked(base)
        adapted = self._with_adapter(base, tokenizer)
        result = run_training(
            adapted,
            tokenizer,
            self.training_config,
            train_dataset=choose_rows("train", self.train_dataset, train_texts, tokenizer),
            eval_dataset=choose_rows("eval", self.eval_dataset, eval_texts, tokenizer),
            resume=resume_from_checkpoint or False,
        )

        def save() -> None:
            with atomic_folder(folder) as temporary:
                adapters.save_adapter(
                    adapted, temporary, base=base_name(self.model), tokenizer=tokenizer
                )

        join_processes().alone(save)
        logger.info("%d steps; the adapter is in %s", result.steps, folder)
        trained: nn.Module = adapted
        return trained

    @staticmethod
    def load_lora_model(
        base_model_name: str, lora_adapter_path: str, device: torch.device | None = None
    ) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """Load a saved adapter on its base model.

        Args:
            base_model_name: Hub id or folder of the base model.
            lora_adapter_path: Folder that `train` saved.
            device: Where it goes; without one the best there is.

        Returns:
            Model and tokenizer, ready to generate.

        Raises:
            ModelError: One of the two is missing or they do not fit.
        """
        folder = Path(lora_adapter_path).expanduser()
        if not (folder / "adapter_config.json").is_file():
            raise ModelError(
                f"{folder} is not an adapter: it has no adapter_config.json.",
                hint="Give the folder 'adapter' of a training run.",
            )
        device = device if device is not None else gpu.get_available_device()
        dtype, _ = gpu.choose_precision(device)
        loaded = loading.load_model(base_model_name, device=device, dtype=dtype)
        model = adapters.load_adapter(loaded.model, folder)
        own = (folder / "tokenizer_config.json").is_file()
        tokenizer = loading.load_tokenizer(folder if own else base_model_name)
        return model.eval(), tokenizer

    def _with_adapter(self, base: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> Any:
        if hasattr(base, "peft_config"):  # trained before, or loaded with an adapter: go on with it
            base.set_adapter(base.active_adapters[0])  # which also lets its weights be trained
            return base
        adapted = attach_adapter(
            base, self.lora_config, tokenizer=tokenizer, seed=self.training_config.seed
        )
        self.model.model = adapted
        return adapted

    def _ask_for_quantization(self) -> None:
        if self.model.model is None:
            self.model.load_in_4bit = self.lora_config.qlora_4bit
            self.model.load_in_8bit = not self.lora_config.qlora_4bit

    def _require_quantized_as_asked(self, base: PreTrainedModel) -> None:
        if self.lora_config.use_qlora and not is_quantized(base):
            bits = "load_in_4bit" if self.lora_config.qlora_4bit else "load_in_8bit"
            raise UsageError(
                "use_qlora=True, but the model was loaded before, and not quantized.",
                hint=f"Create it with {bits}=True, or leave loading to the trainer.",
            )


def attach_adapter(
    base: PreTrainedModel,
    config: LoRAConfig,
    *,
    tokenizer: PreTrainedTokenizerBase,
    seed: int,
) -> PreTrainedModel:
    """Attach fresh adapters as a configuration describes them.

    Args:
        base: Its layers are wrapped in place.
        config: Rank, scale, layers, dropout, bias, variant, tokens.
        tokenizer: Knows the ids of tokens that the configuration names.
        seed: Seed of the adapters' first values.
    """
    return adapters.attach_lora(
        base,
        r=config.r,
        lora_alpha=config.lora_alpha,
        target_modules=config.target_modules,
        lora_dropout=config.lora_dropout,
        bias=config.bias,
        use_rslora=config.use_rslora,
        use_dora=config.use_dora,
        token_ids=token_ids(tokenizer, config.trainable_tokens),
        seed=seed,
    )
