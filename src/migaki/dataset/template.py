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
from dataclasses import dataclass
from typing import Any

import jinja2

from migaki.dataset.conversations import Chat, Message, RowProblemError, without_system
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

# Tokens that a model writes or reads as content, so they neither end a turn nor forge one.
_CONTENT_TAGS = re.compile(r"</?(think|tool_call|tool_response|tools|answer|reasoning)>")
_CLOSE_EMPTY_THINKING = "\n</think>\n\n"


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


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a message that the template has to show: its content, reasoning or call names."""

    message: int
    kind: str
    value: str

    @property
    def sentinel(self) -> str:
        return f"MGK{self.message}{self.kind}QX"


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is trained of one assistant turn, relative to its parts."""

    first: int
    """Slot of the first part of the turn."""
    last: int
    lead: int
    """Characters before the first part that the model writes itself."""
    tail: int
    """Characters after the last part, up to and with the end of turn."""


@dataclass(frozen=True, slots=True)
class _View:
    """A skeleton: literal pieces with slots between them, and the turns trained in it."""

    upto: int
    """How many messages it renders."""
    proof: tuple[str, ...]
    """Literal pieces of the template's own render."""
    proof_slots: tuple[int, ...]
    """Which part stands behind each piece but the last."""
    pieces: tuple[str, ...]
    slots: tuple[int, ...]
    turns: tuple[_Turn, ...]
    notes: tuple[str, ...] = ()


