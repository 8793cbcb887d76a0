"""What migaki's analysis costs beside the engine alone.

    python benchmarks/language_analysis.py --data ../shared/data [--repeats 7] [--characters 1000000]

Bare: the engine's own call on the same lines, reading the same facts of every morpheme (surface, part of
speech with two subdivisions, class, form, base form, lemma, reading). migaki: `Analyzer.analyze`, which
also counts offsets, restores what the engine cannot see, and makes Morphemes. Both take turns, so that
other work on the machine hits both; times are CPU seconds of this process. The ratio is the median over
the repeats, of each repeat's pair. *First pass* is an analyser that has met no word yet.

Then the script tools: their speed, and what `simplified_glyphs` finds in whole files of Japanese, where
it should find nothing but quoted Chinese; `--hits` prints each find with its surroundings, to be read.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median

import fugashi
import sudachipy
import unidic_lite

from migaki.hardware.cpu import cpu_name, usable_cores
from migaki.linguistics.analyzer import Analyzer, FugashiAnalyzer, SudachiAnalyzer
from migaki.linguistics.hanzi import simplified_glyphs
from migaki.linguistics.normalization import normalize
from migaki.linguistics.script import japanese_ratio
from migaki.linguistics.sentences import split_sentences

FILES = (
    "wiki/jaquad_wiki_articles.jsonl",
    "news/ja_wikinews.jsonl",
    "aozora/aozora_paragraphs_clean.jsonl",
    "dialogue/real_persona_chat.jsonl",
)
JAPANESE = (
    *FILES,
    "ud/ja_gsd_train_sentences.jsonl",
    "dialogue/asdc_main.jsonl",
    "keigo/keico.jsonl",
    "tech/vue_docs_ja.jsonl",
    "jglue/jsquad-valid-v1.3.json",
    "style/cocoa_mt_train.tsv",
)
LIMIT = 1.3

Engine = Callable[[list[str]], int]


def bare_fugashi() -> Engine:
    tagger = fugashi.Tagger(f'-r /dev/null -d "{unidic_lite.DICDIR}"')

    def run(lines: list[str]) -> int:
        count = 0
        for line in lines:
            for node in tagger(line):
                f = node.feature
                _ = (
                    node.surface,
                    f.pos1,
                    f.pos2,
                    f.pos3,
                    f.cType,
                    f.cForm,
                    f.orthBase,
                    f.lemma,
                    f.kana,
                )
                count += 1
        return count

    return run


def bare_sudachi() -> Engine:
    tokenizer = sudachipy.Dictionary(dict="core").tokenizer(mode=sudachipy.SplitMode.A)

    def run(lines: list[str]) -> int:
        count = 0
        for line in lines:
            for word in tokenizer.tokenize(line):
                _ = (
                    word.surface(), *word.part_of_speech()[:6], word.dictionary_form(),
                    word.normalized_form(), word.reading_form(),
                )  # fmt: skip
                count += 1
        return count

    return run


def ours(analyzer: Analyzer) -> Engine:
    return lambda lines: sum(len(analyzer.analyze(line)) for line in lines)


def lines_of(data: Path, characters: int) -> list[str]:
    """Sentences of each file in turn, up to a quarter of the characters from each."""
    lines: list[str] = []
    for name in FILES:
        left = characters // len(FILES)
        for line in sentences(data / name):
            lines.append(line)
            left -= len(line)
            if left <= 0:
                break
    return lines


def sentences(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        for row in file:
            yield from split_sentences(json.loads(row)["text"])


def seconds(engine: Engine, lines: list[str]) -> float:
    start = time.process_time()
    engine(lines)
    return time.process_time() - start


def compare(
    bare: Engine, make: Callable[[], Analyzer], lines: list[str], repeats: int
) -> list[str]:
    """Return the cells of one row of the table."""
    characters = sum(map(len, lines))
    first = seconds(ours(make()), lines)
    engine = ours(make())
    seconds(bare, lines[:1000])
    seconds(engine, lines)
    pairs = [(seconds(bare, lines), seconds(engine, lines)) for _ in range(repeats)]
    ratios = sorted(b / a for a, b in pairs)
    speeds = [characters / median(pair[i] for pair in pairs) / 1e6 for i in (0, 1)]
    return [
        f"{speeds[0]:.2f}",
        f"{speeds[1]:.2f}",
        f"{characters / first / 1e6:.2f}",
        f"**{median(ratios):.2f}** ({ratios[0]:.2f}–{ratios[-1]:.2f})",
    ]


def growth(lines: list[str]) -> list[str]:
    """Return the rows of seconds for a tenth, a third and the whole, each by a new analyser."""
    rows = []
    for share in (10, 3, 1):
        part = list(islice(lines, 0, None, share))
        characters = sum(map(len, part))
        spent = seconds(ours(FugashiAnalyzer()), part)
        rows.append(
            f"| {len(part):,} | {characters:,} | {spent:.2f} | {spent / characters * 1e6:.2f} |"
        )
    return rows


def script_tools(data: Path, *, show_hits: bool) -> list[str]:
    """Return the tables of the script tools."""
    texts = {name: (data / name).read_text(encoding="utf-8") for name in JAPANESE}
    total = sum(map(len, texts.values()))
    lines = ["| function | million characters per CPU second |", "|---|--:|"]
    for function in (simplified_glyphs, normalize, japanese_ratio):
        start = time.process_time()
        for text in texts.values():
            for line in text.splitlines():
                function(line)
        spent = time.process_time() - start
        lines.append(f"| `{function.__name__}` | {total / spent / 1e6:.0f} |")
    lines += ["", "| file | characters | simplified characters found |", "|---|--:|--:|"]
    for name, text in texts.items():
        hits = simplified_glyphs(text)
        lines.append(f"| {name} | {len(text):,} | {len(hits)} |")
        for hit in hits if show_hits else ():
            around = text[max(0, hit.offset - 12) : hit.offset + 12].replace("\n", " ")
            print(f"{name}: {hit.char} {hit.japanese} …{around}…")
    return lines


def report(options: argparse.Namespace) -> str:
    lines = lines_of(options.data, options.characters)
    rows: list[tuple[str, Engine, Callable[[], Analyzer]]] = [
        ("fugashi + unidic-lite", bare_fugashi(), FugashiAnalyzer),
        ("SudachiPy + sudachidict-core", bare_sudachi(), SudachiAnalyzer),
    ]
    table = [
        f"| {name} | " + " | ".join(compare(bare, make, lines, options.repeats)) + " |"
        for name, bare, make in rows
    ]
    packages = ("fugashi", "unidic-lite", "SudachiPy", "sudachidict-core")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return "\n".join(
        [
            "# Analysis beside the engine alone",
            "",
            f"`python benchmarks/language_analysis.py --data ../shared/data --repeats {options.repeats}`, "
            f"{usable_cores()} cores of {cpu_name()}, Python {platform.python_version()}, {versions}.",
            "",
            f"{len(lines):,} sentences, {sum(map(len, lines)):,} characters: Wikipedia, Wikinews, Aozora and "
            "chats in equal parts. Million characters per CPU second; the bare engine reads the same "
            f"facts of every morpheme, and both take turns. The aim for fugashi is a ratio of {LIMIT} "
            "or less; the range is over the repeats.",
            "",
            "| engine | bare | migaki | migaki, first pass | time, migaki / bare |",
            "|---|--:|--:|--:|--:|",
            *table,
            "",
            "fugashi's own feature tuple is built for every morpheme; migaki reads a word's features once "
            "and keeps them (at most 200,000 words), which pays for offsets and Morphemes.",
            "",
            "## Cost grows with the text",
            "",
            "fugashi, each size by a new analyser.",
            "",
            "| sentences | characters | CPU seconds | µs per character |",
            "|--:|--:|--:|--:|",
            *growth(lines),
            "",
            "## Script tools",
            "",
            *script_tools(options.data, show_hits=options.hits),
            "",
            "All finds were read (`--hits`): Chinese titles and names that Wikinews and Wikipedia quote, and "
            "in JSQuAD one 影响 for 影響 in a question, a slip of its writer. No Japanese word was found.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--hits", action="store_true", help="print simplified characters found")
    parser.add_argument("--out", type=Path, default=Path("docs/results/language-analysis.md"))
    options = parser.parse_args()
    text = report(options)
    options.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
