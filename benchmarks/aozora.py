"""Aozora Bunko: are marks written out as they were, is the spelling told, and how fast?

くの字点: every doubled run of two to five letters in modern works (いろいろ, さまざま, 幾本も幾本も) is
contracted to a mark and written out again. Some runs are no repetition (死んだんだ) and count as errors
all the same, so the share is a lower bound. The rule was made on the works at even places of the folder;
the others report.

Spelling: works cut into pieces, against what the works are spelt in (by reading: historical are 270, 389
and 468).

    python benchmarks/aozora.py [FOLDER]        the folder of the data, ../shared/data/aozora if none
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from migaki.corpus.aozora import read_aozora
from migaki.corpus.aozora.iteration import expand_iteration_marks
from migaki.corpus.aozora.orthography import (
    HISTORICAL_PER_1000,
    historical_spellings_per_1000,
)
from migaki.corpus.documents import Document

HISTORICAL = ("270_", "389_", "468_")
LETTERS = re.compile("[ぁ-んァ-ヶ一-龥々ー]+")
VOICED = dict(
    zip(
        "かきくけこさしすせそたちつてとはひふへほ",
        "がぎぐげござじずぜぞだぢづでどばびぶべぼ",
        strict=True,
    )
)


def main() -> None:
    root = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "aozora"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else root
    start = time.process_time()
    works = documents(folder / "raw_sjis")
    seconds = time.process_time() - start
    size = sum(path.stat().st_size for path in (folder / "raw_sjis").glob("*.txt")) / 1e6
    print(f"throughput: {size / seconds:.1f} MB/s of one core ({size:.2f} MB, {len(works)} works)")
    modern = [work for work in works if not is_historical(work)]
    for half, name in enumerate(("development", "report")):
        right, all_marks = iteration_marks(modern[half::2])
        print(
            f"くの字点, {name}: {right} of {all_marks} written out as they were ({right / all_marks:.1%})"
        )
    works += [work for work in documents(folder / "ruby_plain_pairs_sjis") if "_ruby" in work.id]
    for length in (500, 1000, 2000):
        right, pieces = spelling(works, length)
        print(
            f"spelling, pieces of {length} characters: {right} of {pieces} ({right / pieces:.1%})"
        )


def documents(folder: Path) -> list[Document]:
    return [item for item in read_aozora(folder) if isinstance(item, Document)]


def is_historical(work: Document) -> bool:
    return work.id.removeprefix("aozora:").startswith(HISTORICAL)


def iteration_marks(works: list[Document]) -> tuple[int, int]:
    right = total = 0
    for work in works:
        for line in work.text.split("\n"):
            for contracted in contractions(line):
                total += 1
                right += expand_iteration_marks(contracted)[0] == line
    return right, total


def contractions(line: str) -> Iterator[str]:
    """Yield the line with one doubled run written as a mark, for each such run."""
    place = 0
    while place < len(line):
        for length in (5, 4, 3, 2):
            unit, again = line[place : place + length], line[place + length : place + 2 * length]
            if len(again) < length or len(set(unit)) == 1 or not LETTERS.fullmatch(unit):
                continue
            voiced = VOICED.get(unit[0], unit[0]) + unit[1:]
            if again in (unit, voiced):
                mark = "／＼" if again == unit else "／″＼"
                yield line[: place + length] + mark + line[place + 2 * length :]
                place += 2 * length - 1
                break
        place += 1


def spelling(works: list[Document], length: int) -> tuple[int, int]:
    right = total = 0
    for work in works:
        for start in range(0, len(work.text) - length + 1, length):
            share = historical_spellings_per_1000(work.text[start : start + length])
            if share is not None:
                total += 1
                right += (share >= HISTORICAL_PER_1000) == is_historical(work)
    return right, total


if __name__ == "__main__":
    main()
