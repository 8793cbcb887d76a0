"""Fill the wordings of a plan in one register.

A wording is a sentence with fields in braces:

=====================  ==============================================================================
``{だ}``               the copula of the register: だ, です, である; ``{だった}``, ``{ではない}``, ``{だろう}``,
                       ``{のだ}`` likewise
``{開く}``, ``{開く:た}``  a word that ends a sentence, conjugated; forms: た, ない, なかった, ている, ていた, られる,
                       られた, られている, られていた, できる, たい, だろう
``{town}``, ``{town2}``  a word of the list ``town``, the same throughout the text; another one
``{animals.name}``     a column of the table ``animals``, of one row throughout the text; a column that
                       holds whole sentences is put into the register
``{n=20..90/10}``      a number between bounds in steps, kept as ``n``; ``{m=n+5..9}`` and ``{m=n*3}`` reckon
``{n}``                that number; above 9,999 as it is printed (1万2000)
=====================  ==============================================================================

Only words that end a sentence are conjugated here: inside a sentence the plain forms stand in every
register.
"""

from __future__ import annotations

import itertools
import random
import re
from functools import lru_cache

from migaki.corpus.synthetic.plans import Row, rows_of, words_of
from migaki.linguistics.analyzer import analyze
from migaki.linguistics.conjugation import Form, conjugate
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register import convert

__all__ = ["Wording"]

_FIELD = re.compile(r"\{([^{}]+)\}")
_NUMBER = re.compile(r"(\w+)=(?:(\w+)([-+*]))?(\d+)(?:\.\.(\d+))?(?:/(\d+))?")
_ASCII = re.compile(r"([a-z_]+)(\d*)(?:\.([a-z0-9_]+))?")
_TRIES = 50

_COPULA = {
    Register.POLITE: {"だ": "です", "だった": "でした", "ではない": "ではありません",
                      "だろう": "でしょう", "のだ": "のです", "そうだ": "そうです", "つもりだ": "つもりです"},
    Register.PLAIN: {"だ": "だ", "だった": "だった", "ではない": "ではない", "だろう": "だろう", "のだ": "のだ",
                     "そうだ": "そうだ", "つもりだ": "つもりだ"},
    Register.DEARU: {"だ": "である", "だった": "であった", "ではない": "ではない",
                     "だろう": "であろう", "のだ": "のである", "そうだ": "そうである", "つもりだ": "つもりである"},
}  # fmt: skip

_FORMS: dict[str, tuple[tuple[Form, ...], bool, bool]] = {  # chain, past, negative
    "": ((Form.PLAIN,), False, False),
    "た": ((Form.PLAIN,), True, False),
    "ない": ((Form.PLAIN,), False, True),
    "なかった": ((Form.PLAIN,), True, True),
    "ている": ((Form.PROGRESSIVE,), False, False),
    "ていた": ((Form.PROGRESSIVE,), True, False),
    "られる": ((Form.PASSIVE,), False, False),
    "られた": ((Form.PASSIVE,), True, False),
    "られている": ((Form.PASSIVE, Form.PROGRESSIVE), False, False),
    "られていた": ((Form.PASSIVE, Form.PROGRESSIVE), True, False),
    "できる": ((Form.POTENTIAL,), False, False),
    "たい": ((Form.DESIDERATIVE,), False, False),
    "だろう": ((Form.CONJECTURE,), False, False),
}


