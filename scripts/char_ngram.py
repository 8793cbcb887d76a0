"""A character n-gram model with interpolated modified Kneser–Ney smoothing: the floor to beat.

The vocabulary is every character of the training text, an end-of-text mark, and one unknown class.
An unseen character costs only the class, not which character it is: that favours the n-gram.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

START, END, UNKNOWN = "\x02", "\x03", "\x00"


class CharNgram:
    """Interpolated modified Kneser–Ney (Chen & Goodman 1999) over characters.

    Args:
        texts: training texts; each is closed by an end mark that is predicted too.
        order: longest n-gram.

    >>> model = CharNgram(["ああい", "あいう"], order=3)
    >>> round(sum(model.probability("あ", c) for c in model.vocabulary), 9)
    1.0
    """

    def __init__(self, texts: Iterable[str], order: int = 5) -> None:
        self.order = order
        counts: list[Counter[str]] = [Counter() for _ in range(order + 1)]
        for text in texts:
            padded = START * (order - 1) + text + END
            for i in range(order - 1, len(padded)):
                counts[order][padded[i - order + 1 : i + 1]] += 1
        for n in range(order - 1, 0, -1):
            self._continuations(counts[n + 1], counts[n])
        self.vocabulary = [*sorted(counts[1]), UNKNOWN]
        self.known = frozenset(self.vocabulary)
        self.counts = counts
        self.discounts = [(0.0, 0.0, 0.0), *(_discounts(c) for c in counts[1:])]
        self.contexts: list[dict[str, tuple[int, int, int, int]]] = [{}]
        self.contexts += [_context_totals(c) for c in counts[1:]]

    @staticmethod
    def _continuations(longer: Counter[str], shorter: Counter[str]) -> None:
        """Lower orders count in how many different contexts an n-gram stands.

        N-grams that begin with the start mark have just one left context, so they keep their
        counts of the longer order.
        """
        for gram, count in longer.items():
            shorter[gram[1:]] += count if gram[1] == START and gram[0] == START else 1

    def probability(self, context: str, char: str) -> float:
        """P(char | the last order − 1 characters of context)."""
        p = 1.0 / len(self.vocabulary)
        for n in range(1, self.order + 1):
            key = context[len(context) - n + 1 :] if n > 1 else ""
            if len(key) < n - 1 or key not in self.contexts[n]:
                break
            total, ones, twos, more = self.contexts[n][key]
            d1, d2, d3 = self.discounts[n]
            count = self.counts[n].get(key + char, 0)
            cut = (0.0, d1, d2, d3)[min(count, 3)]
            p = (count - cut) / total + (d1 * ones + d2 * twos + d3 * more) / total * p
        return p

    def bits(self, text: str) -> float:
        """Bits for the whole text and its end mark; unseen characters count as one class."""
        padded = (
            START * (self.order - 1)
            + "".join(c if c in self.known else UNKNOWN for c in text)
            + END
        )
        first = self.order - 1
        return -sum(
            math.log2(self.probability(padded[i - first : i], padded[i]))
            for i in range(first, len(padded))
        )


def _discounts(counts: Counter[str]) -> tuple[float, float, float]:
    n1, n2, n3, n4 = (sum(1 for c in counts.values() if c == k) for k in (1, 2, 3, 4))
    if not (n1 and n2 and n3 and n4):
        return (0.5, 0.75, 0.9)
    y = n1 / (n1 + 2 * n2)
    raw = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    return tuple(min(max(d, 0.05), k) for d, k in zip(raw, (1.0, 2.0, 3.0), strict=True))  # type: ignore[return-value]


def _context_totals(counts: Counter[str]) -> dict[str, tuple[int, int, int, int]]:
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for gram, count in counts.items():
        entry = totals[gram[:-1]]
        entry[0] += count
        entry[min(count, 3)] += 1
    return {key: (a, b, c, d) for key, (a, b, c, d) in totals.items()}
