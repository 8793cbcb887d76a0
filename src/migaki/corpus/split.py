"""Hold rows out for measuring, without leakage.

Rows that say nearly the same form a group, and a group stays on one side. Near-duplicates are
found by MinHash over character n-grams (Broder 1997) with banding: with 64 permutations in 16
bands of 4, a pair of Jaccard similarity s shares a band with probability 1 - (1 - s⁴)¹⁶, which is
0.99 at 0.7 and 0.34 at 0.4; candidates are then kept by their estimated similarity.
Here likeness chains; what leaves documents out of a corpus is `migaki.corpus.deduplication`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from migaki.corpus.folding import fold
from migaki.corpus.minhash import digests

__all__ = ["Groups", "hold_out", "near_duplicate_groups", "shared_answers"]

_PERMUTATIONS, _BAND = 64, 4
_NGRAM = 5
_NEIGHBOURS = 4
"""How far apart two rows of one bucket are compared; chains of alike rows close the rest."""
_BATCH = 4096
_SHORTEST_ANSWER = 8
"""Normalised characters. 「はい、そうです。」 is said by everybody and makes no two rows alike."""

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Groups:
    """Which rows belong together."""

    of_row: npt.NDArray[np.int64]
    """Shape (rows,): the smallest row number of each row's group."""

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.of_row))

    @property
    def duplicate_rows(self) -> int:
        """Rows that are not the first of their group."""
        return len(self.of_row) - self.count

    @property
    def largest(self) -> int:
        """Rows of the largest group."""
        return int(np.unique(self.of_row, return_counts=True)[1].max()) if len(self.of_row) else 0


def near_duplicate_groups(
    texts: Sequence[str],
    *,
    answers: Sequence[Sequence[str]] | None = None,
    threshold: float = 0.7,
    progress: Progress | None = None,
) -> Groups:
    """Group rows that are exact or near duplicates.

    Args:
        texts: The whole text of each row.
        answers: What is trained of each row; a long enough answer that two rows share, or two
            answers that are nearly the same, bring the rows together too.
        threshold: Estimated Jaccard similarity of character 5-grams from which rows are alike.
        progress: Told a stage, rows done and rows in all.

    Example:
        >>> near_duplicate_groups(["東京は日本の首都です。", "東京は、日本の首都です。", "猫"]).of_row.tolist()
        [0, 0, 2]
    """
    parents = np.arange(len(texts), dtype=np.int64)
    normal = [fold(text) for text in texts]
    _join_equal(parents, [(text, row) for row, text in enumerate(normal) if text])
    _join_similar(parents, normal, threshold, progress, "comparing rows")
    if answers is not None:
        said = [[fold(answer) for answer in row] for row in answers]
        pairs = [
            (a, row) for row, own in enumerate(said) for a in own if len(a) >= _SHORTEST_ANSWER
        ]
        _join_equal(parents, pairs)
        joined = ["".join(own) for own in said]
        _join_similar(parents, joined, threshold, progress, "comparing answers")
    return Groups(np.array([_root(parents, row) for row in range(len(texts))], dtype=np.int64))


def hold_out(groups: Groups, *, share: float, max_rows: int, seed: int) -> npt.NDArray[np.bool_]:
    """Choose whole groups until the wanted number of rows is held out.

    Args:
        groups: Which rows belong together.
        share: Share of rows to hold out.
        max_rows: Never more than this.
        seed: Chooses the groups; the same seed and rows give the same choice.

    Returns:
        Shape (rows,): True for held-out rows. At least one group is held out and one is not, if
        there are two.
    """
    rows = len(groups.of_row)
    chosen = np.zeros(rows, dtype=bool)
    names, sizes = np.unique(groups.of_row, return_counts=True)
    if share <= 0 or len(names) < 2:
        return chosen
    wanted = min(max(1, round(rows * share)), max_rows)
    order = np.random.default_rng(seed).permutation(len(names))
    taken, held = 0, []
    for index in order:
        # A group that overshoots is passed over for a smaller one: few large groups must not
        # turn a tenth into a half.
        if taken + sizes[index] <= wanted:
            held.append(names[index])
            taken += int(sizes[index])
        if taken == wanted:
            break
    if not held:
        held = [names[int(np.argmin(sizes))]]
    return np.isin(groups.of_row, held)


def shared_answers(answers: Sequence[Sequence[str]], held: npt.NDArray[np.bool_]) -> int:
    """Count held-out rows of which an answer is also said in a training row.

    Args:
        answers: What is trained of each row.
        held: Shape (rows,): True for held-out rows.
    """
    said = {fold(a) for row, out in zip(answers, held, strict=True) if not out for a in row}
    return sum(
        out and any(fold(a) in said for a in row)
        for row, out in zip(answers, held.tolist(), strict=True)
    )


def _join_equal(parents: npt.NDArray[np.int64], keyed: Sequence[tuple[str, int]]) -> None:
    first: dict[str, int] = {}
    for key, row in keyed:
        _join(parents, first.setdefault(key, row), row)


def _join_similar(
    parents: npt.NDArray[np.int64],
    texts: Sequence[str],
    threshold: float,
    progress: Progress | None,
    stage: str,
) -> None:
    """Join rows whose digests share a band and agree in enough places."""
    rows = np.array([i for i, text in enumerate(texts) if len(text) >= _NGRAM], dtype=np.int64)
    if len(rows) < 2:
        return
    found = _digests([texts[i] for i in rows], progress, stage)
    for band in range(0, _PERMUTATIONS, _BAND):
        keys = np.ascontiguousarray(found[:, band : band + _BAND]).view(
            np.dtype((np.void, found.itemsize * _BAND))
        )[:, 0]
        order = np.argsort(keys, kind="stable")
        for lag in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            same = np.flatnonzero(keys[order][lag:] == keys[order][:-lag])
            left, right = order[same], order[same + lag]
            agree = (found[left] == found[right]).mean(axis=1) >= threshold
            for a, b in zip(rows[left[agree]], rows[right[agree]], strict=True):
                _join(parents, int(a), int(b))


def _digests(texts: Sequence[str], progress: Progress | None, stage: str) -> npt.NDArray[np.uint32]:
    found = []
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        found.append(digests(batch, ngram=_NGRAM, hashes=_PERMUTATIONS))
        if progress:
            progress(stage, min(start + _BATCH, len(texts)), len(texts))
    return np.concatenate(found)


def _root(parents: npt.NDArray[np.int64], row: int) -> int:
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = int(parents[row])
    return row


def _join(parents: npt.NDArray[np.int64], a: int, b: int) -> None:
    a, b = _root(parents, a), _root(parents, b)
    parents[max(a, b)] = min(a, b)
