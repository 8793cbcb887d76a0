"""Text → morphemes, by fugashi with UniDic (the default) or by Sudachi, under one vocabulary.

Both engines name parts of speech, conjugation classes and forms after UniDic, so that one set of
rules serves both. Nothing of the input is lost: the surfaces and the gaps between them (white space,
and what the engine will not see) give back the text, character for character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from sys import intern
from typing import TYPE_CHECKING, Protocol

from migaki.errors import MissingExtraError, UsageError
from migaki.linguistics.morphemes import Morpheme, Sentence
from migaki.linguistics.sentences import sentence_spans

if TYPE_CHECKING:
    import fugashi
    import sudachipy

__all__ = [
    "ENGINES",
    "Analyzer",
    "FugashiAnalyzer",
    "SudachiAnalyzer",
    "analyze",
    "analyze_sentences",
    "default_analyzer",
    "fugashi_available",
]

ENGINES = ("fugashi", "sudachi")

# MeCab answers with one string, which is several times faster than a Python object per morpheme: for each
# one 0, or 1 for an unknown word, with the white space before it, its surface, and its features.
_BETWEEN, _BEHIND = "\x01", "\x02"
_ANSWER = f"%s%pS{_BETWEEN}%m{_BETWEEN}%H{_BEHIND}"

# MeCab takes C strings in UTF-8: a NUL ends them and a lone surrogate has no encoding. Each is shown
# to it as one replacement character, so that offsets stay true; so are the marks of its answers.
_UNSPEAKABLE = re.compile("[\x00-\x02\ud800-\udfff]")
_REPLACEMENT = "\ufffd"

# The lattice of a piece grows with its length, time faster than it, and Sudachi refuses 49,149 bytes.
# A line longer than this is cut behind the last of the first of these marks that it has, or anywhere:
# then it is no sentence but data.
_LONGEST_PIECE_CHARS = 1024
_CUTS = ("。！？!?", " 　\t", "、，,；;：:")

# What depends on the word but not on where it stands: the fields of Morpheme after `end`.
_Entry = tuple[str, str, str, str, str, str, str, str, str, str, bool]

# Unknown words make entries without end; the memory of a long corpus must not grow with it. An entry takes
# some 820 bytes (the mean of 20,000, of news and example sentences), so all of them 60 MiB; 37,000 such
# sentences have 34,000.
_MOST_ENTRIES = 75_000


class Analyzer(Protocol):
    """What every rule of `linguistics` asks of an engine."""

    @property
    def name(self) -> str:
        """The engine and its dictionary, for reports."""
        ...

    def analyze(self, text: str) -> tuple[Morpheme, ...]:
        """Find the morphemes of a text."""
        ...


class FugashiAnalyzer:
    """MeCab by way of fugashi, with the dictionary unidic-lite (UniDic 2.1.2).

    Raises:
        MissingExtraError: fugashi or unidic-lite is not installed.

    Example:
        >>> [(m.surface, m.pos, m.orth_base) for m in FugashiAnalyzer().analyze("本を 読んだ")]
        [('本', '名詞', '本'), ('を', '助詞', 'を'), ('読ん', '動詞', '読む'), ('だ', '助動詞', 'だ')]
    """

    def __init__(self) -> None:
        try:
            import fugashi
            import unidic_lite
        except ImportError as error:
            raise MissingExtraError(
                "Morphological analysis", package="fugashi[unidic-lite]"
            ) from error
        # The folder is named, so that a large `unidic` installed beside cannot change the results.
        self._tagger: fugashi.GenericTagger = fugashi.GenericTagger(
            f'-r /dev/null -d "{unidic_lite.DICDIR}" -O "" -F "{_ANSWER}" -U "{_ANSWER}" -E ""'
        )
        self._entries: dict[str, tuple[int, str, _Entry]] = {}

    @property
    def name(self) -> str:
        """The engine and its dictionary."""
        return "fugashi + unidic-lite"

    def analyze(self, text: str) -> tuple[Morpheme, ...]:
        """Find the morphemes of a text; white space is not one.

        Args:
            text: Any string, lone surrogates and control characters included.
        """
        found: list[Morpheme] = []
        for start, piece in _pieces(text):
            found += self._piece(piece, start, text)
        return tuple(found)

    def _piece(self, piece: str, start: int, text: str) -> list[Morpheme]:
        entries, make = self._entries, tuple.__new__
        found: list[Morpheme] = []
        place = start
        spoken = _UNSPEAKABLE.sub(_REPLACEMENT, piece)
        answer: str = self._tagger.parse(spoken)
        for part in answer.split(_BEHIND)[:-1]:
            known = entries.get(part)
            if known is None:
                known = entries[part] = _read_part(part)
                if len(entries) > _MOST_ENTRIES:
                    entries.clear()
            gap, surface, entry = known
            place += gap
            end = place + len(surface)
            if entry[0] != "空白":
                found.append(make(Morpheme, (surface, place, end) + entry))  # noqa: RUF005 (faster)
            place = end
        if spoken != piece:
            return [m._replace(surface=text[m.start : m.end]) for m in found]
        return found


def _read_part(part: str) -> tuple[int, str, _Entry]:
    """What MeCab says of one morpheme: how much white space is before it, its surface, its entry."""
    space, surface, feature = part.split(_BETWEEN)
    return len(space) - 1, surface, _unidic_entry(surface, feature, unknown=part[0] == "1")


_QUOTED_COMMA = re.compile(r'"[^"]*"')


def _unidic_entry(surface: str, feature: str, *, unknown: bool) -> _Entry:
    """Read UniDic's 26 fields; an unknown word has only the first six."""
    fields = _QUOTED_COMMA.sub("", feature).split(",")
    pos, pos2, pos3, _, c_type, c_form = ("" if f == "*" else intern(f) for f in fields[:6])
    if surface.isspace():
        pos = "空白"  # also the kinds of white space that UniDic takes for symbols
    if unknown or len(fields) < 22:
        return (pos, pos2, pos3, c_type, c_form, surface, surface, surface, surface, "", False)
    lemma, orth_base, origin = fields[7], fields[10], intern(fields[12])
    reading, reading_base = ("" if f == "*" else f for f in fields[17:19])
    return (
        pos, pos2, pos3, c_type, c_form, orth_base, lemma.partition("-")[0] or orth_base,
        reading or surface, reading_base or orth_base, origin, True,
    )  # fmt: skip


