"""Files to training data: read, render, tokenise, fit, hold out, and account for every row.

rows read = rows kept + rows rejected, and every rejection has a reason
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from migaki.corpus.split import Groups, hold_out, near_duplicate_groups, shared_answers
from migaki.dataset.config import DataConfig
from migaki.dataset.conversations import Chat, Example, RowProblemError, Text
from migaki.dataset.fitting import divide_chat, divide_text, truncate
from migaki.dataset.reading import Progress, ReadFile, read_files, refuse_bad_rows
from migaki.dataset.report import (
    DataReport,
    FileReport,
    Overlong,
    RejectedRow,
    SplitReport,
    count_reasons,
    describe,
)
from migaki.dataset.template import ChatTemplate, Rendered
from migaki.dataset.token_dataset import Origin, TokenDataset
from migaki.dataset.tokens import Encoded, Encoder
from migaki.errors import DataError

__all__ = ["PreparedData", "prepare"]

_BATCH = 1000
_FEW_ROWS = 10
"""With fewer rows than this, and long texts among them, pieces of texts are held out, not rows."""


@dataclass(frozen=True, slots=True)
class PreparedData:
    """Data that is ready for training.

    Args:
        train: What is trained on.
        validation: What is only measured on; may be empty.
        report: What became of every row.
        rejected: The rows that are not used, in file order.
    """

    train: TokenDataset
    validation: TokenDataset
    report: DataReport
    rejected: tuple[RejectedRow, ...]


@dataclass(slots=True)
class _Piece:
    """One training example on its way: part or whole of a row."""

    row: int
    encoded: Encoded


@dataclass(slots=True)
class _Work:
    """What is counted while rows are encoded."""

    config: DataConfig
    encoder: Encoder
    overlong: Overlong
    pieces: list[_Piece] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    """Row to reason, for rows that cannot be rendered."""
    dropped: dict[int, str] = field(default_factory=dict)
    """Row to reason, for rows left out by policy."""
    overlong_rows: set[int] = field(default_factory=set)
    notes: Counter[str] = field(default_factory=Counter)
    straddling: int = 0


def prepare(
    config: DataConfig, tokenizer: Any, *, on_progress: Progress | None = None
) -> PreparedData:
    """Make training data of files.

    Args:
        config: Which files, and the policies.
        tokenizer: A fast transformers tokenizer. One without a chat template gets a default one.
        on_progress: Told the stage, what is done and what there is in all.

    Raises:
        DataError: A file or, with ``on_bad_row="error"``, a row cannot be used; a row is too long
            and ``on_overlong`` is ``error``; or nothing is left to train on.
        ModelError: It cannot be proven what the chat template trains.
    """
    files = read_files(
        config.train, config, role="train", max_rows=config.max_rows, on_progress=on_progress
    )
    files += read_files(config.evaluation, config, role="validation", on_progress=on_progress)
    rows = sum(file.rows for file in files)
    rejected = [row for file in files for row in file.rejected]
    if config.on_bad_row == "error":
        refuse_bad_rows(rejected, rows)
    examples = [example for file in files for example in file.examples]
    template = (
        ChatTemplate(tokenizer) if any(_needs_template(e, tokenizer) for e in examples) else None
    )
    work = _encode_all(examples, config, tokenizer, template, on_progress)
    refused = [_reject(examples[row], reason) for row, reason in work.refused.items()]
    if config.on_bad_row == "error":
        refuse_bad_rows(refused, rows)
    measured = np.array([file.role == "validation" for file in files for _ in file.examples], bool)
    held, split = _choose_held_out(examples, measured, work, config, on_progress)
    rejected += refused + [_reject(examples[row], why) for row, why in work.dropped.items()]
    return _finish(files, examples, work, held, split, rejected, template, tokenizer)


# ── rows to tokens ───────────────────────────────────────────────────────────────────────────────


def _needs_template(example: Example, tokenizer: Any) -> bool:
    chat = example.content
    return isinstance(chat, Chat) and bool(tokenizer.chat_template or not chat.plain)


def _encode_all(
    examples: Sequence[Example],
    config: DataConfig,
    tokenizer: Any,
    template: ChatTemplate | None,
    on_progress: Progress | None,
) -> _Work:
    policy = "split text, truncate chats" if config.on_overlong == "auto" else config.on_overlong
    work = _Work(config, Encoder(tokenizer), Overlong(policy, config.max_tokens))
    for start in range(0, len(examples), _BATCH):
        batch = range(start, min(start + _BATCH, len(examples)))
        texts, plain, chats = [], [], []
        for row in batch:
            content = examples[row].content
            if isinstance(content, Text):
                texts.append((row, content))
            elif _needs_template(examples[row], tokenizer):
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
    _drop_untrained(work, examples)
    return work


def _encode_texts(work: _Work, rows: Sequence[tuple[int, Text]]) -> None:
    encoded = work.encoder.encode_texts([content.text for _, content in rows])
    for (row, content), item in zip(rows, encoded, strict=True):
        controls = work.encoder.count_imitations(content.text)
        if controls:
            work.notes["control tokens written in running text are read as control tokens"] += 1
        if len(item.ids) > work.config.max_tokens and work.config.on_overlong in ("auto", "split"):
            work.overlong_rows.add(row)
            windows = divide_text(item, content.text, work.config.max_tokens)
            work.overlong.pieces += len(windows)
            work.pieces += [_Piece(row, window) for window in windows]
        else:
            _fit(work, row, item)


def _encode_plain(work: _Work, rows: Sequence[tuple[int, Chat]]) -> None:
    """Prompt and completion for a model without a chat template: joined as they are."""
    pairs = [(chat.messages[0].content, chat.messages[-1].content) for _, chat in rows]
    for (row, _), item in zip(rows, work.encoder.encode_completions(pairs), strict=True):
        work.straddling += item.straddling
        _fit(work, row, item)


def _encode_chats(
    work: _Work,
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
        where = [f"{examples[row].path}:{examples[row].line}" for row, _, _ in rendered]
        encoded = work.encoder.encode_chats([item for _, _, item in rendered], where)
        waiting = _fit_chats(work, rendered, encoded)


def _fit_chats(
    work: _Work, rendered: Sequence[tuple[int, Chat, Rendered]], encoded: Sequence[Encoded]
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


def _fit(work: _Work, row: int, item: Encoded) -> None:
    """Keep an example, cut or leave out one that is too long."""
    if len(item.ids) <= work.config.max_tokens:
        work.pieces.append(_Piece(row, item))
        return
    work.overlong_rows.add(row)
    if work.config.on_overlong in ("drop", "error"):
        work.overlong.tokens_total_lost += len(item.ids)
        work.overlong.tokens_trained_lost += int(item.trained.sum())
        reason = f"longer than {work.config.max_tokens} tokens ({len(item.ids)} tokens)"
        work.dropped[row] = reason
        return
    work.pieces.append(_Piece(row, truncate(item, work.overlong)))


def _refuse_overlong(work: _Work, examples: Sequence[Example]) -> None:
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


def _drop_untrained(work: _Work, examples: Sequence[Example]) -> None:
    """Leave out examples in which nothing is trained; the first token counts for nothing."""
    kept = []
    for piece in work.pieces:
        if piece.encoded.trained[1:].any() and piece.encoded.trained_characters() > 0:
            kept.append(piece)
        else:
            work.dropped.setdefault(piece.row, "no trained token is left within max_tokens")
    work.pieces = kept
    alive = {piece.row for piece in kept}
    work.dropped = {row: why for row, why in work.dropped.items() if row not in alive}


# ── holding out ──────────────────────────────────────────────────────────────────────────────────


def _choose_held_out(
    examples: Sequence[Example],
    measured: npt.NDArray[np.bool_],
    work: _Work,
    config: DataConfig,
    on_progress: Progress | None,
) -> tuple[npt.NDArray[np.bool_], SplitReport]:
    """Return for each piece whether it is held out, and how that was chosen."""
    of_piece = np.array([piece.row for piece in work.pieces], dtype=np.int64)
    if not measured.any() and config.held_out == 0:
        return np.zeros(len(of_piece), bool), SplitReport("nothing held out, as asked")
    alive = np.unique(of_piece)
    texts = [_whole_text(examples[row]) for row in alive]
    answers = [_answers(examples[row]) for row in alive]
    groups = near_duplicate_groups(texts, answers=answers, progress=on_progress)
    if measured.any():
        return _separate_files(alive, of_piece, measured[alive], groups, answers, work)
    if groups.count < _FEW_ROWS <= len(of_piece) and work.overlong.pieces:
        count = min(max(1, round(len(of_piece) * config.held_out)), config.max_held_out_rows)
        held = np.arange(len(of_piece)) >= len(of_piece) - count
        return held, SplitReport(
            f"the last {count} of {len(of_piece)} pieces of text: {groups.count} rows are too few "
            "to hold any out whole"
        )
    chosen = hold_out(
        groups, share=config.held_out, max_rows=config.max_held_out_rows, seed=config.seed
    )
    report = _split_report(
        f"{config.held_out:.0%} of the rows, near-duplicates on one side", groups, answers, chosen
    )
    return np.isin(of_piece, alive[chosen]), report


def _separate_files(
    alive: npt.NDArray[np.int64],
    of_piece: npt.NDArray[np.int64],
    measured: npt.NDArray[np.bool_],
    groups: Groups,
    answers: Sequence[Sequence[str]],
    work: _Work,
) -> tuple[npt.NDArray[np.bool_], SplitReport]:
    """Files of their own are measured on; what they share with the training files leaves those."""
    leaked = ~measured & np.isin(groups.of_row, groups.of_row[measured])
    for row in alive[leaked]:
        work.dropped[int(row)] = "also in the evaluation files, or nearly so"
    keep = ~np.isin(of_piece, alive[leaked])
    work.pieces = [piece for piece, kept in zip(work.pieces, keep, strict=True) if kept]
    report = _split_report("evaluation files of their own", groups, answers, measured)
    return np.isin(of_piece[keep], alive[measured]), report


def _split_report(
    method: str, groups: Groups, answers: Sequence[Sequence[str]], held: npt.NDArray[np.bool_]
) -> SplitReport:
    _, index, sizes = np.unique(groups.of_row, return_inverse=True, return_counts=True)
    together = int((sizes[index][held] > 1).sum())
    return SplitReport(
        method, groups.count, groups.largest, groups.duplicate_rows, together,
        shared_answers(answers, held),
    )  # fmt: skip


def _whole_text(example: Example) -> str:
    content = example.content
    return content.text if isinstance(content, Text) else content.whole_text


def _answers(example: Example) -> tuple[str, ...]:
    return example.content.answers if isinstance(example.content, Chat) else ()


# ── accounting ───────────────────────────────────────────────────────────────────────────────────


def _reject(example: Example, reason: str) -> RejectedRow:
    content = example.content
    if isinstance(content, Text):
        return RejectedRow(example.path, example.line, reason, {"text": content.text})
    messages = [message.as_mapping() for message in content.messages]
    return RejectedRow(example.path, example.line, reason, {"messages": messages})


def _finish(  # noqa: PLR0913 - the end of one path: everything that was counted on the way
    files: Sequence[ReadFile],
    examples: Sequence[Example],
    work: _Work,
    held: npt.NDArray[np.bool_],
    split: SplitReport,
    rejected: list[RejectedRow],
    template: ChatTemplate | None,
    tokenizer: Any,
) -> PreparedData:
    sides = {}
    for name, wanted in (("train", False), ("validation", True)):
        pieces = [p for p, out in zip(work.pieces, held, strict=True) if out == wanted]
        origins = [Origin(examples[p.row].path, examples[p.row].line) for p in pieces]
        dataset = TokenDataset.from_encoded([p.encoded for p in pieces], origins)
        sides[name] = (dataset, {p.row for p in pieces})
    train, train_rows = sides["train"]
    validation, held_rows = sides["validation"]
    if len(train) == 0:
        reasons = "; ".join(f"{n} rows: {why}" for why, n in count_reasons(rejected).items())
        raise DataError(f"No row is left to train on ({reasons or 'the files hold none'}).")
    held_only = held_rows - train_rows  # a text of which only pieces are held out counts once
    order = {str(file.source.path): number for number, file in enumerate(files)}
    rejected.sort(key=lambda row: (order[str(row.path)], row.line))
    has_text = any(isinstance(example.content, Text) for example in examples)
    report = DataReport(
        files=tuple(_file_report(file, rejected) for file in files),
        rows_read=sum(file.rows for file in files),
        rows_kept=len(train_rows | held_rows),
        rejected=count_reasons(rejected),
        overlong=work.overlong,
        split=split,
        train=describe(train, len(train_rows)),
        validation=describe(validation, len(held_only)),
        notes=dict(work.notes.most_common()),
        warnings=tuple(_warnings(work, template, tokenizer, split)),
        template=f"the chat template {template.origin}" if template else None,
        end_of_turn=tuple(sorted(template.ends_of_turn)) if template else (),
        text_ends_with=tokenizer.eos_token if has_text else None,
    )
    return PreparedData(train, validation, report, tuple(rejected))


def _file_report(file: ReadFile, rejected: Sequence[RejectedRow]) -> FileReport:
    source = file.source
    lost = sum(row.path == source.path for row in rejected)
    return FileReport(
        path=str(source.path),
        role=file.role,
        kind=source.kind,
        bytes=source.bytes,
        sha256=source.sha256,
        encoding=source.encoding.codec if source.encoding else "binary",
        encoding_reason=source.encoding.reason if source.encoding else "Parquet",
        format=file.format,
        format_reason=file.format_reason,
        rows=file.rows,
        kept=file.rows - lost,
        licences=dict(file.licences.most_common()),
    )


def _warnings(
    work: _Work, template: ChatTemplate | None, tokenizer: Any, split: SplitReport
) -> list[str]:
    found = []
    if work.overlong.rows_without_end:
        found.append(
            f"{work.overlong.rows_without_end} examples were cut at {work.overlong.max_tokens} tokens "
            "and lost the end of their answer: they do not teach the model to stop. Raise "
            "data.max_tokens, or choose --on-overlong split or drop."
        )
    if work.straddling:
        found.append(
            f"{work.straddling} tokens reach over the beginning of a trained part: the tokenizer "
            "joins the end of the prompt and the beginning of the answer. They are trained."
        )
    other_ends = template.ends_of_turn - {tokenizer.eos_token} if template else set()
    if other_ends:
        found.append(
            f"The template ends a turn with {', '.join(sorted(other_ends))}, not with the "
            f"tokenizer's {tokenizer.eos_token}: generation must stop there too."
        )
    if tokenizer.eos_token is None and not template:
        found.append("The tokenizer has no end-of-text token: the model will not learn to stop.")
    if split.shared_answers:
        found.append(
            f"{split.shared_answers} held-out rows have a short answer that is also said in training "
            "(such as 「はい。」)."
        )
    return found
