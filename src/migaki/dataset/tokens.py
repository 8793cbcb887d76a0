"""Rendered text to token ids and labels, by the character offsets of the tokenizer.

A token is trained if it overlaps a trained span. Byte-level tokens that are parts of one character
share its offsets, so either all bytes of a character are trained or none. That the end of every
turn is one control token, and trained, is proven here for each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from migaki.dataset.template import Rendered, control_tokens, imitations
from migaki.errors import ModelError

__all__ = ["IGNORED", "Encoded", "Encoder"]

IGNORED = -100
"""The label of a token that is not trained, as in PyTorch and transformers."""

IntArray = npt.NDArray[np.int32]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """One text as tokens."""

    ids: IntArray
    """Shape (tokens,)."""
    trained: npt.NDArray[np.bool_]
    """Shape (tokens,)."""
    offsets: IntArray
    """Shape (tokens, 2): the characters that each token stands for."""
    written: Spans
    """Characters of the data among the trained ones."""
    contents: Spans
    """All characters of the data; the rest is the template's."""
    straddling: int = 0
    """Tokens that reach over the border of a trained span."""
    imitations: int = 0
    """Control-token look-alikes in the contents that were encoded as plain text."""

    def labels(self) -> IntArray:
        """Return the ids where trained and `IGNORED` elsewhere."""
        return np.where(self.trained, self.ids, np.int32(IGNORED)).astype(np.int32)

    def characters(self) -> int:
        """Return how many characters of the data all tokens together stand for."""
        return _within(self.offsets, self.contents)

    def trained_characters(self) -> int:
        """Return how many characters of the data the trained tokens stand for."""
        return _within(self.offsets[self.trained], self.written)

    def window(self, start: int, stop: int) -> Encoded:
        """Return the tokens from ``start`` to before ``stop``; counts stay with the whole."""
        part = slice(start, stop)
        return Encoded(
            self.ids[part], self.trained[part], self.offsets[part], self.written, self.contents
        )


