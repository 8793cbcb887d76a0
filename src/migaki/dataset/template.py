"""One render of a conversation, and which characters of it are trained: for any chat template.

The model is trained on exactly what it has to write: all that stands between the template's
generation prompt and the end of its turn, the end-of-turn token included.

    <|im_start|>user⏎やあ<|im_end|>⏎<|im_start|>assistant⏎こんにちは。<|im_end|>⏎
                                                         └──── trained ────┘

No marker is searched for. Every content is replaced by a sentinel, the template is rendered once
for each *shape* of conversation (its sequence of roles), and where the sentinels come out is where
the contents stand. That the real text is this skeleton with the contents put in is then proven for
every row by comparing with a real render, character by character; a template that repeats, drops
or rewrites a content, or that never ends the turn, is an error.

Where the template shows a turn differently once it is history (DeepSeek-R1 and Qwen3 drop its
reasoning), one render cannot hold all turns as the model meets them. Such a conversation becomes
one example per assistant turn, each in the context that the model will have at that moment. Where
the template drops the reasoning even of the last turn (DeepSeek-R1), that turn is put together
from the template's generation prompt, the reasoning, the answer and the template's end of turn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jinja2

from migaki.dataset.conversations import Chat, Message, RowProblemError, Tools, without_system
from migaki.dataset.skeleton import CannotRenderError, Part, SkeletonBuilder, View, split_parts
from migaki.errors import ModelError

__all__ = ["DEFAULT_TEMPLATE", "ChatTemplate", "Rendered"]

DEFAULT_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m.role == 'system' %}{{ m.content + '\\n\\n' }}"
    "{% elif m.role == 'user' %}{{ '### 指示:\\n' + m.content + '\\n\\n' }}"
    "{% elif m.role == 'assistant' %}{{ '### 応答:\\n' + m.content + eos_token + '\\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '### 応答:\\n' }}{% endif %}"
)
"""For base models, which have no template of their own."""

# Examining a conversation takes time with the square of its turns: seconds for this many.
_MOST_MESSAGES = 1000

# Tokens that a model writes or reads as content, so they neither end a turn nor forge one.
_CONTENT_TAGS = re.compile(r"</?(think|tool_call|tool_response|tools|answer|reasoning)>")


@dataclass(frozen=True, slots=True)
class Rendered:
    """One text to train on."""

    text: str
    trained: tuple[tuple[int, int], ...]
    """Character spans that the model must write; each ends with an end-of-turn token."""
    written: tuple[tuple[int, int], ...]
    """Those parts of the trained spans that stand in the data: answers and reasoning."""
    contents: tuple[tuple[int, int], ...]
    """Everything that comes from the data, prompts too; the rest is the template's."""
    notes: tuple[str, ...] = ()


