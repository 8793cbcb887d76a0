"""The skeleton of a chat template: what it writes around the contents, and what of it is trained.

Every content is replaced by a sentinel and the template is rendered; where the sentinels come out
is where the contents stand. That real texts follow the skeleton is proven elsewhere, row by row
(see ``dataset.template``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from migaki.dataset.conversations import Chat, Message, Tools
from migaki.errors import ModelError

__all__ = ["CannotRenderError", "Part", "SkeletonBuilder", "Turn", "View", "split_parts"]

Render = Callable[[Sequence[Message], Tools, bool], str]
"""Messages, tools and whether to add the generation prompt, to the template's text."""

_SENTINEL = re.compile(r"MGK\d+[a-z]+\d*QX")
_CLOSE_EMPTY_THINKING = "\n</think>\n\n"


class CannotRenderError(Exception):
    """The template refuses a conversation; carries its own words."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a message that the template has to show: its content, reasoning or call names."""

    message: int
    kind: str
    value: str

    @property
    def sentinel(self) -> str:
        """What stands for it while the template is examined: plain ASCII that survives trimming."""
        return f"MGK{self.message}{self.kind}QX"


@dataclass(frozen=True, slots=True)
class Turn:
    """What is trained of one assistant turn, relative to its parts."""

    first: int
    """Slot of the first part of the turn."""
    last: int
    """Slot of its last part."""
    lead: int
    """Characters before the first part that the model writes itself."""
    tail: int
    """Characters behind the last part, up to and with the end of turn."""


