"""Words written in two ways: what a spelling operator changes throughout a text and nothing else changes."""

from __future__ import annotations

import random
from functools import lru_cache

from migaki.linguistics.edits import Edit
from migaki.linguistics.operators.operator import EditSet, Operator, Passage, shuffled
from migaki.linguistics.operators.substitution import Entry, Lexicon, Site
from migaki.linguistics.tables import read_table

__all__ = ["SPELLING_TABLE", "is_spelling", "runs_together", "spelling"]

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


def spelling(lexicon: Lexicon, table: str, name: str, description: str) -> Operator:
    """Make an operator that spells a word otherwise wherever a text has it: no text spells it in two ways.

    Args:
        lexicon: Finds the words.
        table: The table of the lexicon that has spellings.
        name: Name of the operator.
        description: One line for reports.
    """

    def propose(passage: Passage, rng: random.Random) -> list[EditSet]:
        together: dict[tuple[str, str], EditSet] = {}
        for site in lexicon.sites(passage):
            if site.entry.table != table:
                continue
            for other in lexicon.others(site.entry):
                if not _touches(site, other) and other.fits(site.morphemes, site.first, site.after):
                    edit = Edit(site.start, site.end, other.word, name)
                    together.setdefault((site.entry.word, other.word), []).append(edit)
        found = [
            sorted(set(edits))
            for (word, _), edits in together.items()
            if _is_throughout(word, edits, passage)
        ]
        return shuffled(found, rng)

    return Operator(name, description, propose)


def _is_throughout(word: str, edits: EditSet, passage: Passage) -> bool:
    """Whether the edits are all places of a word; 事 is in 仕事 as well, so of one character nobody can tell."""
    return len(word) == 1 or passage.text.count(word) == len(set(edits))


def _touches(site: Site, other: Entry) -> bool:
    before = site.morphemes[site.first - 1] if site.first else None
    if before is None or before.end != site.start or before.pos in _BOUNDED:
        return False
    return runs_together(before.surface, other.word)


_BOUNDED = frozenset({"助詞", "助動詞", "動詞", "形容詞", "連体詞"})
"""After these a word in hiragana is read as a word: した + こと; not after an adverb: なお + すでに."""
