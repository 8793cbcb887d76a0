"""``migaki data dedup``, ``select`` and ``mix``, as a user and as a script meet them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.corpus.jobs import environment

PROJECT_ROOT = Path(__file__).resolve().parents[3]
CAT = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗い所で泣いていた。"
)
ROAD = (
    "山路を登りながら、こう考えた。智に働けば角が立つ。情に棹させば流される。意地を通せば窮屈だ。"
)


def migaki(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "migaki", "data", *arguments],
        cwd=folder,
        env={**environment(PROJECT_ROOT), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"text": CAT},
        {"text": ROAD},
        {"text": CAT[:-3] + "。"},
        {"text": "日本で一番高い山は何ですか。"},
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "in.jsonl").write_text(lines, "utf-8")
    (tmp_path / "eval.jsonl").write_text('{"question": "日本で一番高い山は何ですか。"}\n', "utf-8")
    (tmp_path / "mix.yaml").write_text("sources: {a: {path: in.jsonl, weight: 1}}\n", "utf-8")
    return tmp_path


def test_dedup_says_what_it_left_out(folder: Path) -> None:
    done = migaki(
        folder,
        "dedup",
        "in.jsonl",
        "-o",
        "out.jsonl",
        "--against",
        "eval.jsonl",
        "--report",
        "r.json",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "4 read = 2 written + 2 left out" in done.stderr
    assert "1 of 1 items" in done.stderr
    assert json.loads((folder / "r.json").read_text("utf-8"))["rows_written"] == 2
    assert len((folder / "out.jsonl").read_text("utf-8").splitlines()) == 2


def test_dedup_for_a_script(folder: Path) -> None:
    done = migaki(folder, "dedup", "in.jsonl", "-o", "out.jsonl", "--exact", "--json")
    assert json.loads(done.stdout)["duplicates"]["near_duplicates"] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["dedup", "in.jsonl", "-o", "out.jsonl", "--paragraphs", "drop"],
            "Valid: keep, count, remove",
        ),
        (["dedup", "in.jsonl", "-o", "out.jsonl", "--prefer", "other"], "none of the inputs"),
        (["dedup", "in.jsonl", "-o", "out.csv"], "format"),
        (["select", "in.jsonl", "-o", "out.jsonl", "-n", "0"], "--count"),
        (["mix", "mix.yaml", "-o", "out.jsonl", "sources.a.wieght=1"], "Did you mean"),
        (["mix", "-o", "out.jsonl", "seed=1"], "one is needed"),
    ],
)
def test_wrong_use_has_status_two(folder: Path, arguments: list[str], said: str) -> None:
    done = migaki(folder, *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_select_and_mix(folder: Path) -> None:
    done = migaki(folder, "select", "in.jsonl", "-o", "few.jsonl", "-n", "9")
    assert done.returncode == 0, done.stderr
    assert "Only 2 of 9 rows" in done.stderr
    done = migaki(
        folder, "mix", "mix.yaml", "-o", "mixed.jsonl", "--json", "unit=documents", "budget=3"
    )
    assert json.loads(done.stdout)["sources"]["a"]["documents"] == 3
    assert len((folder / "mixed.jsonl").read_text("utf-8").splitlines()) == 3


@pytest.mark.parametrize(
    ("command", "options"),
    [("dedup", ["in.jsonl"]), ("select", ["in.jsonl", "-n", "2"]), ("mix", ["mix.yaml"])],
)
def test_bad_rows_are_left_out_by_one_option(
    folder: Path, command: str, options: list[str]
) -> None:
    with (folder / "in.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": "\\ud800雨だ。"}\n')
    asked = [command, *options, "-o", "out.jsonl"]
    done = migaki(folder, *asked)
    assert done.returncode == 1
    assert "in.jsonl:5: holds half a character" in done.stderr
    assert "--on-bad-row skip" in done.stderr
    done = migaki(folder, *asked, "--on-bad-row", "skip")
    assert done.returncode == 0, done.stderr
    left_out = (folder / "out.jsonl.left_out.jsonl").read_text("utf-8")
    assert left_out.count('"bad_row"') == 1
    assert migaki(folder, *asked, "--on-bad-row", "ignore").returncode == 2


@pytest.mark.parametrize("command", [["dedup"], ["clean", "-p", "none"]])
def test_a_full_disk_is_named_with_the_file(folder: Path, command: list[str]) -> None:
    resource = pytest.importorskip("resource")
    (folder / "in.jsonl").write_text(
        "".join(json.dumps({"text": f"{n}。{CAT}{ROAD}" * 20}) + "\n" for n in range(200)), "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "migaki", "data", *command, "in.jsonl", "-o", "out.jsonl"],
        cwd=folder,
        env={**environment(PROJECT_ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, 1 << 14)),
    )
    assert done.returncode == 1
    assert "The disk is full: nothing more could be written to out.jsonl" in done.stderr
