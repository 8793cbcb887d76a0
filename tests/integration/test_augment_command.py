"""``migaki augment`` as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from tests.integration.helpers import Migaki

from migaki.linguistics.edits import Edit, apply_edits
from migaki.linguistics.operators import find_operators

SENTENCES = (
    "今日はとても寒いです。",
    "静かではない部屋だった。",
    "先週読んだ本は、かなり面白かったです。",
    "駅まで歩いて行かなければならない。",
    "たぶん明日は雨だろう。でも、出かける。",
    "机",
)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    path = tmp_path / "sentences.jsonl"
    rows = [
        {"text": f"{n}番。{text}", "license": "CC0-1.0", "source": "作例"}
        for n, text in enumerate(SENTENCES * 4)
    ]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def test_every_variant_is_its_source_with_its_edits(migaki: Migaki, sentences: Path) -> None:
    done = migaki("augment", "sentences.jsonl", "-o", "out.jsonl", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "Wrote out.jsonl" in done.stderr
    assert "text (24 rows)" in done.stderr
    rows = rows_of(sentences.parent / "out.jsonl")
    sources = {r["augment_source"]: r["text"] for r in rows if r["augment_variant"] == 0}
    assert list(sources.values()) == [r["text"] for r in rows_of(sentences)]
    variants = [r for r in rows if r["augment_variant"]]
    assert len(variants) >= 20
    for row in variants:
        source = sources[row["augment_source"]]
        edits = [
            Edit(*(e[k] for k in ("start", "end", "replacement", "rule")))
            for e in row["augment_edits"]
        ]
        assert apply_edits(source, edits) == row["text"] != source
        assert row["augment_operators"]
        assert (row["license"], row["source"]) == ("CC0-1.0", "作例")


def test_two_workers_and_another_seed(migaki: Migaki, sentences: Path) -> None:
    folder = sentences.parent
    sentences.write_bytes(sentences.read_bytes() * 12)
    for name, options in {
        "one": ["--workers", "1"],
        "two": ["--workers", "2"],
        "other": ["--workers", "1", "--seed", "1"],
    }.items():
        done = migaki("augment", "sentences.jsonl", "-o", f"{name}.jsonl", "-n", "1", *options)
        assert done.returncode == 0, done.stderr
    one, two, other = (folder / f"{name}.jsonl" for name in ("one", "two", "other"))
    assert one.read_bytes() == two.read_bytes()
    assert [r["text"] for r in rows_of(one)] != [r["text"] for r in rows_of(other)]


def test_parquet_and_text_out_and_the_summary_as_json(migaki: Migaki, sentences: Path) -> None:
    done = migaki("augment", "sentences.jsonl", "-o", "out.parquet", "--json")
    summary = json.loads(done.stdout)
    table = pyarrow.parquet.read_table(sentences.parent / "out.parquet")
    assert table.num_rows == summary["rows_out"] == summary["rows"] + summary["variants"]
    done = migaki("augment", "out.parquet", "-o", "out.txt")
    assert done.returncode == 1
    assert "made by migaki augment" in done.stderr
    (sentences.parent / "in.txt").write_text("\n".join(SENTENCES), "utf-8")
    assert migaki("augment", "in.txt", "-o", "out.txt").returncode == 0
    lines = (sentences.parent / "out.txt").read_text("utf-8").splitlines()
    assert (
        len(lines) == len(rows_of(sentences.parent / "out.txt.provenance.jsonl")) > len(SENTENCES)
    )


def test_a_conversation_is_varied_where_the_assistant_speaks(
    migaki: Migaki, tmp_path: Path
) -> None:
    turns = [
        {"role": "user", "content": "今日はとても寒いです。"},
        {"role": "assistant", "content": "明日もとても寒いです。"},
    ]
    (tmp_path / "chat.jsonl").write_text(json.dumps({"messages": turns}), "utf-8")
    done = migaki("augment", "chat.jsonl", "-o", "out.jsonl")
    assert "assistant (1 rows)" in done.stderr
    _, *variants = rows_of(tmp_path / "out.jsonl")
    assert variants
    for row in variants:
        assert row["messages"][0] == turns[0]
        assert row["messages"][1]["content"] != turns[1]["content"]
    done = migaki("augment", "chat.jsonl", "-o", "user.jsonl", "--field", "user", "-n", "1")
    assert rows_of(tmp_path / "user.jsonl")[1]["messages"][1] == turns[1]


def test_the_list_of_operators(migaki: Migaki) -> None:
    listed = json.loads(migaki("augment", "--list-operators", "--json").stdout)
    assert [entry["name"] for entry in listed] == [operator.name for operator in find_operators()]
    assert {"family", "meaning", "grammatical", "use", "description"} <= listed[0].keys()
    shown = migaki("augment", "--list-operators").stdout
    assert all(entry["name"] in shown for entry in listed)


def test_operators_that_are_not_for_training_need_their_use(
    migaki: Migaki, sentences: Path
) -> None:
    other = next(o for o in find_operators() if o.use == "evaluation")
    call = ("augment", "sentences.jsonl", "-o", "out.jsonl", "--operators", other.name)
    done = migaki(*call)
    assert done.returncode == 2
    assert "--use evaluation" in done.stderr
    assert not list(sentences.parent.glob("out*"))
    done = migaki(*call, "--use", "evaluation")
    assert done.returncode == 0, done.stderr
    names = {n for row in rows_of(sentences.parent / "out.jsonl") for n in row["augment_operators"]}
    assert names <= {other.name}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the file to read"),
        (["sentences.jsonl"], "where to write"),
        (["nothing.jsonl", "-o", "out.jsonl"], "does not exist"),
        (["sentences.jsonl", "-o", "out.docx"], ".parquet"),
        (["sentences.jsonl", "-o", "out.jsonl", "--operators", "verb"], "Did you mean verbs?"),
        (["sentences.jsonl", "-o", "out.jsonl", "--use", "test"], "train, rejected, evaluation"),
        (["sentences.jsonl", "-o", "out.jsonl", "--on-bad-row", "stop"], "Valid: error, skip"),
        (["sentences.jsonl", "-o", "out.jsonl", "--field", "body"], "has no 'body'"),
        (["sentences.jsonl", "-o", "out.jsonl", "--engine", "juman"], "fugashi, sudachi"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    migaki: Migaki, sentences: Path, arguments: list[str], said: str
) -> None:
    done = migaki("augment", *arguments)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (sentences.parent / "out.jsonl").exists()


def test_bad_rows_are_counted_and_listed(migaki: Migaki, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "寒い。"}\n{"text": 3}\n{', "utf-8")
    done = migaki("augment", "in.jsonl", "-o", "out.jsonl", "--on-bad-row", "skip")
    assert done.returncode == 0
    assert "2 not usable" in done.stderr
    assert "in.jsonl:2: 'text' is a number" in done.stderr
    assert len(rows_of(tmp_path / "out.jsonl.rejected.jsonl")) == 2


HALF_A_CHARACTER = "\ud83d"
HOSTILE = (
    "",
    " \t\n",
    "\x00\x01\x7f",
    HALF_A_CHARACTER,
    "とても" * 350_000,
    "寒いです。" * 3_000,
    "ﾊﾝｶｸﾉｶﾅﾃﾞｽ。",
    "けふはさむう御座候。",
    "This is とても English です。",
    "# 見出し\n```python\nprint('とても')\n```\n<b>とても</b>寒い&nbsp;です。",
    "👨‍👩‍👧‍👦🇯🇵とても👍🏽です",
    "「" * 10_000,
    "！？" * 5_000,
)


@pytest.mark.slow
def test_hostile_rows_neither_stop_nor_vanish(migaki: Migaki, tmp_path: Path) -> None:
    lines = [json.dumps({"text": text}) for text in HOSTILE]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), "utf-8")
    done = migaki("augment", "in.jsonl", "-o", "out.jsonl", "--on-bad-row", "skip")
    assert done.returncode == 0, done.stderr
    rows = rows_of(tmp_path / "out.jsonl")
    whole = tuple(text for text in HOSTILE if text != HALF_A_CHARACTER)
    assert tuple(r["text"] for r in rows if not r["augment_variant"]) == whole
    (left_out,) = rows_of(tmp_path / "out.jsonl.rejected.jsonl")
    assert left_out["line"] == 1 + HOSTILE.index(HALF_A_CHARACTER)
    assert "half a character" in left_out["reason"]


def _as_in_the_foreground() -> None:
    """A shell without job control lets what it puts in the background ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_a_stopped_command_goes_on_to_the_same_bytes(
    sentences: Path, migaki: Migaki, stop: signal.Signals
) -> None:
    sentences.write_bytes(sentences.read_bytes() * 250)
    command = ["augment", "sentences.jsonl", "-o", "stopped.jsonl", "--workers", "2"]
    job = subprocess.Popen(
        [sys.executable, "-m", "migaki", *command],
        cwd=sentences.parent,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_as_in_the_foreground,
    )
    state = sentences.parent / "stopped.jsonl.part.json"
    until = time.monotonic() + 60
    while job.poll() is None and time.monotonic() < until:
        if state.exists() and json.loads(state.read_text())["rows_done"]:
            break
        time.sleep(0.02)
    os.killpg(job.pid, stop)  # as a terminal does
    said = job.communicate(timeout=60)[1]
    if stop == signal.SIGINT:
        assert job.returncode == 130, said
        assert "--resume goes on" in said
        assert "Traceback" not in said
    assert not (sentences.parent / "stopped.jsonl").exists()
    done = migaki(*command, "--resume")
    assert done.returncode == 0, done.stderr
    assert "going on after" in done.stderr
    assert migaki("augment", "sentences.jsonl", "-o", "whole.jsonl").returncode == 0
    whole, stopped = (sentences.parent / f"{name}.jsonl" for name in ("whole", "stopped"))
    assert whole.read_bytes() == stopped.read_bytes()
