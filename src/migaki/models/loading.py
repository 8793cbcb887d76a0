"""From a name to a model and a tokenizer in memory: the one loader of the project.

Only safetensors are read; Python code that comes with a model runs only when it is asked for, and
then that is said. Weights that a checkpoint lacks, which transformers fills with random numbers
behind a warning, are an error here. Whatever is chosen automatically stands in ``choices`` with its
reason and is logged.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StableLmConfig,
)

from migaki.errors import MigakiError, ModelError, ResourceError, UsageError
from migaki.hardware.gpu import get_available_device
from migaki.hardware.memory.shape import ModelShape
from migaki.models.attention import choose_attention
from migaki.models.location import (
    EMBEDDED_NAME,
    ModelLocation,
    embedded_model_folder,
    locate,
    read_json_object,
    unreadable,
)
from migaki.models.low_bit import keep_4bit_weights_unpacked, require_bitsandbytes
from migaki.models.tokenizers import (
    LoadedTokenizer,
    choose_pad_token,
    load_tokenizer,
    open_tokenizer,
    open_tokenizer_in,
)

__all__ = [
    "EMBEDDED_NAME",
    "LoadedModel",
    "LoadedTokenizer",
    "ModelLocation",
    "check_fit",
    "check_vocabulary",
    "choose_pad_token",
    "embedded_model_folder",
    "load_model",
    "load_tokenizer",
    "locate",
    "open_tokenizer",
    "open_tokenizer_in",
    "read_shape",
    "read_skeleton",
    "resolve",
    "save_model",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model on its device, where it came from, and what was chosen for it."""

    model: PreTrainedModel
    location: ModelLocation
    choices: dict[str, str] = field(default_factory=dict)


def resolve(
    path_or_id: str | Path, *, revision: str | None = None, trust_remote_code: bool = False
) -> Path:
    """Return the local folder with the configuration and weights of a model.

    Args:
        path_or_id: As for `locate`; for an adapter this is the folder of its base model.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Also download Python files.
    """
    return locate(path_or_id, revision=revision, trust_remote_code=trust_remote_code).folder


def read_shape(
    path_or_id: str | Path, *, revision: str | None = None, trust_remote_code: bool = False
) -> ModelShape:
    """Read the dimensions of a model from its configuration, without loading it.

    Args:
        path_or_id: As for `locate`; for an adapter these are the dimensions of its base model.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Run Python code that comes with the configuration.

    Raises:
        ModelError: The configuration cannot be read, or is of no decoder-only transformer.
    """
    config, _ = _read_config(path_or_id, revision, trust_remote_code)
    return ModelShape.from_config(config.to_dict())


def read_skeleton(
    path_or_id: str | Path, *, revision: str | None = None, trust_remote_code: bool = False
) -> PreTrainedModel:
    """Build a model without its weights (on the device ``meta``): the names of its layers.

    Args:
        path_or_id: As for `locate`; for an adapter this is its base model.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Run Python code that comes with the model.

    Raises:
        ModelError: The configuration cannot be read, or is of no causal language model.
    """
    config, folder = _read_config(path_or_id, revision, trust_remote_code)
    try:
        with torch.device("meta"):
            model: PreTrainedModel = AutoModelForCausalLM.from_config(
                config, trust_remote_code=trust_remote_code
            )
    except Exception as err:  # as for the model itself
        raise unreadable("model", folder, err) from err
    return model


def _read_config(
    path_or_id: str | Path, revision: str | None, trust_remote_code: bool
) -> tuple[PreTrainedConfig, Path]:
    folder = locate(
        path_or_id, revision=revision, trust_remote_code=trust_remote_code, weights=False
    ).folder
    return _config_in(folder, trust_remote_code), folder


def _config_in(folder: Path, trust_remote_code: bool) -> PreTrainedConfig:
    known = _known_config(folder)
    if known is None:
        try:
            known = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        except Exception as err:  # as for the model itself
            raise unreadable("model", folder, err) from err
    return known


