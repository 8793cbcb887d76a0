"""``migaki convert``: one line for each line, and errors in words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TEXT = "雨だ。\r\n\n「行く」と言った。\n```\nこれは本だ。\n```\n\t\nlast だ".encode()
POLITE = "雨です。\r\n\n「行く」と言いました。\n```\nこれは本だ。\n```\n\t\nlast です".encode()


def _run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "migaki", "convert", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def test_stdin_keeps_lines_and_their_ends() -> None:
    done = _run("--to", "polite", stdin=TEXT)
    assert done.stdout == POLITE
    assert done.returncode == 0


def test_a_file_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "in.txt"
    path.write_bytes(TEXT)
    assert _run("--to", "polite", str(path)).stdout == POLITE


def test_an_empty_file_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.touch()
    done = _run("--to", "plain", str(path))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_all_alternatives_stay_on_one_line() -> None:
    lines = _run("--to", "plain", "--all", stdin="来ますか？\n本です。\n".encode()).stdout.decode()
    first, second = lines.splitlines()
    assert first.split("\t") == ["来る？", "来るの？", "来るか？"]
    assert second.split("\t") == ["本だ。", "本である。"]


def test_json_names_the_edits() -> None:
    done = _run("--to", "polite", "--json", stdin="雨だよ。\n".encode())
    row = json.loads(done.stdout)
    assert row["converted"] == "雨ですよ。"
    assert row["edits"] == [{"start": 1, "end": 2, "replacement": "です", "rule": "polite.nominal"}]


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "message"),
    [
        (["--to", "rude"], b"", 2, "Valid: plain, polite"),
        (["--to", "plain", "/no/such/file"], b"", 1, "does not exist"),
        (["--to", "plain"], "雨だ\n".encode() + b"\xff\xff\n", 1, "Line 2 of stdin is not UTF-8"),
        (["--to", "plain", "--engine", "kuromoji"], b"", 2, "No analyser is called 'kuromoji'"),
    ],
)
def test_errors_in_words(arguments: list[str], stdin: bytes, status: int, message: str) -> None:
    done = _run(*arguments, stdin=stdin)
    assert done.returncode == status
    assert message in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.txt"
    path.write_bytes("雨だ。\n".encode() + b"\xff\xfe\xff\x81\n")
    done = _run("--to", "polite", str(path))
    assert done.returncode == 1
    assert "broken.txt:2:" in done.stderr.decode()
