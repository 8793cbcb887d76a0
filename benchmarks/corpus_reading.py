"""What cleaning keeps and rejects, to be read by people; and counted on text spoilt on purpose.

    python benchmarks/corpus_reading.py count --data ../shared/data
    python benchmarks/corpus_reading.py hojichar --data ../shared/data
    python benchmarks/corpus_reading.py draw  --data ../shared/data --out reading.tsv [--round 1]
    python benchmarks/corpus_reading.py again --data ../shared/data --table docs/results/reading/corpus-round-1.tsv

`count`: each kind of text with its preset, then news spoilt in each way of `corpus_noise.py` with the preset
for web pages (its lengths opened, for news are short). `hojichar`: how much of the same good text each of
HojiChar's filters would reject with its defaults. `draw`: 100 rejections and 100 keeps in the order of a
hash, half of each from spoilt text, as a table with an empty column for a verdict; where the presets reject
too little of good text, what the preset for web pages would reject of it is added. `again`: the texts of a table that was read, through the
stages as they are now, counted by the verdict on what they did then. All but `again` take the half of the
data that rules are not made on; `--half development` is the other. Only text in the public domain and under
CC BY is drawn, so that the table can be shown.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from corpus_noise import NOISES, noise, spoil
from halves import HALVES, half_of

from migaki.corpus.cleaning.config import build_stages, cleaning_config
from migaki.corpus.documents import Document, Outcome, Rejection, Stage
from migaki.corpus.row_cleaning import clean_row

# Kind, preset, files; whether its licence lets a table of it be shown.
KINDS = (
    ("wiki", "encyclopaedia", ("wiki/jaquad_wiki_articles.jsonl",), False),
    ("news", "encyclopaedia", ("news/ja_wikinews.jsonl",), True),
    ("manual", "technical", ("tech/vue_docs_ja.jsonl",), True),
    ("python docs", "technical", ("tech/python_docs_ja.jsonl",), False),
    ("dialogue", "dialogue", ("dialogue/asdc_main.jsonl", "dialogue/real_persona_chat.jsonl", "dialogue/asdc_customer_service_chat.jsonl"), False),
    ("instructions", "dialogue", ("instruct/instruction_ja.jsonl",), False),
    ("literature", "literature", ("aozora/aozora_paragraphs_clean.jsonl",), True),
)  # fmt: skip
SPOILT = "news"
# News are short, full of figures, and their list pages hold long lines: what is opened here is counted
# with the presets above; the rest of the web preset is as it is.
WEB = {
    "length": {"min_japanese": 40},
    "sentence_length": {"min_average": 10, "max_average": 200, "max_longest": None},
    "kana_shares": {"min_hiragana": 0.1},
}
COLUMNS = ("id", "kind", "outcome", "reason", "measured", "text", "verdict", "why")
SHOWN = 300


@dataclass(frozen=True)
class Text:
    """A text with where it comes from."""

    id: str
    kind: str
    row: dict[str, object]

    @property
    def text(self) -> str:
        """The text, if the row is one."""
        return str(self.row.get("text", ""))


def read_kind(data: Path, kind: str, half: str) -> Iterator[Text]:
    """The rows of one kind that are in a half."""
    files = next(files for name, _, files, _ in KINDS if name == kind)
    for name in files:
        with (data / name).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if half_of(line) == half:
                    yield Text(f"{name}:{number}", kind, json.loads(line))


def clean(text: Text, stages: tuple[Stage, ...]) -> Outcome:
    """One row through the stages."""
    return clean_row(text.row, stages, id=text.id, source=text.kind).outcome


def count(data: Path, half: str) -> None:
    """Print what became of each kind, and of each way of spoiling."""
    print(
        f"{half} half\n{'kind':26} {'preset':14} {'rows':>6} {'kept':>6} {'changed':>8}  rejected"
    )
    for kind, preset, _, _ in KINDS:
        stages = build_stages(cleaning_config(preset))
        outcomes = [clean(text, stages) for text in read_kind(data, kind, half)]
        print_counts(kind, preset, outcomes)
    print(f"\n{SPOILT} of 400 characters and more, spoilt; web preset, lengths opened")
    stages = build_stages(cleaning_config("web", WEB))
    good = [text for text in read_kind(data, SPOILT, half) if len(text.text) >= 400]
    print_counts("as it is", "web", [clean(text, stages) for text in good])
    for one in NOISES:
        outcomes, mended = [], 0
        for text in good:
            bad = Text(text.id, text.kind, {"text": spoil(text.text, text.id, one)})
            outcome = clean(bad, stages)
            outcomes.append(outcome)
            mended += isinstance(outcome, Document) and outcome.text == _cleaned(text, stages)
        print_counts(one.name, one.expected, outcomes, note=f"as without it: {mended}")


def count_hojichar(data: Path, half: str) -> None:
    """Print how many texts of each kind HojiChar's filters reject, as they come."""
    from hojichar import Document as HojiCharDocument
    from hojichar import document_filters as theirs

    filters = [
        theirs.AcceptJapanese(),
        theirs.DiscardRareKuten(),
        theirs.DiscardAds(),
        theirs.DiscardBBSComments(),
        theirs.DiscardAdultContentJa(),
        theirs.DiscardDiscriminationContentJa(),
        theirs.DiscardTooShortLines(),
        theirs.DiscardTooManyEndingEllipsis(),
        theirs.CharRepetitionRatioFilter(),
        theirs.SingleCharacterRepetitionFilter(),
    ]
    kinds = [kind for kind, *_ in KINDS]
    texts = {kind: list(read_kind(data, kind, half)) for kind in kinds}
    print(f"{half} half\n{'rejected of':34}", *(f"{kind:>13}" for kind in kinds))
    print(f"{'':34}", *(f"{len(texts[kind]):13}" for kind in kinds))
    for one in filters:
        rejected = [
            sum(one.apply(HojiCharDocument(whole_text(text))).is_rejected for text in texts[kind])
            for kind in kinds
        ]
        print(f"{type(one).__name__:34}", *(f"{number:13}" for number in rejected))


