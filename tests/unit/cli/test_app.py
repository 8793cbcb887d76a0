"""The frame around every command: streams that are not there, errors that nobody foresaw."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from migaki.cli import app


def test_a_closed_stdin_is_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "argv", ["migaki", "--version"])
    with pytest.raises(SystemExit) as done:
        app.main()
    assert not done.value.code
    assert sys.stdin.read() == ""


def test_a_terminal_without_japanese_shows_escapes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "migaki", "train", "磨き"],
        capture_output=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 2
    assert rb"\u78e8\u304d" in done.stderr


def test_what_the_system_refuses_is_said_in_words() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/x/run.yaml")
    said = app._in_words(full).message
    assert "disk is full" in said
    assert "/x/run.yaml" in said
    denied = OSError(errno.EACCES, "Permission denied", "/x/run.yaml")
    assert "/x/run.yaml: Permission denied." in app._in_words(denied).message
    assert app._in_words(ValueError("It is so.")).message == "ValueError: It is so."
    assert "did not expect" in str(app._in_words(KeyError("x")).hint)
