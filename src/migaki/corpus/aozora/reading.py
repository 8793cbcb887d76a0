"""Files of Aozora Bunko to documents, one for each work."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from migaki.corpus.aozora.catalogue import Catalogue, Work, load_catalogue
from migaki.corpus.aozora.layout import Layout, take_apart
from migaki.corpus.aozora.markup import to_plain
from migaki.corpus.aozora.orthography import orthography_of
from migaki.corpus.archives import ZIP_DAMAGE, is_zip, open_member, zip_members
from migaki.corpus.documents import Document, Outcome, Rejection
from migaki.corpus.encoding import decode, detect_encoding
from migaki.corpus.rows import BadRow
from migaki.corpus.shards import ReadingLimits
from migaki.errors import DataError, UsageError

__all__ = ["LICENCE", "SOURCE", "catalogue_beside", "document_of", "read_aozora", "read_work"]

SOURCE: Final = "aozora"
STAGE: Final = "aozora"
LICENCE: Final = "public-domain"
"""Of the works whose copyright has expired in Japan; others are rejected."""

CATALOGUE_NAMES = ("list_person_all_extended_utf8.csv", "list_person_all_extended.csv")

_BEGINNING_BYTES: Final = 1 << 13

# A colophon of a work in copyright names its licence; of the free ones none does.
_IN_COPYRIGHT = re.compile("クリエイティブ・コモンズ|creativecommons|著作権者|著作権の保護期間中")


def read_aozora(
    path: Path, *, catalogue: Catalogue | Path | None = None
) -> Iterator[Outcome | BadRow]:
    """Read one file, or every ``.txt`` and ``.zip`` below a folder, in the order of their paths.

    Args:
        path: The file or folder.
        catalogue: The catalogue of all works; without one it is looked for beside the files by its
            usual name, and copyright and spelling are told from the text where it is missing.

    Yields:
        A document for each work; a rejection (``in_copyright``, ``empty``) for one that is left
        out; a bad row for a file that is no text. The id is the name of the file, ``aozora:752_ruby_2438``:
        some works are there in several editions.

    Raises:
        UsageError: There is no such path.
        DataError: The catalogue cannot be read.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist.", hint="Give a file or folder of Aozora Bunko.")
    catalogue = catalogue or catalogue_beside(path)
    works = load_catalogue(catalogue) if isinstance(catalogue, Path) else catalogue
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in (".txt", ".zip"))
    for file in files:
        yield read_work(file, works)


def read_work(
    path: Path, works: Catalogue | None, *, limits: ReadingLimits | None = None
) -> Outcome | BadRow:
    """Read one file: text, or an archive as Aozora Bunko packs it, with one text in it.

    Args:
        path: The file.
        works: The catalogue, if there is one.
        limits: What is too long to be read.

    Returns:
        A document, a rejection, or a bad row where the file cannot be read.
    """
    where = str(path)
    try:
        data = _bytes_of(path, limits or ReadingLimits())
        text = decode(data, detect_encoding(_beginning(data), where=where), where=where)
    except DataError as err:
        return BadRow(path, 1, err.message, "")
    except OSError as err:
        return BadRow(path, 1, f"it cannot be read: {err.strerror or err}", "")
    except (*ZIP_DAMAGE, zlib.error) as err:
        return BadRow(path, 1, f"the archive is damaged: {err}", "")
    return document_of(text, name=path.name, work=works.find(path) if works else None)


def _beginning(data: bytes) -> bytes:
    """Return what tells the encoding of a work: whole lines, some hundred characters at least."""
    end = data.find(b"\n", _BEGINNING_BYTES)
    return data if end < 0 else data[: end + 1]


def _bytes_of(path: Path, limits: ReadingLimits) -> bytes:
    with path.open("rb") as file:
        head = file.read(4)
        if not is_zip(head):
            return _whole(path, head + file.read(limits.whole_file_bytes), limits)
    texts = [name for name, _ in zip_members(path) if name.lower().endswith(".txt")]
    if len(texts) != 1:
        raise DataError(f"{path} holds {len(texts)} texts; an archive of Aozora Bunko holds one.")
    with open_member(path, texts[0], limits) as member:
        return _whole(path, member.read(limits.whole_file_bytes + 1), limits)


def _whole(path: Path, data: bytes, limits: ReadingLimits) -> bytes:
    if len(data) > limits.whole_file_bytes:
        raise DataError(f"{path} is larger than {limits.whole_file_bytes:,} bytes: no work is.")
    return data


def document_of(text: str, *, name: str, work: Work | None = None) -> Outcome:
    """Make a document of one file's text.

    Args:
        text: The decoded file.
        name: Its name, which begins with the number of the work.
        work: What the catalogue says of it.

    Example:
        >>> text = "蜘蛛の糸\\n芥川龍之介\\n\\n　或日《あるひ》の事でございます。\\n\\n底本：「全集」\\n"
        >>> document = document_of(text, name="92_ruby_164.txt")
        >>> document.text, document.id, document.metadata["title"], document.counts
        ('　或日の事でございます。', 'aozora:92_ruby_164', '蜘蛛の糸', {'aozora.ruby': 1})
    """
    parts = take_apart(text)
    plain = to_plain(parts.body)
    metadata = _metadata(parts, plain.text, work)
    metadata["headings"] = [heading._asdict() for heading in plain.headings]
    if plain.unrecognised:
        metadata["unrecognised_notes"] = list(plain.unrecognised)
    document = Document(
        plain.text,
        id=f"{SOURCE}:{Path(name).stem}",
        source=SOURCE,
        licence=LICENCE,
        metadata=metadata,
    ).counting({f"{SOURCE}.{kind}": count for kind, count in plain.counts.items()})
    if reason := _copyright(parts, work):
        return Rejection(document, STAGE, "in_copyright", reason)
    if not plain.text.strip():
        return Rejection(document, STAGE, "empty", "no text between header and colophon")
    return document


def _metadata(parts: Layout, text: str, work: Work | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "title": work.title if work else to_plain([parts.title]).text,
        "people": list(work.people if work else parts.people),
        "orthography": str(work.orthography if work else orthography_of(text)),
        "orthography_from": "catalogue" if work else "measured",
    }
    if work:
        metadata |= {
            "work": work.id,
            "subtitle": work.subtitle,
            "spelling": work.spelling,
            "url": work.url,
        }
    metadata["colophon"] = "\n".join(parts.colophon)
    return metadata


def _copyright(parts: Layout, work: Work | None) -> str:
    """Return why a work may not be used; empty where it may."""
    if work and not work.is_free:
        return "作品著作権フラグ: あり"
    named = _IN_COPYRIGHT.search("\n".join(parts.colophon))
    return f"the colophon says {named[0]}" if named else ""


def catalogue_beside(path: Path) -> Path | None:
    """Return the catalogue in a folder or the one above it, by its usual name."""
    folder = path if path.is_dir() else path.parent
    for parent in (folder, folder.parent):
        for name in CATALOGUE_NAMES:
            if (parent / name).is_file():
                return parent / name
    return None
