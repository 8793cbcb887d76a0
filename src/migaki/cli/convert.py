"""``migaki convert``: lines of text into another register, one line for each line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from migaki.linguistics.register import Conversion

_FENCE = "```"
_ALTERNATIVES = 5


def convert(
    to: Annotated[str, typer.Option(help="The register to write: plain, polite or honorific.")],
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A text file of any Japanese encoding; else stdin."),
    ] = None,
    show_all: Annotated[
        bool,
        typer.Option("--all", help="Every right outcome of a line, best first, tabs between."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON Lines with the edits, for a program.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="fugashi (UniDic), or sudachi: pip install 'migaki\\[sudachi]'.")
    ] = "fugashi",
) -> None:
    """Rewrite Japanese between plain (だ・する) and polite (です・ます) style.

    Writes exactly one line for each line read, with its line end; a line in
    which nothing applies comes back as it was. Quotes, set phrases, names,
    code, addresses and emoji are not touched, nor lines inside a ``` fence.

    \b
      migaki convert --to polite novel.txt > polite.txt
      echo 明日は行かないの？ | migaki convert --to polite
      echo 一緒に行きますか？ | migaki convert --to plain --all
      migaki convert --to plain --json < in.txt | jq -r .converted

    Each line of --json has: row (from 1), text, converted, alternatives,
    edits (start, end, replacement, rule; offsets count characters of text)
    and notes.
    """
    from migaki.linguistics.analyzer import default_analyzer
    from migaki.linguistics.register import alternatives

    analyzer = default_analyzer(engine)
    limit = _ALTERNATIVES if show_all or as_json else 1

    def ways(text: str) -> list[Conversion]:
        return alternatives(text, to, limit=limit, analyzer=analyzer)

    ways("")  # a register that is none is an error before any line is read
    show = _json_line if as_json else _text_line
    # Someone who types, or reads along, gets each line at once.
    at_once = sys.stdout.isatty() or sys.stdin.isatty()
    for row, (line, is_code) in enumerate(_marked_lines(_lines(file)), start=1):
        text = line.rstrip("\r\n")
        sys.stdout.write(show(row, text, ways if not is_code else _unchanged(to)))
        sys.stdout.write("\n" if as_json else line[len(text) :])
        if at_once:
            sys.stdout.flush()


def _lines(file: Path | None) -> Iterator[str]:
    from migaki.cli.text_lines import read_text_lines

    if file is not None and file.is_file() and not file.stat().st_size:
        return iter(())
    return read_text_lines(file, keep_ends=True)


def _marked_lines(lines: Iterator[str]) -> Iterator[tuple[str, bool]]:
    """Yield each line with whether it belongs to a ``` fence."""
    fenced = False
    for line in lines:
        is_fence = line.startswith(_FENCE)
        yield line, fenced or is_fence
        fenced ^= is_fence


def _unchanged(to: str) -> Callable[[str], list[Conversion]]:
    from migaki.linguistics.morphemes import Register
    from migaki.linguistics.register import Conversion

    return lambda text: [Conversion(text, (), Register(to))]


def _text_line(row: int, text: str, ways: Callable[[str], list[Conversion]]) -> str:
    return "\t".join(dict.fromkeys(way.text for way in ways(text)))


def _json_line(row: int, text: str, ways: Callable[[str], list[Conversion]]) -> str:
    best, *others = ways(text)
    fields = {
        "row": row,
        "text": text,
        "converted": best.text,
        "alternatives": [way.text for way in others],
        "edits": [edit._asdict() for edit in best.edits],
        "notes": list(best.notes),
    }
    return json.dumps(fields, ensure_ascii=False)
