"""What the licence of a text allows and asks for: training, changing, passing on, selling.

The judgements are data (`tables/licences.tsv`), each with the address of the licence and what in it
the judgement rests on. A licence that nobody stated, or that the table does not have, answers
``unknown``: never yes.

    >>> may("CC BY-ND 2.1 JP", "augment").allowed
    False
    >>> find_licence("CC BY-SA 4.0").name
    'CC-BY-SA-4.0'
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias, cast, get_args

from migaki.errors import UsageError
from migaki.linguistics.tables import read_table

__all__ = [
    "UNKNOWN",
    "Answer",
    "Licence",
    "Permission",
    "Use",
    "attribution",
    "find_licence",
    "known_licences",
    "may",
]

Answer: TypeAlias = Literal["yes", "no", "unknown"]
Use: TypeAlias = Literal["train", "augment", "redistribute", "commercial"]

UNKNOWN = "unknown"
"""Name of the licence of a text of which nobody said one."""

_LONGEST_NAME = 80
"""Characters kept of the name of a licence that is not known."""

_TABLE, _PACKAGE = "licences.tsv", "migaki.corpus.tables"
_COLUMNS = (
    "name", "title", "train", "augment", "redistribute", "commercial", "share_alike", "attribution",
    "aliases", "url", "basis",
)  # fmt: skip
_WHAT: Mapping[str, str] = {
    "train": "training on the text",
    "augment": "changing the text and using what comes out",
    "redistribute": "passing the text on",
    "commercial": "commercial use",
}


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence: what it allows, what it asks for, and on what the judgement rests."""

    name: str
    """SPDX identifier where there is one."""
    title: str
    train: Answer
    augment: Answer
    redistribute: Answer
    commercial: Answer
    share_alike: Answer
    """Whether what is made of the text and published must carry the same licence."""
    attribution: Answer
    """Whether its authors must be named."""
    aliases: tuple[str, ...]
    url: str
    basis: str
    """The clause, or the source of the judgement."""

    @property
    def known(self) -> bool:
        """Whether the table says yes or no at all."""
        return self.train != "unknown"


class Permission(NamedTuple):
    """Whether something is allowed, and why; what nobody knows is not allowed."""

    allowed: bool
    reason: str


@lru_cache(maxsize=4096)
def find_licence(name: str | None) -> Licence:
    """Return the licence that a name means; the entry ``unknown`` where none is meant.

    Case, hyphens and remarks in parentheses do not count, unless the remark takes something away.
    Two licences in one name are not understood: ``unknown``. A Creative Commons licence of a version or
    port that the table lacks is read by its letters, which mean the same in all; a name that is not
    known but forbids changed texts keeps that.

    Args:
        name: As a row, a file or a page states it; None where it states nothing.

    Example:
        >>> find_licence("PSF License v2 (same licence as Python)").name
        'PSF-2.0'
        >>> find_licence("クリエイティブ・コモンズ 表示 4.0 国際").name, find_licence(None).name
        ('CC-BY-4.0', 'unknown')
        >>> find_licence("MIT (research only)").name
        'unknown'
        >>> find_licence("https://creativecommons.org/licenses/by-nd/3.0/").augment
        'no'
    """
    by_spelling = _by_spelling()
    for spelling in _spellings(name or ""):
        if spelling in by_spelling:
            return by_spelling[spelling]
    return _creative_commons(name or "") or _forbidding(name or "") or by_spelling[UNKNOWN]


def known_licences() -> tuple[Licence, ...]:
    """Return every licence of the table, ``unknown`` last."""
    return _licences()


def may(licence: str | None, use: Use) -> Permission:
    """Say whether a licence allows a use, and on what that rests.

    Args:
        licence: Its name.
        use: ``train``, ``augment``, ``redistribute`` or ``commercial``.

    Raises:
        UsageError: There is no such use.

    Example:
        >>> print(may("CC-BY-NC-SA-4.0", "commercial").reason)
        CC-BY-NC-SA-4.0 does not allow commercial use (legal code §2(a)(1), §3(b): non-commercial, \
same licence; https://creativecommons.org/licenses/by-nc-sa/4.0/).
        >>> may("what I found", "train").allowed
        False
    """
    if use not in get_args(Use):
        raise UsageError(f"There is no use '{use}'. Valid: {', '.join(get_args(Use))}.")
    found = find_licence(licence)
    answer: Answer = getattr(found, use)
    what = _WHAT[use]
    if answer == "unknown" and found.name == UNKNOWN:
        stated = f"The licence '{licence}' is not in the table" if _is_stated(licence) else (
            "Nobody stated the licence"
        )  # fmt: skip
        return Permission(False, f"{stated}, so whether it allows {what} is not known.")
    basis = "; ".join(part for part in (found.basis, found.url) if part)
    verdict = {"yes": "allows", "no": "does not allow", "unknown": "does not say whether it allows"}
    return Permission(answer == "yes", f"{found.name} {verdict[answer]} {what} ({basis}).")


def attribution(licence: str, *, source: str, url: str = "") -> str:
    """Return the line that names a source in a report or on a model's page.

    Args:
        licence: Name of its licence.
        source: What people call the source.
        url: Where it is published.

    Example:
        >>> print(attribution("CC BY-SA 4.0", source="Wikipedia", url="https://ja.wikipedia.org/"))
        Wikipedia (https://ja.wikipedia.org/), CC-BY-SA-4.0 \
(https://creativecommons.org/licenses/by-sa/4.0/). What is made of it and published carries the same \
licence.
        >>> print(attribution("", source="notes.txt"))
        notes.txt, licence not known: check it before you publish what was made of it.
    """
    found = find_licence(licence)
    where = f"{source} ({url})" if url else source
    if not found.known and not found.url:
        stated = f" (stated: {licence})" if _is_stated(licence) else ""
        return (
            f"{where}, licence not known{stated}: check it before you publish what was made of it."
        )
    line = f"{where}, {found.name} ({found.url})."
    if found.share_alike == "yes":
        line += " What is made of it and published carries the same licence."
    if found.commercial == "no":
        line += " Not for commercial use."
    if not found.known:
        line += " The rights in the single texts are not known."
    return line


