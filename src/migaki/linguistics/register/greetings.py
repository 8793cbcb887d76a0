"""おはよう → おはようございます: greetings that have a polite form of their own."""

from __future__ import annotations

import re
from functools import lru_cache

from migaki.linguistics.morphemes import Sentence
from migaki.linguistics.tables import read_table

__all__ = ["polite_greetings"]

_OPENING = r"(?:^|(?<=[\s。．！？!?、，,…‥♪（てで]))(?:本当に|ほんとに|ほんと|どうも|いつも)?"
_AFTER = r"(?=(?:ね|よ|な)?(?:$|[\s。．！？!?、，,…‥♪〜～ー）」』(（]))"
_LEFT_OUT = ("ね", "よ", "な")
_AROUND = {
    "any": ("", _AFTER),
    "thanks": (r"(?<![のと「『])", _AFTER),
    "alone": (_OPENING, _AFTER),
    "closes": (r"(?:^|(?<=[\s。．！？!?…‥♪（：:]))", r"(?=[。．！!]|$)"),
}


def polite_greetings(sentence: Sentence) -> list[tuple[int, int, str]]:
    """The greetings of a sentence with their polite forms: (start, end, text).

    A greeting begins with a morpheme, opens the sentence or follows a mark or て, and stands alone.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> [s] = analyze_sentences("うん、ありがとうね。")
        >>> polite_greetings(s)
        [(3, 9, 'ありがとうございます')]
    """
    table, pattern, anywhere = _greetings()
    found: list[tuple[int, int, str]] = []
    if not anywhere.search(sentence.text):
        return found
    for match in pattern.finditer(sentence.text):
        place = match.lastgroup or ""
        start, end = match.span(place)
        polite = table[match[place]]
        if polite.endswith("ございます") and sentence.text[end : end + 1] in _LEFT_OUT:
            end += 1  # ありがとうね
        found.append((sentence.start + start, sentence.start + end, polite))
    return found


@lru_cache(maxsize=1)
def _greetings() -> tuple[dict[str, str], re.Pattern[str], re.Pattern[str]]:
    """The table, a pattern for greetings where they stand, and one for any of them anywhere."""
    rows = read_table("greetings.tsv", columns=3)
    patterns = []
    for where, (before, after) in _AROUND.items():
        phrases = sorted((row[0] for row in rows if row[2] == where), key=len, reverse=True)
        patterns.append(f"{before}(?P<{where}>{'|'.join(map(re.escape, phrases))}){after}")
    polite_of = {plain: polite for plain, polite, _ in rows}
    first = "".join(sorted({re.escape(plain[0]) for plain in polite_of}))
    anywhere = re.compile(f"(?=[{first}])(?:{'|'.join(map(re.escape, polite_of))})")
    return polite_of, re.compile("|".join(patterns)), anywhere
