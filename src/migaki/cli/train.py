"""``migaki train``: read the recipe, ask, show the plan, run it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from migaki.cli.console import err, is_interactive, out, quiet_transformers
from migaki.cli.one_voice import is_launched, one_voice
from migaki.errors import UsageError

if TYPE_CHECKING:
    from migaki.recipes.fine_tune import RunResult
    from migaki.recipes.recipe import Recipe


@one_voice()
def train(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RECIPE] [KEY=VALUE]...",
            help="A recipe (YAML file or built-in: first-run, lora, qlora, full), then overrides "
            "such as training.learning_rate=1e-4 data.max_tokens=1024.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Hub id, local folder, or migaki-tiny (embedded)."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            "-d",
            help="File, folder or glob; again for more. JSONL, JSON, Parquet, CSV, TSV or TXT; the "
            "format (Alpaca, ShareGPT, messages, prompt/completion, text) is found from the data. "
            "'samples' are the embedded chats.",
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="trial (generated samples), development (real data where there is some) or production "
            "(all of it, or nothing): the data of --base-dir that a run needs."
        ),
    ] = None,
    base_dir: Annotated[
        Path | None,
        typer.Option(
            help="Data folder of --mode: dataset/deepseek-jp if none.", show_default=False
        ),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="lora, qlora (4-bit base, GPU) or full (every weight).")
    ] = None,
    continue_from: Annotated[
        str | None,
        typer.Option(
            help="Train on, in a new run, what a run, an adapter, a checkpoint or a whole model holds; "
            "continue_adapter=stack freezes an adapter and trains a new one on it.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run and of its folder.")] = None,
    on_bad_row: Annotated[
        str | None,
        typer.Option(
            help="error: stop at rows that cannot be used. skip: leave out, count, keep in rejected.jsonl."
        ),
    ] = None,
    on_overlong: Annotated[
        str | None,
        typer.Option(
            help="Rows above data.max_tokens: truncate, drop, split or error. Always counted."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a stopped run: --name's, or the latest.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show the plan (rows, tokens, steps, memory, time) and stop."
        ),
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the plan or the result as JSON on stdout.")
    ] = False,
) -> None:
    """Adapt a model to Japanese text, measure it before and after, and write a report.

    Without anything it adapts the embedded model with the embedded sample chats: about a minute,
    no network. Then point it at your own file:

      migaki train --data my_chats.jsonl

      migaki train --model Qwen/Qwen2.5-1.5B-Instruct --data my_chats.jsonl --data corpus.txt

      migaki train my_recipe.yaml training.num_epochs=2 --dry-run

      migaki train --continue-from runs/NAME --data more_chats.jsonl

    Ctrl-C writes a checkpoint; `migaki train --resume` goes on from it, exactly.
    """
    from migaki.recipes.recipe import read_recipe

    source, overrides = _split(arguments or [])
    settings = _settings(
        model=model,
        data=data,
        method=method,
        continue_from=continue_from,
        name=name,
        on_bad_row=on_bad_row,
        on_overlong=on_overlong,
    )
    if mode or base_dir:
        _take_mode(settings, mode, base_dir, is_resumed=resume)
    if resume:
        if dry_run:
            raise UsageError(
                "--resume and --dry-run were given together; a resumed run keeps its plan.",
                hint="Leave one out.",
            )
        _resume(source, overrides, settings, name=name, json_output=json_output)
        return
    recipe, origin = read_recipe(source, settings=settings, overrides=overrides)
    alone = is_interactive() and not is_launched()
    asking = alone and not yes and not dry_run and not json_output
    if asking:
        from migaki.cli.questions import ask_recipe

        recipe = ask_recipe(recipe)
    _run(recipe, origin, asking=asking, dry_run=dry_run, json_output=json_output)


def _split(arguments: list[str]) -> tuple[str | None, list[str]]:
    recipes = [argument for argument in arguments if "=" not in argument]
    if len(recipes) > 1:
        raise UsageError(
            f"Two recipes were given: {' and '.join(recipes[:2])}.",
            hint="Give one recipe; overrides are written key=value, data files --data FILE.",
        )
    return (recipes[0] if recipes else None), [a for a in arguments if "=" in a]


def _settings(**flags: Any) -> dict[str, Any]:
    """Turn the flags that were given into the nested settings that they stand for."""
    places = {
        "model": ("model", "name"),
        "data": ("data", "train"),
        "on_bad_row": ("data", "on_bad_row"),
        "on_overlong": ("data", "on_overlong"),
    }
    settings: dict[str, Any] = {}
    for flag, value in flags.items():
        if value is None:
            continue
        *sections, key = places.get(flag, (flag,))
        target = settings
        for section in sections:
            target = target.setdefault(section, {})
        target[key] = value
    return settings


def _take_mode(
    settings: dict[str, Any], mode: str | None, base_dir: Path | None, *, is_resumed: bool
) -> None:
    """Put the data of a mode into the settings, and say what it is."""
    from migaki.recipes.data_mode import data_of_mode

    if mode is None:
        raise UsageError("--base-dir is the data folder of a mode.", hint="Give --mode too.")
    if is_resumed:
        raise UsageError("--resume keeps the data of its run.", hint="Leave --mode out.")
    data = settings.setdefault("data", {})
    found, reason = data_of_mode(mode, base_dir=base_dir, names=data.get("train"))
    data.update(found)
    err.print(reason, style="cyan", soft_wrap=True, highlight=False)


def _run(recipe: Recipe, origin: str, *, asking: bool, dry_run: bool, json_output: bool) -> None:
    from migaki.cli.plan_view import show_plan
    from migaki.cli.progress import JobProgress
    from migaki.recipes.fine_tune import carry_out
    from migaki.recipes.plan import check_memory, make_plan

    quiet_transformers()
    with JobProgress(err) as progress:
        plan = make_plan(recipe, origin=origin, on_progress=progress.on_progress)
    if dry_run and json_output:
        out.print_json(data=plan.to_json() | {"data": plan.data.report.to_json()})
    else:
        show_plan(plan, out if dry_run else err)
    check_memory(plan)
    if dry_run:
        return
    if asking and not _confirmed():
        err.print("Nothing was done.")
        return
    with JobProgress(err) as progress:
        result = carry_out(plan, observer=progress)
    _show(result, json_output=json_output)


def _confirmed() -> bool:
    import questionary

    return bool(questionary.confirm("Start?", default=True).unsafe_ask())


def _resume(
    source: str | None,
    overrides: list[str],
    settings: dict[str, Any],
    *,
    name: str | None,
    json_output: bool,
) -> None:
    from migaki.cli.progress import JobProgress
    from migaki.config import parse_overrides
    from migaki.recipes.fine_tune import resume

    quiet_transformers()
    given = parse_overrides(overrides)
    output_dir = given.pop("output_dir", "runs")
    if not isinstance(output_dir, str):
        raise UsageError(f"output_dir is {output_dir!r}, which is no path.")
    if "continue_from" in {*settings, *given}:
        raise UsageError(
            "--resume and --continue-from were given together. --resume finishes a stopped run in its "
            "own folder, with its recipe and data; --continue-from begins a new run with the weights "
            "of another.",
            hint="Give one of them.",
        )
    if source or given or set(settings) - {"name"}:
        raise UsageError(
            "A resumed run keeps the recipe that it began with; other settings were given too.",
            hint="Give only --resume [--name NAME] [output_dir=PATH], or start a new run.",
        )
    with JobProgress(err) as progress:
        result = resume(Path(os.path.expanduser(output_dir)), name, observer=progress)
    _show(result, json_output=json_output)


def _show(result: RunResult, *, json_output: bool) -> None:
    from migaki.cli.plan_view import show_result

    if json_output:
        out.print_json(
            data={
                "run": str(result.folder),
                "report": str(result.report),
                "evaluation": result.evaluation,
                "seconds": result.seconds,
            }
        )
    else:
        show_result(result, err)
        out.print(str(result.report), soft_wrap=True, highlight=False)
