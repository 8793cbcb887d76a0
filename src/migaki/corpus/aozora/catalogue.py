"""The catalogue of Aozora Bunko: who wrote what, in which spelling, and whether it is free.

It is the table that Aozora Bunko publishes of all its works
(``list_person_all_extended_utf8.csv`` of https://www.aozora.gr.jp/index_pages/person_all.html), one row
for each work and person. A work is free when no row of it says 作品著作権フラグ = あり.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from migaki.corpus.aozora.orthography import Orthography
from migaki.corpus.encoding import decode, detect_encoding
from migaki.errors import DataError

__all__ = ["Catalogue", "Work", "load_catalogue"]

_WORK_ID = "作品ID"
_TITLE = "作品名"
_SUBTITLE = "副題"
_SPELLING = "文字遣い種別"
_COPYRIGHT = "作品著作権フラグ"
_CARD = "図書カードURL"
_FAMILY_NAME, _NAME, _ROLE = "姓", "名", "役割フラグ"
_REQUIRED = (_WORK_ID, _TITLE, _SPELLING, _COPYRIGHT)
_FREE = "なし"
_FILE_NAME = re.compile(r"(\d+)_(?:ruby|txt)?")


@dataclass(frozen=True, slots=True)
class Work:
    """One work of the catalogue."""

    id: str
    """作品ID without leading zeros, as file names begin with it."""
    title: str
    subtitle: str
    people: tuple[str, ...]
    """Name and role: 夏目漱石（著者）."""
    spelling: str
    """文字遣い種別: 新字新仮名, 新字旧仮名, 旧字新仮名, 旧字旧仮名, その他."""
    is_free: bool
    """Whether the copyright has expired."""
    url: str

    @property
    def orthography(self) -> Orthography:
        """Which kana the work is spelt in, by its 文字遣い種別."""
        if self.spelling.endswith("旧仮名"):
            return Orthography.HISTORICAL
        return Orthography.MODERN if self.spelling.endswith("新仮名") else Orthography.UNKNOWN


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All works, by their number."""

    path: Path
    works: Mapping[str, Work] = field(repr=False)

    def find(self, path: Path) -> Work | None:
        """Return the work that a file belongs to: ``752_ruby_2438.txt`` is number 752."""
        number = _FILE_NAME.match(path.name)
        return self.works.get(number[1].lstrip("0")) if number else None


def load_catalogue(path: Path) -> Catalogue:
    """Read the catalogue.

    Args:
        path: The CSV, in UTF-8 or Shift_JIS.

    Raises:
        DataError: It cannot be read, or a column is missing.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise DataError(f"The catalogue {path} cannot be read: {err.strerror or err}.") from err
    text = decode(data, detect_encoding(data, where=str(path)), where=str(path))
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in _REQUIRED if name not in (rows.fieldnames or ())]
    if missing:
        raise DataError(
            f"{path} is not the catalogue of Aozora Bunko: it has no column {', '.join(missing)}.",
            hint="Give list_person_all_extended_utf8.csv of "
            "https://www.aozora.gr.jp/index_pages/person_all.html.",
        )
    try:
        return Catalogue(path, _works(rows))
    except csv.Error as err:
        raise DataError(f"{path}: line {rows.line_num} is not CSV: {err}.") from err


def _works(rows: csv.DictReader[str]) -> dict[str, Work]:
    works: dict[str, Work] = {}
    for row in rows:
        number = (row[_WORK_ID] or "").lstrip("0")
        if not number:
            continue
        known = works.get(number)
        person = _person(row)
        works[number] = Work(
            id=number,
            title=row[_TITLE] or "",
            subtitle=row.get(_SUBTITLE) or "",
            people=(*(known.people if known else ()), *([person] if person else [])),
            spelling=row[_SPELLING] or "",
            is_free=(row[_COPYRIGHT] == _FREE) and (known is None or known.is_free),
            url=row.get(_CARD) or "",
        )
    return works


def _person(row: Mapping[str, str | None]) -> str:
    name = f"{row.get(_FAMILY_NAME) or ''}{row.get(_NAME) or ''}"
    role = row.get(_ROLE) or ""
    return f"{name}（{role}）" if name and role else name