class SudachiAnalyzer:
    """SudachiPy with its core dictionary, in the shortest units (mode A), which are UniDic's.

    Raises:
        MissingExtraError: the extra `sudachi` is not installed.
    """

    def __init__(self) -> None:
        try:
            import sudachipy

            self._tokenizer: sudachipy.Tokenizer = sudachipy.Dictionary(dict="core").tokenizer(
                mode=sudachipy.SplitMode.A
            )
        except ImportError as error:
            raise MissingExtraError(
                "The Sudachi analyser", package=error.name or "sudachipy", extra="sudachi"
            ) from error
        self._entries: dict[tuple[str, int], _Entry] = {}

    @property
    def name(self) -> str:
        """The engine and its dictionary."""
        return "SudachiPy + sudachidict-core"

    def analyze(self, text: str) -> tuple[Morpheme, ...]:
        """Find the morphemes of a text; white space is not one."""
        entries, make = self._entries, tuple.__new__
        found: list[Morpheme] = []
        for start, piece in _pieces(text):
            for word in self._tokenizer.tokenize(_UNSPEAKABLE.sub(_REPLACEMENT, piece)):
                place, end = start + word.begin(), start + word.end()
                surface = text[place:end]
                if not surface or surface.isspace():
                    continue
                if word.is_oov():  # these share a number, though their readings differ
                    entry = _sudachi_entry(surface, word)
                else:
                    key = (surface, word.word_id())
                    known = entries.get(key)
                    entry = known or entries.setdefault(key, _sudachi_entry(surface, word))
                    if len(entries) > _MOST_ENTRIES:
                        entries.clear()
                found.append(make(Morpheme, (surface, place, end, *entry)))
        return tuple(found)


def _sudachi_entry(surface: str, word: sudachipy.Morpheme) -> _Entry:
    pos, pos2, pos3, _, c_type, c_form = ("" if f == "*" else f for f in word.part_of_speech())
    if pos == "空白":  # a mark whose compatibility form begins with a space: ´
        pos = "補助記号"
    return (
        pos, pos2, pos3, c_type, c_form, word.dictionary_form(), word.normalized_form(),
        word.reading_form() or surface, "", "",
        not word.is_oov() or pos2 == "数詞",  # its rules put numbers together
    )  # fmt: skip


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, piece): lines, and overlong lines in parts."""
    start = 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        while end - start > _LONGEST_PIECE_CHARS:
            cut = _place_to_cut(text, start, start + _LONGEST_PIECE_CHARS)
            yield start, text[start:cut]
            start = cut
        yield start, text[start:end]
        start = end


def _place_to_cut(text: str, start: int, stop: int) -> int:
    for marks in _CUTS:
        last = max(text.rfind(mark, start, stop) for mark in marks)
        if last >= 0:
            return last + 1
    return stop


def fugashi_available() -> bool:
    """Whether the default engine and its dictionary are installed; neither is loaded."""
    return bool(find_spec("fugashi") and find_spec("unidic_lite"))


def default_analyzer(engine: str = "fugashi") -> Analyzer:
    """The shared analyser of this process.

    Args:
        engine: ``"fugashi"`` or ``"sudachi"``.

    Raises:
        MissingExtraError: the engine is not installed.
        UsageError: no engine has this name.
    """
    if engine not in ENGINES:
        raise UsageError(f"No analyser is called {engine!r}. Valid: {', '.join(ENGINES)}.")
    return _shared(engine)


@lru_cache(maxsize=len(ENGINES))
def _shared(engine: str) -> Analyzer:
    return FugashiAnalyzer() if engine == "fugashi" else SudachiAnalyzer()


def analyze(text: str, *, analyzer: Analyzer | None = None) -> tuple[Morpheme, ...]:
    """Find the morphemes of a text with the default analyser or the one given.

    Example:
        >>> [m.surface for m in analyze("食べさせられたくなかったです")]
        ['食べ', 'させ', 'られ', 'たく', 'なかっ', 'た', 'です']
    """
    return (analyzer or default_analyzer()).analyze(text)


def analyze_sentences(text: str, *, analyzer: Analyzer | None = None) -> list[Sentence]:
    """Cut a text into sentences and find the morphemes of each.

    Each sentence is analysed by itself, so its morphemes do not depend on its neighbours.

    Example:
        >>> for s in analyze_sentences("「行く。」と言った。 雨だ。"):
        ...     print(s.start, [m.surface for m in s.morphemes])
        0 ['「', '行く', '。', '」', 'と', '言っ', 'た', '。']
        11 ['雨', 'だ', '。']
    """
    engine = analyzer or default_analyzer()
    return [
        Sentence(text[start:end], start, _moved(engine.analyze(text[start:end]), start))
        for start, end in sentence_spans(text)
    ]


def _moved(morphemes: tuple[Morpheme, ...], by: int) -> tuple[Morpheme, ...]:
    if not by:
        return morphemes
    make = tuple.__new__
    return tuple(make(Morpheme, (m[0], m[1] + by, m[2] + by, *m[3:])) for m in morphemes)
