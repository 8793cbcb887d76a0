"""The head of a model and its loss, applied to some positions at a time, exactly.

Logits are by far the largest tensors of training: 4,096 trained tokens over a vocabulary of 151,936 are
2.3 GiB in float32, held three times (the head's output, its float32 copy, its gradient). Here a piece
of them exists at a time: its part of the loss and its gradients are taken at once and the logits
forgotten, so nothing is computed twice (as in "Cut Your Losses", arXiv 2411.09009, and Liger Kernel's
fused linear cross entropy, arXiv 2410.10989, but with the model's own head).

What a model does between its head and its logits (an adapter on the head, scaling, soft-capping)
differs between families. So the head is not imitated: the model itself is called, with its backbone
replaced by one that answers the hidden states already there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutputWithPast

from migaki.hardware.memory.estimate import LOGIT_BYTES_AT_ONCE

__all__ = ["Tail", "nll_in_chunks", "positions_per_chunk", "sum_nll"]

_BYTES_PER_LOGIT = 12
"""In float32: the logits, their copy for the loss, their gradient."""


def positions_per_chunk(vocabulary: int) -> int:
    """Return how many positions have their logits at once.

    Example:
        >>> positions_per_chunk(151_936)
        588
    """
    return max(16, LOGIT_BYTES_AT_ONCE // (_BYTES_PER_LOGIT * vocabulary))


class Tail:
    """What a causal language model does behind its backbone: hidden states → logits.

    Args:
        model: The model, possibly wrapped by PEFT.

    Raises:
        ValueError: It does not tell which part of it is the backbone; the message says why.
    """

    def __init__(self, model: nn.Module) -> None:
        unwrap = getattr(model, "get_base_model", None)
        causal: Any = unwrap() if callable(unwrap) else model
        backbone = getattr(causal, getattr(causal, "base_model_prefix", ""), None)
        if not isinstance(backbone, nn.Module) or backbone is causal:
            raise ValueError("it does not tell which part of it is the backbone")
        self._backbone = backbone
        head = causal.get_output_embeddings()
        inside = {id(parameter) for parameter in backbone.parameters()}
        found = {
            id(parameter): parameter
            for module in (causal, head)
            for parameter in module.parameters()
            if parameter.requires_grad and (module is head or id(parameter) not in inside)
        }
        self.parameters = tuple(found.values())
        """Trained weights that the tail uses, shared ones (tied embeddings) too."""

    def __call__(self, model: nn.Module, hidden: Tensor) -> Tensor:
        """Return the logits of hidden states.

        Args:
            model: The model given at the start, or its wrapper.
            hidden: (positions, hidden size), as the backbone returns them.

        Returns:
            (positions, vocabulary).
        """
        with self._answering(hidden.unsqueeze(0)):
            token = torch.zeros((1, 1), dtype=torch.long, device=hidden.device)
            logits: Tensor = model(input_ids=token).logits
        return logits.squeeze(0)

    @contextmanager
    def _answering(self, hidden: Tensor) -> Iterator[None]:
        def forward(*_: Any, **__: Any) -> BaseModelOutputWithPast:
            return BaseModelOutputWithPast(last_hidden_state=hidden)

        own = self._backbone.__dict__.get("forward")  # what accelerate or a compiler put there
        self._backbone.forward = forward
        try:
            yield
        finally:
            if own is None:
                del self._backbone.forward
            else:
                self._backbone.forward = own


def nll_in_chunks(
    tail: Callable[[Tensor], Tensor],
    hidden: Tensor,
    targets: Tensor,
    parameters: tuple[Tensor, ...],
    *,
    chunk: int,
) -> Tensor:
    """Sum -ln p of the targets without ever holding the logits of more than ``chunk`` positions.

    Args:
        tail: Hidden states (positions, hidden size) → logits (positions, vocabulary).
        hidden: (positions, hidden size).
        targets: (positions,), the token each position has to predict.
        parameters: Trained weights that ``tail`` uses.
        chunk: Positions at a time.

    Returns:
        The sum, float32, with gradients to ``hidden`` and ``parameters`` where they want them.
    """
    if not torch.is_grad_enabled():
        pieces = zip(torch.split(hidden, chunk), torch.split(targets, chunk), strict=True)
        return torch.stack([sum_nll(tail(h), t) for h, t in pieces]).sum()
    total: Tensor = _NllInChunks.apply(  # type: ignore[no-untyped-call]
        tail, targets, chunk, hidden, *parameters
    )
    return total


def sum_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum -ln p of the targets.

    Args:
        logits: (positions, vocabulary).
        targets: (positions,).
    """
    # float32: a bf16 log-softmax over a large vocabulary is wrong in the second digit.
    return functional.cross_entropy(logits.float(), targets, reduction="sum")


class _NllInChunks(torch.autograd.Function):
    """Takes each piece's gradients in the forward pass, so that its logits need not be kept."""

    @staticmethod
    def forward(
        ctx: Any,
        tail: Callable[[Tensor], Tensor],
        targets: Tensor,
        chunk: int,
        hidden: Tensor,
        *parameters: Tensor,
    ) -> Tensor:
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        of_hidden = torch.empty_like(hidden)
        of_parameters: list[Tensor | None] = [None] * len(parameters)
        for start in range(0, len(hidden), chunk):
            with torch.enable_grad():
                piece = hidden[start : start + chunk].detach().requires_grad_()
                nll = sum_nll(tail(piece), targets[start : start + chunk])
            found = torch.autograd.grad(nll, (piece, *parameters), allow_unused=True)
            total += nll.detach()
            of_hidden[start : start + chunk] = found[0]
            for index, gradient in enumerate(found[1:]):
                so_far = of_parameters[index]
                if so_far is None:
                    of_parameters[index] = gradient
                elif gradient is not None:
                    so_far += gradient
        ctx.save_for_backward(of_hidden, *of_parameters)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        # In float32: the scale is a share of the step's tokens, which 16 bits would round.
        scaled = (
            None if found is None else (found.float() * gradient).to(found.dtype)
            for found in ctx.saved_tensors
        )
        return (None, None, None, *scaled)
