"""The page of a trained model: ``README.md`` beside its weights, as the Hugging Face hub shows it.

It says what the model is, what it was measured at, and whose texts it was trained on, so that whoever
passes the model on passes that on too. Paths of the machine do not stand in it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from migaki.atomic import write_text
from migaki.reports.attribution import credited_sources, duties
from migaki.reports.figures import bits_per_character, polite_share
from migaki.reports.formats import clean, percent
from migaki.reports.lineage import base_name, lineage_table
from migaki.reports.run_data import RunData, dig, read_run, text

__all__ = ["render_model_card", "write_model_card"]

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#])")


def write_model_card(run_folder: Path, model_folder: Path) -> Path:
    """Write the page of a run's result beside its weights, whole or not at all.

    Args:
        run_folder: The folder of the run.
        model_folder: Where its adapter or model lies.

    Raises:
        UsageError: It is no run folder.
        OSError: The page cannot be written.
    """
    path = model_folder / "README.md"
    write_text(path, render_model_card(read_run(run_folder)))
    return path


def render_model_card(run: RunData) -> str:
    """Return the page as Markdown with the front matter that the hub reads."""
    method = text(run.recipe.get("method"))
    base = _base(run)
    parts = [
        _front_matter(base, method),
        f"# {_plain(run.name)}",
        f"{_plain(base)} adapted to Japanese with migaki {_plain(_version(run))}: {_how(run, method)}.",
        *_measured(run),
        *_lineage(run),
        *_data(run),
        "## Licence",
        f"The licence of {_plain(base)} holds for this model too.",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(base: str, method: str) -> str:
    lines = ["language:", "- ja", "tags:", "- migaki"]
    if _HUB_ID.fullmatch(base):
        lines = [f"base_model: {json.dumps(base)}", *lines]
    if method in ("lora", "qlora"):
        lines.append("library_name: peft")
    return "\n".join(["---", *lines, "---"])


def _base(run: RunData) -> str:
    """Return the base model as others may know it: an id of the hub, or the name of its folder."""
    name = text(dig(run.recipe, "model", "name")) or text(run.plan.get("model")) or "a base model"
    if run.recipe.get("method") == "full":  # the weights are all here: what counts is the beginning
        name = base_name(run) or name
    return name if _HUB_ID.fullmatch(name) else re.split(r"[/\\]", name.rstrip("/\\"))[-1]


def _version(run: RunData) -> str:
    return text(dig(run.environment, "migaki", "version"))


def _how(run: RunData, method: str) -> str:
    if method == "full":
        return "every weight was trained"
    rank = dig(run.recipe, "lora", "r")
    return f"an adapter ({_plain(method)}{f', rank {rank}' if isinstance(rank, int) else ''})"


def _measured(run: RunData) -> list[str]:
    bits, polite = bits_per_character(run), polite_share(run)
    rows = []
    if bits[0] is not None and bits[1] is not None:
        rows.append(f"| bits per character, held-out rows | {bits[0]:.3f} | {bits[1]:.3f} |")
    if polite[0] is not None and polite[1] is not None:
        rows.append(f"| polite share of answers | {percent(polite[0])} | {percent(polite[1])} |")
    if not rows:
        return []
    return ["## Measured", "\n".join(["| | before | after |", "|---|---|---|", *rows])]


def _lineage(run: RunData) -> list[str]:
    rows = lineage_table(run)
    if not rows:
        return []
    lines = [
        f"{number}. {_plain(name)}: {_plain(how)}; {_plain(data)}; {steps} steps, {tokens} trained "
        "tokens."
        for number, (name, how, data, steps, tokens, _) in enumerate(rows, start=1)
    ]
    return ["## Lineage", f"From {_plain(base_name(run))}, in stages:", "\n".join(lines)]


def _data(run: RunData) -> list[str]:
    sources = credited_sources(run)
    if not sources:
        return ["## Data", "The run does not say what it was trained on."]
    lines = [f"- {_plain(source.line)} {source.rows:,} rows." for source in sources]
    found = ["## Data", "\n".join(lines)]
    asked = [f"- {_plain(duty)}" for duty in duties(sources)]
    return (
        [*found, "What these licences ask of whoever publishes it:", "\n".join(asked)]
        if asked
        else found
    )


def _plain(value: str) -> str:
    """Return a text of the data so that it stays text in Markdown; addresses stay addresses."""
    line = " ".join(clean(value).split())
    return "".join(
        part if part.startswith("https://") else _MARKUP.sub(r"\\\1", part)
        for part in re.split(r"(https://[\w./#?=&%~+:-]+)", line)
    )
