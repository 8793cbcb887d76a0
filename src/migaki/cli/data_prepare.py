"""``migaki data prepare``: sources to cleaned files with a manifest."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from migaki.cli.console import err, out
from migaki.errors import UsageError

if TYPE_CHECKING:
    from migaki.corpus.configured_inputs import ConfiguredInput
    from migaki.corpus.manifest import Manifest
    from migaki.corpus.pipeline import Preparation
    from migaki.corpus.pipeline_config import PipelineConfig
    from migaki.corpus.run_plan import RunPlan

_LOOK_EVERY_S = 0.5


def prepare(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE…] [KEY=VALUE…]",
            show_default=False,
            help="Names (migaki data list), files, folders or hub:OWNER/NAME; and settings such as "
            "cleaning.length.min_japanese=200 or engine.slurm.partition=cpu.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", show_default=False, help="Where to write."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", show_default=False, help="YAML with the same settings."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Cleaning: web, swallow, encyclopaedia, literature, technical, dialogue, none, or auto, which "
            "goes by the kind of the source.",
        ),
    ] = None,
    deduplicate: Annotated[
        bool,
        typer.Option(
            "--deduplicate",
            help="Leave out documents that say the same as another, within and across sources; without "
            "it nothing is looked for.",
        ),
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Licence of the files and folders that are named, for rows that state none (migaki "
            "data list --licences).",
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="local, slurm or ray: where the tasks run.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            "-w",
            min=1,
            help="Tasks at once; all cores if none. The output does not depend on it.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first N rows of each source, for a trial.")
    ] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help="jsonl (with zstd) or parquet.")
    ] = None,
    rejected: Annotated[
        bool | None,
        typer.Option(
            "--rejected/--no-rejected", help="Write rejected documents too, with reasons."
        ),
    ] = None,
    on_damage: Annotated[
        str | None,
        typer.Option(
            help="A file that breaks off: error (the default), or skip: keep what was read of it."
        ),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Text encoding of local files that the configuration says nothing of."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Throw away what an earlier run left in DIR.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print the outcome or the plan as JSON on stdout.")
    ] = False,
) -> None:
    """Read sources, clean them, and write files with a manifest.

    DIR/data holds the documents that were kept, DIR/manifest.json where they come from, under which
    licence, and what became of all others. Stopped or killed, the same command goes on.

      migaki data prepare articles.jsonl --out cleaned

      migaki data prepare wikipedia --limit 1000 --out trial

      migaki data prepare dumps/ chats.jsonl --config corpus.yaml --out cleaned --workers 8

      migaki data prepare dumps/ --out /shared/cleaned --engine slurm engine.slurm.partition=cpu
    """
    from migaki.corpus.configured_inputs import (
        configured_inputs,
        with_licence,
        with_task_size,
    )
    from migaki.corpus.deduplication import DeduplicationConfig
    from migaki.corpus.pipeline import run_plan
    from migaki.corpus.run_plan import make_plan

    flags = {
        "cleaning": {"preset": preset},
        "engine": {"kind": engine, "workers": workers},
        "limit": limit,
        "output": {"format": file_format, "rejected": rejected},
        "on_damage": on_damage,
    }
    chosen = _config(config, arguments or [], flags, encoding=encoding)
    if licence:
        chosen = with_licence(chosen, licence)
    chosen = with_task_size(chosen)
    if deduplicate and chosen.deduplicate is None:
        chosen.deduplicate = DeduplicationConfig()
    if folder is None and not dry_run:
        raise UsageError(
            "It was not said where to write.",
            hint="For example: migaki data prepare articles.jsonl --out cleaned",
        )
    inputs = configured_inputs(chosen)
    plan = make_plan([item.input for item in inputs], config=chosen)
    if dry_run or folder is None:
        _show_plan(inputs, plan, chosen, json_output=json_output)
        return
    _say_presets(inputs)
    _say_code(inputs)
    began_s = time.monotonic()
    with _watched(folder, plan, anew=overwrite):
        done = run_plan(plan, out=folder, config=chosen, overwrite=overwrite)
    _show(done, folder, seconds=time.monotonic() - began_s, json_output=json_output)
    if done.manifest:
        _warn_of_nothing_kept(done.manifest, inputs)
        _warn_of_conversations(done.manifest)


def _config(
    path: Path | None,
    arguments: Sequence[str],
    flags: Mapping[str, Any],
    *,
    encoding: str | None = None,
) -> PipelineConfig:
    from migaki import config
    from migaki.corpus.pipeline_config import PipelineConfig

    names = [a for a in arguments if "=" not in a or Path(a).exists()]
    texts = [a for a in arguments if a not in names]
    settings = config.read_yaml(path, called="configuration file") if path else {}
    settings = config.merge(settings, config.parse_overrides(texts))
    settings = config.merge(settings, _given(flags))
    if names:
        own = settings.get("sources") or {}
        if not isinstance(own, Mapping):
            own = {}  # the names win over what is no mapping of names
        settings["sources"] = {name: own.get(name) for name in names}
    if encoding and isinstance(settings.get("sources"), Mapping):
        settings["sources"] = {
            name: config.merge({"encoding": encoding}, source or {})
            for name, source in settings["sources"].items()
        }
    where = f"the configuration {path}" if path else "the command line"
    return config.build(PipelineConfig, settings, where=where)


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flags that were used."""
    found = {
        name: _given(value) if isinstance(value, Mapping) else value
        for name, value in flags.items()
    }
    return {name: value for name, value in found.items() if value is not None and value != {}}


