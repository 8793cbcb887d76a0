"""Conjugation: from a dictionary form and its UniDic class to every form.

`endings` writes one form of UniDic, `slots` one form of the school grammar; both are look-ups.
"""

from __future__ import annotations

from migaki.linguistics.conjugation.endings import (
    NotInflectableError,
    c_forms,
    has_form,
    inflect,
    inflections,
)
from migaki.linguistics.conjugation.slots import (
    ba_form,
    imperative,
    masu_stem,
    negative,
    ta_form,
    te_form,
    volitional,
)

__all__ = [
    "NotInflectableError",
    "ba_form",
    "c_forms",
    "has_form",
    "imperative",
    "inflect",
    "inflections",
    "masu_stem",
    "negative",
    "ta_form",
    "te_form",
    "volitional",
]
