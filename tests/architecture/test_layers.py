"""The import layers of docs and design hold: import-linter, as CI calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_import_contracts_are_kept(project_root: Path) -> None:
    # The console script's directory differs between set-ups; the function behind it does not.
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=project_root,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
