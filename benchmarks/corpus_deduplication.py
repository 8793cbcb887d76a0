"""Planted near-duplicates of real Japanese text: how many are found, what is merged that is not alike.

    python benchmarks/corpus_deduplication.py [--half report|development] [--each N] [--data ../shared/data]
    python benchmarks/corpus_deduplication.py --documents 200000      # memory and time of so many

For each rate, a corpus is made of texts and of one copy of each, in which that share of the characters
(rounded down) was edited at uniformly random places, a third each substituted, inserted and deleted, by
characters of other texts. A copy is found when text and copy end with the same document that stays. A
merge is false when the normalised Levenshtein similarity (rapidfuzz) of the folded texts is below 0.7.
The texts are deduplicated before, so that each has one copy; the false merges of that are counted too.

Beside it, on the same rows in the same process: HojiChar's GenerateDedupLSH and InlineDeduplicator, and
datatrove's MinHash stages, both with their defaults, and HojiChar with migaki's bands and n-grams. datatrove's word n-grams are made of fugashi's
words, as its own Japanese words need spaCy. Needs pip install rapidfuzz datasketch redis, and fugashi.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from halves import half_of

from migaki.corpus.deduplication import Duplicates, find_duplicates
from migaki.corpus.documents import Document
from migaki.corpus.folding import fold

RATES = (0.0, 0.01, 0.02, 0.05, 0.10, 0.15, 0.20)
EDGES = (10, 20, 40, 80, 160, 400, 1000, 5000, 10**9)
FALSE_BELOW = 0.7
FILES = (
    "wiki/jaquad_wiki_articles", "news/ja_wikinews", "dialogue/real_persona_chat",
    "dialogue/asdc_main", "aozora/aozora_paragraphs_clean", "ud/ja_gsd_train_sentences",
    "instruct/instruction_ja", "qa/jaquad_qa", "qa/niilc_dev", "jcola/in_domain_train-v1.0",
)  # fmt: skip

Kept = list[int]
"""For each text, the number of the text that stays for it (its own where it stays)."""


def texts_of(folder: Path, half: str) -> list[str]:
    found = []
    for name in FILES:
        for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            text = row.get("text") or row.get("question") or row.get("sentence")
            if text is None and "messages" in row:
                text = "\n".join(message["content"] for message in row["messages"])
            if text and half_of(text) == half:
                found.append(text)
    return found


def sample(texts: Sequence[str], each: int, rng: random.Random) -> list[str]:
    """At most so many texts of each length, so that short ones do not decide alone."""
    chosen = []
    for low, high in pairwise(EDGES):
        group = [text for text in texts if low <= len(text) < high]
        chosen += rng.sample(group, min(each, len(group)))
    return chosen


def edited(text: str, rate: float, rng: random.Random, letters: str) -> str:
    characters = list(text)
    for _ in range(int(len(text) * rate)):
        at, kind = rng.randrange(len(characters)), rng.randrange(3)
        if kind == 0:
            characters[at] = rng.choice(letters)
        elif kind == 1:
            characters.insert(at, rng.choice(letters))
        elif len(characters) > 1:
            del characters[at]
    return "".join(characters)


# ── the three ────────────────────────────────────────────────────────────────────────────────────


def documents_of(texts: Sequence[str]) -> list[Document]:
    return [
        Document(text, id=f"{number:07d}", source="benchmark", licence="unknown")
        for number, text in enumerate(texts)
    ]


def by_migaki(texts: Sequence[str]) -> Kept:
    found: Duplicates = find_duplicates(documents_of(texts))
    return [int(i) if i >= 0 else n for n, i in enumerate(found.kept_instead)]


def by_hojichar(texts: Sequence[str], **settings: int) -> Kept:
    """The first that has one of its keys stays; the filter itself only says that there is one."""
    from hojichar import Document as HojiDocument
    from hojichar.filters.deduplication import GenerateDedupLSH, InlineDeduplicator

    keys, pool = GenerateDedupLSH(**settings), InlineDeduplicator()
    first: dict[str, int] = {}
    kept = []
    for number, text in enumerate(texts):
        document = pool.apply(keys.apply(HojiDocument(text)))
        found = document.extras["dedup_lsh"]
        seen = [first[key] for key in found if key in first]
        assert bool(seen) == document.is_rejected
        for key in found:
            first.setdefault(key, number)
        kept.append(kept[min(seen)] if seen else number)
    return kept


def by_datatrove(texts: Sequence[str]) -> Kept:
    import xxhash
    from datatrove.data import Document as TroveDocument
    from datatrove.pipeline.dedup import minhash
    from fugashi import Tagger

    class Words:
        tagger = Tagger("-Owakati")

        def word_tokenize(self, text: str) -> list[str]:
            return list(self.tagger.parse(text).split())

    config = minhash.MinhashConfig()
    minhash.load_word_tokenizer = lambda language: Words()
    with tempfile.TemporaryDirectory() as folder:
        data = (TroveDocument(text=text, id=str(n)) for n, text in enumerate(texts))
        first_step = minhash.MinhashDedupSignature(f"{folder}/signatures", config)
        # datatrove 0.10.1 gives xxhash 4 a str, which it refuses; the hash is the same.
        first_step._hash_func = lambda words: xxhash.xxh64_intdigest(words.encode())
        first_step.run(data, 0, 1)
        for bucket in range(config.num_buckets):
            minhash.MinhashDedupBuckets(
                f"{folder}/signatures", f"{folder}/pairs", config=config
            ).run(None, bucket, config.num_buckets)
        minhash.MinhashDedupCluster(
            f"{folder}/pairs", f"{folder}/clusters", config, save_cluster_id=True
        ).run(None, 0, 1)
        kept = list(range(len(texts)))
        name = Path(folder, "clusters", "000000.clusters")
        raw = name.read_bytes() if name.exists() else b""
    first: dict[int, int] = {}
    numbers = [int.from_bytes(raw[i : i + 4], "little") for i in range(0, len(raw), 4)]
    for number, cluster in zip(numbers[::2], numbers[1::2], strict=True):
        kept[number] = first.setdefault(cluster, number)
    return kept


def by_hojichar_alike(texts: Sequence[str]) -> Kept:
    """HojiChar with migaki's bands and n-grams: what verification and folding are worth."""
    return by_hojichar(texts, n_grams=3, num_bands=51, band_size=5)


