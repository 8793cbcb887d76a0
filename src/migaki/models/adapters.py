"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv 2106.09685): attach, save, load, merge.

The only module that imports PEFT. An adapter folder stores the *name* of its base model, not the
place where it lay on one machine, so that a run folder can be moved or given away.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
from peft import (
    LoraConfig,
    PeftModel,
    TaskType,
    get_peft_model,
    get_peft_model_state_dict,
)
from safetensors import safe_open
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.pytorch_utils import Conv1D

from migaki.atomic import write_json
from migaki.errors import ModelError, UsageError
from migaki.models.location import EMBEDDED_NAME, embedded_model_folder, read_json_object
from migaki.models.low_bit import keep_4bit_weights_unpacked

__all__ = [
    "attach_lora",
    "auto_detect_target_modules",
    "count_parameters",
    "load_adapter",
    "merge_adapter",
    "portable_name",
    "refuse_incomplete",
    "refuse_unknown_targets",
    "save_adapter",
]

logger = logging.getLogger(__name__)

# The specified patterns, met anywhere in a layer's full name; the second line adds what the
# attention and feed-forward parts of older architectures are called.
_PATTERNS = (
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj",
    "query", "key", "value", "output", "attention", "self_attn", "mlp",
    "attn", "dense", "fc1", "fc2", "fc_in", "fc_out", "ffn", "feed_forward",
)  # fmt: skip

_HEADS = ("lm_head", "embed_out", "output_layer")


def auto_detect_target_modules(model: nn.Module) -> list[str]:
    """Find the layers that get an adapter: every linear layer of attention and feed-forward parts.

    The head is left out: it is as large as the vocabulary and often shares its weights with the
    embeddings. Adapting all other linear layers rather than attention alone is what QLoRA (arXiv
    2305.14314, section 4) found to be needed to match full fine-tuning.

    Args:
        model: Any causal language model.

    Returns:
        Last parts of the layers' names in order of appearance: ``['q_proj', 'k_proj', …]``.

    Raises:
        ModelError: There is no such layer.
    """
    heads = {id(module) for module in (_output_head(model),) if module is not None}
    found: list[str] = []
    for name, module in model.named_modules():
        last = name.rsplit(".", maxsplit=1)[-1]
        if not isinstance(module, nn.Linear | Conv1D) or id(module) in heads or last in _HEADS:
            continue
        if any(pattern in name.lower() for pattern in _PATTERNS) and last not in found:
            found.append(last)
    if not found:
        raise ModelError(
            f"{type(model).__name__} has no linear layer in an attention or feed-forward part.",
            hint="Name the layers yourself: lora.target_modules=[…]",
        )
    logger.info("LoRA target modules: %s", ", ".join(found))
    return found


def attach_lora(  # noqa: PLR0913 - PEFT's own names, all by keyword
    model: PreTrainedModel,
    *,
    r: int = 16,
    lora_alpha: int = 32,
    target_modules: Sequence[str] | None = None,
    lora_dropout: float = 0.05,
    bias: str = "none",
    use_rslora: bool = False,
    use_dora: bool = False,
    token_ids: Sequence[int] = (),
    seed: int | None = None,
) -> PeftModel:
    """Attach fresh adapters to a model and freeze everything else.

    The adapters start as zero, so the model answers as before until it is trained. On a quantized
    base this is QLoRA. Norms, embeddings and head of such a base stay in the number format they were
    loaded in (PEFT's `prepare_model_for_kbit_training` would make them float32): what is trained is
    then exactly what is loaded again afterwards.

    Args:
        model: The base; its layers are wrapped in place.
        r: Rank.
        lora_alpha: The adapters' output is multiplied by ``lora_alpha / r``.
        target_modules: Names of layers; without them `auto_detect_target_modules` finds them.
        lora_dropout: Share of the adapters' inputs set to zero while training.
        bias: ``none``, ``all`` or ``lora_only``.
        use_rslora: Multiply by ``lora_alpha / √r`` instead (rsLoRA, arXiv 2312.03732, theorem 3.2).
        use_dora: Train the length of each row of a weight apart from its direction (DoRA, arXiv
            2402.09353).
        token_ids: Tokens whose rows of the embedding, and of a head of its own, are trained too.
        seed: Seed of the adapters' first values; without one PyTorch's global state is used.

    Raises:
        UsageError: A named layer or token does not exist.
        ModelError: The 4-bit weights were repacked before (`low_bit`), or rows of this model's
            head cannot be trained.
    """
    targets = list(target_modules) if target_modules else auto_detect_target_modules(model)
    refuse_unknown_targets(model, targets)
    keep_4bit_weights_unpacked(model)
    config = LoraConfig(
        r=r,
        lora_alpha=lora_alpha,
        target_modules=targets,
        lora_dropout=lora_dropout,
        bias=bias,
        task_type=TaskType.CAUSAL_LM,
        use_rslora=use_rslora,
        use_dora=use_dora,
        trainable_token_indices=_token_rows(model, token_ids) if token_ids else None,
    )
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        return get_peft_model(model, config)


