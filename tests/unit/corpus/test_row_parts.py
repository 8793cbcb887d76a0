"""Of a row of any known shape: all text, what sets it apart, what is to be learnt."""

from __future__ import annotations

from typing import Any

import pytest

from migaki.corpus.row_parts import row_parts
from migaki.corpus.text_fields import FieldProblemError

CHAT = {
    "messages": [
        {"role": "system", "content": "丁寧に。"},
        {"role": "user", "content": "元気？"},
        {"role": "assistant", "content": "元気です。"},
        {"role": "user", "content": "よかった。"},
    ]
}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"text": "雨だ。", "question": "？"}, ("雨だ。", "", "雨だ。")),
        (CHAT, ("丁寧に。\n元気？\n元気です。\nよかった。", "元気です。", "元気です。")),
        ({"instruction": "訳", "input": "cat", "output": "猫"}, ("訳\ncat\n猫", "訳\n猫", "猫")),
        ({"instruction": "訳", "input": "", "output": "猫"}, ("訳\n猫", "", "猫")),
        ({"question": "何？", "answers": ["猫", "犬"]}, ("何？\n猫\n犬", "", "猫\n犬")),
        ({"question": "何？"}, ("何？", "", "何？")),
        ({"sentence": "猫だ。"}, ("猫だ。", "", "猫だ。")),
        ("行。", ("行。", "", "行。")),
    ],
)
def test_shapes(row: Any, expected: tuple[str, str, str]) -> None:
    found = row_parts(row)
    assert (found.text, found.own, found.answer) == expected


def test_fields_that_are_named() -> None:
    assert row_parts({"a": "雨", "b": ["雪"]}, fields=("b", "a")).text == "雪\n雨"
    assert row_parts(CHAT, fields=("user",)).text == "元気？\nよかった。"


@pytest.mark.parametrize("row", [3, None, {}, {"honbun": "…"}, {"messages": "…"}])
def test_rows_without_text_say_why(row: Any) -> None:
    with pytest.raises(FieldProblemError):
        row_parts(row)
