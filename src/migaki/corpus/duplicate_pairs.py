"""From documents that share a band to the documents that are left out.

Every pair is verified by the estimate of the whole digest, and a document is left out only for one
that stays, that is preferred to it, and that it was itself verified against: likeness does not chain,
so that of a – b – c, where a and c are not alike and a is preferred, a and c stay.

The result depends on digests and preference alone, not on the order of documents, bands or buckets,
nor on who found the buckets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Buckets", "Choice", "all_stay", "band_buckets", "choose_kept"]

Indices = npt.NDArray[np.int64]

ALL_PAIRS_UP_TO = 256
"""A bucket of as many documents is compared pair by pair."""
_LARGE_BUCKET_PAIRS = 1 << 16
_FEWEST_LEADERS = 16
_CHUNK_PAIRS = 1 << 14
_CHUNK_ROWS = 1 << 16
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Documents that agree in one band; only buckets of two or more."""

    members: Indices
    """The documents of one bucket after those of another."""
    sizes: Indices
    """How many there are in each bucket."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which documents stay."""

    kept_instead: Indices
    """Shape (documents,): for one that is left out, the one that stays for it; else −1."""
    similarity: npt.NDArray[np.float32]
    """Shape (documents,): estimated Jaccard similarity to that one; NaN for one that stays."""
    compared_pairs: int
    """Candidates that were verified."""
    large_buckets: int
    """Buckets too large for all pairs, in which each was compared with the most preferred only."""


def all_stay(documents: int) -> Choice:
    """Return the choice where nothing was compared."""
    nobody = np.full(documents, -1, dtype=np.int64)
    return Choice(nobody, np.full(documents, np.nan, dtype=np.float32), 0, 0)


def band_buckets(
    digests: npt.NDArray[np.uint16], *, rows: int, among: Indices
) -> Iterator[Buckets]:
    """Find who agrees in a band, band by band.

    Args:
        digests: Shape (documents, bands x rows); may lie on disk, it is read once for each band.
        rows: Hashes of a band.
        among: The documents that are looked at.

    Yields:
        The buckets of one band.
    """
    for start in range(0, digests.shape[1], rows):
        keys = _band_keys(digests, slice(start, start + rows))[among]
        order = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[order])) + 1
        sizes = np.diff(np.concatenate([[0], edges, [len(order)]]))
        shared = among[order[np.repeat(sizes > 1, sizes)]]
        yield Buckets(shared, sizes[sizes > 1].astype(np.int64))


def _band_keys(digests: npt.NDArray[np.uint16], band: slice) -> npt.NDArray[np.uint64]:
    keys = np.zeros(len(digests), dtype=np.uint64)
    for at in range(0, len(digests), _CHUNK_ROWS):
        part = keys[at : at + _CHUNK_ROWS]
        for column in np.asarray(digests[at : at + _CHUNK_ROWS, band]).T:
            part[:] = (part ^ column) * _MIX  # a collision costs a comparison, nothing more
            part ^= part >> np.uint64(29)
    return keys


def choose_kept(
    bands: Iterable[Buckets],
    digests: npt.NDArray[np.uint16],
    preferred: Indices,
    *,
    threshold: float,
    parts: npt.NDArray[np.uint16] | None = None,
) -> Choice:
    """Verify the candidates and choose who stays.

    Args:
        bands: The buckets of each band.
        digests: Shape (documents, hashes); may lie on disk.
        parts: Shape (documents, hashes of a part): digests of what must be alike as well, if anything;
            zeros agree with everything.
        preferred: Shape (documents,): all documents, the one that rather stays first.
        threshold: Estimated similarity from which two documents are near-duplicates.
    """
    count = len(digests)
    rank = np.empty(count, dtype=np.int64)
    rank[preferred] = np.arange(count)
    known = np.empty(0, dtype=np.int64)  # verified pairs of ranks, as better x count + worse
    likeness = np.empty(0, dtype=np.float32)
    compared = large = 0
    for buckets in bands:
        pairs = _candidates(Buckets(rank[buckets.members], buckets.sizes), count)
        large += int((buckets.sizes > ALL_PAIRS_UP_TO).sum())
        pairs = pairs[~np.isin(pairs, known, assume_unique=True)]
        compared += len(pairs)
        left, right = preferred[pairs // count], preferred[pairs % count]
        found = _similarity(left, right, digests)
        if parts is not None:
            found[~_parts_agree(left, right, parts, threshold)] = 0
        known = np.concatenate([known, pairs[found >= threshold]])
        likeness = np.concatenate([likeness, found[found >= threshold]])
    kept_instead, similarity = _greedy(known, likeness, count)
    instead = np.where(kept_instead >= 0, preferred[kept_instead], -1)[rank]
    return Choice(instead, similarity[rank], compared, large)


def _candidates(buckets: Buckets, count: int) -> Indices:
    """Return the pairs to compare, once each."""
    starts = np.cumsum(buckets.sizes) - buckets.sizes
    found = [np.empty(0, dtype=np.int64)]
    for size in np.unique(buckets.sizes):
        chosen = starts[buckets.sizes == size]
        if size <= ALL_PAIRS_UP_TO:
            left, right = np.triu_indices(size, 1)
            rows = max(1, _LARGE_BUCKET_PAIRS // len(left))
            for at in range(0, len(chosen), rows):
                block = np.sort(
                    buckets.members[chosen[at : at + rows, None] + np.arange(size)], axis=1
                )
                found.append(np.unique(block[:, left] * count + block[:, right]))
            continue
        leaders = max(_FEWEST_LEADERS, _LARGE_BUCKET_PAIRS // int(size))
        for start in chosen:
            block = np.sort(buckets.members[start : start + size])
            found.extend(block[i] * count + block[i + 1 :] for i in range(leaders))
    return np.unique(np.concatenate(found))


def _similarity(
    left: Indices, right: Indices, digests: npt.NDArray[np.uint16]
) -> npt.NDArray[np.float32]:
    found = np.empty(len(left), dtype=np.float32)
    for at in range(0, len(left), _CHUNK_PAIRS):
        part = slice(at, at + _CHUNK_PAIRS)
        found[part] = (digests[left[part]] == digests[right[part]]).mean(axis=1, dtype=np.float32)
    return found


def _parts_agree(
    left: Indices, right: Indices, parts: npt.NDArray[np.uint16], threshold: float
) -> npt.NDArray[np.bool_]:
    none = ~parts[left].any(axis=1) | ~parts[right].any(axis=1)
    return none | (_similarity(left, right, parts) >= threshold)


def _greedy(
    pairs: Indices, similarity: npt.NDArray[np.float32], count: int
) -> tuple[Indices, npt.NDArray[np.float32]]:
    """From the most preferred on, each that stays puts those out that are like it."""
    kept_instead = np.full(count, -1, dtype=np.int64)
    likeness = np.full(count, np.nan, dtype=np.float32)
    order = np.argsort(pairs)
    left, right, similarity = pairs[order] // count, pairs[order] % count, similarity[order]
    edges = np.flatnonzero(np.diff(left)) + 1
    for at, to in zip([0, *edges], [*edges, len(left)], strict=True):
        if at == to or kept_instead[left[at]] >= 0:
            continue
        free = kept_instead[right[at:to]] < 0
        put_out = right[at:to][free]
        kept_instead[put_out] = left[at]
        likeness[put_out] = similarity[at:to][free]
    return kept_instead, likeness
