"""``migaki conjugate``: every form of a Japanese verb or adjective, with its reading."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from migaki.linguistics.conjugation import Cell, Inflected, Word

# Form → what a learner calls it, in the order of the table.
_NAMES = {
    "plain": "statement",
    "conjecture": "conjecture (だろう)",
    "te": "て-form",
    "tari": "たり",
    "tara": "conditional たら",
    "ba": "conditional ば",
    "zu": "without doing (ずに)",
    "stem": "stem (連用形)",
    "attributive": "before a noun (連体形)",
    "volitional": "volitional (意志)",
    "imperative": "imperative (命令)",
    "prohibitive": "prohibitive (禁止)",
    "request": "request",
    "potential": "potential (可能)",
    "passive": "passive (受身)",
    "causative": "causative (使役)",
    "causative_passive": "causative-passive (使役受身)",
    "desiderative": "wish (たい)",
    "desiderative_others": "wish of others (たがる)",
    "progressive": "progressive (ている)",
    "honorific": "honorific (尊敬)",
    "humble": "humble (謙譲)",
}
_CLASSES = {
    "五段": "五段, godan",
    "上一段": "一段, ichidan",
    "下一段": "一段, ichidan",
    "サ行変格": "サ変, する",
    "カ行変格": "カ変, 来る",
    "形容詞": "い-adjective",
    "助動詞-ダ": "な-adjective or noun, with だ",
}
_WIDE = 100
"""So many columns hold readings and second answers."""

_MARKS = {"casual": "†", "written": "‡", "rare": "°", "faulted": "×"}
_COLUMNS = ((False, False), (False, True), (True, False), (True, True))


def conjugate(
    words: list[str] = typer.Argument(
        ...,
        help="Verbs or adjectives in any form; nouns with だ.",
        metavar="WORD...",
        show_default=False,
    ),
    as_json: bool = typer.Option(False, "--json", help="Print every form as JSON for a program."),
    all_answers: bool = typer.Option(
        False, "--all", "-a", help="Show every answer, not only the first two."
    ),
) -> None:
    """Show every form of a Japanese word: plain and polite, past, negative, and what is made of it.

    A word that can be read in several ways (きる: 切る, 着る) is shown in each. Where several answers are
    right, the best stands first. Nouns need だ: 学生だ. What the rules make and grammar faults, such as
    いらっしゃられる, is marked × with the reason.

    Examples:

      migaki conjugate 書く

      migaki conjugate きる 静か 勉強する --all

      migaki conjugate 食べる --json

    A word that does not inflect (机) ends with exit status 2 and says what it is.
    """
    from migaki.linguistics.conjugation import paradigm
    from migaki.linguistics.conjugation import words as readings

    found = [(text, word, paradigm(word)) for text in words for word in readings(text)]
    if as_json:
        entries = [_entry(text, word, cells) for text, word, cells in found]
        typer.echo(json.dumps({"words": entries}, ensure_ascii=False, indent=2))
        return
    _show(found, limit=None if all_answers else 2)


def _entry(text: str, word: Word, cells: list[Cell]) -> dict[str, Any]:
    return {
        "text": text,
        "base": word.base,
        "reading": word.reading,
        "class": word.c_type,
        "part_of_speech": word.pos,
        "meaning": word.meaning,
        "forms": [
            {
                "form": cell.form.value,
                "polite": cell.polite,
                "past": cell.past,
                "negative": cell.negative,
                "answers": [
                    {
                        "text": f.text,
                        "reading": f.reading,
                        "style": f.style or "neutral",
                        "reason": f.reason,
                    }
                    for f in cell.forms
                ],
            }
            for cell in cells
        ],
    }


def _show(found: list[tuple[str, Word, list[Cell]]], *, limit: int | None) -> None:
    from rich.text import Text

    from migaki.cli.console import out

    wide = out.width >= _WIDE
    for place, (_, word, cells) in enumerate(found):
        if place:
            out.print()
        out.print(_heading(word), soft_wrap=True)
        shown = limit if wide or limit is None else 1
        out.print(_table(cells, limit=shown, readings=wide))
        for reason in _reasons(cells, limit=shown):
            out.print(reason, soft_wrap=True)
    out.print(
        Text(
            "† casual   ‡ written   ° rare   × faulted by grammar.   --all shows every answer, --json everything."
            + ("" if wide else f" Readings are shown from {_WIDE} columns on."),
            style="dim",
        ),
        soft_wrap=True,
    )


def _heading(word: Word) -> Text:
    from rich.text import Text

    family = next((name for c, name in _CLASSES.items() if word.c_type.startswith(c)), "")
    heading = Text(word.base, style="bold cyan")
    if word.reading and word.reading != word.base:
        heading.append(f"  {word.reading}", style="not bold cyan")
    heading.append(f"  {word.c_type}" + (f" ({family})" if family else ""), style="not bold dim")
    if word.meaning and word.meaning != word.base:
        heading.append(f"  {word.meaning}", style="not bold default")
    return heading


def _table(cells: list[Cell], *, limit: int | None, readings: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    by_place = {(c.form.value, c.past, c.polite, c.negative): c for c in cells}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("")
    for title in ("plain", "plain negative", "polite", "polite negative"):
        table.add_column(title, overflow="fold")
    for form, name in _NAMES.items():
        for past in (False, True):
            row = [by_place.get((form, past, polite, negative)) for polite, negative in _COLUMNS]
            if any(row):
                label = "" if past else name
                shown = [
                    _answers(cell.forms, limit, readings) if cell else Text("–", "dim")
                    for cell in row
                ]
                table.add_row(Text(label or "  past", "dim" if past else ""), *shown)
    return table


def _reasons(cells: list[Cell], *, limit: int | None) -> list[Text]:
    """Why the forms shown are rare or faulted, each reason once with the first form it is true of."""
    from rich.text import Text

    first: dict[tuple[str, str], str] = {}
    for cell in cells:
        for form in cell.forms[:limit]:
            if form.reason:
                first.setdefault((form.style, form.reason), form.text)
    return [
        Text(f"{_MARKS[style]} {text}: {reason}", style="dim")
        for (style, reason), text in first.items()
    ]


def _answers(forms: tuple[Inflected, ...], limit: int | None, readings: bool) -> Text:
    from rich.text import Text

    text = Text()
    for place, form in enumerate(forms[:limit]):
        text.append("\n" if place else "")
        text.append(form.text, style="dim" if place else "")
        text.append(_MARKS.get(form.style, ""), style="yellow")
        if readings and not place and form.reading not in ("", form.text):
            text.append(f"\n{form.reading}", style="italic dim")
    return text
