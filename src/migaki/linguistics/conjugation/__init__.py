"""Conjugation: from a dictionary form and its UniDic class to every form.

`endings` writes one form of UniDic and `slots` one form of the school grammar; both are look-ups, fast
enough for every word of a corpus. `words` finds what a person means by 書く or きる, `forms` conjugates
it with politeness, tense, negation, and in chains.
"""

from __future__ import annotations

from migaki.linguistics.conjugation.endings import (
    NotInflectableError,
    c_forms,
    has_form,
    inflect,
    inflections,
)
from migaki.linguistics.conjugation.forms import (
    DERIVATIONS,
    Cell,
    Form,
    conjugate,
    conjugated,
    paradigm,
)
from migaki.linguistics.conjugation.marks import FAULTED, RARE, is_marked
from migaki.linguistics.conjugation.slots import (
    Inflected,
    ba_form,
    imperative,
    masu_stem,
    negative,
    ta_form,
    te_form,
    volitional,
)
from migaki.linguistics.conjugation.words import Word, words

__all__ = [
    "DERIVATIONS",
    "FAULTED",
    "RARE",
    "Cell",
    "Form",
    "Inflected",
    "NotInflectableError",
    "Word",
    "ba_form",
    "c_forms",
    "conjugate",
    "conjugated",
    "has_form",
    "imperative",
    "inflect",
    "inflections",
    "is_marked",
    "masu_stem",
    "negative",
    "paradigm",
    "ta_form",
    "te_form",
    "volitional",
    "words",
]
