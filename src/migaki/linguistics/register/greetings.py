"""おはよう → おはようございます: greetings that have a polite form of their own."""

from __future__ import annotations

import re
from functools import lru_cache

from migaki.linguistics.morphemes import Sentence
from migaki.linguistics.tables import read_table

__all__ = ["polite_greetings"]

_AFTER = r"(?=(?:ね|よ|な)?(?:$|[\s。．！？!?、，,…‥♪〜～ー）」』(（]))"


def polite_greetings(sentence: Sentence) -> list[tuple[int, int, str]]:
    """The greetings of a sentence with their polite forms: (start, end, text).

    A greeting begins with a morpheme, opens the sentence or follows a mark or て, and stands alone.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> [s] = analyze_sentences("うん、ありがとうね。")
        >>> polite_greetings(s)
        [(3, 8, 'ありがとうございます')]
    """
    table, pattern = _greetings()
    found = []
    for match in pattern.finditer(sentence.text):
        start, end = match.start("phrase"), match.end("phrase")
        found.append((sentence.start + start, sentence.start + end, table[match["phrase"]]))
    return found


@lru_cache(maxsize=1)
def _greetings() -> tuple[dict[str, str], re.Pattern[str]]:
    table = {plain: polite for plain, polite in read_table("greetings.tsv", columns=2)}
    phrases = "|".join(sorted(map(re.escape, table), key=len, reverse=True))
    opening = r"(?:^|(?<=[\s。．！？!?、，,…‥♪（てで]))(?:本当に|ほんとに|ほんと|どうも|いつも)?"
    return table, re.compile(f"{opening}(?P<phrase>{phrases}){_AFTER}")
