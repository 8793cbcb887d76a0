"""The parts of a file of Aozora Bunko: header, legend, body, colophon.

Source of the rules: 青空文庫「注記一覧」and its files. The header is everything to the first
empty line, or to the legend: the title, perhaps a subtitle, and the people. The legend (【テキスト中に現れる記号について】)
stands between two lines of hyphens, where there is one. The colophon begins with 底本：.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Layout", "take_apart"]

_RULE = re.compile(r"[-－]{20,}\s*")
_LEGEND = "テキスト中に現れる記号"
_COLOPHON = re.compile(r"底本(?:の親本)?\s*[：:]")
# Files without 底本 (letters to the library, transcripts) close with who typed them in.
_CLOSING = re.compile(r"(?:入力|青空文庫作成ファイル)\s*[：:]")
_ROLE = re.compile(r"(.+?)(訳|編|編訳|校訂|著|作|撰|口述|述)")
_MOST_LEGEND_LINES = 80
_MOST_HEADER_LINES = 12
_MOST_COLOPHON_LINES = {_COLOPHON: 400, _CLOSING: 40}
"""What stands farther from the end is a line of the work that looks like one; 底本 notes may be long."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of one file, as they stand in it."""

    header: tuple[str, ...]
    """Title, subtitle and people, a line each."""
    legend: tuple[str, ...]
    """What stands between the lines of hyphens; empty where the file has none."""
    body: tuple[str, ...]
    colophon: tuple[str, ...]
    """From 底本： to the end; empty where the file has none."""

    @property
    def title(self) -> str:
        """The first line of the header."""
        return self.header[0] if self.header else ""

    @property
    def people(self) -> tuple[str, ...]:
        """The last lines of the header: authors, then translators and editors with their role."""
        if len(self.header) < 2:
            return ()
        first = len(self.header) - 1
        while first > 1 and _ROLE.fullmatch(self.header[first]):
            first -= 1
        return self.header[first:]


def take_apart(text: str) -> Layout:
    """Split a file into its parts; together they hold every line that is not empty or a rule.

    Args:
        text: The decoded file, with any line ends.

    Example:
        >>> parts = take_apart("こころ\\n夏目漱石\\n\\n　私《わたくし》は\\n\\n底本：「こころ」\\n入力：某")
        >>> parts.title, parts.people, parts.body, parts.colophon[0]
        ('こころ', ('夏目漱石',), ('　私《わたくし》は',), '底本：「こころ」')
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = _colophon_start(lines)
    start = 0
    while start < end and not lines[start].strip():
        start += 1
    body = start
    while body < end and lines[body].strip() and not _RULE.fullmatch(lines[body]):
        body += 1
    if body - start > _MOST_HEADER_LINES:  # no empty line behind a title: an excerpt, no header
        body = start
    legend_start, legend_end = _legend(lines, body, end)
    if legend_start < legend_end and legend_start - start <= _MOST_HEADER_LINES:
        body = legend_start  # an empty line may stand between title and people
    header = tuple(line.strip() for line in lines[start:body] if line.strip())
    inside = lines[body:legend_start] + lines[legend_end:end]
    while inside and not inside[0].strip():
        del inside[0]
    while inside and not inside[-1].strip():
        inside.pop()
    legend = tuple(line for line in lines[legend_start:legend_end] if not _RULE.fullmatch(line))
    return Layout(
        header=header,
        legend=legend,
        body=tuple(inside),
        colophon=tuple(line.strip() for line in lines[end:] if line.strip()),
    )


def _colophon_start(lines: list[str]) -> int:
    """Return the last line that begins a colophon: a body may quote one."""
    for pattern, most in _MOST_COLOPHON_LINES.items():
        first = max(0, len(lines) - most)
        found = [
            number for number, line in enumerate(lines[first:], start=first) if pattern.match(line)
        ]
        if found:
            return _first_of_block(lines, found)
    return len(lines)


def _first_of_block(lines: list[str], found: list[int]) -> int:
    """Return the first of the marks that belong to the last block, which has no body between."""
    first = found[-1]
    for number in reversed(found[:-1]):
        between = lines[number + 1 : first]
        if len(between) > 20 or any(line.startswith("「") for line in between):
            break
        first = number
    return first


def _legend(lines: list[str], start: int, end: int) -> tuple[int, int]:
    """Return the span of the legend with its two rules; empty where there is none."""
    window = range(start, min(end, start + _MOST_LEGEND_LINES))
    rules = [number for number in window if _RULE.fullmatch(lines[number])]
    if len(rules) >= 2 and any(_LEGEND in line for line in lines[rules[0] : rules[1]]):
        return rules[0], rules[1] + 1
    return start, start
