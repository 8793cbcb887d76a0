"""The command line as a user meets it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.helpers import Migaki, chats


@pytest.fixture
def migaki(tmp_path: Path) -> Migaki:
    """Run ``migaki ARGUMENTS`` in an empty folder; stdout and stderr are kept apart."""

    def run(
        *arguments: str, stdin: str = "", timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "migaki", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "COLUMNS": "200", "OMP_NUM_THREADS": "2"},
        )

    return run


@pytest.fixture
def chat_file(tmp_path: Path) -> Path:
    """A file of 60 distinct little chats in OpenAI form."""
    path = tmp_path / "chats.jsonl"
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in chats(60)), encoding="utf-8"
    )
    return path
