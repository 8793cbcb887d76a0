"""Speed of the cleaning stages, beside HojiChar's filters for the same things, on the same texts.

    python benchmarks/corpus_cleaning.py --data ../shared/data [--texts 1500]

CPU time of one process; each side once for warming and then `--rounds` times, the sides taking turns, and
the best of them: the machine's other work does not count. No text is rejected before the last filter on
either side (every limit is opened), so that all filters see all texts.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hojichar import Compose, document_filters
from hojichar import Document as HojiCharDocument

from migaki.corpus.cleaning.config import build_stages, cleaning_config
from migaki.corpus.documents import Document, Rejection, Stage, run_stages

FILES = ("wiki/jaquad_wiki_articles.jsonl", "news/ja_wikinews.jsonl", "dialogue/real_persona_chat.jsonl")  # fmt: skip

# What both have: HojiChar's filter, our stage. `personal_information` looks for e-mail and telephone alone.
PAIRS: dict[str, tuple[object, dict[str, object]]] = {
    "letters": (document_filters.AcceptJapanese(), {"japanese_ratio": {"min_ratio": 0}}),
    "length": (
        document_filters.DocumentLengthFilter(min_doc_len=0),
        {"length": {"min_japanese": 0}},
    ),
    "sentence length": (
        document_filters.DiscardRareKuten(10**9),
        {"sentence_length": {"min_average": 0, "max_average": None, "max_longest": None}},
    ),
    "ellipses": (
        document_filters.DiscardTooManyEndingEllipsis(1.0),
        {"ellipses": {"max_share": 1}},
    ),
    "short lines": (document_filters.DiscardTooShortLines(1.0), {"short_lines": {"max_share": 1}}),
    "character runs": (
        document_filters.SingleCharacterRepetitionFilter(10**9),
        {"character_runs": {"max_run": 10**9}},
    ),
    "character 5-grams": (
        document_filters.CharRepetitionRatioFilter(1.1),
        {"frequent_ngrams": {"max_share": 1.0, "min_characters": 0}},
    ),
    "adverts": (document_filters.DiscardAds(max_allowed_num=10**9), {"adverts": {"max_share": 1}}),
    "adult words": (document_filters.DiscardAdultContentJa(), {"adult_words": {"max_share": 1}}),
    "discriminatory words": (
        document_filters.DiscardDiscriminationContentJa(),
        {"discriminatory_words": {"max_share": 1}},
    ),
    "normalization": (document_filters.DocumentNormalizer(), {"normalization": {}}),
    "e-mail, telephone": (
        document_filters.MaskPersonalInformation(),
        {"personal_information": {"kinds": ["email", "phone"]}},
    ),
}


def read_texts(data: Path, count: int) -> list[str]:
    """Texts of all files in turn."""
    texts = [
        json.loads(line)["text"] for name in FILES for line in (data / name).open(encoding="utf-8")
    ]
    return texts[:: max(1, len(texts) // count)][:count]


def hojichar_pass(filters: Sequence[object]) -> Callable[[Sequence[str]], None]:
    """HojiChar over all texts; a rejection is taken back, so that later filters run."""
    for one in filters:
        one.skip_rejected = False  # type: ignore[attr-defined]
    compose = Compose(list(filters))  # type: ignore[arg-type]

    def run(texts: Sequence[str]) -> None:
        for text in texts:
            compose.apply(HojiCharDocument(text))

    return run


def migaki_pass(stages: Sequence[Stage]) -> Callable[[Sequence[str]], None]:
    """Our stages over all texts."""

    def run(texts: Sequence[str]) -> None:
        for text in texts:
            outcome = run_stages(Document(text, "a:1", "a", "unknown"), stages)
            if isinstance(outcome, Rejection):
                raise SystemExit(f"{outcome.stage} rejected: {outcome.detail}")

    return run


def best_cpu_s(
    runs: Sequence[Callable[[Sequence[str]], None]], texts: Sequence[str], rounds: int
) -> list[float]:
    """Best CPU time of each, taking turns; our measures of a text are forgotten between runs."""
    best = [float("inf")] * len(runs)
    for number in range(rounds + 1):
        for place, run in enumerate(runs):
            start = time.process_time()
            run(texts)
            if number:
                best[place] = min(best[place], time.process_time() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    texts = read_texts(options.data, options.texts)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts)} texts, {megabytes:.1f} MB; load {os.getloadavg()[0]:.1f}")
    print(f"{'filter':24} {'HojiChar':>12} {'migaki':>12} {'ratio':>7}")
    everything: dict[str, object] = {}
    for name, (theirs, ours) in PAIRS.items():
        everything |= ours
        stages = build_stages(cleaning_config("none", ours))
        row(
            name,
            best_cpu_s([hojichar_pass([theirs]), migaki_pass(stages)], texts, options.rounds),
            megabytes,
        )
    stages = build_stages(cleaning_config("none", everything))
    both = [hojichar_pass([theirs for theirs, _ in PAIRS.values()]), migaki_pass(stages)]
    row("all of them", best_cpu_s(both, texts, options.rounds), megabytes)
    for preset in ("web", "encyclopaedia", "literature", "technical", "dialogue"):
        stages = build_stages(cleaning_config(preset))

        def run(texts: Sequence[str], stages: Sequence[Stage] = stages) -> None:
            for text in texts:
                run_stages(Document(text, "a:1", "a", "unknown"), stages)

        (seconds,) = best_cpu_s([run], texts, options.rounds)
        print(f"{'preset ' + preset:24} {'':12} {megabytes / seconds:7.1f} MB/s")


def row(name: str, seconds: Sequence[float], megabytes: float) -> None:
    theirs, ours = (megabytes / s for s in seconds)
    print(f"{name:24} {theirs:7.1f} MB/s {ours:7.1f} MB/s {ours / theirs:7.1f}")


if __name__ == "__main__":
    main()
