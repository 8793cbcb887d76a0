"""The voices of a sentence: what is said in it, what is inserted in （…）, and what is opaque."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from migaki.linguistics.morphemes import Morpheme, Sentence
from migaki.linguistics.predicate_chains import COMMAS, ends_sentence, is_mark

__all__ = ["OPAQUE", "behind_brackets", "has_parts", "voices", "with_opaque"]

_TERMINATORS = frozenset("。．！？!?｡")
_PARTED = re.compile("[（()）]|[。．！？!?｡].", re.DOTALL)


def with_opaque(sentence: Sentence, protected: Sequence[tuple[int, int]]) -> list[Morpheme]:
    """Put one opaque noun in the place of the morphemes of each protected span."""
    if not protected:
        return list(sentence.morphemes)
    tokens: list[Morpheme] = []
    ends: dict[int, int] = {}  # place of each opaque token → where what is protected ends
    spans = iter(protected)
    span = next(spans, None)
    opaque_end = -1
    for m in sentence.morphemes:
        while span and span[1] <= m.start:
            span = next(spans, None)
        named = m.pos2 == "固有名詞" and span == (m.start, m.end)
        if not span or m.end <= span[0] or named:
            tokens.append(m)
        elif tokens and opaque_end > m.start:
            ends[len(tokens) - 1] = m.end
        else:
            ends[len(tokens)] = m.end
            tokens.append(m)
            opaque_end = span[1]
    for place, end in ends.items():
        tokens[place] = _opaque(tokens[place], end, sentence)
    return tokens


def _opaque(m: Morpheme, end: int, sentence: Sentence) -> Morpheme:
    if m.pos2 == "固有名詞":  # a name in a quotation, with what is quoted behind it
        return m._replace(end=end)
    emoji = is_mark(m) and ord(m.surface[0]) > 0x2600 and m.pos2 == "一般"
    pos, pos2 = ("補助記号", "一般") if emoji else ("名詞", "普通名詞")
    return m._replace(
        surface=sentence.text[m.start - sentence.start : end - sentence.start],
        end=end, pos=pos, pos2=pos2, pos3=OPAQUE, c_type="", c_form="",
    )  # fmt: skip


OPAQUE = "保護"  # third subdivision of an opaque noun; no dictionary has it


def has_parts(text: str) -> bool:
    """Whether a sentence may fall into several voices; most have neither （ nor 。 before their end."""
    return _PARTED.search(text) is not None


def voices(tokens: list[Morpheme]) -> Iterator[tuple[list[Morpheme], bool]]:
    """Yield the tokens outside （…）, then those inside, each cut at 。 and the like.

    With each goes whether it is an insertion: in brackets, the sentence goes on behind them, and
    nothing inside says that a sentence ends there.
    """
    outer: list[Morpheme] = []
    inner: list[tuple[list[Morpheme], bool]] = []
    opened: list[Morpheme] = []
    depth = 0
    for place, m in enumerate(tokens):
        if m.surface in ("（", "("):
            depth += 1
        elif m.surface in ("）", ")") and depth:
            depth -= 1
            if not depth:
                inner.append((opened, _goes_on(tokens, place + 1)))
                opened = []
        else:
            (opened if depth else outer).append(m)
    for voice, goes_on in ((outer, False), *inner, (opened, False)):
        whole = not goes_on or any(m.surface[0] in _TERMINATORS for m in voice)
        yield from ((part, not whole) for part in _cut(voice))


def _goes_on(tokens: list[Morpheme], place: int) -> bool:
    """Whether words of the sentence follow a closing bracket."""
    if place >= len(tokens):
        return False
    m = tokens[place]
    return m.surface in COMMAS or not is_mark(m)


def _cut(tokens: list[Morpheme]) -> Iterator[list[Morpheme]]:
    start = 0
    for place in [place for place, m in enumerate(tokens) if m.surface[0] in _TERMINATORS]:
        if place + 1 < len(tokens) and not ends_sentence(tokens[place + 1].surface[0]):
            yield tokens[start : place + 1]
            start = place + 1
    yield tokens[start:]


def behind_brackets(tokens: list[Morpheme]) -> frozenset[int]:
    """Offsets of the words behind a ）: the gap before them is no white space."""
    closing = [place for place, m in enumerate(tokens[:-1]) if m.surface in ("）", ")")]
    return frozenset(tokens[place + 1].start for place in closing)
