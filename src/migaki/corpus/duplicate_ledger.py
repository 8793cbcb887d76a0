"""What must be known of all documents at once, and who is left out for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from migaki.corpus.duplicate_pairs import Buckets, all_stay, choose_kept

__all__ = ["DeduplicationConfig", "Duplicates", "Ledger", "preference", "settle"]

NGRAM = 3
SHORTEST = 15
TEXT_HASH_BYTES = 16


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


@plain_dataclass
class Ledger:
    """What is kept of each document in memory."""

    ids: Sequence[str]
    sources: Sequence[str]
    characters: npt.NDArray[np.int64]
    """Shape (documents,): length of the folded text."""
    text_hashes: npt.NDArray[np.void]
    """Shape (documents,): 16 bytes of the hash of the folded text."""

    def source_ranks(self, prefer: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the place of each document's source in the order of preference."""
        rank = {name: number for number, name in reversed(list(enumerate(prefer)))}
        return np.array([rank.get(name, len(prefer)) for name in self.sources], dtype=np.int64)


def settle(
    ledger: Ledger,
    config: DeduplicationConfig,
    digests: npt.NDArray[np.uint16],
    bands: Callable[[npt.NDArray[np.int64]], Iterable[Buckets]],
    *,
    parts: npt.NDArray[np.uint16] | None = None,
) -> Duplicates:
    """Choose who stays: first among equal texts, then among near-duplicates of those.

    Args:
        ledger: The documents.
        config: What counts as a duplicate.
        digests: Shape (documents, hashes); may lie on disk.
        bands: Returns the buckets of each band among the documents given.
        parts: Digests of what must be alike as well, if anything.
    """
    everybody = np.arange(len(ledger.ids))
    best = preference(ledger.source_ranks(config.prefer), ledger.characters, ledger.ids)
    first = _first_of_equal(ledger.text_hashes, best)
    stay = np.flatnonzero(first == everybody)
    choice = all_stay(len(everybody))
    if config.near and len(stay) > 1:
        choice = choose_kept(bands(stay), digests, best, threshold=config.threshold, parts=parts)
    instead, similarity = choice.kept_instead, choice.similarity
    exact = first != everybody
    # The copy of a text that was left out goes with it to the one that stays.
    instead = np.where(exact, np.where(instead[first] >= 0, instead[first], first), instead)
    inherited = np.where(np.isnan(similarity[first]), 1, similarity[first])
    return Duplicates(
        instead,
        np.where(exact, inherited, similarity).astype(np.float32),
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
