"""A small deterministic way to vary a text, for tests of everything around it; workers import it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from migaki.corpus.augmentation import Augmentation
from migaki.corpus.row_variants import Generate, Generated
from migaki.linguistics.edits import Edit

ENDING = re.compile("です(?=。|$)", re.MULTILINE)
OTHERS = ("だ", "である", "じゃ", "なり")


@dataclass(frozen=True)
class EndingVariant:
    edits: tuple[Edit, ...]
    operators: tuple[str, ...] = ("test.ending",)


def vary_endings(asked: Augmentation) -> Generate:
    """です at the end of sentences becomes something else; which one first depends on the seed."""

    def generate(text: str) -> Generated:
        if "壊" in text:
            raise ValueError("壊れた")
        found = list(ENDING.finditer(text))
        if not found:
            return Generated((), {"test.ending": {"no copula": 1}})
        order = [OTHERS[(asked.seed + n) % len(OTHERS)] for n in range(asked.variants)]
        return Generated(
            [
                EndingVariant(tuple(Edit(*m.span(), other, "test.ending") for m in found))
                for other in order[: len(OTHERS)]
            ]
        )

    return generate


def vary_slowly(asked: Augmentation) -> Generate:
    generate = vary_endings(asked)

    def slow(text: str) -> Generated:
        time.sleep(0.005)
        return generate(text)

    return slow


Make = Callable[[Augmentation], Generate]
