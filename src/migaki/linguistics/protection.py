"""What no conversion may touch: quotes, code, addresses, emoji, names and set phrases.

A span found here is opaque: an edit that would overlap it is not made. The words around it are free:
in 「行く」と言った。 only 言った can change.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.tables import read_table

__all__ = ["overlaps", "protected_spans", "quoted_spans"]

Span = tuple[int, int]

# Speech and titles. （） are not here: what stands in them is the writer's own voice.
_QUOTES = {
    "「": "」",
    "『": "』",
    "“": "”",
    "〝": "〟",
    "《": "》",
    "〈": "〉",
    "【": "】",
    "［": "］",
    "〔": "〕",
    "｢": "｣",
}
_CLOSES = {close: open_ for open_, close in _QUOTES.items()}
_BRACKET = re.compile("[" + "".join(_QUOTES) + "".join(_CLOSES) + "]|\n[ \t\u3000]*\n")

# Every repetition is bounded, possessive or barred from its own start, so that no input, a line of
# a megabyte included, costs more than linear time.
_LITERAL = re.compile(
    r"""
    (?=[\t \x21-\x7e（])                                       # so begins every one of these:
    (?:
    ^```.*?(?:^```[^\n]*$|\Z)                                   # fenced code
    | \A---\n.*?\n---$                                          # front matter
    | ^[ ]{0,3}\#{1,6}[ \t][^\n]*$                              # headings, which are titles
    | ^[ \t]*\|[^\n]*\|[ \t]*$                                  # rows of a table
    | ``[^`\n]{1,500}`` | `[^`\n]{1,500}`                       # code in a line
    | \$\$[^$]{1,2000}\$\$ | (?<![\w$])\$[^\s$][^$\n]{0,200}\$(?![\w$])   # formulas
    | <!--(?:[^-]|-(?!->))*+(?:-->|\Z)                          # HTML: comments,
    | <(?P<raw>script|style|pre)\b[^<>]{0,500}>.*?(?:</(?P=raw)>|\Z)
    | <code\b[^<>]{0,500}>[^<>\n]{0,500}</code>
    | </?[A-Za-z][^<>\n]{0,500}>                                # tags,
    | &\#?\w{1,10};                                             # entities
    | \]\([^()\s]{0,1000}\)                                    # the target of a link
    | \{[\#%{][^{}\n]{0,300}\}{1,2}                            # anchors and templates
    | :[a-z][\w+-]{0,40}:(?:`[^`\n]{1,300}`)?                   # roles and :emoji: names
    | (?:https?|ftp|file)://[^\s<>「」『』（）。、]+
    | www\.[^\s<>「」『』（）。、]+
    | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+   # e-mail
    | (?<![\w/.~])(?:~|\.{1,2})?(?:/[\w.@+-]{1,255}){2,}/?      # paths
    | \b[A-Za-z]:\\[^\s<>"「」]+
    | (?<![\w.-])[\w-]{1,80}(?:\.[\w-]{1,80}){0,9}\.[A-Za-z][A-Za-z0-9]{1,4}(?!\w)  # files, hosts
    | (?<=[\u4e00-\u9fff々A-Za-z])[（(][\u3041-\u3096\u30a1-\u30fa・ー ]{1,40}[）)]  # readings
    | [（(][^（）()\n]{1,500}[）)](?=と|って)                    # what was thought
    | "[^"\n]{1,300}" | (?<!\w)'[^'\n]{1,200}'(?!\w)           # straight quotes in one line
    )
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE | re.ASCII,
)

# One of these marks is in every literal.
_MARKUP = re.compile(r"""[`\-#|$<&({:/.@\\"'（]""")

_EMOJI = re.compile(
    "[\u2600-\u27bf\u2b00-\u2bff\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff]"
    "[\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff\u2600-\u27bf\U0001f300-\U0001faff"
    "\U0001f1e6-\U0001f1ff\U000e0020-\U000e007f]*"
)

# Around a set phrase that must stand alone: a mark or nothing, or the words that go with an apology.
_BEFORE_ALONE = re.compile(r"(?:^|[\s。．！？!?、，,…‥♪（「『])(?:どうも|本当に|大変|では)?$")
_AFTER_ALONE = re.compile(r"$|[\s。．！？!?、，,…‥♪〜～ー）」』(（w笑]|よ|ね|が|けど|けれど")
_LONGEST_BEFORE = 4
_DRAWN_OUT = "[ー〜～]{0,20}"  # ありがとうございましたー


def protected_spans(text: str, morphemes: Iterable[Morpheme] = ()) -> list[Span]:
    """Find what no conversion may touch, as sorted spans that do not overlap.

    Args:
        text: Any text.
        morphemes: Its morphemes, offsets counting in `text`. With them, proper nouns are found, and
            set phrases are accepted only where they begin and end with a morpheme.

    Example:
        >>> text = "「行く」と`f()`で言った。おはようございます、README.mdです。"
        >>> [text[start:end] for start, end in protected_spans(text)]
        ['「行く」', '`f()`', 'おはようございます', 'README.md']
    """
    morphemes = tuple(morphemes)
    found = [match.span() for match in _LITERAL.finditer(text)] if _MARKUP.search(text) else []
    found += quoted_spans(text)
    found += (match.span() for match in _EMOJI.finditer(text))
    found += [(m.start, m.end) for m in morphemes if m.pos2 == "固有名詞"]
    found += _set_phrase_spans(text, morphemes)
    return _merged(found)


def _set_phrase_spans(text: str, morphemes: Sequence[Morpheme]) -> list[Span]:
    phrases = list(_set_phrases().finditer(text))
    if not phrases:
        return []
    starts, ends = {m.start for m in morphemes}, {m.end for m in morphemes}
    return [
        phrase.span()
        for phrase in phrases
        if (not starts or (phrase.start() in starts and phrase.end() in ends))
        and (phrase["any"] or _stands_alone(text, *phrase.span()))
    ]


def quoted_spans(text: str) -> list[Span]:
    """Find 「…」 and the like, outermost and with their brackets.

    A bracket never closed before the end of its paragraph is not a quote.

    Example:
        >>> quoted_spans("「彼は『行く』と言った」と「")
        [(0, 12)]
    """
    spans: list[Span] = []
    opened: list[tuple[str, int]] = []
    for match in _BRACKET.finditer(text):
        mark = match.group()
        if mark in _QUOTES:
            opened.append((mark, match.start()))
        elif mark in _CLOSES:
            for depth in range(len(opened) - 1, -1, -1):
                if opened[depth][0] == _CLOSES[mark]:
                    spans.append((opened[depth][1], match.end()))
                    del opened[depth:]
                    break
        else:
            opened.clear()
    return _merged(spans)


def overlaps(start: int, end: int, spans: Sequence[Span]) -> bool:
    """Whether ``text[start:end]`` shares a character with a span, or an insertion lies inside one.

    Args:
        start: Offset of its first character.
        end: Offset after its last.
        spans: Sorted spans that do not overlap.

    Example:
        >>> overlaps(2, 4, [(3, 6)]), overlaps(6, 6, [(3, 6)]), overlaps(4, 4, [(3, 6)])
        (True, False, True)
    """
    place = bisect_right(spans, start, key=lambda span: span[1])
    return place < len(spans) and spans[place][0] < end


def _merged(spans: list[Span]) -> list[Span]:
    if not spans:
        return spans
    spans.sort()
    merged: list[Span] = []
    for start, end in spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _LONGEST_BEFORE) : start]
    return bool(_BEFORE_ALONE.search(before) and _AFTER_ALONE.match(text, end))


@lru_cache(maxsize=1)
def _set_phrases() -> re.Pattern[str]:
    rows = sorted(read_table("set_phrases.tsv", columns=3), key=lambda row: -len(row[0]))
    free, alone = (
        "|".join(re.escape(phrase) for phrase, where, _ in rows if where == kind)
        for kind in ("any", "alone")
    )
    begins = "".join(sorted({re.escape(phrase[0]) for phrase, _, _ in rows}))
    return re.compile(f"(?=[{begins}])(?:(?P<any>{free})|(?:{alone})){_DRAWN_OUT}")
