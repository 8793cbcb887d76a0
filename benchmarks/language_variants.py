"""What becomes of the proposals of every operator, samples to read, and variants against a language model.

    python benchmarks/language_variants.py rates   [--rows 5000]
    python benchmarks/language_variants.py samples [--operators verbs] [--samples 50]
    python benchmarks/language_variants.py jcola   [--rows 400]

All take `--data ../shared/data`. The half of a row is the first byte of the SHA-256 of its text: even
for development, odd for the report. `rates` and `jcola` use the report half; `samples` is for reading and
shows the development half only.

`rates`: every operator is asked about every row, and each of its first proposals is carried out and
verified; the rate is rejected / proposed. `jcola`: sentences that JCoLA marks acceptable, their variants
for training, and random paraphrases of the same sentences (EDA, Wei & Zou 2019: two words swapped, one word
deleted, one particle replaced), scored by the embedded model in bits per character. The question is
how often the outcome is worse than its source.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from halves import half_of

from migaki.linguistics.analyzer import analyze
from migaki.linguistics.augment import VariantStats, variants
from migaki.linguistics.operators import Operator, Passage, find_operators
from migaki.linguistics.sentences import split_sentences
from migaki.linguistics.verification import verify

SENTENCES_OF_AN_ARTICLE = 12


def read_rows(folder: Path, half: str, count: int) -> list[str]:
    """A random sample of news, literature, dialogue, example sentences and UD."""
    texts = sorted({text for text in _all_rows(folder) if text.strip() and half_of(text) == half})
    return random.Random(0).sample(texts, min(count, len(texts)))


def _all_rows(folder: Path) -> Iterator[str]:
    for line in _lines(folder / "sentences" / "tanaka_ja_en.tsv"):
        yield line.split("\t")[0]
    for line in _lines(folder / "sentences" / "jec_basic_ja_en.tsv"):
        yield line.split("\t")[1]
    for line in _lines(folder / "ud" / "ja_gsd-ud-dev.conllu"):
        if line.startswith("# text = "):
            yield line.removeprefix("# text = ")
    for name in ("news/ja_wikinews.jsonl", "aozora/aozora_paragraphs_clean.jsonl"):
        for line in _lines(folder / name):
            yield from split_sentences(json.loads(line)["text"])[:SENTENCES_OF_AN_ARTICLE]
    for line in _lines(folder / "keigo" / "keico.jsonl"):
        yield json.loads(line)["text"]
    for name in ("dialogue/real_persona_chat.jsonl", "dialogue/asdc_main.jsonl"):
        for line in _lines(folder / name):
            yield from (turn.split(": ", 1)[-1] for turn in json.loads(line)["text"].split("\n"))


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def print_rates(texts: Sequence[str]) -> None:
    stats = VariantStats()
    operators = find_operators()
    rng = random.Random(0)
    for text in texts:
        passage = Passage.of(text)
        for operator in operators:
            for edits in operator.propose(passage, rng)[:1]:
                stats.count([operator], verify(passage, sorted(edits), [operator]))
    print("| operator | use | proposed | rejected | rate | reasons |\n|---|---|--:|--:|--:|---|")
    for operator in operators:
        reasons = stats.reasons(operator.name)
        rejected, accepted = sum(reasons.values()), stats.accepted[operator.name]
        rate = stats.rejection_rate(operator.name)
        why = ", ".join(f"{reason} {n}" for reason, n in sorted(reasons.items()))
        print(
            f"| `{operator.name}` | {operator.use} | {rejected + accepted} | {rejected} "
            f"| {'' if rate is None else f'{rate:.1%}'} | {why} |"
        )
    _print_yield(texts)


def _print_yield(texts: Sequence[str]) -> None:
    found = [variants(text) for text in texts]
    sizes = Counter(map(len, found))
    print(f"\n{len(texts)} rows; variants for training, three asked for:", end=" ")
    print(", ".join(f"{n} for {sizes[n] / len(texts):.1%}" for n in sorted(sizes)))


def print_samples(texts: Sequence[str], operators: Sequence[Operator], count: int) -> None:
    for operator in operators:
        found = [
            (text, variant)
            for text in texts
            for variant in variants(text, count=1, operators=[operator.name], use=operator.use)
        ]
        print(f"\n## {operator.name} ({operator.use}): {operator.description}")
        for text, variant in random.Random(0).sample(found, min(count, len(found))):
            print(f"  {text}\n    → {variant.text}")


def print_jcola(folder: Path, count: int) -> None:
    rows = [json.loads(line) for line in _lines(folder / "jcola" / "in_domain_train-v1.0.jsonl")]
    texts = [r["sentence"] for r in rows if r["label"] == 1 and half_of(r["sentence"]) == "report"]
    texts = random.Random(0).sample(texts, min(count, len(texts)))
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    rng = random.Random(0)
    for text in texts:
        for variant in variants(text):
            group = "variants that change the register"
            if all(find_operators([name])[0].keeps_register for name in variant.operators):
                group = "variants that keep the register"
            pairs[group].append((text, variant.text))
        for name, paraphrase in BASELINES.items():
            outcome = paraphrase(text, rng)
            if outcome != text:
                pairs[f"baseline: {name}"].append((text, outcome))
    bits = bits_per_character({text for group in pairs.values() for pair in group for text in pair})
    print("| outcome | pairs | worse than its source | worse by 0.5 bits | mean change |")
    print("|---|--:|--:|--:|--:|")
    for group, members in sorted(pairs.items(), reverse=True):
        change = [bits[after] - bits[before] for before, after in members]
        worse = sum(c > 0 for c in change) / len(change)
        much = sum(c > 0.5 for c in change) / len(change)
        mean = sum(change) / len(change)
        print(f"| {group} | {len(change)} | {worse:.1%} | {much:.1%} | {mean:+.2f} |")
    print(f"\n{len(texts)} sentences; bits per character of the embedded model.")


def _swap(text: str, rng: random.Random) -> str:
    words = [m.surface for m in analyze(text)]
    if len(words) < 3:
        return text
    i, j = rng.sample(range(len(words) - 1), 2)
    words[i], words[j] = words[j], words[i]
    return "".join(words)


def _delete(text: str, rng: random.Random) -> str:
    words = [m.surface for m in analyze(text)]
    if len(words) < 3:
        return text
    del words[rng.randrange(len(words) - 1)]
    return "".join(words)


def _other_particle(text: str, rng: random.Random) -> str:
    found = [m for m in analyze(text) if m.surface in "がをにでへと" and m.pos == "助詞"]
    if not found:
        return text
    m = rng.choice(found)
    other = rng.choice([p for p in "がをにでへと" if p != m.surface])
    return text[: m.start] + other + text[m.end :]


BASELINES: dict[str, Callable[[str, random.Random], str]] = {
    "two words swapped": _swap,
    "one word deleted": _delete,
    "one particle replaced": _other_particle,
}


def bits_per_character(texts: set[str]) -> dict[str, float]:
    """Score each text by the embedded model."""
    import math

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    import migaki.models
    from migaki.evaluation.likelihood import ScoredRow, measure_likelihood

    torch.set_num_threads(1)
    folder = Path(migaki.models.__file__).parent / "tiny"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    first = tokenizer.convert_tokens_to_ids("<|endoftext|>")  # what stands between documents
    ordered = sorted(texts)
    rows = []
    for text in ordered:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        rows.append(ScoredRow([first, *ids], [-100, *ids], len(text)))
    found = measure_likelihood(model, rows)
    return {
        text: nats / len(text) / math.log(2)
        for text, nats in zip(ordered, found.nll_nats, strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["rates", "samples", "jcola"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rows", type=int, default=None)
    parser.add_argument("--operators", nargs="*", default=None)
    parser.add_argument("--samples", type=int, default=50)
    options = parser.parse_args()
    if options.what == "rates":
        print_rates(read_rows(options.data, "report", options.rows or 5_000))
    elif options.what == "samples":
        texts = read_rows(options.data, "development", options.rows or 10_000)
        print_samples(texts, find_operators(options.operators), options.samples)
    else:
        print_jcola(options.data, options.rows or 400)


if __name__ == "__main__":
    main()
