"""How fast `migaki augment` makes variants, beside daaja, and how time and memory grow with rows.

    python benchmarks/language_augmentation.py --data ../shared/data --daaja-python PYTHON

Compared on the same sentences (of `sentences/` and `news/`, in a shuffled order from a fixed seed):
migaki with 1 and with 2 workers, and the EDA of daaja 0.0.8 as its README uses it
(`EasyDataAugmentor(alpha_sr=0.1, alpha_ri=0.1, alpha_rs=0.1, p_rd=0.1, num_aug=3)`), three variants
asked of each. For migaki the whole call is timed: reading and hashing the file, starting workers,
loading the dictionary, writing. For daaja only the loop over sentences that are in memory is.

daaja pins torch < 2 and transformers < 5, so it stays in an environment of its own: PYTHON is its
interpreter (`pip install --no-deps daaja`, then `pip install sudachipy sudachidict-core pandas requests
tqdm torch transformers`). It downloads the Japanese WordNet. Where that cannot be had, its swap and
delete run alone, and all four operations run with a stand-in table of WordNet's size (158,058 senses in
57,238 synsets) in which every word of the sentences has synonyms: a look-up scans the table, so its
time is that of the size.

Tools take turns, each run in a fresh process; the median is reported with the range.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

VARIANTS = 3
SEED = 0
WORDNET_SENSES, WORDNET_SYNSETS = 158_058, 57_238
"""Of the Japanese WordNet 1.1, by its own page."""
EDA = {"alpha_sr": 0.1, "alpha_ri": 0.1, "alpha_rs": 0.1, "p_rd": 0.1}
WAYS = {
    "migaki-1": "migaki, 1 worker",
    "migaki-2": "migaki, 2 workers",
    "daaja-eda": "daaja, all four operations, Japanese WordNet",
    "daaja-eda-stand-in": "daaja, all four operations, stand-in of WordNet's size",
    "daaja-swap-delete": "daaja, swap and delete only",
}


def main() -> int:
    given = _arguments()
    if given.worker:
        print(json.dumps(_work(given.worker, given.input)))
        return 0
    with tempfile.TemporaryDirectory(prefix="migaki-bench-") as name:
        folder = Path(name)
        pool = _sentences(given.data)
        compared = _input(folder, pool, given.rows)
        runs = _compare(given, compared)
        growth = [_grow(given, folder, pool, rows) for rows in given.counts]
    _write(given.out, _report(given, pool, runs, growth))
    print(f"written to {given.out}")
    return 0


def _arguments() -> argparse.Namespace:
    here = Path(__file__).resolve()
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, default=here.parents[2] / "shared" / "data")
    parser.add_argument("--rows", type=int, default=5_000, help="sentences that all tools get")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--counts",
        type=int,
        nargs="*",
        default=[10_000, 100_000, 1_000_000],
        help="rows to grow to",
    )
    parser.add_argument("--daaja-python", help="interpreter of an environment with daaja")
    parser.add_argument(
        "--out", type=Path, default=here.parents[1] / "docs/results/language-augmentation.md"
    )
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--input", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


# ── sentences ────────────────────────────────────────────────────────────────────────────────────


def _sentences(data: Path) -> list[str]:
    """Return all distinct sentences, shuffled."""
    from migaki.linguistics.sentences import split_sentences

    found: dict[str, None] = {}
    for path in sorted((data / "sentences").glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            found.update((row["ja"], None) for row in rows)
    for path in sorted((data / "news").glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            found.update(dict.fromkeys(split_sentences(json.loads(line)["text"])))
    pool = list(found)
    random.Random(SEED).shuffle(pool)
    return pool


def _input(folder: Path, pool: list[str], rows: int) -> Path:
    path = folder / f"{rows}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):  # the pool again and again where it is too small
            row = {"text": pool[number % len(pool)]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────


def _compare(given: argparse.Namespace, path: Path) -> dict[str, list[dict[str, Any]]]:
    """Let the tools take turns; a way that does not work here is left out, and said."""
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    if not given.daaja_python:
        runs = {way: [] for way in WAYS if way.startswith("migaki")}
    for _ in range(given.repeats):
        for way in list(runs):
            if way not in runs:
                continue
            run = _run(given, way, path)
            if "failed" in run:
                print(f"{way} left out: {run['failed']}")
                del runs[way]
                continue
            runs[way].append(run)
            print(f"{way}: {run['rows'] / run['seconds']:,.0f} sentences/s")
            if way == "daaja-eda":  # the real table was there: no stand-in is needed
                runs.pop("daaja-eda-stand-in", None)
    return runs


def _run(given: argparse.Namespace, way: str, path: Path) -> dict[str, Any]:
    python = sys.executable if way.startswith("migaki") else given.daaja_python
    command = [python, str(Path(__file__).resolve()), "--worker", way, "--input", str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **_ONE_THREAD}
    )
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


_ONE_THREAD = {"OMP_NUM_THREADS": "1"}


def _grow(given: argparse.Namespace, folder: Path, pool: list[str], rows: int) -> dict[str, Any]:
    path = _input(folder, pool, rows)
    run = _run(given, "migaki-2", path)
    path.unlink()
    if "failed" in run:
        raise SystemExit(f"migaki with {rows:,} rows: {run['failed']}")
    print(f"{rows:,} rows: {run['seconds']:.1f} s, {run['rows'] / run['seconds']:,.0f} rows/s")
    return run


def _work(way: str, path: Path) -> dict[str, Any]:
    if way.startswith("migaki"):
        return _migaki(path, workers=int(way[-1]))
    return _daaja(way, path)


def _migaki(path: Path, *, workers: int) -> dict[str, Any]:
    from migaki.corpus.augmentation import Augmentation, augment_file

    target = path.with_name("out.jsonl")
    start, spent = time.perf_counter(), _cpu_seconds()
    asked = Augmentation(variants=VARIANTS, seed=SEED)
    summary = augment_file(path, target, asked, workers=workers, overwrite=True)
    seconds = time.perf_counter() - start
    target.unlink()
    return {
        "seconds": seconds,
        "cpu": _cpu_seconds() - spent,
        "rows": summary.rows,
        "variants": summary.variants,
        "without": summary.rows_without_variant,
        **_peaks(),
    }


def _daaja(way: str, path: Path) -> dict[str, Any]:
    texts = [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
    if way != "daaja-eda":
        _stand_in(texts if way == "daaja-eda-stand-in" else [])
    if way == "daaja-swap-delete":
        augmentor = _swap_and_delete()
    else:
        from daaja.methods.eda.easy_data_augmentor import EasyDataAugmentor

        augmentor = EasyDataAugmentor(**EDA, num_aug=VARIANTS, verbose=False)
    random.seed(SEED)
    made = 0
    failed = 0
    start, spent = time.perf_counter(), _cpu_seconds()
    for text in texts:
        try:
            made += len(augmentor.augments(text)) - 1
        except ValueError:  # its random insertion fails where a sentence has neither noun nor verb
            failed += 1
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds, "cpu": _cpu_seconds() - spent, "rows": len(texts), "variants": made,
        "without": failed, **_peaks(),
    }  # fmt: skip


def _swap_and_delete() -> Any:
    from daaja.augmentors.sentence.randam_delete_augmentor import RandamDeleteAugmentor
    from daaja.augmentors.sentence.randam_swap_augmentor import RandamSwapAugmentor
    from daaja.flows.sequential_flow import SequentialSentenceFlow
    from daaja.tokenizer import Tokenizer

    tokenizer = Tokenizer()
    operations = [
        RandamSwapAugmentor(alpha=EDA["alpha_rs"], tokenizer=tokenizer),
        RandamDeleteAugmentor(p=EDA["p_rd"], tokenizer=tokenizer),
    ]
    return SequentialSentenceFlow(operations, num_aug=VARIANTS, verbose=False)


def _stand_in(texts: list[str]) -> None:
    """Put a table of WordNet's size in the place of its download; words of the texts come first."""
    import sqlite3

    from daaja.resouces import Resouces

    words: dict[str, None] = {}
    if texts:
        from daaja.tokenizer import Tokenizer

        tokenizer = Tokenizer()
        for text in texts:
            words.update(dict.fromkeys(word for word in tokenizer.tokenize(text)[1] if word))
    fill = (f"語{number}" for number in range(WORDNET_SENSES))
    lemmas = [*words, *fill][: WORDNET_SENSES if texts else 0]
    folder = Path(tempfile.mkdtemp(prefix="migaki-bench-"))
    table = sqlite3.connect(folder / "wordnet.db")
    table.execute("create table word (wordid integer primary key, lemma text)")
    table.execute("create table sense (synset text, wordid integer, lang text)")
    table.executemany("insert into word values (?, ?)", enumerate(lemmas))
    senses = ((f"{number % WORDNET_SYNSETS:08}-n", number, "jpn") for number in range(len(lemmas)))
    table.executemany("insert into sense values (?, ?, ?)", senses)
    table.commit()
    table.close()
    (folder / "stopwords.txt").write_text("")
    Resouces.WORDNET_PATH = folder / "wordnet.db"
    Resouces.STOPWORDS_PATH = folder / "stopwords.txt"


