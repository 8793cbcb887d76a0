"""How many floating-point operations a training step is worth, from the shape of a model.

Counted are matrix products, a multiplication and an addition each, of one optimizer step:

    tokens         all that the layers see, padding not counted
    trained        those with a loss: the head is applied to them alone
    pairs          sum over rows of tokens², the scores of attention

    forward        2·N a token + 2·V·h a trained token + 4·L·q a pair (scores, and their values)
    full           3 × forward: the gradients of inputs and of weights cost a forward pass each
    LoRA           forward + gradients of inputs (2·N, 2·V·h), not of frozen weights
                   + 2 × 4·L·q a pair + 6·A for adapters of A weights
                   - what would go back to the embeddings, which nothing trains

    N weights of the linear layers without head and embeddings, V vocabulary, h hidden size, L layers,
    q width of all queries

Source: PaLM, appendix B (arXiv 2204.02311): 6N + 12·L·H·Q·T a token, the causal mask not taken off;
LoRA's frozen weights are left out of the last term. What is computed twice (activation checkpointing,
a head in pieces) is no progress: *model* FLOPs leave it out, *hardware* FLOPs hold it (Korthikanti et
al., arXiv 2205.05198, appendix A). tests/unit/hardware/test_flops.py holds both against
torch's own counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from migaki.hardware.memory.shape import ModelShape

__all__ = ["Flops", "flops_per_token", "training_flops"]


@dataclass(frozen=True, slots=True)
class Flops:
    """Floating-point operations as a linear function of three counts."""

    a_token: float
    a_trained_token: float
    a_pair: float

    def of(self, *, tokens: float, trained_tokens: float, pairs: float) -> float:
        """Return the operations of so many tokens.

        Args:
            tokens: Without padding.
            trained_tokens: Those of them with a loss.
            pairs: Sum over rows of tokens².
        """
        return self.a_token * tokens + self.a_trained_token * trained_tokens + self.a_pair * pairs


def training_flops(
    shape: ModelShape,
    *,
    method: Literal["lora", "qlora", "full"],
    adapter_parameters: int | None = None,
    r: int = 16,
    parallel_residual: bool = False,
    recomputed_layers: bool = False,
    recomputed_head: bool = False,
) -> Flops:
    """Count the operations of training.

    Args:
        shape: The model.
        method: How it is trained; a quantized base multiplies like any other.
        adapter_parameters: Weights of the adapters; by default those of rank ``r`` on all linear layers.
        r: Rank of the adapters.
        parallel_residual: Attention and feed-forward read the same input (GPT-NeoX), so that neither
            of the first layer's sends anything back to frozen embeddings.
        recomputed_layers: Count the layers' second forward pass too (hardware FLOPs).
        recomputed_head: Count the head's second forward pass too (hardware FLOPs).
    """
    linear, head = shape.linear_parameters, shape.vocabulary * shape.hidden
    attention = 4 * shape.layers * shape.query_width
    if method == "full":
        adapters, token, trained = 0, 6.0 * linear, 6.0 * head
    else:
        adapters = shape.lora_parameters(r) if adapter_parameters is None else adapter_parameters
        to_embeddings = shape.hidden * (shape.query_width + 2 * shape.kv_width)
        if parallel_residual:
            to_embeddings += shape.hidden * shape.intermediate * (2 if shape.gated else 1)
        token, trained = 4.0 * linear - 2.0 * to_embeddings + 6.0 * adapters, 4.0 * head
    again = 1 if recomputed_layers else 0
    return Flops(
        a_token=token + again * 2.0 * (linear + adapters),
        a_trained_token=trained + (2.0 * head if recomputed_head else 0.0),
        a_pair=(3.0 + again) * attention,
    )


def flops_per_token(
    shape: ModelShape,
    *,
    method: Literal["lora", "qlora", "full"],
    tokens: int,
    trained_share: float = 1.0,
    r: int = 16,
) -> float:
    """Return the operations that a token of a row costs in training.

    Args:
        shape: The model.
        method: How it is trained.
        tokens: Length of the row.
        trained_share: Share of its tokens that have a loss.
        r: Rank of the adapters.

    Example:
        A full step costs about 6 operations a weight, LoRA 4:

        >>> shape = ModelShape(28, 1536, 12, 2, 8960, 151_936, tied=True)  # Qwen2.5-1.5B
        >>> full = flops_per_token(shape, method="full", tokens=512)
        >>> lora = flops_per_token(shape, method="lora", tokens=512)
        >>> round(full / shape.parameters, 1), round(lora / shape.parameters, 1)
        (6.2, 4.2)
    """
    counted = training_flops(shape, method=method, r=r)
    return counted.of(tokens=1.0, trained_tokens=trained_share, pairs=float(tokens))
