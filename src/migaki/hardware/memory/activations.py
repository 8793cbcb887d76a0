"""What autograd keeps of a forward pass until the backward pass, tensor by tensor.

`LAYER` is the table: one line for each tensor (or pair) that a transformer layer keeps, as widths by
token. It was read off with `torch.autograd.graph.saved_tensors_hooks`, which sees every tensor that is
kept; storages shared by several operations count once. Fused attention keeps no (tokens × tokens)
matrix (Dao et al., arXiv 2205.14135); the way of counting is that of Korthikanti et al., arXiv
2205.05198, section 4. Padding takes no mask: it stands behind the rows (`training.loss`). A kernel that recomputes something cheap changes one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migaki.hardware.memory.shape import ModelShape

__all__ = ["LAYER", "Kept", "Pass", "layer_bytes_per_token"]


@dataclass(frozen=True, slots=True)
class Pass:
    """How a forward pass is run, as far as it decides what is kept.

    Args:
        dtype_bytes: Bytes of the number format that is computed in.
        whole: Whether every weight is trained; else adapters on a frozen base.
        r: Rank of the adapters.
        lora_dropout: Of the adapters' inputs.
        mask_bytes: Bytes of one entry of a dropout mask: the CPU keeps 4, a GPU 1.
    """

    dtype_bytes: int
    whole: bool
    r: int
    lora_dropout: float
    mask_bytes: int

    @property
    def dropped(self) -> bool:
        """Whether each adapter keeps its own thinned-out copy of its input."""
        return not self.whole and self.lora_dropout > 0


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of the table: what is kept, and its bytes by token of one layer."""

    what: str
    bytes_per_token: Callable[[ModelShape, Pass], float]


def _inputs(shape: ModelShape, how: Pass) -> float:
    """Normed inputs of attention and feed-forward, once for all layers that are fed them."""
    return 0.0 if how.dropped else 2 * shape.hidden * how.dtype_bytes


def _down_input(shape: ModelShape, how: Pass) -> float:
    """The product of gate and up; what an activation gave stands for it where there is no gate."""
    return 0.0 if how.dropped else shape.intermediate * how.dtype_bytes


def _adapters(shape: ModelShape, how: Pass) -> float:
    if how.whole:
        return 0.0
    inputs = sum(width for width, _ in shape.linear_layers)
    copies = inputs * (how.dtype_bytes + how.mask_bytes) if how.dropped else 0.0
    return copies + len(shape.linear_layers) * how.r * how.dtype_bytes


def _norms(shape: ModelShape, how: Pass) -> float:
    """A norm keeps its input in float32; RMSNorm also what its weight is multiplied with."""
    if shape.norm_bias:  # LayerNorm is one operation, in the format of its input
        return shape.norms * shape.hidden * (4 if how.whole else how.dtype_bytes)
    return shape.norms * shape.hidden * 4 * (2 if how.whole else 1)


def _heads_normed(shape: ModelShape, how: Pass) -> float:
    if not shape.qk_norm:
        return 0.0
    return (shape.query_width + shape.kv_width) * 4 * (2 if how.whole else 1)


LAYER: tuple[Kept, ...] = (
    Kept("inputs of the norms", _norms),
    Kept("normed queries and keys", _heads_normed),
    Kept("inputs of the linear layers", _inputs),
    Kept("queries", lambda shape, how: shape.query_width * how.dtype_bytes),
    Kept("keys and values", lambda shape, how: 2 * shape.kv_width * how.dtype_bytes),
    Kept("what attention gave", lambda shape, how: shape.query_width * how.dtype_bytes),
    Kept("log-sums of attention", lambda shape, _: shape.heads * 4),
    Kept("gate and up", lambda shape, how: (2 if shape.gated else 1) * shape.intermediate * how.dtype_bytes),
    Kept("activated gate", lambda shape, how: shape.intermediate * how.dtype_bytes * shape.gated),
    Kept("input of the last linear layer", _down_input),
    Kept("what the adapters take", _adapters),
)  # fmt: skip


def layer_bytes_per_token(shape: ModelShape, how: Pass) -> float:
    """Sum the table.

    Args:
        shape: The model.
        how: How the pass is run.
    """
    return sum(kept.bytes_per_token(shape, how) for kept in LAYER)
