"""``migaki data preview`` and ``check``, as a user and as a script meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from migaki.cli import data_check as data_command
from migaki.cli.data import data_app
from migaki.dataset.config import DataConfig
from migaki.dataset.prepare import prepare
from migaki.errors import ConfigError, MigakiError, UsageError
from migaki.models.loading import load_tokenizer

RUNNER = CliRunner()


def rows(count: int) -> list[dict[str, Any]]:
    return [
        {
            "messages": [
                {"role": "user", "content": f"{i}番の鯲🦉は何？"},
                {"role": "assistant", "content": f"{i}番は川魚です。\nおいしいです。"},
            ],
            "license": "CC0",
        }
        for i in range(count)
    ]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    path = tmp_path / "chats.jsonl"
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(20)), encoding="utf-8"
    )
    return path


def shortest(path: Path) -> int:
    """Tokens of the shortest example, whatever the embedded tokenizer makes of it."""
    config = DataConfig(train=[str(path)], held_out=0)
    return min(prepare(config, load_tokenizer("migaki-tiny")).train.lengths)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    """The two consoles of the command line, plain and wide."""
    import io

    plain = Console(file=io.StringIO(), width=200, color_system=None)
    monkeypatch.setattr(data_command, "out", plain)
    monkeypatch.setattr(data_command, "err", Console(file=io.StringIO(), width=200))
    return plain


def run(console: Console, *arguments: str, status: int = 0) -> str:
    result = RUNNER.invoke(data_app, list(arguments))
    if isinstance(result.exception, MigakiError):
        raise result.exception
    assert result.exit_code == status, result.output
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


class TestPreview:
    def test_brackets_stand_around_what_is_trained(self, console: Console, chats: Path) -> None:
        shown = run(console, "preview", str(chats), "-n", "1")
        assert f"── {chats}:1 " in shown
        body = shown.split("\n", 1)[1]
        inside = body[body.index("⟦") + 1 : body.index("⟧")].replace("╎", "")
        assert inside == "0番は川魚です。⏎\nおいしいです。<|im_end|>"
        before = body[: body.index("⟦")].replace("╎", "")
        assert before == "<|im_start|>user⏎\n0番の鯲🦉は何？<|im_end|>⏎\n<|im_start|>assistant⏎\n"

    def test_json_tells_the_same(self, console: Console, chats: Path) -> None:
        (row,) = json.loads(run(console, "preview", str(chats), "-n", "1", "--json"))
        assert (row["file"], row["line"], row["ends"]) == (str(chats), 1, True)
        text = "".join(t["text"] for t in row["tokens"] if t["trained"])
        assert text == "0番は川魚です。\nおいしいです。<|im_end|>"
        ids = [i for t in row["tokens"] for i in t["ids"]]
        assert len(ids) == row["tokens_total"]
        tokenizer = load_tokenizer("migaki-tiny")
        assert tokenizer.decode(ids) == "".join(t["text"] for t in row["tokens"])

    def test_one_line(self, console: Console, chats: Path) -> None:
        assert "12番" in run(console, "preview", str(chats), "--line", "13").replace("╎", "")

    def test_a_line_that_is_not_there(self, console: Console, chats: Path) -> None:
        with pytest.raises(UsageError, match="Line 99 is not among the examples"):
            run(console, "preview", str(chats), "--line", "99")

    def test_a_line_that_cannot_be_used_says_why(self, console: Console, chats: Path) -> None:
        with chats.open("a", encoding="utf-8") as file:
            file.write('{"messages": []}\n')
        with pytest.raises(UsageError, match=r"cannot be used .the conversation is empty"):
            run(console, "preview", str(chats), "--line", "21")

    def test_a_cut_example_is_marked(self, console: Console, chats: Path) -> None:
        limit = shortest(chats) - 2
        shown = run(console, "preview", str(chats), f"data.max_tokens={limit}", "-n", "1")
        assert "no end of turn" in shown

    def test_colours_alternate_and_the_end_is_gold(
        self, monkeypatch: pytest.MonkeyPatch, chats: Path
    ) -> None:
        import io

        coloured = Console(
            file=io.StringIO(),
            force_terminal=True,
            width=100,
            color_system="truecolor",
            record=True,
        )
        monkeypatch.setattr(data_command, "out", coloured)
        monkeypatch.setattr(data_command, "err", coloured)
        run(coloured, "preview", str(chats), "-n", "1")
        page = coloured.export_html()
        assert "⟦" not in page
        assert page.count("&lt;|im_end|&gt;") == 2
        for colour in ("#ffd700", "#005f00", "#008700"):  # gold1, and two greens
            assert colour in page

    def test_the_embedded_samples_are_the_default(self, console: Console) -> None:
        assert "polite_chat.jsonl:1" in run(console, "preview", "-n", "1")


class TestCheck:
    def test_all_is_well(self, console: Console, chats: Path) -> None:
        shown = run(console, "check", str(chats))
        assert "20 read = 20 used + 0 not used" in shown
        assert "Every row can be used." in shown
        assert "messages: all first 20 rows have the keys" in shown
        assert "CC0 (20)" in shown
        assert "<|im_end|>, trained" in shown

    def test_bad_rows_are_listed_and_the_status_says_so(
        self, console: Console, chats: Path
    ) -> None:
        with chats.open("a", encoding="utf-8") as file:
            file.write('{"messages": []}\n{"messages": \n')
        shown = run(console, "check", str(chats), "--list", "1", status=1)
        assert "2 rows cannot be used:" in shown
        assert f"{chats}:21: the conversation is empty" in shown
        assert "and 1 more" in shown

    def test_json(self, console: Console, chats: Path) -> None:
        with chats.open("a", encoding="utf-8") as file:
            file.write('{"messages": []}\n')
        report = json.loads(run(console, "check", str(chats), "--json", status=1))
        assert (report["rows_read"], report["rows_kept"]) == (21, 20)
        assert report["rejected_rows"] == [
            {"file": str(chats), "line": 21, "reason": "the conversation is empty"}
        ]

    def test_over_length(self, console: Console, chats: Path) -> None:
        limit = shortest(chats) - 2
        shown = run(console, "check", str(chats), f"max_tokens={limit}")
        assert f"20 rows above {limit} tokens" in shown
        assert "do not teach the model to stop" in shown


def test_settings_are_checked(console: Console, chats: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'max_token'.*'max_tokens'"):
        run(console, "check", str(chats), "data.max_token=5")
    with pytest.raises(UsageError, match="given twice"):
        run(console, "check", str(chats), "data.train=[x]")
