"""Sources and licences on the report's page and on the model's."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.reports.run_folders import make_run

from migaki.reports.attribution import credited_sources, duties
from migaki.reports.model_card import render_model_card, write_model_card
from migaki.reports.run_data import read_run
from migaki.reports.run_report import render_report


def test_every_source_is_credited_the_most_rows_first(tmp_path: Path) -> None:
    sources = credited_sources(read_run(make_run(tmp_path / "run")))
    assert [(s.source, s.licence, s.rows) for s in sources] == [
        ("megagonlabs/asdc", "CC-BY-4.0", 900),
        ("news", "CC-BY-SA-4.0", 8),
        ("chats.jsonl", "unknown", 4),
    ]
    assert sources[1].line.startswith("Wikinews in Japanese (https://huggingface.co/datasets/")


def test_what_the_licences_ask_is_said(tmp_path: Path) -> None:
    said = " ".join(duties(credited_sources(read_run(make_run(tmp_path / "run")))))
    assert "Name the sources (CC-BY-4.0, CC-BY-SA-4.0)" in said
    assert "carries the same licence (CC-BY-SA-4.0)" in said
    assert "licence of 4 rows is not known" in said
    assert "commercial" not in said


def test_the_report_lists_them(tmp_path: Path) -> None:
    page = render_report(read_run(make_run(tmp_path / "run")))
    assert "Sources and licences" in page
    assert "megagonlabs/asdc, CC-BY-4.0" in page
    assert "licence of 4 rows is not known" in page


def test_the_model_card_lists_them_with_what_was_measured(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "polite-hotel")
    (folder / "adapter").mkdir()
    card = write_model_card(folder, folder / "adapter").read_text(encoding="utf-8")
    assert card.startswith("---\nlanguage:\n- ja\n")
    assert "library_name: peft" in card
    assert "# polite-hotel" in card
    assert "| bits per character, held-out rows |" in card
    assert (
        "megagonlabs/asdc, CC-BY-4.0 (https://creativecommons.org/licenses/by/4.0/). 900 rows."
        in card
    )
    assert "carries the same licence" in card
    assert str(tmp_path) not in card


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    data = json.loads((folder / "data.json").read_text(encoding="utf-8"))
    data["files"][0]["sources"] = [
        {"source": "x](javascript:alert(1)) <script>\n# 題", "licence": "**CC**\u202e", "rows": 1},
        {"source": 7, "licence": None, "rows": "many"},
        "no mapping",
    ]
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
    run = read_run(folder)
    card = render_model_card(run)
    assert "<script>" not in card
    assert "x](" not in card
    assert "\n# 題" not in card
    assert "<script>" not in render_report(run).replace("<style>", "")


def test_a_local_path_does_not_stand_on_the_page(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    recipe = (folder / "run.yaml").read_text(encoding="utf-8")
    (folder / "run.yaml").write_text(
        recipe.replace("name: migaki-tiny", "name: /home/someone/models/my-model"), encoding="utf-8"
    )
    card = render_model_card(read_run(folder))
    assert "/home/someone" not in card
    assert "my-model adapted to Japanese" in card
    assert "base_model" not in card


def test_an_id_of_the_hub_is_the_base_model(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    recipe = (folder / "run.yaml").read_text(encoding="utf-8")
    (folder / "run.yaml").write_text(
        recipe.replace("name: migaki-tiny", "name: Qwen/Qwen2.5-1.5B"), encoding="utf-8"
    )
    assert 'base_model: "Qwen/Qwen2.5-1.5B"' in render_model_card(read_run(folder))


def test_a_run_without_data_says_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    (folder / "data.json").unlink()
    assert "does not say what it was trained on" in render_model_card(read_run(folder))
