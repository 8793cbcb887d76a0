"""How much personal information is found, and how much is taken for it wrongly.

    python benchmarks/personal_information.py [--half development] [--show]

The sentences are `benchmarks/data/personal_information.tsv`, written for migaki before the rules. They are cut in
two: rules are made while looking at one half, figures are for the other. A finding is right if its kind
and both its ends are; near is right kind and overlapping.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from halves import HALVES, half_of

from migaki.corpus.personal_information import KINDS, find_personal_information

TABLE = Path(__file__).parent / "data" / "personal_information.tsv"
SECOND = "# Written second"
MARK = re.compile(r"⟦(\w+):(.*?)⟧")

Span = tuple[int, int, str]


@dataclass(frozen=True)
class Sentence:
    """One row of the table."""

    label: str
    category: str
    marked: str
    second: bool = False
    """Whether it was written second, to be harder."""

    @property
    def text(self) -> str:
        """The sentence as it is read, without marks."""
        return MARK.sub(r"\2", self.marked)

    @property
    def half(self) -> str:
        """Sentences of one pattern are in one half."""
        return half_of(re.sub(r"\d", "#", self.marked))

    @property
    def expected(self) -> set[Span]:
        """What must be found: start, end, kind."""
        spans, removed = set(), 0
        for mark in MARK.finditer(self.marked):
            start = mark.start() - removed
            spans.add((start, start + len(mark[2]), mark[1]))
            removed += len(mark[0]) - len(mark[2])
        return spans


@dataclass
class Score:
    """Counts of one kind."""

    expected: int = 0
    found: int = 0
    right: int = 0
    near: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """Found exactly, of what is there."""
        return self.right / self.expected if self.expected else float("nan")

    @property
    def precision(self) -> float:
        """Found exactly, of what was found."""
        return self.right / self.found if self.found else float("nan")


def read_sentences(half: str | None = None, *, second: bool | None = None) -> list[Sentence]:
    """The rows of one half, or all; those written first, second, or both."""
    first, _, harder = TABLE.read_text(encoding="utf-8").partition(SECOND)
    rows = [
        Sentence(*line.split("\t"), second=part is harder)
        for part in (first, harder)
        for line in part.splitlines()
        if line.count("\t") == 2 and not line.startswith("#")
    ]
    return [row for row in rows if half in (None, row.half) and second in (None, row.second)]


def score(sentences: list[Sentence]) -> dict[str, Score]:
    """Counts by kind."""
    scores = {kind: Score() for kind in KINDS}
    for sentence in sentences:
        expected = sentence.expected
        found = {(f.start, f.end, f.kind) for f in find_personal_information(sentence.text)}
        for kind, one in scores.items():
            one.expected += sum(span[2] == kind for span in expected)
            one.found += sum(span[2] == kind for span in found)
            one.right += sum(span[2] == kind for span in found & expected)
            one.near += sum(
                span[2] == kind and any(_overlap(span, other) for other in expected)
                for span in found - expected
            )
            if any(span[2] == kind for span in found ^ expected):
                one.wrong.append(f"{sentence.marked}  →  {sorted(found)}")
    return scores


def _overlap(one: Span, other: Span) -> bool:
    return one[2] == other[2] and one[0] < other[1] and other[0] < one[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=HALVES, default="report")
    parser.add_argument(
        "--show", action="store_true", help="print what is wrong (development only)"
    )
    parser.add_argument("--second", action="store_true", help="only those written second")
    options = parser.parse_args()
    sentences = read_sentences(options.half, second=True if options.second else None)
    kinds = Counter(sentence.label for sentence in sentences)
    print(f"{options.half}: {kinds['positive']} with, {kinds['look-alike']} look-alikes")
    print(
        f"{'kind':18} {'there':>6} {'found':>6} {'right':>6} {'near':>5} {'recall':>7} {'precision':>10}"
    )
    scores = score(sentences)
    for kind, one in scores.items():
        print(
            f"{kind:18} {one.expected:6} {one.found:6} {one.right:6} {one.near:5} "
            f"{one.recall:7.3f} {one.precision:10.3f}"
        )
        if options.show and options.half == "development":
            print(*(f"    {line}" for line in one.wrong), sep="\n")
    right, there = sum(s.right for s in scores.values()), sum(s.expected for s in scores.values())
    found = sum(s.found for s in scores.values())
    print(
        f"{'all':18} {there:6} {found:6} {right:6} {'':5} {right / there:7.3f} {right / found:10.3f}"
    )


if __name__ == "__main__":
    main()
