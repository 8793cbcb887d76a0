"""``migaki data preview`` and ``check``: data as the model will see it, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from migaki.cli.console import err, out
from migaki.errors import UsageError

if TYPE_CHECKING:
    from rich.text import Text

    from migaki.dataset.config import DataConfig
    from migaki.dataset.prepare import PreparedData
    from migaki.dataset.preview import PreviewRow, PreviewToken

_MODEL = "migaki-tiny"
_LISTED = 20

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE…] [KEY=VALUE…]",
        help="Files, folders or globs ('samples', the embedded chats, if none), and overrides such "
        "as data.max_tokens=512 or 'data.columns={text: body}'.",
    ),
]
Model = Annotated[
    str,
    typer.Option("--model", "-m", help="Whose tokenizer and chat template are used."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


def preview(
    arguments: Arguments = None,
    model: Model = _MODEL,
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="How many examples.")] = 3,
    line: Annotated[
        int | None, typer.Option(help="Show the row of this line (with one file).")
    ] = None,
    random: Annotated[
        bool, typer.Option("--random", help="Examples from all over the data, not the first.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Show text, tokens and what of it is trained.

    Trained tokens are bright, the prompt is dim, each token has a background of its own. Without
    colour, trained parts stand in ⟦brackets⟧ and tokens are divided by ╎.

      migaki data preview my_chats.jsonl

      migaki data preview my_chats.jsonl --model Qwen/Qwen2.5-1.5B-Instruct --line 12
    """
    from migaki.dataset.preview import preview as show
    from migaki.dataset.token_dataset import TokenDataset

    data, tokenizer = _prepare(arguments, model, {"on_bad_row": "skip", "held_out": 0.0})
    dataset: TokenDataset = data.train
    chosen = _choose(data, rows=rows, line=line, random=random)
    shown = show(dataset, tokenizer, chosen)
    if json_output:
        out.print_json(data=[row.to_json() for row in shown])
        return
    for row in shown:
        _print_row(row)
    _print_legend()
    total, trained = dataset.total_tokens, dataset.trained_tokens
    report = data.report
    err.print(
        f"{len(shown)} of {len(dataset):,} examples from {report.rows_kept:,} of "
        f"{report.rows_read:,} rows; {trained:,} of {total:,} tokens are trained.",
        soft_wrap=True,
    )
    if data.rejected:
        err.print("Some rows cannot be used: migaki data check says which and why.", style="yellow")


def check(
    arguments: Arguments = None,
    model: Model = _MODEL,
    listed: Annotated[
        int, typer.Option("--list", min=0, help="List at most so many unusable rows.")
    ] = _LISTED,
    json_output: Json = False,
) -> None:
    """Read everything, and say what will be used, what will not, and why.

    Exit status 1 if a row cannot be used, so that a script can stop there.

      migaki data check my_chats.jsonl data.max_tokens=1024
    """
    data, _ = _prepare(arguments, model, {"on_bad_row": "skip"})
    bad = [row for row in data.rejected]
    if json_output:
        out.print_json(
            data=data.report.to_json()
            | {"rejected_rows": [{k: v for k, v in r.to_json().items() if k != "row"} for r in bad]}
        )
    else:
        _print_check(data, model, listed)
    if bad:
        raise typer.Exit(1)


# ── what both need ───────────────────────────────────────────────────────────────────────────────


def _prepare(
    arguments: list[str] | None, model: str, fixed: dict[str, Any]
) -> tuple[PreparedData, Any]:
    from migaki.cli.progress import JobProgress
    from migaki.dataset.prepare import prepare
    from migaki.models.loading import load_tokenizer

    config = _config(arguments or [], fixed)
    tokenizer = load_tokenizer(model)
    with JobProgress(err) as progress:
        return prepare(config, tokenizer, on_progress=progress.on_progress), tokenizer


def _config(arguments: list[str], fixed: dict[str, Any]) -> DataConfig:
    from migaki import config
    from migaki.dataset.config import DataConfig

    files = [a for a in arguments if "=" not in a or Path(a).exists()]
    texts = [a.removeprefix("data.") for a in arguments if a not in files]
    settings = config.parse_overrides(texts)
    if "train" in settings and files:
        raise UsageError(
            "Files were given twice: as arguments and as data.train.", hint="Choose one."
        )
    if files:
        settings["train"] = files
    return config.build(DataConfig, {**fixed, **settings}, where="the data settings")


# ── preview ──────────────────────────────────────────────────────────────────────────────────────


def _choose(data: PreparedData, *, rows: int, line: int | None, random: bool) -> list[int]:
    count = len(data.train)
    if line is not None:
        found = [i for i, origin in enumerate(data.train.origins) if origin.line == line]
        if found:
            return found
        why = [row.reason for row in data.rejected if row.line == line]
        raise UsageError(
            f"Line {line} is not among the examples"
            + (f": it cannot be used ({why[0]})." if why else ": no row begins there.")
        )
    if random:
        import random as random_module

        return sorted(random_module.Random(0).sample(range(count), min(rows, count)))
    return list(range(min(rows, count)))


def _print_row(row: PreviewRow) -> None:
    from rich.text import Text

    share = row.trained / row.total if row.total else 0
    head = Text(f"── {row.path}:{row.line}" if row.path else "──", style="bold")
    head.append(f"  {row.total} tokens, {row.trained} trained ({share:.0%})", style="not bold")
    if not row.ends:
        head.append("  no end of turn: cut off or continued", style="bold yellow")
    out.print(head, soft_wrap=True)
    out.print(
        _coloured(row) if _has_colour() else Text(_bracketed(row)), soft_wrap=not _has_colour()
    )
    out.print()


def _has_colour() -> bool:
    return out.is_terminal and out.color_system is not None and not out.no_color


