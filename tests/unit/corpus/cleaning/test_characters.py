"""Counting scripts by table gives what asking for each character gives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.cleaning.characters import code_points, count_scripts
from migaki.linguistics.script import Script, script_of, scripts_of

CHARACTERS = st.characters(exclude_categories=())


def test_every_code_point_of_the_first_planes_has_its_script() -> None:
    text = "".join(map(chr, range(0x20000)))
    assert scripts_of(text) == [script_of(char) for char in text]


@given(st.text(CHARACTERS))
def test_the_counts_are_those_of_the_characters(text: str) -> None:
    counts = count_scripts(code_points(text))
    assert counts == {script: sum(script_of(c) is script for c in text) for script in Script}
