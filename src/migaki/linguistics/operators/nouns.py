"""Nouns: the same person, time or thing named more formally or more casually, お and ご, one's own family.

What may stand for what is in `nouns.tsv`, `honorific_prefixes.tsv` and `kinship.tsv`. Lexicalised words
(ご飯, お茶, おにぎり) are in the tables to be left whole: only operators for the rejected side touch them.
"""

from __future__ import annotations

from collections.abc import Iterable

from migaki.linguistics.operators.honorifics import (
    KINSHIP_TABLE,
    PREFIX_TABLE,
    Form,
    Owner,
    is_asked_of_hearer,
    kinship_entries,
    owner_of,
    prefix_entries,
)
from migaki.linguistics.operators.operator import Meaning, Operator, Use
from migaki.linguistics.operators.sentence_kinds import is_requested
from migaki.linguistics.operators.spellings import is_spelling, spelling
from migaki.linguistics.operators.style import Style
from migaki.linguistics.operators.substitution import (
    Entry,
    Lexicon,
    Site,
    read_entries,
    substituting,
)

__all__ = ["OPERATORS"]

_NOUN_TABLE = "nouns.tsv"
_SPELLINGS = "noun_spellings.tsv"
_PROSE = frozenset({Style.POLITE, Style.FORMAL, Style.WRITTEN})
_OUTWARD = frozenset({Style.TALK, Style.POLITE, Style.FORMAL})


def _read(table: str) -> Iterable[Entry]:
    if table == PREFIX_TABLE:
        return prefix_entries()
    return kinship_entries() if table == KINSHIP_TABLE else read_entries(table)


_SPELLED = Lexicon(read_entries, _SPELLINGS)
_LEXICON = Lexicon(_read, _NOUN_TABLE, PREFIX_TABLE, KINSHIP_TABLE)


def _forms(site: Site, other: Entry) -> tuple[str, str]:
    return site.entry.degree, other.degree


