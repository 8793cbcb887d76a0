"""Words written in two ways: what `adverbs.spelling` changes throughout a text and nothing else changes."""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.tables import read_table

__all__ = ["SPELLING_TABLE", "is_spelling", "runs_together"]

SPELLING_TABLE = "adverb_spellings.tsv"
_COLUMNS = 9


def is_spelling(word: str, other: str) -> bool:
    """Whether two words are one word, spelled in two ways.

    Example:
        >>> is_spelling("全く", "まったく"), is_spelling("全く", "全然")
        (True, False)
    """
    spelled = _sets().get(word)
    return spelled is not None and spelled == _sets().get(other)


def runs_together(before: str, word: str) -> bool:
    """Whether a word in hiragana would run into the hiragana word before it: なお既に → *なおすでに.

    Example:
        >>> runs_together("なお", "すでに"), runs_together("今", "すでに")
        (True, False)
    """
    return _is_hiragana(before[-1:]) and _is_hiragana(word[:1])


def _is_hiragana(char: str) -> bool:
    return "ぁ" <= char <= "ん"


@lru_cache(maxsize=1)
def _sets() -> dict[str, str]:
    return {row[2]: row[0] for row in read_table(SPELLING_TABLE, columns=_COLUMNS)}
