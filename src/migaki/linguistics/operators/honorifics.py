"""Nouns whose form says whose they are: お and ご, and the words for one's own and another's family.

Everything is made into entries for `substitution`, so that it is found with the other nouns. What a form
is stands in the degree of its entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from migaki.linguistics.morphemes import Morpheme
from migaki.linguistics.operators.sentence_kinds import is_question, is_requested
from migaki.linguistics.operators.style import Style
from migaki.linguistics.operators.substitution import Entry, Site
from migaki.linguistics.operators.surroundings import follow_condition, where_condition
from migaki.linguistics.operators.word_classes import in_class
from migaki.linguistics.tables import read_table

__all__ = [
    "KINSHIP_TABLE",
    "PREFIX_TABLE",
    "Form",
    "Owner",
    "is_asked_of_hearer",
    "kinship_entries",
    "owner_of",
    "prefix_entries",
]

PREFIX_TABLE = "honorific_prefixes.tsv"
KINSHIP_TABLE = "kinship.tsv"

_NOWHERE: frozenset[Style] = frozenset()
_ALL = frozenset(Style)
_OTHER_PREFIX = {"お": "ご", "ご": "お"}
_PARTICLE = ":は,が,を,に,で,も,の,と,や,から,まで,へ !=にな !=のよう"
_SELF = frozenset(
    {"私", "僕", "俺", "わたし", "あたし", "ぼく", "おれ", "うち", "自分", "わたくし", "我々"}
)
_HEARER = frozenset({"あなた", "貴方", "あんた"})
_TITLES = frozenset({"さん", "様", "さま", "氏", "先生", "社長", "部長", "課長", "先輩", "教授"})


class Form(StrEnum):
    """The forms of a noun that these tables know."""

    BARE = "bare"  # 名前
    PREFIXED = "prefixed"  # お名前
    RESPECTFUL = "respectful"  # お名前, added only where it is asked for
    WRONG = "wrong"  # *ご名前
    DOUBLED = "doubled"  # *おお名前
    LOST = "lost"  # *覧 for ご覧
    OWN = "own"  # 父
    OTHERS = "others"  # お父さん
    OTHERS_FORMAL = "others_formal"  # お父様


class Owner(StrEnum):
    """Whose somebody or something is, as far as the text shows."""

    SELF = "self"
    OTHER = "other"
    UNKNOWN = "unknown"


def prefix_entries() -> Iterator[Entry]:
    """The entries of `honorific_prefixes.tsv`.

    Example:
        >>> [e.word for e in prefix_entries() if e.set == "住所"]
        ['住所', 'ご住所', 'お住所', 'ごご住所']
    """
    for noun, prefix, kind, prefixed, bare, _, in_use in read_table(PREFIX_TABLE, columns=7):
        if kind in ("whole", "bound"):
            yield _entry(noun, Form.PREFIXED, noun, "", "", role="from")
            yield _entry(noun, Form.DOUBLED, prefix + noun, "", "", role="to")
            if kind == "bound":
                yield _entry(noun, Form.LOST, noun.removeprefix(prefix), "", "", role="to")
            continue
        form = Form.RESPECTFUL if kind == "respectful" else Form.PREFIXED
        yield _entry(noun, Form.BARE, noun, bare, _PARTICLE)
        yield _entry(noun, form, prefix + noun, prefixed, _PARTICLE)
        if in_use != "both":
            yield _entry(noun, Form.WRONG, _OTHER_PREFIX[prefix] + noun, "", _PARTICLE, role="to")
        yield _entry(noun, Form.DOUBLED, prefix * 2 + noun, "", _PARTICLE, role="to")


def _entry(
    name: str, form: Form, word: str, styles: str, follows: str, *, role: str = "both"
) -> Entry:
    return Entry(
        PREFIX_TABLE, name, form, word, frozenset(map(Style, styles)), role, "",
        follow_condition(follows), where_condition("solitary once"),
    )  # fmt: skip


def kinship_entries() -> Iterator[Entry]:
    """The entries of `kinship.tsv`."""
    follows = follow_condition(_PARTICLE)
    anywhere = where_condition("")
    for who, own, others, formal, _ in read_table(KINSHIP_TABLE, columns=5):
        for form, word in (
            (Form.OWN, own),
            (Form.OTHERS, others),
            (Form.OTHERS_FORMAL, formal),
        ):
            if word != others or form is Form.OTHERS:
                yield Entry(KINSHIP_TABLE, who, form, word, _ALL, "both", "", follows, anywhere)


def owner_of(morphemes: Sequence[Morpheme], first: int) -> Owner:
    """Tell whose the noun at `first` is from 私の, あなたの, 田中さんの before it.

    Example:
        >>> from migaki.linguistics.analyzer import analyze
        >>> [owner_of(analyze(text), 2).value for text in ("私の父", "あなたの父", "隣の父")]
        ['self', 'other', 'unknown']
    """
    if first < 2 or morphemes[first - 1].surface != "の":
        return Owner.UNKNOWN
    owner = morphemes[first - 2].surface
    if owner in _SELF:
        return Owner.SELF
    return Owner.OTHER if owner in _HEARER or owner in _TITLES else Owner.UNKNOWN


def is_asked_of_hearer(site: Site) -> bool:
    """Whether a noun is the hearer's, because the sentence asks the hearer for it.

    名前を教えてください, 趣味は何ですか, ご希望はありますか: at the beginning of what is asked, and nobody else's.
    """
    morphemes, first, after = site.morphemes, site.first, site.after
    if not _begins(morphemes, first) or after + 1 >= len(morphemes):
        return False
    particle, verb = morphemes[after], morphemes[after + 1]
    if particle.surface == "を":
        return is_requested(morphemes, after) and in_class(verb, "tell")
    if particle.surface not in ("は", "が") or not is_question(morphemes, after):
        return False
    short = len(morphemes) - after <= _SHORT_QUESTION
    return short and (in_class(verb, "wh") or verb.orth_base in ("ある", "ござる"))


_SHORT_QUESTION = 8


def _begins(morphemes: Sequence[Morpheme], first: int) -> bool:
    if not first:
        return True
    before = morphemes[first - 1]
    if before.surface == "の":
        return owner_of(morphemes, first) is Owner.OTHER
    return before.pos == "補助記号"