def _same_name(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    if other.table != _NOUN_TABLE or is_spelling(site.entry.word, other.word):
        return False
    return site.entry.degree == other.degree and styles <= other.styles


def _too_casual(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    same_owner = other.table == _NOUN_TABLE and site.entry.degree == other.degree
    return same_owner and styles == {Style.FORMAL} and not other.styles & _PROSE


def _other_owner(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    return (
        other.table == _NOUN_TABLE and site.entry.degree != other.degree and styles <= other.styles
    )


def _beautifies(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    if _forms(site, other) != (Form.BARE, Form.PREFIXED) or not styles <= other.styles & _OUTWARD:
        return False
    if _is_paired(site):
        return False
    return owner_of(site.morphemes, site.first) is not Owner.SELF


def _respects(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    if _forms(site, other) != (Form.BARE, Form.RESPECTFUL) or not styles <= other.styles:
        return False
    return is_asked_of_hearer(site)


def _simplifies(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    old, new = _forms(site, other)
    if new != Form.BARE or old != Form.PREFIXED or not styles <= other.styles:
        return False
    return not is_requested(site.morphemes, site.after) and not _is_paired(site)


_JOINING = frozenset({"や", "と", "、", "・", "とか", "か", "も"})


def _is_paired(site: Site) -> bool:
    """Whether it is one member of a pair or list: お料理や掃除 has one of two nouns with お."""
    before, after = site.first - 1, site.after
    joined_before = before > 0 and _joins(site, before, before - 1)
    return joined_before or _joins(site, after, after + 1)


def _joins(site: Site, mark: int, noun: int) -> bool:
    morphemes = site.morphemes
    if noun >= len(morphemes) or morphemes[mark].surface not in _JOINING:
        return False
    return morphemes[noun].pos in ("名詞", "接頭辞", "接尾辞", "代名詞")


def _relative(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    """One's own family is humble to others and お父さん among friends; another's is honoured."""
    if other.table != KINSHIP_TABLE:
        return False
    old, new = _forms(site, other)
    owner = owner_of(site.morphemes, site.first)
    if owner is Owner.SELF:
        if styles == {Style.CASUAL}:
            return (old, new) == (Form.OWN, Form.OTHERS) and other.word.startswith(_ADDRESSED)
        return new == Form.OWN and styles <= _OUTWARD
    if owner is Owner.OTHER:
        formal = styles == {Style.FORMAL}
        return styles <= _OUTWARD and new == (Form.OTHERS_FORMAL if formal else Form.OTHERS) != old
    return False


_ADDRESSED = ("お父", "お母", "お兄", "お姉", "おじい", "おばあ")
"""Words by which one also addresses one's own family."""


def _honours_own(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    own = site.entry.table == KINSHIP_TABLE and owner_of(site.morphemes, site.first) is Owner.SELF
    return own and site.entry.degree == Form.OWN and other.degree != Form.OWN and styles <= _OUTWARD


def _wrong_prefix(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    return other.degree == Form.WRONG and site.entry.degree in (Form.PREFIXED, Form.RESPECTFUL)


def _doubled_prefix(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    return other.degree == Form.DOUBLED and site.entry.degree in (Form.PREFIXED, Form.RESPECTFUL)


def _lost_prefix(site: Site, other: Entry, styles: frozenset[Style]) -> bool:
    return other.degree == Form.LOST


OPERATORS: tuple[Operator, ...] = (
    substituting(
        _LEXICON,
        "nouns.style",
        "さっき着きました → 先ほど着きました: the same thing, in a style that fits",
        _same_name,
    ),
    spelling(
        _SPELLED,
        _SPELLINGS,
        "nouns.spelling",
        "子供がいる → 子どもがいる: kana for kanji and back, throughout the text",
    ),
    substituting(
        _LEXICON,
        "nouns.beautification",
        "寿司を食べました → お寿司を食べました: 美化語, in polite text",
        _beautifies,
    ),
    substituting(
        _LEXICON,
        "nouns.simplification",
        "お寿司を食べた → 寿司を食べた: without お, in plain text; never of ご飯, お茶",
        _simplifies,
    ),
    substituting(
        _LEXICON,
        "nouns.respect",
        "名前を教えてください → お名前を教えてください: what the hearer is asked for",
        _respects,
    ),
    substituting(
        _LEXICON,
        "nouns.kinship",
        "私のお父さんは医者です → 私の父は医者です: by whose family it is",
        _relative,
    ),
    substituting(
        _LEXICON,
        "nouns.style_clash",
        "弊社が承ります → うちの会社が承ります: a casual word in formal speech",
        _too_casual,
        use=Use.REJECTED,
    ),
    substituting(
        _LEXICON,
        "nouns.own_honoured",
        "私の父は医者です → 私のお父様は医者です: honouring one's own family before others",
        _honours_own,
        use=Use.REJECTED,
    ),
    substituting(
        _LEXICON,
        "nouns.owner_change",
        "弊社の製品です → 御社の製品です: the hearer's instead of one's own",
        _other_owner,
        meaning=Meaning.CHANGED,
        use=Use.EVALUATION,
    ),
    substituting(
        _LEXICON,
        "nouns.wrong_prefix",
        "お名前は → *ご名前は: the prefix of the other origin",
        _wrong_prefix,
        grammatical=False,
        use=Use.REJECTED,
    ),
    substituting(
        _LEXICON,
        "nouns.doubled_prefix",
        "お茶 → *おお茶: a second prefix",
        _doubled_prefix,
        grammatical=False,
        use=Use.REJECTED,
    ),
    substituting(
        _LEXICON,
        "nouns.lost_prefix",
        "ご覧ください → *覧ください: a lexicalised word without its prefix",
        _lost_prefix,
        grammatical=False,
        use=Use.REJECTED,
    ),
)
