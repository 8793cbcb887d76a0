"""Examples to pieces: rendered, tokenised, made to fit, and everything on the way counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from migaki.dataset.config import DataConfig
from migaki.dataset.conversations import Chat, Example, RowProblemError, Text
from migaki.dataset.fitting import divide_chat, divide_text, truncate
from migaki.dataset.reading import Progress
from migaki.dataset.report import Overlong
from migaki.dataset.template import ChatTemplate, Rendered
from migaki.dataset.tokens import Encoded, Encoder
from migaki.errors import DataError

__all__ = ["Piece", "Work", "encode_examples", "needs_template"]

_BATCH = 1000


@dataclass(slots=True)
class Piece:
    """One training example on its way: part or whole of a row."""

    row: int
    encoded: Encoded


@dataclass(slots=True)
class Work:
    """What is counted while rows are encoded."""

    config: DataConfig
    encoder: Encoder
    overlong: Overlong
    pieces: list[Piece] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    """Row to reason, for rows that cannot be rendered."""
    dropped: dict[int, str] = field(default_factory=dict)
    """Row to reason, for rows left out by policy."""
    overlong_rows: set[int] = field(default_factory=set)
    notes: Counter[str] = field(default_factory=Counter)
    straddling: int = 0


def needs_template(example: Example, tokenizer: Any) -> bool:
    """Tell whether an example is rendered: a prompt with its completion only if there is a template."""
    chat = example.content
    return isinstance(chat, Chat) and bool(tokenizer.chat_template or not chat.plain)


def encode_examples(
    examples: Sequence[Example],
    config: DataConfig,
    tokenizer: Any,
    template: ChatTemplate | None,
    on_progress: Progress | None,
) -> Work:
    """Encode examples batch by batch.

    Args:
        examples: The rows.
        config: The policies.
        tokenizer: A fast transformers tokenizer.
        template: Its chat template, if a row needs one.
        on_progress: Told the stage, rows done and rows in all.

    Raises:
        DataError: A row is too long and the policy is ``error``.
        ModelError: It cannot be proven what the chat template trains.
    """
    policy = "split text, truncate chats" if config.on_overlong == "auto" else config.on_overlong
    work = Work(config, Encoder(tokenizer), Overlong(policy, config.max_tokens))
    for start in range(0, len(examples), _BATCH):
        batch = range(start, min(start + _BATCH, len(examples)))
        texts, plain, chats = [], [], []
        for row in batch:
            content = examples[row].content
            if isinstance(content, Text):
                texts.append((row, content))
            elif needs_template(examples[row], tokenizer):
                chats.append((row, content))
            else:
                plain.append((row, content))
        _encode_texts(work, texts)
        _encode_plain(work, plain)
        if template is not None:
            _encode_chats(work, chats, examples, template)
        if on_progress:
            on_progress("tokenising", batch.stop, len(examples))
    work.overlong.rows = len(work.overlong_rows)
    work.pieces.sort(key=lambda piece: piece.row)  # stable: pieces of a row stay in order
    _refuse_overlong(work, examples)
    _drop_untrained(work)
    return work


def _encode_texts(work: Work, rows: Sequence[tuple[int, Text]]) -> None:
    encoded = work.encoder.encode_texts([content.text for _, content in rows])
    for (row, content), item in zip(rows, encoded, strict=True):
        controls = work.encoder.count_imitations(content.text)
        if controls:
            work.notes["control tokens written in running text are read as control tokens"] += 1
        if len(item.ids) > work.config.max_tokens and work.config.on_overlong in ("auto", "split"):
            work.overlong_rows.add(row)
            windows = divide_text(item, content.text, work.config.max_tokens)
            work.overlong.pieces += len(windows)
            work.pieces += [Piece(row, window) for window in windows]
        else:
            _fit(work, row, item)


def _encode_plain(work: Work, rows: Sequence[tuple[int, Chat]]) -> None:
    """Prompt and completion for a model without a chat template: joined as they are."""
    pairs = [(chat.messages[0].content, chat.messages[-1].content) for _, chat in rows]
    for (row, _), item in zip(rows, work.encoder.encode_completions(pairs), strict=True):
        work.straddling += item.straddling
        _fit(work, row, item)


def _encode_chats(
    work: Work,
    rows: Sequence[tuple[int, Chat]],
    examples: Sequence[Example],
    template: ChatTemplate,
) -> None:
    """Render, tokenise and fit; with ``split``, chats that are too long come round again in halves."""
    waiting = list(rows)
    while waiting:
        rendered: list[tuple[int, Chat, Rendered]] = []
        for row, chat in waiting:
            where = f"{examples[row].path}:{examples[row].line}"
            try:
                found = template.render(chat, where=where)
            except RowProblemError as err:
                work.refused[row] = str(err)
                continue
            work.notes.update(note for item in found for note in item.notes)
            rendered += [(row, chat, _trained_part(item, work.config)) for item in found]
        places = [f"{examples[row].path}:{examples[row].line}" for row, _, _ in rendered]
        encoded = work.encoder.encode_chats([item for _, _, item in rendered], places)
        waiting = _fit_chats(work, rendered, encoded)


def _fit_chats(
    work: Work, rendered: Sequence[tuple[int, Chat, Rendered]], encoded: Sequence[Encoded]
) -> list[tuple[int, Chat]]:
    """Keep what fits and return the halves of what does not."""
    again: list[tuple[int, Chat]] = []
    halved: set[int] = set()
    longest: dict[int, int] = {}
    for (_, chat, _), item in zip(rendered, encoded, strict=True):
        longest[id(chat)] = max(longest.get(id(chat), 0), len(item.ids))
    for (row, chat, _), item in zip(rendered, encoded, strict=True):
        too_long = longest[id(chat)] > work.config.max_tokens
        halves = divide_chat(chat) if too_long and work.config.on_overlong == "split" else None
        if halves:
            work.overlong_rows.add(row)
            if id(chat) not in halved:
                halved.add(id(chat))
                again += [(row, half) for half in halves]
            continue
        work.straddling += item.straddling
        if item.imitations:
            work.notes["look-alikes of control tokens encoded as plain text"] += 1
        work.overlong.pieces += row in work.overlong_rows
        _fit(work, row, item)
    return again


def _trained_part(item: Rendered, config: DataConfig) -> Rendered:
    if config.train_on == "assistant":
        return item
    everything = ((0, item.trained[-1][1]),)
    return Rendered(item.text, everything, item.contents, item.contents, item.notes)


def _fit(work: Work, row: int, item: Encoded) -> None:
    """Keep an example, cut or leave out one that is too long."""
    if len(item.ids) <= work.config.max_tokens:
        work.pieces.append(Piece(row, item))
        return
    work.overlong_rows.add(row)
    if work.config.on_overlong in ("drop", "error"):
        work.overlong.tokens_total_lost += len(item.ids)
        work.overlong.tokens_trained_lost += int(item.trained.sum())
        reason = f"longer than {work.config.max_tokens} tokens ({len(item.ids)} tokens)"
        work.dropped[row] = reason
        return
    cut = truncate(item, work.overlong)
    if _is_trained(cut):
        work.overlong.rows_without_end += 1
        work.pieces.append(Piece(row, cut))
    else:
        work.dropped[row] = f"its prompt alone is longer than {work.config.max_tokens} tokens"


def _refuse_overlong(work: Work, examples: Sequence[Example]) -> None:
    if work.config.on_overlong != "error" or not work.dropped:
        return
    listed = "; ".join(
        f"{examples[row].path}:{examples[row].line}: {why}"
        for row, why in list(work.dropped.items())[:10]
    )
    raise DataError(
        f"{len(work.dropped)} of {len(examples)} rows are too long: {listed}"
        f"{'; …' if len(work.dropped) > 10 else ''}.",
        hint="Raise data.max_tokens, or choose --on-overlong truncate, drop or split.",
    )


def _is_trained(item: Encoded) -> bool:
    """Tell whether anything is learned; nothing predicts the first token, so it does not count."""
    return bool(item.trained[1:].any()) and item.trained_characters() > 0


def _drop_untrained(work: Work) -> None:
    """Leave out pieces in which nothing is trained, and rows of which no piece is left."""
    kept = [p for p in work.pieces if p.row not in work.refused and _is_trained(p.encoded)]
    alive = {piece.row for piece in kept}
    for piece in work.pieces:
        if piece.row not in alive and piece.row not in work.refused:
            work.dropped.setdefault(piece.row, "no token of it is trained")
    work.pieces = kept
    work.dropped = {row: why for row, why in work.dropped.items() if row not in alive}
