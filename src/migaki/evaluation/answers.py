"""Answers of a model to fixed prompts, and what can be counted in them without a judge.

Decoding is greedy, so the same model gives the same answers. Counted are the register of sentence
endings and, so that a model which learnt a register and nothing else cannot pass, what is wrong with
answers: empty, broken (undecodable bytes or control characters), repetitive, or one answer for all.

An answer that is empty, or cut off by the length limit before any sentence ended, counts as one sentence
of *other* register. Without that it would leave the denominator: a model that loops in 18 of 30 answers
and ends the other 12 politely was seen to have a polite share of 100 %.

Repetition is seq-rep-n (Welleck et al. 2020, Neural Text Generation with Unlikelihood Training,
arXiv:1908.04319): 1 - distinct n-grams / n-grams, here of characters, with n = 6. Of 6,609 human answers
in instruction_ja and ASDC, cut to 120 characters, the highest has 0.22 (mean 0.003); loops of a phrase
have 0.43 and more. An answer is called repetitive from 0.4.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from migaki.errors import BadRowError, DataError
from migaki.evaluation.register_consistency import EndingRegister, RegisterCounts, find_endings
from migaki.models.generation import SamplingOptions, generate_replies

__all__ = [
    "REPETITIVE_FROM",
    "Answer",
    "Prompt",
    "answer_prompts",
    "describe_answers",
    "load_prompts",
    "repetition",
]

REPETITIVE_FROM = 0.4
"""Share of repeated 6-grams from which an answer is called repetitive."""

_NGRAM = 6

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Prompt:
    """One fixed question."""

    id: str
    prompt: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one prompt."""

    prompt: Prompt
    text: str
    cut: bool
    """The length limit was reached: the last sentence may lack its ending."""

    @property
    def empty(self) -> bool:
        """Nothing but white space."""
        return not self.text.strip()

    @property
    def broken(self) -> bool:
        """Undecodable bytes or control characters; a character that the limit cut is forgiven."""
        text = self.text.rstrip("\ufffd") if self.cut else self.text
        return any(
            char == "\ufffd"
            or (unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t\r")
            for char in text
        )

    @property
    def registers(self) -> RegisterCounts:
        """How its sentences end; an answer in which no sentence ends counts as one *other*."""
        found = [ending.register for ending in find_endings(self.text, cut=self.cut)]
        if not found:
            return RegisterCounts(other=1)
        return RegisterCounts(*(found.count(register) for register in EndingRegister))


def load_prompts(path: Path | None = None) -> list[Prompt]:
    """Read prompts from JSONL rows ``{"prompt"}``, with ``id`` and ``category`` where they are given.

    Args:
        path: A file; without one the fixed prompts of the package.

    Raises:
        DataError: The file is missing, empty or not UTF-8.
        BadRowError: A row is not an object with a non-empty prompt, or an id stands twice.
    """
    if path is None:
        path = Path(str(resources.files("migaki.evaluation") / "prompts" / "prompts.jsonl"))
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # U+2028 may stand in a text
    except (OSError, ValueError) as err:
        raise DataError(
            f"The prompts {path} cannot be read: {err}.",
            hint='Give a UTF-8 file with a row {"prompt": "…"} a line, or leave it out.',
        ) from err
    prompts: dict[str, Prompt] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            prompt = _parse_prompt(line, path, number)
            if prompt.id in prompts:
                raise BadRowError(f"the id '{prompt.id}' stands twice", path=path, line=number)
            prompts[prompt.id] = prompt
    if not prompts:
        raise DataError(
            f"The prompts {path} hold no row.", hint='Write a row {"prompt": "…"} a line.'
        )
    return list(prompts.values())


def _parse_prompt(line: str, path: Path, number: int) -> Prompt:
    try:
        row = json.loads(line)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as err:
        raise BadRowError(
            "holds half a character (a surrogate without its partner)", path=path, line=number
        ) from err
    except (ValueError, RecursionError) as err:
        raise BadRowError(f"not JSON: {err}", path=path, line=number) from err
    text = row.get("prompt") if isinstance(row, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise BadRowError(
            f'a prompt row needs a non-empty text "prompt", received {line[:80]}',
            path=path,
            line=number,
        )
    return Prompt(
        id=str(row.get("id", number)), prompt=text, category=str(row.get("category") or "")
    )


def repetition(text: str) -> float:
    """Return the share of character 6-grams that were there before, 0-1; 0 for shorter texts.

    Example:
        >>> round(repetition("お部屋はどのような広さがよろしいですか？"), 2)
        0.0
        >>> round(repetition("駅は近いです。" * 8), 2)
        0.86
    """
    packed = "".join(text.split())
    grams = [packed[i : i + _NGRAM] for i in range(len(packed) - _NGRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def describe_answers(answers: Sequence[Answer]) -> dict[str, Any]:
    """Count what can be counted in answers, ready for JSON.

    ``polite_share`` is that of all sentences of all answers, where each answer counts for at least one.
    """
    registers = sum((answer.registers for answer in answers), RegisterCounts())
    shares = [repetition(answer.text) for answer in answers]
    return {
        "count": len(answers),
        "sentences": registers.total,
        "polite": registers.polite,
        "plain": registers.plain,
        "other": registers.other,
        "polite_share": registers.polite_share or 0.0,
        "empty": sum(answer.empty for answer in answers),
        "broken": sum(answer.broken for answer in answers),
        "cut": sum(answer.cut for answer in answers),
        "distinct": len({answer.text.strip() for answer in answers}),
        "repetition": sum(shares) / len(shares) if shares else 0.0,
        "repetitive": sum(share >= REPETITIVE_FROM for share in shares),
        "characters": sum(len(answer.text) for answer in answers),
    }


def answer_prompts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int,
    batch_size: int,
    on_progress: Progress | None = None,
) -> list[Answer]:
    """Let the model answer every prompt, greedily, in the order given.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        prompts: What to ask, each in a conversation of its own.
        max_new_tokens: Longest answer.
        batch_size: Prompts answered at once.
        on_progress: Called with what, done and total.
    """
    answers: list[Answer] = []
    for batch in _in_batches(prompts, batch_size):
        replies = _generate(model, tokenizer, [p.prompt for p in batch], max_new_tokens)
        answers += [Answer(p, text, cut) for p, (text, cut) in zip(batch, replies, strict=True)]
        if on_progress is not None:
            on_progress("Answers", len(answers), len(prompts))
    return answers


def _in_batches(prompts: Sequence[Prompt], size: int) -> Iterator[Sequence[Prompt]]:
    for start in range(0, len(prompts), size):
        yield prompts[start : start + size]


def _generate(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    max_new_tokens: int,
) -> list[tuple[str, bool]]:
    """Return (text, cut off at the limit) for each prompt: the only call into ``models.generation``."""
    replies = generate_replies(
        model,
        tokenizer,
        [[{"role": "user", "content": prompt}] for prompt in prompts],
        options=SamplingOptions(max_new_tokens=max_new_tokens, do_sample=False),
        batch_size=len(prompts),
    )
    # Encoding again can differ by a token at the cut; a sentence that ended is kept either way.
    lengths = [len(tokenizer.encode(text, add_special_tokens=False)) for text in replies]
    return [(t, n >= max_new_tokens - 1) for t, n in zip(replies, lengths, strict=True)]
