"""``migaki analyze`` as people and pipes use it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

COMMAND = [sys.executable, "-m", "migaki", "analyze"]


def run(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    done = subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, check=False, timeout=120
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def send(pipe: IO[bytes], text: str) -> None:
    pipe.write(text.encode())
    pipe.flush()


def json_lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_table_names_everything() -> None:
    code, out, err = run("彼は来なかった。「さあ」と言った。")
    assert (code, err) == (0, "")
    first, second = out.split("\n\n")
    assert first.splitlines()[0] == "彼は来なかった。"
    assert second.splitlines()[0] == "「さあ」と言った。"
    row = next(line for line in first.splitlines() if line.startswith("来 "))
    assert row.split() == ["来", "コ", "動詞-非自立可能", "verb", "カ行変格", "未然形-一般", "来る"]
    assert "…" not in out  # nothing is cut off in a pipe


def test_json_lines_count_in_each_row() -> None:
    texts = ["雨だ。 傘は？", "はい。"]
    code, out, _ = run("--json", *texts)
    assert code == 0
    sentences = json_lines(out)
    assert [(s["row"], s["start"], s["sentence"]) for s in sentences] == [
        (1, 0, "雨だ。"),
        (1, 4, "傘は？"),
        (2, 0, "はい。"),
    ]
    for sentence in sentences:
        text = texts[sentence["row"] - 1]
        for m in sentence["morphemes"]:
            assert text[m["start"] : m["end"]] == m["surface"]
    assert sentences[0]["morphemes"][1]["base_form"] == "だ"


def test_stdin_and_file_say_the_same(tmp_path: Path) -> None:
    text = "本を読む。\n\n\ufeff走った\r\n"
    path = tmp_path / "sjis.txt"
    path.write_bytes(text.replace("\ufeff", "").encode("cp932"))
    from_stdin = run("--json", stdin=text.replace("\ufeff", "").encode())
    from_file = run("--json", "--file", str(path))
    assert from_stdin == from_file
    rows = json_lines(from_stdin[1])
    assert [(s["row"], s["sentence"]) for s in rows] == [(1, "本を読む。"), (3, "走った")]


def test_sudachi() -> None:
    code, out, _ = run("--engine", "sudachi", "--json", "読みました")
    assert code == 0
    (sentence,) = json_lines(out)
    assert [m["base_form"] for m in sentence["morphemes"]] == ["読む", "ます", "た"]


def test_control_characters_do_not_reach_the_terminal() -> None:
    code, out, _ = run("赤\x1b[31mい")
    assert code == 0
    assert "\x1b" not in out
    assert "\\x1b" in out


@pytest.mark.parametrize("arguments", [("",), ("。！",), ()])
def test_nothing_to_analyse_is_said(arguments: tuple[str, ...]) -> None:
    code, out, err = run("--json", *arguments)
    assert (code, out) == (0, "")
    assert "Nothing to analyse" in err


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (("--engine", "juman", "雨"), b"", 2, "'juman'. Valid: fugashi, sudachi"),
        (("雨", "--file", "x"), b"", 2, "Texts and --file were both given"),
        (("--file", "no-such-file.txt"), b"", 1, "no-such-file.txt does not exist"),
        ((), "雨\n".encode() + b"\xff\n", 1, "Line 2 of stdin is not UTF-8"),
        (("--jsn",), b"", 2, "--jsn"),
    ],
)
def test_errors_say_what_to_do(
    arguments: tuple[str, ...], stdin: bytes, code: int, words: str
) -> None:
    status, _, err = run(*arguments, stdin=stdin)
    assert status == code
    assert words in err
    assert "Traceback" not in err


def test_help_teaches() -> None:
    code, out, _ = run("--help")
    assert code == 0
    for words in ("migaki analyze 食べ", "--json", "--engine", "--file", "活用型"):
        assert words in out


def test_a_reader_that_leaves_early_ends_it() -> None:
    lines = "雨が降る。\n" * 20_000
    with subprocess.Popen(
        [*COMMAND, "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        send(process.stdin, lines[:600])
        assert json.loads(process.stdout.readline())["sentence"] == "雨が降る。"  # streamed
        process.stdout.close()
        with pytest.raises(BrokenPipeError):
            send(process.stdin, lines)
        assert b"Traceback" not in process.stderr.read()
