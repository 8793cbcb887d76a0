"""What must stay as it is: quotes, code, addresses, emoji, names, set phrases."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.linguistics.analyzer import analyze
from migaki.linguistics.protection import overlaps, protected_spans, quoted_spans


def _protected(text: str) -> list[str]:
    return [text[start:end] for start, end in protected_spans(text, analyze(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("「行くよ」と言った。", ["「行くよ」"]),
        ("『雪国』は“名作”だ。", ["『雪国』", "“名作”"]),
        ("「彼が『来る』と言った」らしい。", ["「彼が『来る』と言った」"]),
        ('彼は"run"と書いた。', ['"run"']),
        ("`print()` を使う。", ["`print()`"]),
        ("詳しくは https://example.com/行く?a=1 を見る。", ["https://example.com/行く?a=1"]),
        ("info@example.co.jp に送る。", ["info@example.co.jp"]),
        ("設定は config.yaml にある。", ["config.yaml"]),
        ("/etc/hosts を直す。", ["/etc/hosts"]),
        ("楽しい😊👨‍👩‍👧ね", ["😊👨‍👩‍👧"]),
        ("# はじめる\n本文だ。", ["# はじめる"]),
        ("| 書く | 読む |\n本文だ。", ["| 書く | 読む |"]),
        ("[こちら](https://example.com)だ。", ["](https://example.com)"]),
        ("<b>重要</b>だ。", ["<b>", "</b>"]),
        ("```\n行く。\n```\n行く。", ["```\n行く。\n```"]),
        ("おはようございます、田中さん。", ["おはようございます", "田中"]),
        ("どうもすみません。", ["すみません"]),
        ("それだけでは気がすみません。", []),
        ("では、行ってきます！", ["行ってきます"]),
        ("先に駅へ行ってきます。", []),
        ("公園を歩く。", []),
        ("「閉じない引用だ。", []),
    ],
)
def test_protected_text(text: str, expected: list[str]) -> None:
    assert _protected(text) == expected


def test_a_quote_may_run_over_lines_but_not_over_a_blank_line() -> None:
    assert quoted_spans("「行く。\n帰る。」") == [(0, 9)]
    assert quoted_spans("「行く。\n\n帰る。」") == []


def test_overlap_of_insertions() -> None:
    assert overlaps(4, 4, [(3, 6)])
    assert not overlaps(3, 3, [(3, 6)])
    assert not overlaps(6, 7, [(3, 6)])


@given(st.text())
def test_spans_are_sorted_disjoint_and_inside(text: str) -> None:
    spans = protected_spans(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<pre ",
        "](",
        "a",
        "-a",
        "a.",
        "/a",
        "「",
        "`",
        "$a",
        "{#",
        "a@",
        ":a",
        '"',
        "\\",
        "!",
    ],
)
def test_cost_is_linear_in_the_text(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    protected_spans(text)
    assert time.process_time() - began < 5
