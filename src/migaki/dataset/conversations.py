"""What a training row means: value types, and what makes a conversation usable.

A row is a `Chat` or a `Text`. A `Chat` is proven usable when it is made: known roles in a possible
order, at least one thing for the assistant to say, nothing empty. The chat template of a model is
not needed for that (see ``dataset.template``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from migaki.corpus.text_fields import ROLES, kind_of

__all__ = [
    "Chat",
    "Example",
    "Message",
    "RowProblemError",
    "Text",
    "Tools",
    "make_chat",
    "refuse_half_characters",
    "without_system",
]

Tools: TypeAlias = tuple[Mapping[str, Any], ...]

_THINKING = re.compile(r"\s*(?:<think>)?(.*?)</think>(.*)", re.DOTALL)


class RowProblemError(Exception):
    """Why a row cannot be used; the reader adds file and line."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    """``system``, ``user``, ``assistant`` or ``tool``."""
    content: str
    """What is said, without the reasoning."""
    reasoning: str | None = None
    """What stands between ``<think>`` and ``</think>``; None where there is no such block."""
    tool_calls: Tools = ()
    """Calls in the form of OpenAI: ``{"type": "function", "function": {"name", "arguments"}}``."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """``name`` and ``tool_call_id`` of tool results."""

    def as_mapping(self) -> dict[str, Any]:
        """Return the message as a chat template takes it, reasoning in its canonical layout.

        Example:
            >>> Message("assistant", "四です。", reasoning="二と二で四。").as_mapping()["content"]
            '<think>\\n二と二で四。\\n</think>\\n\\n四です。'
        """
        content = self.content
        if self.reasoning is not None:
            content = f"<think>\n{self.reasoning}\n</think>\n\n{content}"
        mapping: dict[str, Any] = {"role": self.role, "content": content, **self.extra}
        if self.tool_calls:
            mapping["tool_calls"] = [dict(call) for call in self.tool_calls]
        return mapping


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation that ends with the assistant."""

    messages: tuple[Message, ...]
    tools: Tools = ()
    plain: bool = False
    """Made from a prompt and its completion: without a chat template the two are joined as they are."""
    notes: tuple[str, ...] = ()
    """What was changed to make the row usable; counted in the report."""

    @property
    def whole_text(self) -> str:
        """Everything that is said, for comparing conversations."""
        return "\n".join(message.content for message in self.messages)

    @property
    def answers(self) -> tuple[str, ...]:
        """What the assistant says."""
        return tuple(m.content for m in self.messages if m.role == "assistant" and m.content)


@dataclass(frozen=True, slots=True)
class Text:
    """Running text, all of which is trained."""

    text: str


@dataclass(frozen=True, slots=True)
class Example:
    """One usable row and where it came from."""

    path: Path
    line: int
    content: Chat | Text
    licence: str | None = None
    source: str | None = None
    """Where the row says that its text comes from."""


def make_chat(
    messages: Sequence[Mapping[str, Any]], *, tools: object = None, plain: bool = False
) -> Chat:
    """Check a conversation and give it its type.

    Args:
        messages: ``{"role", "content"}`` mappings; contents may be lists of text parts.
        tools: Tool descriptions of the row, if any.
        plain: The row was a prompt and its completion.

    Raises:
        RowProblemError: It cannot be trained on; says exactly why.
    """
    if not messages:
        raise RowProblemError("the conversation is empty")
    parsed = [_message(item, number) for number, item in enumerate(messages, start=1)]
    if not any(m.role == "assistant" for m in parsed):
        roles = ", ".join(m.role for m in parsed)
        raise RowProblemError(f"no assistant turn: there is nothing to train on (roles: {roles})")
    _check_order(parsed)
    notes: tuple[str, ...] = ()
    last = max(i for i, m in enumerate(parsed) if m.role == "assistant")
    if last < len(parsed) - 1:
        parsed, notes = parsed[: last + 1], ("turns after the last answer left out",)
    return Chat(tuple(parsed), _tools(tools), plain, notes)


def refuse_half_characters(text: str, where: str) -> None:
    """Refuse a lone surrogate, which JSON can spell (``\\ud83d``) but no text can hold.

    Args:
        text: From the row.
        where: What it is called in the message.

    Raises:
        RowProblemError: There is one.
    """
    try:
        text.encode()
    except UnicodeEncodeError as err:
        half = text[err.start].encode("ascii", "backslashreplace").decode()
        raise RowProblemError(
            f"{where} holds half a character ({half}, a surrogate without its partner)"
        ) from err


def without_system(chat: Chat) -> Chat:
    """Move the system message into the first user turn, for templates that know no system role.

    Raises:
        RowProblemError: There is no user turn to take it.
    """
    system, *rest = chat.messages
    for index, message in enumerate(rest):
        if message.role == "user":
            merged = replace(message, content=f"{system.content}\n\n{message.content}")
            return replace(chat, messages=(*rest[:index], merged, *rest[index + 1 :]))
    raise RowProblemError("has a system message but no user turn, and the template knows no system")


