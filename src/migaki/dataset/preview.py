"""Examples as a person can read them: what each token says and whether it is trained.

Tokens that are parts of one character are shown as one, because alone they say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migaki.dataset.template import control_tokens
from migaki.dataset.token_dataset import TokenDataset
from migaki.dataset.tokens import IGNORED

__all__ = ["PreviewRow", "PreviewToken", "preview"]

_LONGEST_CHARACTER = 8
"""Tokens that are looked at together for one character: four bytes, and some joiners."""


@dataclass(frozen=True, slots=True)
class PreviewToken:
    """One token, or several that are one character together."""

    ids: tuple[int, ...]
    text: str
    trained: bool
    control: bool
    """The tokenizer reads it as a unit of its own: a turn begins or ends, reasoning begins or ends."""

    @property
    def partial(self) -> bool:
        """Several tokens stand behind this one character."""
        return len(self.ids) > 1


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One example."""

    path: Path | None
    line: int | None
    tokens: tuple[PreviewToken, ...]
    characters: int

    @property
    def total(self) -> int:
        """Tokens of the example."""
        return sum(len(token.ids) for token in self.tokens)

    @property
    def trained(self) -> int:
        """Trained tokens of the example."""
        return sum(len(token.ids) for token in self.tokens if token.trained)

    @property
    def ends(self) -> bool:
        """Whether its last trained token is a control token: the model learns where to stop."""
        trained = [token for token in self.tokens if token.trained]
        return bool(trained) and trained[-1].control

    def to_json(self) -> dict[str, Any]:
        """Return the example for other programs."""
        return {
            "file": str(self.path) if self.path else None,
            "line": self.line,
            "tokens_total": self.total,
            "tokens_trained": self.trained,
            "characters": self.characters,
            "ends": self.ends,
            "tokens": [
                {"ids": list(t.ids), "text": t.text, "trained": t.trained, "control": t.control}
                for t in self.tokens
            ],
        }


def preview(dataset: TokenDataset, tokenizer: Any, indices: Sequence[int]) -> list[PreviewRow]:
    """Make examples readable.

    Args:
        dataset: Tokenised examples.
        tokenizer: Theirs.
        indices: Which.
    """
    control = set(tokenizer.convert_tokens_to_ids(control_tokens(tokenizer)))
    return [_row(dataset, tokenizer, control, index) for index in indices]


def _row(dataset: TokenDataset, tokenizer: Any, control: set[int], index: int) -> PreviewRow:
    ids, labels = dataset.row(index)
    origin = dataset.origins[index] if dataset.origins else None
    tokens = _tokens(
        ids.tolist(), [label != IGNORED for label in labels.tolist()], tokenizer, control
    )
    return PreviewRow(
        path=origin.path if origin else None,
        line=origin.line if origin else None,
        tokens=tuple(tokens),
        characters=dataset.characters[index],
    )


def _tokens(
    ids: list[int], trained: list[bool], tokenizer: Any, control: set[int]
) -> list[PreviewToken]:
    found: list[PreviewToken] = []
    at = 0
    while at < len(ids):
        if ids[at] in control:
            text = tokenizer.convert_ids_to_tokens(ids[at])
            found.append(PreviewToken((ids[at],), text, trained[at], control=True))
            at += 1
            continue
        # Decoded behind the one before, because some tokenizers drop the space before a first.
        anchor = list(found[-1].ids) if found and not found[-1].control else []
        count, text = _character(ids, at, anchor, tokenizer, control)
        group = slice(at, at + count)
        found.append(PreviewToken(tuple(ids[group]), text, any(trained[group]), control=False))
        at += count
    return found


def _character(
    ids: list[int], at: int, anchor: list[int], tokenizer: Any, control: set[int]
) -> tuple[int, str]:
    """Return how many tokens from ``at`` make whole characters, and their text."""
    before = len(tokenizer.decode(anchor)) if anchor else 0
    first = ""
    for count in range(1, min(_LONGEST_CHARACTER, len(ids) - at) + 1):
        if ids[at + count - 1] in control:
            break
        text = tokenizer.decode(anchor + ids[at : at + count])[before:]
        if not text.endswith("�"):
            return count, text
        first = first or text
    return 1, first or "�"
