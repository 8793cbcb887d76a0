"""From a name to a model and a tokenizer in memory: the one loader of the project.

Only safetensors are read; Python code that comes with a model runs only when it is asked for, and
then that is said. Weights that a checkpoint lacks, which transformers fills with random numbers
behind a warning, are an error here. Whatever is chosen automatically (attention kernel, padding
token, tokenizer class) stands in ``choices`` with its reason and is logged.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    StableLmConfig,
)

from migaki.errors import MigakiError, MissingExtraError, ModelError, ResourceError, UsageError
from migaki.hardware.gpu import get_available_device
from migaki.hardware.memory import ModelShape
from migaki.models.location import (
    EMBEDDED_NAME,
    ModelLocation,
    embedded_model_folder,
    locate,
    read_json_object,
)

__all__ = [
    "EMBEDDED_NAME",
    "LoadedModel",
    "LoadedTokenizer",
    "ModelLocation",
    "check_fit",
    "choose_attention",
    "choose_pad_token",
    "embedded_model_folder",
    "load_model",
    "load_tokenizer",
    "locate",
    "open_tokenizer",
    "read_shape",
    "resolve",
    "save_model",
]

logger = logging.getLogger(__name__)

# Tokens that model makers reserve for padding or for nothing at all, likeliest first: Qwen's
# <|endoftext|> (its turns end with <|im_end|>), Llama 3.1's own padding token, then the unused.
_PAD_CANDIDATES = (
    "<|pad|>", "<pad>", "[PAD]", "<PAD>", "<|padding|>", "<|finetune_right_pad_id|>",
    "<|endoftext|>", "<|reserved_special_token_0|>", "<|vision_pad|>", "<unk>", "[UNK]", "<|unk|>",
)  # fmt: skip

_PROBES = (
    "私は2026年11月に、東京(とうきょう)で「磨き」を始めました。",
    "ｶﾀｶﾅ　全角スペース  二つの空白\n\n\t改行とタブ…！？ か\u3099 ①㍿",
    "def f(x):\n    return x + 1_000  # it's 3.14 %",
)


@dataclass(frozen=True, slots=True)
class LoadedTokenizer:
    """A tokenizer with a padding token, and what was chosen for it."""

    tokenizer: PreTrainedTokenizerBase
    choices: dict[str, str] = field(default_factory=dict)


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
    folder = resolve(path_or_id, revision=revision, trust_remote_code=trust_remote_code)
    known = _known_config(folder)
    if known is None:
        try:
            known = AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)
        except Exception as err:  # as for the model itself
            raise _unreadable("model", folder, err) from err
    return ModelShape.from_config(known.to_dict())


def load_tokenizer(
    path_or_id: str | Path, *, revision: str | None = None, trust_remote_code: bool = False
) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model, with a padding token.

    Args:
        path_or_id: As for `locate`. An adapter's own tokenizer wins over its base model's.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Run Python code that comes with it.

    Raises:
        ModelError: There is no tokenizer, or it is damaged, or it can neither pad nor end.
    """
    return open_tokenizer(
        path_or_id, revision=revision, trust_remote_code=trust_remote_code
    ).tokenizer


def open_tokenizer(
    path_or_id: str | Path, *, revision: str | None = None, trust_remote_code: bool = False
) -> LoadedTokenizer:
    """Load a tokenizer as `load_tokenizer` does, and say what was chosen.

    Args:
        path_or_id: As for `locate`.
        revision: Branch, tag or commit on the Hub.
        trust_remote_code: Run Python code that comes with it.
    """
    location = locate(path_or_id, revision=revision, trust_remote_code=trust_remote_code)
    folder = location.tokenizer_folder
    tokenizer = _read_tokenizer(folder, trust_remote_code=trust_remote_code)
    choices = {}
    tokenizer, reason = _as_trained(tokenizer, folder)
    if reason:
        choices["tokenizer"] = reason
    reason = choose_pad_token(tokenizer, folder)
    if reason:
        choices["padding token"] = reason
    for key, text in choices.items():
        logger.info("%s: %s", key, text)
    return LoadedTokenizer(tokenizer, choices)


