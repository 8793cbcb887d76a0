r"""Files of documentation trees to plain documents: Markdown, reStructuredText and PO files.

Markdown stays Markdown, because models read and write it; reStructuredText becomes Markdown where it
means the same (headings, code), and its machinery goes. What is taken out is counted. Sphinx trees use
roles and directives that docutils does not know and stops at, so single lines are read here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from migaki.corpus.rows import BadRow, Row

__all__ = ["TECHNICAL_SUFFIXES", "Plain", "from_markdown", "from_po", "from_rst", "technical_row"]


@dataclass(slots=True)
class Plain:
    """The text of a file, and what was taken out of it."""

    text: str
    title: str = ""
    removed: Counter[str] = field(default_factory=Counter)
    """What was taken out → how often."""


def technical_row(path: Path, text: str) -> Row | BadRow:
    """Return a whole file as one row: ``text``, ``title`` and ``markup_removed``.

    Args:
        path: The file; its suffix says what it is.
        text: Its text, lines ended by ``\\n``.
    """
    plain = _READERS[path.suffix.lower()](text)
    if not plain.text.strip():
        return BadRow(path, 1, f"has no text ({_counts(plain.removed)})", text[:200])
    value = {"text": plain.text, "title": plain.title, "markup_removed": dict(plain.removed)}
    return Row(path, 1, {key: part for key, part in value.items() if part})


def _counts(removed: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in removed.items()) or "nothing in it"


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE_LINE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}|~{3,})")
_ANCHOR = re.compile(r"\{#[^\s{}]+\}$")
_TOC = re.compile(r"^[ \t]*\[\[?_?toc_?\]?\][ \t]*$", re.IGNORECASE)
_TAGS_ONLY = re.compile(r"^[ \t]*(?:</?[A-Za-z][^<>]*>[ \t]*)+$")
_SCRIPT = re.compile(r"^[ \t]*<(script|style)\b", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+)$")


def from_markdown(text: str) -> Plain:
    r"""Take the machinery out of Markdown: front matter, comments, anchors, scripts, bare tags.

    Code stays as it is, whatever it holds.

    Example:
        >>> from_markdown("---\ntitle: 手引き\n---\n# 始め方 {#start}\n\n<!-- 訳注 -->本文。\n").text
        '# 始め方\n\n本文。'
    """
    removed: Counter[str] = Counter()
    title = ""
    if matter := _FRONT_MATTER.match(text):
        removed["front matter"] += 1
        named = _TITLE_LINE.search(matter[1])
        title = named[2] if named else ""
        text = text[matter.end() :]
    kept: list[str] = []
    for is_code, line in _fenced(_without_comments(text, removed)):
        kept += [line] if is_code else _prose_line(line, removed)
    return Plain(_squeezed(kept), title or _first_heading(kept), removed)


def _first_heading(lines: list[str]) -> str:
    found = next((found for line in lines if (found := _HEADING.match(line))), None)
    return found[1].rstrip(" \t#") if found else ""


def _prose_line(line: str, removed: Counter[str]) -> list[str]:
    for name, pattern in (("tables of contents", _TOC), ("lines of tags", _TAGS_ONLY)):
        if pattern.match(line):
            removed[name] += 1
            return []
    if line.startswith("#") and _ANCHOR.search(line.rstrip()):
        removed["anchors"] += 1
        return [_ANCHOR.sub("", line.rstrip()).rstrip()]
    return [line]


def _without_comments(text: str, removed: Counter[str]) -> Iterator[str]:
    """Yield lines without HTML comments and scripts; what stands in fenced code is left alone."""
    until = ""  # what ends the comment or script that a line before opened
    fence = ""
    for line in text.split("\n"):
        if fence or (not until and _FENCE.match(line)):
            fence = _next_fence(fence, line)
            yield line
            continue
        if not until and (script := _SCRIPT.match(line)):
            removed["scripts"] += 1
            until = f"</{script[1].lower()}>"
            line = line[script.end() :]
        shown = ""
        while line:
            if until:
                _, closed, line = line.partition(until)
                until = "" if closed else until
            else:
                before, opened, line = line.partition("<!--")
                shown += before
                if opened:
                    removed["comments"] += 1
                    until = "-->"
        yield shown


def _next_fence(fence: str, line: str) -> str:
    """Return the fence that is open behind a line."""
    found = _FENCE.match(line)
    if not fence:
        return found[1] if found else ""
    closes = found and found[1][0] == fence[0] and len(found[1]) >= len(fence)
    return "" if closes and not line.strip().strip(fence[0]) else fence


def _fenced(lines: Iterator[str]) -> Iterator[tuple[bool, str]]:
    fence = ""
    for line in lines:
        was, fence = fence, _next_fence(fence, line)
        yield bool(was or fence), line


def _squeezed(lines: list[str]) -> str:
    """Join lines; no more than one blank one in a row, none at the ends. Code keeps its own."""
    kept: list[str] = []
    for is_code, line in _fenced(iter(lines)):
        if is_code or line.strip() or (kept and kept[-1].strip()):
            kept.append(line if is_code else line.rstrip())
    return "\n".join(kept).strip("\n")


# ── reStructuredText ─────────────────────────────────────────────────────────────────────────────

_DIRECTIVE = re.compile(r"^([ \t]*)\.\.[ \t]+(?:\|[^|]+\|[ \t]+)?([\w:.+-]+?)::(?:[ \t]+(.*))?$")
_COMMENT = re.compile(r"^([ \t]*)\.\.(?:[ \t]+.*)?$")
_OPTION = re.compile(r"^[ \t]+:[\w-]+:(?:[ \t].*)?$")
_ADORNMENT = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_DEEPEST = 20  # directives in directives; what is deeper stays as it is
_CODE_DIRECTIVES = frozenset(
    {"code-block", "code", "sourcecode", "highlight", "doctest", "testcode"}
)
_DROPPED_DIRECTIVES = frozenset(
    {"toctree", "index", "image", "figure", "include", "literalinclude", "raw", "contents", "highlight",
     "module", "currentmodule", "sectionauthor", "moduleauthor", "meta", "codeauthor", "tabularcolumns"}
)  # fmt: skip
# Lengths are bounded, so that hostile lines of colons or blanks take no quadratic time.
_ROLE_WITH_TARGET = re.compile(r":[\w:+.-]{1,60}:`([^`<]{0,500}?)[ \t]{0,9}<[^<>`]{0,1000}>`")
_ROLE = re.compile(r":[\w:+.-]{1,60}:`[!~]?([^`]{1,1000})`")
_LINK = re.compile(r"`([^`<]{1,500}?)[ \t]{0,9}<[^<>`]{1,1000}>`__?")
_REFERENCE = re.compile(r"`([^`]+)`__?(?!\w)")
_LITERAL = re.compile(r"``(.+?)``")
_ESCAPED = re.compile(r"\\([ *`|_\\])")


def from_rst(text: str) -> Plain:
    r"""Turn reStructuredText into Markdown: headings, code, inline markup; directives go.

    Example:
        >>> print(from_rst("使い方\n======\n\n.. note:: 注意。\n\n:ref:`設定 <conf>` は ``a.ini`` に書く::\n\n   x = 1\n").text)
        # 使い方
        <BLANKLINE>
        注意。
        <BLANKLINE>
        設定 は `a.ini` に書く:
        <BLANKLINE>
           x = 1
    """
    removed: Counter[str] = Counter()
    reader = _RstReader(text.expandtabs(8).split("\n"), removed)
    lines = reader.read()
    return Plain(_squeezed(lines), _first_heading(lines), removed)


class _RstReader:
    """The lines of a file, read from above."""

    def __init__(self, lines: list[str], removed: Counter[str], depth: int = 0) -> None:
        self.lines = lines
        self.removed = removed
        self.depth = depth
        self.at = 0
        self.levels: list[str] = []
        """Adornments in the order in which they first appear: their place is the level."""

    def read(self) -> list[str]:
        """Return the lines as Markdown."""
        kept: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if heading := self._heading():
                kept += ["", heading, ""]
            elif directive := _DIRECTIVE.match(line):
                kept += self._directive(directive)
            elif _COMMENT.match(line):
                self._skip_block("comments and targets")
            else:
                self.at += 1
                opens_literal = line.rstrip().endswith("::")
                kept.append(_inline(re.sub(r"::[ \t]*$", ":", line) if opens_literal else line))
                if opens_literal:
                    kept += self._block(len(line) - len(line.lstrip()))
        return kept

    def _heading(self) -> str:
        """Read a title with its adornment, over it or not."""
        line = self.lines[self.at]
        below = self.lines[self.at + 1 : self.at + 3]
        over = _ADORNMENT.match(line)
        if over and len(below) == 2 and below[0].strip() and below[1].rstrip() == line.rstrip():
            title, style, used = below[0], f"{over[1]}{over[1]}", 3
        elif (
            line.strip()
            and not line[0].isspace()
            and below
            and (under := _ADORNMENT.match(below[0]))
        ):
            title, style, used = line, under[1], 2
        else:
            return ""
        self.at += used
        if style not in self.levels:
            self.levels.append(style)
        return f"{'#' * min(6, self.levels.index(style) + 1)} {_inline(title.strip())}"

    def _directive(self, found: re.Match[str]) -> list[str]:
        name, argument = found[2].rpartition(":")[2], (found[3] or "").strip()
        self.removed["directives"] += 1
        if name in _DROPPED_DIRECTIVES:
            self._skip_block("")
            return []
        self.at += 1
        while self.at < len(self.lines) and _OPTION.match(self.lines[self.at]):
            self.at += 1
        if name in _CODE_DIRECTIVES:
            return ["", f"```{argument}", *_dedented(self._block(len(found[1]))), "```", ""]
        # Of the others the content is text: it is read on as such, without its indentation.
        content = _dedented(self._block(len(found[1])))
        content = [argument, *content] if argument else content
        if self.depth >= _DEEPEST:
            return ["", *content, ""]
        inner = _RstReader(content, self.removed, self.depth + 1)
        inner.levels = self.levels
        return ["", *inner.read(), ""]

    def _block(self, indent: int) -> list[str]:
        """Read the lines that are indented further, without markup."""
        begin = self.at
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            self.at += 1
        return self.lines[begin : self.at]

    def _skip_block(self, name: str) -> None:
        line = self.lines[self.at]
        self.at += 1
        self._block(len(line) - len(line.lstrip()))
        if name:
            self.removed[name] += 1


def _dedented(lines: list[str]) -> list[str]:
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    least = min(indents, default=0)
    kept = [line[least:] for line in lines]
    while kept and not kept[-1].strip():
        kept.pop()
    while kept and not kept[0].strip():
        kept.pop(0)
    return kept


def _inline(line: str) -> str:
    """Turn roles, links and literals of one line into what a reader sees.

    Example:
        >>> _inline(":term:`反復子 <iterator>` と :func:`!next` 、`手引き <https://a.jp>`_ の ``x``")
        '反復子 と next 、手引き の `x`'
    """
    literals: list[str] = []

    def keep(found: re.Match[str]) -> str:
        literals.append(found[1])
        return f"\x00{len(literals) - 1}\x00"

    line = _LITERAL.sub(keep, line.replace("\x00", ""))
    line = _ROLE_WITH_TARGET.sub(r"\1", line)
    line = _ROLE.sub(r"\1", line)
    line = _LINK.sub(r"\1", line)
    line = _REFERENCE.sub(r"\1", line)
    line = _ESCAPED.sub(lambda found: "" if found[1] == " " else found[1], line)
    return re.sub("\x00(\\d+)\x00", lambda found: f"`{literals[int(found[1])]}`", line)


# ── PO ───────────────────────────────────────────────────────────────────────────────────────────

_PO_FIELD = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)[ \t]+"(.*)"[ \t]*$')
_PO_MORE = re.compile(r'^[ \t]*"(.*)"[ \t]*$')
_PO_ESCAPE = re.compile(r"\\(.)")
_PO_ESCAPES: Mapping[str, str] = {"n": "\n", "t": "\t", "r": "", '"': '"', "\\": "\\"}


def from_po(text: str) -> Plain:
    r"""Take the translations of a PO file: those that are there and not marked fuzzy.

    Example:
        >>> po = from_po('msgid ""\nmsgstr "Project: x"\n\nmsgid "Rain"\nmsgstr "雨が :term:`降る`。"\n\n'
        ...              '#, fuzzy\nmsgid "Snow"\nmsgstr "雪"\n\nmsgid "Fog"\nmsgstr ""\n')
        >>> po.text, dict(po.removed)
        ('雨が 降る。', {'fuzzy messages': 1, 'untranslated messages': 1})
    """
    removed: Counter[str] = Counter()
    found: list[str] = []
    for entry in re.split(r"\n[ \t]*\n", text):
        fields, is_fuzzy = _po_entry(entry)
        if not fields.get("msgid"):
            continue  # the header, or only comments
        translation = fields.get("msgstr") or fields.get("msgstr[0]") or ""
        if not translation.strip():
            removed["untranslated messages"] += 1
        elif is_fuzzy:
            removed["fuzzy messages"] += 1
        else:
            found.append("\n".join(map(_inline, translation.strip().split("\n"))))
    title = found[0] if found and "\n" not in found[0] and len(found[0]) <= 80 else ""
    return Plain("\n\n".join(found), title, removed)


def _po_entry(entry: str) -> tuple[dict[str, str], bool]:
    """Return the fields of a message, and whether it is marked fuzzy; obsolete ones have no fields."""
    fields: dict[str, str] = {}
    name, is_fuzzy = "", False
    for line in entry.split("\n"):
        if line.startswith("#"):
            is_fuzzy |= line.startswith("#,") and "fuzzy" in line
        elif field_line := _PO_FIELD.match(line):
            name = field_line[1]
            fields[name] = _po_text(field_line[2])
        elif name and (more := _PO_MORE.match(line)):
            fields[name] += _po_text(more[1])
    return fields, is_fuzzy


def _po_text(quoted: str) -> str:
    return _PO_ESCAPE.sub(lambda found: _PO_ESCAPES.get(found[1], found[0]), quoted)


_READERS: Mapping[str, Callable[[str], Plain]] = {
    ".md": from_markdown, ".markdown": from_markdown, ".rst": from_rst, ".po": from_po,
}  # fmt: skip

TECHNICAL_SUFFIXES = frozenset(_READERS)
"""Files that are one document each."""