class ChatTemplate:
    """The chat template of a tokenizer, with proof of what it trains.

    Args:
        tokenizer: A transformers tokenizer. One without a template gets `DEFAULT_TEMPLATE`, which
            then belongs to it and is saved with it.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.origin = "of the tokenizer"
        if not tokenizer.chat_template:
            tokenizer.chat_template = DEFAULT_TEMPLATE
            self.origin = "of migaki (### 指示 / ### 応答), because the tokenizer has none"
        self._tokenizer = tokenizer
        self._builder = SkeletonBuilder(
            self._apply,
            ends=imitations(tokenizer),
            eos_token=tokenizer.eos_token,
            origin=self.origin,
        )
        self._shapes: dict[tuple[tuple[str, str, bool], ...], tuple[View, ...] | str] = {}
        self._knows_system: bool | None = None

    @property
    def ends_of_turn(self) -> set[str]:
        """The end-of-turn tokens met so far, at which generation has to stop."""
        return self._builder.ends_of_turn

    def render(self, chat: Chat, *, where: str) -> list[Rendered]:
        """Render a conversation and find what is trained in it.

        Args:
            chat: The conversation.
            where: File and line, for messages.

        Returns:
            One text with every turn, or one text per turn.

        Raises:
            RowProblemError: The template refuses this conversation.
            ModelError: What is trained cannot be proven for this template.
        """
        if len(chat.messages) > _MOST_MESSAGES:
            raise RowProblemError(
                f"has {len(chat.messages):,} messages, and more than {_MOST_MESSAGES:,} cannot be "
                "examined: divide it"
            )
        chat, notes = self._fit_system(chat)
        parts = split_parts(chat.messages)
        views = self._views(chat, parts, where)
        if len(views) > 1:
            notes = (
                *notes,
                "one example per assistant turn, because the template changes its history",
            )
        rendered = [self._fill(view, chat, parts, where) for view in views]
        found = (*chat.notes, *notes, *(note for view in views for note in view.notes))
        first = replace(rendered[0], notes=tuple(dict.fromkeys(found)))
        return [first, *rendered[1:]]

    def _fit_system(self, chat: Chat) -> tuple[Chat, tuple[str, ...]]:
        if chat.messages[0].role != "system":
            return chat, ()
        if self._knows_system is None:
            self._knows_system = self._shows_system()
        if self._knows_system:
            return chat, ()
        note = "system message moved into the first user turn, because the template knows no system"
        return without_system(chat), (note,)

    def _shows_system(self) -> bool:
        probe = [Message(role, f"MGK{role}QX") for role in ("system", "user", "assistant")]
        try:
            return "MGKsystemQX" in self._apply(probe, ())
        except CannotRenderError:
            return False

    def _views(self, chat: Chat, parts: Sequence[Part], where: str) -> tuple[View, ...]:
        """Return the views of the conversation's shape, examined once for all rows of that shape."""
        if chat.tools or any(m.tool_calls for m in chat.messages):
            found = self._examine(chat, parts, where)  # the calls themselves are part of the shape
        else:
            key = tuple(
                (
                    chat.messages[part.message].role,
                    part.kind,
                    chat.messages[part.message].reasoning == "",
                )
                for part in parts
            )
            if key not in self._shapes:
                self._shapes[key] = self._examine(chat, parts, where)
            found = self._shapes[key]
        if isinstance(found, str):
            raise RowProblemError(f"the chat template refuses this conversation: {found}")
        return found

    def _examine(self, chat: Chat, parts: Sequence[Part], where: str) -> tuple[View, ...] | str:
        try:
            return self._builder.build(chat, parts, where)
        except CannotRenderError as err:
            return str(err)

    def _fill(self, view: View, chat: Chat, parts: Sequence[Part], where: str) -> Rendered:
        """Prove the skeleton against a real render and put the contents in."""
        try:
            real = self._apply(chat.messages[: view.upto], chat.tools)
        except CannotRenderError as err:
            raise RowProblemError(f"the chat template refuses this conversation: {err}") from err
        values = _match(view, chat, parts, real)
        if values is None:
            raise self._builder.unproven(where, "it rewrites contents instead of showing them")
        text, places = "", []
        for piece, slot in zip(view.pieces, view.slots, strict=False):
            text += piece
            value = values.get(slot, parts[slot].value)
            places.append((len(text), len(text) + len(value)))
            text += value
        text += view.pieces[-1]
        trained = tuple(
            (places[turn.first][0] - turn.lead, places[turn.last][1] + turn.tail)
            for turn in view.turns
        )
        written = tuple(
            places[k]
            for turn in view.turns
            for k in range(turn.first, turn.last + 1)
            if not parts[view.slots[k]].kind.startswith("name")
        )
        if chat.tools or any(m.tool_calls for m in chat.messages):
            self._prove_calls(chat, view, text, trained, where)
        return Rendered(text, trained, written or trained, tuple(places))

    def _prove_calls(
        self, chat: Chat, view: View, text: str, trained: tuple[tuple[int, int], ...], where: str
    ) -> None:
        """Refuse a template that drops arguments of tool calls or the descriptions of tools."""
        shown = "".join(text[a:b] for a, b in trained)
        turns = {view.slots[turn.first] for turn in view.turns}
        callers = {split_parts(chat.messages)[slot].message for slot in turns}
        for leaf in (
            leaf
            for number in sorted(callers)
            for call in chat.messages[number].tool_calls
            for leaf in _leaves(call["function"]["arguments"])
        ):
            if not any(spelling in shown for spelling in _json_spellings(leaf)):
                raise self._builder.unproven(
                    where, f"it does not show the tool-call argument {leaf!r}"
                )
        for tool in chat.tools:
            name = tool.get("function", tool).get("name")
            if name and name not in text:
                raise self._builder.unproven(
                    where, f"it does not show the tool {name!r} to the model"
                )

    def _apply(
        self, messages: Sequence[Message], tools: Tools, add_generation_prompt: bool = False
    ) -> str:
        try:
            text = self._tokenizer.apply_chat_template(
                [m.as_mapping() for m in messages],
                tools=[dict(tool) for tool in tools] or None,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
            )
        except jinja2.TemplateSyntaxError as err:
            raise ModelError(
                f"The chat template {self.origin} is not valid Jinja: {str(err).rstrip('.')} "
                f"(line {err.lineno}).",
                hint="Take the template that came with the model (chat_template.jinja).",
            ) from err
        except (jinja2.TemplateError, TypeError, ValueError) as err:
            raise CannotRenderError(str(err) or type(err).__name__) from err
        return str(text)


def control_tokens(tokenizer: Any) -> list[str]:
    """Return every token that the tokenizer reads as one before it looks at the text."""
    added = [str(token) for token in tokenizer.added_tokens_decoder.values()]
    named = [str(token) for token in tokenizer.all_special_tokens]
    return [token for token in dict.fromkeys([*added, *named]) if token.strip()]


def imitations(tokenizer: Any) -> re.Pattern[str]:
    """Return what finds control tokens: those that end a turn, and contents that look like one."""
    tokens = [t for t in control_tokens(tokenizer) if not _CONTENT_TAGS.fullmatch(t)]
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or r"\Z.")


def _match(view: View, chat: Chat, parts: Sequence[Part], real: str) -> dict[int, str] | None:
    """Return the contents as the template shows them, or None if it shows something else."""
    values: dict[int, str] = {}
    at = len(view.proof[0])
    if not real.startswith(view.proof[0]):
        return None
    for number, slot in enumerate(view.proof_slots):
        piece = view.proof[number + 1]
        final = number + 1 == len(view.proof_slots)
        for value in _spellings(parts[slot], chat.messages[parts[slot].message].role):
            end = at + len(value) + len(piece)
            if real.startswith(value + piece, at) and (not final or end == len(real)):
                values[slot], at = value, end
                break
        else:
            return None
    return values


def _spellings(part: Part, role: str) -> Iterator[str]:
    """Yield how a template may show a content without changing it: as it is, trimmed, as JSON."""
    value = part.value
    yield value
    if value != value.strip():
        yield from (value.strip(), value.rstrip(), value.lstrip(), value.strip("\n"))
    if role == "tool":
        yield from _json_spellings(value)


def _json_spellings(value: str) -> tuple[str, ...]:
    return value, json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield str(value)
