"""The plan before a run and the result after it, as tables for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from migaki.recipes.fine_tune import RunResult
    from migaki.recipes.plan import Plan
    from migaki.recipes.recipe import Recipe


_SHOWN_CHOICES = (
    "continues from",
    "base model",
    "adapter",
    "precision",
    "max_tokens",
    "batch size",
    "tokenizer",
    "padding token",
)


def show_plan(plan: Plan, console: Console) -> None:
    """Print what will happen: model, data, tokens, steps, memory against what is there, time."""
    table = Table(title="Plan", title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, value in _plan_rows(plan):
        table.add_row(label, Text(value))
    console.print(table)
    for warning in plan.warnings:
        console.print(Text(f"Note: {warning}", style="yellow"))


def _plan_rows(plan: Plan) -> list[tuple[str, str]]:
    recipe, report = plan.recipe, plan.data.report.to_json()
    training = recipe.training
    rows = [
        ("recipe", plan.origin),
        ("model", f"{recipe.model.name} ({_count(plan.parameters)} parameters) on {plan.device}"),
        ("method", _method(plan)),
    ]
    if "processes" in plan.choices:
        rows.append(("processes", plan.choices["processes"]))
    rows += [("data", _file(file)) for file in report["files"]]
    rows += [("rows", _rows(report))]
    rows += [
        ("rejected", f"{count} rows: {reason}") for reason, count in report["rejected"].items()
    ]
    if report["overlong"]["rows"]:
        rows.append(("over-length", _overlong(report["overlong"], recipe.data.max_tokens)))
    rows += [("changed", f"{count} rows: {note}") for note, count in report["notes"].items()]
    train = report["train"]
    rows += [
        (
            "tokens",
            f"{train['tokens']:,} an epoch, {train['trained_tokens']:,} of them trained "
            f"({recipe.data.train_on} turns), {train['characters'] / max(1, train['tokens']):.2f} "
            "characters per token",
        ),
        (
            "steps",
            f"{plan.steps} ({training.num_epochs} epochs, {training.batch_size} rows × "
            f"{training.gradient_accumulation_steps} a step), learning rate {training.learning_rate:g}",
        ),
        (
            "memory",
            f"about {plan.memory.total_gib:.2f} GiB of {plan.available_gib:.1f} GiB "
            f"({plan.choices['available memory']}): {_parts(plan)}",
        ),
        *((topic, plan.choices[topic]) for topic in _SHOWN_CHOICES if topic in plan.choices),
        (
            "time",
            f"about {_duration(plan.seconds)} of training (estimated from this machine's speed)",
        ),
    ]
    return rows


def _parts(plan: Plan) -> str:
    """Name what memory goes to; not all of it is taken at once."""
    needed = plan.memory
    parts = {
        "weights": needed.weights_gib,
        "gradients": needed.gradients_gib,
        "optimizer": needed.optimizer_gib,
        "activations": needed.activations_gib,
        "logits": needed.logits_gib,
        "CUDA": needed.context_gib,
    }
    return ", ".join(f"{name} {gib:.2f}" for name, gib in parts.items() if gib)


def _method(plan: Plan) -> str:
    recipe = plan.recipe
    if recipe.method == "full":
        frozen = ", ".join(recipe.training.freeze)
        parts = [f"full: every weight but {frozen}" if frozen else "full: every weight"]
    else:
        parts = [f"{recipe.method}: {_adapters(recipe)}"]
    if recipe.training.neftune_noise_alpha:
        parts.append(f"NEFTune α={recipe.training.neftune_noise_alpha:g}")
    if recipe.training.optimizer != "adamw":
        parts.append(recipe.training.optimizer)
    if plan.weights is not None:
        parts.append(str(plan.weights))
    return "; ".join(parts)


def _adapters(recipe: Recipe) -> str:
    lora = recipe.lora
    where = ", ".join(lora.target_modules) if lora.target_modules else "all linear layers"
    parts = [f"r={lora.r}", f"alpha={lora.lora_alpha}", where]
    if lora.use_qlora:
        parts.insert(0, "4-bit base" if lora.qlora_4bit else "8-bit base")
    parts += [name for name, on in (("rsLoRA", lora.use_rslora), ("DoRA", lora.use_dora)) if on]
    if recipe.training.lora_plus_ratio != 1:
        parts.append(f"LoRA+ ×{recipe.training.lora_plus_ratio:g}")
    if lora.trainable_tokens:
        parts.append(f"rows of {len(lora.trainable_tokens)} tokens")
    return ", ".join(parts)


def _file(file: dict[str, Any]) -> str:
    licences = ", ".join(file.get("licences") or {}) or "licence not stated in the rows"
    return (
        f"{file['path']}: {file['rows']:,} rows, {file['format']} ({file['format_reason']}), "
        f"{file['encoding']}, {licences}"
    )


def _rows(report: dict[str, Any]) -> str:
    return (
        f"{report['rows_read']:,} read, {report['train']['rows']:,} to train, "
        f"{report['validation']['rows']:,} held out to measure"
    )


def _overlong(overlong: dict[str, Any], max_tokens: int) -> str:
    return (
        f"{overlong['rows']:,} rows above {max_tokens} tokens: {overlong['policy']}; "
        f"{overlong['tokens_total_lost']:,} tokens lost, {overlong['tokens_trained_lost']:,} of them "
        "trained ones"
    )


def show_result(result: RunResult, console: Console) -> None:
    """Print what changed and what to do next."""
    console.print()
    if result.evaluation:
        console.print(_result_table(result.evaluation))
    steps = f"{result.training.steps} steps in {_duration(result.seconds.get('train', 0.0))}"
    console.print(Text(f"{steps}, everything in {_duration(sum(result.seconds.values()))}."))
    console.print(Text(f"Talk to it:   migaki chat {result.folder}"), soft_wrap=True)
    console.print(Text("Report:"), end=" ")


def _result_table(evaluation: dict[str, Any]) -> Table:
    before, after = evaluation["before"], evaluation["after"]
    change = evaluation["change"]
    table = Table(box=None, pad_edge=False)
    for title in ("", "before", "after", "change"):
        table.add_column(
            title, justify="left" if not title else "right", style="bold" if not title else ""
        )
    if before.get("validation") and after.get("validation"):
        table.add_row(
            "bits per character, held-out rows",
            f"{before['validation']['bits_per_character']:.3f}",
            f"{after['validation']['bits_per_character']:.3f}",
            f"{100 * change['bits_per_character_relative']:+.1f} %",
        )
    if before.get("answers") and after.get("answers"):
        table.add_row(
            "polite sentence endings in answers",
            f"{100 * before['answers']['polite_share']:.0f} %",
            f"{100 * after['answers']['polite_share']:.0f} %",
            f"{change['polite_share_points']:+.0f} points",
        )
    return table


def _count(number: int) -> str:
    for size, unit in ((1_000_000_000, "billion"), (1_000_000, "million")):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number:,}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
