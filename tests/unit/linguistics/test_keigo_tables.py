"""The two tables of honorific and humble verbs say the same where both speak of a verb."""

from __future__ import annotations

from collections import defaultdict

import pytest

from migaki.linguistics.analyzer import analyze
from migaki.linguistics.conjugation import masu_stem
from migaki.linguistics.register.everyday import everyday_too
from migaki.linguistics.register.keigo import keigo_turns
from migaki.linguistics.tables import read_table


def _verbs() -> list[tuple[str, str, frozenset[str]]]:
    """(verb, class, what `conjugation_keigo.tsv` calls it) of all verbs that are nothing but keigo."""
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for _, *columns in read_table("conjugation_keigo.tsv", columns=3):
        for kind, cell in zip(("honorific", "humble"), columns, strict=True):
            for entry in cell.split("|"):
                verb, _, rest = entry.partition(":")
                if verb not in ("*", "-"):
                    kinds[verb, rest.partition(":")[0]].add(kind)
    return [(*verb, frozenset(found)) for verb, found in kinds.items()]


@pytest.mark.parametrize(("verb", "c_type", "kinds"), _verbs())
def test_what_is_conjugated_as_keigo_is_found_as_keigo(
    verb: str, c_type: str, kinds: frozenset[str]
) -> None:
    marks = keigo_turns(analyze(masu_stem(verb, c_type) + "ます。"))
    if verb in everyday_too():
        assert not marks
        return
    [mark] = marks
    # お願いします is humble by its form and the everyday request by its use.
    assert mark.kind.value in kinds or mark.name == "onegai_suru"


def test_other_spellings_are_of_verbs_of_the_table() -> None:
    known = {verb for verb, _, _ in _verbs()}
    rows = read_table("keigo_verbs.tsv", columns=3)
    assert {verb for kind, _, verb in rows if kind == "spelling"} <= known
    assert {
        word for kind, words, _ in rows if kind == "everyday" for word in words.split()
    } <= known
