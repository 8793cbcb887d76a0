"""The dimensions of a decoder-only transformer, and the weights they make.

`ModelShape.parameters` is exact for the Llama, Qwen2, Qwen3, Gemma 2, Mistral, StableLM and GPT-NeoX
families.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from migaki.errors import ModelError

__all__ = ["ModelShape"]


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The dimensions of a decoder-only transformer, enough to count its weights."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    context: int = 2048
    tied: bool = False
    """The head shares the embedding matrix."""
    head_size: int | None = None
    """Width of one head; ``hidden / heads`` if not given."""
    gated: bool = True
    """Feed-forward with gate, up and down (Llama); without it two matrices (GPT-NeoX)."""
    biases: Literal["none", "qkv", "all"] = "none"
    """Which linear layers have biases."""
    norms: int = 2
    """Normalisations per layer (4 in Gemma 2)."""
    norm_bias: bool = False
    """LayerNorm with bias instead of RMSNorm."""
    qk_norm: bool = False
    """Queries and keys are normalised per head (Qwen3)."""

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.head_size or self.hidden // self.heads

    @property
    def query_width(self) -> int:
        """Width of all queries of a token."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Width of all keys (or values) of a token."""
        return self.kv_heads * self.head_dim

    @property
    def linear_layers(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of the linear layers of one transformer layer."""
        h, i, q, kv = self.hidden, self.intermediate, self.query_width, self.kv_width
        feed_forward = ((h, i), (h, i), (i, h)) if self.gated else ((h, i), (i, h))
        return ((h, q), (h, kv), (h, kv), (q, h), *feed_forward)

    @property
    def linear_parameters(self) -> int:
        """Weights of all linear layers but the head, without biases: what quantization shrinks."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linear_layers)

    @property
    def parameters(self) -> int:
        """All weights; tied ones once."""
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        norm = self.hidden * (2 if self.norm_bias else 1)
        biased = {"none": (), "qkv": self.linear_layers[:3], "all": self.linear_layers}[self.biases]
        per_layer = self.norms * norm + sum(outputs for _, outputs in biased)
        per_layer += 2 * self.head_dim if self.qk_norm else 0
        return embeddings + self.linear_parameters + self.layers * per_layer + norm

    def lora_parameters(self, r: int) -> int:
        """Weights of adapters of rank ``r`` on all linear layers but the head."""
        return self.layers * sum(r * (inputs + outputs) for inputs, outputs in self.linear_layers)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> ModelShape:
        """Read the shape from a ``config.json`` as transformers writes it.

        Args:
            config: The mapping; of a model with several parts, its ``text_config`` is used.

        Raises:
            ModelError: A dimension is missing or not a positive whole number.

        Example:
            >>> shape = ModelShape.from_config(
            ...     {"model_type": "qwen2", "num_hidden_layers": 24, "hidden_size": 896,
            ...      "num_attention_heads": 14, "num_key_value_heads": 2, "intermediate_size": 4864,
            ...      "vocab_size": 151936, "tie_word_embeddings": True})
            >>> f"{shape.parameters:,}"  # Qwen2.5-0.5B
            '494,032,768'
        """
        inner = config.get("text_config")
        if isinstance(inner, Mapping):
            config = {**config, **inner}
        kind = str(config.get("model_type", ""))
        heads = _dimension(config, "num_attention_heads", "n_head")
        hidden = _dimension(config, "hidden_size", "n_embd", "d_model")
        classic = kind in _CLASSIC
        return cls(
            layers=_dimension(config, "num_hidden_layers", "n_layer"),
            hidden=hidden,
            heads=heads,
            kv_heads=_dimension(config, "num_key_value_heads", default=heads),
            intermediate=_dimension(config, "intermediate_size", "n_inner", default=4 * hidden),
            vocabulary=_dimension(config, "vocab_size"),
            context=_dimension(config, "max_position_embeddings", "n_positions", default=2048),
            tied=bool(config.get("tie_word_embeddings", kind in _TIED)),
            head_size=_dimension(config, "head_dim", default=max(1, hidden // heads)),
            gated=not classic,
            biases=_biases(kind, config),
            norms=4 if kind in _FOUR_NORMS else 2,
            norm_bias=classic or kind == "stablelm",
            qk_norm=kind.startswith(("qwen3", "gemma3")),
        )


_NO_DIMENSION = 10**9  # the largest vocabularies and contexts have 7 and 8 digits
_CLASSIC = frozenset({"gpt_neox", "gpt2", "gptj", "gpt_bigcode", "opt", "bloom", "phi"})
_TIED = frozenset({"gpt2", "gemma", "gemma2", "gemma3", "gemma3_text", "bloom", "opt"})
_FOUR_NORMS = frozenset({"gemma2", "gemma3", "gemma3_text"})


def _biases(kind: str, config: Mapping[str, Any]) -> Literal["none", "qkv", "all"]:
    if kind in _CLASSIC:
        return "all"
    if kind in {"qwen2", "qwen2_moe"} or config.get("use_qkv_bias") or config.get("attention_bias"):
        return "qkv"
    return "none"


def _dimension(config: Mapping[str, Any], *names: str, default: int | None = None) -> int:
    for name in names:
        value = config.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _NO_DIMENSION:
            raise ModelError(
                f"config.json: {name} is {repr(value)[:20]}; it must be a positive whole number, and "
                "not one of ten digits.",
                hint="Copy or download the model again.",
            )
        return value
    if default is not None:
        return default
    raise ModelError(
        f"config.json names no {names[0]}, so the size of the model is unknown.",
        hint="migaki estimates the memory of decoder-only transformers.",
    )
