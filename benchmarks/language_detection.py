"""How well register detection agrees with human labels, on rows it was not developed on.

    python benchmarks/language_detection.py [--half report|development] [--errors N] [--data ../shared/data]

KeiCO: levels 1-3 are polite, 4 is plain; the four levels as they are. CoCoA-MT: one column polite, one
casual; a row is right when the style of the text is that of its column. The half of a row is the first
byte of the SHA-256 of its text: even for development, odd for the report (the default), which is not
to be looked at row by row: `--errors` works for the development half only.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from halves import half_of

from migaki.errors import UsageError
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register import RegisterReport, detect
from migaki.linguistics.register.level import LEVELS

Row = tuple[str, Any]
_RAISES = frozenset(["any_honorific", "any_humble", "o_noun", "go_noun", "o_adjective", "title"])
_POLITE = frozenset(["desu", "masu", "kudasai", "te_kudasai", "style_polite"])


def keico(folder: Path, half: str) -> list[Row]:
    lines = (folder / "keigo" / "keico.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["text"], row["level"]) for row in rows if half_of(row["text"]) == half]


def cocoa(folder: Path, half: str) -> list[Row]:
    with (folder / "style" / "cocoa_mt_train.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    pairs = [(row[column], column) for row in rows for column in ("polite", "plain")
             if row["polite"] != row["plain"]]  # fmt: skip
    return [pair for pair in pairs if half_of(pair[0]) == half]


def level_of(report: RegisterReport) -> int:
    return report.level or LEVELS[-1]


def cause(report: RegisterReport, level: int) -> str:
    """Why a row of KeiCO is on the wrong side of polite or plain."""
    features = report.features
    if level == LEVELS[-1] and any(features[name] for name in _POLITE):
        return "labelled plain, has です, ます or ください"
    if level == LEVELS[-1]:
        return "labelled plain, has honorific or humble words in a plain sentence"
    if not any(features[name] for name in _RAISES | _POLITE):
        return "labelled polite, has neither です・ます nor any honorific or humble word"
    return "labelled polite, has honorific or humble words in a plain sentence"


def _is_contrary(report: RegisterReport, level: int) -> bool:
    if level == LEVELS[-1]:
        return any(report.features[name] for name in _POLITE)
    return not any(report.features[name] for name in _RAISES | _POLITE)


def report_keico(rows: list[Row], reports: list[RegisterReport]) -> None:
    levels = [level for _, level in rows]
    found = [level_of(report) for report in reports]
    pairs = list(zip(found, levels, strict=True))
    right = sum((f == LEVELS[-1]) == (level == LEVELS[-1]) for f, level in pairs)
    print(f"KeiCO, {len(rows)} rows: polite or plain {right / len(rows):.2%}, "
          f"four levels {sum(f == level for f, level in pairs) / len(rows):.2%}, "
          f"within one level {sum(abs(f - level) <= 1 for f, level in pairs) / len(rows):.2%}\n")  # fmt: skip
    print("| label | " + " | ".join(f"found {level}" for level in LEVELS) + " | right |")
    print("|--:|" + "--:|" * (len(LEVELS) + 1))
    confusion = Counter(pairs)
    for label in LEVELS:
        line = [confusion[f, label] for f in LEVELS]
        print(f"| {label} | " + " | ".join(map(str, line))
              + f" | {confusion[label, label] / sum(line):.1%} |")  # fmt: skip
    contrary = [_is_contrary(report, level) for report, level in zip(reports, levels, strict=True)]
    other = [(f == LEVELS[-1]) == (level == LEVELS[-1])
             for (f, level), c in zip(pairs, contrary, strict=True) if not c]  # fmt: skip
    print(
        f"\nOn the {len(other)} rows whose label does not contradict what 丁寧語 and 敬語 are (a plain label "
        f"on です, ます or ください; a polite one with none of these nor any honorific or humble word): "
        f"polite or plain {sum(other) / len(other):.2%}"
    )
    causes = Counter(
        cause(report, level)
        for report, (f, level) in zip(reports, pairs, strict=True)
        if (f == LEVELS[-1]) != (level == LEVELS[-1])
    )
    print(f"\nOn the wrong side: {sum(causes.values())}")
    for name, count in causes.most_common():
        print(f"- {count} ({count / len(rows):.2%}): {name}")


def column_of(report: RegisterReport) -> str:
    """The column of CoCoA-MT that a style belongs to."""
    return "plain" if report.style is Register.DEARU else report.style.value


def report_cocoa(rows: list[Row], reports: list[RegisterReport]) -> None:
    found = Counter((label, column_of(r)) for (_, label), r in zip(rows, reports, strict=True))
    right = sum(count for (label, style), count in found.items() if label == style)
    print(f"\nCoCoA-MT, {len(rows)} rows: {right / len(rows):.2%}\n")
    styles = ["polite", "plain", "mixed", "none"]
    print("| column | " + " | ".join(styles) + " |\n|---|" + "--:|" * len(styles))
    for label in ("polite", "plain"):
        print(f"| {label} | " + " | ".join(str(found[label, style]) for style in styles) + " |")


def show_errors(
    rows: list[Row],
    reports: list[RegisterReport],
    found: Callable[[RegisterReport], Any],
    most: int,
) -> None:
    wrong = [
        (t, label, found(r))
        for (t, label), r in zip(rows, reports, strict=True)
        if found(r) != label
    ]
    for text, label, is_ in random.Random(0).sample(wrong, min(most, len(wrong))):
        print(f"  {label} -> {is_}  {text}")


def timed(rows: Iterable[Row]) -> list[RegisterReport]:
    start = time.process_time()
    reports = [detect(text) for text, _ in rows]
    seconds = time.process_time() - start
    sentences = sum(len(report.sentences) for report in reports)
    print(
        f"({sentences} sentences in {seconds:.1f} s of processor time: {sentences / seconds:.0f} a second)"
    )
    return reports


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=["report", "development"], default="report")
    parser.add_argument("--errors", type=int, default=0, help="show so many wrong rows")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    if options.errors and options.half == "report":
        raise UsageError("The rows of the report half are not to be looked at one by one.")
    rows = keico(options.data, options.half)
    reports = timed(rows)
    report_keico(rows, reports)
    show_errors(rows, reports, level_of, options.errors)
    rows = cocoa(options.data, options.half)
    reports = timed(rows)
    report_cocoa(rows, reports)
    show_errors(rows, reports, column_of, options.errors)


if __name__ == "__main__":
    main()
