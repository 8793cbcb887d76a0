"""Files to training data: read, render, tokenise, fit, hold out, and account for every row.

rows read = rows kept + rows rejected, and every rejection has a reason
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from migaki.dataset.config import DataConfig
from migaki.dataset.conversations import Example, Text
from migaki.dataset.holding_out import choose_held_out
from migaki.dataset.pieces import Work, encode_examples, needs_template
from migaki.dataset.reading import Progress, ReadFile, read_files, refuse_bad_rows
from migaki.dataset.report import (
    DataReport,
    FileReport,
    RejectedRow,
    SourceRows,
    SplitReport,
    count_reasons,
    describe,
)
from migaki.dataset.template import ChatTemplate
from migaki.dataset.token_dataset import Origin, TokenDataset
from migaki.errors import DataError

__all__ = ["PreparedData", "prepare"]

_LISTED_SOURCES = 50  # of a file; thousands of single works would drown the report


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
        ChatTemplate(tokenizer) if any(needs_template(e, tokenizer) for e in examples) else None
    )
    work = encode_examples(examples, config, tokenizer, template, on_progress)
    refused = [_reject(examples[row], reason) for row, reason in work.refused.items()]
    if config.on_bad_row == "error":
        refuse_bad_rows(refused, rows)
    measured = np.array([file.role == "validation" for file in files for _ in file.examples], bool)
    held, split = choose_held_out(examples, measured, work, config, on_progress)
    rejected += refused + [_reject(examples[row], why) for row, why in work.dropped.items()]
    return _finish(files, examples, work, held, split, rejected, template, tokenizer)


def _reject(example: Example, reason: str) -> RejectedRow:
    content = example.content
    if isinstance(content, Text):
        return RejectedRow(example.path, example.line, reason, {"text": content.text})
    messages = [message.as_mapping() for message in content.messages]
    return RejectedRow(example.path, example.line, reason, {"messages": messages})


def _finish(
    files: Sequence[ReadFile],
    examples: Sequence[Example],
    work: Work,
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
        if len(validation):
            raise DataError(
                f"No row is left to train on: all {len(held_rows)} that can be used are held out "
                f"({split.method}).",
                hint="Lower data.held_out, or give more data.",
            )
        reasons = "; ".join(f"{n} rows: {why}" for why, n in count_reasons(rejected).items())
        raise DataError(
            f"No row is left to train on ({reasons or 'the files hold none'}).",
            hint="Repair the rows, or raise data.max_tokens where they are too long.",
        )
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
        warnings=tuple(_warnings(work, template, tokenizer, split, train)),
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
        sources=_sources(file),
    )


def _sources(file: ReadFile) -> list[SourceRows]:
    """Return the sources of a file; those beyond the largest are counted together by licence."""
    found = file.sources.most_common()
    listed = [SourceRows(*place, rows) for place, rows in found[:_LISTED_SOURCES]]
    others: Counter[str] = Counter()
    for (_, licence), rows in found[_LISTED_SOURCES:]:
        others[licence] += rows
    name = f"{len(found) - _LISTED_SOURCES:,} other sources of {file.source.name}"
    return [*listed, *(SourceRows(name, licence, rows) for licence, rows in others.items())]


def _warnings(
    work: Work,
    template: ChatTemplate | None,
    tokenizer: Any,
    split: SplitReport,
    train: TokenDataset,
) -> list[str]:
    found = []
    unknown = tokenizer.unk_token_id
    if unknown is not None and unknown not in (tokenizer.eos_token_id, tokenizer.pad_token_id):
        count = int((train.input_ids == unknown).sum())
        if count:
            found.append(
                f"{count} tokens are {tokenizer.unk_token}: the tokenizer does not know their characters."
            )
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
