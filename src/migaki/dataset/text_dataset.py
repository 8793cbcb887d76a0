"""The specified `TextDataset`: a list of texts as training examples."""

from __future__ import annotations

import logging
from typing import Any

import torch

from migaki.dataset.collate import pad_token_id
from migaki.dataset.token_dataset import TokenDataset
from migaki.dataset.tokens import IGNORED, Encoder
from migaki.errors import DataError

__all__ = ["TextDataset"]

logger = logging.getLogger(__name__)


class TextDataset(TokenDataset):
    """Texts as examples of which every token is trained, the end-of-text token included.

    Args:
        texts: The texts.
        tokenizer: A fast transformers tokenizer.
        max_length: Tokens of every example. Shorter texts are padded to it, so that any
            ``DataLoader`` can stack them; padding has mask 0 and label -100. Longer texts are cut;
            how many, and by how much, is logged and kept in ``truncated_rows`` and
            ``truncated_tokens``.

    Raises:
        DataError: There is no text, or one is empty or not a string.
    """

    def __init__(self, texts: list[str], tokenizer: Any, max_length: int = 512) -> None:
        if not texts:
            raise DataError("There are no texts to train on.", hint="Give at least one text.")
        for number, text in enumerate(texts):
            if not isinstance(text, str) or not text.strip():
                what = "empty" if isinstance(text, str) else f"a {type(text).__name__}"
                raise DataError(f"texts[{number}] is {what}; each must be a text with content.")
        encoded = Encoder(tokenizer).encode_texts(texts)
        longer = [len(item.ids) - max_length for item in encoded if len(item.ids) > max_length]
        whole = TokenDataset.from_encoded([item.window(0, max_length) for item in encoded])
        super().__init__(
            whole.input_ids,
            whole.labels,
            whole.starts,
            characters=whole.characters,
            trained_characters=whole.trained_characters,
        )
        self.max_length = max_length
        self.truncated_rows = len(longer)
        self.truncated_tokens = sum(longer)
        self._pad_token_id = pad_token_id(tokenizer)
        if longer:
            logger.warning(
                "%d of %d texts were cut to max_length=%d tokens; %d tokens are not trained",
                len(longer), len(texts), max_length, sum(longer),
            )  # fmt: skip

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one example, padded: ``input_ids``, ``attention_mask``, ``labels``, (max_length,)."""
        row = super().__getitem__(index)
        missing = self.max_length - len(row["input_ids"])
        fill = {"input_ids": self._pad_token_id, "attention_mask": 0, "labels": IGNORED}
        return {
            key: torch.nn.functional.pad(row[key], (0, missing), value=value)
            for key, value in fill.items()
        }
