"""Classes of words that rules speak of: verbs of motion, places, verbs that have degrees."""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.tables import read_table

__all__ = ["in_class", "word_class"]


def word_class(name: str) -> frozenset[str]:
    """The words of one class of `word_classes.tsv`.

    Raises:
        KeyError: the table has no such class.

    Example:
        >>> "行く" in word_class("motion")
        True
    """
    return _classes()[name]


def in_class(morpheme: Morpheme, name: str) -> bool:
    """Whether the dictionary form or the lemma of a morpheme is in a class."""
    words = _classes()[name]
    return morpheme.orth_base in words or morpheme.lemma in words


@lru_cache(maxsize=1)
def _classes() -> dict[str, frozenset[str]]:
    classes: dict[str, set[str]] = {}
    for name, words, _ in read_table("word_classes.tsv", columns=3):
        classes.setdefault(name, set()).update(words.split())
    return {name: frozenset(words) for name, words in classes.items()}