TOOLS: dict[str, Callable[[Sequence[str]], Kept]] = {
    "migaki": by_migaki, "HojiChar": by_hojichar, "HojiChar-51x5": by_hojichar_alike, "datatrove": by_datatrove,
}  # fmt: skip


# ── what is measured ─────────────────────────────────────────────────────────────────────────────


def false_merges(texts: Sequence[str], kept: Kept) -> Iterator[tuple[int, int]]:
    from rapidfuzz.distance import Levenshtein

    for number, other in enumerate(kept):
        if number != other:
            one, two = fold(texts[number]), fold(texts[other])
            if Levenshtein.normalized_similarity(one, two) < FALSE_BELOW:
                yield number, other


def recall(texts: Sequence[str], kept: Kept, low: int, high: int) -> float:
    """Of the texts in the first half of a corpus, those that end where their copies end."""
    half = len(texts) // 2
    asked = [n for n in range(half) if low <= len(texts[n]) < high]
    return sum(kept[n] == kept[n + half] for n in asked) / max(1, len(asked))


def measure(texts: list[str], rng: random.Random, names: Sequence[str]) -> dict[str, Any]:
    letters = "".join(texts)[:200_000]
    kept = by_migaki(texts)
    false = list(false_merges(texts, kept))
    base = [text for n, text in enumerate(texts) if kept[n] == n]
    result: dict[str, Any] = {
        "texts": len(texts), "without_duplicates": len(base), "false_merges_before": len(false),
        "tools": {},
    }  # fmt: skip
    megabytes = 2 * sum(len(text.encode()) for text in base) / 1e6
    corpora = {rate: base + [edited(t, rate, rng, letters) for t in base] for rate in RATES}
    for name in names:
        rows: dict[str, Any] = {}
        for rate, corpus in corpora.items():
            began = time.process_time()
            kept = TOOLS[name](corpus)
            elapsed = time.process_time() - began
            wrong = list(false_merges(corpus, kept))
            rows[f"{rate:.0%}"] = {
                "recall": recall(corpus, kept, 0, EDGES[-1]),
                "recall_from_20": recall(corpus, kept, 20, EDGES[-1]),
                "by_length": [recall(corpus, kept, low, high) for low, high in pairwise(EDGES)],
                "false_merges": len(wrong),
                "false_share": len(wrong) / len(corpus),
                "cpu_mb_per_s": megabytes / elapsed,
            }
        result["tools"][name] = rows
    return result


def show(result: dict[str, Any]) -> None:
    print(
        f"{result['texts']:,} texts, {result['without_duplicates']:,} without duplicates; "
        f"{result['false_merges_before']} false merges on the way there"
    )
    for name, rows in result["tools"].items():
        print(f"\n{name}\n| edits | recall | from 20 chars | "
              + " | ".join(f"{low}-" for low in EDGES[:-1]) + " | false merges | CPU MB/s |")  # fmt: skip
        print("|--:" * (5 + len(EDGES) - 1) + "|")
        for rate, row in rows.items():
            cells = " | ".join(f"{value:.1%}" for value in row["by_length"])
            print(f"| {rate} | {row['recall']:.2%} | {row['recall_from_20']:.2%} | {cells} | "
                  f"{row['false_merges']} ({row['false_share']:.3%}) | {row['cpu_mb_per_s']:.1f} |")  # fmt: skip


def measure_scale(texts: Sequence[str], count: int) -> None:
    """Time and memory for many documents: sentences of real texts, drawn anew for each."""
    sentences = [s + "。" for text in texts for s in text.split("。") if 10 < len(s) < 100]

    def made() -> Iterator[Document]:
        rng = random.Random(0)
        for number in range(count):
            text = "".join(rng.choices(sentences, k=8))
            yield Document(text, f"made.jsonl:{number}", "made", "unknown")

    find_duplicates(documents_of(texts[:100]))  # what is imported and cached once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    found = find_duplicates(made()).to_json()
    elapsed = time.process_time() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    size = sum(len(document.text.encode()) for document in made())
    print(f"{count:,} documents, {size / 1e6:,.0f} MB: {elapsed:.1f} s CPU, {size / 1e6 / elapsed:.1f} MB/s; "
          f"peak memory grew by {grown / 1024:.0f} MiB, {grown * 1024 / count:.0f} bytes a document; "
          f"{found['compared_pairs']:,} pairs compared, {found['large_buckets']} large buckets, "
          f"{found['near_duplicates']} near-duplicates")  # fmt: skip


def main() -> None:
    here = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=here.parent / "shared" / "data")
    parser.add_argument("--half", choices=("development", "report"), default="report")
    parser.add_argument("--each", type=int, default=1000, help="texts of each length, at most")
    parser.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    parser.add_argument("--documents", type=int, help="measure time and memory of so many")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    if asked.documents:
        measure_scale(texts_of(asked.data, asked.half), asked.documents)
        return
    os.environ["LOGURU_LEVEL"] = "ERROR"
    rng = random.Random(0)
    result = measure(sample(texts_of(asked.data, asked.half), asked.each, rng), rng, asked.tools)
    show(result)
    if asked.json:
        asked.json.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
