"""What stands around the text of a web page: navigation, notices, advertisements; cut off or counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.measures import Measures, measure
from migaki.corpus.cleaning.rejecting import STRICT, compared, reject
from migaki.corpus.cleaning.word_lists import find_words, word_matcher
from migaki.corpus.documents import Document, Outcome

__all__ = ["AdvertLines", "Boilerplate", "FrameLines"]

_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]

_SENTENCE_ENDS = ("。", "！", "？", "．", "」", "』")
_LONGEST = 120
_LINK_MARKS = (" > ", "＞", " » ", " › ", " | ", "｜")
_LINK = re.compile(r"[^。、「」{}();=|｜]{1,15}")
_NOTICES = "migaki:page_notices"
"""Sentences that yet are no text: one of these phrases makes a sentence a frame line."""


@dataclass(config=STRICT, frozen=True, kw_only=True)
class FrameLines:
    """Cuts frame lines off the beginning and the end of a page.

    Swallow v1 (`footer.py`) looks at the last 10 lines and cuts from the first of which more than 30 %
    are words of a list. Here too, but a line that is a sentence stays, and what stands behind is looked
    at by itself. HojiChar's `HeaderFooterTagsRemover` marks the line at the beginning where one at the
    end matches: it keeps the footer and throws the heading away (0.18.1).

    Example:
        >>> page = Document("ホーム＞ 記事一覧\\n猫がいる。\\n前の記事 次の記事\\n", id="a:1", source="a", licence="CC0-1.0")
        >>> cut = FrameLines()(page)
        >>> cut.text, cut.counts
        ('猫がいる。\\n', {'frame_lines': 2})
    """

    name: ClassVar[str] = "frame_lines"
    reasons: ClassVar[tuple[str, ...]] = ()

    lists: tuple[str, ...] = ("migaki:page_frame", "migaki:page_notices")
    """Names of word lists: ``hojichar:NAME``, ``migaki:NAME`` or paths."""
    min_share: _Share = 0.3
    """How much of a line such words must be."""
    first_lines: _Count = 5
    """Lines at the beginning that are looked at."""
    last_lines: _Count = 10
    """Lines at the end that are looked at."""

    def __post_init__(self) -> None:
        """Read the lists, so that one that does not exist is told before a run begins."""
        word_matcher(self.lists)

    def __call__(self, document: Document) -> Outcome:
        """Return the document without the frame lines at its ends."""
        if not _may_have_frame(document.text, self.lists):
            return document
        kept, cut = _cut_ends(
            document.text,
            lambda line: is_frame_line(line, self.lists, self.min_share),
            first=self.first_lines,
            last=self.last_lines,
        )
        return document.with_text(kept, frame_lines=cut) if cut else document


@dataclass(config=STRICT, frozen=True, kw_only=True)
class AdvertLines:
    """Cuts lone lines of advertisement off the beginning and the end of a page that is kept.

    A page full of such lines is rejected by `Adverts`, which runs before. 30 % of a line and four letters,
    in the first and last three lines: ours; a heading 副業 or 買取 stays.

    Example:
        >>> page = Document("今だけポイント10倍！\\n猫がいる。\\n", id="a:1", source="a", licence="CC0-1.0")
        >>> cut = AdvertLines()(page)
        >>> cut.text, cut.counts
        ('猫がいる。\\n', {'advert_lines': 1})
    """

    name: ClassVar[str] = "advert_lines"
    reasons: ClassVar[tuple[str, ...]] = ()

    lists: tuple[str, ...] = ("migaki:adverts",)
    """Names of word lists: ``hojichar:NAME``, ``migaki:NAME`` or paths."""
    min_share: _Share = 0.3
    """How much of a line such phrases must be."""
    min_letters: _Count = 4
    """Letters of such phrases in the line, at least."""
    first_lines: _Count = 3
    """Lines at the beginning that are looked at."""
    last_lines: _Count = 3
    """Lines at the end that are looked at."""

    def __post_init__(self) -> None:
        """Read the lists, so that one that does not exist is told before a run begins."""
        word_matcher(self.lists)

    def __call__(self, document: Document) -> Outcome:
        """Return the document without the advertisements at its ends; never without all its lines."""
        kept, cut = _cut_ends(
            document.text, self._is_advert, first=self.first_lines, last=self.last_lines
        )
        return document.with_text(kept, advert_lines=cut) if cut and kept.strip() else document

    def _is_advert(self, line: str) -> bool:
        stripped = line.strip()
        if len(stripped) > _LONGEST:
            return False
        found = find_words(self.lists, Measures(stripped))
        letters = sum(len(word) * count for word, count in found.items())
        return letters >= self.min_letters and letters > self.min_share * len(stripped)


@dataclass(config=STRICT, frozen=True, kw_only=True)
class Boilerplate:
    """Rejects pages that are mostly frame: link lists, archives, forms.

    30 % of the lines: ours, see docs/results/corpus-cleaning.md.

    Example:
        >>> page = Document("会社概要\\n採用情報\\nお問い合わせ\\n猫がいる。", id="a:1", source="a", licence="CC0-1.0")
        >>> Boilerplate(min_lines=3)(page).detail
        'frame lines: 0.750 > 0.300 of 4 lines'
    """

    name: ClassVar[str] = "boilerplate"
    reasons: ClassVar[tuple[str, ...]] = ("boilerplate",)

    lists: tuple[str, ...] = ("migaki:page_frame", "migaki:page_notices")
    """Names of word lists: ``hojichar:NAME``, ``migaki:NAME`` or paths."""
    min_share: _Share = 0.3
    """How much of a line such words must be, to be a frame line."""
    max_lines: _Share = 0.3
    """Frame lines per line."""
    min_lines: Annotated[int, Field(ge=1)] = 5
    """Pages of fewer lines are not judged."""

    def __post_init__(self) -> None:
        """Read the lists, so that one that does not exist is told before a run begins."""
        word_matcher(self.lists)

    def __call__(self, document: Document) -> Outcome:
        """Keep or reject one document."""
        if not _may_have_frame(document.text, self.lists):
            return document
        lines = [line for line in document.text.split("\n") if line.strip()]
        if len(lines) < self.min_lines:
            return document
        share = sum(is_frame_line(line, self.lists, self.min_share) for line in lines) / len(lines)
        if share > self.max_lines:
            detail = f"frame lines: {compared(share, '>', self.max_lines)} of {len(lines)} lines"
            return reject(document, self, "boilerplate", detail)
        return document


def is_frame_line(line: str, lists: Sequence[str], min_share: float) -> bool:
    """Tell whether a line belongs to the frame of a page: words of the lists, and no sentence.

    Example:
        >>> is_frame_line("Copyright (C) 2024 山田商店 All Rights Reserved.", ["migaki:page_frame"], 0.3)
        True
        >>> is_frame_line("よくある質問をまとめた。", ["migaki:page_frame"], 0.3)
        False
    """
    stripped = line.strip()
    if not stripped or len(stripped) > _LONGEST:
        return False
    if is_link_row(stripped):
        return True
    is_sentence = stripped.endswith(_SENTENCE_ENDS)
    found = find_words([_NOTICES] if is_sentence else lists, Measures(stripped))
    if is_sentence or not found:
        return bool(found)
    letters = sum(not char.isspace() for char in stripped)
    covered = sum(len(word.replace(" ", "")) * count for word, count in found.items())
    return covered > min_share * letters


def is_link_row(line: str) -> bool:
    """Tell a row of links or a path to the page: three and more short pieces between > or |.

    Example:
        >>> is_link_row("ホーム > 特集 > 春の花"), is_link_row("一覧 | 前へ | 次へ")
        (True, True)
        >>> is_link_row("if (a > b) { return a > c }"), is_link_row("| 国 | 首都 | 人口 |")
        (False, False)
    """
    for mark in _LINK_MARKS:
        pieces = [piece.strip() for piece in line.split(mark)]
        if len(pieces) >= 3 and all(map(_LINK.fullmatch, pieces)):
            return any(not piece.isascii() for piece in pieces)
    return False


def _cut_ends(
    text: str, is_cut: Callable[[str], bool], *, first: int, last: int
) -> tuple[str, int]:
    """Return a text without such lines among its first and last ones, and how many were cut."""
    lines = text.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    looked_at = dict.fromkeys([*filled[:first], *(filled[-last:] if last else ())])
    cut = {number for number in looked_at if is_cut(lines[number])}
    return "\n".join(line for number, line in enumerate(lines) if number not in cut), len(cut)


def _may_have_frame(text: str, lists: Sequence[str]) -> bool:
    """Tell at one look whether any line may belong to the frame: most texts have none."""
    if any(mark in text for mark in _LINK_MARKS):
        return True
    return bool(find_words(lists, measure(text)))
