"""``migaki data ablation``: train with and without, and say what that shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migaki.cli.choices import words_of
from migaki.cli.console import err, out, quiet_transformers
from migaki.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from migaki.recipes.ablation import Ablation

_FIRST_SEED = 42
_FEW_SEEDS = 3


def ablation(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE…] [KEY=VALUE…]",
            help="Training files ('samples' if none), and overrides of the recipe such as "
            "training.num_epochs=1.",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False, help="Folder for runs and results."
        ),
    ] = Path("runs/ablation"),
    model: Annotated[
        str, typer.Option("--model", "-m", help="Hub id, local folder, or migaki-tiny (embedded).")
    ] = "migaki-tiny",
    seeds: Annotated[
        int, typer.Option(min=1, max=21, help="Pairs of runs; fewer than 3 show little.")
    ] = 3,
    variants: Annotated[
        int, typer.Option("--variants", "-n", min=1, help="Variants of each row, at most.")
    ] = 3,
    operators: Annotated[
        str | None,
        typer.Option(help="Operators or families, divided by commas. All for training if none."),
    ] = None,
    select: Annotated[
        int | None,
        typer.Option(
            min=1, help="Compare so many selected rows with as many drawn at random, instead."
        ),
    ] = None,
    force_licence: Annotated[
        bool,
        typer.Option("--force-licence", help="Vary rows whose licence forbids changed texts too."),
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON on stdout.")
    ] = False,
) -> None:
    """Does augmentation, or a selection, help with your data? Train with and without it, and compare.

    Some rows are held out. On the rest, as they are and with their variants, the model is trained with
    each seed for the same number of steps, and measured on the held-out rows. A difference counts as
    shown when its 95 % interval over the seeds leaves zero out.

      migaki data ablation my_chats.jsonl -o runs/does-it-help

      migaki data ablation my_chats.jsonl --operators adverbs,particles --seeds 5 training.num_epochs=1

      migaki data ablation my_chats.jsonl --select 200

    After Ctrl-C the same command goes on; runs that are complete are not run again.
    """
    from migaki.cli.progress import JobProgress
    from migaki.corpus.augmentation import Augmentation
    from migaki.recipes.ablation import run_ablation
    from migaki.recipes.ablation_arms import augmented_rows, every_row, random_rows, selected_rows
    from migaki.recipes.recipe import read_recipe

    given = arguments or []
    files = [argument for argument in given if "=" not in argument] or ["samples"]
    overrides = [argument for argument in given if "=" in argument]
    if any(override.startswith("training.seed") for override in overrides):
        raise UsageError("training.seed was given; every seed has runs of its own.",
                         hint="Leave it out and say how many: --seeds 3.")  # fmt: skip
    recipe, _ = read_recipe(
        settings={"model": {"name": model}, "data": {"train": files}}, overrides=overrides
    )
    asked = Augmentation(
        variants=variants,
        operators=words_of(operators),
        on_bad_row="skip",
        force_licence=force_licence,
    )
    arms = (
        (every_row(), augmented_rows(asked))
        if select is None
        else (random_rows(select), selected_rows(select))
    )
    quiet_transformers()
    with JobProgress(err) as progress:
        result = run_ablation(
            recipe,
            arms,
            seeds=range(_FIRST_SEED, _FIRST_SEED + seeds),
            folder=output,
            observer=progress,
        )
    if json_output:
        out.print_json(data=result.to_json())
        return
    err.print(_table(result))
    for name, description in result.arms.items():
        err.print(f"  {name}: {description}", soft_wrap=True, highlight=False)
    for difference in result.differences:
        spread = "no interval from one seed"
        if difference.interval:
            low, high = difference.interval
            spread = f"95 % interval {low:+.2f} to {high:+.2f}"
        err.print(f"  {difference.measure}: {difference.mean:+.2f} ({spread}): {difference.verdict}",
                  soft_wrap=True, highlight=False)  # fmt: skip
    if seeds < _FEW_SEEDS:
        err.print(
            f"  {seeds} seeds show little: with {_FEW_SEEDS} or more a verdict means something.",
            style="yellow",
        )
    out.print(str(result.folder / "ablation.json"), soft_wrap=True, highlight=False)


def _table(result: Ablation) -> Table:
    from rich.table import Table

    table = Table(title=f"{result.steps:,} steps a run", title_justify="left")
    for heading in (
        "rows trained on",
        "seed",
        "rows",
        "bits per character",
        "polite",
        "repetitive",
    ):
        table.add_column(heading, justify="left" if heading == "arm" else "right")
    for run in result.runs:
        table.add_row(
            run.arm,
            str(run.seed),
            f"{run.rows:,}",
            f"{run.before:.3f} → {run.bits_per_character:.3f}",
            f"{100 * run.polite_share:.0f} %",
            f"{100 * run.repetitive_share:.0f} %",
        )
    return table
