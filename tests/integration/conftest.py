"""The command line as a user meets it; in this process, so that torch is imported once."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.helpers import Migaki, Outcome, chats
from typer.testing import CliRunner

from migaki.cli.app import app


@pytest.fixture
def migaki(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Migaki]:
    """Run ``migaki ARGUMENTS`` in an empty folder; stdout and stderr are kept apart."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    logger = logging.getLogger("migaki")
    before = (logger.handlers, logger.propagate, logger.level)

    def run(*arguments: str, stdin: str = "") -> Outcome:
        result = CliRunner().invoke(app, list(arguments), input=stdin, prog_name="migaki")
        return Outcome(result.exit_code, result.stdout, result.stderr)

    yield run
    logger.handlers, logger.propagate, logger.level = before


@pytest.fixture
def chat_file(tmp_path: Path) -> Path:
    """A file of 60 distinct little chats in OpenAI form."""
    path = tmp_path / "chats.jsonl"
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in chats(60)), encoding="utf-8"
    )
    return path
