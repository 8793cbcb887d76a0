"""Which texts of a row are meant."""

from __future__ import annotations

from typing import Any

import pytest

from migaki.corpus.text_fields import FieldProblemError, chosen_field, find_voice, put_back

CHAT = {
    "messages": [
        {"role": "system", "content": "丁寧に答えてください。"},
        {"role": "user", "content": "天気は？"},
        {"role": "assistant", "content": "晴れです。"},
        {"role": "user", "content": "明日は？"},
        {"role": "assistant", "content": "雨です。"},
    ],
    "license": "CC0-1.0",
}


def said(row: dict[str, Any], field: str) -> list[tuple[str, str]]:
    return [(place.name, place.text) for place in find_voice(row, field)]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"text": "雨だ。"}, "text"),
        ({"text": "雨だ。", "messages": []}, "assistant"),
        ({"conversations": []}, "assistant"),
        ({"instruction": "訳して", "output": "猫"}, "output"),
        ({"instruction": "訳して", "response": "猫", "text": "訳して\n猫"}, "response"),
        ({"prompt": "猫は", "completion": "鳴く"}, "completion"),
        ({"question": "猫は？", "answer": "鳴く。"}, "answer"),
    ],
)
def test_the_field_taken_by_default_is_what_the_model_is_to_say(
    row: dict[str, Any], field: str
) -> None:
    assert chosen_field(row) == field


def test_a_row_without_known_columns_names_its_keys() -> None:
    with pytest.raises(FieldProblemError, match=r"'body', 'title'.*--field"):
        chosen_field({"body": "雨だ。", "title": "雨"})


def test_a_role_of_a_conversation() -> None:
    assert said(CHAT, "assistant") == [
        ("messages[2].content", "晴れです。"),
        ("messages[4].content", "雨です。"),
    ]
    assert said(CHAT, "user")[0] == ("messages[1].content", "天気は？")


def test_sharegpt_roles_and_keys() -> None:
    row = {
        "conversations": [
            {"from": "human", "value": "天気は？"},
            {"from": "gpt", "value": "雨だ。"},
        ]
    }
    assert said(row, "assistant") == [("conversations[1].value", "雨だ。")]


def test_content_in_parts_and_turns_that_say_nothing() -> None:
    row = {
        "messages": [
            {"role": "assistant", "content": None, "tool_calls": [{}]},
            {
                "role": "assistant",
                "content": [{"type": "image"}, {"type": "text", "text": "猫だ。"}],
            },
        ]
    }
    assert said(row, "assistant") == [("messages[1].content[1].text", "猫だ。")]


def test_reasoning_is_left_alone() -> None:
    content = "<think>\n二と二だ。\n</think>\n\n四です。"
    row = {"messages": [{"role": "assistant", "content": content}]}
    (place,) = find_voice(row, "assistant")
    assert place.text == "\n\n四です。"
    changed = put_back(row, {place: "\n\n四だ。"})
    assert changed["messages"][0]["content"] == "<think>\n二と二だ。\n</think>\n\n四だ。"


def test_reasoning_that_was_cut_off_is_no_text() -> None:
    row = {"messages": [{"role": "assistant", "content": "<think>二と二だ。"}]}
    assert [place.text for place in find_voice(row, "assistant")] == [""]


def test_putting_back_changes_a_copy_only() -> None:
    first, second = find_voice(CHAT, "assistant")
    changed = put_back(CHAT, {first: "晴れだ。", second: "雨だ。"})
    assert said(changed, "assistant") == [
        ("messages[2].content", "晴れだ。"),
        ("messages[4].content", "雨だ。"),
    ]
    assert said(CHAT, "assistant")[0][1] == "晴れです。"
    assert changed["license"] == "CC0-1.0"


@pytest.mark.parametrize(
    ("row", "field", "problem"),
    [
        ({"text": None}, "text", "'text' is null, not a string"),
        ({"text": ["雨"]}, "text", "'text' is a list"),
        ({"text": "雨"}, "body", "has no 'body' \\(valid: text\\)"),
        (CHAT, "tool", "has no 'tool' .*assistant, user, system"),
        (CHAT, "messages", "has no 'messages' .*assistant"),
        ({"messages": "[]"}, "assistant", "'messages' is a string, not a list of turns"),
        ({"messages": ["雨"]}, "assistant", "turn 1 is a string"),
        ({"messages": [{"role": "assistant", "content": 3}]}, "assistant", "is a number"),
    ],
)
def test_a_row_that_does_not_fit_says_why(row: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(FieldProblemError, match=problem):
        find_voice(row, field)
