"""``migaki data list``: what it shows is what the tables hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from migaki.cli.app import app
from migaki.corpus.licences import known_licences
from migaki.corpus.sources import known_sources

run = CliRunner().invoke


def test_every_source_is_listed_with_its_licence() -> None:
    done = run(app, ["data", "list"])
    assert done.exit_code == 0
    for source in known_sources().values():
        assert source.title in done.stdout
        assert source.licence in done.stdout
    assert "augment ✗" in done.stdout
    assert "from memory, not verified: columns" in done.stdout


def test_json_is_whole() -> None:
    done = run(app, ["data", "list", "--json"])
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(rows) == set(known_sources())
    assert rows["wikipedia"]["hub"]["config"] == "20231101.ja"


def test_what_lies_in_the_data_folder_is_shown(tmp_path: Path) -> None:
    (tmp_path / "news.jsonl").write_text("{}\n", encoding="utf-8")
    done = run(app, ["data", "list", "news", "--base-dir", str(tmp_path), "--json"])
    (row,) = json.loads(done.stdout)
    assert row["in_data_folder"] == [str(tmp_path / "news.jsonl")]


@pytest.mark.parametrize("arguments", [["--licences"], ["--licences", "--json"]])
def test_every_licence_is_listed(arguments: list[str]) -> None:
    done = run(app, ["data", "list", *arguments])
    for licence in known_licences():
        assert licence.name in done.stdout


def test_one_licence_is_found_by_any_spelling() -> None:
    done = run(app, ["data", "list", "--licences", "CC BY-ND 2.1 JP"])
    assert done.stdout.startswith("CC-BY-ND-2.1-JP")
    assert "augment ✗" in done.stdout


def test_a_wrong_name_is_a_wrong_use() -> None:
    done = run(app, ["data", "list", "wikipeda"])
    assert done.exit_code == 2
    assert "Did you mean 'wikipedia'?" in done.stderr
