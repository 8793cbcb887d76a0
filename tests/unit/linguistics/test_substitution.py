"""The tables of substitutions are sound, and what they say is found on both analysers."""

from __future__ import annotations

import random
import re

import pytest

from migaki.linguistics.analyzer import analyze
from migaki.linguistics.edits import apply_edits
from migaki.linguistics.operators import Operator, find_operators
from migaki.linguistics.operators.honorifics import kinship_entries, prefix_entries
from migaki.linguistics.operators.operator import Passage
from migaki.linguistics.operators.style import Style, styles_of
from migaki.linguistics.operators.substitution import Entry, Lexicon, read_entries

TABLES = (
    "adverbs.tsv",
    "adverb_errors.tsv",
    "adverb_spellings.tsv",
    "connectives.tsv",
    "noun_spellings.tsv",
    "nouns.tsv",
    "particles.tsv",
    "particle_errors.tsv",
)


def sets_of(entries: list[Entry]) -> dict[tuple[str, str], list[Entry]]:
    sets: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        sets.setdefault((entry.table, entry.set), []).append(entry)
    return sets


@pytest.mark.parametrize("table", TABLES)
def test_every_set_has_something_to_find_and_something_to_write(table: str) -> None:
    for name, members in sets_of(read_entries(table)).items():
        sources = [m for m in members if m.role != "to"]
        targets = [m for m in members if m.role != "from"]
        assert sources, name
        assert targets, name
        assert any(s.word != t.word for s in sources for t in targets), name


@pytest.mark.parametrize("table", TABLES)
def test_every_condition_can_be_asked_anywhere(table: str) -> None:
    morphemes = analyze("昨日、私の友達が東京の学校で本を読んだので、とても静かだったよ。")
    entries = read_entries(table)
    for place in range(len(morphemes)):
        answers = [entry.fits(morphemes, place, place + 1) for entry in entries]
        assert set(answers) <= {True, False}


def test_no_row_of_a_table_is_written_twice() -> None:
    for table in TABLES:
        rows = [(e.set, e.word, e.role) for e in read_entries(table)]
        once = {row for row in rows if rows.count(row) == 1}
        # One word may be found under several conditions; it is written under one.
        assert all(row in once for row in rows if row[2] != "from"), table


def test_honorific_tables_give_every_form() -> None:
    forms = {entry.word for entry in prefix_entries() if entry.set == "名前"}
    assert forms == {"名前", "お名前", "ご名前", "おお名前"}
    assert {entry.word for entry in kinship_entries() if entry.set == "father"} == {"父", "お父さん", "お父様"}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("雨が降ってるね。", Style.CASUAL),
        ("雨が降っていますね。", Style.TALK),
        ("雨が降っています。", Style.POLITE),
        ("資料をお持ちいたします。", Style.FORMAL),
        ("雨が降っている。", Style.WRITTEN),
        ("雨が降っているのである。", Style.WRITTEN),
        ("ありがとうございます。雨です。", Style.POLITE),
    ],
)
def test_style(text: str, style: Style) -> None:
    assert styles_of(Passage.of(text)) == {style}


def test_unknown_style_fits_both_sides() -> None:
    assert styles_of(Passage.of("雨。")) == {Style.POLITE, Style.WRITTEN}


def test_a_word_of_one_character_at_the_end_is_found_once() -> None:
    lexicon = Lexicon(read_entries, "nouns.tsv")
    assert [site.entry.set for site in lexicon.sites(Passage.of("約束した友達と"))] == ["friend"]
    assert lexicon.sites(Passage.of("")) == []


@pytest.mark.parametrize(
    "operator",
    find_operators(["adverbs", "nouns", "particles"]),
    ids=lambda operator: operator.name,
)
def test_the_description_shows_what_the_operator_does(operator: Operator) -> None:
    shown = re.match(r"(.+?) → \*?(.+?)(?:: |, [a-z]|$)", operator.description)
    assert shown, operator.description
    source, outcome = shown.groups()
    passage = Passage.of(source)
    found = {apply_edits(source, edits) for edits in operator.propose(passage, random.Random(0))}
    assert outcome in found


def test_what_is_no_sentence_is_left_alone_in_linear_time() -> None:
    passage = Passage.of("私が本を読んだので、" * 2_000)
    for operator in find_operators(["adverbs", "nouns", "particles"]):
        assert operator.propose(passage, random.Random(0)) == []
