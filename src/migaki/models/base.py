"""What every model class of migaki can do."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["BaseModel"]


class BaseModel(ABC):
    """A language model that is named now and loaded when it is needed.

    Args:
        model_name: Hub id, folder, run folder, or ``migaki-tiny``.
        device: Where it goes; without one the best there is, found when it is loaded.
        load_in_8bit: Quantize its weights to 8 bits.
        load_in_4bit: Quantize its weights to 4 bits.
        torch_dtype: Number format of its weights; without one chosen for the device.
    """

    def __init__(
        self,
        model_name: str,
        device: torch.device | None = None,
        load_in_8bit: bool = False,
        load_in_4bit: bool = False,
        torch_dtype: torch.dtype | None = None,
    ) -> None:
        self.model_name = model_name
        self.device = device
        self.load_in_8bit = load_in_8bit
        self.load_in_4bit = load_in_4bit
        self.torch_dtype = torch_dtype
        self.model: PreTrainedModel | None = None
        self.tokenizer: PreTrainedTokenizerBase | None = None

    @abstractmethod
    def load_model(self) -> PreTrainedModel:
        """Load the weights; a second call returns the same model."""

    @abstractmethod
    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        """Load the tokenizer; a second call returns the same one."""
