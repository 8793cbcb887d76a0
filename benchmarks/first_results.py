"""What the main job does on the embedded samples and on real chats: one table, from real runs.

    python benchmarks/first_results.py --data ../shared/data --out docs/results/first-run.md

Every run is ``migaki train`` with the built-in recipe, on the embedded model; only the data differ.
The table is written from the run folders, which stay under --work for a closer look.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path
from typing import Any

import torch
import transformers

from migaki.hardware.gpu import describe_hardware
from migaki.recipes.fine_tune import fine_tune
from migaki.recipes.recipe import read_recipe

RUNS = {
    "embedded samples": ("samples", ()),
    "ASDC customer-service chats": (
        "dialogue/asdc_customer_service_chat.jsonl",
        ("data.on_bad_row=skip",),  # one conversation there has no assistant turn
    ),
    "instruction_ja": ("instruct/instruction_ja.jsonl", ()),
}


def run(name: str, file: str, overrides: tuple[str, ...], data: Path, work: Path) -> dict[str, Any]:
    source = file if file == "samples" else str(data / file)
    recipe, _ = read_recipe(
        "first-run",
        settings={"data": {"train": [source]}},
        overrides=[f"output_dir={work}", *overrides],
    )
    start = time.perf_counter()
    result = fine_tune(recipe, command=f"migaki train --data {file} {' '.join(overrides)}".strip())
    report = json.loads((result.folder / "data.json").read_text(encoding="utf-8"))
    return {
        "name": name,
        "wall_s": time.perf_counter() - start,
        "rows": report["train"]["rows"],
        "held_out": report["validation"]["rows"],
        "rejected": sum(report["rejected"].values()),
        "steps": result.training.steps,
        "tokens_per_s": result.training.tokens_per_s,
        "evaluation": result.evaluation,
    }


def table(results: list[dict[str, Any]]) -> str:
    lines = [
        "| data | rows trained / held out / rejected | steps | bits per character, held-out rows | change "
        "[95 % interval] | polite endings in answers | points [95 % interval] | whole job |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        before, after, change = (result["evaluation"][k] for k in ("before", "after", "change"))
        low, high = change["bits_per_character_relative_interval"]
        low_points, high_points = change["polite_share_points_interval"]
        lines.append(
            f"| {result['name']} | {result['rows']:,} / {result['held_out']:,} / {result['rejected']} "
            f"| {result['steps']} "
            f"| {before['validation']['bits_per_character']:.3f} → "
            f"{after['validation']['bits_per_character']:.3f} "
            f"| {100 * change['bits_per_character_relative']:+.1f} % [{100 * low:+.1f}, {100 * high:+.1f}] "
            f"| {100 * before['answers']['polite_share']:.0f} % → "
            f"{100 * after['answers']['polite_share']:.0f} % "
            f"| {change['polite_share_points']:+.0f} [{low_points:+.0f}, {high_points:+.0f}] "
            f"| {result['wall_s']:.0f} s |"
        )
    return "\n".join(lines)


def page(results: list[dict[str, Any]]) -> str:
    hardware = describe_hardware()
    return f"""# The first run, and the same on real chats

`python benchmarks/first_results.py --data ../shared/data --out docs/results/first-run.md`,
torch {torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()},
{hardware["cores"]} cores of {hardware["cpu"]}, no GPU. One run each, seed 42.

{table(results)}

- Bits per character are measured on rows that were held out by near-duplicate groups, before and
  after, over what the assistant says and the end of its turn (docs/decisions/0004).
- Polite endings are counted in greedy answers to the 30 fixed prompts of the package, by the rule of
  sentence endings (docs/results/register-rule.md). An answer in which no sentence ends counts as not
  polite.
- Intervals come from a paired bootstrap over rows and prompts. They do not cover another seed.
- Seconds depend on the machine and on what else it does.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/first-results"))
    options = parser.parse_args()
    results = [run(n, f, o, options.data, options.work) for n, (f, o) in RUNS.items()]
    options.out.write_text(page(results), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
