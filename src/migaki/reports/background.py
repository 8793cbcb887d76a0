"""What a run was made of: model, data, training curves, environment, and the commands to repeat it.

Sections are mappings and lists of texts that the template lays out. They hold no markup: everything is
escaped where it is drawn. What a run does not say is left out.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from migaki.reports.attribution import credited_sources, duties
from migaki.reports.charts import Chart, Series, line_chart
from migaki.reports.figures import (
    bits_per_character,
    can_resume,
    home_of,
    items_of,
    resume_command,
    steps_text,
)
from migaki.reports.formats import MISSING, count, decimal, percent, plain_value, take
from migaki.reports.run_data import RunData, dig, number, rows_of, text

__all__ = ["commands", "curves", "data_facts", "environment_facts", "subject", "throughput"]

Facts = list[tuple[str, str]]

_DATA_KEYS = frozenset(
    {"files", "rows_read", "rows_kept", "rejected", "overlong", "train", "validation", "split",
     "warnings"}
)  # fmt: skip
"""What the sections of the data show by name; anything else is listed as it stands."""

_TOLD_CHOICES = frozenset({"precision", "MFU"})
"""Choices that other lines of the page tell."""

_TOO_LARGE = 1e15
"""No axis is drawn for what is beyond: neighbouring numbers are no longer told apart there."""


def subject(run: RunData) -> Facts:
    """Return what was trained, with what, on what."""
    recipe, lora = run.recipe, dig(run.recipe, "lora")
    method = text(recipe.get("method")) or text(run.plan.get("method"))
    facts: Facts = [
        ("Model", text(dig(recipe, "model", "name")) or text(run.plan.get("model"))),
        ("Parameters", count(run.plan["parameters"]) if "parameters" in run.plan else ""),
        ("Method", _method(method, lora)),
        ("Data", ", ".join(text(f.get("path")) for f in rows_of(run.data.get("files")))),
        ("Licences", _licences(run)),
        ("Learning rate", plain_value(dig(recipe, "training", "learning_rate"))),
        ("Epochs", plain_value(dig(recipe, "training", "num_epochs"))),
        ("Batch", _batch(dig(recipe, "training"))),
        ("Steps", steps_text(run)),
        ("Seed", str(dig(recipe, "training", "seed") or run.environment.get("seed") or "")),
    ]
    return [(name, value) for name, value in facts if value and value != MISSING]


def curves(run: RunData) -> list[Chart]:
    """Return the charts of the training, the loss first."""
    train = [row for row in run.metrics if row.get("split") == "train"]
    held_out = [row for row in run.metrics if row.get("split") == "eval"]
    charts = [
        line_chart(
            "Loss, nats per trained token",
            [
                Series("training", _points(train, "loss"), "c1"),
                Series("held-out rows", _points(held_out, "loss"), "c2"),
            ],
            wide=True,
        ),
        line_chart(
            "Bits per character, held-out rows",
            [
                Series(
                    "held-out rows", _with_ends(run, _points(held_out, "bits_per_character")), "c2"
                )
            ],
        ),
        line_chart(
            "Learning rate",
            [Series("learning rate", _points(train, "learning_rate"), "c1")],
            zero=True,
        ),
        line_chart(
            "Throughput, tokens per second",
            [Series("tokens/s", _points(train, "tokens_per_s"), "c1")],
            zero=True,
        ),
        line_chart(
            "MFU, % of the device's matrix rate",
            [Series("MFU", [(x, 100 * y) for x, y in _points(train, "mfu")], "c1")],
            zero=True,
        ),
        line_chart(
            "Gradient norm", [Series("gradient norm", _points(train, "grad_norm"), "c1")], zero=True
        ),
    ]
    return [chart for chart in charts if chart is not None]


def throughput(run: RunData) -> Facts:
    """Return what the seconds of training were worth: medians of the logged lines, and the formula."""
    train = [row for row in run.metrics if row.get("split") == "train"]

    def middle(key: str) -> float | None:
        found = [value for _, value in _points(train, key)]
        return median(found) if found else None

    facts: Facts = [
        ("Tokens per second", count(middle("tokens_per_s"))),
        ("Trained tokens per second", count(middle("trained_tokens_per_s"))),
        ("Characters per second", count(middle("characters_per_s"))),
        ("Padding", percent(middle("padding_share"), 1)),
        ("MFU", percent(middle("mfu"), 1)),
        ("MFU is", text(dig(run.plan, "choices", "MFU"))),
        ("HFU, with what is computed twice", percent(middle("hfu"), 1)),
        ("Memory, GiB", decimal(middle("memory_gib"))),
        ("Memory reserved, GiB", decimal(middle("memory_reserved_gib"))),
    ]
    return [(name, value) for name, value in facts if value and value != MISSING]


def data_facts(run: RunData) -> dict[str, Any] | None:
    """Return files, counts, rejections, over-length rows, token figures and the split."""
    data = run.data
    if not data:
        return None
    overlong = dig(data, "overlong")
    sources = credited_sources(run)
    return {
        "sources": [(source.line, count(source.rows)) for source in sources],
        "duties": duties(sources),
        "files": [
            {
                "path": text(file.get("path")),
                "rows": count(file.get("rows")),
                "format": text(file.get("format")),
                "reason": text(file.get("format_reason")),
                "encoding": text(file.get("encoding")),
                "licences": plain_value(file.get("licences"))
                if file.get("licences")
                else "not stated",
            }
            for file in rows_of(data.get("files"))
        ],
        "flow": [
            (name, count(value))
            for name, value in (
                ("rows read", data.get("rows_read")),
                ("rejected", _total(data.get("rejected"))),
                ("to train", dig(data, "train", "rows")),
                ("held out", dig(data, "validation", "rows")),
            )
            if number(value) is not None
        ],
        "rejected": [
            (str(reason), count(rows))
            for reason, rows in sorted(
                items_of(data.get("rejected")), key=lambda item: str(item[0])
            )
        ],
        "rejected_rows": [_rejected_row(row) for row in run.rejected[:20]],
        "overlong": _overlong(overlong) if isinstance(overlong, Mapping) else "",
        "tokens": [
            _token_row(name, data[key])
            for name, key in (("to train", "train"), ("held out", "validation"))
            if isinstance(dig(data, key), Mapping)
        ],
        "split": [(_title(str(k)), plain_value(v)) for k, v in items_of(data.get("split"))],
        "more": [
            (_title(str(k)), plain_value(v))
            for k, v in data.items()
            if k not in _DATA_KEYS and plain_value(v) != MISSING
        ],
    }


def _token_row(name: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    keys = ("rows", "tokens", "trained_tokens", "characters")
    lengths = ("tokens_median", "tokens_p95", "tokens_longest")
    return (
        name,
        *(count(part.get(key)) for key in keys),
        _ratio(part.get("characters"), part.get("tokens")),
        " / ".join(count(part.get(key)) for key in lengths),
    )


def environment_facts(run: RunData) -> Facts:
    """Return versions, hardware, precision, and every automatic choice with its reason."""
    environment = run.environment
    precision = dig(environment, "precision")
    facts: Facts = [
        (
            "Precision",
            ": ".join(
                t for t in (text(dig(precision, "dtype")), text(dig(precision, "reason"))) if t
            ),
        ),
        ("Device", text(run.plan.get("device"))),
        (
            "migaki",
            " ".join(
                t
                for t in (
                    text(dig(environment, "migaki", "version")),
                    text(dig(environment, "migaki", "commit"))[:12],
                )
                if t
            ),
        ),
        ("Python", text(environment.get("python"))),
        ("Platform", text(environment.get("platform"))),
    ]
    facts += [
        (_title(str(k)), str(v))
        for k, v in items_of(run.plan.get("choices"))
        if k not in _TOLD_CHOICES
    ]
    told = {"device", "precision", "precision_reason"}  # by the precision above
    hardware = [(k, v) for k, v in items_of(environment.get("hardware")) if k not in told]
    facts += [(_title(str(k)), plain_value(v)) for k, v in hardware]
    facts += [(str(k), str(v)) for k, v in items_of(environment.get("packages"))]
    return [(name, value) for name, value in facts if value and value != MISSING]


def commands(run: RunData) -> list[tuple[str, str]]:
    """Return the commands that repeat the run and go on from it."""
    folder = shlex.quote(home_of(run))
    command = text(run.environment.get("command"))
    found = [("As it was started", command)] if command else []
    if run.recipe:
        found.append(
            ("Repeat it from this folder", f"migaki train {folder}/run.yaml --name NEW_NAME")
        )
    if can_resume(run):
        found.append(("Go on from the last checkpoint", resume_command(run)))
    if text(run.status.get("state")) == "completed":
        found += [
            ("Talk to it", f"migaki chat {folder}"),
            ("Ask it once", f"migaki generate {folder} '駅までの行き方を教えて'"),
        ]
    return found


def _points(rows: Iterable[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    found: dict[float, float] = {}
    for row in rows:
        step, value = number(row.get("step")), number(row.get(key))
        if step is not None and value is not None and 0 <= step < _TOO_LARGE > abs(value):
            found[step] = value
    return sorted(found.items())


def _with_ends(run: RunData, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Put the measurement before training at step 0."""
    before, _, _ = bits_per_character(run)
    return [(0.0, before), *points] if before is not None and points else points


