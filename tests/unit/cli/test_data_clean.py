"""``migaki data clean`` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from migaki.cli.app import app

ROWS = [
    {"text": "ﾈｺは３匹います。メールはa@example.jpです。"},
    {"text": "短"},
    {"text": "English only, nothing else."},
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), "utf-8")
    return path


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", "clean", *map(str, arguments), "--workers", "1"])
    return result.exit_code, result.output


def test_rows_are_cleaned_and_counted(source: Path) -> None:
    target = source.with_name("out.jsonl")
    code, said = call(source, "-o", target, "-p", "dialogue", "--rejected", "--explain")
    assert code == 0
    assert "3 rows read = 1 kept + 2 rejected + 0 unreadable" in said
    assert "too_short" in said
    assert "1 kana and kanji < 4" in said
    kept = json.loads(target.read_text("utf-8"))
    assert kept == {"text": "ネコは3匹います。メールは［メールアドレス］です。"}
    assert len((source.parent / "out.jsonl.rejected.jsonl").read_text("utf-8").splitlines()) == 2


def test_a_summary_is_json(source: Path) -> None:
    code, said = call(source, "-p", "dialogue", "--json")
    assert code == 0
    summary = json.loads(said.strip().splitlines()[-1])
    assert (summary["rows"], summary["kept"], summary["output"]) == (3, 1, None)


def test_settings_are_given_as_file_and_overrides(source: Path) -> None:
    config = source.with_name("cleaning.yaml")
    config.write_text("preset: dialogue\nlength: off\n", encoding="utf-8")
    code, said = call("--config", config, "--show-config", "symbols=null")
    assert code == 0
    assert "length: null" in said
    assert "symbols: null" in said
    code, said = call(source, "--config", config, "japanese_ratio=off", "kana_shares=off")
    assert code == 0
    assert "3 kept" in said


def test_code_that_the_configuration_names_is_said_aloud(source: Path) -> None:
    code, said = call(source, "-p", "none", "python=[builtins:bool]")
    assert code == 0
    assert "runs code: builtins:bool" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "It was not said what to clean"),
        (["in.jsonl", "lenght.min_japanese=3"], "Did you mean 'length'"),
        (["in.jsonl", "-p", "webb"], "no preset 'webb'"),
        (["in.jsonl", "--rejected"], "Give -o OUT"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], says: str) -> None:
    code, said = call(*arguments)
    assert code == 2
    assert says in said


def test_a_field_that_no_row_has_is_refused_with_the_columns_there_are(source: Path) -> None:
    code, said = call(source, "--field", "boddy")
    assert code == 2
    assert "'boddy'" in said
    assert "The columns are: 'text'" in " ".join(said.split())


def test_a_parquet_file_that_was_cut_is_said_in_words(tmp_path: Path) -> None:
    whole = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), whole)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    code, said = call(whole, "-o", tmp_path / "out.jsonl")
    assert code == 1
    assert "is not a readable Parquet file" in " ".join(said.split())
    assert "did not expect" not in said


def test_the_advice_names_what_this_command_knows(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\x81\xff\xfe\x9a" * 50)
    code, said = call(tmp_path / "a.jsonl")
    assert code == 1
    assert "--encoding NAME" in " ".join(said.split())
    (tmp_path / "bad.yaml").write_text("a: [1", "utf-8")
    for name in ("bad.yaml", "none.yaml"):
        code, said = call("--config", tmp_path / name, "--show-config")
        assert code == 2
        assert "The configuration file" in said
        assert "recipe" not in said
