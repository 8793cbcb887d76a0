"""Which pieces are held out for measuring, and how much that kept apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from migaki.corpus.split import Groups, hold_out, near_duplicate_groups, shared_answers
from migaki.dataset.config import DataConfig
from migaki.dataset.conversations import Chat, Example, Text
from migaki.dataset.pieces import Work
from migaki.dataset.reading import Progress
from migaki.dataset.report import SplitReport

__all__ = ["choose_held_out"]

_FEW_ROWS = 10
"""With fewer rows than this, and long texts among them, pieces of texts are held out, not rows."""


def choose_held_out(
    examples: Sequence[Example],
    measured: npt.NDArray[np.bool_],
    work: Work,
    config: DataConfig,
    on_progress: Progress | None,
) -> tuple[npt.NDArray[np.bool_], SplitReport]:
    """Choose the pieces that are only measured on.

    Args:
        examples: The rows.
        measured: Shape (rows,): True for rows of evaluation files.
        work: The encoded pieces; rows that also stand in evaluation files leave it.
        config: Share, limit and seed.
        on_progress: Told the stage, rows done and rows in all.

    Returns:
        Shape (pieces,): True where held out, and how that was chosen.
    """
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
    work: Work,
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
