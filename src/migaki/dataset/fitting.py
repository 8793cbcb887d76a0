"""Make rows fit ``max_tokens``: cut, divide, or leave out, and count what it costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from migaki.dataset.conversations import Chat
from migaki.dataset.report import Overlong
from migaki.dataset.tokens import Encoded

__all__ = ["divide_chat", "divide_text", "truncate"]

_SENTENCE_ENDS = "。！？!?．」』…"
_PAUSES = "、，,;；:： 　"


def truncate(item: Encoded, overlong: Overlong) -> Encoded:
    """Cut the end off. The end-of-turn token goes with it, so the model learns no false end.

    Args:
        item: Longer than ``overlong.max_tokens``.
        overlong: Counts what is lost.
    """
    limit = overlong.max_tokens
    while limit > 1 and item.offsets[limit, 0] < item.offsets[limit - 1, 1]:
        limit -= 1  # do not cut a character in half
    kept = item.window(0, limit)
    overlong.tokens_total_lost += len(item.ids) - len(kept.ids)
    overlong.tokens_trained_lost += int(item.trained[limit:].sum())
    return kept


def divide_text(item: Encoded, text: str, max_tokens: int) -> list[Encoded]:
    """Divide running text into windows: at line ends, else sentence ends, else pauses, else anywhere.

    Args:
        item: The tokens of ``text``.
        text: The text.
        max_tokens: Longest window. No window ends inside a character.
    """
    count = len(item.ids)
    ends = item.offsets[:, 1]
    clean = np.ones(count + 1, dtype=bool)
    clean[1:count] = item.offsets[1:, 0] >= ends[:-1]
    last_chars = [text[end - 1] if end else "" for end in ends]
    borders = [
        np.array([False, *(bool(char) and char in wanted for char in last_chars)])
        for wanted in ("\n", _SENTENCE_ENDS, _PAUSES)
    ]
    windows, start = [], 0
    while count - start > max_tokens:
        low, high = start + max_tokens // 2, start + max_tokens
        span = slice(low + 1, high + 1)
        stop = high
        for wanted in (*borders, np.ones_like(clean)):
            found = np.flatnonzero(wanted[span] & clean[span])
            if found.size:
                stop = low + 1 + int(found[-1])
                break
        windows.append(item.window(start, stop))
        start = stop
    windows.append(item.window(start, count))
    return windows


def divide_chat(chat: Chat) -> tuple[Chat, Chat] | None:
    """Divide a conversation between two exchanges, near the middle; the system message stays with both.

    Returns:
        Two conversations, or None for a single exchange.
    """
    system = chat.messages[:1] if chat.messages[0].role == "system" else ()
    rest = chat.messages[len(system) :]
    borders = [
        i for i in range(1, len(rest)) if rest[i].role == "user" and rest[i - 1].role == "assistant"
    ]
    if not borders:
        return None
    sizes = [sum(len(m.content) for m in rest[:i]) for i in borders]
    half = sum(len(m.content) for m in rest) / 2
    border = borders[min(range(len(borders)), key=lambda k: abs(sizes[k] - half))]
    return (
        replace(chat, messages=(*system, *rest[:border])),
        replace(chat, messages=(*system, *rest[border:]), notes=()),
    )
