"""The everyday verbs that an honorific or humble verb may stand for: いらっしゃる is いる, 行く or 来る.

A conversion to plain or polite speech leaves such a verb as it is, for which of them is meant is not in
the word; the notes say so.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from migaki.linguistics.morphemes import Sentence
from migaki.linguistics.tables import read_table

__all__ = ["ambiguity_notes", "everyday_too", "everyday_verbs"]


@lru_cache(maxsize=1)
def _verbs() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for verbs, *columns in read_table("conjugation_keigo.tsv", columns=3):
        everyday = verbs.split(" ")[0].partition("@")[0]
        for cell in "|".join(columns).split("|"):
            keigo = cell.partition(":")[0]
            if keigo not in ("", "*", "-") and everyday not in found.setdefault(keigo, []):
                found[keigo].append(everyday)
    return {keigo: tuple(verbs) for keigo, verbs in found.items()}


def everyday_verbs(verb: str) -> tuple[str, ...]:
    """Return the verbs that an honorific or humble verb may stand for; empty for any other word.

    Args:
        verb: A dictionary form.

    Example:
        >>> everyday_verbs("召し上がる"), everyday_verbs("おっしゃる")[:1], everyday_verbs("歩く")
        (('食べる', '飲む'), ('言う',), ())
    """
    return _verbs().get(_spelt(verb), ())


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    rows = read_table("keigo_verbs.tsv", columns=3)
    return {
        word: verb for kind, words, verb in rows if kind == "spelling" for word in words.split(" ")
    }


def _spelt(verb: str) -> str:
    """The spelling of conjugation_keigo.tsv."""
    return _spellings().get(verb, verb)


@lru_cache(maxsize=1)
def everyday_too() -> frozenset[str]:
    """Verbs of conjugation_keigo.tsv that are everyday verbs as well: 見える, 休む."""
    rows = read_table("keigo_verbs.tsv", columns=3)
    return frozenset(
        word for kind, words, _ in rows if kind == "everyday" for word in words.split(" ")
    )


def ambiguity_notes(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """Say which honorific and humble verbs of a text were left because they have several readings.

    Example:
        >>> from migaki.linguistics.analyzer import analyze_sentences
        >>> ambiguity_notes(analyze_sentences("先生がいらっしゃいます。"))
        ('いらっしゃる may stand for いる, 行く, 来る: it was left as it is.',)
    """
    notes: dict[str, None] = {}
    for sentence in sentences:
        for place, m in enumerate(sentence.morphemes):
            before = sentence.morphemes[place - 1].surface if place else ""
            if m.pos != "動詞" or before in ("て", "で"):
                continue
            verb = _spelt(m.orth_base)
            verbs = everyday_verbs(verb)
            if len(verbs) > 1 and verb not in everyday_too():
                notes[f"{verb} may stand for {', '.join(verbs)}: it was left as it is."] = None
    return tuple(notes)
