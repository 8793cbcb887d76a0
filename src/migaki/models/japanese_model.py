"""`JapaneseModel`: the specified face on loading and generation."""

from __future__ import annotations

import logging
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from migaki.errors import MigakiError, UsageError
from migaki.hardware.gpu import choose_precision, get_available_device
from migaki.models import loading
from migaki.models.base import BaseModel
from migaki.models.generation import SamplingOptions, generate_replies
from migaki.models.registry import SUPPORTED_MODELS

__all__ = ["JapaneseModel"]

logger = logging.getLogger(__name__)


class JapaneseModel(BaseModel):
    """A Japanese language model.

    Args:
        model_name: Hub id, folder, run folder, or ``migaki-tiny``.
        device: Where it goes; without one the best there is.
        load_in_8bit: Quantize its weights to 8 bits.
        load_in_4bit: Quantize its weights to 4 bits.
        torch_dtype: Number format of its weights; without one what the device computes best.
        use_flash_attention: Take FlashAttention 2 where it is installed and the device has it.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.

    Example:
        ``JapaneseModel("migaki-tiny").generate_japanese("自己紹介をしてください。")``
    """

    def __init__(
        self,
        model_name: str = "stabilityai/japanese-stablelm-3b-4e1t-instruct",
        device: torch.device | None = None,
        load_in_8bit: bool = False,
        load_in_4bit: bool = False,
        torch_dtype: torch.dtype | None = None,
        use_flash_attention: bool = True,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__(model_name, device, load_in_8bit, load_in_4bit, torch_dtype)
        if load_in_8bit and load_in_4bit:
            raise UsageError(
                "load_in_8bit and load_in_4bit are both set; weights can have one of the two.",
                hint="Choose one.",
            )
        self.use_flash_attention = use_flash_attention
        self.gradient_checkpointing = gradient_checkpointing
        self.load_report: list[tuple[str, str, str]] = []
        """What `load_with_fallback` tried: (model, ``loaded`` or ``failed``, reason)."""

    def load_model(self) -> PreTrainedModel:
        """Load the weights; a second call returns the same model.

        Raises:
            MigakiError: It cannot be loaded; the message says why and what to do.
        """
        if self.model is None:
            device = self.device or get_available_device()
            dtype, reason = self.torch_dtype, "as asked"
            if dtype is None:
                dtype, reason = choose_precision(device)
            logger.info("weights: %s (%s)", str(dtype).removeprefix("torch."), reason)
            model = loading.load_model(
                self.model_name,
                device=device,
                dtype=dtype,
                load_in_8bit=self.load_in_8bit,
                load_in_4bit=self.load_in_4bit,
                use_flash_attention=self.use_flash_attention,
            ).model
            if self.gradient_checkpointing:
                model.gradient_checkpointing_enable(
                    gradient_checkpointing_kwargs={"use_reentrant": False}
                )
            self.device, self.torch_dtype, self.model = device, dtype, model
        return self.model

    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        """Load the tokenizer; a second call returns the same one.

        Raises:
            ModelError: There is none, or it is damaged.
        """
        if self.tokenizer is None:
            self.tokenizer = loading.load_tokenizer(self.model_name)
        return self.tokenizer

    def generate_japanese(
        self,
        instruction: str,
        input_text: str | None = None,
        max_new_tokens: int = 512,
        temperature: float = 0.7,
        top_p: float = 0.9,
        top_k: int = 50,
        do_sample: bool = True,
        **kwargs: Any,
    ) -> str:
        """Answer one instruction; the model is loaded if it is not yet.

        Args:
            instruction: What to do.
            input_text: What to do it with; it follows the instruction after an empty line, as in
                training rows of the Alpaca form.
            max_new_tokens: Longest answer, in tokens.
            temperature: Below 1 sharpens, above 1 flattens the choice; 0 is greedy.
            top_p: Choose among the likeliest tokens that together have this probability.
            top_k: Choose among so many of the likeliest tokens; 0 among all.
            do_sample: False always takes the likeliest token.
            **kwargs: ``seed`` and ``repetition_penalty``; the rest goes to ``model.generate``,
                which refuses what it does not know.

        Returns:
            The answer, without special tokens.
        """
        own = {name: kwargs.pop(name) for name in ("seed", "repetition_penalty") if name in kwargs}
        options = SamplingOptions(
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            do_sample=do_sample,
            **own,
        )
        if not instruction.strip():
            raise UsageError("The instruction is empty.", hint="Say what the model shall do.")
        content = f"{instruction}\n\n{input_text}" if input_text else instruction
        return generate_replies(
            self.load_model(),
            self.load_tokenizer(),
            [[{"role": "user", "content": content}]],
            options=options,
            **kwargs,
        )[0]

    def load_with_fallback(self, fallback_models: list[str] | None = None) -> bool:
        """Load this model, or else the first of the others that can be loaded.

        Args:
            fallback_models: Tried in this order; without them the embedded model is.

        Returns:
            Whether a model was loaded; ``model_name`` is then its name, and ``load_report`` says
            what was tried and why it failed.
        """
        others = [loading.EMBEDDED_NAME] if fallback_models is None else fallback_models
        asked = self.model_name
        self.load_report = []
        for name in dict.fromkeys([asked, *others]):
            try:
                self._load(name)
            except MigakiError as err:
                self.load_report.append((name, "failed", str(err)))
                logger.warning("%s could not be loaded: %s", name, err)
                continue
            reason = "as asked" if name == asked else f"in place of {asked}"
            self.load_report.append((name, "loaded", reason))
            logger.info("loaded %s (%s)", name, reason)
            return True
        self.model_name = asked
        return False

    @classmethod
    def list_supported_models(cls) -> dict[str, Any]:
        """Return the known models: name, size, licence, context, needed memory."""
        return {name: dict(entry) for name, entry in SUPPORTED_MODELS.items()}

    def _load(self, name: str) -> None:
        if name != self.model_name:
            self.model_name, self.model, self.tokenizer = name, None, None
        try:
            self.load_tokenizer()
            self.load_model()
        except BaseException:
            self.model = self.tokenizer = None
            raise