def whole_text(text: Text) -> str:
    """The text of a row, of a conversation its turns."""
    return clean(text, ()).text  # type: ignore[union-attr]


def _cleaned(text: Text, stages: tuple[Stage, ...]) -> str:
    outcome = clean(text, stages)
    return outcome.text if isinstance(outcome, Document) else ""


def print_counts(name: str, preset: str, outcomes: list[Outcome], note: str = "") -> None:
    reasons = Counter(o.reason for o in outcomes if isinstance(o, Rejection))
    kept = [o for o in outcomes if isinstance(o, Document)]
    changed = sum(bool(o.counts) for o in kept)
    why = ", ".join(f"{reason} {number}" for reason, number in reasons.most_common())
    print(f"{name:26} {preset:14} {len(outcomes):6} {len(kept):6} {changed:8}  {why}  {note}")


def draw(data: Path, half: str, out: Path, turn: int) -> None:
    """Write 100 rejections and 100 keeps: half of each from text as it is, half from spoilt text."""
    rows: list[dict[str, str]] = []
    for spoilt in (False, True):
        found = {"rejected": [], "kept": []}  # type: ignore[var-annotated]
        for text, outcome in candidates(data, half, turn, spoilt=spoilt):
            said = "rejected" if isinstance(outcome, Rejection) else "kept"
            if len(found[said]) < 50:
                found[said].append(table_row(text, outcome))
        rows += found["rejected"] + found["kept"]
    with out.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"{out}: {Counter(row['outcome'] for row in rows)}")


