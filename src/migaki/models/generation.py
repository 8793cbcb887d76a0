"""Answers from a model: many at once, or one as it is written.

Prompts are rendered with the chat template of the tokenizer; a model without one continues the text
of the last message, and that is said. Prompts of one batch are padded on the left, so that every
answer is what the model would give alone. A seed makes sampling repeatable without touching the
random state of the caller. Only special tokens are left out of an answer; nothing else is.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.generation import (
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from migaki.errors import ModelError, UsageError

__all__ = [
    "Message",
    "SamplingOptions",
    "end_of_turn_ids",
    "generate_replies",
    "render_prompt",
    "stream_reply",
]

logger = logging.getLogger(__name__)

Message = Mapping[str, Any]
"""``{"role": "system" | "user" | "assistant", "content": …}``"""

_PROBE = "磨きA"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingOptions:
    """How the next token is chosen.

    Raises:
        UsageError: A value is out of range.

    Example:
        >>> SamplingOptions(temperature=0).greedy
        True
    """

    max_new_tokens: int = 512
    """Longest answer, in tokens."""
    temperature: float = 0.7
    """Below 1 sharpens, above 1 flattens the choice; 0 always takes the likeliest token."""
    top_p: float = 0.9
    """Choose among the likeliest tokens that together have this probability."""
    top_k: int = 50
    """Choose among so many of the likeliest tokens; 0 among all."""
    do_sample: bool = True
    """False always takes the likeliest token."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens that were already used less likely."""
    seed: int | None = None
    """Makes sampling repeatable on the same machine."""

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is always taken."""
        return not self.do_sample or self.temperature == 0

    def __post_init__(self) -> None:
        checks = (
            (
                "max_new_tokens",
                _whole(self.max_new_tokens) and self.max_new_tokens >= 1,
                "1 or more",
            ),
            ("temperature", _number(self.temperature) and self.temperature >= 0, "0 or more"),
            ("top_p", _number(self.top_p) and 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("top_k", _whole(self.top_k) and self.top_k >= 0, "0 or more"),
            (
                "repetition_penalty",
                _number(self.repetition_penalty) and self.repetition_penalty > 0,
                "above 0",
            ),
            (
                "seed",
                self.seed is None or (_whole(self.seed) and 0 <= self.seed < 2**63),
                "0 or more",
            ),
        )
        for name, valid, range_ in checks:
            if not valid:
                raise UsageError(f"{name} is {getattr(self, name)!r}; it must be {range_}.")


def generate_replies(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Sequence[Message]],
    *,
    options: SamplingOptions | None = None,
    batch_size: int = 8,
    **generate_options: Any,
) -> list[str]:
    """Answer conversations.

    Args:
        model: A causal language model; its training mode is restored afterwards.
        tokenizer: Its tokenizer, with a padding token.
        conversations: Messages each, ending with the user's.
        options: How tokens are chosen.
        batch_size: Conversations that are answered at once.
        **generate_options: Passed on to ``model.generate``, which refuses what it does not know.

    Returns:
        One answer for each, in the order given.

    Raises:
        UsageError: A prompt does not fit the context of the model, or an option is wrong.
    """
    options = options or SamplingOptions()
    prompts = [_encode(tokenizer, render_prompt(tokenizer, messages)) for messages in conversations]
    order = sorted(range(len(prompts)), key=lambda i: -len(prompts[i]))
    replies = [""] * len(prompts)
    with _ready(model), _random_state(options.seed, model.device):
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            ids = _generate(
                model, tokenizer, [prompts[i] for i in batch], options, generate_options
            )
            for index, answer in zip(batch, ids, strict=True):
                replies[index] = _decode(tokenizer, answer)
    return replies


def stream_reply(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    messages: Sequence[Message],
    *,
    options: SamplingOptions | None = None,
) -> Iterator[str]:
    """Answer one conversation piece by piece.

    Pieces are whole characters: a token may hold part of a character (byte-level BPE), which waits
    for the rest. Put together they are what `generate_replies` gives for greedy decoding.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        messages: The conversation, ending with the user's message.
        options: How tokens are chosen.
    """
    options = options or SamplingOptions()
    prompt = _encode(tokenizer, render_prompt(tokenizer, messages))
    limit = _room(model, len(prompt), options.max_new_tokens)
    stops = set(end_of_turn_ids(model, tokenizer))
    answer: list[int] = []
    shown = ""
    for token in _token_stream(model, prompt, options):
        if token in stops:
            break
        answer.append(token)
        text = _decode(tokenizer, answer)
        if not text.endswith("\ufffd") and len(text) > len(shown):
            yield text[len(shown) :]
            shown = text
        if len(answer) >= limit:
            break
    rest = _decode(tokenizer, answer)[len(shown) :]
    if rest:
        yield rest


def render_prompt(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Message]) -> str:
    """Turn a conversation into the text that the model continues with its answer.

    Args:
        tokenizer: Its chat template is used; without one the last message is taken as it stands.
        messages: The conversation.

    Raises:
        UsageError: There is no message, or the template refuses the conversation.
    """
    if not messages:
        raise UsageError("The conversation is empty.", hint="Give at least one message.")
    if not tokenizer.chat_template:
        logger.info("the tokenizer has no chat template: the last message is continued as text")
        return str(messages[-1]["content"])
    try:
        text = tokenizer.apply_chat_template(
            [dict(message) for message in messages], tokenize=False, add_generation_prompt=True
        )
    except Exception as err:  # templates raise jinja2 errors of every kind
        raise UsageError(
            f"The model's chat template refuses this conversation: {err}.",
            hint="Many templates know no system message, or want user and assistant in turn.",
        ) from err
    return str(text)


def end_of_turn_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the tokens after which the model has said what it wants to say.

    They come from its generation settings, its tokenizer, and its chat template (the special token
    that follows an assistant's message there, such as ``<|im_end|>``), because any of the three may
    be incomplete: a base model's settings know only the end of a document.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
    """
    found: set[int] = set()
    for value in (
        getattr(getattr(model, "generation_config", None), "eos_token_id", None),
        getattr(model.config, "eos_token_id", None),
        tokenizer.eos_token_id,
        _template_end(tokenizer),
    ):
        found.update(
            value if isinstance(value, list | tuple) else () if value is None else (value,)
        )
    return sorted(int(token) for token in found)


