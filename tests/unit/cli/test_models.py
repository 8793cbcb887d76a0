"""``models``, ``doctor``, ``generate`` and ``chat`` as a user and a program meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.models.tiny_random import make_model, make_tokenizer
from typer.testing import CliRunner, Result

from migaki.cli import doctor as doctor_module
from migaki.cli.app import app


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("cli") / "model"
    make_model().save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    from migaki.cli import console

    monkeypatch.setattr(console.out, "width", 200)
    monkeypatch.setattr(console.err, "width", 200)


def run(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=text)


def test_models_table() -> None:
    done = run("models")
    assert done.exit_code == 0
    assert "elyza/Llama-3-ELYZA-JP-8B" in done.stdout
    assert "8.0 B" in done.stdout
    assert "✗" in done.stdout or "✓" in done.stdout


def test_models_json() -> None:
    listed = json.loads(run("models", "--json").stdout)
    assert listed["machine"]["available_memory_gib"] > 0
    sizes = [entry["parameters"] for entry in listed["models"]]
    assert sizes == sorted(sizes)
    for entry in listed["models"]:
        for method, fits in entry["fits"].items():
            assert fits == (
                entry["memory_gib"][method] <= listed["machine"]["available_memory_gib"]
            )


def test_doctor_json_and_table() -> None:
    done = run("doctor", "--json")
    findings = json.loads(done.stdout)
    assert done.exit_code == (1 if findings["problems"] else 0)
    assert findings["hardware"]["device"]
    assert findings["hub"]["offline"]
    assert findings["packages"]["torch"]
    assert "precision" in run("doctor").stdout


def test_doctor_fails_where_the_main_job_cannot_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from migaki.models import location

    monkeypatch.setattr(location, "embedded_model_folder", lambda: tmp_path)
    monkeypatch.setattr(doctor_module, "_LEAST_DISK_GIB", 1e9)
    monkeypatch.setattr(doctor_module, "_LEAST_MEMORY_GIB", 1e9)
    done = run("doctor")
    assert done.exit_code == 1
    for words in ("embedded model is not in this installation", "are free in", "of memory are"):
        assert words in done.stdout


def test_doctor_names_the_command_for_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_module, "_EXTRAS", {"quantization": ("no-such-package",)})
    extras = json.loads(run("doctor", "--json").stdout)["extras"]
    assert extras["quantization"]["install"] == "pip install 'migaki[quantization]'"


def test_generate_prints_answers_only(model: str) -> None:
    done = run(
        "generate", model, "猫", "犬", "--temperature", "0", "--max-new-tokens", "4", "--json"
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["prompt"] for row in rows] == ["猫", "犬"]
    assert all(row["answer"] for row in rows)


def test_generate_reads_lines_of_stdin(model: str) -> None:
    options = ("--temperature", "0", "--max-new-tokens", "4", "--json")
    piped = run("generate", model, *options, text="猫\r\n\n犬\n")
    assert piped.stdout == run("generate", model, "猫", "犬", *options).stdout


def test_system_and_seed_count(model: str) -> None:
    options = ("--max-new-tokens", "8", "--seed", "1")
    plain = run("generate", model, "猫", *options).stdout
    assert plain == run("generate", model, "猫", *options).stdout
    assert plain != run("generate", model, "猫", *options, "--system", "短く答える。").stdout


@pytest.mark.parametrize(
    ("arguments", "text", "status", "words"),
    [
        (("generate", "MODEL"), "", 2, "no prompt"),
        (("generate", "MODEL", "猫", "--temperature", "-1"), None, 2, "temperature"),
        (("generate", "./nowhere", "猫"), None, 1, "does not exist"),
        (("generate", "nobody/nothing", "猫"), None, 1, "not in the local cache"),
        (("chat", "./nowhere"), "", 1, "does not exist"),
    ],
)
def test_wrong_use(
    model: str, arguments: tuple[str, ...], text: str | None, status: int, words: str
) -> None:
    done = run(*(model if a == "MODEL" else a for a in arguments), text=text)
    assert (done.exit_code, done.stdout) == (status, "")
    assert words in done.stderr


def test_chat_over_a_pipe(model: str) -> None:
    options = ("--temperature", "0", "--max-new-tokens", "6")
    done = run("chat", model, *options, text="猫\n/clear\n猫\n/nonsense\n\n/quit\n犬\n")
    assert done.exit_code == 0
    assert "no command /nonsense" in done.stderr
    once = run("chat", model, *options, text="猫\n").stdout
    assert done.stdout == once * 2  # forgotten in between, and nothing after /quit


def test_chat_remembers_and_takes_a_system_message(model: str) -> None:
    options = ("--temperature", "0", "--max-new-tokens", "6")
    first = run("chat", model, *options, text="猫\n").stdout
    both: Any = run("chat", model, *options, text="猫\n猫\n").stdout
    assert both.startswith(first)
    assert both != first * 2
    with_system = run("chat", model, *options, "--system", "短く答える。", text="猫\n").stdout
    assert run("chat", model, *options, text="/system 短く答える。\n猫\n").stdout == with_system


def test_chat_survives_a_message_that_is_too_long(model: str) -> None:
    options = ("--temperature", "0", "--max-new-tokens", "6")
    done = run("chat", model, *options, text="鰻" * 300 + "\n猫\n")
    assert "256 at most" in done.stderr
    assert done.stdout == run("chat", model, *options, text="猫\n").stdout
