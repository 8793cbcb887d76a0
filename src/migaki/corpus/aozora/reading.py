"""Files of Aozora Bunko to documents, one for each work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from migaki.corpus.aozora.catalogue import Catalogue, Work, load_catalogue
from migaki.corpus.aozora.layout import Layout, take_apart
from migaki.corpus.aozora.markup import to_plain
from migaki.corpus.aozora.orthography import orthography_of
from migaki.corpus.documents import Document, Outcome, Rejection
from migaki.corpus.encoding import decode, detect_encoding
from migaki.corpus.rows import BadRow
from migaki.errors import DataError, UsageError

__all__ = ["SOURCE", "document_of", "read_aozora"]

SOURCE: Final = "aozora"
STAGE: Final = "aozora"
LICENCE: Final = "public-domain"
"""Of the works whose copyright has expired in Japan; others are rejected."""

CATALOGUE_NAMES = ("list_person_all_extended_utf8.csv", "list_person_all_extended.csv")

# A colophon of a work in copyright names its licence; of the free ones none does.
_IN_COPYRIGHT = re.compile("クリエイティブ・コモンズ|creativecommons|著作権者|著作権の保護期間中")


def read_aozora(
    path: Path, *, catalogue: Catalogue | Path | None = None
) -> Iterator[Outcome | BadRow]:
    """Read one file, or every ``.txt`` below a folder, in the order of their paths.

    Args:
        path: The file or folder.
        catalogue: The catalogue of all works; without one it is looked for beside the files by its
            usual name, and copyright and spelling are told from the text where it is missing.

    Yields:
        A document for each work; a rejection (``in_copyright``, ``empty``) for one that is left
        out; a bad row for a file that is no text. Document id: ``aozora:752`` with a work number in
        the file name, else ``aozora:NAME``.

    Raises:
        UsageError: There is no such path.
        DataError: The catalogue cannot be read.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist.", hint="Give a file or folder of Aozora Bunko.")
    works = load_catalogue(catalogue) if isinstance(catalogue, Path) else catalogue
    works = works or _catalogue_beside(path)
    files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
    for file in files:
        try:
            data = file.read_bytes()
            text = decode(data, detect_encoding(data, where=str(file)), where=str(file))
        except OSError as err:
            yield BadRow(file, 1, f"it cannot be read: {err.strerror or err}", "")
        except DataError as err:
            yield BadRow(file, 1, err.message, "")
        else:
            yield document_of(text, name=file.name, work=works.find(file) if works else None)


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
        ('　或日の事でございます。', 'aozora:92', '蜘蛛の糸', {'aozora.ruby': 1})
    """
    parts = take_apart(text)
    plain = to_plain(parts.body)
    metadata = _metadata(parts, plain.text, work)
    metadata["headings"] = [heading._asdict() for heading in plain.headings]
    if plain.unrecognised:
        metadata["unrecognised_notes"] = list(plain.unrecognised)
    number = re.match(r"\d+(?=[_.])", name)
    document = Document(
        plain.text,
        id=f"{SOURCE}:{number[0].lstrip('0') if number else Path(name).stem}",
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
        metadata |= {"subtitle": work.subtitle, "spelling": work.spelling, "url": work.url}
    metadata["colophon"] = "\n".join(parts.colophon)
    return metadata


def _copyright(parts: Layout, work: Work | None) -> str:
    """Return why a work may not be used; empty where it may."""
    if work and not work.is_free:
        return "作品著作権フラグ: あり"
    named = _IN_COPYRIGHT.search("\n".join(parts.colophon))
    return f"the colophon says {named[0]}" if named else ""


def _catalogue_beside(path: Path) -> Catalogue | None:
    folder = path if path.is_dir() else path.parent
    for parent in (folder, folder.parent):
        for name in CATALOGUE_NAMES:
            if (parent / name).is_file():
                return load_catalogue(parent / name)
    return None
