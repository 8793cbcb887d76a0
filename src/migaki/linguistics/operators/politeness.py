"""The conversion of a whole text between plain and polite, as edits that two families share."""

from __future__ import annotations

from migaki.linguistics.edits import Edit
from migaki.linguistics.morphemes import Register
from migaki.linguistics.operators.operator import Passage
from migaki.linguistics.operators.tone import Tone
from migaki.linguistics.register.conversion import conversion_edits

__all__ = ["has_verb", "politeness_edits"]

_OTHER = {
    Tone.POLITE: Register.PLAIN,
    Tone.PLAIN: Register.POLITE,
    Tone.CASUAL: Register.POLITE,
    Tone.DEARU: Register.POLITE,
}
_NO_VERBS = frozenset({"ある", "ござる"})


def politeness_edits(passage: Passage) -> list[Edit]:
    """What turns a polite text plain or a plain text polite; nothing for other texts.

    Example:
        >>> [edit.replacement for edit in politeness_edits(Passage.of("雨です。"))]
        ['だ']
    """
    target = _OTHER.get(passage.tone)
    if target is None:
        return []
    return conversion_edits(
        passage.text, passage.sentences, passage.protected, target, found=passage.predicates
    )


def has_verb(passage: Passage) -> bool:
    """Whether a verb stands in it that is not the ある of である and ではありません."""
    return any(
        m.pos == "動詞" and m.orth_base not in _NO_VERBS
        for sentence in passage.sentences
        for m in sentence.morphemes
    )
