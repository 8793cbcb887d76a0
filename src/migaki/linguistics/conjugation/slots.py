"""Forms of the school grammar, て-form, negative, volitional …, on the same key as `inflect`.

`conjugation_slots.tsv` says of what each is made; `conjugation_exceptions.tsv` holds what single words
do instead (問うて, ない for ある).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from migaki.linguistics.conjugation.endings import (
    Ending,
    NotInflectableError,
    spoken_forms,
)
from migaki.linguistics.conjugation.marks import FAULTED, RARE, Mark, joined, mark_of
from migaki.linguistics.tables import read_table

__all__ = [
    "Inflected",
    "ba_form",
    "expand",
    "imperative",
    "keigo_verbs",
    "masu_stem",
    "negative",
    "slot_names",
    "ta_form",
    "te_form",
    "volitional",
]

_SLOT_NAMES = {
    "te": "て-form",
    "ta": "past",
    "negative": "negative",
    "masu": "stem before ます",
    "ba": "conditional in ば",
    "volitional": "volitional",
    "u": "form in う",
    "imperative": "imperative",
}
_PREFIX = "お"
_SAME_ROW = "*"
_ROWS = {"ワア行": "ア行"}


class Inflected(NamedTuple):
    """A written form.

    Attributes:
        text: The form itself.
        reading: Its reading in kana; empty where that of the word was not given.
        c_type: Class by which it inflects on; empty where it does not.
        style: ``casual`` (ら抜き, contractions), ``written``, ``rare`` (another word is said), ``faulted``
            (by prescriptive grammar: 二重敬語 and the like); empty for the neutral form.
        reason: Why it is rare or faulted; empty otherwise.
    """

    text: str
    reading: str
    c_type: str = ""
    style: str = ""
    reason: str = ""

    @property
    def mark(self) -> Mark:
        """Style and reason together."""
        return Mark(self.style, self.reason)

    def marked(self, mark: Mark) -> Inflected:
        """The same form as made on the way of what has this mark."""
        style, reason = joined(mark, self.mark)
        return self._replace(style=style, reason=reason)


class _Recipe(NamedTuple):
    prefix: str
    path: tuple[str, ...]
    ending: Ending


def te_form(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the て-form.

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> te_form("書く", "五段-カ行"), te_form("行く", "五段-カ行"), te_form("問う", "五段-ワア行")
        ('書いて', '行って', '問うて')
    """
    return _best(orth_base, c_type, "te", reading_base)