def _template_end(tokenizer: PreTrainedTokenizerBase) -> int | None:
    if not tokenizer.chat_template:
        return None
    messages = [{"role": "user", "content": "A"}, {"role": "assistant", "content": _PROBE}]
    try:
        text = str(tokenizer.apply_chat_template(messages, tokenize=False))
    except Exception:  # the template will be refused, with its reason, where it is used
        return None
    _, _, tail = text.rpartition(_PROBE)
    ids = tokenizer.encode(tail.lstrip(), add_special_tokens=False)
    if ids and ids[0] in tokenizer.added_tokens_decoder:
        return int(ids[0])
    return None


def _encode(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise UsageError(
            "The prompt is no text: it holds bytes that are not UTF-8, or half a character.",
            hint="Give it in UTF-8.",
        ) from err
    # A template writes its own special tokens; without one the tokenizer adds what it always does.
    ids = tokenizer.encode(text, add_special_tokens=not tokenizer.chat_template)
    if not ids:
        raise UsageError("The prompt is empty.", hint="Give at least one character.")
    return [int(token) for token in ids]


def _decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    text = tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return str(text)


def _generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    options: SamplingOptions,
    extra: Mapping[str, Any],
) -> list[list[int]]:
    width = max(len(prompt) for prompt in prompts)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=model.device)
    mask = torch.tensor(
        [[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device
    )
    stops = end_of_turn_ids(model, tokenizer)
    config = _generation_config(options, _room(model, width, options.max_new_tokens), pad, stops)
    rest = config.update(**extra)
    try:
        out = model.generate(input_ids=ids, attention_mask=mask, generation_config=config, **rest)
    except (ValueError, TypeError) as err:
        if not extra:
            raise
        raise UsageError(
            f"model.generate refuses its options ({', '.join(extra)}): {str(err).splitlines()[0]}"
        ) from err
    except RuntimeError as err:
        if "probability tensor" in str(err):
            raise _no_numbers() from err
        raise
    return [_until(row, set(stops)) for row in out[:, width:].tolist()]


def _no_numbers() -> ModelError:
    return ModelError(
        "The model computes no numbers (NaN): its weights are damaged, or too large for their number "
        "format.",
        hint="Load it in bfloat16 or float32, or copy or download it again.",
    )


def _generation_config(
    options: SamplingOptions, max_new_tokens: int, pad: int, stops: list[int]
) -> GenerationConfig:
    common: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "repetition_penalty": options.repetition_penalty,
        "pad_token_id": pad,
        "eos_token_id": stops or None,
        "use_cache": True,
    }
    # Everything is stated, because what is not would come from the model's own settings.
    if options.greedy:
        return GenerationConfig(do_sample=False, temperature=1.0, top_p=1.0, top_k=50, **common)
    return GenerationConfig(
        do_sample=True,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        **common,
    )


def _until(ids: list[int], stops: set[int]) -> list[int]:
    for position, token in enumerate(ids):
        if token in stops:
            return ids[:position]
    return ids


def _token_stream(
    model: PreTrainedModel, prompt: Sequence[int], options: SamplingOptions
) -> Iterator[int]:
    """Yield tokens without an end, drawn from a random generator of its own."""
    seen = torch.tensor([list(prompt)], device=model.device)
    processors = _processors(options)
    random = torch.Generator(device="cpu")
    if options.seed is not None:
        random.manual_seed(options.seed)
    else:
        random.seed()
    cache: Any = None
    step = seen
    while True:
        with _ready(model):  # entered anew for each token: between two the caller may do anything
            out = model(input_ids=step, past_key_values=cache, use_cache=True)
            scores = processors(seen, out.logits[:, -1].float())
            cache = out.past_key_values
            if scores.isnan().any():
                raise _no_numbers()
            if options.greedy:
                step = scores.argmax(dim=-1, keepdim=True)
            else:
                chosen = torch.multinomial(scores.softmax(dim=-1).cpu(), 1, generator=random)
                step = chosen.to(model.device)
            seen = torch.cat([seen, step], dim=-1)
        yield int(step)


def _processors(options: SamplingOptions) -> LogitsProcessorList:
    """Build the same steps, in the same order, as ``model.generate`` does."""
    found = LogitsProcessorList()
    if options.repetition_penalty != 1.0:
        found.append(RepetitionPenaltyLogitsProcessor(options.repetition_penalty))
    if options.greedy:
        return found
    if options.temperature != 1.0:
        found.append(TemperatureLogitsWarper(float(options.temperature)))
    if options.top_k:
        found.append(TopKLogitsWarper(options.top_k))
    if options.top_p < 1.0:
        found.append(TopPLogitsWarper(float(options.top_p)))
    return found


def _room(model: PreTrainedModel, prompt_tokens: int, wanted: int) -> int:
    """Return how many tokens may follow a prompt."""
    context = getattr(model.config, "max_position_embeddings", None)
    if not isinstance(context, int) or context <= 0:
        return wanted
    if prompt_tokens >= context:
        raise UsageError(
            f"The prompt has {prompt_tokens:,} tokens; the model reads {context:,} at most, "
            "answer included.",
            hint="Shorten it, or start a new conversation (/clear in migaki chat).",
        )
    if prompt_tokens + wanted > context:
        logger.info(
            "answers are cut to %d tokens: the context is %d", context - prompt_tokens, context
        )
    return min(wanted, context - prompt_tokens)


@contextmanager
def _ready(model: PreTrainedModel) -> Iterator[None]:
    """Put the model into evaluation mode without gradients; each module gets its mode back."""
    modes = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module in modes:
            module.training = True


@contextmanager
def _random_state(seed: int | None, device: torch.device) -> Iterator[None]:
    if seed is None:
        yield
        return
    devices = [device] if device.type in {"cuda", "mps"} else []
    kind = device.type if devices else "cuda"
    with torch.random.fork_rng(devices=devices, device_type=kind):
        torch.manual_seed(seed)
        yield


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
