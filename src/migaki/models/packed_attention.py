"""Attention within each sequence of a pack, never across, and no mask of tokens × tokens.

Two functions of the kind that transformers calls in every layer. Both get the boundaries as they were
worked out once for the batch (`migaki.dataset.packing.PackCollator`): no layer waits for the device.
transformers makes no mask for a name that it has none for, and none is needed here.

    tokens     a a a b b         query, key of each sequence alone, causal:
    lengths    3     2             a ■ · ·     b ■ ·
    starts     0     3   5         a ■ ■ ·     b ■ ■
                                   a ■ ■ ■
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface

from migaki.errors import ModelError

__all__ = ["LOOP", "VARLEN", "attend_in_loop", "attend_varlen", "packed_attention"]

LOOP = "migaki_packed_loop"
VARLEN = "migaki_packed_varlen"

_NOT_COMPUTED = ("s_aux", "position_bias")  # attention sinks (gpt-oss), relative positions (T5)


def attend_in_loop(  # noqa: PLR0913 - the signature is that of transformers
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    sequence_lengths: Sequence[int] | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attend within each sequence, one after the other, exactly and on any device.

    Args:
        module: The attention layer.
        query: (1, heads, tokens, width).
        key: (1, key heads, tokens, width).
        value: As ``key``.
        attention_mask: Not used: the boundaries say it all.
        dropout: Share of the weights set to zero.
        scaling: Factor on the scores.
        sliding_window: How many tokens a token sees, itself included; all before it without one.
        softcap: Scores are squeezed into ± this (Gemma 2).
        sequence_lengths: Tokens of each sequence.
        others: What this model passes besides.

    Returns:
        (1, tokens, heads, width), and no weights.

    Raises:
        ModelError: The model wants something of its attention that is not computed here.
    """
    if sequence_lengths is None:
        raise _without_boundaries()
    _refuse_unknown(module, sliding_window, others)
    lengths = list(sequence_lengths)
    parts = zip(*(torch.split(part, lengths, dim=2) for part in (query, key, value)), strict=True)
    attended = [
        _attend(q, k, v, dropout=dropout, scaling=scaling, window=sliding_window, softcap=softcap)
        for q, k, v in parts
    ]
    return torch.cat(attended, dim=2).transpose(1, 2).contiguous(), None


def attend_varlen(  # noqa: PLR0913 - the signature is that of transformers
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attend within each sequence by `torch.nn.attention.varlen` (PyTorch 2.10, a GPU, 16 bits).

    Args:
        module: The attention layer.
        query: (1, heads, tokens, width).
        key: (1, key heads, tokens, width).
        value: As ``key``.
        attention_mask: Not used.
        scaling: Factor on the scores.
        sliding_window: How many tokens a token sees, itself included.
        softcap: Not computed by this kernel.
        cu_seq_lens_q: (sequences + 1,), int32: where each sequence begins, and the end of the last.
        max_length_q: Tokens of the longest.
        others: What this model passes besides; dropout is refused by the choice of the backend.

    Returns:
        (1, tokens, heads, width), and no weights.

    Raises:
        ModelError: The model wants something of its attention that is not computed here.
    """
    from torch.nn.attention.varlen import varlen_attn  # PyTorch 2.10

    if cu_seq_lens_q is None or max_length_q is None:
        raise _without_boundaries()
    _refuse_unknown(module, sliding_window, others)
    if softcap is not None:
        raise ModelError("Variable-length attention cannot cap scores.")
    attended = varlen_attn(
        query.squeeze(0).transpose(0, 1),
        key.squeeze(0).transpose(0, 1),
        value.squeeze(0).transpose(0, 1),
        cu_seq_lens_q,
        cu_seq_lens_q,
        max_length_q,
        max_length_q,
        scale=scaling,
        window_size=(-1 if sliding_window is None else sliding_window - 1, 0),
        enable_gqa=query.shape[1] != key.shape[1],
    )
    assert isinstance(attended, Tensor)
    return attended.unsqueeze(0), None


@contextmanager
def packed_attention(model: Any, name: str | None) -> Iterator[None]:
    """Let a model compute packs, and nothing but packs; put its own attention back behind it.

    Args:
        model: The model, possibly wrapped by PEFT.
        name: From `migaki.models.attention.choose_packed_attention`; without one nothing changes.
    """
    if name is None:
        yield
        return
    unwrap = getattr(model, "get_base_model", None)
    base = unwrap() if callable(unwrap) else model
    own, cached = base.config._attn_implementation, getattr(base.config, "use_cache", None)
    base.set_attn_implementation(name)
    base.config.use_cache = False  # transformers looks for boundaries only where nothing is cached
    try:
        yield
    finally:
        base.set_attn_implementation(own)
        if cached is not None:
            base.config.use_cache = cached


def _attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    dropout: float,
    scaling: float | None,
    window: int | None,
    softcap: float | None,
) -> Tensor:
    length = query.shape[2]
    if window is not None and window >= length:
        window = None
    if softcap is not None:
        return _attend_capped(
            query, key, value, dropout=dropout, scaling=scaling, window=window, softcap=softcap
        )
    return functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=None if window is None else _allowed(length, window, query.device),
        dropout_p=dropout,
        is_causal=window is None,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def _attend_capped(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    dropout: float,
    scaling: float | None,
    window: int | None,
    softcap: float,
) -> Tensor:
    """Attend with capped scores as Gemma 2 does (arXiv 2408.00118, section 2)."""
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = torch.tanh(query @ key.transpose(2, 3) * scale / softcap) * softcap
    allowed = _allowed(query.shape[2], window, query.device)
    scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
    weights = functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return functional.dropout(weights, dropout) @ value


@lru_cache(maxsize=16)  # the layers of a pass ask for the same few
def _allowed(length: int, window: int | None, device: torch.device) -> Tensor:
    """Return (length, length): whether a token (row) sees a token (column)."""
    position = torch.arange(length, device=device)
    distance = position[:, None] - position[None, :]
    allowed = distance >= 0
    return allowed if window is None else allowed & (distance < window)


def _refuse_unknown(module: nn.Module, sliding_window: int | None, others: dict[str, Any]) -> None:
    wanted = [name for name in _NOT_COMPUTED if others.get(name) is not None]
    if not getattr(module, "is_causal", True) or others.get("is_causal") is False:
        wanted.append("attention to later tokens")
    if sliding_window is None and _slides(module):
        wanted.append("a sliding window that it does not pass on")
    if wanted:
        raise ModelError(
            f"{type(module).__name__} wants {', '.join(wanted)}: not computed for packs.",
            hint="Train with training.packing=never.",
        )


def _slides(module: nn.Module) -> bool:
    config = getattr(module, "config", None)
    kinds = getattr(config, "layer_types", None)
    layer = getattr(module, "layer_idx", None)
    if kinds and layer is not None:
        return bool(kinds[layer] == "sliding_attention")
    return getattr(config, "sliding_window", None) is not None


def _without_boundaries() -> ModelError:
    return ModelError(
        "A batch without boundaries reached a model that is set up for packs.",
        hint="Measure and generate outside of training, when its own attention is back.",
    )


AttentionInterface.register(LOOP, attend_in_loop)
AttentionInterface.register(VARLEN, attend_varlen)