class Encoder:
    """Tokenises rendered texts in batches.

    Args:
        tokenizer: A fast transformers tokenizer (one that knows character offsets).

    Raises:
        ModelError: It is a slow one.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise ModelError(
                f"The tokenizer {type(tokenizer).__name__} does not give character offsets, without "
                "which it cannot be proven what is trained.",
                hint="Use a model whose tokenizer has a tokenizer.json.",
            )
        self._tokenizer = tokenizer
        self._imitations = imitations(tokenizer)
        self._control_ids = np.array(
            sorted(set(tokenizer.convert_tokens_to_ids(control_tokens(tokenizer)))), dtype=np.int32
        )

    def encode_chats(self, rendered: Sequence[Rendered], where: Sequence[str]) -> list[Encoded]:
        """Tokenise rendered chats.

        Args:
            rendered: The texts with their spans.
            where: File and line of each, for messages.

        Raises:
            ModelError: The end of a turn is not one trained control token.
        """
        batch = self._batch([item.text for item in rendered])
        return [
            self._one(ids, offsets, item, place)
            for (ids, offsets), item, place in zip(batch, rendered, where, strict=True)
        ]

    def encode_texts(self, texts: Sequence[str]) -> list[Encoded]:
        """Tokenise running text: all of it trained, with the end-of-text token behind it."""
        return [
            self._with_ends(ids, offsets, trained_from=0, length=len(text))
            for (ids, offsets), text in zip(self._batch(texts), texts, strict=True)
        ]

    def encode_completions(self, pairs: Sequence[tuple[str, str]]) -> list[Encoded]:
        """Tokenise prompts with their completions joined as they are; the completion is trained."""
        batch = self._batch([prompt + completion for prompt, completion in pairs])
        return [
            self._with_ends(ids, offsets, trained_from=len(prompt), length=len(prompt + completion))
            for (ids, offsets), (prompt, completion) in zip(batch, pairs, strict=True)
        ]

    def count_imitations(self, text: str) -> int:
        """Return how many control tokens a running text holds; there they stay control tokens."""
        return len(self._imitations.findall(text))

    def _batch(self, texts: Sequence[str]) -> list[tuple[IntArray, IntArray]]:
        if not texts:
            return []
        found = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )
        return [
            (np.array(ids, dtype=np.int32), np.array(offsets, dtype=np.int32).reshape(-1, 2))
            for ids, offsets in zip(found["input_ids"], found["offset_mapping"], strict=True)
        ]

    def _one(self, ids: IntArray, offsets: IntArray, item: Rendered, where: str) -> Encoded:
        replaced = 0
        if any(self._imitations.search(item.text[a:b]) for a, b in item.contents):
            ids, offsets, replaced = self._as_plain_text(ids, offsets, item)
        trained, straddling = _overlap(offsets, item.trained)
        if straddling and not replaced:
            ids, offsets = self._divided(ids, offsets, item)
            trained, straddling = _overlap(offsets, item.trained)
        for start, end in item.trained:
            last = np.flatnonzero((offsets[:, 0] < end) & (offsets[:, 1] >= end))
            if last.size == 0 or not np.isin(ids[last], self._control_ids).any():
                raise ModelError(
                    f"{where}: the turn ends in {item.text[start:end][-20:]!r}, which the tokenizer "
                    "does not read as one control token, so the model would never learn to stop.",
                    hint="The chat template and the tokenizer do not belong together.",
                )
        return Encoded(ids, trained, offsets, item.written, item.contents, straddling, replaced)

    def _divided(
        self, ids: IntArray, offsets: IntArray, item: Rendered
    ) -> tuple[IntArray, IntArray]:
        """Tokenise prompts and answers apart where a token reaches over their border.

        That is how it is when the model writes: the prompt's tokens are fixed before it begins.
        """
        borders = [0, *(start for start, _ in item.trained), len(item.text)]
        parts = [
            (a, *found) for (a, b) in pairwise(borders) for found in self._batch([item.text[a:b]])
        ]
        apart = np.concatenate([part for _, part, _ in parts])
        if self._tokenizer.decode(apart) != self._tokenizer.decode(ids):
            return ids, offsets  # a tokenizer that puts a space before every text
        return apart, np.concatenate([places + np.int32(a) for a, _, places in parts])

    def _as_plain_text(
        self, ids: IntArray, offsets: IntArray, item: Rendered
    ) -> tuple[IntArray, IntArray, int]:
        """Encode what only looks like a control token letter by letter, not as the token."""
        new_ids: list[IntArray] = []
        new_offsets: list[IntArray] = []
        at = replaced = 0
        for index in np.flatnonzero(np.isin(ids, self._control_ids)).tolist():
            start, end = offsets[index].tolist()
            inside = any(a <= start and end <= b for a, b in item.contents)
            text = item.text[start:end]
            if not inside or not self._imitations.search(text):
                continue
            plain = self._plain_ids(text)
            new_ids += [ids[at:index], plain]
            spread = np.tile(np.array([[start, end]], dtype=np.int32), (len(plain), 1))
            new_offsets += [offsets[at:index], spread]
            at, replaced = index + 1, replaced + 1
        new_ids.append(ids[at:])
        new_offsets.append(offsets[at:])
        return np.concatenate(new_ids), np.concatenate(new_offsets), replaced

    def _plain_ids(self, text: str) -> IntArray:
        """Encode without control tokens: whole if the tokenizer can, else letter by letter."""
        plain = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True).input_ids
        if np.isin(plain, self._control_ids).any():  # added tokens that are not called special
            letters = self._tokenizer(list(text), add_special_tokens=False).input_ids
            plain = [token for letter in letters for token in letter]
        return np.array(plain, dtype=np.int32)

    def _with_ends(
        self, ids: IntArray, offsets: IntArray, *, trained_from: int, length: int
    ) -> Encoded:
        """Put the tokens that begin and end a document around it, as the tokenizer does."""
        trained, straddling = _overlap(offsets, ((trained_from, length),))
        before, after = self._document_ends()
        ids = np.concatenate([before, ids, after])
        offsets = np.concatenate(
            [
                np.zeros((len(before), 2), dtype=np.int32),
                offsets,
                np.full((len(after), 2), length, dtype=np.int32),
            ]
        )
        trained = np.concatenate(
            [np.zeros(len(before), dtype=bool), trained, np.ones(len(after), dtype=bool)]
        )
        return Encoded(ids, trained, offsets, ((trained_from, length),), ((0, length),), straddling)

    def _document_ends(self) -> tuple[IntArray, IntArray]:
        bos, eos = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        own = self._tokenizer("").input_ids
        before = [bos] if bos is not None and own[:1] == [bos] else []
        after = [eos] if eos is not None else []
        return np.array(before, dtype=np.int32), np.array(after, dtype=np.int32)


def _within(offsets: IntArray, spans: Spans) -> int:
    """Return how many characters of the spans lie between the first and the last token."""
    if len(offsets) == 0:
        return 0
    start, end = int(offsets[:, 0].min()), int(offsets[:, 1].max())
    return sum(max(0, min(b, end) - max(a, start)) for a, b in spans)


def _overlap(offsets: IntArray, spans: Spans) -> tuple[npt.NDArray[np.bool_], int]:
    """Return which tokens overlap a span, and how many reach over the beginning of one."""
    starts, ends = offsets[:, 0], offsets[:, 1]
    trained = np.zeros(len(offsets), dtype=bool)
    straddling = 0
    for a, b in spans:
        empty = (starts == ends) & (starts >= a) & (starts < b)
        trained |= empty | ((starts < b) & (ends > a) & (starts < ends))
        straddling += int(((starts < a) & (ends > a)).sum())
    return trained, straddling
