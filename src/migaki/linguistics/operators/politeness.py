"""The conversion of a whole text between plain and polite, as edits that two families share."""

from __future__ import annotations

from functools import lru_cache

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Register
from migaki.linguistics.operators.operator import Passage
from migaki.linguistics.operators.patterns import Pattern, compile_pattern
from migaki.linguistics.operators.tone import Tone
from migaki.linguistics.register.conversion import conversion_edits
from migaki.linguistics.register.keigo import keigo_marks
from migaki.linguistics.tables import read_table

__all__ = ["has_verb", "politeness_edits"]

_OTHER = {
    Tone.POLITE: Register.PLAIN,
    Tone.PLAIN: Register.POLITE,
    Tone.CASUAL: Register.POLITE,
    Tone.DEARU: Register.POLITE,
}
_NEUTRAL = frozenset({"o_beauty", "person"})  # お茶 and 先生 stand in plain text as well
_NO_VERBS = frozenset({"ある", "ござる"})


def politeness_edits(passage: Passage) -> list[Edit]:
    """What turns a polite text plain or a plain text polite; nothing for other texts.

    Respectful and humble speech has no plain counterpart that anyone would say (承ります is not 承る), and
    some words belong to one style (俺, よろしくです; `politeness_limits.tsv`): such texts stay.

    Example:
        >>> [edit.replacement for edit in politeness_edits(Passage.of("雨です。"))]
        ['だ']
    """
    target = _OTHER.get(passage.tone)
    if target is None or _belongs_to_its_style(passage, target):
        return []
    return conversion_edits(
        passage.text, passage.sentences, passage.protected, target, found=passage.predicates
    )


def _belongs_to_its_style(passage: Passage, target: Register) -> bool:
    """Whether something stands in it that is not said in the other style: keigo, 俺, よろしくです."""
    if target is Register.PLAIN and any(
        mark.name not in _NEUTRAL
        for sentence in passage.sentences
        for mark in keigo_marks(sentence.morphemes)
    ):
        return True
    limits = [limit for limit in _limits()[target] if limit.may_be_among(passage.words)]
    return any(limit.find(s.morphemes) for s in passage.sentences for limit in limits)


@lru_cache(maxsize=1)
def _limits() -> dict[Register, list[Pattern]]:
    found: dict[Register, list[Pattern]] = {Register.PLAIN: [], Register.POLITE: []}
    for target, pattern, _ in read_table("politeness_limits.tsv", columns=3):
        found[Register(target)].append(compile_pattern(pattern))
    return found


def has_verb(passage: Passage) -> bool:
    """Whether a verb stands in it that is not the ある of である and ではありません."""
    return any(
        m.pos == "動詞" and m.orth_base not in _NO_VERBS
        for sentence in passage.sentences
        for m in sentence.morphemes
    )