def ta_form(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the past in た.

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> ta_form("読む", "五段-マ行"), ta_form("いい", "形容詞"), ta_form("です", "助動詞-デス")
        ('読んだ', 'よかった', 'でした')
    """
    return _best(orth_base, c_type, "ta", reading_base)


def negative(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the negative in ない (ん after ます).

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> negative("買う", "五段-ワア行"), negative("ある", "五段-ラ行"), negative("高い", "形容詞")
        ('買わない', 'ない', '高くない')
    """
    return _best(orth_base, c_type, "negative", reading_base)


def masu_stem(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write what stands before ます.

    Raises:
        NotInflectableError: the class has none (adjectives), or is no class.

    Example:
        >>> masu_stem("書く", "五段-カ行"), masu_stem("なさる", "五段-ラ行")
        ('書き', 'なさい')
    """
    return _best(orth_base, c_type, "masu", reading_base).removesuffix("ます")


def ba_form(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the conditional in ば (なら for だ, たら for た).

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> ba_form("する", "サ行変格"), ba_form("ない", "助動詞-ナイ")
        ('すれば', 'なければ')
    """
    return _best(orth_base, c_type, "ba", reading_base)


def volitional(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the volitional or conjectural form in う, よう.

    Raises:
        NotInflectableError: the class has none, or is no class.

    Example:
        >>> volitional("書く", "五段-カ行"), volitional("来る", "カ行変格"), volitional("だ", "助動詞-ダ")
        ('書こう', '来よう', 'だろう')
    """
    slot = "volitional" if _recipes(c_type, "volitional") else "u"
    return _best(orth_base, c_type, slot, reading_base)


def imperative(orth_base: str, c_type: str, *, reading_base: str = "") -> str:
    """Write the imperative.

    Raises:
        NotInflectableError: the class has none (adjectives, the copula), or is no class.

    Example:
        >>> imperative("書く", "五段-カ行"), imperative("くれる", "下一段-ラ行"), imperative("なさる", "五段-ラ行")
        ('書け', 'くれ', 'なさい')
    """
    return _best(orth_base, c_type, "imperative", reading_base)


@lru_cache(maxsize=65_536)
def expand(text: str, reading: str, c_type: str, slot: str) -> tuple[Inflected, ...]:
    """Every way to write a word in one form of `conjugation_slots.tsv`, best first.

    Args:
        text: Dictionary form as written.
        reading: Its reading in kana, or empty.
        c_type: Its conjugation class.
        slot: Name of the form.

    Returns:
        Nothing where the word has no such form.

    Example:
        >>> [form.text for form in expand("見る", "みる", "上一段-マ行", "potential")]
        ['見られる', '見れる']
    """
    table = _keigo()
    keigo = table.get((text, slot))
    keigo = table.get((f"{text}@{c_type}", slot)) if keigo is None else keigo
    if keigo is not None:
        return _with_regular(keigo, text, reading, c_type, slot)
    mark = mark_of(text, c_type, slot)
    made = [form.marked(mark) for form in _expand(text, reading, c_type, slot)]
    return tuple(sorted(made, key=lambda form: form.style == FAULTED))


def _expand(text: str, reading: str, c_type: str, slot: str) -> tuple[Inflected, ...]:
    recipes = _recipes(c_type, slot)
    exception = spoken_forms(text, reading, c_type, slot)
    if exception is not None:
        regular = recipes[0].ending.c_type if recipes else ""
        return tuple(
            Inflected(new, said, ending.c_type or regular, ending.style, ending.reason)
            for new, said, ending in exception
        )
    found: dict[str, Inflected] = {}
    for recipe in recipes:
        for form in _follow(Inflected(text, reading, c_type), recipe.path):
            made = _join(recipe.prefix, form, recipe.ending, c_type)
            found.setdefault(made.text, made)
    return tuple(found.values())


def _with_regular(
    keigo: tuple[Inflected | None, ...], text: str, reading: str, c_type: str, slot: str
) -> tuple[Inflected, ...]:
    """Put the regular form (お〜になる) where the table has a star; the others (れる) come last.

    Without a star it is there too, rare: another verb stands for it.
    """
    mark = mark_of(text, c_type, slot)
    regular = [form.marked(mark) for form in _expand(text, reading, c_type, slot)]
    starred = [form for form in regular if form.text.startswith(_PREFIX)]
    others = [form for form in regular if not form.text.startswith(_PREFIX)]
    said = ", ".join(entry.text for entry in keigo[:2] if entry)
    rare = Mark(RARE, f"said is {said}" if said else f"no {slot} form is in use")
    forms = [form for entry in keigo for form in (starred if entry is None else [entry])]
    found: dict[str, Inflected] = {}
    for form in (*forms, *others, *(form.marked(rare) for form in starred)):
        found.setdefault(form.text, form)
    return tuple(sorted(found.values(), key=lambda form: form.style == FAULTED))


def slot_names(c_type: str) -> list[str]:
    """Return the names of the forms that a class has, in the order of the table.

    Example:
        >>> slot_names("助動詞-ジャ")
        ['ta']
    """
    names = dict.fromkeys(slot for _, slot in _slots())
    return [slot for slot in names if _recipes(c_type, slot)]


def _follow(start: Inflected, path: tuple[str, ...]) -> list[Inflected]:
    """Go through the sources of a recipe; each step may branch."""
    forms = [start]
    for step in path:
        if step == "base":
            continue
        following = []
        for form in forms:
            if step.isascii():
                made = expand(form.text, form.reading, form.c_type, step)
            else:
                found = spoken_forms(form.text, form.reading, form.c_type, step) or ()
                made = tuple(Inflected(new, said, "", *how[2:]) for new, said, how in found)
            following += [each.marked(form.mark) for each in made]
        forms = following
    return forms


def _join(prefix: str, form: Inflected, ending: Ending, c_type: str) -> Inflected:
    result = ending.c_type
    if result.endswith(_SAME_ROW):
        row = c_type.rpartition("-")[2]
        result = result[:-1] + _ROWS.get(row, row)
    elif not ending.text:
        result = form.c_type
    known = form.reading or not form.text
    reading = prefix + form.reading + ending.text if known else ""
    text = prefix + form.text + ending.text
    return Inflected(text, reading, result, *joined(form.mark, Mark(ending.style, ending.reason)))


def _best(orth_base: str, c_type: str, slot: str, reading_base: str) -> str:
    found = expand(orth_base, reading_base, c_type, slot)
    if not found:
        _refuse(orth_base, c_type, slot)
    return found[0].text


def _refuse(orth_base: str, c_type: str, slot: str) -> None:
    there = [name for key, name in _SLOT_NAMES.items() if _recipes(c_type, key)]
    raise NotInflectableError(
        f"{orth_base!r} of class {c_type or '(none)'} has no {_SLOT_NAMES[slot]}.",
        hint=f"Words of this class have: {', '.join(there)}." if there else None,
    )


@lru_cache(maxsize=4_096)
def _recipes(c_type: str, slot: str) -> tuple[_Recipe, ...]:
    table = _slots()
    for length in range(len(c_type), 0, -1):
        if (found := table.get((c_type[:length], slot))) is not None:
            return found
    return ()


@lru_cache(maxsize=1)
def _slots() -> dict[tuple[str, str], tuple[_Recipe, ...]]:
    table = {}
    for classes, slot, cells in read_table("conjugation_slots.tsv", columns=3):
        recipes = []
        for cell in cells.split("|"):
            source, _, ending = cell.partition("+")
            prefix, _, path = source.rpartition("<")
            recipes.append(_Recipe(prefix, tuple(path.split(">")), Ending.parse(ending)))
        for c_type in classes.split():
            table[c_type, slot] = tuple(recipes)
    return table


@lru_cache(maxsize=1)
def keigo_verbs() -> frozenset[str]:
    """The honorific and humble verbs that stand for others: いらっしゃる, お目にかかる.

    Example:
        >>> "ご覧になる" in keigo_verbs(), "お読みになる" in keigo_verbs()
        (True, False)
    """
    return frozenset(form.text for cell in _keigo().values() for form in cell if form)


@lru_cache(maxsize=1)
def _keigo() -> dict[tuple[str, str], tuple[Inflected | None, ...]]:
    """(verb, honorific or humble) → the verbs used instead; None where the regular form stands."""
    table: dict[tuple[str, str], tuple[Inflected | None, ...]] = {}
    for verbs, *columns in read_table("conjugation_keigo.tsv", columns=3):
        for slot, cell in zip(("honorific", "humble"), columns, strict=True):
            entries: list[Inflected | None] = []
            for each in cell.split("|") if cell != "-" else ():
                text, _, rest = each.partition(":")
                c_type, _, reading = rest.partition(":")
                entries.append(None if text == "*" else Inflected(text, reading, c_type))
            for verb in verbs.split():
                table[verb, slot] = tuple(entries)
    return table
