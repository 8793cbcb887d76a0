"""Find documents that say the same as another: exactly, or nearly.

*Exact* are documents whose folded texts (`migaki.corpus.folding`) are equal. *Near* are documents
whose sets of character 3-grams, of the folded text, have a Jaccard similarity of 0.6 or more, as a
MinHash digest of 255 hashes estimates it (standard error √(s(1−s)/255), 0.031 at 0.6).

Why these numbers. An edit changes three 3-grams, so a text in which a share e of the characters was
edited at random has the similarity q/(2−q) with q = (1−e)³: 0.89 at 2 %, 0.75 at 5 %, 0.57 at 10 %.
Of a text of 20 characters one edit leaves 15 of 21 (0.71). Unrelated texts stay below 0.13 in 999 of
1,000 pairs. With 51 bands of 5 hashes a pair of similarity s shares a band with probability
1 − (1 − s⁵)⁵¹: 0.984 at 0.6, 0.9998 at 0.71, 0.004 at 0.15, 2·10⁻⁵ at 0.05. What shares a band is a
candidate and is verified by the whole digest.

A text below 15 folded characters is only compared exactly: below that, one word is what the text is
about. Of 11,421 real short texts, 21 shorter ones would be merged, three of them with texts that are
not alike (水を英語では何という？ and お金を英語では何という？); at 15 and above 23 are, none of them so.

Which one stays: the one of the source that is preferred, then the longest (folded characters), then
the one with the smallest id. Memory of `find_duplicates` is about 250 bytes a document; the digests,
510 bytes a document, lie in a temporary file.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from migaki.corpus.documents import Document
from migaki.corpus.duplicate_ledger import (
    NGRAM,
    SHORTEST,
    TEXT_HASH_BYTES,
    DeduplicationConfig,
    Duplicates,
    Ledger,
    settle,
)
from migaki.corpus.duplicate_pairs import band_buckets
from migaki.corpus.folding import fold
from migaki.corpus.minhash import digests

__all__ = [
    "BANDS",
    "BAND_ROWS",
    "HASHES",
    "DeduplicationConfig",
    "Duplicates",
    "Signature",
    "find_duplicates",
    "signature",
    "signatures",
]

BANDS, BAND_ROWS = 51, 5
HASHES = BANDS * BAND_ROWS
PART_HASHES = 64
_BATCH_CHARACTERS = 1 << 20

Progress = Callable[[str, int, int | None], None]


@plain_dataclass(frozen=True, slots=True)
class Signature:
    """What of a document is compared."""

    text_hash: bytes
    """16 bytes of SHA-256 of the folded text."""
    characters: int
    """Length of the folded text."""
    digest: npt.NDArray[np.uint16]
    """Shape (255,): the low halves of the MinHash values. They agree by chance once in 65,536 times."""


def signature(document: Document, *, shortest: int = SHORTEST) -> Signature:
    """Return the signature of one document; it depends on the text alone.

    Args:
        document: The document.
        shortest: As in `DeduplicationConfig`.

    Example:
        >>> one = signature(Document("吾輩は猫である。名前はまだ無い。", id="a", source="s", licence="x"))
        >>> two = signature(Document("吾輩は猫である　名前はまだ無い", id="b", source="s", licence="x"))
        >>> one.text_hash == two.text_hash, one.characters
        (True, 14)
    """
    return next(signatures([document], shortest=shortest))


def signatures(documents: Iterable[Document], *, shortest: int = SHORTEST) -> Iterator[Signature]:
    """Yield the signature of each document, many at a time, which is faster."""
    for batch in _batches(document.text for document in documents):
        folded = [fold(text) for text in batch]
        named = [f or text for f, text in zip(folded, batch, strict=True)]  # only marks: as it is
        long = [text for text in folded if len(text) >= shortest]
        minima = iter(_low_halves(long, HASHES))
        for text, name in zip(folded, named, strict=True):
            yield Signature(
                hashlib.sha256(_bytes(name)).digest()[:TEXT_HASH_BYTES],
                len(text),
                next(minima) if len(text) >= shortest else _own_digest(name, HASHES),
            )


def _part_digest(text: str, shortest: int) -> npt.NDArray[np.uint16]:
    if not text:
        return np.zeros(PART_HASHES, dtype=np.uint16)
    long = len(text) >= shortest
    return _low_halves([text], PART_HASHES)[0] if long else _own_digest(text, PART_HASHES)


def _low_halves(texts: list[str], hashes: int) -> npt.NDArray[np.uint16]:
    return digests(texts, ngram=NGRAM, hashes=hashes).astype(np.uint16)


def _own_digest(text: str, hashes: int) -> npt.NDArray[np.uint16]:
    """Return a digest that agrees with that of an equal text and of no other."""
    stream = hashlib.shake_128(_bytes(text)).digest(2 * hashes)
    return np.frombuffer(stream, dtype="<u2").astype(np.uint16)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half characters occur in real files


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def find_duplicates(
    documents: Iterable[Document],
    config: DeduplicationConfig | None = None,
    *,
    part: Callable[[Document], str] | None = None,
    scratch: Path | None = None,
    progress: Progress | None = None,
) -> Duplicates:
    """Find the documents that say the same as one that stays.

    The documents are read once and not kept. Which are left out does not depend on their order.

    Args:
        documents: With ids that are unique.
        config: What counts as a duplicate.
        part: Returns what of a document must be alike too, so that two questions about one long passage
            are no duplicates; estimated from 64 hashes. An empty one agrees with everything.
        scratch: Folder for the temporary file of digests (510 bytes a document).
        progress: Told a stage, documents or bands done, and how many there are.
    """
    config = config or DeduplicationConfig()
    with tempfile.TemporaryFile(dir=scratch) as file:
        ledger = _read(documents, config, part, file, progress)
        columns = HASHES + (PART_HASHES if part else 0)
        shape = (len(ledger.ids), columns)
        table = (
            np.memmap(file, np.uint16, "r", shape=shape)
            if ledger.ids
            else np.empty(shape, dtype=np.uint16)
        )
        whole = table[:, :HASHES]
        return settle(
            ledger,
            config,
            whole,
            lambda stay: _told(band_buckets(whole, rows=BAND_ROWS, among=stay), progress),
            parts=table[:, HASHES:] if part else None,
        )


def _read(
    documents: Iterable[Document],
    config: DeduplicationConfig,
    part: Callable[[Document], str] | None,
    file: IO[bytes],
    progress: Progress | None,
) -> Ledger:
    ids: list[str] = []
    sources: list[str] = []
    characters: list[int] = []
    hashes = bytearray()
    names: dict[str, str] = {}
    parts: deque[str] = deque()

    def noted() -> Iterator[Document]:
        for document in documents:
            ids.append(document.id)
            sources.append(names.setdefault(document.source, document.source))
            if part:
                parts.append(part(document))
            yield document

    for done, found in enumerate(signatures(noted(), shortest=config.shortest), start=1):
        characters.append(found.characters)
        hashes += found.text_hash
        file.write(found.digest.tobytes())
        if part:
            file.write(_part_digest(fold(parts.popleft()), config.shortest).tobytes())
        if progress and done % 1024 == 0:
            progress("reading", done, None)
    file.flush()
    return Ledger(
        ids,
        sources,
        np.array(characters, dtype=np.int64),
        np.frombuffer(bytes(hashes), dtype=np.dtype((np.void, TEXT_HASH_BYTES))),
    )


def _told(bands: Iterable[Any], progress: Progress | None) -> Iterator[Any]:
    for number, band in enumerate(bands, start=1):
        yield band
        if progress:
            progress("comparing", number, BANDS)
