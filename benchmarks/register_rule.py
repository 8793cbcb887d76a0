"""How well sentence endings tell polite from plain on real, human-labelled sentences.

    python benchmarks/register_rule.py [--half report|development] [--errors N] [--data ../shared/data]

This is the rule that counts endings before and after training (`evaluation/register_consistency.py`).
The half of a row is the first byte of the SHA-256 of its text: even for development, odd for the
report (the default); `--errors` works for the development half only.
KeiCO: levels 1-3 are polite, 4 is plain. CoCoA-MT: one column polite, one casual. *Row* takes the
register that most classed sentences of a row have, the last one where it is a tie; a row of which
nothing is classed counts as wrong.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
from pathlib import Path

from migaki.errors import UsageError
from migaki.evaluation.register_consistency import EndingRegister, find_endings

Labelled = list[tuple[str, EndingRegister]]


def in_half(text: str, half: str) -> bool:
    odd = hashlib.sha256(text.encode()).digest()[0] % 2
    return bool(odd) == (half == "report")


def load(folder: Path, half: str) -> dict[str, Labelled]:
    polite, plain = EndingRegister.POLITE, EndingRegister.PLAIN
    lines = (folder / "keigo" / "keico.jsonl").read_text("utf-8").splitlines()
    keico = [json.loads(line) for line in lines]
    with (folder / "style" / "cocoa_mt_train.tsv").open(encoding="utf-8", newline="") as file:
        cocoa = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    sets = {
        "KeiCO levels 1-3, polite": [(r["text"], polite) for r in keico if r["level"] < 4],
        "KeiCO level 4, plain": [(r["text"], plain) for r in keico if r["level"] == 4],
        "CoCoA-MT polite column": [(r["polite"], polite) for r in cocoa],
        "CoCoA-MT casual column": [(r["plain"], plain) for r in cocoa],
    }
    return {name: [r for r in rows if in_half(r[0], half)] for name, rows in sets.items()}


def registers(text: str) -> list[EndingRegister]:
    return [ending.register for ending in find_endings(text)]


def row_register(text: str) -> EndingRegister:
    classed = [r for r in registers(text) if r is not EndingRegister.OTHER]
    if not classed:
        return EndingRegister.OTHER
    return max(classed[::-1], key=classed.count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=["report", "development"], default="report")
    parser.add_argument(
        "--errors", type=int, default=0, help="show so many wrong rows of each kind"
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    if options.errors and options.half == "report":
        raise UsageError("The rows of the report half are not to be looked at one by one.")
    sets = load(options.data, options.half)
    print("| set | rows | rows right | rows unclassed | sentences | polite | plain | other |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    right_by_corpus: dict[str, list[bool]] = {}
    for name, rows in sets.items():
        found = [row_register(text) for text, _ in rows]
        right = [f is expected for f, (_, expected) in zip(found, rows, strict=True)]
        right_by_corpus.setdefault(name.split()[0], []).extend(right)
        endings = [register for text, _ in rows for register in registers(text)]
        shares = " | ".join(f"{endings.count(r) / len(endings):.1%}" for r in EndingRegister)
        print(
            f"| {name} | {len(rows)} | {sum(right) / len(rows):.1%} "
            f"| {found.count(EndingRegister.OTHER) / len(rows):.1%} | {len(endings)} | {shares} |"
        )
    for corpus, right in right_by_corpus.items():
        print(f"\n{corpus}, rows right: {sum(right) / len(right):.1%} of {len(right)}")
    for name, rows in sets.items() if options.errors else ():
        print(f"\n{name}")
        wrong = [(t, row_register(t)) for t, expected in rows if row_register(t) is not expected]
        for text, register in random.Random(0).sample(wrong, min(options.errors, len(wrong))):
            print(f"  {register.value:7}{text}")


if __name__ == "__main__":
    main()
