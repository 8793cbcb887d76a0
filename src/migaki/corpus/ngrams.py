"""Character n-grams of a text as numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["ngram_hashes"]


def ngram_hashes(text: str, n: int) -> npt.NDArray[np.uint64]:
    """Hash every character n-gram of a text: a polynomial in an odd 64-bit constant, wrapping.

    Args:
        text: The text.
        n: Characters of an n-gram.

    Returns:
        Shape (n-grams,), in the order of the text; empty for a shorter text.

    Example:
        >>> one, two = ngram_hashes("すももももも", 3)[[2, 3]]
        >>> bool(one == two)
        True
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    count = max(0, len(codes) - n + 1)
    value = np.zeros(count, dtype=np.uint64)
    for k in range(n):
        value = value * np.uint64(0x9E3779B97F4A7C15) + codes[k : k + count]
    value ^= value >> np.uint64(29)
    return value
