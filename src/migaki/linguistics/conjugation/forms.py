"""Conjugation as a learner knows it: a form, or a chain of forms, with politeness, tense, negation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from migaki.errors import UsageError
from migaki.linguistics.conjugation.endings import NotInflectableError
from migaki.linguistics.conjugation.marks import FAULTED, strength
from migaki.linguistics.conjugation.slots import Inflected, expand, slot_names
from migaki.linguistics.conjugation.words import Word, words

__all__ = ["DERIVATIONS", "Cell", "Form", "conjugate", "conjugated", "paradigm"]


class Form(StrEnum):
    """What a word is made into. Those in `DERIVATIONS` make a new verb or adjective."""

    PLAIN = "plain"  # a statement: 書く, 書きます, 書かなかった
    CONJECTURE = "conjecture"  # 書くだろう, 書いたでしょう
    STEM = "stem"  # 連用形: 書き, 高く, 静かに
    ATTRIBUTIVE = "attributive"  # 連体形 of な-adjectives: 静かな
    TE = "te"  # 書いて, 書かなくて
    TARI = "tari"  # 書いたり
    TARA = "tara"  # 書いたら
    BA = "ba"  # 書けば
    ZU = "zu"  # 書かずに
    VOLITIONAL = "volitional"  # 書こう; negative: 書くまい
    IMPERATIVE = "imperative"  # 書け; polite: 書きなさい; negative: 書くな
    PROHIBITIVE = "prohibitive"  # 書くな
    REQUEST = "request"  # 書いてください
    POTENTIAL = "potential"  # 書ける
    PASSIVE = "passive"  # 書かれる
    CAUSATIVE = "causative"  # 書かせる
    CAUSATIVE_PASSIVE = "causative_passive"  # 書かされる, 書かせられる
    DESIDERATIVE = "desiderative"  # 書きたい
    DESIDERATIVE_OTHERS = "desiderative_others"  # 書きたがる, said of others
    PROGRESSIVE = "progressive"  # 書いている
    HONORIFIC = "honorific"  # お書きになる, 召し上がる
    HUMBLE = "humble"  # お書きする, いただく


DERIVATIONS = frozenset(
    {
        Form.POTENTIAL,
        Form.PASSIVE,
        Form.CAUSATIVE,
        Form.CAUSATIVE_PASSIVE,
        Form.DESIDERATIVE,
        Form.DESIDERATIVE_OTHERS,
        Form.PROGRESSIVE,
        Form.HONORIFIC,
        Form.HUMBLE,
    }
)

# A chain branches at each step (causative せる and す); beyond so many only the best go on.
_MOST_BRANCHES = 24


class Cell(NamedTuple):
    """One cell of a paradigm with every answer, best first; those that grammar faults last, and marked."""

    form: Form
    polite: bool
    past: bool
    negative: bool
    forms: tuple[Inflected, ...]


def conjugate(
    word: Word | str,
    form: Form | Iterable[Form] = Form.PLAIN,
    *,
    polite: bool = False,
    past: bool = False,
    negative: bool = False,
) -> tuple[str, ...]:
    """Write a word in a form, or in a chain of forms; every right answer, best first.

    What prescriptive grammar faults (いらっしゃられる) is not among them; `conjugated` has it, marked.

    Args:
        word: A word of `words`, or text, of which the likeliest reading is taken.
        form: One form, or several from the inside out: causative, passive, desiderative. All but the
            last must be in `DERIVATIONS`.
        polite: です・ます instead of the plain form.
        past: Past tense.
        negative: Negation of the whole.

    Raises:
        NotInflectableError: the word has no such form, or does not inflect.

    Example:
        >>> conjugate("食べる", [Form.CAUSATIVE, Form.PASSIVE, Form.DESIDERATIVE], polite=True, past=True, negative=True)
        ('食べさせられたくなかったです', '食べさせられたくありませんでした')
        >>> conjugate("見る", Form.POTENTIAL), conjugate("飲む", Form.CAUSATIVE_PASSIVE, past=True)
        (('見られる', '見れる'), ('飲まされた', '飲ませられた'))
    """
    found = conjugated(word, form, polite=polite, past=past, negative=negative)
    right = tuple(each.text for each in found if each.style != FAULTED)
    if not right:
        raise NotInflectableError(
            f"{found[0].text!r} is faulted by grammar. {found[0].reason}.",
            hint="`conjugated` and `migaki conjugate` give such forms, marked as faulted.",
        )
    return right


def conjugated(
    word: Word | str,
    form: Form | Iterable[Form] = Form.PLAIN,
    *,
    polite: bool = False,
    past: bool = False,
    negative: bool = False,
) -> tuple[Inflected, ...]:
    """As `conjugate`, with the reading and the style of each answer; those in style faulted come last.

    Raises:
        NotInflectableError: the word has no such form, or does not inflect.

    Example:
        >>> conjugated("来る", Form.POTENTIAL, negative=True)[0].reading
        'こられない'
        >>> [(each.text, each.style) for each in conjugated("おっしゃる", Form.PASSIVE)]
        [('おっしゃられる', 'faulted')]
    """
    subject = words(word)[0] if isinstance(word, str) else word
    chain = _chain((form,) if isinstance(form, Form) else tuple(form))
    found = _of(subject, chain, polite=polite, past=past, negative=negative)
    if not found:
        raise _no_such_form(subject, chain, polite=polite, past=past, negative=negative)
    return found


def paradigm(word: Word | str) -> list[Cell]:
    """Every form of a word: each form alone, in all polarities, tenses and registers it has.

    Raises:
        NotInflectableError: the word does not inflect.

    Example:
        >>> {cell.form for cell in paradigm("高い")} == {
        ...     Form.PLAIN, Form.CONJECTURE, Form.STEM, Form.TE, Form.TARI, Form.TARA, Form.BA
        ... }
        True
    """
    subject = words(word)[0] if isinstance(word, str) else word
    cells = []
    for form in Form:
        for polite, past, negative in product((False, True), repeat=3):
            chain = _chain((form,))
            found = _of(subject, chain, polite=polite, past=past, negative=negative)
            if found:
                cells.append(Cell(form, polite, past, negative, found))
    return cells


def _of(
    word: Word, chain: tuple[Form, ...], *, polite: bool, past: bool, negative: bool
) -> tuple[Inflected, ...]:
    found = _conjugated(word.base, word.reading, word.c_type, chain, polite, past, negative)
    if chain == (Form.ATTRIBUTIVE,) and word.pos != "形状詞":
        # A noun goes before another with の, not with な.
        return tuple(Inflected(f.text[:-1] + "の", f.reading[:-1] + "の") for f in found)
    return found


def _chain(forms: tuple[Form, ...]) -> tuple[Form, ...]:
    """Check the order of a chain; causative + passive is one form, because it contracts."""
    if not forms:
        return (Form.PLAIN,)
    for form in forms[:-1]:
        if form not in DERIVATIONS:
            raise UsageError(
                f"Nothing can follow the form {form.value!r}.",
                hint=f"Before the last form these may stand: {', '.join(sorted(DERIVATIONS))}.",
            )
    merged: list[Form] = []
    for form in forms:
        if form is Form.PASSIVE and merged and merged[-1] is Form.CAUSATIVE:
            merged[-1] = Form.CAUSATIVE_PASSIVE
        else:
            merged.append(form)
    return (*merged, Form.PLAIN) if merged[-1] in DERIVATIONS else tuple(merged)


@lru_cache(maxsize=16_384)
def _conjugated(
    text: str,
    reading: str,
    c_type: str,
    chain: tuple[Form, ...],
    polite: bool,
    past: bool,
    negative: bool,
) -> tuple[Inflected, ...]:
    stages = [Inflected(text, reading, c_type)]
    for form in chain[:-1]:
        stages = list(_ranked(_step(stages, form.value)))[:_MOST_BRANCHES]
    return tuple(_ranked(_step(stages, _slot(chain[-1], polite, past, negative))))


def _slot(form: Form, polite: bool, past: bool, negative: bool) -> str:
    marks = (("polite", polite), ("past", past), ("negative", negative))
    return ".".join([form.value, *(name for name, wanted in marks if wanted)])


def _step(stages: Iterable[Inflected], slot: str) -> Iterator[Inflected]:
    for stage in stages:
        for made in expand(stage.text, stage.reading, stage.c_type, slot):
            yield made.marked(stage.mark)


def _ranked(forms: Iterable[Inflected]) -> Iterable[Inflected]:
    """Best first: neutral style before any other, what is marked last, each text once."""
    unique: dict[str, Inflected] = {}
    for form in sorted(forms, key=lambda form: (strength(form.style), bool(form.style))):
        unique.setdefault(form.text, form)
    return unique.values()


def _no_such_form(
    word: Word, chain: tuple[Form, ...], *, polite: bool, past: bool, negative: bool
) -> NotInflectableError:
    names = [
        name for name, on in (("polite", polite), ("past", past), ("negative", negative)) if on
    ]
    asked = " ".join([*names, " + ".join(form.value for form in chain)])
    known = {str(form) for form in Form}
    there = dict.fromkeys(slot.partition(".")[0] for slot in slot_names(word.c_type))
    return NotInflectableError(
        f"{word.base!r} ({word.c_type}) has no form {asked!r}.",
        hint=f"It has: {', '.join(name for name in there if name in known)}. Polite, past and "
        "negative do not go with every form.",
    )