def _is_stated(name: str | None) -> bool:
    return bool(name and name.strip()) and name != UNKNOWN


@lru_cache(maxsize=1)
def _licences() -> tuple[Licence, ...]:
    header, *rows = read_table(_TABLE, columns=len(_COLUMNS), package=_PACKAGE)
    if header != _COLUMNS:
        raise ValueError(f"{_TABLE} has the columns {header}")
    return tuple(_licence(row) for row in rows)


def _licence(row: tuple[str, ...]) -> Licence:
    cells = dict(zip(_COLUMNS, row, strict=True))
    for column in _COLUMNS[2:8]:
        if cells[column] not in get_args(Answer):
            raise ValueError(f"{_TABLE}: {cells['name']} answers {cells[column]!r}")
    aliases = tuple(part.strip() for part in cells.pop("aliases").split(";") if part.strip())
    return Licence(aliases=aliases, **cast("dict[str, Any]", cells))


@lru_cache(maxsize=1)
def _by_spelling() -> Mapping[str, Licence]:
    return {
        _key(spelling): licence
        for licence in reversed(_licences())  # the first of two wins
        for spelling in (licence.name, licence.title, *licence.aliases)
    }


def _spellings(name: str) -> list[str]:
    """Return what may stand in the table for a name, the most exact first."""
    bare = _PARENTHESES.sub("", name)
    japanese = re.sub(r"クリエイティブ・?コモンズ(?:・?ライセンス)?", "CC BY", bare)
    for word, letters in _JAPANESE_PARTS:
        japanese = japanese.replace(word, letters)
    addresses = [licence for url, licence in _by_url() if url in name.lower()]
    return [_key(spelling) for spelling in (name, bare, japanese, *addresses)]


# What a remark in parentheses takes away must not be lost: 「MIT (research only)」 is not MIT.
_PARENTHESES = re.compile(
    r"[(（](?![^)）]*(?:non|only|except|commercial|research|\bNC\b|\bND\b|禁|非|のみ|限|除))[^)）]*[)）]",
    re.I,
)
_JAPANESE_PARTS = (
    ("表示", ""), ("継承", "-SA"), ("改変禁止", "-ND"), ("非営利", "-NC"), ("日本", "JP"),
    ("国際", ""), ("非移植", ""),
)  # fmt: skip


@lru_cache(maxsize=1)
def _by_url() -> list[tuple[str, str]]:
    """Return addresses without their scheme, the longest first: ``by/2.1/jp`` before ``by/2.1``."""
    found = [(found.url.partition("//")[2].rstrip("/"), found.name) for found in _licences()]
    return sorted(((url, name) for url, name in found if url), key=lambda pair: -len(pair[0]))


_CREATIVE_COMMONS = re.compile(
    r"\s*(?:https?://)?(?:www\.)?(?:cc|creative\s*commons|creativecommons\.org/licenses/)[\s:/_-]*"
    r"by(?P<letters>(?:[\s_-]*(?:nc|nd|sa))*)(?:[\s_/-]*v?(?P<version>\d\.\d))?"
    r"(?:[\s_/-]*(?P<port>unported|international|japan|jp|[a-z]{2}))?\W*",
    re.I,
)
_FORBIDS_CHANGES = re.compile(
    r"\bND\b|no[\s-]?deriv|改変(?:禁止|不可|を禁)|翻案(?:禁止|不可)", re.I
)
_WHOLE_WORLD = ("", "unported", "international")


def _creative_commons(name: str) -> Licence | None:
    """Read a Creative Commons licence by its letters: BY, NC, ND or SA."""
    read = _CREATIVE_COMMONS.fullmatch(_PARENTHESES.sub("", name))
    if read is None:
        return None
    letters = [part for part in ("NC", "ND", "SA") if part in read["letters"].upper()]
    base = _by_spelling().get(_key("-".join(["CC-BY", *letters, "4.0"])))
    if base is None:  # ND and SA exclude each other
        return None
    port = (read["port"] or "").lower().replace("japan", "jp")
    ported = "" if port in _WHOLE_WORLD else f"-{port.upper()}"
    version = read["version"] or "4.0"
    stem = "-".join(["CC-BY", *letters])
    return replace(
        base,
        name=f"{stem}-{version}{ported}",
        title=f"Creative Commons {stem.removeprefix('CC-')} {version}{ported}",
        url=f"https://creativecommons.org/licenses/{stem.removeprefix('CC-').lower()}/{version}/"
        + (f"{port}/" if ported else ""),
        basis=f"by its letters, as {base.name}",
    )


def _forbidding(name: str) -> Licence | None:
    """Keep of a licence that is not known that it forbids changed texts."""
    if not _FORBIDS_CHANGES.search(name):
        return None
    return replace(
        _by_spelling()[UNKNOWN],
        name=" ".join(name.split())[:_LONGEST_NAME],
        augment="no",
        basis="by its name",
    )


def _key(spelling: str) -> str:
    """Return the letters and digits of a name."""
    return re.sub(r"[\W_]+", "", spelling.lower().replace("licence", "license"))
