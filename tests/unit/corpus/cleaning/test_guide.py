"""What the guide shows works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migaki.config import parse_value
from migaki.corpus.cleaning.config import PRESETS, cleaning_config


@pytest.fixture
def guide(project_root: Path) -> str:
    return (project_root / "docs" / "guides" / "cleaning.md").read_text(encoding="utf-8")


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", guide, re.DOTALL)


def test_its_settings_are_valid(guide: str) -> None:
    config = cleaning_config("web", parse_value(blocks(guide, "yaml")[0]))
    assert config.ellipses is None
    assert config.length is not None
    assert config.length.min_japanese == 200


def test_its_python_runs(guide: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(blocks(guide, "python")[0], "guide", "exec"), {})
    assert "［電話番号］" in capsys.readouterr().out


def test_it_names_every_preset(guide: str) -> None:
    assert all(f"`{preset}`" in guide for preset in PRESETS)