def load_model(
    path_or_id: str | Path,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    load_in_8bit: bool = False,
    load_in_4bit: bool = False,
    use_flash_attention: bool = True,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> LoadedModel:
    """Load a causal language model, with its adapter if the name is one of an adapter.

    Args:
        path_or_id: As for `locate`.
        device: Where it goes; without one the best there is.
        dtype: Number format of its weights; without one float32, what full training keeps them in.
        load_in_8bit: Quantize the weights to 8 bits (bitsandbytes LLM.int8()).
        load_in_4bit: Quantize the weights to 4 bits (bitsandbytes NF4, double quantization).
        use_flash_attention: Take FlashAttention 2 where it is installed and the device has it.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Run Python code that comes with the model.

    Raises:
        ModelError: It cannot be found, trusted or read, or its weights are not complete.
        MissingExtraError: Quantization was asked for and bitsandbytes is not installed.
        ResourceError: The device has too little memory.
    """
    device = torch.device(device) if device is not None else get_available_device()
    dtype = dtype or torch.float32
    quantization = _quantization(load_in_8bit=load_in_8bit, load_in_4bit=load_in_4bit, dtype=dtype)
    location = locate(path_or_id, revision=revision, trust_remote_code=trust_remote_code)
    attention, reason = choose_attention(
        device,
        dtype,
        use_flash_attention=use_flash_attention,
        config=_config_in(location.folder, trust_remote_code),
    )
    choices = {"attention": f"{attention}: {reason}"}
    logger.info("attention: %s", choices["attention"])
    if trust_remote_code:
        logger.warning(
            "trust_remote_code is on: Python code in %s runs with all your rights.", location.folder
        )
    model = _read_model(
        location.folder,
        device,
        dtype=dtype,
        attn_implementation=attention,
        quantization_config=quantization,
        trust_remote_code=trust_remote_code,
    )
    if location.adapter is not None:
        from migaki.models.adapters import load_adapter  # peft takes seconds to import

        model = load_adapter(model, location.adapter)
    return LoadedModel(model, location, choices)


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a model with its tokenizer as safetensors.

    Args:
        model: A model without adapter.
        tokenizer: Saved beside it, with its chat template.
        folder: Made if it does not exist.
    """
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def check_fit(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer that can make ids for which the model has no embedding.

    Args:
        model: The model.
        tokenizer: The tokenizer that will feed it.

    Raises:
        ModelError: The tokenizer is larger than the embedding matrix.
    """
    check_vocabulary(tokenizer, model.get_input_embeddings().num_embeddings)


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, rows: int) -> None:
    """Refuse a tokenizer that can make ids for which there is no embedding.

    Args:
        tokenizer: The tokenizer.
        rows: How many embeddings its model has.

    Raises:
        ModelError: The tokenizer is larger.
    """
    added = tokenizer.added_tokens_decoder  # Gemma 3 has a control token for images behind its end
    control = {number for number, token in added.items() if token.special}
    largest = max(set(tokenizer.get_vocab().values()) - control, default=-1)
    if largest >= rows:
        raise ModelError(
            f"The tokenizer has ids up to {largest:,} but the model only {rows:,} embeddings: "
            "they do not belong together.",
            hint="Put the tokenizer that came with the model into its folder.",
        )


def _quantization(
    *, load_in_8bit: bool, load_in_4bit: bool, dtype: torch.dtype
) -> BitsAndBytesConfig | None:
    if load_in_8bit and load_in_4bit:
        raise UsageError(
            "load_in_8bit and load_in_4bit are both set; weights can have one of the two.",
            hint="Choose one.",
        )
    if not load_in_8bit and not load_in_4bit:
        return None
    require_bitsandbytes(f"{'4' if load_in_4bit else '8'}-bit loading")
    if load_in_8bit:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(  # the settings of QLoRA, arXiv 2305.14314 section 3
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _known_config(folder: Path) -> PreTrainedConfig | None:
    """Translate a configuration from before its architecture came into transformers.

    ``stablelm_epoch`` (Japanese StableLM 3B) is today's StableLM with the same tensor names and
    three settings named otherwise, so none of the Python code beside the weights is needed.
    """
    config = read_json_object(folder / "config.json")
    if config.get("model_type") != "stablelm_epoch":
        return None
    own = {"rope_pct", "norm_eps", "auto_map", "model_type", "architectures", "num_heads"}
    rest = {key: value for key, value in config.items() if key not in own}
    logger.info("%s: stablelm_epoch is read as stablelm", folder)
    return StableLmConfig(
        **rest,
        partial_rotary_factor=config.get("rope_pct", 0.25),
        layer_norm_eps=config.get("norm_eps", 1e-5),
    )


def _read_model(folder: Path, device: torch.device, **options: Any) -> PreTrainedModel:
    stored = read_json_object(folder / "config.json").get("quantization_config")
    if stored is not None and options["quantization_config"] is None:
        del options["quantization_config"]  # None would overrule the file's own
    quantized = options.get("quantization_config") is not None or stored is not None
    if quantized:  # such weights are made on their device and do not move
        options["device_map"] = {"": device}
    known = _known_config(folder)
    if known is not None:
        options["config"] = known
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **options
        )
    except torch.OutOfMemoryError as err:
        raise _out_of_memory(folder, device) from err
    except MigakiError:
        raise
    except Exception as err:  # a model class may raise anything over a wrong file
        raise unreadable("model", folder, err) from err
    _refuse_incomplete(folder, report)
    if not quantized:
        try:
            model = model.to(device)
        except torch.OutOfMemoryError as err:
            raise _out_of_memory(folder, device) from err
    keep_4bit_weights_unpacked(model)
    return model


def _refuse_incomplete(folder: Path, report: dict[str, Any]) -> None:
    missing = sorted(report.get("missing_keys") or [])
    mismatched = sorted(str(item) for item in report.get("mismatched_keys") or [])
    if missing or mismatched:
        wrong = missing or mismatched
        raise ModelError(
            f"The weights in {folder} do not fill the model its config.json describes: "
            f"{len(wrong)} {'missing' if missing else 'of another shape'} ({', '.join(wrong[:3])}"
            f"{' …' if len(wrong) > 3 else ''}); they would be random numbers.",
            hint="Copy or download the model again, configuration and weights of the same version.",
        )
    unexpected = sorted(report.get("unexpected_keys") or [])
    if unexpected:
        logger.warning(
            "%s: %d tensors of the file are not used (%s …)", folder, len(unexpected), unexpected[0]
        )


def _out_of_memory(folder: Path, device: torch.device) -> ResourceError:
    return ResourceError(
        f"The model {folder} does not fit into the memory of {device}.",
        hint="Load it in 4 bits (QLoRA), free memory, or take a smaller model: migaki models",
    )