def _token_rows(model: PreTrainedModel, token_ids: Sequence[int]) -> dict[str, list[int]]:
    """Name the matrices whose rows are trained: the embedding, and the head where it is another."""
    embedding, head = model.get_input_embeddings(), _output_head(model)
    wrong = [number for number in token_ids if not 0 <= number < len(embedding.weight)]
    if wrong:
        raise UsageError(
            f"lora.trainable_tokens names the id {wrong[0]:,}, and the model has "
            f"{len(embedding.weight):,} embeddings (0 to {len(embedding.weight) - 1:,}).",
            hint="Name tokens of this model's tokenizer.",
        )
    if getattr(head, "bias", None) is not None:  # PEFT 0.21 leaves it out of the logits
        raise ModelError(
            f"lora.trainable_tokens: the head of {type(model).__name__} has a bias, which PEFT drops "
            "as soon as rows of it are trained.",
            hint="Train without lora.trainable_tokens, or with --method full.",
        )
    matrices = [embedding]
    if head is not None and head.weight is not embedding.weight:
        matrices.append(head)
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(module)]: sorted(token_ids) for module in matrices}


def save_adapter(
    model: PeftModel,
    folder: Path,
    *,
    base: str | Path | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> None:
    """Write an adapter as safetensors, with the portable name of its base model.

    Args:
        model: As `attach_lora` or `load_adapter` returned it, trained.
        folder: Made if it does not exist.
        base: Name or folder of the base model; without it what the model remembers.
        tokenizer: Saved beside it, with its chat template.
    """
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    config = read_json_object(folder / "adapter_config.json")
    config["base_model_name_or_path"] = portable_name(
        base if base is not None else config.get("base_model_name_or_path") or ""
    )
    write_json(folder / "adapter_config.json", config)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)


def load_adapter(model: PreTrainedModel, folder: Path, *, trainable: bool = False) -> PeftModel:
    """Put a saved adapter on its base model.

    Args:
        model: The base, loaded.
        folder: As `migaki.models.location.locate` checked it.
        trainable: Let its weights be trained further.

    Raises:
        ModelError: The adapter does not fit the model.
    """
    config = read_json_object(folder / "adapter_config.json")
    keep_4bit_weights_unpacked(model)
    try:
        adapted = PeftModel.from_pretrained(
            model, folder, is_trainable=trainable, use_safetensors=True
        )
    except Exception as err:  # PEFT checks little itself: TypeError, KeyError, RuntimeError …
        reason = (str(err).strip().splitlines() or [type(err).__name__])[0][:300]
        raise ModelError(
            f"The adapter {folder} does not fit its base model "
            f"'{config.get('base_model_name_or_path')}': {reason}",
            hint="Use the model it was trained on; its name stands in adapter_config.json.",
        ) from err
    refuse_incomplete(adapted, folder)
    return adapted


def merge_adapter(model: PeftModel) -> PreTrainedModel:
    """Add the adapter to the weights and return a model without it.

    Args:
        model: Not quantized; it is used up.
    """
    merged: PreTrainedModel = model.merge_and_unload()
    return merged


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Count weights.

    Args:
        model: Any model; 4-bit weights count as what they stand for.

    Returns:
        Weights that are trained, and all of them.
    """
    trained = total = 0
    for parameter in model.parameters():
        count = parameter.numel()
        if type(parameter).__name__ == "Params4bit":
            count = parameter.numel() * 2 * parameter.element_size()
        total += count
        trained += count if parameter.requires_grad else 0
    return trained, total


def portable_name(base: str | Path) -> str:
    """Return the name under which a base model is stored in an adapter.

    Example:
        >>> from migaki.models.location import embedded_model_folder
        >>> portable_name(embedded_model_folder()), portable_name("elyza/Llama-3-ELYZA-JP-8B")
        ('migaki-tiny', 'elyza/Llama-3-ELYZA-JP-8B')
    """
    path = Path(base).expanduser()
    if path.is_dir():
        return EMBEDDED_NAME if path.resolve() == embedded_model_folder() else str(path.resolve())
    return str(base)


def refuse_incomplete(model: PeftModel, folder: Path, *, name: str = "default") -> None:
    """Stop when a file lacks tensors: PEFT leaves those random, with a warning at most.

    Args:
        model: With the adapter loaded.
        folder: Where it was loaded from.
        name: What the adapter is called in the model.

    Raises:
        ModelError: Tensors are missing or unknown.
    """
    expected = set(get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False))
    with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
        saved = set(file.keys())
    wrong = sorted(expected - saved) or sorted(saved - expected)
    if wrong:
        raise ModelError(
            f"The adapter {folder} does not fit its adapter_config.json: {len(wrong)} of its tensors "
            f"are {'missing' if expected - saved else 'not known'} ({', '.join(wrong[:3])}).",
            hint="Copy it again, configuration and weights of the same run.",
        )


def _output_head(model: nn.Module) -> nn.Module | None:
    get = getattr(model, "get_output_embeddings", None)
    head = get() if callable(get) else None
    return head if isinstance(head, nn.Module) else None


def refuse_unknown_targets(model: nn.Module, targets: Sequence[str]) -> None:
    """Stop when a model has no linear layer of a name that adapters shall be put on.

    Args:
        model: Any model, also one without weights.
        targets: Names of layers, or their last parts.

    Raises:
        UsageError: One is not there; the layers that are there are named.
    """
    names = [
        name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)
    ]
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in names):
            known = sorted({name.rsplit(".", maxsplit=1)[-1] for name in names})
            raise UsageError(
                f"lora.target_modules names '{target}', which {type(model).__name__} does not have.",
                hint=f"Its linear layers: {', '.join(known)}.",
            )
