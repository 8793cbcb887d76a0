"""Edits change what they name and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.linguistics.edits import Edit, apply_edits


@st.composite
def texts_with_edits(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    """A text and edits of it that do not overlap, in any order."""
    text = draw(st.text(max_size=30))
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    pairs = list(zip(places[::2], places[1::2], strict=False))
    edits = [Edit(start, end, draw(st.text(max_size=4)), "test") for start, end in pairs]
    return text, draw(st.permutations(edits))


@settings(deadline=None)
@given(texts_with_edits())
def test_what_lies_between_edits_stays(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    changed = apply_edits(text, edits)
    place = done = 0
    for edit in sorted(edits):
        between = text[done : edit.start]
        assert changed[place : place + len(between)] == between
        place += len(between)
        assert changed[place : place + len(edit.replacement)] == edit.replacement
        place += len(edit.replacement)
        done = edit.end
    assert changed[place:] == text[done:]


@settings(deadline=None)
@given(texts_with_edits())
def test_edits_can_be_undone(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    back: list[Edit] = []
    shift = 0
    for edit in sorted(edits):
        start = edit.start + shift
        back.append(Edit(start, start + len(edit.replacement), text[edit.start : edit.end], "undo"))
        shift += len(edit.replacement) - (edit.end - edit.start)
    assert apply_edits(apply_edits(text, edits), back) == text


@settings(deadline=None)
@given(st.text())
def test_no_edit_no_change(text: str) -> None:
    assert apply_edits(text, []) == text


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([Edit(0, 0, "お", "a")], "お茶を飲む"),
        ([Edit(4, 4, "よ", "a")], "茶を飲むよ"),
        ([Edit(1, 2, "", "a"), Edit(2, 4, "飲みます", "b")], "茶飲みます"),
        ([Edit(0, 1, "水", "a"), Edit(1, 1, "", "b")], "水を飲む"),
    ],
)
def test_apply(edits: list[Edit], expected: str) -> None:
    assert apply_edits("茶を飲む", edits) == expected


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(0, 2, "", "a"), Edit(1, 3, "", "b")],
        [Edit(-1, 2, "", "a")],
        [Edit(2, 1, "", "a")],
        [Edit(3, 5, "", "a")],
        [Edit(5, 5, "", "a")],
    ],
)
def test_edits_that_cannot_be_meant(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlaps another edit or lies outside"):
        apply_edits("茶を飲む", edits)


def test_an_edit_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Edit(0, 1, "", "a").start = 2  # type: ignore[misc]