def _cpu_seconds() -> float:
    """Return what this process and its finished workers have computed."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _peaks() -> dict[str, float]:
    """Return the most memory, in MiB, of this process and of the largest of its workers."""
    mine, theirs = (
        resource.getrusage(who).ru_maxrss / 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"peak": mine, "worker_peak": theirs}


# ── report ───────────────────────────────────────────────────────────────────────────────────────


def _report(
    given: argparse.Namespace,
    pool: list[str],
    runs: dict[str, list[dict[str, Any]]],
    growth: list[dict[str, Any]],
) -> str:
    parts = [
        "# Augmentation: speed and memory\n",
        f"`{_command(given)}`,\n{_versions(runs)},\n{_machine()}.\n",
        f"{len(pool):,} distinct sentences of `sentences/*.tsv` and `news/`, "
        f"{sum(map(len, pool)) / len(pool):.0f} characters on average; {VARIANTS} variants asked of "
        "each. What is timed is said at the top of the script.\n",
        f"## Beside daaja, on the same {given.rows:,} sentences\n",
        _comparison(runs),
        _notes(runs),
    ]
    if growth:
        parts += ["## Growth with the number of rows (2 workers, one run each)\n", _growth(growth)]
    return "\n".join(parts)


def _comparison(runs: dict[str, list[dict[str, Any]]]) -> str:
    lines = [
        "| tool | sentences/s, median (range) | migaki's with 2 workers / it "
        "| CPU microseconds a sentence, least | variants a sentence | sentences without one "
        "| peak MiB (a worker) |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    best = statistics.median(_speeds(runs["migaki-2"]))
    for way, made in runs.items():
        speeds = _speeds(made)
        median, one = statistics.median(speeds), made[0]
        worker = f" ({one['worker_peak']:,.0f})" if way == "migaki-2" else ""
        lines.append(
            f"| {WAYS[way]} | {median:,.0f} ({min(speeds):,.0f}-{max(speeds):,.0f}) "
            f"| {best / median:.2f} | {min(run['cpu'] / run['rows'] for run in made) * 1e6:,.0f} "
            f"| {one['variants'] / one['rows']:.2f} "
            f"| {one['without'] / one['rows']:.0%} | {one['peak']:,.0f}{worker} |"
        )
    return "\n".join(lines) + "\n"


def _speeds(runs: list[dict[str, Any]]) -> list[float]:
    return [run["rows"] / run["seconds"] for run in runs]


def _notes(runs: dict[str, list[dict[str, Any]]]) -> str:
    notes = [
        f"- On average {os.getloadavg()[1]:.1f} processes wanted the {os.cpu_count()} cores during the last "
        "five minutes of this run, the measured ones included.",
        "- migaki analyses every variant again and drops those that are not what was meant; a "
        "sentence in which it can change nothing safely has no variant. daaja's operations are "
        "word-level noise (EDA, Wei and Zou 2019): three outcomes for every sentence, unchecked, and "
        "most are not grammatical. So the speeds are of different work.",
    ]
    if os.getloadavg()[1] > 2 * (os.cpu_count() or 1):
        notes.append(_BUSY)
    if "daaja-eda-stand-in" in runs:
        notes.append(
            "- Without the Japanese WordNet at hand, a stand-in table of its size and the operations that "
            "need none are measured."
        )
    if "daaja-swap-delete" not in runs:
        notes.append("- daaja was not measured in this run (no `--daaja-python`).")
    return "\n".join(notes) + "\n"


_BUSY = (
    "- The cores had far more to do than this: the rates are those of a share of the machine, CPU time "
    "is longer than alone as well, and only the rows of one table can be held against each other. To be "
    "measured again where nothing else runs."
)


def _growth(growth: list[dict[str, Any]]) -> str:
    lines = [
        "| rows | seconds | rows/s | microseconds a row | CPU microseconds a row "
        "| peak MiB, main process | of a worker |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for run in growth:
        rows, seconds = run["rows"], run["seconds"]
        lines.append(
            f"| {rows:,} | {seconds:,.1f} | {rows / seconds:,.0f} | {seconds / rows * 1e6:,.0f} "
            f"| {run['cpu'] / rows * 1e6:,.0f} | {run['peak']:,.0f} | {run['worker_peak']:,.0f} |"
        )
    note = (
        "Beyond the distinct sentences the rows repeat; nothing is remembered between rows. CPU time is "
        "that of all processes together, starting and loading the dictionary included."
    )
    return "\n".join([*lines, "", note, ""])


def _command(given: argparse.Namespace) -> str:
    counts = " ".join(map(str, given.counts))
    daaja = " --daaja-python PYTHON" if given.daaja_python else ""
    return (
        f"python benchmarks/language_augmentation.py --data ../shared/data --rows {given.rows} "
        f"--repeats {given.repeats} --counts {counts}{daaja}"
    )


def _versions(runs: dict[str, list[dict[str, Any]]]) -> str:
    packages = ["migaki", "fugashi", "unidic-lite"]
    named = [f"{name} {metadata.version(name)}" for name in packages]
    if any(way.startswith("daaja") for way in runs):
        named.append("daaja 0.0.8")
    return ", ".join([*named, f"Python {platform.python_version()}"])


def _machine() -> str:
    model = "an unknown processor"
    if (info := Path("/proc/cpuinfo")).exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return f"{os.cpu_count()} cores of {model}"


def _write(path: Path, text: str) -> None:
    from migaki.atomic import write_text

    write_text(path, text)


if __name__ == "__main__":
    raise SystemExit(main())