# ── while it runs ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _watched(folder: Path, plan: RunPlan, *, anew: bool) -> Iterator[None]:
    """Show how far the run is, looked up beside it now and then."""
    from migaki.cli.progress import JobProgress
    from migaki.corpus.cleaning_step import WorkFolder
    from migaki.corpus.run_progress import ProgressWatch

    watch, over = ProgressWatch(WorkFolder(folder)), threading.Event()
    first = watch.look()
    began_s = time.monotonic()

    def look(progress: JobProgress) -> None:
        while not over.wait(_LOOK_EVERY_S):
            now = watch.look()
            speed = (now.bytes - first.bytes) / 1e6 / max(1e-9, time.monotonic() - began_s)
            note = f"{now.rows:,} rows  {speed:,.1f} MB/s  {now.tasks_running} running"
            progress.on_progress("tasks", now.tasks_done, len(plan.tasks), note=note)

    with JobProgress(err) as progress:
        if not anew and 0 < first.tasks_done <= len(plan.tasks):  # more are those of another plan
            progress.say(f"going on after {first.tasks_done:,} of {len(plan.tasks):,} tasks")
        thread = threading.Thread(target=look, args=(progress,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def _say_presets(inputs: Sequence[ConfiguredInput]) -> None:
    for item in inputs:
        err.print(
            f"{item.input.reader.name}: cleaned as {item.preset}: {item.reason}.",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )


def _say_code(inputs: Sequence[ConfiguredInput]) -> None:
    if code := dict.fromkeys(name for item in inputs for name in item.named_code):
        err.print(
            f"The configuration runs code: {', '.join(code)}.",
            style="yellow",
            soft_wrap=True,
            markup=False,
        )


# ── plan and outcome ─────────────────────────────────────────────────────────────────────────────


def _show_plan(
    inputs: Sequence[ConfiguredInput], plan: RunPlan, config: PipelineConfig, *, json_output: bool
) -> None:
    from rich.text import Text

    if json_output:
        listed = [_planned(item, plan) for item in inputs]
        typer.echo(json.dumps({"sources": listed, "tasks": len(plan.tasks)}, ensure_ascii=False))
        return
    for item in inputs:
        facts = _planned(item, plan)
        head = Text(str(facts["source"]), style="bold")
        size = f"{facts['bytes'] / 1e6:,.1f} MB in {facts['shards']:,} shards"
        out.print(
            head.append(f"  {size}, licence {facts['licence']}", style="not bold"), soft_wrap=True
        )
        out.print(Text(f"  cleaned as {item.preset}: {item.reason}"), soft_wrap=True)
        out.print(Text(f"  stages: {', '.join(facts['stages']) or 'none'}"), soft_wrap=True)
    _say_code(inputs)
    engine = config.engine
    at_once = f"{engine.workers} at once" if engine.workers else "on all cores"
    out.print(
        Text(
            f"{len(plan.tasks):,} tasks ({engine.kind}, {at_once}), files of up to "
            f"{config.output.file_mb:,} MB ({config.output.format})."
        ),
        soft_wrap=True,
    )


def _planned(item: ConfiguredInput, plan: RunPlan) -> dict[str, Any]:
    reader = item.input.reader
    shards = [
        shard for task in plan.tasks if task.reader.name == reader.name for shard in task.shards
    ]
    return {
        "source": reader.name,
        "licence": reader.licence,
        "preset": item.preset,
        "reason": item.reason,
        "stages": [stage.name for stage in item.input.stages],
        "runs_code": list(item.named_code),
        "shards": len(shards),
        "bytes": sum(shard.size_bytes for shard in shards),
    }


def _show(done: Preparation, folder: Path, *, seconds: float, json_output: bool) -> None:
    from rich.text import Text

    if done.manifest is None:
        jobs = ", ".join(done.jobs)
        if json_output:
            typer.echo(json.dumps({"jobs": done.jobs, "tasks_done": done.tasks_before}))
        err.print(
            Text(
                f"{done.tasks_before:,} of {done.tasks:,} tasks are done; the rest is with Slurm: jobs "
                f"{jobs}. The same command says how far they are, and hands over again what failed."
            ),
            soft_wrap=True,
        )
        return
    manifest = done.manifest
    if json_output:
        typer.echo(json.dumps(_outcome(manifest, folder), ensure_ascii=False))
        return
    if done.tasks_before == done.tasks:
        err.print(Text(f"{folder} was complete already."), soft_wrap=True)
    else:
        speed = manifest.counts["bytes_read"] / 1e6 / max(1e-9, manifest.made["cpu_s"])
        err.print(
            Text(f"Wrote {folder} in {seconds:,.1f} s; {speed:,.2f} MB of text for each second of a "
                 "core."),
            soft_wrap=True,
        )  # fmt: skip
    _print_outcome(manifest)


def _outcome(manifest: Manifest, folder: Path) -> dict[str, Any]:
    return {
        "output": str(folder),
        "counts": manifest.counts,
        "rejected": manifest.rejected,
        "changes": manifest.changes,
        "licences": manifest.licences,
        "sources": manifest.sources,
        "damaged": manifest.damaged,
        "outputs": [asdict(file) for file in manifest.outputs],
        "data_sha256": manifest.data_sha256,
    }


def _print_outcome(manifest: Manifest) -> None:
    from rich.table import Table
    from rich.text import Text

    counts = manifest.counts
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    table.add_column(justify="right", style="dim")
    duplicates = () if manifest.duplicates is None else ("duplicates",)
    names = ("read", *duplicates, "kept", "bad_rows")
    rows = [(name.replace("_", " "), counts[name]) for name in names]
    rows += [
        (f"rejected by {stage}: {reason}", count)
        for stage, reasons in manifest.rejected.items()
        for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    ]
    for label, count in rows:
        table.add_row(Text(label), f"{count:,}", f"{count / max(1, counts['read']):.1%}")
    for name, count in manifest.changes.items():
        table.add_row(Text(f"changes in kept documents: {name}"), f"{count:,}", "")
    out.print(table)
    for source, found in manifest.sources.items():
        told = ", ".join(
            f"{found[n]:,} {n.replace('_', ' ')}" for n in ("read", "kept", "rejected", "bad_rows")
        )
        out.print(Text(f"{source}: {told}"), soft_wrap=True)
    for source, licences in manifest.licences.items():
        listed = ", ".join(f"{name} ({count:,})" for name, count in licences.items())
        out.print(Text(f"{source}: licence {listed}"), soft_wrap=True)
    for damage in manifest.damaged:
        err.print(Text(f"Broke off: {damage}", style="yellow"), soft_wrap=True)
    for row in manifest.bad_rows[:5]:
        err.print(
            Text(f"  {row['file']}:{row['line']}: {row['reason']}", style="yellow"), soft_wrap=True
        )


_PRESET_HINTS: Mapping[str, str] = {
    "dialogue": "chats and short texts",
    "technical": "manuals",
    "none": "all that can be read",
}


def _warn_of_conversations(manifest: Manifest) -> None:
    """Say aloud that training on what was written is not training on chats."""
    from rich.text import Text

    from migaki.corpus.cleaning_step import AS_TEXT

    count = manifest.changes.get(AS_TEXT, 0)
    if count:
        err.print(
            Text(
                f"{count:,} conversations were written as text, without their speakers: a model trained on "
                "them learns plain text. To clean chats as chats: migaki data clean chats.jsonl -o "
                "clean.jsonl --preset dialogue",
                style="yellow",
            ),
            soft_wrap=True,
        )


def _warn_of_nothing_kept(manifest: Manifest, inputs: Sequence[ConfiguredInput]) -> None:
    """Say aloud that a source is lost, to what, and what to try: a run that keeps nothing succeeds too."""
    from rich.text import Text

    preset_of = {item.input.reader.name: item.preset for item in inputs}
    for source, found in manifest.sources.items():
        reasons = {name: n for name, n in found.items() if name.startswith("rejected by ")}
        if found["kept"] or not reasons:
            continue
        reason, count = max(reasons.items(), key=lambda item: item[1])
        used = preset_of.get(source, "")
        others = [f"--preset {p} ({what})" for p, what in _PRESET_HINTS.items() if p != used]
        err.print(
            Text(
                f"NOTHING of {source} was kept: {count:,} of {found['read']:,} rows were {reason}. It was "
                f"cleaned as {used}; try {' or '.join(others)} with another --out or --overwrite. "
                "--rejected lists each row with its reason.",
                style="bold red",
            ),
            soft_wrap=True,
        )
