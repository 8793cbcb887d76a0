"""What of a text is judged as Japanese, and what is left out of the judgement."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.cleaning.measures import measure
from migaki.corpus.cleaning.prose import prose_of, without_references


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("これは`let x`です。", "これはです。"),
        ("これは``a`b``です。", "これは``a`b``です。"),  # a mark inside: left as it is
        ("前。\n```js\nlet x;\n```\n後。", "前。\n後。"),
        ("前。\n  ````\n```\n  ````\n後。", "前。\n後。"),
        ("前。\n```js\nまだ閉じない。", "前。\n```js\nまだ閉じない。"),
        ("<div class='a'>中身</div>", "中身"),
        ("もし a < b かつ c > d なら。", "もし a < b かつ c > d なら。"),
        ("[案内](/guide/a.html#b)を見る。", "[案内]を見る。"),
        ("値（[注](重要)）", "値（[注]）"),
        ("詳しくはhttps://a.example/x?y=1を見る。", "詳しくはを見る。"),
        ("## 基本 {#basics}", "## 基本"),
        ("猫がいる。\n\n犬もいる。", "猫がいる。\n\n犬もいる。"),
    ],
)
def test_code_tags_and_addresses_are_no_prose(text: str, prose: str) -> None:
    assert prose_of(text) == prose


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("雨だ。『雨』。気象庁、2006年8月8日。『風』。気象庁、2006年8月9日。", "雨だ。"),
        ("雨だ。気象庁『雨』。気象庁、2011年4月7日23時46分(UTC+9)。", "雨だ。"),
        ("雨だ。\n気象庁『雨』。気象庁、2006年8月8日。", "雨だ。\n"),
        ("彼は『雨』。と書いた。", "彼は『雨』。と書いた。"),
        (f"{'長' * 50}『雨』。気象庁、2006年8月8日。", "長" * 50),
    ],
)
def test_references_are_left_out_with_their_authors(text: str, body: str) -> None:
    assert without_references(text) == body


def test_a_text_without_markup_is_measured_once() -> None:
    measures = measure("猫がいる。犬もいる。")
    assert measures.body is measures.prose is measures


@given(st.text(alphabet="あ。`<>/a![](){}#:\n『』、2006年8月", max_size=200))
def test_nothing_is_added(text: str) -> None:
    for left in (prose_of(text), without_references(text)):
        rest = iter(text)
        assert all(char in rest for char in left)  # a subsequence


@pytest.mark.parametrize(
    "piece",
    ["```a\n", "`", "<a", "<!--", "](", "『", "『』。", "{#", "『あ』。い、", "https://", "<code>"],
)
def test_openings_without_an_end_cost_no_more_than_their_length(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began_s = time.process_time()
    without_references(prose_of(text))
    assert time.process_time() - began_s < 5
