"""Find questions of evaluation sets in training documents.

A question is *found* in a document when 0.8 or more of its character 8-grams, of the folded text
(`migaki.corpus.folding`), occur in that document. The share of 80 % is that from which Llama 2 (Touvron
et al. 2023, appendix A.6) calls a sample dirty; n-gram overlap as the criterion is GPT-3's (Brown et al.
2020, appendix C: 8 to 13 words). Eight *characters*, because the median question of JCommonsenseQA has
13 of them folded: at five, generic questions are found in long texts that have nothing to do with them
(自分が住んでいるのは？ in a news article); at thirteen, 47 % of its questions could not be looked for, at
eight 13 %.
What was reworded is not found.

A question of 8 to 15 folded characters may also be a piece of running text (食べて美味しいのは is one, and
アイスクリームは): it must stand there as a sentence of its own, between sentence marks, brackets, colons or
line ends. A shorter one is not looked for and counted as too short. That an answer alone occurs says little, so it is told apart: it is looked for by itself from 20 folded characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from migaki.corpus.documents import Document, Outcome, Rejection
from migaki.corpus.evaluation_items import EvaluationItem
from migaki.corpus.folding import fold
from migaki.corpus.ngrams import ngram_hashes

__all__ = [
    "ContaminationReport",
    "ContaminationStage",
    "EvaluationIndex",
    "Overlap",
    "OverlapKind",
]

NGRAM = 8
SHARE = 0.8
ALONE_BELOW = 16
SHORTEST_ANSWER = 20
_LISTED_DOCUMENTS = 5
_SENTENCE_EDGES = re.compile(r"[。．.！？!?:：\n「」『』（）()【】]+")
_GLANCE_BITS = 22


class OverlapKind(StrEnum):
    """What of an item a document holds."""

    QUESTION = "question"
    QUESTION_AND_ANSWER = "question_and_answer"
    ANSWER = "answer"

    @property
    def gives_away(self) -> bool:
        """Tell whether the item is no longer unseen: its question was read."""
        return self is not OverlapKind.ANSWER


@dataclass(frozen=True, slots=True)
class Overlap:
    """That a document holds an item of an evaluation set."""

    item: int
    """Number of the item."""
    kind: OverlapKind
    share: float
    """Share of the 8-grams of the question (of the answer, where only that was found)."""


class EvaluationIndex:
    """What is looked for; the same in every process.

    Args:
        items: The items of all evaluation sets.

    Example:
        >>> items = [EvaluationItem("q:1", ("日本で一番高い山は何ですか。",), ("富士山",))]
        >>> index = EvaluationIndex(items)
        >>> [found.kind.value for found in index.look("日本で一番高い山は、何ですか？　富士山です。")]
        ['question_and_answer']
        >>> index.look("富士山は日本で一番高い。")
        ()
    """

    def __init__(self, items: Iterable[EvaluationItem]) -> None:
        self.items = tuple(items)
        self.too_short = 0
        """Items of which no question is long enough to be looked for."""
        self._answers = [tuple(filter(None, map(fold, item.answers))) for item in self.items]
        owners: list[int] = []
        self._is_answer: list[bool] = []
        self._alone: dict[int, str] = {}  # text → the folded question, if it must stand alone
        grams: list[npt.NDArray[np.uint64]] = []
        for number, item in enumerate(self.items):
            asked = [text for text in map(fold, item.questions) if len(text) >= NGRAM]
            said = [text for text in self._answers[number] if len(text) >= SHORTEST_ANSWER]
            self.too_short += not asked
            for place, text in enumerate((*asked, *said), start=len(grams)):
                if len(text) < ALONE_BELOW:
                    self._alone[place] = text
                grams.append(np.unique(ngram_hashes(text, NGRAM)))
            owners += [number] * (len(asked) + len(said))
            self._is_answer += [False] * len(asked) + [True] * len(said)
        self._owners = owners
        self._sizes = np.array([len(found) for found in grams], dtype=np.int64)
        keys = np.concatenate([np.empty(0, dtype=np.uint64), *grams])
        order = np.argsort(keys, kind="stable")
        self._texts = np.repeat(np.arange(len(grams)), self._sizes)[order]
        self._keys, self._starts = np.unique(keys[order], return_index=True)
        self._ends = np.append(self._starts[1:], len(keys))
        # One look in a table tells most n-grams that are none of ours, before they are sorted.
        self._glance = np.zeros(1 << _GLANCE_BITS, dtype=bool)
        self._glance[self._keys >> np.uint64(64 - _GLANCE_BITS)] = True

    def look(self, text: str) -> tuple[Overlap, ...]:
        """Return the items that a text holds, in their order."""
        folded = fold(text)
        found: dict[int, Overlap] = {}
        sentences: set[str] | None = None
        for number, share in self._shares(folded):
            item = self._owners[number]
            if number in self._alone:
                sentences = sentences or {fold(part) for part in _SENTENCE_EDGES.split(text)}
                if self._alone[number] not in sentences:
                    continue
            if self._is_answer[number]:
                found.setdefault(item, Overlap(item, OverlapKind.ANSWER, share))
                continue
            answered = any(answer in folded for answer in self._answers[item])
            kind = OverlapKind.QUESTION_AND_ANSWER if answered else OverlapKind.QUESTION
            known = found.get(item)
            if known is None or not known.kind.gives_away or known.share < share:
                found[item] = Overlap(item, kind, share)
        return tuple(found[item] for item in sorted(found))

    def _shares(self, folded: str) -> list[tuple[int, float]]:
        """Return the texts that are found, questions first of their items, and their shares."""
        grams = ngram_hashes(folded, NGRAM)
        grams = np.unique(grams[self._glance[grams >> np.uint64(64 - _GLANCE_BITS)]])
        if not len(grams) or not len(self._keys):
            return []
        at = np.minimum(np.searchsorted(self._keys, grams), len(self._keys) - 1)
        at = at[self._keys[at] == grams]
        if not len(at):
            return []
        lengths = self._ends[at] - self._starts[at]
        inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        texts, counts = np.unique(
            self._texts[np.repeat(self._starts[at], lengths) + inside], return_counts=True
        )
        shares = counts / self._sizes[texts]
        dirty = shares >= SHARE
        return list(zip(texts[dirty].tolist(), shares[dirty].tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class ContaminationStage:
    """Rejects documents that hold a question of an evaluation set."""

    index: EvaluationIndex
    name: str = "contamination"

    def __call__(self, document: Document) -> Outcome:
        """Keep the document, or reject it with the first item that it holds."""
        found = [overlap for overlap in self.index.look(document.text) if overlap.kind.gives_away]
        if not found:
            return document
        first = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        return Rejection(
            document,
            self.name,
            f"evaluation_{first.kind}",
            f"{first.share:.0%} ≥ {SHARE:.0%} of the 8-grams of {self.index.items[first.item].name}{more}",
        )


@dataclass
class ContaminationReport:
    """What was found in the documents, by item and by document."""

    items: Sequence[EvaluationItem]
    too_short: int = 0
    documents_read: int = 0
    documents: dict[str, tuple[Overlap, ...]] = field(default_factory=dict)
    """Id of each document that holds something → what."""
    _by_item: dict[int, dict[OverlapKind, list[str]]] = field(default_factory=dict)
    _counts: Counter[tuple[int, OverlapKind]] = field(default_factory=Counter)

    @classmethod
    def of(cls, index: EvaluationIndex) -> ContaminationReport:
        """Return an empty report on the items of an index."""
        return cls(index.items, index.too_short)

    def add(self, document_id: str, overlaps: Sequence[Overlap]) -> None:
        """Count one document; called for each, also where nothing was found."""
        self.documents_read += 1
        if overlaps:
            self.documents[document_id] = tuple(overlaps)
        for overlap in overlaps:
            self._counts[overlap.item, overlap.kind] += 1
            listed = self._by_item.setdefault(overlap.item, {}).setdefault(overlap.kind, [])
            if len(listed) < _LISTED_DOCUMENTS:
                listed.append(document_id)

    def to_json(self) -> dict[str, Any]:
        """Return the counts, each item that was found with documents, and each document's items."""
        return {
            "documents_read": self.documents_read,
            "documents_with_questions": sum(
                any(overlap.kind.gives_away for overlap in found)
                for found in self.documents.values()
            ),
            "documents_with_answers_only": sum(
                not any(overlap.kind.gives_away for overlap in found)
                for found in self.documents.values()
            ),
            "items": len(self.items),
            "items_too_short": self.too_short,
            "items_found": sum(
                any(kind.gives_away for kind in kinds) for kinds in self._by_item.values()
            ),
            "items_with_answers_only": sum(
                not any(kind.gives_away for kind in kinds) for kinds in self._by_item.values()
            ),
            "sets": self._sets(),
            "found": [
                {
                    "item": self.items[number].name,
                    "asked": self.items[number].questions[0],
                    "overlaps": {
                        str(kind): {"documents": self._counts[number, kind], "first": ids}
                        for kind, ids in sorted(kinds.items())
                    },
                }
                for number, kinds in sorted(self._by_item.items())
            ],
            "documents": {
                name: [
                    {
                        "item": self.items[o.item].name,
                        "kind": str(o.kind),
                        "share": round(o.share, 3),
                    }
                    for o in found
                ]
                for name, found in self.documents.items()
            },
        }

    def _sets(self) -> dict[str, dict[str, int]]:
        """Return items and items found of each evaluation file."""
        totals: dict[str, dict[str, int]] = {}
        for number, item in enumerate(self.items):
            counts = totals.setdefault(item.name.split(":")[0], {"items": 0, "found": 0})
            counts["items"] += 1
            counts["found"] += any(kind.gives_away for kind in self._by_item.get(number, ()))
        return totals
