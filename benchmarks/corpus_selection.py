"""A selection beside random choices of the same size: topics covered, quality, registers.

    python benchmarks/corpus_selection.py [--half report|development] [--count 200] [--data ../shared/data]

Coverage is the mean, over all candidates, of the cosine to the nearest one that was taken. Registers is
the exponential of the entropy of the registers taken: how many there are, were they equally frequent;
texts without one (mixed, or no sentence) are left out of it.
Both, and the quality, are what the selection aims at: this says that it reaches its aims, not that a
model gets better by it.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from pathlib import Path

import numpy as np
from halves import half_of

from migaki.corpus.documents import Document
from migaki.corpus.quality import judge
from migaki.corpus.row_sets import RowSet, answer_of
from migaki.corpus.selection import SelectionConfig, select
from migaki.corpus.topic_vectors import topic_vectors
from migaki.linguistics.morphemes import Register

FILES = (
    "instruct/instruction_ja.jsonl", "dialogue/asdc_customer_service_chat.jsonl",
    "news/ja_wikinews.jsonl", "qa/jaquad_qa.jsonl", "wiki/jaquad_wiki_articles.jsonl",
)  # fmt: skip
RANDOM_CHOICES = 10


def main() -> None:
    here = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=here.parent / "shared" / "data")
    parser.add_argument("--half", choices=("development", "report"), default="report")
    parser.add_argument("--count", type=int, default=200)
    asked = parser.parse_args()
    rows = RowSet(tuple(str(asked.data / name) for name in FILES))
    documents = [found for found in rows.documents() if half_of(found.text) == asked.half]
    began = time.process_time()
    selection = select(documents, SelectionConfig(count=asked.count), part=answer_of)
    elapsed = time.process_time() - began
    print(f"{len(documents):,} candidates, {asked.count} taken, {elapsed:.1f} s CPU")
    print(selection.to_json())
    vectors = topic_vectors(document.text[:2000] for document in documents)
    qualities = [judge(answer_of(document)) for document in documents]

    def figures(numbers: list[int]) -> tuple[float, float, float]:
        nearest = np.maximum(vectors @ vectors[numbers].T, 0).max(axis=1)
        registers = Counter(qualities[number].register for number in numbers)
        counts = [n for name, n in registers.items() if name not in (Register.MIXED, Register.NONE)]
        shares = np.array(counts) / sum(counts)
        return (
            float(nearest.mean()),
            float(np.mean([qualities[number].score for number in numbers])),
            float(np.exp(-(shares * np.log(shares)).sum())),
        )

    chosen = figures([found.number for found in selection.chosen])
    others = np.array(
        [figures(_any(documents, asked.count, seed)) for seed in range(RANDOM_CHOICES)]
    )
    print("| | selected | random (mean ± standard deviation) |\n|---|--:|--:|")
    for name, value, mean, spread in zip(
        ("coverage", "quality", "registers"),
        chosen,
        others.mean(0),
        others.std(0, ddof=1),
        strict=True,
    ):
        print(f"| {name} | {value:.3f} | {mean:.3f} ± {spread:.3f} |")


def _any(documents: list[Document], count: int, seed: int) -> list[int]:
    return random.Random(seed).sample(range(len(documents)), count)


if __name__ == "__main__":
    main()
