"""Licences as data: what a name means, what it allows, what it asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from migaki.corpus.licences import (
    UNKNOWN,
    Use,
    attribution,
    find_licence,
    known_licences,
    may,
)
from migaki.errors import UsageError

SPELLINGS = [
    ("CC BY 4.0", "CC-BY-4.0"),
    ("cc-by-4.0", "CC-BY-4.0"),
    ("CC BY-SA 4.0 (SA)", "CC-BY-SA-4.0"),
    ("https://creativecommons.org/licenses/by-sa/3.0/deed.ja", "CC-BY-SA-3.0"),
    ("クリエイティブ・コモンズ 表示-継承 4.0 国際", "CC-BY-SA-4.0"),
    ("クリエイティブ・コモンズ 表示-改変禁止 2.1 日本", "CC-BY-ND-2.1-JP"),
    ("CC BY-ND 2.1 JP", "CC-BY-ND-2.1-JP"),
    ("http://creativecommons.org/licenses/by-nd/2.1/jp/", "CC-BY-ND-2.1-JP"),
    ("PSF License v2 (same licence as Python)", "PSF-2.0"),
    ("Public domain (author d. >70y or PD in Japan); Aozora Bunko handling rules", "public-domain"),
    ("odc-by", "ODC-By-1.0"),
    ("apache-2.0", "Apache-2.0"),
    ("unknown", UNKNOWN),
    ("", UNKNOWN),
    (None, UNKNOWN),
    ("my own words", UNKNOWN),
    # What takes something away must not be read over.
    ("MIT (non-commercial only)", UNKNOWN),
    ("CC BY 4.0（営利利用を除く）", UNKNOWN),
    ("MIT, CC BY-NC 4.0", UNKNOWN),
    ("CC BY 4.0 / proprietary", UNKNOWN),
]


@pytest.mark.parametrize(("stated", "name"), SPELLINGS)
def test_a_licence_is_found_however_it_is_spelt(stated: str | None, name: str) -> None:
    assert find_licence(stated).name == name


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ("CC-BY-ND-3.0", "CC-BY-ND-3.0"),
        ("CC BY-NC-ND 3.0", "CC-BY-NC-ND-3.0"),
        ("https://creativecommons.org/licenses/by-nd/3.0/", "CC-BY-ND-3.0"),
        ("http://creativecommons.org/licenses/by-nd/2.5/scotland", "http://creativecommons.org/licenses/by-nd/2.5/scotland"),
        ("独自ライセンス 改変不可", "独自ライセンス 改変不可"),
        ("CC-BY-4.0 and CC-BY-ND-3.0", "CC-BY-4.0 and CC-BY-ND-3.0"),
    ],
)  # fmt: skip
def test_what_forbids_changes_is_understood_in_every_version(stated: str, name: str) -> None:
    found = find_licence(stated)
    assert (found.name, found.augment) == (name, "no")
    assert not may(stated, "augment").allowed
    assert find_licence(found.name) == found


def test_other_versions_are_read_by_their_letters() -> None:
    ported = find_licence("http://creativecommons.org/licenses/by-sa/2.1/jp/")
    assert (ported.name, ported.augment, ported.share_alike) == ("CC-BY-SA-2.1-JP", "yes", "yes")
    assert find_licence("CC BY-SA-ND 4.0").augment == "no"  # no such licence, but it says ND


def test_every_name_and_alias_of_the_table_finds_its_own_entry() -> None:
    for licence in known_licences():
        for spelling in (licence.name, licence.title, *licence.aliases):
            assert find_licence(spelling) is licence


def test_every_judgement_has_an_address_and_a_basis() -> None:
    for licence in known_licences():
        assert licence.basis
        assert licence.url.startswith("https://") or licence.name == UNKNOWN


@pytest.mark.parametrize("use", get_args(Use))
def test_an_unknown_licence_never_says_yes(use: Use) -> None:
    for name in (None, UNKNOWN, "my own words", "Common-Crawl-terms"):
        allowed, reason = may(name, use)
        assert not allowed
        assert "not" in reason


def test_creative_commons_letters_decide() -> None:
    for licence in known_licences():
        if licence.name.startswith("CC-"):
            assert licence.augment == ("no" if "-ND" in licence.name else "yes")
            assert licence.commercial == ("no" if "-NC" in licence.name else "yes")
            assert licence.share_alike == ("yes" if "-SA" in licence.name else "no")


def test_a_use_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="Valid: train"):
        may("MIT", "sell")  # type: ignore[arg-type]


def test_attribution_names_what_is_asked_for() -> None:
    line = attribution("CC-BY-NC-SA-4.0", source="ichikara")
    assert "carries the same licence" in line
    assert "Not for commercial use" in line
    assert "(stated: house rules)" in attribution("house rules", source="notes")


def test_the_licences_of_real_files_are_known(shared_data: Path) -> None:
    stated = set()
    for path in shared_data.rglob("*.jsonl"):
        with path.open(encoding="utf-8") as lines:
            row = json.loads(next(lines))
        stated.add(row.get("license"))
    unknown = {name for name in stated - {None} if find_licence(name).name == UNKNOWN}
    assert not unknown
