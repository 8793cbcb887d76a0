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
from migaki.linguistics.conjugation.marks import is_marked
from migaki.linguistics.tables import read_table

__all__ = [
    "Ending",
    "NotInflectableError",
    "auxiliary_class",
    "c_forms",
    "fold",
    "has_form",
    "hiragana",
    "inflect",
    "inflections",
    "spoken_forms",
]

_IDEOGRAPH = re.compile(r"[々〆〇ヶ\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_STEM = re.compile(r"[々〆〇ァ-ヶ\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_ANY_IDEOGRAPH = "漢"
_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ"))}
_TO_KATAKANA = {code - 0x60: code for code in range(ord("ァ"), ord("ヶ"))}
_GENERAL = "-一般"
_WHOLE_WORD = 1_000
_LONGEST_ENDING = 8  # of conjugation_endings.tsv, and of 〜 in conjugation_exceptions.tsv
_CACHED_FORMS = 65_536


class NotInflectableError(UsageError):
    """The word, its class, or this class in this form does not inflect."""


class Ending(NamedTuple):
    """What is put on, the class of the result where the table names one, its style and the reason for that."""

    text: str
    c_type: str = ""
    style: str = ""
    reason: str = ""

    @classmethod
    def parse(cls, cell: str, why: str = "") -> Ending:
        """Read ``ending:class:style`` of a table; the last two may be missing. `why` explains a mark."""
        ending = cls(*cell.split(":"))
        return ending._replace(reason=why) if is_marked(ending.style) else ending


class _Change(NamedTuple):
    """Take the last ``dropped`` characters off and put one of ``endings`` on, best first."""

    dropped: int
    endings: tuple[Ending, ...]


class _Cell(NamedTuple):
    """How one form of one class is made: by the word, by its written ending, by its folded ending."""

    words: dict[str, _Change]
    written: dict[str, _Change]
    folded: dict[str, _Change]


class _Table(NamedTuple):
    cells: dict[tuple[str, str], _Cell]
    c_forms: dict[str, tuple[str, ...]]


def fold(spelling: str) -> str:
    """Reduce a spelling to what inflection depends on.

    All kanji are one. So is katakana before an ending in hiragana: イタい is written on like 痛い
    (イタう), not like いたい (いとう). A word that ends in katakana is taken as if in hiragana.

    Example:
        >>> fold("サボる"), fold("持ち来る"), fold("ワカル")
        ('漢漢る', '漢ち漢る', 'わかる')
    """
    if "ァ" <= spelling[-1:] <= "ヶ":
        return _IDEOGRAPH.sub(_ANY_IDEOGRAPH, spelling.translate(_TO_HIRAGANA))
    return _STEM.sub(_ANY_IDEOGRAPH, spelling)


def hiragana(text: str) -> str:
    """Write katakana as hiragana; the rest stays.

    Example:
        >>> hiragana("カク"), hiragana("ヴィラ")
        ('かく', 'ゔぃら')
    """
    return text.translate(_TO_HIRAGANA)


def inflect(orth_base: str, c_type: str, c_form: str, *, reading_base: str = "") -> str:
    """Write a word in one of UniDic's forms; the standard one where there are several.

    Args:
        orth_base: Dictionary form in the spelling wanted (書字形基本形), never the lemma.
        c_type: UniDic's conjugation class (活用型).
        c_form: UniDic's form (活用形); without its second part the general one is meant.
        reading_base: Reading of the dictionary form in kana, where the spelling leaves open which
            word it is (訪う).

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


def auxiliary_class(text: str) -> str:
    """Class of an auxiliary given as its dictionary form; empty for anything else.

    Example:
        >>> auxiliary_class("らしい"), auxiliary_class("だ"), auxiliary_class("書く")
        ('助動詞-ラシイ', '助動詞-ダ', '')
    """
    found = [
        c_type
        for (c_type, form), cell in _table().cells.items()
        if c_type.startswith("助動詞") and form == "終止形-一般" and text in cell.folded
    ]
    # だ is the copula (助動詞-ダ) before it is た after 読ん (助動詞-タ).
    named = f"助動詞-{text.translate(_TO_KATAKANA)}"
    return named if named in found else (found or [""])[0]


def spoken_forms(
    text: str, reading: str, c_type: str, form: str
) -> tuple[tuple[str, str, Ending], ...] | None:
    """Write a word in one form together with its reading.

    Args:
        text: Dictionary form as written.
        reading: Its reading in kana, or empty if unknown; then that of the form is empty too.
        c_type: Its conjugation class.
        form: A form of UniDic, or any other name in `conjugation_exceptions.tsv`.

    Returns:
        Triples (text, reading, ending put on), best first; empty where a table says that the word has
        no such form, None where no table says anything.

    Example:
        >>> [(text, reading) for text, reading, _ in spoken_forms("来る", "くる", "カ行変格", "未然形-一般")]
        [('来', 'こ')]
    """
    cell = _cell(c_type, form)
    found = cell and _find_change(cell, text, reading)
    if not cell or not found:
        return None
    change, own = found
    written = [(_apply(text, change, ending), ending) for ending in change.endings]
    if not reading:
        return tuple((new, "", ending) for new, ending in written)
    # What a word does against its class it does in sound too; else the reading has its own ending,
    # because a kanji may hide what changes (来る: く, き, こ).
    spoken = change if own else _by_ending(cell.folded, fold(reading[-_LONGEST_ENDING:]))
    if spoken is None or len(spoken.endings) != len(written):
        return tuple((new, "", ending) for new, ending in written)
    readings = [_apply(reading, spoken, ending) for ending in spoken.endings]
    return tuple((new, said, ending) for (new, ending), said in zip(written, readings, strict=True))


@lru_cache(maxsize=_CACHED_FORMS)
def _inflections(orth_base: str, c_type: str, c_form: str, reading_base: str) -> tuple[str, ...]:
    cell = _cell(c_type, c_form)
    found = cell and orth_base and _find_change(cell, orth_base, reading_base)
    if not found:
        return ()
    return tuple(_apply(orth_base, found[0], ending) for ending in found[0].endings)


def _cell(c_type: str, form: str) -> _Cell | None:
    cells = _table().cells
    return cells.get((c_type, form)) or cells.get((c_type, form + _GENERAL))


def _apply(word: str, change: _Change, ending: Ending) -> str:
    rest = word[: max(len(word) - change.dropped, 0)]
    replaced = word[len(rest) :]
    if replaced and all("ァ" <= letter <= "ヶ" for letter in replaced):
        return rest + ending.text.translate(_TO_KATAKANA)
    return rest + ending.text


def _find_change(cell: _Cell, word: str, reading: str) -> tuple[_Change, bool] | None:
    """The change for a word, and whether it is the word's own rather than that of its class."""
    if cell.words or cell.written:
        own = _own_change(cell, word, reading)
        if own is not None:
            return own, True
    regular = _by_ending(cell.folded, fold(word[-_LONGEST_ENDING:]))
    return None if regular is None else (regular, False)


def _own_change(cell: _Cell, word: str, reading: str) -> _Change | None:
    kana = word.translate(_TO_HIRAGANA)
    own = cell.words.get(kana)
    if reading and cell.words:
        own = cell.words.get(f"{kana}@{reading.translate(_TO_HIRAGANA)}", own)
    if own is not None or not cell.written:
        return own
    own = _by_ending(cell.written, kana[-_LONGEST_ENDING:])
    return own if own and _one_script(word[len(word) - own.dropped :]) else None


def _one_script(ending: str) -> bool:
    """Whether an ending is wholly in katakana or has none: ザい of ウザい is neither."""
    katakana = ["ァ" <= letter <= "ヶ" for letter in ending]
    return all(katakana) or not any(katakana)


def _by_ending(endings: dict[str, _Change], tail: str) -> _Change | None:
    """The change for the longest ending that the table has."""
    for start in range(len(tail)):
        if (change := endings.get(tail[start:])) is not None:
            return change
    return None


@lru_cache(maxsize=1)
def _table() -> _Table:
    cells: dict[tuple[str, str], _Cell] = {}
    forms: dict[str, list[str]] = {}
    for c_type, c_form, ending, endings in read_table("conjugation_endings.tsv", columns=4):
        if (c_type, c_form) not in cells:
            cells[c_type, c_form] = _Cell({}, {}, {})
            forms.setdefault(c_type, []).append(c_form)
        # What stays is taken from the word, not from the table, where an ideograph stands for any.
        kept = len(ending) - len(ending.lstrip(_ANY_IDEOGRAPH))
        new = tuple(Ending(text[kept:]) for text in endings.split("|"))
        cells[c_type, c_form].folded[ending] = _Change(len(ending) - kept, new)
    for words, c_type, form, old, new_endings, why in read_table(
        "conjugation_exceptions.tsv", columns=6
    ):
        none = new_endings == "-"
        new = () if none else tuple(Ending.parse(cell, why) for cell in new_endings.split("|"))
        change = _Change(_WHOLE_WORD if old == "*" else len(old), new)
        cell = cells.setdefault((c_type, form), _Cell({}, {}, {}))
        for word in words.split():
            (cell.written if word[0] == "〜" else cell.words)[word.lstrip("〜")] = change
        if not form.isascii() and form not in forms[c_type]:
            forms[c_type].append(form)
    return _Table(cells, {c_type: tuple(found) for c_type, found in forms.items()})


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
