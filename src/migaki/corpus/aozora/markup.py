"""The markup of Aozora Bunko to plain text: ruby, notes, gaiji, くの字点, accents, 割り注.

Grammar: 青空文庫「注記一覧」(https://www.aozora.gr.jp/annotation/). Markup never crosses a line, so a line is
read at a time, in one pass: its brackets are paired first, then it is written out from left to
right. What is not closed, or not markup after all, stays as it stands and is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from migaki.corpus.aozora.accents import compose_accents
from migaki.corpus.aozora.gaiji import character_of
from migaki.corpus.aozora.iteration import expand_iteration_marks
from migaki.corpus.aozora.notes import UNRECOGNISED, kind_of, level_of, quoted

__all__ = ["GETA", "Heading", "Plain", "to_plain"]

GETA = "〓"
"""What stands for a character that cannot be told, as in print (下駄)."""

_TOKEN = re.compile(r"※?［＃|［|］|《|》|｜")
_MOST_EXAMPLES = 20
# Bounds for markup that is not a heading at all: what is joined again and again must stay short.
_MOST_HEADING_PARTS = 40
_LONGEST_HEADING_CHARS = 200
# Ruby stands on letters and signs, not on these; there 《 》 are marks of the text.
_NO_RUBY_BASE = frozenset(" 　、。，．！？!?「『（(［〔【")


class Heading(NamedTuple):
    """A heading of a work.

    Attributes:
        offset: Where its line begins in the plain text, in characters.
        level: 1 (大見出し) to 3 (小見出し).
        text: The heading itself.
    """

    offset: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A body without its markup."""

    text: str
    headings: tuple[Heading, ...]
    counts: dict[str, int]
    """What was resolved, and what was not: ``ruby``, ``gaiji``, ``unclosed_note`` …"""
    unrecognised: tuple[str, ...]
    """The first notes whose kind is not known; all were left out and counted."""


class _Span(NamedTuple):
    start: int
    end: int
    kind: str  # note, gaiji, ruby, bar, stray


@dataclass(slots=True)
class _Work:
    """What lines leave behind for those after them."""

    counts: Counter[str] = field(default_factory=Counter)
    unrecognised: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    headings: list[tuple[int, int, str]] = field(default_factory=list)
    """(line, level, text)"""
    open_headings: list[int] = field(default_factory=list)
    """Lines where a heading was opened by ［＃中見出し］."""
    in_warichu: bool = False
    ended: bool = False


def to_plain(lines: Iterable[str]) -> Plain:
    """Turn the lines of a body into plain text; never raises, whatever they hold.

    A line of nothing but notes goes; page breaks leave an empty line; of several empty lines one
    stays. The rest keeps its lines and its indentation.

    Args:
        lines: Without line ends.

    Example:
        >>> plain = to_plain(["［＃５字下げ］一［＃「一」は中見出し］", "　友達｜折戸《おりど》の※［＃「髟／兵」、第3水準1-94-27］"])
        >>> plain.text, plain.headings
        ('一\\n　友達折戸の鬂', (Heading(offset=0, level=2, text='一'),))
        >>> sorted(plain.counts.items())
        [('bar', 1), ('gaiji', 1), ('note.heading', 1), ('note.layout', 1), ('ruby', 1)]
    """
    work = _Work()
    for line in lines:
        _read_line(line, work)
        if work.ended:
            break
    work.counts["unclosed_heading"] += len(work.open_headings)
    work.counts["unclosed_warichu"] += work.in_warichu
    offsets, text = _assemble(work.lines)
    headings = [
        Heading(min(offsets[line], len(text)) if line < len(offsets) else len(text), level, words)
        for line, level, words in work.headings
    ]
    return Plain(text, tuple(headings), dict(+work.counts), tuple(work.unrecognised))


def _assemble(lines: list[str]) -> tuple[list[int], str]:
    """Join lines, of several empty ones one; return the offset of each line, and the text."""
    offsets: list[int] = []
    kept: list[str] = []
    length = 0
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            offsets.append(length)
            kept.append(line.rstrip() if line.strip() else "")
            length += len(kept[-1]) + 1
        else:
            offsets.append(length)
    return offsets, "\n".join(kept).rstrip()


def _read_line(line: str, work: _Work) -> None:
    spans = list(_spans(line, work.counts)) if _TOKEN.search(line) else []
    first, headings = len(work.lines), len(work.headings)
    written = _write(line, spans, work)
    for part in written:
        text, letters = compose_accents(part)
        text, marks, left = expand_iteration_marks(text)
        work.counts.update(accent=letters, iteration_mark=marks, unresolved_iteration_mark=left)
        work.lines.append(text)
    if spans and not any(part.strip() for part in work.lines[first:]) and line.strip():
        del work.lines[first:]
        if any(_is_break(line, span) for span in spans):
            work.lines.append("")
        last = max(len(work.lines) - 1, 0)
        work.headings[headings:] = [  # a heading note on a line of its own
            (min(number, last), level, words) for number, level, words in work.headings[headings:]
        ]


def _is_break(line: str, span: _Span) -> bool:
    return span.kind == "note" and kind_of(_inside(line, span)).action == "break"


def _inside(line: str, span: _Span) -> str:
    return line[span.start : span.end].removeprefix("※").removeprefix("［＃").removesuffix("］")


# ---------------------------------------------------------------------------- pairing


def _spans(line: str, counts: Counter[str]) -> Iterator[_Span]:
    """Find the markup of a line: spans in order that do not overlap."""
    notes = _notes(line, counts)
    ruby = _ruby(line, notes, counts)
    yield from sorted([*notes, *ruby])


