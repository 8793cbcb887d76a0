"""Fit the weights of the keigo level (`tables/keigo_level.tsv`) on the development half of KeiCO.

    python scripts/fit_keigo_level.py ../shared/data/keigo/keico.jsonl [--write]

Two logistic regressions (plain or not; level 1, 2 or 3) with L2 regularisation over the counts of
`migaki.linguistics.register.level`, cut at two; weights are rounded to one decimal, so that the table
can be read. The development half are the rows whose text has an even first byte of SHA-256; the other
half is never read here (it is reported by `benchmarks/language_detection.py`). Printed is the
agreement in five-fold cross-validation on the development half.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from migaki.linguistics.register import detect
from migaki.linguistics.register.level import MOST

TABLE = Path(__file__).parents[1] / "src/migaki/linguistics/tables/keigo_level.tsv"
RAREST = 5  # rows of the development half in which a feature must stand
L2 = 1.0
STEPS = 400
HEAD = """\
# Weights of the keigo level: how each feature of a text speaks for plain (4), or for level 1, 2 or 3.
#
# Made by scripts/fit_keigo_level.py from one half of the KeiCO corpus (Liu & Kobayashi, LREC 2022;
# github.com/Liumx2020/KeiCO-corpus, CC BY 4.0); no text of the corpus is in this file.
# Licence of the file: Apache-2.0, as the project.
#
# feature<TAB>plain<TAB>level 1<TAB>level 2<TAB>level 3<TAB>rows of that half that have it
"""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def fit(counts: Floats, classes: Ints, number: int) -> Floats:
    """Multinomial logistic regression by Adam; the last column of `counts` is the constant."""
    weights = np.zeros((counts.shape[1], number))
    target = np.eye(number)[classes]
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    penalty = np.full((counts.shape[1], 1), L2)
    penalty[-1] = 0
    for step in range(1, STEPS + 1):
        scores = counts @ weights
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        slope = (counts.T @ (shares - target) + penalty * weights) / len(classes)
        first = 0.9 * first + 0.1 * slope
        second = 0.999 * second + 0.001 * slope**2
        rate = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        weights -= 0.1 * rate
    return weights - weights.mean(axis=1, keepdims=True)


def fit_both(counts: Floats, levels: Ints) -> Floats:
    """Columns: plain, then levels 1 to 3; rounded."""
    binary = fit(counts, (levels == 4).astype(np.int64), 2)
    rest = levels < 4
    ranks = fit(counts[rest], levels[rest] - 1, 3)
    return np.round(np.column_stack([binary[:, 1] - binary[:, 0], ranks]), 1)


def predict(counts: Floats, weights: Floats) -> Ints:
    sums = counts @ weights
    return np.where(sums[:, 0] > 0, 4, 1 + sums[:, 1:].argmax(axis=1))


def agreement(found: Ints, levels: Ints) -> str:
    polite = ((found == 4) == (levels == 4)).mean()
    return f"polite or plain {polite:.2%}, four levels {(found == levels).mean():.2%}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("keico", type=Path)
    parser.add_argument("--write", action="store_true", help="write the table")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.keico.read_text("utf-8").splitlines()]
    digests = [hashlib.sha256(row["text"].encode()).digest() for row in rows]
    kept = [(row, d[1] % 5) for row, d in zip(rows, digests, strict=True) if d[0] % 2 == 0]
    features = [detect(row["text"]).features for row, _ in kept]
    levels = np.array([row["level"] for row, _ in kept])
    folds = np.array([fold for _, fold in kept])
    standing = Counter(name for found in features for name in found)
    names = sorted(n for n, rows_with in standing.items() if rows_with >= RAREST)
    counts = np.array([[min(f.get(n, 0), MOST) for n in names] + [1] for f in features], float)

    found = np.zeros_like(levels)
    for fold in range(5):
        inside = folds != fold
        found[~inside] = predict(counts[~inside], fit_both(counts[inside], levels[inside]))
    print(f"{len(levels)} rows, {len(names)} features; cross-validated: {agreement(found, levels)}")
    weights = fit_both(counts, levels)
    print(f"fitted: {agreement(predict(counts, weights), levels)}")
    lines = [
        "\t".join([name, *(f"{w:g}" for w in row + 0.0), str(standing[name] or len(levels))])
        for name, row in zip([*names, "base"], weights, strict=True)
    ]
    if options.write:
        TABLE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
