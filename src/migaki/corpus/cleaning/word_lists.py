"""Lists of words to look for in a text, and finding them without finding parts of other words.

A list is named ``hojichar:NAME`` (a dictionary of the package HojiChar, Apache-2.0, read from where it is
installed), ``migaki:NAME`` (a table of this package) or by the path of a file: UTF-8, one word a line,
lines that begin with ``#`` are comments.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from migaki.corpus.cleaning.characters import CodePoints, code_points
from migaki.corpus.cleaning.measures import Measures
from migaki.errors import ConfigError, MissingExtraError

__all__ = ["WordMatcher", "find_words", "read_words", "word_matcher"]

_KATAKANA = re.compile("[ァ-ヴー]+")
_LATIN = re.compile("[A-Za-z]+")
_LATIN_RUN = re.compile("[A-Za-z]+")
_KEY_BITS = 18
_SHORT = 400
"""Characters from which on looking at pairs is faster than searching."""
_OWN = "migaki:"
_HOJICHAR = "hojichar:"


class WordMatcher:
    """Finds words in texts.

    A word of katakana or of Latin letters counts only where no further such letter stands beside it: a
    list that holds アス is not to find アスパラ. HojiChar calls this ``ignore_confused`` and leaves it off.
    Other words are found wherever they stand, the longest first, none inside another.

    Args:
        words: What to look for.

    Example:
        >>> matcher = WordMatcher(["アス", "広告", "広告掲載"])
        >>> dict(matcher.find(Measures("アスパラの広告掲載、アスの広告")))
        {'アス': 1, '広告掲載': 1, '広告': 1}
    """

    def __init__(self, words: Iterable[str]) -> None:
        unique = dict.fromkeys(words)
        self._katakana = frozenset(word for word in unique if _KATAKANA.fullmatch(word))
        self._latin = frozenset(word.lower() for word in unique if _LATIN.fullmatch(word))
        others = [
            word for word in unique if word not in self._katakana and not _LATIN.fullmatch(word)
        ]
        self._others = re.compile(_trie_pattern(others)) if others else None
        self._beginnings = _beginnings(others)

    def find(self, measures: Measures) -> Counter[str]:
        """Return the words that the text holds, with how often."""
        found: Counter[str] = Counter()
        if self._katakana:
            runs = measures.katakana_runs
            found.update({word: runs[word] for word in self._katakana & runs.keys()})
        if self._latin:
            latin = Counter(run.lower() for run in _LATIN_RUN.findall(measures.text))
            found.update({word: latin[word] for word in self._latin & latin.keys()})
        if self._others:
            found.update(self._find_others(self._others, measures))
        return found

    def _find_others(self, pattern: re.Pattern[str], measures: Measures) -> Iterator[str]:
        """Yield the other words as `findall` would, but try only where two characters begin one."""
        text = measures.text
        if self._beginnings is None or len(text) < _SHORT:
            yield from pattern.findall(text)
            return
        done = 0
        for place in np.flatnonzero(self._beginnings[_pair_keys(measures.points)]).tolist():
            if place >= done and (match := pattern.match(text, place)):
                done = match.end()
                yield match.group()


def _beginnings(words: Sequence[str]) -> NDArray[np.bool_] | None:
    """Return which pairs of characters, by their key, begin a word; None where a word is one character."""
    if any(len(word) < 2 for word in words):
        return None
    table = np.zeros(1 << _KEY_BITS, dtype=np.bool_)
    for word in words:
        table[_pair_keys(code_points(word[:2]))] = True
    return table


def _pair_keys(points: CodePoints) -> NDArray[np.uint32]:
    """Return a key for each pair of neighbours; different pairs may share one."""
    mixed = points[:-1] * np.uint32(0x9E3779B1) + points[1:] * np.uint32(0x85EBCA6B)
    return mixed >> np.uint32(32 - _KEY_BITS)


def find_words(lists: Sequence[str], measures: Measures) -> Counter[str]:
    """Return the words of some lists that a text holds, with how often.

    Args:
        lists: Names of lists.
        measures: The text.

    Raises:
        ConfigError: A list does not exist.
        MissingExtraError: A list is HojiChar's, which is not installed.
    """
    return word_matcher(tuple(lists)).find(measures)


@lru_cache(maxsize=16)
def word_matcher(lists: tuple[str, ...]) -> WordMatcher:
    """Return what finds the words of some lists; made once in each process."""
    return WordMatcher(word for name in lists for word in read_words(name))


@lru_cache(maxsize=16)
def read_words(name: str) -> tuple[str, ...]:
    """Return the words of one list; what has fewer than two characters is left out.

    Args:
        name: ``hojichar:NAME``, ``migaki:NAME`` or a path.

    Raises:
        ConfigError: There is no such list.
        MissingExtraError: It is HojiChar's, which is not installed.

    Example:
        >>> "無断転載" in read_words("migaki:page_notices")
        True
    """
    lines = _read(name).splitlines()
    words = (line.split("\t")[0].strip() for line in lines if not line.startswith(("#", "<TEST_")))
    return tuple(word for word in words if len(word) > 1)


def _read(name: str) -> str:
    if name.startswith(_OWN):
        table = resources.files(__package__).joinpath("tables", f"{name.removeprefix(_OWN)}.tsv")
        if not table.is_file():
            raise _no_list(name, _own_lists())
        return table.read_text("utf-8")
    path = _hojichar_path(name) if name.startswith(_HOJICHAR) else Path(name).expanduser()
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as err:
        raise ConfigError(f"The word list {name} is not UTF-8 ({err}).") from err
    except OSError as err:
        known = (
            [file.stem for file in path.parent.glob("*.txt")]
            if name.startswith(_HOJICHAR)
            else None
        )
        raise _no_list(name, known) from err


def _hojichar_path(name: str) -> Path:
    spec = find_spec("hojichar")  # its dictionaries are read without importing it
    if spec is None or spec.origin is None:
        raise MissingExtraError(f"The word list {name}", package="hojichar", extra=None)
    return Path(spec.origin).parent / "dict" / f"{Path(name.removeprefix(_HOJICHAR)).name}.txt"


def _own_lists() -> list[str]:
    tables = resources.files(__package__).joinpath("tables").iterdir()
    return [table.name.removesuffix(".tsv") for table in tables if table.name.endswith(".tsv")]


def _no_list(name: str, known: list[str] | None) -> ConfigError:
    hint = f"Valid: {', '.join(sorted(known))}." if known else "Check the path."
    return ConfigError(f"There is no word list {name}.", hint=hint)


def _trie_pattern(words: Sequence[str]) -> str:
    """Write words as one pattern that shares beginnings: some ten times faster than a|b|c.

    >>> _trie_pattern(["広告", "広告掲載", "広場"])
    '広(?:告(?:掲載)?|場)'
    """
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for char in word:
            node = node.setdefault(char, {})
        node[""] = {}
    return _node_pattern(root)


def _node_pattern(node: Mapping[str, Any]) -> str:
    branches = [re.escape(char) + _node_pattern(below) for char, below in node.items() if char]
    if not branches:
        return ""
    joined = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    if "" not in node:
        return joined
    return f"(?:{joined})?" if len(branches) == 1 else f"{joined}?"
