"""``migaki analyze``: the morphemes of a text, sentence by sentence."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from migaki.errors import UsageError

if TYPE_CHECKING:
    from migaki.linguistics.morphemes import Morpheme, Sentence

_COLUMNS = ("surface", "reading", "part of speech", "", "class", "form", "base form")
_UNBOUNDED = 10_000


def analyze(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT…]", help="Texts; without any, the lines of stdin."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="Analyse the lines of this text file, any encoding."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="fugashi (UniDic), or sudachi: pip install 'migaki\\[sudachi]'.")
    ] = "fugashi",
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON Lines: one sentence a line, for a program.")
    ] = False,
) -> None:
    """Show the morphemes of Japanese text: reading, part of speech, inflection.

    Parts of speech have UniDic's names, with English beside them; a ? marks a
    word that the dictionary lacks. Class is the conjugation class (活用型), form
    the inflected form (活用形), base form the word as a dictionary lists it, in
    the orthography of the text.

    \b
      migaki analyze 食べさせられたくなかったです
      migaki analyze --engine sudachi "本を読みました。面白かった？"
      migaki analyze --file novel.txt --json > morphemes.jsonl
      echo 雨だ | migaki analyze --json | jq -r '.morphemes[].base_form'

    Each line of --json has: row (which text or line, from 1), start (where in
    it the sentence begins), sentence, morphemes (surface, start, end, pos,
    c_type, c_form, base_form, lemma, reading, known and more). Offsets count
    characters of the row.
    """
    if texts and file:
        raise UsageError("Texts and --file were both given.", hint="Give one of them.")
    from migaki.linguistics.analyzer import analyze_sentences, default_analyzer

    analyzer = default_analyzer(engine)
    found = 0
    for row, text in enumerate(_rows(texts, file), start=1):
        sentences = analyze_sentences(text, analyzer=analyzer)
        for sentence in sentences:
            if as_json:
                typer.echo(_json(row, sentence))
            else:
                _show(sentence, first=not found)
            found += 1
    if not found:
        typer.echo("Nothing to analyse: the input holds no words.", err=True)


def _rows(texts: list[str] | None, file: Path | None) -> Iterable[str]:
    from migaki.cli.text_lines import read_text_lines

    return texts or read_text_lines(file)


def _json(row: int, sentence: Sentence) -> str:
    return json.dumps(
        {
            "row": row,
            "start": sentence.start,
            "sentence": sentence.text,
            "morphemes": [_fields(m) for m in sentence.morphemes],
        },
        ensure_ascii=False,
    )


def _fields(morpheme: Morpheme) -> dict[str, str | int | bool]:
    fields = morpheme._asdict()
    return {"base_form" if name == "orth_base" else name: fields[name] for name in fields}


def _show(sentence: Sentence, *, first: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from migaki.cli.console import out

    table = Table(*_COLUMNS, box=None, pad_edge=False, header_style="dim")
    for morpheme in sentence.morphemes:
        table.add_row(*(Text(_visible(cell)) for cell in _cells(morpheme)))
    table.columns[0].style = "bold"
    for column in table.columns:
        column.overflow = "fold"
    table.columns[3].no_wrap = True  # English breaks badly
    # A table in a file or a pipe is as wide as it must be.
    console = out if out.is_terminal else Console(width=_UNBOUNDED)
    if not first:
        console.print()
    console.print(Text(_visible(sentence.text)), soft_wrap=True)
    console.print(table)


def _cells(morpheme: Morpheme) -> tuple[str, ...]:
    from migaki.linguistics.parts_of_speech import part_of_speech, part_of_speech_gloss

    return (
        morpheme.surface,
        morpheme.reading,
        part_of_speech(morpheme),
        part_of_speech_gloss(morpheme) + ("" if morpheme.known else " ?"),
        morpheme.c_type,
        morpheme.c_form,
        morpheme.orth_base,
    )


def _visible(text: str) -> str:
    """Write what a terminal would obey, or nobody would see, as an escape.

    That is control characters and lone surrogates, and a joiner or the like that stands alone.
    """
    hidden = ("Cc", "Cs", "Cf") if len(text) == 1 else ("Cc", "Cs")
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in hidden else char
        for char in text
    )
