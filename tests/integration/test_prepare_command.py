"""``migaki data prepare`` as a user meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.integration.helpers import Migaki
from tests.unit.corpus.jobs import environment
from tests.unit.corpus.test_pipeline import rows_of

from migaki.config import build, merge, read_yaml
from migaki.corpus.cleaning.config import cleaning_config
from migaki.corpus.pipeline_config import PipelineConfig

ARTICLE = (
    "京都は、古い寺や神社が多く残る町である。春には桜が咲き、秋には紅葉が山を染める。"
    "毎年多くの人が訪れ、川のそばを歩いたり、庭を眺めたりして過ごす。{n}番目の通りには、"
    "小さな店が並び、朝早くから豆腐やパンを売っている。"
)


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    path = tmp_path / "articles.jsonl"
    texts = [
        "".join(ARTICLE.format(n=n * 7 + k) + "\n" for k in range(2)) if n % 3 else "short"
        for n in range(30)
    ]
    rows = [{"text": text, "license": "CC0-1.0"} for text in texts]
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), "utf-8")
    return path


def test_documents_are_cleaned_and_counted(migaki: Migaki, articles: Path) -> None:
    done = migaki(
        "data", "prepare", "articles.jsonl", "--out", "o", "--preset", "dialogue", "--rejected"
    )
    assert done.returncode == 0, done.stderr
    assert "cleaned as dialogue: it was asked for" in done.stderr
    assert "Wrote o in" in done.stderr
    assert "rejected by length" in done.stdout
    assert "duplicates" not in done.stdout
    out = articles.parent / "o"
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    counts = manifest["counts"]
    assert counts["read"] == 30 == counts["kept"] + counts["rejected"]
    assert len(rows_of(out)) == counts["kept"]
    assert {row["text"] for row in rows_of(out, "rejected")} == {"short"}
    again = migaki(
        "data", "prepare", "articles.jsonl", "--out", "o", "--preset", "dialogue", "--rejected"
    )
    assert again.returncode == 0
    assert "o was complete already" in again.stderr


def test_a_configuration_file_says_the_same_as_flags(migaki: Migaki, articles: Path) -> None:
    (articles.parent / "corpus.yaml").write_text(
        "# migaki data prepare --config corpus.yaml --out b\n"
        "sources:\n  articles.jsonl:\n    cleaning: {preset: none}\n  samples:\n"
        "limit: 20\n"
        "output: {format: parquet}\n"
        "engine: {workers: 1}\n",
        "utf-8",
    )
    done = migaki("data", "prepare", "--config", "corpus.yaml", "--out", "b", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["counts"]["read"] == 40
    assert told["licences"]["articles.jsonl"] == {"CC0-1.0": 20}
    assert all(file["name"].endswith(".parquet") for file in told["outputs"])
    assert "samples: cleaned as dialogue: they are chats" in done.stderr


def test_code_that_the_configuration_names_is_said_aloud(migaki: Migaki, articles: Path) -> None:
    asked = ("articles.jsonl", "cleaning.preset=none", "cleaning.python=[builtins:bool]")
    done = migaki("data", "prepare", *asked, "--out", "o")
    assert done.returncode == 0, done.stderr
    assert "The configuration runs code: builtins:bool." in done.stderr
    plan = migaki("data", "prepare", *asked, "--dry-run")
    assert "The configuration runs code: builtins:bool." in plan.stderr


def test_the_licence_of_own_files_is_said_on_the_command_line(
    migaki: Migaki, articles: Path
) -> None:
    (articles.parent / "notes.txt").write_text(ARTICLE.format(n=1), "utf-8")
    command = ("data", "prepare", "notes.txt", "articles.jsonl", "samples", "--preset", "none")
    done = migaki(*command, "--licence", "CC BY 4.0", "--out", "licensed", "--json")
    assert done.returncode == 0, done.stderr
    licences = json.loads(done.stdout)["licences"]
    assert licences["notes.txt"] == {"CC-BY-4.0": 1}
    assert licences["articles.jsonl"] == {"CC0-1.0": 30}
    assert set(licences["samples"]) == {"CC0-1.0"}


def test_chats_and_manuals_are_seen_and_a_lost_source_is_loud(
    migaki: Migaki, tmp_path: Path
) -> None:
    for folder in ("chats", "manuals", "english"):
        (tmp_path / folder).mkdir()
    chat = [
        {"role": "user", "content": "明日の天気を教えてください。"},
        {"role": "assistant", "content": "明日は晴れるでしょう。傘は要りません。"},
    ]
    rows = "".join(json.dumps({"messages": chat, "id": n}) + "\n" for n in range(12))
    (tmp_path / "chats" / "a.jsonl").write_text(rows, "utf-8")
    manual = "# 使い方\n\nまず設定ファイルを開きます。次に名前を書きます。\n\n```\nrun --all\n```\n"
    for n in range(6):
        (tmp_path / "manuals" / f"{n}.md").write_text(
            f"{manual}\n{n}番目の手順です。\n" * 4, "utf-8"
        )
    (tmp_path / "english" / "a.txt").write_text("An English text.\n\nAnother one.\n", "utf-8")
    done = migaki("data", "prepare", "chats", "manuals", "english", "--out", "kinds")
    assert done.returncode == 0, done.stderr
    assert "chats: cleaned as dialogue: 5 of 5 rows looked at hold a conv" in done.stderr
    assert "manuals: cleaned as technical: 6 of 6 rows looked at are files of" in done.stderr
    assert "english: cleaned as web: nothing is known about its kind" in done.stderr
    assert "chats: 12 read, 12 kept, 0 rejected, 0 bad rows" in done.stdout
    assert "manuals: 6 read, 6 kept" in done.stdout
    assert "NOTHING of english was kept: 2 of 2 rows were rejected by length" in done.stderr
    assert "try --preset dialogue" in done.stderr
    assert "NOTHING of chats" not in done.stderr
    assert "12 conversations were written as text, without their speakers" in done.stderr
    assert "migaki data clean" in done.stderr


def test_what_is_masked_in_a_chat_stands_nowhere_else(migaki: Migaki, tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "予約の確認はどこへ届きますか。"},
        {"role": "assistant", "content": "taro.yamada@example.jp へ今日中に届きます。"},
    ]
    (tmp_path / "chats.jsonl").write_text(json.dumps({"messages": turns, "id": 1}) + "\n", "utf-8")
    done = migaki("data", "prepare", "chats.jsonl", "--out", "masked", "--preset", "dialogue")
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(tmp_path / "masked")
    assert "［" in row["text"]
    assert "yamada" not in json.dumps(row, ensure_ascii=False)


def test_a_plan_is_shown_without_doing_it(migaki: Migaki, articles: Path) -> None:
    done = migaki("data", "prepare", "articles.jsonl", "samples", "--dry-run", "--out", "o")
    assert done.returncode == 0, done.stderr
    assert "cleaned as web: nothing is known about its kind" in done.stdout
    assert "2 tasks (local, on all cores)" in done.stdout
    assert not (articles.parent / "o").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("articles.jsonl",), "It was not said where to write"),
        (("--out", "o"), "No source was named"),
        (("missing.jsonl", "--out", "o"), "missing.jsonl"),
        (("articles.jsonl", "--out", "o", "--format", "xml"), "output.format"),
        (("articles.jsonl", "--out", "o", "output.file_gb=1"), "Did you mean 'output.file_mb'?"),
        (("articles.jsonl", "--out", "o", "cleaning.lenght.min_japanese=3"), "length"),
        (("articles.jsonl", "--out", "o", "--engine", "spark"), "engine.kind"),
        (("articles.jsonl", "--out", "articles.jsonl"), "articles.jsonl"),
        (("articles.jsonl", "--out", "o", "--licence", "mine"), "'mine' is not in the table"),
        (("samples", "--out", "o", "--licence", "MIT"), "--licence is for files and folders"),
    ],
)
def test_a_mistake_is_named(
    migaki: Migaki, articles: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = migaki("data", "prepare", *arguments)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_configuration_of_the_guide_is_valid(project_root: Path, tmp_path: Path) -> None:
    guide = (project_root / "docs" / "guides" / "cluster.md").read_text("utf-8")
    path = tmp_path / "corpus.yaml"
    path.write_text(guide.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    chosen = build(PipelineConfig, read_yaml(path), where="the guide's example")
    assert chosen.deduplicate is not None
    for name, own in chosen.sources.items():
        cleaning_config("web", merge(chosen.cleaning, own.cleaning if own else {}), where=name)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(
    tmp_path: Path, project_root: Path
) -> None:
    text = "".join(ARTICLE.format(n=n) for n in range(10))
    rows = "".join(
        json.dumps({"text": f"{n}。{text}"}, ensure_ascii=False) + "\n" for n in range(4_000)
    )
    (tmp_path / "a.jsonl").write_text(rows, "utf-8")
    command = [
        sys.executable,
        "-m",
        "migaki",
        "data",
        "prepare",
        "a.jsonl",
        "-o",
        "o",
        "-w",
        "2",
        "task_mb=1",
    ]
    job = subprocess.Popen(
        command, cwd=tmp_path, env=environment(project_root), stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    results = tmp_path / "o" / ".work" / "results"
    finished = "[0-9]*.json"  # a file that is being written begins with a dot
    until = time.monotonic() + 60
    while not list(results.glob(finished)) and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(job.pid, signal.SIGINT)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 130, said
    assert "The same command goes on" in said
    done = len(list(results.glob(finished)))
    again = subprocess.run(
        command, cwd=tmp_path, env=environment(project_root), capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert f"going on after {done} of" in again.stderr
    assert (
        json.loads((tmp_path / "o" / "manifest.json").read_text("utf-8"))["counts"]["read"] == 4_000
    )


def test_a_name_of_nothing_and_a_file_as_output_are_refused(
    migaki: Migaki, articles: Path, tmp_path: Path
) -> None:
    done = migaki("data", "prepare", "nosuchthing", "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "neither a file nor a source of the name 'nosuchthing'" in done.stderr
    done = migaki("data", "prepare", str(articles), "--out", str(articles))
    assert done.returncode == 2
    assert "is a file, and a folder is needed" in done.stderr


def test_the_encoding_of_a_file_can_be_named(migaki: Migaki, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes((ARTICLE.format(n=1) * 8).encode("cp932"))
    for encoding, bad_rows in (("cp932", 0), ("utf-8", 1)):
        out = tmp_path / encoding
        done = migaki(
            "data", "prepare", str(tmp_path / "a.txt"), "--out", str(out), "--encoding", encoding
        )
        assert done.returncode == 0, done.stderr
        assert ("is not valid UTF-8" in done.stderr + done.stdout) == bool(bad_rows)