def _method(method: str, lora: Any) -> str:
    if method == "full":
        return "full: every weight"
    if not method or not isinstance(lora, Mapping):
        return method
    where = (
        plain_value(lora.get("target_modules"))
        if lora.get("target_modules")
        else "all linear layers"
    )
    return f"{method}: r={plain_value(lora.get('r'))}, alpha={plain_value(lora.get('lora_alpha'))}, {where}"


def _batch(training: Any) -> str:
    rows, times = (
        number(dig(training, key)) for key in ("batch_size", "gradient_accumulation_steps")
    )
    if rows is None or times is None:
        return ""
    return f"{count(rows)} × {count(times)} = {count(rows * times)} rows a step"


def _licences(run: RunData) -> str:
    names = {
        str(name)
        for file in rows_of(run.data.get("files"))
        for name, _ in items_of(file.get("licences"))
    }
    if names:
        return ", ".join(sorted(names))
    return "not stated in the rows: check them before you publish the model" if run.data else ""


def _overlong(overlong: Mapping[str, Any]) -> str:
    if not number(overlong.get("rows")):
        return "No row was longer than the limit."
    return (
        f"{count(overlong.get('rows'))} rows were longer than the limit ({text(overlong.get('policy'))}): "
        f"{count(overlong.get('tokens_total_lost'))} tokens lost, "
        f"{count(overlong.get('tokens_trained_lost'))} of them trained ones."
    )


def _rejected_row(row: Mapping[str, Any]) -> str:
    place = ":".join(str(row[key]) for key in ("path", "line") if row.get(key) is not None)
    return take(f"{place}  {text(row.get('reason'))}".strip())[0][:400]


def _total(value: Any) -> float:
    return sum(number(rows) or 0 for _, rows in items_of(value))


def _ratio(characters: Any, tokens: Any) -> str:
    above, below = number(characters), number(tokens)
    return f"{above / below:.2f}" if above is not None and below else MISSING


def _title(name: str) -> str:
    words = name.replace("_", " ").capitalize()
    return words.replace("Cpu", "CPU").replace("Gpu", "GPU").replace(" gib", ", GiB")
