"""On a terminal ``migaki train`` asks, shows the plan, and does nothing before a yes."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="a pseudo-terminal needs a Unix system")

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """A child process on a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.screen = ""
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.environ |= {"TERM": "xterm", "COLUMNS": "160", "OMP_NUM_THREADS": "1"}
            os.execv(sys.executable, [sys.executable, "-m", "migaki", *arguments])

    def wait_for(self, words: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while words not in _CONTROL.sub("", self.screen):
            assert time.monotonic() < deadline, f"'{words}' did not appear:\n{self.screen}"
            if select.select([self.handle], [], [], 0.2)[0]:
                data = os.read(self.handle, 65536)
                # prompt_toolkit asks where the cursor is and waits for the answer of a terminal.
                if b"\x1b[6n" in data:
                    os.write(self.handle, b"\x1b[1;1R")
                self.screen += data.decode("utf-8", errors="replace")

    def type(self, text: str) -> None:
        self.screen = ""
        os.write(self.handle, text.encode())

    def status(self) -> int:
        while True:
            try:
                if not os.read(self.handle, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_enter_accepts_the_defaults_and_no_does_nothing(tmp_path: Path, chat_file: Path) -> None:
    terminal = Terminal(tmp_path, "train", "--data", str(chat_file))
    for question in ("Model (hub id", "Data (files", "Method", "Epochs"):
        terminal.wait_for(question)
        terminal.type("\r")
    terminal.wait_for("Learning rate")
    terminal.type("\x15")  # Ctrl-U clears the default
    terminal.type("0.001\r")
    terminal.wait_for("Name of the run")
    terminal.type("asked\r")
    terminal.wait_for("learning rate 0.001")
    terminal.wait_for("Start?")
    terminal.type("n")
    terminal.wait_for("Nothing was done.")
    assert terminal.status() == 0
    assert not (tmp_path / "runs").exists()


def test_ctrl_c_at_a_question_leaves_with_130(tmp_path: Path, chat_file: Path) -> None:
    terminal = Terminal(tmp_path, "train", "--data", str(chat_file))
    terminal.wait_for("Model (hub id")
    terminal.type("\x03")
    terminal.wait_for("Stopped")
    assert terminal.status() == 130