def _message(item: Any, number: int) -> Message:
    if not isinstance(item, Mapping):
        raise RowProblemError(f"message {number} is {kind_of(item)}, not an object with a role")
    role = item.get("role")
    if role is None:
        raise RowProblemError(f"message {number} has no 'role' (keys: {', '.join(map(str, item))})")
    known = ROLES.get(str(role).lower())
    if known is None:
        raise RowProblemError(
            f"message {number} has the unknown role {role!r} (valid: system, user, assistant, tool)"
        )
    calls = _tool_calls(item.get("tool_calls"), number) if known == "assistant" else ()
    if "content" not in item and not calls:
        raise RowProblemError(f"message {number} ({known}) has no 'content'")
    content = _content(item.get("content"), f"message {number} ({known})", empty_ok=bool(calls))
    reasoning = item.get("reasoning_content") or item.get("reasoning") or item.get("thinking")
    if known == "assistant":
        content, reasoning = _split_reasoning(content, reasoning, number)
    if not content.strip() and not calls:
        raise RowProblemError(f"message {number} ({known}) is empty")
    extra = (
        {k: str(item[k]) for k in ("name", "tool_call_id") if item.get(k)}
        if known == "tool"
        else {}
    )
    spelled_calls = json.dumps(calls, ensure_ascii=False, default=str) if calls else ""
    for said in (content, reasoning or "", spelled_calls, *extra.values()):
        refuse_half_characters(said, f"message {number} ({known})")
    return Message(known, content, reasoning if known == "assistant" else None, calls, extra)


def _split_reasoning(content: str, reasoning: object, number: int) -> tuple[str, str | None]:
    if reasoning is not None and not isinstance(reasoning, str):
        raise RowProblemError(
            f"message {number}: the reasoning is {kind_of(reasoning)}, not a string"
        )
    match = _THINKING.fullmatch(content)
    if match is None:
        if "<think>" in content:
            raise RowProblemError(f"message {number}: <think> is opened but never closed")
        return content, reasoning.strip("\n") if reasoning is not None else None
    if reasoning is not None:
        raise RowProblemError(
            f"message {number} has its reasoning twice: in the content and beside it"
        )
    return match[2].lstrip("\n"), match[1].strip("\n")


def _content(value: Any, where: str, *, empty_ok: bool) -> str:
    if isinstance(value, str):
        return value
    if value is None and empty_ok:
        return ""
    if isinstance(value, list):
        parts = [_text_part(part, where) for part in value]
        return "".join(parts)
    raise RowProblemError(f"{where}: the content is {kind_of(value)}, not a string")


def _text_part(part: Any, where: str) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping) and part.get("type", "text") == "text":
        if isinstance(text := part.get("text"), str):
            return text
        raise RowProblemError(f"{where}: a text part has no string under 'text'")
    kind = part.get("type") if isinstance(part, Mapping) else kind_of(part)
    raise RowProblemError(f"{where}: a content part is {kind!r}; only text can be trained here")


def _tool_calls(value: Any, number: int) -> Tools:
    if not value:
        return ()
    if not isinstance(value, list):
        raise RowProblemError(f"message {number}: tool_calls is {kind_of(value)}, not a list")
    calls = []
    for call in value:
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise RowProblemError(f"message {number}: a tool call has no function name")
        rest = {k: v for k, v in call.items() if k in ("id",) and v is not None}
        # As an object: templates write JSON themselves, and would do so twice.
        plain = {"name": function["name"], "arguments": maybe_json(function.get("arguments", {}))}
        calls.append({**rest, "type": "function", "function": plain})
    return tuple(calls)


def maybe_json(value: Any) -> Any:
    """Return what a JSON text holds; anything else, and text that is no JSON, as it is."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _tools(value: object) -> Tools:
    if not value:
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(t, Mapping) for t in value):
        raise RowProblemError("'tools' is not a list of objects")
    if not all(isinstance(tool.get("function", tool), Mapping) for tool in value):
        raise RowProblemError("'tools' holds a function that is not an object")
    refuse_half_characters(json.dumps(value, ensure_ascii=False, default=str), "'tools'")
    return tuple(value)


def _check_order(messages: Sequence[Message]) -> None:
    previous = None
    for number, message in enumerate(messages, start=1):
        if message.role == "system" and number > 1:
            raise RowProblemError(f"message {number} is 'system'; only the first may be")
        if message.role == "tool" and not (
            previous and (previous.tool_calls or previous.role == "tool")
        ):
            raise RowProblemError(
                f"message {number} is a tool result without a tool call before it"
            )
        if previous and message.role == previous.role and message.role in ("user", "assistant"):
            raise RowProblemError(
                f"messages {number - 1} and {number} are both '{message.role}'; turns must alternate"
            )
        previous = message