@dataclass(frozen=True, slots=True)
class View:
    """Literal pieces with slots between them, and the turns trained in it.

    ``proof`` is what the template itself renders. ``pieces`` is what is trained on: the same,
    unless the template drops something that must not be lost.
    """

    upto: int
    """How many messages it renders."""
    proof: tuple[str, ...]
    proof_slots: tuple[int, ...]
    """Which part stands behind each piece but the last."""
    pieces: tuple[str, ...]
    slots: tuple[int, ...]
    turns: tuple[Turn, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _LastTurn:
    """An assistant turn as the last of its conversation, examined."""

    number: int
    proof: tuple[str, ...]
    slots: tuple[int, ...]
    own: tuple[int, ...]
    """Places in ``slots`` of the turn's own parts."""
    prompt: str
    """What the model is given before it writes."""
    before: str
    """What the template renders before the first own part."""
    tail: int
    lost: int | None
    """The reasoning that the template does not show."""


class SkeletonBuilder:
    """Examines one chat template.

    Args:
        render: The template.
        ends: Finds control tokens that may end a turn.
        eos_token: The end-of-text token of the tokenizer.
        origin: Whose template it is, for messages.
    """

    def __init__(
        self, render: Render, *, ends: re.Pattern[str], eos_token: str | None, origin: str
    ) -> None:
        self._render = render
        self._ends = ends
        self._eos_token = eos_token
        self._origin = origin
        self.ends_of_turn: set[str] = set()

    def build(self, chat: Chat, parts: Sequence[Part], where: str) -> tuple[View, ...]:
        """Return one view with every assistant turn, or one view per turn.

        Args:
            chat: The conversation, as an example of its shape.
            parts: From `split_parts`.
            where: File and line, for messages.

        Raises:
            CannotRenderError: The template refuses such conversations.
            ModelError: What is trained cannot be proven.
        """
        marked = _with_sentinels(chat.messages, parts)
        full = self._render(marked, chat.tools, False)
        views = [
            self._turn_view(self._examine(marked, number, chat.tools, parts, where), parts, where)
            for number, message in enumerate(chat.messages)
            if message.role == "assistant"
        ]
        if not all(_stands_in(full, view, parts) for view in views):
            return tuple(views)
        pieces, slots = self._cut(full, parts, len(marked), where)
        turns = tuple(view.turns[0] for view in views)
        return (View(len(marked), pieces, slots, pieces, slots, turns),)

    def unproven(self, where: str, what: str) -> ModelError:
        """Return the error for a template that shows something unexpected."""
        return ModelError(
            f"{where}: it cannot be proven what the chat template {self._origin} trains: {what}.",
            hint="Give the tokenizer a template that shows every message once and as it is and ends "
            "the assistant's turn with a control token (tokenizer.chat_template).",
        )

    def _examine(
        self,
        marked: Sequence[Message],
        number: int,
        tools: Tools,
        parts: Sequence[Part],
        where: str,
    ) -> _LastTurn:
        through = self._render(marked[: number + 1], tools, False)
        proof, slots = self._cut(through, parts, number + 1, where)
        own = tuple(k for k, slot in enumerate(slots) if parts[slot].message == number)
        if not own:
            raise self.unproven(where, f"it shows nothing of message {number + 1}")
        before = _joined(proof[: own[0] + 1], slots[: own[0]], parts)
        given = marked[:number]
        is_first = all(m.role == "system" for m in given)  # nothing is generated out of nothing
        lost = [
            slot
            for slot, part in enumerate(parts)
            if part.message == number and part.kind == "reasoning" and slot not in slots
        ]
        return _LastTurn(
            number=number,
            proof=proof,
            slots=slots,
            own=own,
            prompt=before if is_first else self._render(given, tools, True),
            before=before,
            tail=self._tail(proof[own[-1] + 1], proof[0], marked[: number + 1], tools, where),
            lost=lost[0] if lost else None,
        )

    def _turn_view(self, turn: _LastTurn, parts: Sequence[Part], where: str) -> View:
        if turn.lost is not None or not turn.before.startswith(turn.prompt):
            return self._composed_view(turn, parts, where)
        lead = len(turn.before) - len(turn.prompt)
        if lead > len(turn.proof[turn.own[0]]):
            raise self.unproven(where, "its generation prompt ends before an earlier message")
        trained = Turn(turn.own[0], turn.own[-1], lead, turn.tail)
        return View(turn.number + 1, turn.proof, turn.slots, turn.proof, turn.slots, (trained,))

    def _composed_view(self, turn: _LastTurn, parts: Sequence[Part], where: str) -> View:
        """Put a turn together whose reasoning, or the closing of it, the template does not render."""
        # What remains of dropped reasoning are the line ends that stood behind it.
        before = turn.before.rstrip("\n") if turn.lost is not None else turn.before
        opens = turn.prompt.startswith(before) and turn.prompt.rstrip().endswith("<think>")
        closes = turn.lost is not None and turn.prompt.rstrip("\n") == before
        if not (opens or closes) or len(turn.own) != 1:
            raise self.unproven(
                where,
                f"its generation prompt ends in {turn.prompt[-40:]!r}, but it begins the assistant's "
                f"turn with {turn.before[-40:]!r}",
            )
        head, slots = self._cut(turn.prompt, parts, turn.number, where)
        answer, rest = turn.slots[turn.own[0]], turn.proof[turn.own[0] + 1 :]
        place = len(slots)
        if turn.lost is None:
            pieces = (*head[:-1], head[-1] + _CLOSE_EMPTY_THINKING, *rest)
            trained = Turn(place, place, len(_CLOSE_EMPTY_THINKING), turn.tail)
            slots = (*slots, answer)
            note = "empty reasoning put in, because the generation prompt opens <think>"
        else:
            opening = "" if opens else "<think>\n"
            pieces = (*head[:-1], head[-1] + opening, _CLOSE_EMPTY_THINKING, *rest)
            trained = Turn(place, place + 1, len(opening), turn.tail)
            slots = (*slots, turn.lost, answer)
            note = "reasoning kept that the chat template would have removed"
        return View(turn.number + 1, turn.proof, turn.slots, pieces, slots, (trained,), (note,))

    def _cut(
        self, text: str, parts: Sequence[Part], upto: int, where: str
    ) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Cut a render at its sentinels; each must be there once, reasoning may be missing."""
        seen: dict[str, list[int]] = {}
        for match in _SENTINEL.finditer(text):
            seen.setdefault(match.group(), []).append(match.start())
        found: list[tuple[int, int]] = []
        for slot, part in enumerate(parts):
            places = seen.get(part.sentinel, [])
            count = len(places) if part.message < upto else 1
            if count != 1 and not (count == 0 and part.kind == "reasoning"):
                times = f"{count} times" if count else "not at all"
                raise self.unproven(
                    where, f"it shows the {part.kind} of message {part.message + 1} {times}"
                )
            if part.message < upto and count:
                found.append((places[0], slot))
        pieces, at = [], 0
        for start, slot in sorted(found):
            pieces.append(text[at:start])
            at = start + len(parts[slot].sentinel)
        return (*pieces, text[at:]), tuple(slot for _, slot in sorted(found))

    def _tail(
        self, after: str, first: str, marked: Sequence[Message], tools: Tools, where: str
    ) -> int:
        """Return how many characters behind the content the model writes to end its turn.

        Args:
            after: What stands behind the content.
            first: What stands before the first content of the conversation.
            marked: The conversation up to this turn.
            tools: Tool descriptions.
            where: File and line, for messages.
        """
        ends = list(self._ends.finditer(after))
        if not ends:
            raise self.unproven(
                where,
                f"it writes {after!r} after the answer, which holds no control token of the "
                "tokenizer: the model would never learn to stop",
            )
        end = ends[-1] if marked[-1].tool_calls else ends[0]  # behind a call stand its arguments
        # The end-of-text token may stand behind the last answer alone. Any other must stand there
        # in history too and not open the first turn, or it is the beginning of something else.
        openers = self._ends.findall(first)[-1:]
        if end.group() != self._eos_token and (
            end.group() in openers or not self._stays(after[: end.end()], marked, tools)
        ):
            raise self.unproven(
                where,
                f"{end.group()!r} behind the last answer does not end it but begins what follows",
            )
        self.ends_of_turn.add(end.group())
        return end.end()

    def _stays(self, tail: str, marked: Sequence[Message], tools: Tools) -> bool:
        try:
            longer = self._render([*marked, Message("user", "MGKnextQX")], tools, False)
            shorter = self._render(marked, tools, False)
        except CannotRenderError:
            return True  # no user turn may follow here, as behind a tool call
        last = shorter[: shorter.rindex(tail)] if tail in shorter else shorter
        sentinel = last[max(0, last.rfind("MGK")) :]
        at = longer.find(sentinel)
        return at >= 0 and longer.startswith(tail, at + len(sentinel))


def split_parts(messages: Sequence[Message]) -> list[Part]:
    """Return the parts of a conversation that a template has to show."""
    parts: list[Part] = []
    for number, message in enumerate(messages):
        if message.reasoning:
            parts.append(Part(number, "reasoning", message.reasoning))
        if message.content:
            parts.append(Part(number, "content", message.content))
        for k, call in enumerate(message.tool_calls):
            parts.append(Part(number, f"name{k or ''}", call["function"]["name"]))
    return parts


def _with_sentinels(messages: Sequence[Message], parts: Sequence[Part]) -> list[Message]:
    marks = {(part.message, part.kind): part.sentinel for part in parts}
    marked = []
    for number, message in enumerate(messages):
        calls = tuple(
            {**call, "function": {**call["function"], "name": marks[number, f"name{k or ''}"]}}
            for k, call in enumerate(message.tool_calls)
        )
        content = marks.get((number, "content"), "")
        reasoning = marks.get((number, "reasoning"), message.reasoning)
        marked.append(Message(message.role, content, reasoning, calls, message.extra))
    return marked


def _joined(pieces: Sequence[str], slots: Sequence[int], parts: Sequence[Part]) -> str:
    text = "".join(piece + parts[slot].sentinel for piece, slot in zip(pieces, slots, strict=False))
    return text + (pieces[-1] if len(pieces) > len(slots) else "")


def _stands_in(full: str, view: View, parts: Sequence[Part]) -> bool:
    """Tell whether the whole conversation shows a turn just as when it was the last."""
    end = view.turns[0].last + 1
    beginning = _joined(view.pieces[:end], view.slots[:end], parts)
    trained_end = view.pieces[end][: view.turns[0].tail]
    return not view.notes and full.startswith(beginning + trained_end)
