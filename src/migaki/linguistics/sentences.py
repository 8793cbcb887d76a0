"""Where a sentence begins and ends: quotes and brackets stay whole, code is left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["CLOSING", "FENCE", "OPENING", "TERMINATORS", "sentence_spans", "split_sentences"]

TERMINATORS = "。．！？!?｡\n"
OPENING = "「『（(【［〈《"
CLOSING = "」』）)】］〉》"
FENCE = "```"

_FENCED = re.compile(r"^```.*?(?:^```[^\n]*$|\Z)", re.DOTALL | re.MULTILINE)
_OPENING, _CLOSING = frozenset(OPENING), frozenset(CLOSING)
_TERMINATORS = frozenset(TERMINATORS)
_TAIL = _TERMINATORS | _CLOSING
_MARKS = _TAIL | _OPENING
_EVENT = re.compile("[" + re.escape(TERMINATORS + OPENING + CLOSING) + "]")


def split_sentences(text: str) -> list[str]:
    """Cut a text into sentences; marks at the end stay with their sentence.

    Example:
        >>> split_sentences("「行くの？」と聞いた。はい、行きます！！\\nどうぞ")
        ['「行くの？」と聞いた。', 'はい、行きます！！', 'どうぞ']
    """
    return [text[start:end] for start, end in sentence_spans(text)]


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) in characters of each sentence, without the white space around it.

    A sentence ends at 。！？ and the like or at a line end, but not inside brackets; a bracket that
    is never closed is forgotten at the line end. A ``` fence is one sentence. Pieces that hold
    nothing but marks are not sentences.

    Example:
        >>> list(sentence_spans("雨だ。 傘は？"))
        [(0, 3), (4, 7)]
    """
    start = 0
    for fenced in _FENCED.finditer(text):
        yield from _prose_spans(text, start, fenced.start())
        yield from _trimmed(text, *fenced.span())
        start = fenced.end()
    yield from _prose_spans(text, start, len(text))


def _prose_spans(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    depth = 0
    place = start
    while found := _EVENT.search(text, place, stop):
        char = found.group()
        place = found.end()
        if char == "\n":
            depth = 0
        elif char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth = max(0, depth - 1)
        if char in _TERMINATORS and not depth:
            while place < stop and text[place] in _TAIL and char != "\n":
                place += 1
            yield from _trimmed(text, start, place)
            start = place
    yield from _trimmed(text, start, stop)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    end -= len(piece) - len(piece.rstrip())
    if start < end and (text[start] not in _MARKS or not _MARKS.issuperset(text[start:end])):
        yield start, end