def _coloured(row: PreviewRow) -> Text:
    from rich.text import Text

    text = Text()
    for number, token in enumerate(row.tokens):
        body = _visible(token)
        last = number + 1 == len(row.tokens) or not row.tokens[number + 1].trained
        style = _style(token, odd=bool(number % 2), last=last)
        lines = body.split("\n")
        for part in lines[:-1]:
            text.append(part, style=style)
            text.append("\n")
        text.append(lines[-1], style=style)
    return text


def _style(token: PreviewToken, *, odd: bool, last: bool) -> str:
    # 256-colour backgrounds: two near shades of green and of grey, so that borders can be seen.
    if token.control and token.trained:
        return "bold black on gold1" if last else "bold black on green3"
    if token.control:
        return "cyan on grey19"
    if token.trained:
        style = "bold white on dark_green" if odd else "bold white on color(28)"
    else:
        style = "grey62 on grey15" if odd else "grey62 on grey7"
    return f"{style} underline" if token.partial else style


def _visible(token: PreviewToken) -> str:
    return token.text.replace("\n", "⏎\n").replace("\t", "→").replace("\r", "␍")


def _bracketed(row: PreviewRow) -> str:
    """Return the example without colour: ⟦trained⟧ and tokens divided by ╎."""
    text, inside = "", False
    for number, token in enumerate(row.tokens):
        if token.trained != inside:
            text += "⟦" if token.trained else "⟧"
            inside = token.trained
        elif number:
            text += "╎"
        text += _visible(token)
    return text + ("⟧" if inside else "")


def _print_legend() -> None:
    from rich.text import Text

    if not _has_colour():
        err.print("⟦trained⟧  token╎token  ⏎ line end", highlight=False, markup=False)
        return
    legend = Text()
    for sample, style in (
        (" trained ", "bold white on dark_green"),
        (" end of turn, trained ", "bold black on gold1"),
        (" not trained ", "grey62 on grey15"),
        (" control token ", "cyan on grey19"),
        (" one character of several tokens ", "grey62 on grey15 underline"),
    ):
        legend.append(sample, style=style)
        legend.append("  ")
    legend.append("⏎ line end")
    err.print(legend)


# ── check ────────────────────────────────────────────────────────────────────────────────────────


def _print_check(data: PreparedData, model: str, listed: int) -> None:
    from rich.table import Table
    from rich.text import Text

    report = data.report
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for label, value in [*_files(data), *_figures(data, model)]:
        table.add_row(label, Text(value))
    out.print(table)
    for note, rows in report.notes.items():
        out.print(Text(f"Note: {rows:,} rows: {note}."), soft_wrap=True)
    for warning in report.warnings:
        out.print(Text(f"Note: {warning}", style="yellow"), soft_wrap=True)
    _print_rejected(data, listed)


def _files(data: PreparedData) -> list[tuple[str, str]]:
    found = []
    for file in data.report.files:
        licences = ", ".join(f"{name} ({rows:,})" for name, rows in file.licences.items())
        found += [
            ("file", f"{file.path}: {file.kept:,} of {file.rows:,} rows can be used"),
            ("  format", f"{file.format}: {file.format_reason}"),
            ("  encoding", f"{file.encoding}: {file.encoding_reason}"),
            ("  licence", licences or "not stated in the rows"),
        ]
    return found


def _figures(data: PreparedData, model: str) -> list[tuple[str, str]]:
    report = data.report
    train, held = report.train, report.validation
    tokens, trained = train["tokens"], train["trained_tokens"]
    found = [
        ("rows", f"{report.rows_read:,} read = {report.rows_kept:,} used + "
                 f"{report.rows_read - report.rows_kept:,} not used"),
        ("held out", f"{held['rows']:,} ({report.split.method})"),
        ("duplicates", f"{report.split.duplicate_rows:,} rows are nearly the same as an earlier one; "
                       f"the largest group has {report.split.largest_group:,}"),
        ("examples", f"{train['examples']:,} to train; {train['tokens_median']:,} tokens in the "
                     f"middle, 95 % have at most {train['tokens_p95']:,}, the longest "
                     f"{train['tokens_longest']:,}"),
        ("tokens", f"{tokens:,} with the tokenizer of {model}, {trained:,} trained "
                   f"({trained / max(1, tokens):.0%}); {train['characters_per_token']:.2f} characters "
                   "per token"),
    ]  # fmt: skip
    over = report.overlong
    if over.rows:
        found.append(
            ("over-length", f"{over.rows:,} rows above {over.max_tokens:,} tokens ({over.policy}): "
                            f"{over.tokens_total_lost:,} tokens lost, {over.tokens_trained_lost:,} of "
                            "them trained ones")
        )  # fmt: skip
    if report.template:
        found.append(
            ("turns end with", f"{', '.join(report.end_of_turn)}, trained; {report.template}")
        )
    if report.text_ends_with:
        found.append(("texts end with", f"{report.text_ends_with}, trained"))
    return found


def _print_rejected(data: PreparedData, listed: int) -> None:
    from rich.text import Text

    if not data.rejected:
        out.print(Text("Every row can be used.", style="green"))
        return
    count = len(data.rejected)
    out.print(Text(f"{count:,} rows cannot be used:", style="bold red"))
    for reason, rows in data.report.rejected.items():
        out.print(Text(f"  {rows:,} × {reason}"), soft_wrap=True)
    for row in data.rejected[:listed]:
        out.print(Text(f"  {row.path}:{row.line}: {row.reason}"), soft_wrap=True)
    if count > listed:
        out.print(Text(f"  and {count - listed:,} more (--list {count} shows all)"))
    err.print("Repair them, or train with --on-bad-row skip.", style="cyan")
