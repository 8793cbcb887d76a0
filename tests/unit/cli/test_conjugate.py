"""`migaki conjugate`, as a user meets it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from migaki.cli.app import app

runner = CliRunner()


def test_json_holds_every_form_with_reading_and_style() -> None:
    result = runner.invoke(app, ["conjugate", "来る", "--json"])
    assert result.exit_code == 0
    (word,) = json.loads(result.stdout)["words"]
    assert (word["base"], word["class"], word["reading"]) == ("来る", "カ行変格", "くる")
    cells = {
        (c["form"], c["polite"], c["past"], c["negative"]): c["answers"] for c in word["forms"]
    }
    assert cells["plain", False, False, True][0]["reading"] == "こない"
    assert [a["text"] for a in cells["potential", False, False, False]] == ["来られる", "来れる"]
    assert [a["style"] for a in cells["potential", False, False, False]] == ["neutral", "casual"]
    assert cells["plain", True, True, True][0]["text"] == "来ませんでした"


def test_every_reading_of_an_ambiguous_word() -> None:
    result = runner.invoke(app, ["conjugate", "きる", "--json"])
    entries = json.loads(result.stdout)["words"]
    assert [e["class"] for e in entries] == ["五段-ラ行", "上一段-カ行"]
    assert "切る" in entries[0]["meaning"]
    assert "着る" in entries[1]["meaning"]


def test_table_shows_forms_and_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.console import Console

    from migaki.cli import console

    wide = Console(width=160, record=True)
    monkeypatch.setattr(console, "out", wide)
    assert runner.invoke(app, ["conjugate", "書く", "静か"]).exit_code == 0
    shown = wide.export_text()
    for text in (
        "書かされる",
        "書きませんでした",
        "かいて",
        "静かではありませんでした",
        "静かな",
        "五段-カ行",
    ):
        assert text in shown


def test_a_noun_is_refused_with_what_it_is() -> None:
    result = runner.invoke(app, ["conjugate", "机"])
    assert result.exit_code == 2
    assert "noun" in result.stderr
    assert "机だ" in result.stderr
    assert result.stdout == ""


def test_a_noun_with_the_copula_inflects() -> None:
    result = runner.invoke(app, ["conjugate", "机だ", "--json"])
    assert result.exit_code == 0
    (word,) = json.loads(result.stdout)["words"]
    attributive = next(c for c in word["forms"] if c["form"] == "attributive")
    assert attributive["answers"][0]["text"] == "机の"
