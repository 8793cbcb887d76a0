"""The tokenizer of a model: loaded as it was trained, and able to pad.

Whatever is chosen automatically (tokenizer class, padding token) stands in ``choices`` with its
reason and is logged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from migaki.errors import ModelError, UsageError
from migaki.models.location import locate, unreadable

__all__ = [
    "LoadedTokenizer",
    "choose_pad_token",
    "load_tokenizer",
    "open_tokenizer",
    "open_tokenizer_in",
    "token_ids",
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
    location = locate(
        path_or_id, revision=revision, trust_remote_code=trust_remote_code, weights=False
    )
    return open_tokenizer_in(location.tokenizer_folder, trust_remote_code=trust_remote_code)


def open_tokenizer_in(folder: Path, *, trust_remote_code: bool = False) -> LoadedTokenizer:
    """Load the tokenizer of a folder, whether a model lies there or not.

    Args:
        folder: With ``tokenizer.json``, or what the tokenizer of an older model consists of.
        trust_remote_code: Run Python code that comes with it.

    Raises:
        ModelError: There is no tokenizer, or it is damaged, or it can neither pad nor end.
    """
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
        raise unreadable("tokenizer", folder, err) from err
    if not isinstance(tokenizer, PreTrainedTokenizerBase) or not _has_words(tokenizer):
        raise ModelError(
            f"The tokenizer in {folder} has no vocabulary.",
            hint="Copy tokenizer.json of the same model there, or download it again.",
        )
    return tokenizer


def _has_words(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Tell a vocabulary from the special tokens that transformers puts in where the file is missing."""
    return not set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens)


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


def token_ids(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[int | str]) -> list[int]:
    """Return the ids of tokens, each given as its id or as it is written.

    Args:
        tokenizer: The tokenizer.
        tokens: Ids are taken as they are. A text is a token of the vocabulary (``<|user|>``), or a
            word that the tokenizer keeps in one piece (``東京``, which a byte-level vocabulary
            spells otherwise).

    Raises:
        UsageError: A text is no single token.
    """
    vocabulary = tokenizer.get_vocab()
    found = []
    for token in tokens:
        if isinstance(token, str) and token not in vocabulary:
            pieces = tokenizer.encode(token, add_special_tokens=False)
            if len(pieces) != 1 or tokenizer.decode(pieces) != token:
                raise UsageError(
                    f"lora.trainable_tokens names '{token}', which is no token of this tokenizer: it "
                    f"is written with {len(pieces)} ({', '.join(map(str, pieces[:8]))}).",
                    hint="Name tokens of the vocabulary, or ids.",
                )
            found.append(pieces[0])
        else:
            found.append(vocabulary[token] if isinstance(token, str) else token)
    return list(dict.fromkeys(found))
