"""Character n-grams and their MinHash digests (Broder 1997).

The share of places in which two digests agree estimates the Jaccard similarity of the two sets of
n-grams. Characters and not words, because Japanese has no spaces and the method needs no analyser.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from migaki.corpus.ngrams import ngram_hashes

__all__ = ["digests"]

_SEED = 42
_BATCH_CHARACTERS = 1 << 22


def digests(texts: Sequence[str], *, ngram: int, hashes: int) -> npt.NDArray[np.uint32]:
    """Return the MinHash digest of each text.

    The digest of a text does not depend on the others, and is the same on every machine with the same
    version of rensa (whose hash family it is).

    Args:
        texts: Each of `ngram` characters or more.
        ngram: Characters of an n-gram.
        hashes: Hash functions.

    Returns:
        Shape (texts, hashes).
    """
    found = [np.empty((0, hashes), dtype=np.uint32)]
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= _BATCH_CHARACTERS:
            found.append(_batch_digests(batch, ngram, hashes))
            batch, characters = [], 0
    if batch:
        found.append(_batch_digests(batch, ngram, hashes))
    return np.concatenate(found)


def _batch_digests(texts: Sequence[str], ngram: int, hashes: int) -> npt.NDArray[np.uint32]:
    from rensa import RMinHash

    ends = np.cumsum([len(text) for text in texts])
    values = ngram_hashes("".join(texts), ngram)
    inside = np.ones(len(values), dtype=bool)
    for reach in range(1, ngram):  # n-grams that begin in one text and end in the next
        inside[ends[:-1] - reach] = False
    offsets = np.concatenate([[0], ends - (ngram - 1) * np.arange(1, len(texts) + 1)])
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        values[inside], offsets.astype(np.uint64), hashes, _SEED
    )
    return np.array(matrix.to_rows(), dtype=np.uint32)