def load_model(  # noqa: PLR0913 - each is a decision of the caller, all by keyword
    path_or_id: str | Path,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    load_in_8bit: bool = False,
    load_in_4bit: bool = False,
    use_flash_attention: bool = True,
    revision: str | None = None,
    trust_remote_code: bool = False,
    adapter_trainable: bool = False,
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
        adapter_trainable: Let the weights of an adapter be trained further.

    Raises:
        ModelError: It cannot be found, trusted or read, or its weights are not complete.
        MissingExtraError: Quantization was asked for and bitsandbytes is not installed.
        ResourceError: The device has too little memory.
    """
    device = torch.device(device) if device is not None else get_available_device()
    dtype = dtype or torch.float32
    quantization = _quantization(load_in_8bit=load_in_8bit, load_in_4bit=load_in_4bit, dtype=dtype)
    location = locate(path_or_id, revision=revision, trust_remote_code=trust_remote_code)
    attention, reason = choose_attention(device, dtype, use_flash_attention=use_flash_attention)
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

        model = load_adapter(model, location.adapter, trainable=adapter_trainable)
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
    rows = model.get_input_embeddings().num_embeddings
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if largest >= rows:
        raise ModelError(
            f"The tokenizer has ids up to {largest:,} but the model only {rows:,} embeddings: "
            "they do not belong together.",
            hint="Put the tokenizer that came with the model into its folder.",
        )


def choose_attention(
    device: torch.device, dtype: torch.dtype, *, use_flash_attention: bool = True
) -> tuple[str, str]:
    """Choose the attention kernel.

    Args:
        device: Where the model will be.
        dtype: Number format of its weights.
        use_flash_attention: Whether FlashAttention 2 is wanted.

    Returns:
        The name as transformers knows it, and the reason.

    Example:
        >>> choose_attention(torch.device("cpu"), torch.float32)
        ('sdpa', 'FlashAttention 2 needs a GPU, this is cpu')
    """
    if not use_flash_attention:
        return "sdpa", "FlashAttention 2 was not asked for"
    if device.type != "cuda":
        return "sdpa", f"FlashAttention 2 needs a GPU, this is {device.type}"
    if importlib.util.find_spec("flash_attn") is None:
        return "sdpa", "the package flash_attn is not installed; PyTorch's own kernels are used"
    if dtype not in (torch.float16, torch.bfloat16):
        return "sdpa", f"FlashAttention 2 computes in 16 bits, the weights are {dtype}"
    if torch.version.hip is None and torch.cuda.get_device_capability(device) < (8, 0):
        return "sdpa", "FlashAttention 2 needs compute capability 8.0 (Ampere) or newer"
    return "flash_attention_2", "flash_attn is installed and the device supports it"


def choose_pad_token(tokenizer: PreTrainedTokenizerBase, where: Path | str = "") -> str | None:
    """Give a tokenizer a padding token if it has none.

    No token is added, because the model would have no embedding for it. A token made for padding
    is taken if the vocabulary has one that is not the end of a turn; else the end-of-text token,
    which is safe here because padding is hidden by the attention mask and never trained (labels
    are made from positions, not by comparing ids).

    Args:
        tokenizer: Changed in place.
        where: Its folder, for messages.

    Returns:
        What was chosen and why, or nothing if it had one.

    Raises:
        ModelError: It has neither a padding token nor an end-of-text token.
    """
    if tokenizer.pad_token_id is not None:
        return None
    vocabulary = tokenizer.get_vocab()
    taken = {tokenizer.eos_token, tokenizer.bos_token}
    for token in (*_PAD_CANDIDATES, tokenizer.unk_token):
        if token is not None and token in vocabulary and token not in taken:
            tokenizer.pad_token = token
            return f"{token}: the tokenizer names none, and this token of its vocabulary is not used in text"
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"The tokenizer {where} has neither a padding token nor an end-of-text token.",
            hint='Name one in its tokenizer_config.json, for example "pad_token": "<|endoftext|>".',
        )
    tokenizer.pad_token = tokenizer.eos_token
    return (
        f"{tokenizer.eos_token}: the tokenizer names none and has no unused one, so the end-of-text "
        "token is used; padding is hidden by the attention mask and never trained"
    )


def _read_tokenizer(folder: Path, *, trust_remote_code: bool) -> PreTrainedTokenizerBase:
    if not any(folder.glob("tokenizer*")) and not (folder / "vocab.json").is_file():
        raise ModelError(
            f"The folder {folder} has no tokenizer (no tokenizer.json).",
            hint="Copy tokenizer.json and tokenizer_config.json of the same model there.",
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
    except Exception as err:  # tokenizers raises bare Exception, and classes raise what they like
        raise _unreadable("tokenizer", folder, err) from err
    if not isinstance(tokenizer, PreTrainedTokenizerBase) or not tokenizer.get_vocab():
        raise ModelError(
            f"The tokenizer in {folder} has no vocabulary.", hint="Copy or download it again."
        )
    return tokenizer


def _as_trained(
    tokenizer: PreTrainedTokenizerBase, folder: Path
) -> tuple[PreTrainedTokenizerBase, str | None]:
    """Hold the loaded tokenizer against tokenizer.json, which is what was trained.

    transformers builds the tokenizer of a known model type from its own recipe and takes only
    the vocabulary from the file, so a tokenizer trained otherwise comes back changed, in silence.
    """
    file = folder / "tokenizer.json"
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or not file.is_file():
        return tokenizer, None
    from tokenizers import Tokenizer

    wanted = json.loads(file.read_text(encoding="utf-8"))
    loaded = json.loads(backend.to_str())
    same = all(wanted.get(part) == loaded.get(part) for part in ("normalizer", "pre_tokenizer"))
    if same:
        return tokenizer, None
    trained = Tokenizer.from_file(str(file))
    trained.no_padding()
    trained.no_truncation()
    if all(
        trained.encode(probe, add_special_tokens=False).ids
        == backend.encode(probe, add_special_tokens=False).ids
        for probe in _PROBES
    ):
        return tokenizer, None
    name = type(tokenizer).__name__
    return PreTrainedTokenizerFast.from_pretrained(folder), (
        f"PreTrainedTokenizerFast: {name} encodes differently from the tokenizer.json beside it, "
        "and the file is what the model was trained with"
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
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtraError(
            f"{'4' if load_in_4bit else '8'}-bit loading",
            package="bitsandbytes",
            extra="quantization",
        )
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
    if options["quantization_config"] is not None:
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
        raise _unreadable("model", folder, err) from err
    _refuse_incomplete(folder, report)
    if options["quantization_config"] is None:
        try:
            model = model.to(device)
        except torch.OutOfMemoryError as err:
            raise _out_of_memory(folder, device) from err
    elif device.type == "cpu":
        _keep_4bit_weights_unpacked(model)
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


def _keep_4bit_weights_unpacked(model: PreTrainedModel) -> None:
    """Keep bitsandbytes from repacking 4-bit weights on CPUs with avx512_bf16.

    After one evaluation pass it trains with wrong gradients there, in silence (bitsandbytes 0.50.2;
    see docs/decisions).
    """
    for module in model.modules():
        if type(module).__name__ == "Linear4bit":
            module.support_avx512bf16_for_cpu = False


def _out_of_memory(folder: Path, device: torch.device) -> ResourceError:
    return ResourceError(
        f"The model {folder} does not fit into the memory of {device}.",
        hint="Load it in 4 bits (QLoRA), free memory, or take a smaller model: migaki models",
    )


def _unreadable(what: str, folder: Path, err: Exception) -> ModelError:
    reason = (str(err).strip().splitlines() or [type(err).__name__])[0][:300]
    if "trust_remote_code" in str(err):
        return ModelError(
            f"The {what} in {folder} comes with Python code of its own, which migaki does not run "
            "unless told to.",
            hint="Read that code; if you trust it, set model.trust_remote_code=true.",
        )
    if isinstance(err, ImportError):
        hint = "Install the package it names, then try again."
    elif "does not recognize this architecture" in str(err) or "Unrecognized" in str(err):
        hint = "migaki adapts causal language models that transformers knows; see: migaki models"
    else:
        hint = (
            "Copy or download it again; if that does not help, the model is damaged at its source."
        )
    return ModelError(f"The {what} in {folder} cannot be read: {reason}", hint=hint)