def _notes(line: str, counts: Counter[str]) -> list[_Span]:
    """Pair ［＃ with ］, inner pairs first; return the outermost pairs."""
    open_brackets: list[tuple[int, str]] = []
    pairs: list[_Span] = []
    for token in _TOKEN.finditer(line):
        mark = token.group()
        if mark.endswith("［＃"):
            open_brackets.append((token.start(), "gaiji" if mark[0] == "※" else "note"))
        elif mark == "［" and open_brackets:
            open_brackets.append((token.start(), "text"))
        elif mark == "］" and open_brackets:
            start, kind = open_brackets.pop()
            if kind != "text":
                pairs.append(_Span(start, token.end(), kind))
    counts["unclosed_note"] += sum(kind != "text" for _, kind in open_brackets)
    outermost: list[_Span] = []
    for pair in sorted(pairs, key=lambda span: (span.start, -span.end)):
        if not outermost or pair.start >= outermost[-1].end:
            outermost.append(pair)
    return outermost


def _ruby(line: str, notes: list[_Span], counts: Counter[str]) -> list[_Span]:
    """Find ruby, and the bars ｜ that open its base, outside of notes."""
    found: list[_Span] = []
    bar: int | None = None
    opened: int | None = None
    for mark, place in _marks_outside(line, notes):
        if mark == "｜":
            counts["stray_bar"] += bar is not None
            bar = place
        elif mark == "《":
            counts["unclosed_ruby"] += opened is not None
            opened = place
        elif opened is None:  # 》
            counts["unclosed_ruby"] += 1
        else:
            if bar is None and not _has_base(line, opened):
                counts["unattached_ruby"] += 1
            else:
                found.append(_Span(opened, place + 1, "ruby"))
                if bar is not None:
                    found.append(_Span(bar, bar + 1, "bar"))
            bar = opened = None
    counts["stray_bar"] += bar is not None
    counts["unclosed_ruby"] += opened is not None
    return _without_overlaps(found, notes)


def _marks_outside(line: str, notes: list[_Span]) -> Iterator[tuple[str, int]]:
    following = iter(notes)
    note = next(following, None)
    for token in _TOKEN.finditer(line):
        while note is not None and token.start() >= note.end:
            note = next(following, None)
        if token.group() in "《》｜" and (note is None or token.start() < note.start):
            yield token.group(), token.start()


def _has_base(line: str, opened: int) -> bool:
    return opened > 0 and line[opened - 1] not in _NO_RUBY_BASE


def _without_overlaps(ruby: list[_Span], notes: list[_Span]) -> list[_Span]:
    """Return ruby, and take out of the list of notes those that lie inside a ruby."""
    spans = [span for span in ruby if span.kind == "ruby"]
    place = 0
    kept: list[_Span] = []
    for note in notes:
        while place < len(spans) and spans[place].end <= note.start:
            place += 1
        if place == len(spans) or note.start < spans[place].start:
            kept.append(note)
    notes[:] = kept
    return ruby


# ---------------------------------------------------------------------------- writing out


def _write(line: str, spans: list[_Span], work: _Work) -> list[str]:
    """Write a line without its markup; 改行 notes make several lines of it."""
    pieces: list[str] = []
    lines: list[str] = []
    place = 0
    for span in spans:
        pieces.append(line[place : span.start])
        place = span.end
        if span.kind in ("ruby", "bar"):
            work.counts[span.kind] += 1
        elif span.kind == "gaiji":
            pieces.append(_gaiji(_inside(line, span), work))
        elif _note(_inside(line, span), pieces, work) == "newline":
            lines.append("".join(pieces))
            pieces.clear()
        if work.ended:
            break
    if not work.ended:
        pieces.append(line[place:])
    lines.append("".join(pieces))
    return lines


def _gaiji(description: str, work: _Work) -> str:
    character = character_of(description)
    work.counts["gaiji" if character else "unresolved_gaiji"] += 1
    return character or GETA


def _note(note: str, pieces: list[str], work: _Work) -> str:
    """Count a note and do what it asks; return the action that is left to the caller."""
    kind = kind_of(note)
    work.counts[f"note.{kind.name}"] += 1
    if kind.name == UNRECOGNISED and len(work.unrecognised) < _MOST_EXAMPLES:
        work.unrecognised.append(note[:80])
    number = len(work.lines)
    match kind.action:
        case "heading":
            work.headings.append((number, level_of(note), _heading_text(note, pieces)))
        case "heading_open":
            work.open_headings.append(number)
        case "heading_close" if work.open_headings:
            start = work.open_headings.pop()
            lines = work.lines[start : min(number, start + _MOST_HEADING_PARTS)]
            work.headings.append(
                (start, level_of(note), _joined([*lines, *pieces[-_MOST_HEADING_PARTS:]]))
            )
        case "open" if not work.in_warichu:
            pieces.append("（")
            work.in_warichu = True
        case "close" if work.in_warichu:
            pieces.append("）")
            work.in_warichu = False
        case "newline" if not work.in_warichu:
            return "newline"
        case "end":
            work.ended = True
    return ""


def _heading_text(note: str, pieces: list[str]) -> str:
    """Return what the note quotes; where that has markup itself, the line as it is written."""
    words = quoted(note)
    return (
        _joined(pieces)
        if any(mark in words for mark in "［《｜")
        else words[:_LONGEST_HEADING_CHARS]
    )


def _joined(parts: list[str]) -> str:
    return "".join(parts[-_MOST_HEADING_PARTS:]).strip()[-_LONGEST_HEADING_CHARS:]
