"""Draw conversions and variants for a person to read, and count what was found.

    python benchmarks/language_reading.py draw --data ../shared/data --round 2
    python benchmarks/language_reading.py count --round 2   # verdicts, and what is stale

Sentences come from the report half of each file (see `halves`): no rule was made while looking at
it. Only text in the public domain and under CC BY is drawn, so that the tables can be committed. The
order is that of a hash of the sentence, so nobody chooses. A row's verdict is written by a reader:
`good`, `bad` (with the reason) or `unsure`. What a round found wrong is mended, so the next round draws other
sentences. `count` makes every outcome again; where the rules have changed since it was read, the row
is *stale* and its verdict no longer counts.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from halves import half_of

from migaki.atomic import write_text
from migaki.linguistics.augment import variants
from migaki.linguistics.morphemes import Register
from migaki.linguistics.operators import find_operators
from migaki.linguistics.operators.operator import Passage, Use
from migaki.linguistics.register import convert, detect
from migaki.linguistics.sentences import split_sentences

TABLES = Path(__file__).parents[1] / "docs" / "results" / "reading"
COLUMNS = ("task", "source", "sentence", "output", "verdict", "reason")
CONVERSIONS_EACH = 100
VARIANTS_EACH = 50
LONGEST = 90  # characters: what a reader takes in at a glance
MOST_SENTENCES = 12_000

Drawn = tuple[str, str]  # source and sentence


def sentences(data: Path, turn: int) -> list[Drawn]:
    """Sentences of the report half, in the order of a hash, which is another in every round."""
    texts = [
        ("青空文庫 (public domain)", _column(data / "aozora/aozora_paragraphs_clean.jsonl")),
        ("ja.wikinews.org (CC BY 2.5)", _column(data / "news/ja_wikinews.jsonl")),
        ("日英中基本文データ (CC BY 3.0)", _jec(data / "sentences/jec_basic_ja_en.tsv")),
        ("ASDC (CC BY 4.0)", _messages(data / "dialogue/asdc_customer_service_chat.jsonl")),
        ("KeiCO (CC BY 4.0)", _column(data / "keigo/keico.jsonl")),
        ("Vue docs (CC BY 4.0)", _column(data / "tech/vue_docs_ja.jsonl")),
    ]
    salt = "reading" if turn == 1 else f"reading {turn}"

    def order(sentence: str) -> str:
        return hashlib.sha256(f"{salt} {sentence}".encode()).hexdigest()

    drawn: list[list[Drawn]] = []
    for source, rows in texts:
        found = {s for text in rows if half_of(text) == "report" for s in split_sentences(text)}
        fit = [s for s in found if 6 <= len(s) <= LONGEST and "\n" not in s and "\t" not in s]
        drawn.append([(source, s) for s in sorted(fit, key=order)[: MOST_SENTENCES // len(texts)]])
    return sorted((pair for part in drawn for pair in part), key=lambda pair: order(pair[1]))


def _column(path: Path, name: str = "text") -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)[name]


def _jec(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        yield line.split("\t")[1]


def _messages(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield from (m["content"] for m in json.loads(line)["messages"])


# --- drawing ------------------------------------------------------------------------------------


def conversions(drawn: Iterable[Drawn]) -> Iterator[list[str]]:
    """Sentences whose register is another than the one asked for, converted or not."""
    wanted = {
        "to polite": ({Register.PLAIN, Register.DEARU}, Register.POLITE),
        "to plain": ({Register.POLITE}, Register.PLAIN),
    }
    count: Counter[str] = Counter()
    for source, sentence in drawn:
        register = detect(sentence).register
        for task, (registers, to) in wanted.items():
            if register in registers and count[task] < CONVERSIONS_EACH:
                count[task] += 1
                yield [task, source, sentence, convert(sentence, to).text, "", ""]
        if all(count[task] == CONVERSIONS_EACH for task in wanted):
            return


def operator_variants(
    drawn: Iterable[Drawn], *, each: int = VARIANTS_EACH, names: Sequence[str] = ()
) -> Iterator[list[str]]:
    """For each operator, or those of the names or families given, the first variants that it makes."""
    unfilled = {operator.name: operator for operator in find_operators(names or None)}
    count: Counter[str] = Counter()
    for source, sentence in drawn:
        words = Passage.of(sentence).words
        for name, operator in list(unfilled.items()):
            if operator.anchors and operator.anchors.isdisjoint(words):
                continue
            made = variants(sentence, count=1, operators=[name], use=operator.use)
            if made:
                count[name] += 1
                yield [name, source, sentence, made[0].text, "", ""]
            if count[name] == each:
                del unfilled[name]


def draw(data: Path, *, turn: int, each: int, names: Sequence[str]) -> None:
    """Write both tables anew; a verdict is kept where sentence and outcome are still the same."""
    drawn = sentences(data, turn)
    for name, rows in (
        ("conversions", conversions(drawn)),
        ("variants", operator_variants(drawn, each=each, names=names)),
    ):
        path = TABLES / f"round-{turn}-{name}.tsv"
        known = {tuple(row[:4]): row for row in read(path)} if path.exists() else {}
        made = [known.get(tuple(row[:4]), row) for row in rows]
        write(path, sorted(made, key=lambda row: row[0]))
        print(f"{path.name}: {len(made)} rows, {sum(not row[4] for row in made)} to read")


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[1:]


def write(path: Path, rows: Iterable[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "".join("\t".join(row) + "\n" for row in [list(COLUMNS), *rows]))


# --- counting -----------------------------------------------------------------------------------


def outcome(task: str, sentence: str) -> str | None:
    """What the rules of today make of a sentence."""
    if task in ("to polite", "to plain"):
        return convert(sentence, Register(task.removeprefix("to "))).text
    if task not in _uses():
        return None  # an operator that is no more
    made = variants(sentence, count=1, operators=[task], use=_uses()[task])
    return made[0].text if made else None


@lru_cache(maxsize=1)
def _uses() -> dict[str, Use]:
    return {operator.name: operator.use for operator in find_operators()}


def count(turn: int) -> str:
    """A table of verdicts per task of one round."""
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for path in sorted(TABLES.glob(f"round-{turn}-*.tsv")):
        for task, _, sentence, output, verdict, _ in read(path):
            fresh = outcome(task, sentence) == output
            verdicts[task][(verdict or "unread") if fresh else "stale"] += 1
    lines = ["| task | good | bad | unsure | unread | stale | share good |", "|---|" + "--:|" * 6]
    for task, found in [*sorted(verdicts.items()), ("all", sum(verdicts.values(), Counter()))]:
        judged = found["good"] + found["bad"] + found["unsure"]
        share = f"{found['good'] / judged:.1%}" if judged else "-"
        cells = [found[k] for k in ("good", "bad", "unsure", "unread", "stale")]
        lines.append(f"| {task} | {' | '.join(map(str, cells))} | {share} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=("draw", "count"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--round", type=int, default=1, help="which sample")
    parser.add_argument("--each", type=int, default=VARIANTS_EACH, help="variants per operator")
    parser.add_argument("--operators", nargs="*", default=(), help="only these, or families")
    args = parser.parse_args()
    if args.action == "draw":
        if args.data is None:
            parser.error("draw needs --data DIR")
        draw(args.data, turn=args.round, each=args.each, names=args.operators)
    else:
        print(count(args.round))


if __name__ == "__main__":
    main()