def candidates(data: Path, half: str, turn: int, *, spoilt: bool) -> Iterator[tuple[Text, Outcome]]:
    """Texts with their outcomes, in the order of a hash."""
    shown = [kind for kind in KINDS if kind[3]]
    texts = [text for kind, *_ in shown for text in read_kind(data, kind, half)]
    presets = {kind: build_stages(cleaning_config(preset)) for kind, preset, _, _ in shown}
    web = build_stages(cleaning_config("web", WEB))
    texts.sort(key=lambda text: hashlib.sha256(f"{turn} {spoilt} {text.id}".encode()).digest())
    if not spoilt:
        yield from ((text, clean(text, presets[text.kind])) for text in texts)
        # Few are rejected by the presets made for them: the rest is what the web's makes of them.
        whole_web = build_stages(cleaning_config("web"))
        for text in texts:
            outcome = clean(text, whole_web)
            if isinstance(outcome, Rejection) and outcome.reason != "too_short":
                yield Text(text.id, f"{text.kind}, web preset", text.row), outcome
        return
    news = [text for text in texts if text.kind == SPOILT and len(text.text) >= 400]
    for number, text in enumerate(islice(news, 600)):
        one = NOISES[number % len(NOISES)]
        bad = spoil(text.text, text.id, one)
        spoilt_text = Text(text.id, f"{text.kind}, {one.name}", {"text": bad})
        yield spoilt_text, clean(spoilt_text, web)


def again(data: Path, table: Path) -> None:
    """Print what becomes now of texts whose outcome was judged."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    web, whole_web = (build_stages(cleaning_config("web", settings)) for settings in (WEB, {}))
    own = {kind: build_stages(cleaning_config(preset)) for kind, preset, _, _ in KINDS}
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for row in rows:
        kind, _, what = row["kind"].partition(", ")
        text = _text_of(data, row["id"], kind)
        if what and what != "web preset":
            text = Text(text.id, kind, {"text": spoil(text.text, text.id, noise(what))})
        stages = own[kind] if not what else whole_web if what == "web preset" else web
        outcome = clean(text, stages)
        group = "as it is" if not what else what if what == "web preset" else "spoilt"
        now = "kept" if isinstance(outcome, Document) else "rejected"
        counts[group, row["outcome"], row["verdict"], now] += 1
        if row["verdict"] == "wrong" and isinstance(outcome, Rejection):
            print(f"still rejected: {row['id']} ({row['reason']} then) {outcome.detail}")
    print(f"{'text':12} {'then':10} {'judged':8} {'now':10} {'rows':>5}")
    for (group, then, verdict, now), number in sorted(counts.items()):
        print(f"{group:12} {then:10} {verdict:8} {now:10} {number:5}")


@cache
def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")


def _text_of(data: Path, id: str, kind: str) -> Text:
    name, _, number = id.rpartition(":")
    return Text(id, kind, json.loads(_lines(data / name)[int(number) - 1]))


def table_row(text: Text, outcome: Outcome) -> dict[str, str]:
    rejected = isinstance(outcome, Rejection)
    changes = "" if rejected else ", ".join(f"{name} {n}" for name, n in outcome.counts.items())
    body = text.text if rejected else outcome.text
    return {
        "id": text.id,
        "kind": text.kind,
        "outcome": "rejected" if rejected else "kept",
        "reason": f"{outcome.stage}: {outcome.reason}" if rejected else changes,
        "measured": outcome.detail if rejected else "",
        "text": " ⏎ ".join(body[:SHOWN].splitlines()).replace("\t", " "),
        "verdict": "",
        "why": "",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["count", "hojichar", "draw", "again"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--half", choices=HALVES, default="report")
    parser.add_argument("--out", type=Path, default=Path("reading.tsv"))
    parser.add_argument("--table", type=Path, help="again: a table with verdicts")
    parser.add_argument("--round", type=int, default=1, help="another draw")
    options = parser.parse_args()
    if options.what == "count":
        count(options.data, options.half)
    elif options.what == "hojichar":
        count_hojichar(options.data, options.half)
    elif options.what == "again":
        if options.table is None:
            parser.error("again needs --table")
        again(options.data, options.table)
    else:
        draw(options.data, options.half, options.out, options.round)


if __name__ == "__main__":
    main()
