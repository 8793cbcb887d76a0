"""The embedded sample chats: reproducible, varied, polite, and not leaking into the prompts."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest

from migaki.corpus.samples import SAMPLES_COUNT, SAMPLES_PATH, SAMPLES_SEED, generate, write
from migaki.errors import UsageError

Row = dict[str, Any]

GREETINGS = {
    "こんばんは。",
    "はじめまして。",
    "どういたしまして。",
    "これまでの努力が実りましたね。",
}
POLITE_ENDINGS = [
    "です。",
    "ます。",
    "ません。",
    "でした。",
    "ました。",
    "でしょう。",
    "ましょう。",
    "ください。",
    "ませ。",
    "ですね。",
    "ますよ。",
    "ますか。",
    "ですか。",
    "ましたか。",
    "でしたか。",
    "でしょうか。",
    "ませんか。",
]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with SAMPLES_PATH.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def contents(rows: list[Row], role: str) -> list[str]:
    return [m["content"] for row in rows for m in row["messages"] if m["role"] == role]


def bigrams(text: str) -> set[str]:
    letters = [c for c in text if c.isalnum()]
    return {a + b for a, b in pairwise(letters)}


def test_the_shipped_file_is_what_the_generator_makes(tmp_path: Path) -> None:
    write(tmp_path / "made.jsonl")
    assert (tmp_path / "made.jsonl").read_bytes() == SAMPLES_PATH.read_bytes()


def test_the_seed_fixes_the_rows() -> None:
    assert list(generate(50, seed=1)) == list(generate(50, seed=1))
    assert list(generate(50, seed=1)) != list(generate(50, seed=2))


def test_a_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    assert list(generate(30, seed=3)) == list(islice(generate(300, seed=3), 30))


def test_more_chats_than_the_tables_hold_are_refused() -> None:
    with pytest.raises(UsageError, match="distinct"):
        list(generate(1_000_000, seed=SAMPLES_SEED))


def test_rows_have_the_shape_that_readers_expect(rows: list[Row]) -> None:
    assert len(rows) == SAMPLES_COUNT
    for row in rows:
        assert set(row) == {"messages", "source", "license", "topic"}
        assert row["license"] == "CC0-1.0"
        roles = [m["role"] for m in row["messages"]]
        turns = roles[1:] if roles[0] == "system" else roles
        assert turns in (["user", "assistant"], ["user", "assistant"] * 2)
        assert 20 <= sum(len(m["content"]) for m in row["messages"]) <= 220


def test_every_placeholder_is_filled(rows: list[Row]) -> None:
    text = "".join(m["content"] for row in rows for m in row["messages"])
    for leftover in ("{", "}", "@", "/", "\t", "None", "。。", "など。など", "などなど"):
        assert leftover not in text


def test_every_sentence_of_an_answer_is_polite(rows: list[Row]) -> None:
    sentences = {
        sentence + "。"
        for answer in contents(rows, "assistant")
        for sentence in answer.split("。")
        if sentence
    }
    bad = {s for s in sentences if not s.endswith(tuple(POLITE_ENDINGS))} - GREETINGS
    assert not bad


def test_users_speak_plainly_and_politely(rows: list[Row]) -> None:
    asked = contents(rows, "user")
    polite = sum(text.endswith(tuple(POLITE_ENDINGS)) for text in asked)
    assert 0.25 < polite / len(asked) < 0.6


def test_there_are_many_topics_and_kinds_of_chat(rows: list[Row]) -> None:
    topics = Counter(row["topic"] for row in rows)
    assert len(topics) >= 12
    assert max(topics.values()) < 0.15 * len(rows)
    roles = [[m["role"] for m in row["messages"]] for row in rows]
    assert sum(r[0] == "system" for r in roles) >= 50
    assert sum(r.count("user") == 2 for r in roles) >= 50


def test_rows_are_not_copies_of_each_other(rows: list[Row]) -> None:
    answers = Counter(row["messages"][-1]["content"] for row in rows)
    assert len(answers) > 0.9 * len(rows)


def test_no_evaluation_prompt_is_among_the_samples(rows: list[Row], project_root: Path) -> None:
    path = project_root / "src/migaki/evaluation/prompts/prompts.jsonl"
    prompts = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert 24 <= len(prompts) <= 30
    assert len({p["id"] for p in prompts}) == len({p["prompt"] for p in prompts}) == len(prompts)
    asked = [(text, bigrams(text)) for text in set(contents(rows, "user"))]
    for prompt in prompts:
        own = bigrams(prompt["prompt"])
        for text, theirs in asked:
            alike = len(own & theirs) / max(1, len(own | theirs))
            assert alike < 0.7, (prompt["prompt"], text)
