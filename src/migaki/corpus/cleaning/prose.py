"""A text without its code, tags and addresses, and without its references: what is judged as Japanese.

The filters of letters, sentences and repetition ask whether a page is running Japanese. The braces of a
manual's code are no repeated lines, its identifiers no foreign language, and an address in a link makes no
sentence longer; the list of sources repeats itself though the article does not. What is kept is the document
itself; this is only measured.

Syntax: CommonMark 0.31 (fenced code, code spans, inline links), HTML tags, heading ids of Markdown
(``{#id}``). References are those of the form author『title』。publisher、date。, found by reading Wikinews.
"""

from __future__ import annotations

import re

__all__ = ["prose_of", "without_references"]

_MARKS = ("`", "<", "](", "://", "{#")
"""None of these, and there is nothing to leave out: most texts have none."""
_FENCE = re.compile(r"[ \t]*(`{3,})([^`]*)$")
# Every repetition is bounded, so that a hostile text of openings costs no more than its length.
_INLINE = re.compile(
    r"<code>[^<\n]{1,200}</code>"
    r"|(?<!`)(`{1,2})(?!`)[^`\n]{1,200}\1(?!`)"
    r"|</?[A-Za-z][^<>]{0,500}>|<!--[^<>]{0,500}>"
    r"|(?<=\])\([^()\n]{1,500}\)"
    r"|https?://[!-;=?-~]+"
    r"|[ ]?\{#[\w-]{1,100}\}"
)
_REFERENCE_END = "』。"
_LONGEST_AUTHOR = 40
"""Characters; what is longer between a full stop and a title is text."""
_REFERENCE = re.compile(
    r"『[^『』\n]{1,200}』。[^。\n『』]{1,40}、[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日(?:[0-9]{1,2}時[0-9]{1,2}分)?(?:\([^()\n]{1,12}\))?。"
)


def prose_of(text: str) -> str:
    r"""Return a text without code blocks, code, tags, link targets and addresses.

    A code block that is never closed is text: one stray mark must not hide a page.

    Args:
        text: Any string.

    Example:
        >>> prose_of("[猫](https://a.example/%E7%8C%AB)は`cat()`で<b>呼ぶ</b>。\n```js\n}\n}\n```\n来る。")
        '[猫]はで呼ぶ。\n来る。'
    """
    if any(mark in text for mark in _MARKS):
        if "```" in text:
            text = _without_fences(text)
        text = _INLINE.sub("", text)
    return text


def without_references(text: str) -> str:
    """Return a text without its references, the author before the title included.

    Args:
        text: Any string.

    Example:
        >>> without_references("雨が降った。気象庁『台風情報』。気象庁、2006年8月8日。")
        '雨が降った。'
    """
    if _REFERENCE_END not in text:
        return text
    kept: list[str] = []
    done = 0
    for found in _REFERENCE.finditer(text):
        before = text[done : found.start()]
        author = len(before) - 1 - max(before.rfind("。"), before.rfind("\n"))
        if author <= _LONGEST_AUTHOR:
            before = before[: len(before) - author]
        kept.append(before)
        done = found.end()
    return "".join([*kept, text[done:]])


def _without_fences(text: str) -> str:
    kept: list[str] = []
    block: list[str] = []
    opening = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if opening:
            block.append(line)
            if mark and mark[1].startswith(opening) and not mark[2].strip():
                opening, block = "", []
        elif mark:
            opening, block = mark[1], [line]
        else:
            kept.append(line)
    return "\n".join(kept + block)
