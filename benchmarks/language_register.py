"""How well `migaki.linguistics.register.convert` turns real texts from plain to polite and back.

    python benchmarks/language_register.py [--half report|development] [--data ../shared/data]
                                           [--engine fugashi|sudachi] [--errors N]

Rules were developed on the rows whose SHA-256 begins with an even byte; the figures to quote are
those of the other half (the default). CoCoA-MT: rows whose columns are identical say nothing and are
left out. *Phrases*: marked phrases that differ between the columns and that some alternative writes
as the reference does, near where they belong; a row whose columns mark different numbers of phrases
counts as a whole. *Residual*: sentences of the output that still show the register of the source,
quotes and set phrases aside; polite by です, ます or ください, plain by a finite form behind which no
です or ます stands: both looked up in the morphemes, apart from the rules of the conversion. *Outside*: sentences where an
edit lies neither at a marked phrase nor where the reference differs from the source.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from halves import half_of

from migaki.evaluation.register_consistency import EndingRegister, find_endings
from migaki.linguistics.analyzer import Analyzer, analyze, analyze_sentences, default_analyzer
from migaki.linguistics.edits import apply_edits
from migaki.linguistics.morphemes import Register, Sentence
from migaki.linguistics.predicate_chains import is_copula
from migaki.linguistics.protection import overlaps, protected_spans
from migaki.linguistics.register import Conversion, alternatives, convert

ALTERNATIVES = 30
NEAR = 8  # characters around a phrase in which the reference phrase is looked for
_MARKED = re.compile(r"\[F\](.*?)\[/F\]")
_FINAL_PARTICLES = re.compile(r"[よねわのさなぞぜ]+(?=[。！？!?…、,]|$)")
_DEARU = re.compile(r"で(?:は|も)?あ(?:る|った|ろう|るまい)")
_FINITE = ("終止形", "連体形", "命令形", "意志推量形")
_POLITE_TYPES = ("助動詞-マス", "助動詞-デス")


class Phrase(NamedTuple):
    """A marked phrase with its place in the unmarked text."""

    start: int
    end: int
    text: str


class Pair(NamedTuple):
    """A row in the direction asked for."""

    source: str
    reference: str
    source_phrases: list[Phrase]
    reference_phrases: list[Phrase]


def unmarked(text: str) -> tuple[str, list[Phrase]]:
    plain, phrases, place = "", [], 0
    for match in _MARKED.finditer(text):
        plain += text[place : match.start()]
        phrases.append(Phrase(len(plain), len(plain) + len(match.group(1)), match.group(1)))
        plain += match.group(1)
        place = match.end()
    return plain + text[place:], phrases


def cocoa_pairs(folder: Path, half: str, to: Register) -> list[Pair]:
    lines = (folder / "style" / "cocoa_mt_train.tsv").read_text("utf-8").splitlines()[1:]
    pairs = []
    for line in lines:
        row = next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))
        if half_of(line) != half or row[1] == row[2]:
            continue
        polite, plain = unmarked(row[3]), unmarked(row[4])
        source, reference = (polite, plain) if to is Register.PLAIN else (plain, polite)
        pairs.append(Pair(source[0], reference[0], source[1], reference[1]))
    return pairs


def mapped(done: Conversion, place: int) -> int:
    """Where a place of the source lies in the outcome."""
    shift = 0
    for edit in sorted(done.edits):
        if edit.end <= place:
            shift += len(edit.replacement) - (edit.end - edit.start)
    return place + shift


def phrase_counts(pair: Pair, ways: list[Conversion]) -> tuple[int, int, list[str]]:
    """(changed phrases, converted ones, misses)."""
    if len(pair.source_phrases) != len(pair.reference_phrases):
        return 0, 0, []
    changed = converted = 0
    misses = []
    for ours, theirs in zip(pair.source_phrases, pair.reference_phrases, strict=True):
        if ours.text == theirs.text:
            continue
        changed += 1
        windows = [
            way.text[max(0, mapped(way, ours.start) - NEAR) : mapped(way, ours.end) + NEAR]
            for way in ways
        ]
        if any(theirs.text in window for window in windows):
            converted += 1
        else:
            misses.append(f"{ours.text} → {theirs.text} | {windows[0]}")
    return changed, converted, misses


def ends_plainly(sentence: Sentence, protected: list[tuple[int, int]]) -> bool:
    """Whether the last inflected word, particles behind it aside, is finite and not polite."""
    words = [m for m in sentence.morphemes if m.pos not in ("補助記号", "記号", "助詞")]
    if not words or not words[-1].c_form.startswith(_FINITE):
        return False
    last = words[-1]
    if overlaps(last.start, last.end, protected) or last.orth_base in ("くださる", "下さる"):
        return False
    return not any(m.c_type in _POLITE_TYPES for m in words[-4:])


def residuals(text: str, to: Register, analyzer: Analyzer) -> list[str]:
    """Pieces of the outcome that are still in the other register."""
    protected = protected_spans(text, analyze(text, analyzer=analyzer))
    if to is Register.POLITE:
        found = analyze_sentences(text, analyzer=analyzer)
        return [s.text for s in found if ends_plainly(s, protected)]
    found = []
    for s in analyze_sentences(text, analyzer=analyzer):
        marks = [
            m
            for m in s.morphemes
            if (m.c_type in _POLITE_TYPES and (m.c_type == _POLITE_TYPES[0] or is_copula(m)))
            or (m.orth_base in ("くださる", "下さる") and m.c_form == "命令形")
        ]
        if any(not overlaps(m.start, m.end, protected) for m in marks):
            found.append(s.text)
    return found


def changed_outside(pair: Pair, done: Conversion) -> list[str]:
    """Edits that touch no marked phrase and nothing that the reference changed."""
    matcher = difflib.SequenceMatcher(None, pair.source, pair.reference, autojunk=False)
    allowed = [(p.start, p.end) for p in pair.source_phrases]
    allowed += [(a, b) for tag, a, b, _, _ in matcher.get_opcodes() if tag != "equal"]
    return [
        pair.source[max(0, e.start - 6) : e.end + 4] + " → " + e.replacement
        for e in done.edits
        if not any(e.start <= b + 1 and a - 1 <= e.end for a, b in allowed)
    ]


def without_final_particles(text: str) -> str:
    return _FINAL_PARTICLES.sub("", text)


class Figures:
    """Counts of hits by measure, with examples of misses."""

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}
        self.examples: dict[str, list[str]] = {}

    def add(self, name: str, hits: int, of: int = 1) -> None:
        """Count hits among `of` cases."""
        count = self.counts.setdefault(name, [0, 0])
        count[0] += hits
        count[1] += of

    def show(self, title: str, errors: int) -> None:
        """Print table rows and some misses."""
        for name, (hits, of) in self.counts.items():
            share = 100 * hits / of if of else 0.0
            print(f"| {title} | {name} | {hits} | {of} | {share:.1f} % |")
        for name, examples in self.examples.items():
            for example in random.Random(0).sample(examples, min(errors, len(examples))):
                print(f"    {name}: {example}")


def cocoa(folder: Path, half: str, to: Register, analyzer: Analyzer) -> Figures:
    figures = Figures()
    misses, left, outside = [], [], []
    for pair in cocoa_pairs(folder, half, to):
        ways = alternatives(pair.source, to, limit=ALTERNATIVES, analyzer=analyzer)
        changed, converted, missed = phrase_counts(pair, ways)
        figures.add("marked phrases converted", converted, changed)
        misses += missed
        remains = residuals(ways[0].text, to, analyzer)
        left += remains
        size = len(analyze_sentences(pair.source, analyzer=analyzer))
        figures.add("residual sentences", len(remains), size)
        strays = changed_outside(pair, ways[0])
        outside += strays
        figures.add("sentences with nothing changed outside", size - len(strays), size)
        texts = [way.text for way in ways]
        figures.add("exact, first", texts[0] == pair.reference)
        figures.add("exact, any alternative", pair.reference in texts)
        loose = without_final_particles(pair.reference)
        figures.add(
            "exact but for final particles, first", without_final_particles(texts[0]) == loose
        )
        figures.add(
            "exact but for final particles, any",
            any(without_final_particles(text) == loose for text in texts),
        )
    figures.examples = {"phrase": misses, "residual": left, "outside": outside}
    return figures


def texts_of(folder: Path) -> dict[str, Iterator[str]]:
    def rows(path: str, field: str) -> Iterator[str]:
        for line in (folder / path).read_text("utf-8").splitlines():
            yield str(json.loads(line)[field])

    def jec() -> Iterator[str]:
        for line in (folder / "sentences/jec_basic_ja_en.tsv").read_text("utf-8").splitlines()[1:]:
            yield line.split("\t")[1]

    return {
        "Wikinews": rows("news/ja_wikinews.jsonl", "text"),
        "Aozora": rows("aozora/aozora_paragraphs_clean.jsonl", "text"),
        "JEC": jec(),
        "UD": rows("ud/ja_gsd_train_sentences.jsonl", "text"),
        "Wikipedia": rows("wiki/jaquad_wiki_articles.jsonl", "text"),
        "dialogue": rows("dialogue/real_persona_chat.jsonl", "text"),
    }


def sentences_of(texts: Iterator[str], half: str, analyzer: Analyzer) -> list[str]:
    found = []
    for text in texts:
        if half_of(text) == half:
            found += [s.text for s in analyze_sentences(text, analyzer=analyzer)]
        if len(found) > 40_000:
            break
    return found


def purely_plain(sentence: str, analyzer: Analyzer) -> bool:
    """Plain by the ending rule, without a polite word outside quotes, and not in である style.

    である turns into です as だ does, and back into だ; it is a style of its own (`Register.DEARU`).
    """
    if _DEARU.search(sentence):
        return False
    endings = [e.register for e in find_endings(sentence)]
    return endings == [EndingRegister.PLAIN] and not residuals(sentence, Register.PLAIN, analyzer)


def round_trips(name: str, sentences: list[str], count: int, analyzer: Analyzer) -> Figures:
    figures = Figures()
    failures, stays = [], []
    random.Random(f"plain {name}").shuffle(sentences)
    for sentence in sentences:
        if figures.counts.get("back to the original", [0, 0])[1] >= count:
            break
        if not purely_plain(sentence, analyzer):
            continue
        polite = convert(sentence, Register.POLITE, analyzer=analyzer)
        back = convert(polite.text, Register.PLAIN, analyzer=analyzer).text
        figures.add("turned polite", polite.text != sentence)
        figures.add("back to the original", back == sentence)
        if back != sentence:
            failures.append(f"{sentence[-30:]} → {polite.text[-30:]} → {back[-30:]}")
        if polite.text == sentence:
            stays.append(sentence[-40:])
    figures.examples = {"round trip": failures, "not turned": stays}
    return figures


def safety(sentences: list[str], count: int, analyzer: Analyzer) -> Figures:
    """Never an exception, nothing changed but by the edits, a second time changes nothing."""
    figures = Figures()
    unstable = []
    for sentence in random.Random("safety").sample(sentences, count):
        for to in (Register.POLITE, Register.PLAIN):
            done = convert(sentence, to, analyzer=analyzer)
            figures.add(
                "text outside the edits intact", apply_edits(sentence, done.edits) == done.text
            )
            again = convert(done.text, to, analyzer=analyzer)
            figures.add("second conversion changes nothing", not again.edits)
            if again.edits:
                unstable.append(f"{done.text} → {again.text}")
    figures.examples = {"unstable": unstable}
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=["development", "report"], default="report")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--engine", default="fugashi")
    parser.add_argument("--errors", type=int, default=0, help="show so many misses of each kind")
    parser.add_argument("--count", type=int, default=1000, help="sentences per round-trip set")
    parser.add_argument("--only", choices=["cocoa", "texts"], help="one part alone")
    options = parser.parse_args()
    if options.half == "report" and options.errors:
        parser.error("misses are shown of the development half only; add --half development")
    analyzer = default_analyzer(options.engine)
    print("| set | measure | hits | of | share |\n|---|---|--:|--:|--:|")
    if options.only != "texts":
        for to in (Register.PLAIN, Register.POLITE):
            figures = cocoa(options.data, options.half, to, analyzer)
            figures.show(f"CoCoA-MT to {to.value}", options.errors)
    if options.only == "cocoa":
        return
    mixed: list[str] = []
    for name, texts in texts_of(options.data).items():
        sentences = sentences_of(texts, options.half, analyzer)
        if name in ("Wikinews", "Aozora", "JEC"):
            round_trips(name, list(sentences), options.count, analyzer).show(name, options.errors)
        mixed += random.Random(name).sample(sentences, min(1_000, len(sentences)))
    safety(mixed, min(5_000, len(mixed)), analyzer).show("mixed", options.errors)


if __name__ == "__main__":
    main()
