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
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from pathlib import Path
from typing import IO, Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from migaki.corpus.documents import Document
from migaki.corpus.duplicate_pairs import all_stay, band_buckets, choose_kept
from migaki.corpus.folding import fold
from migaki.corpus.minhash import digests

__all__ = [
    "BAND_ROWS",
    "HASHES",
    "DeduplicationConfig",
    "Duplicates",
    "Signature",
    "find_duplicates",
    "preference",
    "signature",
    "signatures",
]

NGRAM = 3
BANDS, BAND_ROWS = 51, 5
HASHES = BANDS * BAND_ROWS
SHORTEST = 15
PART_HASHES = 64
_BATCH_CHARACTERS = 1 << 20
_TEXT_HASH_BYTES = 16

Progress = Callable[[str, int, int | None], None]


@dataclass(config=ConfigDict(extra="forbid"), frozen=True, kw_only=True)
class DeduplicationConfig:
    """What counts as a duplicate, and which one stays."""

    near: bool = True
    """Look for near-duplicates, not only for exact ones."""
    threshold: Annotated[float, Field(ge=0.5, le=1.0)] = 0.6
    """Estimated Jaccard similarity of character 3-grams from which documents are near-duplicates."""
    shortest: Annotated[int, Field(ge=NGRAM)] = SHORTEST
    """Folded characters from which a document can be a near-duplicate; shorter ones only exactly."""
    prefer: list[str] = field(default_factory=list)
    """Sources in the order in which their documents rather stay; sources not named come last."""


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
                hashlib.sha256(_bytes(name)).digest()[:_TEXT_HASH_BYTES],
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


@plain_dataclass(frozen=True)
class Duplicates:
    """What became of each document, by its number in the order in which they came."""

    kept_instead: npt.NDArray[np.int64]
    """Shape (documents,): the document that stays for this one; −1 where it stays itself."""
    similarity: npt.NDArray[np.float32]
    """Shape (documents,): estimated similarity to that one; 1 for exact ones, NaN where it stays."""
    exact: npt.NDArray[np.bool_]
    """Shape (documents,): left out, and its folded text is that of a preferred document."""
    ids: Sequence[str]
    """The id of each document."""
    sources: Sequence[str]
    """The source of each document."""
    compared_pairs: int = 0
    """Candidates that were verified."""
    large_buckets: int = 0
    """Buckets above 256 documents, compared with the most preferred ones only."""

    def is_kept(self, number: int) -> bool:
        """Tell whether a document stays."""
        return bool(self.kept_instead[number] < 0)

    def to_json(self) -> dict[str, Any]:
        """Return the counts: read = kept + exact + near, and who was left out for whom."""
        left_out = np.flatnonzero(self.kept_instead >= 0)
        exact = int(self.exact.sum())
        pairs = Counter(
            (self.sources[number], self.sources[self.kept_instead[number]])
            for number in left_out.tolist()
        )
        _, sizes = np.unique(self.kept_instead[left_out], return_counts=True)
        return {
            "read": len(self.ids),
            "kept": len(self.ids) - len(left_out),
            "exact_duplicates": exact,
            "near_duplicates": len(left_out) - exact,
            "within_a_source": sum(n for (a, b), n in pairs.items() if a == b),
            "across_sources": sum(n for (a, b), n in pairs.items() if a != b),
            "left_out_for": [
                {"source": a, "kept_source": b, "documents": n}
                for (a, b), n in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
            ],
            "most_for_one_document": int(sizes.max(initial=0)),
            "compared_pairs": self.compared_pairs,
            "large_buckets": self.large_buckets,
        }


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
        count = len(ledger.ids)
        best = preference(ledger.source_ranks(config.prefer), ledger.characters, ledger.ids)
        first = _first_of_equal(ledger.text_hashes, best)
        stays = np.flatnonzero(first == np.arange(count))
        if not config.near or len(stays) < 2:
            choice = all_stay(count)
        else:
            columns = HASHES + (PART_HASHES if part else 0)
            table = np.memmap(file, dtype=np.uint16, mode="r", shape=(count, columns))
            whole = table[:, :HASHES]
            choice = choose_kept(
                _told(band_buckets(whole, rows=BAND_ROWS, among=stays), progress),
                whole,
                best,
                threshold=config.threshold,
                parts=table[:, HASHES:] if part else None,
            )
    instead, similarity = choice.kept_instead, choice.similarity
    exact = first != np.arange(count)
    # The copy of a text that was left out goes with it to the one that stays.
    instead = np.where(exact, np.where(instead[first] >= 0, instead[first], first), instead)
    similarity = np.where(
        exact, np.where(np.isnan(similarity[first]), 1, similarity[first]), similarity
    )
    return Duplicates(
        instead,
        similarity.astype(np.float32),
        exact,
        ledger.ids,
        ledger.sources,
        choice.compared_pairs,
        choice.large_buckets,
    )


def preference(
    source_ranks: npt.NDArray[np.int64], characters: npt.NDArray[np.int64], ids: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Order documents: preferred source first, then the longest, then the smallest id.

    Args:
        source_ranks: Shape (documents,): smaller is preferred.
        characters: Shape (documents,): length of the folded text.
        ids: Unique; compared as strings.

    Returns:
        Shape (documents,): numbers of documents, the one that rather stays first.
    """
    order = np.lexsort((-characters, source_ranks))
    same = (np.diff(source_ranks[order]) == 0) & (np.diff(characters[order]) == 0)
    edges = np.flatnonzero(~same) + 1
    for at, to in zip([0, *edges], [*edges, len(order)], strict=True):
        if to - at > 1:
            order[at:to] = sorted(order[at:to], key=lambda number: ids[number])
    return order


@plain_dataclass
class _Ledger:
    """What is kept of each document in memory."""

    ids: list[str]
    sources: list[str]
    characters: npt.NDArray[np.int64]
    text_hashes: npt.NDArray[np.void]

    def source_ranks(self, prefer: Sequence[str]) -> npt.NDArray[np.int64]:
        rank = {name: number for number, name in reversed(list(enumerate(prefer)))}
        return np.array([rank.get(name, len(prefer)) for name in self.sources], dtype=np.int64)


def _read(
    documents: Iterable[Document],
    config: DeduplicationConfig,
    part: Callable[[Document], str] | None,
    file: IO[bytes],
    progress: Progress | None,
) -> _Ledger:
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
    return _Ledger(
        ids,
        sources,
        np.array(characters, dtype=np.int64),
        np.frombuffer(bytes(hashes), dtype=np.dtype((np.void, _TEXT_HASH_BYTES))),
    )


def _first_of_equal(
    text_hashes: npt.NDArray[np.void], best: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return for each document the most preferred one with the same text."""
    if not len(best):
        return best
    _, first, inverse = np.unique(text_hashes[best], return_index=True, return_inverse=True)
    found = np.empty(len(best), dtype=np.int64)
    found[best] = best[first[inverse]]
    return found


def _told(bands: Iterable[Any], progress: Progress | None) -> Iterator[Any]:
    for number, band in enumerate(bands, start=1):
        yield band
        if progress:
            progress("comparing", number, BANDS)
