"""Choose few examples that are good and differ: LIMO's finding (Ye et al. 2025, arXiv 2502.03387) is that
few excellent ones beat many.

A greedy choice, one example at a time, of what adds most to

    topics     how near every text of a sample of the candidates is to one that is taken
               (facility location over `migaki.corpus.topic_vectors`),
    quality    the mean of the figures of `migaki.corpus.quality`, and
    registers  the sum of √(taken) over the registers, so that a rare one is worth more; a text of mixed
               registers, or without sentences, has none.

All three have diminishing returns (they are submodular), so the choice is at least 63 % as good as the
best possible one (Nemhauser et al. 1978), and a gain that was worked out before is an upper bound: most
need not be worked out again. Near-duplicates are left out before, by `migaki.corpus.deduplication`.
Time is linear in the candidates; memory about 3 KB for each.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from migaki.corpus.deduplication import DeduplicationConfig, find_duplicates
from migaki.corpus.documents import Document
from migaki.corpus.quality import Quality, judge
from migaki.corpus.topic_vectors import topic_vectors
from migaki.errors import DataError
from migaki.linguistics.morphemes import Register

__all__ = ["Chosen", "Selection", "SelectionConfig", "select"]

_NO_REGISTER = (Register.MIXED, Register.NONE)
_SAMPLE = 1024
_TYPICAL = 64
_CHUNK = 4096

Progress = Callable[[str, int, int | None], None]


@dataclass(config=ConfigDict(extra="forbid"), frozen=True, kw_only=True)
class SelectionConfig:
    """How many, and what counts how much."""

    count: Annotated[int, Field(ge=1)]
    """How many examples are wanted."""
    topics: Annotated[float, Field(ge=0)] = 1.0
    """Weight of topics."""
    quality: Annotated[float, Field(ge=0)] = 1.0
    """Weight of quality."""
    registers: Annotated[float, Field(ge=0)] = 1.0
    """Weight of registers."""
    shortest: Annotated[int, Field(ge=0)] = 20
    """Folded characters below which a text is too short to be taken."""
    threshold: Annotated[float, Field(ge=0.5, le=1.0)] = 0.6
    """Similarity from which two texts are near-duplicates, of which one at most is taken."""

    def __post_init__(self) -> None:
        """Refuse a choice by nothing."""
        if not self.topics + self.quality + self.registers:
            raise ValueError(
                "topics, quality and registers all weigh nothing: nothing can be chosen"
            )


@plain_dataclass(frozen=True, slots=True)
class Chosen:
    """One example that is taken, and why."""

    number: int
    """Its number among the candidates, from 0."""
    id: str
    rank: int
    """1 for the first that was taken."""
    reason: str
    """In what it was most above what candidates typically added then: ``new_topic``,
    ``rare_register`` or ``quality``."""
    gains: dict[str, float]
    """What it added to topics, quality and registers, weighted."""
    quality: Quality
    nearest: str | None
    """Id of the most similar one that was taken before."""
    similarity: float
    """To that one: cosine of the topic vectors."""

    def columns(self) -> dict[str, Any]:
        """Return what the output keeps beside the row."""
        return {
            "select_rank": self.rank,
            "select_reason": self.reason,
            "select_gains": {name: round(gain, 4) for name, gain in self.gains.items()},
            "select_quality": round(self.quality.score, 4),
            "select_measures": self.quality.to_json(),
            "select_register": self.quality.register.value,
            "select_nearest": self.nearest,
            "select_similarity": round(self.similarity, 3),
        }


@plain_dataclass(frozen=True, slots=True)
class Selection:
    """What was taken, in the order in which it was, and what became of the rest."""

    chosen: tuple[Chosen, ...]
    candidates: int
    left_out: dict[str, int]
    """Why candidates could not be taken → how many: duplicates and faults."""

    def to_json(self) -> dict[str, Any]:
        """Return the counts: candidates = taken + left out + not needed."""
        return {
            "candidates": self.candidates,
            "taken": len(self.chosen),
            "left_out": self.left_out,
            "not_needed": self.candidates - len(self.chosen) - sum(self.left_out.values()),
            "reasons": dict(Counter(found.reason for found in self.chosen).most_common()),
            "registers": dict(
                Counter(found.quality.register.value for found in self.chosen).most_common()
            ),
            "mean_quality": float(np.mean([found.quality.score for found in self.chosen]))
            if self.chosen
            else None,
        }


def select(
    documents: Iterable[Document],
    config: SelectionConfig,
    *,
    part: Callable[[Document], str] | None = None,
    progress: Progress | None = None,
) -> Selection:
    """Choose few documents that are good and differ.

    The choice depends on the documents, not on their order.

    Args:
        documents: The candidates; read once. Their texts are not kept.
        config: How many, and what counts.
        part: Returns what of a document the model is to learn to write, whose quality and register are
            measured (of a chat, the answers); the whole text if not given.
        progress: Told a stage, candidates done, and how many there are.

    Raises:
        DataError: There is no candidate, or none that can be taken.
    """
    candidates = _Candidates(part or (lambda document: document.text), config.shortest, progress)
    duplicates = find_duplicates(
        candidates.reading(documents),
        DeduplicationConfig(threshold=config.threshold),
        part=part,
        progress=progress,
    )
    if not candidates.ids:
        raise DataError(
            "There is no candidate to choose from.", hint="Look whether the input is empty."
        )
    faults = [
        "duplicate" if not duplicates.is_kept(number) else quality.fault
        for number, quality in enumerate(candidates.qualities)
    ]
    usable = np.array([number for number, fault in enumerate(faults) if not fault], dtype=np.int64)
    left_out = Counter(filter(None, faults))
    if not len(usable):
        why = ", ".join(f"{count:,} × {fault}" for fault, count in left_out.most_common())
        raise DataError(f"No candidate can be taken: {why}.")
    usable = usable[np.argsort([candidates.ids[number] for number in usable], kind="stable")]
    vectors = topic_vectors(candidates.contents)
    greedy = _Greedy(vectors[usable], [candidates.qualities[n] for n in usable], config)
    chosen = tuple(
        Chosen(
            number=int(usable[pick]),
            id=candidates.ids[usable[pick]],
            rank=rank,
            reason=reason,
            gains=gains,
            quality=candidates.qualities[usable[pick]],
            nearest=None if near is None else candidates.ids[usable[near]],
            similarity=similarity,
        )
        for rank, (pick, gains, reason, near, similarity) in enumerate(
            greedy.picks(progress), start=1
        )
    )
    return Selection(chosen, len(candidates.ids), dict(left_out.most_common()))


_REASONS = {"topics": "new_topic", "registers": "rare_register", "quality": "quality"}


class _Candidates:
    """What is kept of each candidate while they are read."""

    def __init__(
        self, part: Callable[[Document], str], shortest: int, progress: Progress | None
    ) -> None:
        self.ids: list[str] = []
        self.qualities: list[Quality] = []
        self.contents: list[str] = []
        self._part, self._shortest, self._progress = part, shortest, progress

    def reading(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self.ids.append(document.id)
            self.qualities.append(judge(self._part(document), shortest=self._shortest))
            self.contents.append(document.text[:_TOPIC_CHARACTERS])
            if self._progress and len(self.ids) % 64 == 0:
                self._progress("measuring", len(self.ids), None)
            yield document


_TOPIC_CHARACTERS = 2000
"""The beginning says what a text is about; more would only make the memory grow."""


class _Greedy:
    """Lazy greedy maximisation (Minoux 1978).

    Args:
        vectors: Shape (candidates, numbers).
        qualities: Of the candidates.
        config: Weights, and how many.
    """

    def __init__(
        self,
        vectors: npt.NDArray[np.float32],
        qualities: Sequence[Quality],
        config: SelectionConfig,
    ) -> None:
        self._vectors, self._qualities, self._config = vectors, qualities, config
        self._count = min(config.count, len(vectors))
        rng = np.random.default_rng(0)
        size = min(_SAMPLE, len(vectors))
        self._wanted = vectors[np.sort(rng.choice(len(vectors), size, replace=False))].T
        self._covered = np.zeros(size, dtype=np.float32)
        self._registers: Counter[str] = Counter()
        self._typical = np.linspace(0, len(vectors) - 1, min(_TYPICAL, len(vectors)), dtype=int)

    def picks(
        self, progress: Progress | None
    ) -> Iterator[tuple[int, dict[str, float], str, int | None, float]]:
        """Yield each pick, its gains, why, and the nearest one before it with its similarity."""
        heap = [(-bound, number, 0) for number, bound in enumerate(self._first_bounds())]
        heapq.heapify(heap)
        taken: list[int] = []
        while heap and len(taken) < self._count:
            _, number, known_at = heapq.heappop(heap)
            gains = self._gains(number)
            if known_at < len(taken) and heap and -sum(gains.values()) > heap[0][0]:
                heapq.heappush(heap, (-sum(gains.values()), number, len(taken)))
                continue
            near, similarity = self._nearest(number, taken)
            reason = self._reason(gains)
            self._take(number)
            taken.append(number)
            yield number, gains, reason, near, similarity
            if progress:
                progress("choosing", len(taken), self._count)

    def _reason(self, gains: Mapping[str, float]) -> str:
        """Say in what a pick is most above what candidates would typically add now."""
        others = [self._gains(number) for number in self._typical.tolist()]
        above = {
            name: gain - float(np.median([other[name] for other in others]))
            for name, gain in gains.items()
        }
        return _REASONS[max(above, key=lambda name: above[name])]

    def _first_bounds(self) -> npt.NDArray[np.float64]:
        topics = np.concatenate(
            [
                np.maximum(self._vectors[at : at + _CHUNK] @ self._wanted, 0).mean(axis=1)
                for at in range(0, len(self._vectors), _CHUNK)
            ]
        )
        quality = np.array([found.score for found in self._qualities])
        bounds: npt.NDArray[np.float64] = (
            self._config.topics * self._count * topics
            + self._config.quality * quality
            + self._config.registers
        )
        return bounds

    def _gains(self, number: int) -> dict[str, float]:
        nearness = self._vectors[number] @ self._wanted
        closer = np.maximum(nearness - self._covered, 0).mean()
        register = self._qualities[number].register
        taken = self._registers[register.value]
        rarer = 0.0 if register in _NO_REGISTER else float(np.sqrt(taken + 1) - np.sqrt(taken))
        # Topics are scaled by the number that is wanted: an average pick then adds about as much as a
        # text of quality 1, whether ten are chosen or ten thousand.
        return {
            "topics": float(self._config.topics * self._count * closer),
            "quality": self._config.quality * self._qualities[number].score,
            "registers": self._config.registers * rarer,
        }

    def _take(self, number: int) -> None:
        np.maximum(self._covered, self._vectors[number] @ self._wanted, out=self._covered)
        self._registers[self._qualities[number].register.value] += 1

    def _nearest(self, number: int, taken: Sequence[int]) -> tuple[int | None, float]:
        if not taken:
            return None, 0.0
        similarity = self._vectors[list(taken)] @ self._vectors[number]
        best = int(np.argmax(similarity))
        return taken[best], float(similarity[best])
