"""The page of a run: what it says, that it is the same each time, and that nothing on it is executable."""

from __future__ import annotations

import html
import importlib.util
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from migaki.atomic import write_json, write_jsonl
from migaki.config import read_yaml
from migaki.errors import UsageError
from migaki.reports.run_data import read_run
from migaki.reports.run_report import summary_rows, write_report

_spec = importlib.util.spec_from_file_location(
    "run_folders", Path(__file__).parent / "run_folders.py"
)
run_folders: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(run_folders)


class Page(HTMLParser):
    """Tags with their attributes, and the text, of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(source)
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return run_folders.make_run(tmp_path / "polite-hotel")


def read(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def test_the_page_says_what_happened(run):
    said = read(run).text
    evaluation = json.loads((run / "evaluation.json").read_text("utf-8"))
    for words in (
        f"from {evaluation['before']['validation']['bits_per_character']:.3f} "
        f"to {evaluation['after']['validation']['bits_per_character']:.3f}",
        "Completed",
        "training took 1 min 2 s on data with 48,310 trained tokens",
        "駅までは歩いて五分ほどです。",
        "lora: r=16, alpha=32, all linear layers",
        "CC BY 4.0, CC0",
        "no assistant turn",
        "3 rows were longer than the limit (truncate): 412 tokens lost, 120 of them trained ones.",
        "near-duplicates stay on one side",
        "float32: no GPU; this CPU gains nothing from bfloat16",
        "2.13.0+cpu",
        run_folders.COMMAND,
        "migaki chat runs/polite-hotel",
        "The licence of 12 rows asks for nothing",
    ):
        assert words in said, words
    assert "Not in the folder" not in said


def test_endings_are_marked(run):
    source = write_report(run).read_text("utf-8")
    assert '五分ほど<mark class="polite">です</mark>。' in source
    assert '<mark class="plain">けどね</mark>' in source or "むけどね</mark>" in source


def test_same_files_same_bytes(run):
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first
    elsewhere = run.parent / "deeper" / run.name
    shutil.copytree(run, elsewhere)
    assert write_report(elsewhere).read_bytes() == first


def test_nothing_comes_from_elsewhere(run):
    page = read(run)
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section",
               "article", "div", "p", "span", "strong", "b", "i", "h1", "h2", "h3", "h4", "ul", "li", "dl",
               "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "mark", "pre", "code", "details",
               "summary", "figure", "figcaption", "svg", "rect", "path", "circle", "text"}  # fmt: skip
    assert {tag for tag, _ in page.tags} <= allowed
    for tag, attributes in page.tags:
        assert not {"href", "src", "srcset", "style", "action", "xlink:href"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
    policy = next(a for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)",
    "[x](javascript:alert(1))", "</style><script>alert(1)</script>", "</title></svg><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}", "駅\ud800は\udfffです。", "\x00\x08\x1b[31m\x7f\x9b です。", "\u202e逆さまです。",
    "あ" * 50_000, "word" * 20_000, "' onmouseover='alert(1)", "<!-- ", "]]>", "&lt;script&gt;", "\ufffe\uffff",
]  # fmt: skip


def _poison(value: Any, text: str) -> Any:
    """Put a text into every string, as key too, and into every place where a number is expected."""
    if isinstance(value, dict):
        return {**{k: _poison(v, text) for k, v in value.items()}, text[:200]: text}
    if isinstance(value, list):
        return [*(_poison(v, text) for v in value), text]
    return text if isinstance(value, str) else value


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("numbers", [True, False], ids=["numbers kept", "numbers replaced"])
def test_hostile_text_everywhere_executes_nothing(run, text, numbers):
    def poison(value: Any) -> Any:
        poisoned = _poison(value, text)
        return poisoned if numbers else _numbers_to_text(poisoned, text)

    for name in ("environment.json", "data.json", "plan.json", "status.json", "evaluation.json"):
        value = json.loads((run / name).read_text("utf-8"))
        (run / name).write_text(json.dumps(poison(value)))  # escapes: surrogates come back as such
    recipe = read_yaml(run / "run.yaml")
    (run / "run.yaml").write_text(json.dumps(poison(recipe)))  # JSON is YAML
    for name in ("samples.jsonl", "metrics.jsonl", "rejected.jsonl"):
        lines = (run / name).read_text("utf-8").split("\n")
        rows = [poison(json.loads(line)) for line in lines if line]
        (run / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = write_report(run).read_text(encoding="utf-8")
    page = Page(source)
    assert not {"script", "img", "iframe", "object", "a", "link", "base", "form"} & {
        t for t, _ in page.tags
    }
    for tag, attributes in page.tags:
        assert not [n for n in attributes if n.startswith("on") or n in ("href", "src", "style")], (
            tag
        )
    assert [tag for tag, _ in page.tags].count("style") == 1
    assert "<!--" not in source
    assert "49" not in re.findall(r"7\*7|\b49\b", source)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", source
    )
    assert len(source) < 3_000_000


def _numbers_to_text(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {k: _numbers_to_text(v, text) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbers_to_text(v, text) for v in value]
    return text if isinstance(value, int | float) and not isinstance(value, bool) else value


@pytest.mark.parametrize(
    "number", [float("nan"), float("inf"), -1, 0, 10**400, 1e308, None, [], {}, True]
)
def test_strange_numbers_are_survived(run, number):
    def replace(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: replace(v) for k, v in value.items()}
        if isinstance(value, list):
            return [replace(v) for v in value]
        return number if isinstance(value, int | float) else value

    for name in ("environment.json", "data.json", "plan.json", "status.json", "evaluation.json"):
        write_json(run / name, replace(json.loads((run / name).read_text("utf-8"))))
    rows = [
        json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").split("\n") if line
    ]
    write_jsonl(run / "metrics.jsonl", [replace(row) for row in rows])
    assert "nan" not in read(run).text


FILES = ["run.yaml", "environment.json", "plan.json", "data.json", "status.json", "metrics.jsonl",
         "evaluation.json", "samples.jsonl"]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_said(run, name):
    (run / name).unlink()
    assert f"{name} is missing." in read(run).text


@pytest.mark.parametrize("name", [n for n in FILES if not n.endswith("jsonl")])
@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '"text"', "\x00\xff", "[" * 100_000])
def test_a_damaged_file_is_said(run, name, content):
    (run / name).write_text(content)
    said = read(run).text
    assert f"{name} cannot be read" in said or f"{name} does not hold" in said or (
        name == "run.yaml" and not content
    )  # fmt: skip


def test_a_line_cut_off_by_a_kill_is_left_out(run):
    text = (run / "metrics.jsonl").read_text("utf-8")
    (run / "metrics.jsonl").write_text(text + '{"split": "train", "st', "utf-8")
    assert "Loss, nats per trained token" in read(run).text


def test_only_a_folder_with_one_file_of_a_run(tmp_path):
    folder = tmp_path / "young"
    folder.mkdir()
    (folder / "run.yaml").write_text("method: lora\n")
    said = read(folder).text
    assert "samples.jsonl holds no answers" in said
    assert "State unknown" in said


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_stopped_run_says_why_and_how_to_go_on(run, state):
    for name in ("evaluation.json", "samples.jsonl"):
        (run / name).unlink()
    rows = [row for row in run_folders.metrics() if row["step"] <= 30]
    write_jsonl(run / "metrics.jsonl", rows)
    write_json(
        run / "status.json",
        {"state": state, "message": "the disk is full", "seconds": {"train": 3}},
    )
    said = read(run).text
    assert "the disk is full" in said
    assert "Stopped after 30 of 150 steps." in said
    assert "--resume" not in said, "there is no checkpoint"
    (run / "checkpoints" / "checkpoint-25").mkdir(parents=True)
    said = read(run).text
    assert "migaki train --resume --name polite-hotel" in said
    assert "migaki chat" not in said


def test_a_run_that_says_running_may_have_been_killed(run):
    (run / "checkpoints" / "checkpoint-25").mkdir(parents=True)
    write_json(run / "status.json", {"state": "running", "message": ""})
    (run / "evaluation.json").unlink()
    said = read(run).text
    assert "or it was killed without a word" in said
    assert "So far 150 steps." in said
    assert "migaki train --resume --name polite-hotel" in said


def test_a_model_that_only_repeats_is_visible(run):
    before, _ = run_folders.measurements()
    loops = tuple(run_folders.Answer(a.prompt, "駅は近いです。" * 8, True) for a in before.answers)
    after = run_folders.Measurement(before.likelihood, loops, before.settings)
    write_json(run / "evaluation.json", run_folders.compare(before, after))
    said = read(run).text
    assert "8 of 8 answers after training repeat themselves." in said
    assert "1 distinct answer(s) to 8 prompts after training" in said
    assert "bits per character may be chance" in said


def test_a_long_run_makes_a_small_page(run):
    write_jsonl(run / "metrics.jsonl", run_folders.metrics(steps=50_000))
    assert write_report(run).stat().st_size < 3_000_000


def test_a_full_disk_leaves_the_old_page(run, monkeypatch):
    page = write_report(run)
    page.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_report(run)
    assert page.read_text() == "old"
    assert not list(run.glob(".report*"))


def test_no_run_folder(tmp_path):
    with pytest.raises(UsageError, match="has none of a run's files"):
        write_report(tmp_path)
    with pytest.raises(UsageError, match="is no folder"):
        write_report(tmp_path / "nowhere")


def test_summary_rows(run):
    rows = dict(summary_rows(read_run(run)))
    assert rows["state"] == "Completed"
    assert "→" in rows["bits per character"]


CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed to draw the page in"
)


def _chromium(*arguments: str) -> str:
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *arguments],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout


@needs_chromium
@pytest.mark.slow
def test_chromium_draws_the_page(run, tmp_path):
    page = write_report(run)
    dom = Page(_chromium("--dump-dom", page.as_uri()))
    assert "駅までは歩いて五分ほどです。" in dom.text
    assert [a.get("role") for t, a in dom.tags if t == "svg"].count("img") == 7
    picture = tmp_path / "page.png"
    _chromium("--window-size=1280,1800", f"--screenshot={picture}", page.as_uri())
    assert picture.stat().st_size > 50_000


@needs_chromium
@pytest.mark.slow
def test_chromium_executes_nothing_of_a_hostile_run(run):
    attack = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    rows = [{"id": "1", "prompt": attack, "before": attack, "after": attack, "category": attack}]
    write_jsonl(run / "samples.jsonl", rows)
    dom = _chromium("--dump-dom", write_report(run).as_uri())
    title = re.search("<title>(.*?)</title>", dom)
    assert title is not None
    assert html.unescape(title[1]) == "polite-hotel · migaki report"
