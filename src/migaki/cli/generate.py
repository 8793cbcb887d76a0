"""``migaki generate`` answers prompts; ``migaki chat`` talks."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from migaki.errors import UsageError

if TYPE_CHECKING:
    from migaki.models.generation import SamplingOptions

_MODEL = typer.Argument(..., help="A run folder, a model folder, a Hub id, or migaki-tiny.")
_SYSTEM = typer.Option(None, "--system", help="System message: who the model is, how it answers.")
_LENGTH = typer.Option(256, "--max-new-tokens", help="Longest answer, in tokens.")
_TEMPERATURE = typer.Option(0.7, "--temperature", help="0 always takes the likeliest token.")
_SEED = typer.Option(None, "--seed", help="Makes answers repeatable.")


def generate(
    model: str = _MODEL,
    prompts: list[str] = typer.Argument(None, help="Prompts; without any, lines of stdin."),
    system: str | None = _SYSTEM,
    max_new_tokens: int = _LENGTH,
    temperature: float = _TEMPERATURE,
    seed: int | None = _SEED,
    as_json: bool = typer.Option(False, "--json", help='One {"prompt", "answer"} a line.'),
) -> None:
    """Answer prompts: answers go to stdout, one after the other."""
    options = _options(max_new_tokens, temperature, seed)
    asked = _prompts(prompts)
    loaded, tokenizer = _load(model)
    from migaki.models.generation import generate_replies

    answers = generate_replies(
        loaded, tokenizer, [[*_opening(system), _user(prompt)] for prompt in asked], options=options
    )
    for prompt, answer in zip(asked, answers, strict=True):
        row = json.dumps({"prompt": prompt, "answer": answer}, ensure_ascii=False)
        typer.echo(row if as_json else answer)


def chat(
    model: str = _MODEL,
    system: str | None = _SYSTEM,
    max_new_tokens: int = _LENGTH,
    temperature: float = _TEMPERATURE,
    seed: int | None = _SEED,
) -> None:
    """Talk to a model; it answers as it thinks of each word.

    /clear forgets the conversation, /system TEXT sets the system message, /quit ends.
    """
    options = _options(max_new_tokens, temperature, seed)
    loaded, tokenizer = _load(model)
    typer.echo("/clear forgets, /system TEXT sets the system message, /quit ends.", err=True)
    messages: list[dict[str, str]] = _opening(system)
    while (line := _read_line()) is not None:
        text = line.strip()
        if text == "/quit":
            return
        if text.startswith("/"):
            messages = _command(text, messages)
        elif text:
            _answer(loaded, tokenizer, messages, text, options)


def _answer(
    model: Any, tokenizer: Any, messages: list[dict[str, str]], text: str, options: SamplingOptions
) -> None:
    from migaki.models.generation import stream_reply

    messages.append(_user(text))
    answer = ""
    try:
        for piece in stream_reply(model, tokenizer, messages, options=options):
            answer += piece
            sys.stdout.write(piece)
            sys.stdout.flush()
    except KeyboardInterrupt:  # stops this answer, not the conversation
        typer.echo(" …", err=True)
    except UsageError as err:
        messages.pop()
        typer.echo(str(err), err=True)
        return
    typer.echo()
    messages.append({"role": "assistant", "content": answer})


def _command(text: str, messages: list[dict[str, str]]) -> list[dict[str, str]]:
    name, _, rest = text.partition(" ")
    opening = [message for message in messages if message["role"] == "system"]
    if name == "/clear":
        typer.echo("The conversation is forgotten.", err=True)
        return opening
    if name == "/system":
        typer.echo("The conversation begins anew with this system message.", err=True)
        return _opening(rest.strip() or None)
    typer.echo(f"There is no command {name}: /clear, /system TEXT, /quit.", err=True)
    return messages


def _read_line() -> str | None:
    """Return the next line; nothing at the end of the input or on Ctrl-C."""
    try:
        if sys.stdin.isatty():
            typer.echo("› ", err=True, nl=False)
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        typer.echo(err=True)
        return None
    return line or None


def _prompts(given: list[str] | None) -> list[str]:
    if given:
        asked = list(given)
    else:
        if sys.stdin.isatty():
            typer.echo("Type prompts, one a line; Ctrl-D ends.", err=True)
        asked = [line.rstrip("\r\n") for line in sys.stdin]
    asked = [prompt for prompt in asked if prompt.strip()]
    if not asked:
        raise UsageError(
            "There is no prompt.", hint='Give one: migaki generate MODEL "自己紹介をしてください。"'
        )
    return asked


def _options(max_new_tokens: int, temperature: float, seed: int | None) -> SamplingOptions:
    from migaki.models.generation import SamplingOptions

    return SamplingOptions(max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)


def _load(name: str) -> tuple[Any, Any]:
    from migaki.cli.console import quiet_transformers
    from migaki.hardware import gpu
    from migaki.models import loading

    quiet_transformers()
    device = gpu.get_available_device()
    loaded = loading.load_model(name, device=device, dtype=gpu.choose_precision(device)[0])
    tokenizer = loading.load_tokenizer(name)
    loading.check_fit(loaded.model, tokenizer)
    return loaded.model, tokenizer


def _opening(system: str | None) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}] if system else []


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}
