"""Adverbs and connectives: the same said more formally, more casually, stronger or weaker.

What may stand for what is in `adverbs.tsv`, `connectives.tsv` and `adverb_spellings.tsv`; degree adverbs there
are graded, and a word of the same set and degree keeps the meaning. `adverb_errors.tsv` has what changes
it or is wrong on purpose.
"""

from __future__ import annotations

from migaki.linguistics.operators.operator import Meaning, Operator, Use
from migaki.linguistics.operators.spellings import SPELLING_TABLE, is_spelling, spelling
from migaki.linguistics.operators.style import Style
from migaki.linguistics.operators.substitution import (
    Entry,
    Lexicon,
    Site,
    in_sets,
    read_entries,
    substituting,
)

__all__ = ["OPERATORS"]

_NO_DEGREE = "-"
_LEXICON = Lexicon(read_entries, "adverbs.tsv", "connectives.tsv", SPELLING_TABLE)
_WRONG = Lexicon(read_entries, "adverb_errors.tsv", fitting=True)


def _same_degree(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    degree = site.entry.degree
    if is_spelling(site.entry.word, other.word):
        return False
    return degree == other.degree != _NO_DEGREE and styles <= other.styles


def _synonym(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    if other.table != "adverbs.tsv" or is_spelling(site.entry.word, other.word):
        return False
    return other.degree == _NO_DEGREE and styles <= other.styles


def _connective(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    if other.table != "connectives.tsv" or is_spelling(site.entry.word, other.word):
        return False
    return styles <= other.styles


OPERATORS: tuple[Operator, ...] = (
    substituting(
        _LEXICON,
        "adverbs.degree",
        "とても高い → 非常に高い: another adverb of the same degree, in a style that fits",
        _same_degree,
    ),
    substituting(
        _LEXICON,
        "adverbs.synonym",
        "たぶん来る → おそらく来る: time, frequency, manner, certainty, in a style that fits",
        _synonym,
    ),
    substituting(
        _LEXICON,
        "adverbs.connective",
        "そのため、 → このため、: another connective of the same relation, in a style that fits",
        _connective,
    ),
    spelling(
        _LEXICON,
        SPELLING_TABLE,
        "adverbs.spelling",
        "多分来る → たぶん来る: kana for kanji and back, throughout the text",
    ),
    substituting(
        _WRONG,
        "adverbs.degree_change",
        "とても高い → 少し高い: an adverb of another degree",
        in_sets("degree_change"),
        meaning=Meaning.CHANGED,
        use=Use.EVALUATION,
    ),
    substituting(
        _WRONG,
        "adverbs.style_clash",
        "非常に重要である → めっちゃ重要である: slang in prose that is formal",
        in_sets("style_clash"),
        use=Use.REJECTED,
    ),
    substituting(
        _WRONG,
        "adverbs.negative_polarity",
        "とても高い → *ちっとも高い: an adverb that needs a negation, without one",
        in_sets("negative_polarity"),
        meaning=Meaning.CHANGED,
        grammatical=False,
        use=Use.EVALUATION,
    ),
)