class Wording:
    """Words and numbers of one text, drawn where they are first named and kept to its end."""

    def __init__(self, rng: random.Random, register: Register) -> None:
        self._rng = rng
        self._register = register
        self._numbers: dict[str, int] = {}
        self._words: dict[str, str] = {}
        self._rows: dict[str, Row] = {}

    def fill(self, wording: str) -> str:
        """Write a wording out.

        Raises:
            ValueError: It names a list, table, column or form that there is not; the tables are
                broken, not the caller.

        Example:
            >>> Wording(random.Random(1), Register.POLITE).fill("参加者は{n=10..10}人{だった}。会は昼に{終わる:た}。")
            '参加者は10人でした。会は昼に終わりました。'
        """
        return _FIELD.sub(lambda field: self._value(field[1]), wording)

    def _value(self, field: str) -> str:
        if field in _COPULA[self._register]:
            return _COPULA[self._register][field]
        if number := _NUMBER.fullmatch(field):
            return self._draw_number(number)
        name, colon, form = field.partition(":")
        word = self._named(name) if name.isascii() else name
        if colon or not name.isascii():
            return _conjugated(word, form, self._register)
        return word

    def _draw_number(self, field: re.Match[str]) -> str:
        name, base, sign, low, high, step = field.groups()
        number = self._rng.randrange(int(low), int(high or low) + 1, int(step or 1))
        if base:
            known = self._numbers[base]
            number = {"+": known + number, "-": known - number, "*": known * number}[sign]
        self._numbers[name] = number
        return _printed(number)

    def _named(self, name: str) -> str:
        if name in self._numbers:
            return _printed(self._numbers[name])
        parts = _ASCII.fullmatch(name)
        if parts is None:
            raise ValueError(f"'{name}' is no field")
        base, number, column = parts.groups()
        if not column:
            return self._word(base, number)
        row = self._row(base, number)
        if column not in row:
            raise ValueError(f"the table {base} has no column '{column}'")
        value = row[column]
        return _in_register(value, self._register) if value.endswith("。") else value

    def _word(self, base: str, number: str) -> str:
        key = base + number
        if key not in self._words:
            words = words_of(base)
            if words is None:
                raise ValueError(f"there is no list of words '{base}'")
            taken = {
                word for other, word in self._words.items() if other.rstrip("123456789") == base
            }
            self._words[key] = self._other(words, taken)
        return self._words[key]

    def _row(self, base: str, number: str) -> Row:
        key = base + number
        if key not in self._rows:
            rows = rows_of(base)
            if rows is None:
                raise ValueError(f"there is no table '{base}'")
            taken = [row for other, row in self._rows.items() if other.rstrip("123456789") == base]
            self._rows[key] = self._rng.choice([row for row in rows if row not in taken])
        return self._rows[key]

    def _other(self, words: tuple[str, ...], taken: set[str]) -> str:
        for _ in range(_TRIES):
            word = self._rng.choice(words)
            if word not in taken:
                return word
        raise ValueError(f"a list of {len(words)} words has no other one")


def _printed(number: int) -> str:
    if number < 10_000:
        return str(number)
    rest = number % 10_000
    return f"{number // 10_000}万{rest}" if rest else f"{number // 10_000}万"


@lru_cache(maxsize=4096)
def _conjugated(word: str, form: str, register: Register) -> str:
    if form not in _FORMS:
        raise ValueError(f"'{form}' is no form; valid: {', '.join(filter(None, _FORMS))}")
    chain, past, negative = _FORMS[form]
    polite = register is Register.POLITE
    text = conjugate(word, chain, polite=polite, past=past, negative=negative)[0]
    if register is Register.DEARU and form == "だろう":
        return text.removesuffix("だろう") + "であろう"
    return text


@lru_cache(maxsize=4096)
def _in_register(sentences: str, register: Register) -> str:
    """Put sentences of a table, which are polite, into a register."""
    if register is Register.POLITE:
        return sentences
    plain = convert(sentences, Register.PLAIN).text
    return _with_dearu(plain) if register is Register.DEARU else plain


def _with_dearu(plain: str) -> str:
    """Write である for the だ that ends a sentence: 鳥だ。 → 鳥である。"""
    pieces: list[str] = []
    place = 0
    morphemes = analyze(plain)
    for morpheme, following in itertools.pairwise(morphemes):
        ends = following.surface == "。" and morpheme.c_type == "助動詞-ダ"
        if ends and morpheme.surface == "だ":
            pieces += (plain[place : morpheme.start], "である")
            place = morpheme.end
    return "".join(pieces) + plain[place:]
