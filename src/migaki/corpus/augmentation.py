"""`linguistics.augment` over a file: streamed, in order, on several processes, resumable.

The file is read in chunks of rows; a chunk is turned into bytes by a worker and appended by the
caller's process. What is in memory is a few chunks, however many rows there are, and neither the
number of workers nor a stop in the middle changes a byte of the output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from migaki.corpus.augmentation_licence import FORBIDDEN, licence_of_row, why_not_changed
from migaki.corpus.augmentation_summary import Summary
from migaki.corpus.files import BadRow, Row, SourceFile, find_files, open_file
from migaki.corpus.licences import UNKNOWN, find_licence, known_licences
from migaki.corpus.ordered_map import map_ordered
from migaki.corpus.resumable_output import ResumableOutput
from migaki.corpus.row_variants import Generate, Generated, VariedRow, vary_row
from migaki.corpus.row_writing import (
    Column,
    RowWriting,
    UnwritableRowError,
    json_line,
    known_columns,
    provenance_types,
    target_kind,
    writing_of,
)
from migaki.corpus.streaming import chunks, count_rows, row_stream
from migaki.corpus.text_fields import FieldProblemError
from migaki.errors import BadRowError, UsageError
from migaki.linguistics.analyzer import default_analyzer
from migaki.linguistics.augment import VariantStats, variants
from migaki.linguistics.operators import find_operators
from migaki.linguistics.operators.operator import Use

__all__ = ["REJECTED", "Augmentation", "Summary", "augment_file", "japanese_variants"]

REJECTED = ".rejected.jsonl"
"""Suffix of the file that lists the rows that could not be used, each with its reason."""

Progress = Callable[[int, int | None], None]
"""Told the rows done and the rows there are, if that is known."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What is asked for; together with the input it decides every byte of the output.

    Attributes:
        variants: Variants asked for each row; fewer are made where there are no more good ones.
        seed: Chooses among the possible variants.
        operators: Names of the operators to use; none means all of that use.
        use: ``train``, ``rejected`` or ``evaluation``.
        fields: Columns, or roles of a conversation, whose text is varied; none means what the model is
            to say.
        keep_source: Whether each source row stands before its variants.
        rate: Share of the rows that get variants, 0 to 1; the seed chooses them.
        max_rows: Only so many rows, from the top, get variants; none means all.
        engine: The analyser: ``fugashi`` or ``sudachi``.
        on_bad_row: ``error`` stops at a row that cannot be used, ``skip`` leaves it out and lists it.
        encoding: Text encoding of the input, or ``auto``.
        licence: Licence of the rows that state none themselves.
        force_licence: Vary rows whose licence forbids changed texts too.
    """

    variants: int = 3
    seed: int = 0
    operators: tuple[str, ...] = ()
    use: str = "train"
    fields: tuple[str, ...] = ()
    keep_source: bool = True
    rate: float = 1.0
    max_rows: int | None = None
    engine: str = "fugashi"
    on_bad_row: Literal["error", "skip"] = "error"
    encoding: str = "auto"
    licence: str | None = None
    force_licence: bool = False

    def __post_init__(self) -> None:
        if self.variants < 1:
            raise UsageError(f"{self.variants} variants were asked for; at least 1 is needed.")
        if not 0 < self.rate <= 1:
            raise UsageError(f"The rate is {self.rate}; it is a share of the rows: 0 < rate <= 1.")
        if self.max_rows is not None and self.max_rows < 1:
            raise UsageError(f"max_rows is {self.max_rows}; at least 1 row can be varied.")
        if self.licence is not None and find_licence(self.licence).name == UNKNOWN != self.licence:
            names = ", ".join(licence.name for licence in known_licences())
            raise UsageError(f"The licence '{self.licence}' is not known.", hint=f"Valid: {names}.")

    def chooses(self, row: Row, number: int) -> bool:
        """Tell whether a row gets variants.

        Args:
            row: The row; its line and the seed decide, so neither order nor workers do.
            number: Its place among the rows, from 0.
        """
        if self.max_rows is not None and number >= self.max_rows:
            return False
        if self.rate == 1:
            return True
        digest = blake2b(f"{self.seed}:{row.line}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") < self.rate * 2**64


def japanese_variants(asked: Augmentation) -> Generate:
    """Return what makes the variants of a text: `linguistics.augment.variants`.

    Raises:
        UsageError: An operator or the use is not known, or an operator is not for this use.
        MissingExtraError: The analyser is not installed.

    Example:
        >>> generate = japanese_variants(Augmentation(variants=1, operators=("verbs",)))
        >>> [variant.text for variant in generate("何を見ているの？").variants]
        ['何を見てるの？']
    """
    analyzer = default_analyzer(asked.engine)
    use = _use(asked.use)
    names = asked.operators or None
    for name in asked.operators:
        _refuse_other_use(name, use)

    def generate(text: str) -> Generated:
        stats = VariantStats()
        found = variants(
            text,
            count=asked.variants,
            seed=asked.seed,
            operators=names,
            use=use,
            analyzer=analyzer,
            stats=stats,
        )
        rejections: dict[str, dict[str, int]] = {}
        for (operator, reason), count in stats.rejected.items():
            rejections.setdefault(operator, {})[str(reason)] = count
        return Generated(found, rejections)

    return generate


def _use(name: str) -> Use:
    try:
        return Use(name)
    except ValueError as err:
        raise UsageError(f"There is no use '{name}'. Valid: {', '.join(Use)}.") from err


def _refuse_other_use(name: str, use: Use) -> None:
    uses = dict.fromkeys(operator.use for operator in find_operators([name]))
    if use not in uses:
        raise UsageError(
            f"{name} is for the use {' and '.join(uses)}, not for {use}.",
            hint=f"Leave it out, or ask for that use: --use {next(iter(uses))}.",
        )


def augment_file(
    source: Path,
    target: Path,
    asked: Augmentation,
    *,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Progress | None = None,
    make_generate: Callable[[Augmentation], Generate] = japanese_variants,
) -> Summary:
    """Write the rows of a file and their variants to another.

    With several workers the calling script must be importable (``if __name__ == "__main__":``).

    Args:
        source: JSON Lines, Parquet or text (a row a line); JSON, CSV and TSV too, but those are held
            in memory whole.
        target: ``.jsonl``, ``.parquet`` or ``.txt``. Beside it may appear ``.rejected.jsonl`` and, for
            text, ``.provenance.jsonl``.
        asked: What is asked for.
        workers: Processes. The result does not depend on it.
        resume: Go on with work that was stopped.
        overwrite: Replace an output that exists.
        on_progress: Told rows done and rows there are, first at the start.
        make_generate: Makes the function that makes the variants of a text; must be picklable.

    Raises:
        UsageError: The call is wrong, or the output exists, or was begun otherwise.
        DataError: The input is not readable, or a row of it cannot be used.
        MissingExtraError: The analyser is not installed.
        RunInterruptedError: Ctrl-C; what is done is kept.
    """
    file = _open(source, asked.encoding)
    if target.exists() and target.samefile(file.path):
        raise UsageError(f"Input and output are the same file: {target}.", hint="Give another -o.")
    make_generate(asked)  # what is wrong with it is said before anything is written
    writing = writing_of(target, columns=lambda: {**known_columns([file]), **provenance_types()})
    work = _ChunkWork(
        file.name,
        asked,
        writing,
        _stamp(asked),
        make_generate,
    )
    output = ResumableOutput(
        target,
        suffixes=(*writing.suffixes, REJECTED),
        identity=_identity(file, target, asked, work.stamp),
        resume=resume,
        overwrite=overwrite,
    )
    with output.kept_when_stopped(), output:
        return _carry_out(file, work, output, workers, on_progress)


def _open(source: Path, encoding: str) -> SourceFile:
    found = find_files([str(source)])
    if len(found) > 1:
        raise UsageError(
            f"{source} stands for {len(found)} files; one file is augmented at a time.",
            hint=f"Give one of them, for example {found[0]}.",
        )
    return open_file(found[0], encoding=encoding)


def _carry_out(
    file: SourceFile,
    work: _ChunkWork,
    output: ResumableOutput,
    workers: int,
    on_progress: Progress | None,
) -> Summary:
    total = Summary(**output.totals)
    if not output.finished:
        rows = islice(row_stream(file), output.rows, None)
        count = count_rows(file) if on_progress else None
        if on_progress:
            on_progress(output.rows, count)
        numbered = _numbered(chunks(rows), output.rows)
        for done in map_ordered(work, numbered, workers=workers):
            if done.stopped_at:
                raise _bad_row_error(done.stopped_at)
            total.add(done.summary)
            output.append(done.pieces, rows=done.summary.rows, totals=total.to_json())
            if on_progress:
                on_progress(output.rows, count)
    output.finish(work.writing.finisher)
    return total


def _numbered(
    pieces: Iterable[list[Row | BadRow]], first: int
) -> Iterator[tuple[int, list[Row | BadRow]]]:
    """Give each chunk the number of its first row."""
    for piece in pieces:
        yield first, piece
        first += len(piece)


def _bad_row_error(row: BadRow) -> BadRowError:
    by_licence = row.reason.startswith(FORBIDDEN)
    return BadRowError(
        f"{row.reason}.",
        path=row.path,
        line=row.line,
        hint="Leave such rows out with --on-bad-row skip --resume; if you have the permission of their "
        "authors, begin anew with --force-licence."
        if by_licence
        else "Repair it and begin anew, or go on without such rows: --on-bad-row skip --resume.",
    )


def _stamp(asked: Augmentation) -> dict[str, Any]:
    """Return the provenance that all rows share."""
    return {
        "augment_seed": asked.seed,
        "augment_analyzer": default_analyzer(asked.engine).name,
        "augment_version": version("migaki"),
    }


def _identity(
    file: SourceFile, target: Path, asked: Augmentation, stamp: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "input": file.name,
        "input's SHA-256": file.sha256,
        "encoding": file.encoding.codec if file.encoding else "",
        "format": target_kind(target),
        "variants": asked.variants,
        "seed": asked.seed,
        "operators": asked.operators,
        "use": asked.use,
        "field": asked.fields,
        "keep source": asked.keep_source,
        "rate": asked.rate,
        "rows to vary": asked.max_rows,
        "licence": asked.licence or "",
        "licence forced": asked.force_licence,
        "analyser": stamp["augment_analyzer"],
        "migaki": stamp["augment_version"],
    }


# ── one chunk ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Done:
    """What a chunk became."""

    pieces: tuple[bytes, ...]
    summary: Summary
    stopped_at: BadRow | None = None


@dataclass(frozen=True, slots=True)
class _ChunkWork:
    """Turns a chunk of rows into bytes; sent to the workers."""

    file_name: str
    asked: Augmentation
    writing: RowWriting
    stamp: Mapping[str, Any]
    make_generate: Callable[[Augmentation], Generate]

    def __call__(self, numbered: tuple[int, Sequence[Row | BadRow]]) -> _Done:
        first, chunk = numbered
        summary = Summary(rows=len(chunk))
        generate = self.make_generate(self.asked)
        kept: list[tuple[Mapping[str, Any], Column]] = []
        rejected: list[bytes] = []
        for number, row in enumerate(chunk, first):
            chosen = not isinstance(row, BadRow) and self.asked.chooses(row, number)
            varied = self._outcome(row, generate, chosen=chosen)
            if isinstance(varied, VariedRow):
                if chosen:
                    summary.count(varied, licence_of_row(varied.rows[0], self.asked.licence))
                else:
                    summary.pass_over()
                rows = varied.rows if self.asked.keep_source else varied.rows[1:]
                kept += [(value, varied.column) for value in rows]
            elif self.asked.on_bad_row == "error":
                return _Done((), summary, stopped_at=varied)
            else:
                rejected.append(_reject(varied, summary))
        summary.rows_out = len(kept)
        return _Done((*self.writing.encode(kept), b"".join(rejected)), summary)

    def _outcome(
        self, row: Row | BadRow, generate: Generate, *, chosen: bool
    ) -> VariedRow | BadRow:
        if isinstance(row, BadRow):
            return row
        if not chosen:
            return self._vary(row, _nothing)
        why_not = why_not_changed(licence_of_row(row.value, self.asked.licence))
        if why_not and not self.asked.force_licence:
            return BadRow(row.path, row.line, why_not, row.value)
        return self._vary(row, generate)

    def _vary(self, row: Row, generate: Generate) -> VariedRow | BadRow:
        try:
            varied = vary_row(
                row.value,
                generate,
                source=f"{self.file_name}:{row.line}",
                fields=self.asked.fields,
                stamp=self.stamp,
            )
            self.writing.check(varied.rows[0], varied.column)
        except (FieldProblemError, UnwritableRowError) as err:
            return BadRow(row.path, row.line, str(err), row.value)
        except Exception as err:  # one strange row must not cost the work on all others
            reason = f"could not be varied ({type(err).__name__}: {err}); please report it"
            return BadRow(row.path, row.line, reason, row.value)
        return varied


def _nothing(text: str) -> Generated:
    """Make no variant: the row was not chosen."""
    return Generated(())


def _reject(bad: BadRow, summary: Summary) -> bytes:
    entry = {"file": str(bad.path), "line": bad.line, "reason": bad.reason}
    summary.bad_rows += 1
    summary.listed_bad_rows.append(entry)
    try:
        return json_line({**entry, "row": bad.raw})
    except UnwritableRowError:
        return json_line({**entry, "row": repr(bad.raw)})