class _CannotRenderError(Exception):
    """The template refuses a conversation; carries its own words."""


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
        self._shapes: dict[tuple[str, ...], tuple[_View, ...] | str] = {}
        self._knows_system: bool | None = None
        ends = [token for token in control_tokens(tokenizer) if not _CONTENT_TAGS.fullmatch(token)]
        self._end = re.compile(
            "|".join(map(re.escape, sorted(ends, key=len, reverse=True))) or r"\Z."
        )
        self.ends_of_turn: set[str] = set()

    def render(self, chat: Chat, *, where: str) -> list[Rendered]:
        """Render a conversation and find what is trained in it.

        Args:
            chat: The conversation.
            where: File and line, for messages.

        Raises:
            RowProblemError: The template refuses this conversation.
            ModelError: What is trained cannot be proven for this template.
        """
        chat, notes = self._fit_system(chat)
        parts = _parts(chat.messages)
        views = self._views(chat, parts, where)
        rendered = [self._fill(view, chat, parts, where) for view in views]
        own = (*chat.notes, *notes)
        if len(rendered) > 1:
            own = (*own, "one example per assistant turn, because the template changes its history")
        first = rendered[0]
        rendered[0] = Rendered(
            first.text, first.trained, first.written, first.contents, (*own, *first.notes)
        )
        return rendered

    # ── shapes ───────────────────────────────────────────────────────────────────────────────────

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
        probe = [
            Message("system", "MGKsystemQX"),
            Message("user", "MGKuserQX"),
            Message("assistant", "MGKassistantQX"),
        ]
        try:
            return "MGKsystemQX" in self._apply(probe, ())
        except _CannotRenderError:
            return False

    def _views(self, chat: Chat, parts: Sequence[_Part], where: str) -> tuple[_View, ...]:
        if chat.tools or any(m.tool_calls for m in chat.messages):
            found = self._skeleton(chat, parts, where)  # the calls themselves are part of the shape
        else:
            key = tuple(m.role + "?" * (m.reasoning is not None) for m in chat.messages)
            if key not in self._shapes:
                self._shapes[key] = self._skeleton(chat, parts, where)
            found = self._shapes[key]
        if isinstance(found, str):
            raise RowProblemError(f"the chat template refuses this conversation: {found}")
        return found

    def _skeleton(self, chat: Chat, parts: Sequence[_Part], where: str) -> tuple[_View, ...] | str:
        """Return the views of a shape, or the template's own words of refusal."""
        marked = _with_sentinels(chat.messages, parts)
        turns = [i for i, m in enumerate(chat.messages) if m.role == "assistant"]
        try:
            full = self._apply(marked, chat.tools)
            views = [self._turn_view(marked, i, parts, chat, where) for i in turns]
        except _CannotRenderError as err:
            return str(err)
        joint = self._joint_view(full, views, parts, marked, where)
        return (joint,) if joint else tuple(views)

    def _turn_view(
        self, marked: Sequence[Message], turn: int, parts: Sequence[_Part], chat: Chat, where: str
    ) -> _View:
        """Build the view of one assistant turn as the last of its conversation."""
        through = self._apply(marked[: turn + 1], chat.tools)
        proof, slots = self._cut(through, parts, turn + 1, where)
        own = [k for k, slot in enumerate(slots) if parts[slot].message == turn]
        before = _joined(proof[: own[0] + 1], slots[: own[0]], parts)
        prompt = self._prompt(marked[:turn], chat.tools, fallback=before)
        tail = self._tail(proof[own[-1] + 1], bool(marked[turn].tool_calls), where)
        lost = [
            slot
            for slot, part in enumerate(parts)
            if part.message == turn and part.kind == "reasoning" and slot not in slots
        ]
        if before.startswith(prompt) and not lost:
            lead = len(before) - len(prompt)
            if lead > len(proof[own[0]]):
                raise self._unproven(where, "its generation prompt ends before an earlier message")
            trained = _Turn(own[0], own[-1], lead, tail)
            return _View(turn + 1, proof, slots, proof, slots, (trained,))
        return self._composed(turn, proof, slots, own, prompt, before, tail, lost, parts, where)

    def _composed(  # noqa: PLR0913 - one call, one meaning: the pieces of a turn
        self,
        turn: int,
        proof: tuple[str, ...],
        slots: tuple[int, ...],
        own: list[int],
        prompt: str,
        before: str,
        tail: int,
        lost: list[int],
        parts: Sequence[_Part],
        where: str,
    ) -> _View:
        """Put a turn together whose reasoning, or the opening of it, the template does not render."""
        opens = prompt.startswith(before) and prompt.rstrip().endswith("<think>")
        if not (opens or (lost and prompt == before)) or len(own) != 1:
            raise self._unproven(
                where,
                f"its generation prompt ends in {prompt[-40:]!r}, but it begins the assistant's turn "
                f"with {before[-40:]!r}",
            )
        head, head_slots = self._cut(prompt, parts, turn, where, partial=True)
        if lost:
            opening = "" if opens else "<think>\n"
            pieces = (*head[:-1], head[-1] + opening, _CLOSE_EMPTY_THINKING, *proof[own[0] + 1 :])
            filled = (*head_slots, lost[0], slots[own[0]])
            span = _Turn(len(head_slots), len(head_slots) + 1, len(opening), tail)
            notes = ("reasoning kept that the chat template would have removed",)
        else:
            pieces = (*head[:-1], head[-1] + _CLOSE_EMPTY_THINKING, *proof[own[0] + 1 :])
            filled = (*head_slots, slots[own[0]])
            span = _Turn(len(head_slots), len(head_slots), len(_CLOSE_EMPTY_THINKING), tail)
            notes = ("empty reasoning put in, because the generation prompt opens <think>",)
        return _View(turn + 1, proof, slots, pieces, filled, (span,), notes)

    def _joint_view(
        self,
        full: str,
        views: Sequence[_View],
        parts: Sequence[_Part],
        marked: Sequence[Message],
        where: str,
    ) -> _View | None:
        """Return one view with all turns, if each stands in the full render as when it was last."""
        for view in views:
            turn, whole = view.turns[0], _joined(view.pieces, view.slots, parts)
            end = len(whole) - sum(len(p) for p in view.pieces[turn.last + 1 :]) + turn.tail
            end -= sum(len(parts[s].sentinel) for s in view.slots[turn.last + 1 :])
            if view.notes or not full.startswith(whole[:end]):
                return None
        pieces, slots = self._cut(full, parts, len(marked), where)
        return _View(
            len(marked), pieces, slots, pieces, slots, tuple(view.turns[0] for view in views)
        )

    def _cut(
        self, text: str, parts: Sequence[_Part], upto: int, where: str, *, partial: bool = False
    ) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Cut a render at its sentinels; each must be there once, reasoning may be missing."""
        found: list[tuple[int, int]] = []
        for slot, part in enumerate(parts):
            if part.message >= upto:
                continue
            count = text.count(part.sentinel)
            if count == 0 and part.kind == "reasoning":
                continue
            if count != 1:
                times = "not at all" if count == 0 else f"{count} times"
                raise self._unproven(
                    where, f"it shows the {part.kind} of message {part.message + 1} {times}"
                )
            found.append((text.index(part.sentinel), slot))
        pieces, at = [], 0
        for start, slot in sorted(found):
            pieces.append(text[at:start])
            at = start + len(parts[slot].sentinel)
        return (*pieces, text[at:]), tuple(slot for _, slot in sorted(found))

    def _prompt(self, messages: Sequence[Message], tools: Any, *, fallback: str) -> str:
        """Return what the model is given before it writes; before the first message nothing is."""
        if not any(m.role != "system" for m in messages):
            return fallback
        return self._apply(messages, tools, add_generation_prompt=True)

    def _tail(self, after: str, has_calls: bool, where: str) -> int:
        """Return how many characters behind the content the model writes to end its turn."""
        ends = list(self._end.finditer(after))
        if not ends:
            raise self._unproven(
                where,
                f"it writes {after!r} after the answer, which holds no control token of the tokenizer: "
                "the model would never learn to stop",
            )
        end = ends[-1] if has_calls else ends[0]  # behind a call stand its arguments
        self.ends_of_turn.add(end.group())
        return end.end()

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────

    def _fill(self, view: _View, chat: Chat, parts: Sequence[_Part], where: str) -> Rendered:
        """Prove the skeleton against a real render and put the contents in."""
        try:
            real = self._apply(chat.messages[: view.upto], chat.tools)
        except _CannotRenderError as err:
            raise RowProblemError(f"the chat template refuses this conversation: {err}") from err
        values = self._match(view, chat, parts, real)
        if values is None:
            raise self._unproven(where, "it rewrites contents instead of showing them")
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
            if parts[view.slots[k]].kind != "name"
        )
        self._prove_calls(chat, view, text, trained, where)
        return Rendered(text, trained, written or trained, tuple(places), view.notes)

    def _match(
        self, view: _View, chat: Chat, parts: Sequence[_Part], real: str
    ) -> dict[int, str] | None:
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

    def _prove_calls(
        self, chat: Chat, view: _View, text: str, trained: tuple[tuple[int, int], ...], where: str
    ) -> None:
        """Refuse a template that drops arguments of tool calls or the descriptions of tools."""
        if not chat.tools and not any(m.tool_calls for m in chat.messages):
            return
        shown = "".join(text[a:b] for a, b in trained)
        callers = [m for m in chat.messages if m.tool_calls]
        if len(view.turns) == 1 and view.upto < len(chat.messages):
            callers = [m for m in chat.messages[view.upto - 1 : view.upto] if m.tool_calls]
        missing = [
            leaf
            for message in callers
            for call in message.tool_calls
            for leaf in _leaves(_arguments(call))
            if not any(spelling in shown for spelling in _json_spellings(leaf))
        ]
        if missing:
            raise self._unproven(where, f"it does not show the tool-call argument {missing[0]!r}")
        hidden = [
            name
            for tool in chat.tools
            if (name := tool.get("function", tool).get("name")) and name not in text
        ]
        if hidden:
            raise self._unproven(where, f"it does not show the tool {hidden[0]!r} to the model")

    # ── the template itself ──────────────────────────────────────────────────────────────────────

    def _apply(
        self, messages: Sequence[Message], tools: Any, *, add_generation_prompt: bool = False
    ) -> str:
        try:
            text = self._tokenizer.apply_chat_template(
                [m.as_mapping() for m in messages],
                tools=[dict(tool) for tool in tools] or None,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
            )
        except (jinja2.TemplateError, TypeError, ValueError) as err:
            raise _CannotRenderError(str(err) or type(err).__name__) from err
        return str(text)

    def _unproven(self, where: str, what: str) -> ModelError:
        return ModelError(
            f"{where}: it cannot be proven what the chat template {self.origin} trains: {what}.",
            hint="Give the tokenizer a template that shows every message once and as it is and ends "
            "the assistant's turn with a control token (tokenizer.chat_template).",
        )


def control_tokens(tokenizer: Any) -> list[str]:
    """Return every token that the tokenizer reads as one before it looks at the text."""
    added = [str(token) for token in tokenizer.added_tokens_decoder.values()]
    named = [str(token) for token in tokenizer.all_special_tokens]
    return [token for token in dict.fromkeys([*added, *named]) if token.strip()]


def imitations(tokenizer: Any) -> re.Pattern[str]:
    """Return what finds control tokens in contents, where they are text that only looks like one."""
    tokens = [t for t in control_tokens(tokenizer) if not _CONTENT_TAGS.fullmatch(t)]
    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or r"\Z.")


def _parts(messages: Sequence[Message]) -> list[_Part]:
    parts: list[_Part] = []
    for number, message in enumerate(messages):
        if message.reasoning:
            parts.append(_Part(number, "reasoning", message.reasoning))
        if message.content:
            parts.append(_Part(number, "content", message.content))
        for k, call in enumerate(message.tool_calls):
            parts.append(_Part(number, f"name{k or ''}", call["function"]["name"]))
    return parts


def _with_sentinels(messages: Sequence[Message], parts: Sequence[_Part]) -> list[Message]:
    marks = {(part.message, part.kind): part.sentinel for part in parts}
    marked = []
    for number, message in enumerate(messages):
        calls = tuple(
            {**call, "function": {**call["function"], "name": marks[number, f"name{k or ''}"]}}
            for k, call in enumerate(message.tool_calls)
        )
        marked.append(
            Message(
                message.role,
                marks.get((number, "content"), ""),
                marks.get((number, "reasoning"), message.reasoning),
                calls,
                message.extra,
            )
        )
    return marked


def _joined(pieces: Sequence[str], slots: Sequence[int], parts: Sequence[_Part]) -> str:
    text = "".join(piece + parts[slot].sentinel for piece, slot in zip(pieces, slots, strict=False))
    return text + (pieces[-1] if len(pieces) > len(slots) else "")


def _spellings(part: _Part, role: str) -> Iterator[str]:
    """Yield how a template may show a content without changing it: as it is, trimmed, as JSON."""
    value = part.value
    yield value
    if value != value.strip():
        yield from (value.strip(), value.rstrip(), value.lstrip(), value.strip("\n"))
    if role == "tool":
        yield from _json_spellings(value)


def _json_spellings(value: str) -> tuple[str, ...]:
    return value, json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1]


def _arguments(call: Any) -> Any:
    arguments = call["function"]["arguments"]
    if isinstance(arguments, str):
        try:
            return json.loads(arguments)
        except json.JSONDecodeError:
            return arguments
    return arguments


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
