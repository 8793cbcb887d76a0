"""The conversion of a whole text between plain and polite, as edits that two families share."""

from __future__ import annotations

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Register
from migaki.linguistics.operators.limits import speaks_against
from migaki.linguistics.operators.operator import Passage
from migaki.linguistics.operators.tone import Tone
from migaki.linguistics.register.conversion import conversion_edits
from migaki.linguistics.register.keigo import keigo_marks

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
    some words belong to one style (俺, よろしくです; `operator_limits.tsv`): such texts stay.

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
    return speaks_against(f"politeness.{target.value}", passage)


def has_verb(passage: Passage) -> bool:
    """Whether a verb stands in it that is not the ある of である and ではありません."""
    verbs = [m for sentence in passage.sentences for m in sentence.morphemes if m.pos == "動詞"]
    return any(m.orth_base not in _NO_VERBS for m in verbs)
