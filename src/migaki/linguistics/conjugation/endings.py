"""One inflected form by table look-up: (dictionary form, class, form) → surface.

The table of endings is learned from UniDic (`scripts/derive_conjugation_tables.py`); what single words
do against their class is listed in `conjugation_exceptions.tsv`, each with its reason. The longest
ending wins, and a word's own entry wins over every ending.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from migaki.errors import UsageError
from migaki.linguistics.tables import read_table

__all__ = [
    "NotInflectableError",
    "c_forms",
    "exceptional_forms",
    "fold",
    "has_form",
    "inflect",
    "inflections",
]

_IDEOGRAPH = re.compile(r"[々〆〇ヶ\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ANY_IDEOGRAPH = "漢"
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ"))}
_TO_KATAKANA = {code - 0x60: code for code in range(ord("ァ"), ord("ヶ"))}
_GENERAL = "-一般"

_WHOLE_WORD = 1_000
_CACHED_FORMS = 65_536


class NotInflectableError(UsageError):
    """The word, its class, or this class in this form does not inflect."""


class _Change(NamedTuple):
    """Take the last ``dropped`` characters off and put one of ``endings`` on, best first."""

    dropped: int
    endings: tuple[str, ...]


class _Cell(NamedTuple):
    """How one form of one class is made: by the word, by its written ending, by its folded ending."""

    words: dict[str, _Change]
    written: dict[str, _Change]
    folded: dict[str, _Change]


class _Table(NamedTuple):
    cells: dict[tuple[str, str], _Cell]
    c_forms: dict[str, tuple[str, ...]]
    longest: int


def fold(spelling: str) -> str:
    """Reduce a spelling to what inflection depends on: katakana to hiragana, ideographs to one.

    Example:
        >>> fold("サボる"), fold("持ち来る")
        ('さぼる', '漢ち漢る')
    """
    return _IDEOGRAPH.sub(_ANY_IDEOGRAPH, spelling.translate(_TO_HIRAGANA))


def inflect(orth_base: str, c_type: str, c_form: str, *, reading_base: str = "") -> str:
    """Write a word in one of UniDic's forms; the standard one where there are several.

    Args:
        orth_base: Dictionary form in the spelling wanted (書字形基本形), never the lemma.
        c_type: UniDic's conjugation class (活用型).
        c_form: UniDic's form (活用形); without its second part the general one is meant.
        reading_base: Reading of the dictionary form in kana, where the spelling leaves open which
            word it is.

    Raises:
        NotInflectableError: there is no such class, or the word has no such form.

    Example:
        >>> inflect("書く", "五段-カ行", "連用形-イ音便"), inflect("来る", "カ行変格", "未然形")
        ('書い', '来')
    """
    found = _inflections(orth_base, c_type, c_form, reading_base)
    if not found:
        _refuse(orth_base, c_type, c_form)
    return found[0]


def inflections(
    orth_base: str, c_type: str, c_form: str, *, reading_base: str = ""
) -> tuple[str, ...]:
    """Write a word in one of UniDic's forms, every variant in modern use, best first.

    Raises:
        NotInflectableError: there is no such class, or the word has no such form.

    Example:
        >>> inflections("見る", "上一段-マ行", "命令形")
        ('見ろ', '見よ')
    """
    found = _inflections(orth_base, c_type, c_form, reading_base)
    if not found:
        _refuse(orth_base, c_type, c_form)
    return found


def has_form(orth_base: str, c_type: str, c_form: str, *, reading_base: str = "") -> bool:
    """Whether the word has the form: 行く has no 連用形-イ音便.

    Example:
        >>> has_form("行く", "五段-カ行", "連用形-イ音便"), has_form("聞く", "五段-カ行", "連用形-イ音便")
        (False, True)
    """
    return bool(_inflections(orth_base, c_type, c_form, reading_base))


def c_forms(c_type: str) -> tuple[str, ...]:
    """Return the forms that a class has, in UniDic's names; empty for a class that is not one.

    Example:
        >>> c_forms("五段-タ行")[:4]
        ('仮定形-一般', '仮定形-融合', '命令形', '意志推量形')
    """
    return _table().c_forms.get(c_type, ())


def exceptional_forms(
    orth_base: str, c_type: str, slot: str, reading_base: str = ""
) -> tuple[str, ...]:
    """Forms that only `conjugation_exceptions.tsv` knows, by its own name for them.

    Example:
        >>> exceptional_forms("問う", "五段-ワア行", "te")
        ('問うて',)
    """
    return _inflections(orth_base, c_type, slot, reading_base)


@lru_cache(maxsize=_CACHED_FORMS)
def _inflections(orth_base: str, c_type: str, c_form: str, reading_base: str) -> tuple[str, ...]:
    table = _table()
    cell = table.cells.get((c_type, c_form)) or table.cells.get((c_type, c_form + _GENERAL))
    if cell is None or not orth_base:
        return ()
    change = _find_change(cell, orth_base, reading_base, table.longest)
    if change is None:
        return ()
    rest = orth_base[: max(len(orth_base) - change.dropped, 0)]
    replaced = orth_base[len(rest) :]
    if replaced and all("ァ" <= letter <= "ヶ" for letter in replaced):
        return tuple(rest + ending.translate(_TO_KATAKANA) for ending in change.endings)
    return tuple(rest + ending for ending in change.endings)


def _find_change(cell: _Cell, base: str, reading: str, longest: int) -> _Change | None:
    kana = base.translate(_TO_HIRAGANA)
    if cell.words:
        spoken = f"{kana}@{reading.translate(_TO_HIRAGANA)}"
        change = cell.words.get(spoken) or cell.words.get(kana)
        if change is not None:
            return change
    tail = kana[-longest:]
    for endings, spelling in ((cell.written, tail), (cell.folded, fold(tail))):
        if endings:
            for start in range(len(spelling)):
                if (change := endings.get(spelling[start:])) is not None:
                    return change
    return None


@lru_cache(maxsize=1)
def _table() -> _Table:
    cells: dict[tuple[str, str], _Cell] = {}
    forms: dict[str, list[str]] = {}
    longest = 1
    for c_type, c_form, ending, endings in read_table("conjugation_endings.tsv", columns=4):
        if (c_type, c_form) not in cells:
            cells[c_type, c_form] = _Cell({}, {}, {})
            forms.setdefault(c_type, []).append(c_form)
        # What stays is taken from the word, not from the table, where an ideograph stands for any.
        kept = len(ending) - len(ending.lstrip(_ANY_IDEOGRAPH))
        change = _Change(len(ending) - kept, tuple(new[kept:] for new in endings.split("|")))
        cells[c_type, c_form].folded[ending] = change
        longest = max(longest, len(ending))
    for row in read_table("conjugation_exceptions.tsv", columns=6):
        words, c_type, c_form, old, new, _ = row
        dropped = _WHOLE_WORD if old == "*" else len(old)
        change = _Change(dropped, () if new == "-" else tuple(new.split("|")))
        cell = cells.setdefault((c_type, c_form), _Cell({}, {}, {}))
        for word in words.split():
            # 〜 stands for any beginning; everything else is a whole word, perhaps with its reading.
            (cell.written if word[0] == "〜" else cell.words)[word.lstrip("〜")] = change
            longest = max(longest, len(word))
    return _Table(cells, {c_type: tuple(found) for c_type, found in forms.items()}, longest)


def _refuse(orth_base: str, c_type: str, c_form: str) -> None:
    forms = c_forms(c_type)
    if not forms:
        raise NotInflectableError(
            f"{orth_base!r} cannot be inflected: {c_type!r} is not a conjugation class of UniDic.",
            hint="Valid are classes such as 五段-カ行, 下一段-バ行, サ行変格, 形容詞, 助動詞-マス.",
        )
    raise NotInflectableError(
        f"{orth_base!r} of class {c_type} has no form {c_form!r}.",
        hint=f"The forms of this class: {', '.join(forms)}.",
    )
