"""One row → the row and its variants, each saying where it comes from and what was changed.

What one speaker says in a row is varied as one text, so that a conversation does not end in two
registers; each edit then goes back to the message it belongs to.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from migaki.corpus.text_fields import (
    FieldProblemError,
    Place,
    Voice,
    chosen_field,
    find_voice,
    kind_of,
    put_back,
)
from migaki.linguistics.edits import Edit, apply_edits
from migaki.linguistics.sentences import sentence_spans

__all__ = ["PROVENANCE_COLUMNS", "Generate", "Generated", "VariedRow", "vary_row"]

PROVENANCE_COLUMNS = (
    "augment_source",  # the source row: file and line, or record in Parquet
    "augment_variant",  # 0 the source row as it is, then its variants
    "augment_operators",  # names, in the order of the edits
    "augment_edits",  # [{field, start, end, original, replacement, rule}], offsets in the source
    "augment_seed",
    "augment_analyzer",
    "augment_version",  # of migaki
)
"""What every row of the output has beside the columns of its source row."""

_BETWEEN_TURNS = "\n\n"
_ACROSS_TURNS = "an edit that spans two messages"

Rejections = Mapping[str, Mapping[str, int]]
"""Operator → reason → how often an outcome was rejected."""


class Variant(Protocol):
    """Of a `linguistics.augment.Variant`, what is needed here."""

    @property
    def edits(self) -> Sequence[Edit]:
        """What was changed; offsets count in the source text."""
        ...

    @property
    def operators(self) -> Sequence[str]:
        """Names of the operators that took part."""
        ...


@dataclass(frozen=True, slots=True)
class Generated:
    """The variants of one text, and what was rejected on the way."""

    variants: Sequence[Variant]
    rejections: Rejections = field(default_factory=dict)


Generate = Callable[[str], Generated]


@dataclass(slots=True)
class VariedRow:
    """A row, its variants and their counts."""

    rows: list[dict[str, Any]]
    """The source row first."""
    column: str | None
    """The column of the only text, if the row has one text."""
    fields: tuple[str, ...]
    """Which fields were taken."""
    sentences: int = 0
    untouched_sentences: int = 0
    """Sentences that no variant changes."""
    rejections: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _VoiceVariant:
    texts: Mapping[Place, str]
    edits: Sequence[tuple[Place, Edit]]
    operators: tuple[str, ...]


def vary_row(
    value: Any,
    generate: Generate,
    *,
    source: str,
    fields: Sequence[str] = (),
    stamp: Mapping[str, Any],
) -> VariedRow:
    """Make the variants of a row.

    Args:
        value: The row as it was read: an object, or a bare string.
        generate: Makes variants of a text.
        source: What the row is called in the provenance.
        fields: Which texts to take (see `text_fields.find_voice`); none means what the model is to
            say.
        stamp: Provenance that all rows share: ``augment_seed``, ``augment_analyzer``, ``augment_version``.

    Raises:
        FieldProblemError: The row has no such text.
    """
    row = _as_object(value)
    taken = tuple(fields) or (chosen_field(row),)
    voices = [find_voice(row, name) for name in taken]
    varied = VariedRow([], _only_column(voices), taken)
    made = [_vary_voice(voice, generate, varied) for voice in voices]
    for number in range(1 + max((len(variants) for variants in made), default=0)):
        chosen = [variants[number - 1] for variants in made if 0 < number <= len(variants)]
        varied.rows.append(_stamped(row, chosen, number, source, stamp))
    return varied


def _as_object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, Mapping):
        raise FieldProblemError(f"is {kind_of(value)}, not an object")
    taken = [column for column in PROVENANCE_COLUMNS if column in value]
    if taken:
        raise FieldProblemError(
            f"has the column '{taken[0]}': it was made by migaki augment; take its source instead"
        )
    return value


def _only_column(voices: Sequence[Voice]) -> str | None:
    if len(voices) == 1 and len(voices[0]) == 1 and len(voices[0][0].path) == 1:
        return str(voices[0][0].path[0])
    return None


def _stamped(
    row: Mapping[str, Any],
    chosen: Sequence[_VoiceVariant],
    number: int,
    source: str,
    stamp: Mapping[str, Any],
) -> dict[str, Any]:
    texts = {place: text for variant in chosen for place, text in variant.texts.items()}
    return {
        **put_back(row, texts),
        "augment_source": source,
        "augment_variant": number,
        "augment_operators": list(
            dict.fromkeys(name for variant in chosen for name in variant.operators)
        ),
        "augment_edits": [
            _edit_row(place, edit) for variant in chosen for place, edit in variant.edits
        ],
        **stamp,
    }


def _edit_row(place: Place, edit: Edit) -> dict[str, Any]:
    return {
        "field": place.name,
        "start": place.begin + edit.start,
        "end": place.begin + edit.end,
        "original": place.text[edit.start : edit.end],
        "replacement": edit.replacement,
        "rule": edit.rule,
    }


def _vary_voice(voice: Voice, generate: Generate, varied: VariedRow) -> list[_VoiceVariant]:
    """Vary what one speaker says as one text; count into `varied`."""
    places = [place for place in voice if place.text.strip()]
    if not places:
        return []
    starts, length = [], 0
    for place in places:
        starts.append(length)
        length += len(place.text) + len(_BETWEEN_TURNS)
    text = _BETWEEN_TURNS.join(place.text for place in places)
    generated = generate(text)
    for operator, reasons in generated.rejections.items():
        varied.rejections.setdefault(operator, Counter()).update(reasons)
    made: list[_VoiceVariant] = []
    edits: list[Edit] = []
    for variant in generated.variants:
        apart = _apart(places, starts, variant)
        if apart is None:
            for operator in variant.operators:
                varied.rejections.setdefault(operator, Counter())[_ACROSS_TURNS] += 1
        else:
            made.append(apart)
            edits += variant.edits
    _count_sentences(text, edits, varied)
    return made


def _apart(
    places: Sequence[Place], starts: Sequence[int], variant: Variant
) -> _VoiceVariant | None:
    """Give each edit to the message it stands in; None if one stands in two."""
    if len(places) == 1:
        (place,) = places
        return _VoiceVariant(
            {place: apply_edits(place.text, variant.edits)},
            [(place, edit) for edit in variant.edits],
            tuple(variant.operators),
        )
    of_place: dict[Place, list[Edit]] = {}
    for edit in sorted(variant.edits):
        number = bisect_right(starts, edit.start) - 1
        place, start = places[number], starts[number]
        if edit.end - start > len(place.text):
            return None
        of_place.setdefault(place, []).append(
            Edit(edit.start - start, edit.end - start, edit.replacement, edit.rule)
        )
    return _VoiceVariant(
        {place: apply_edits(place.text, edits) for place, edits in of_place.items()},
        [(place, edit) for place, edits in of_place.items() for edit in edits],
        tuple(variant.operators),
    )


def _count_sentences(text: str, edits: Sequence[Edit], varied: VariedRow) -> None:
    ends = [end for _, end in sentence_spans(text)]
    # An insertion at the end of a sentence belongs to it, a replacement there to the next.
    touched = {
        (bisect_left if edit.start == edit.end else bisect_right)(ends, edit.start)
        for edit in edits
    }
    varied.sentences += len(ends)
    varied.untouched_sentences += len(ends) - len(touched & set(range(len(ends))))
