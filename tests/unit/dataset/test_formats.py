"""Formats are found from the data, and every unusable row says exactly why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migaki.corpus.files import Row
from migaki.dataset.conversations import Chat, RowProblemError, Text, make_chat
from migaki.dataset.formats import detect_format, format_of, read_example
from migaki.errors import DataError

PATH = Path("f.jsonl")


def content(value: Any, **columns: str) -> Chat | Text:
    row = Row(PATH, 1, value)
    name, _ = detect_format([row], columns)
    return read_example(row, name, columns).content


def said(value: Any, **columns: str) -> list[tuple[str, str]]:
    chat = content(value, **columns)
    assert isinstance(chat, Chat)
    return [(m.role, m.content) for m in chat.messages]


QUESTION, ANSWER = ("user", "首都は？"), ("assistant", "東京です。")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"messages": [{"role": "user", "content": "首都は？"}, {"role": "assistant", "content": "東京です。"}]},
         [QUESTION, ANSWER]),
        ({"conversations": [{"from": "human", "value": "首都は？"}, {"from": "gpt", "value": "東京です。"}],
          "system": "短く。"},
         [("system", "短く。"), QUESTION, ANSWER]),
        ({"instruction": "首都は？", "input": "", "output": "東京です。"}, [QUESTION, ANSWER]),
        ({"instruction": "訳して", "input": "cat", "output": "猫", "history": [["やあ", "はい"]]},
         [("user", "やあ"), ("assistant", "はい"), ("user", "訳して\n\ncat"), ("assistant", "猫")]),
        ({"prompt": "首都は？", "completion": "東京です。"}, [QUESTION, ANSWER]),
        ({"question": "首都は？", "answer": "東京です。", "id": 3}, [QUESTION, ANSWER]),
        ({"prompt": [{"role": "user", "content": "首都は？"}],
          "completion": [{"role": "assistant", "content": "東京です。"}]}, [QUESTION, ANSWER]),
        ({"messages": '[{"role": "user", "content": "首都は？"}, {"role": "assistant", "content": "東京です。"}]'},
         [QUESTION, ANSWER]),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "首都"}, {"type": "text", "text": "は？"}]},
                       {"role": "assistant", "content": "東京です。"}]}, [QUESTION, ANSWER]),
    ],
    ids=["messages", "sharegpt", "alpaca", "alpaca-history", "prompt", "question", "trl", "json-text", "parts"],
)  # fmt: skip
def test_formats(value: Any, expected: list[tuple[str, str]]) -> None:
    assert said(value) == expected


def test_text() -> None:
    assert content({"text": "吾輩は猫である。", "source": "x"}) == Text("吾輩は猫である。")
    assert content("吾輩は猫である。") == Text("吾輩は猫である。")


def test_columns_can_be_renamed() -> None:
    assert content({"body": "本文", "text": "題"}, text="body") == Text("本文")
    assert said({"en": "cat", "ja": "猫"}, prompt="en", completion="ja") == [
        ("user", "cat"), ("assistant", "猫"),
    ]  # fmt: skip


def test_the_reason_names_keys_and_rows() -> None:
    rows = [Row(PATH, n, {"text": "あ"}) for n in range(1, 6)]
    assert detect_format(rows, {}) == (
        "text",
        'all first 5 rows have the keys {"text"} or a plain string',
    )


def test_unknown_keys_are_listed() -> None:
    with pytest.raises(DataError, match="'honbun', 'id'") as error:
        detect_format([Row(PATH, 7, {"honbun": "x", "id": 1})], {})
    assert "f.jsonl:7" in str(error.value)
    assert "data.columns" in str(error.value.hint)
    assert format_of(3) is None


USER = {"role": "user", "content": "やあ"}
SAYS = {"role": "assistant", "content": "はい"}


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([], "the conversation is empty"),
        ([USER], r"no assistant turn: there is nothing to train on \(roles: user\)"),
        ([USER, {"role": "assistant", "content": " \n"}], "message 2 (assistant) is empty"),
        ([{"role": "user", "content": ""}, SAYS], "message 1 (user) is empty"),
        ([USER, {"role": "assistant", "content": None}], "the content is null, not a string"),
        ([USER, {"role": "assistant", "content": 3}], "the content is a number"),
        ([USER, {"role": "assistant"}], "has no 'content'"),
        ([{"content": "x"}, SAYS], "message 1 has no 'role'"),
        ([{"role": "narrator", "content": "x"}, SAYS], "unknown role 'narrator'"),
        ([USER, SAYS, {"role": "system", "content": "x"}], "message 3 is 'system'; only the first may be"),
        ([USER, USER, SAYS], "messages 1 and 2 are both 'user'"),
        ([USER, SAYS, SAYS], "messages 2 and 3 are both 'assistant'"),
        (["やあ", SAYS], "message 1 is a string, not an object"),
        ([USER, {"role": "tool", "content": "x"}, SAYS], "a tool result without a tool call"),
        ([USER, {"role": "assistant", "tool_calls": [{"x": 1}]}], "a tool call has no function name"),
        ([USER, {"role": "assistant", "content": "<think>考え中"}], "opened but never closed"),
        ([USER, {"role": "assistant", "content": "<think>一</think>二", "reasoning": "三"}], "reasoning twice"),
        ([USER, {"role": "assistant", "content": [{"type": "image_url"}]}], "only text can be trained"),
        ([USER, {"role": "assistant", "content": "\udc00"}], r"message 2 (assistant) holds half a character"),
    ],
)  # fmt: skip
def test_unusable_conversations_say_why(messages: list[Any], why: str) -> None:
    with pytest.raises(RowProblemError) as error:
        make_chat(messages)
    assert why.replace("\\", "") in str(error.value)


@pytest.mark.parametrize(
    ("value", "name", "why"),
    [
        ({"messages": "やあ"}, "messages", "'messages' is a string, not a list"),
        ({"text": "x"}, "messages", r"has no 'messages' (keys: text)"),
        ({"conversations": [{"from": "human"}]}, "sharegpt", "turn 1 needs 'from' and 'value'"),
        ({"instruction": "x", "output": ""}, "alpaca", "'output' is empty"),
        ({"instruction": "x", "output": None}, "alpaca", "'output' is missing"),
        ({"prompt": "x"}, "prompt_completion", "has no 'completion'"),
        ({"prompt": 1, "completion": "x"}, "prompt_completion", "'prompt' is a number"),
        ({"text": ["x"]}, "text", "'text' is a list"),
        ({"text": " "}, "text", "'text' is empty"),
        ([1], "text", "is a list, not an object"),
        ({"text": "絵文字\ud83d"}, "text", r"the text holds half a character (\ud83d"),
        ({"instruction": "x", "output": "y", "history": 5}, "alpaca", "'history' is not a list"),
    ],
)
def test_unusable_rows_say_why(value: Any, name: Any, why: str) -> None:
    with pytest.raises(RowProblemError) as error:
        read_example(Row(PATH, 1, value), name, {})
    assert why in str(error.value)


def test_turns_behind_the_last_answer_are_left_out_and_noted() -> None:
    chat = make_chat([USER, SAYS, {"role": "user", "content": "ありがとう"}])
    assert [m.role for m in chat.messages] == ["user", "assistant"]
    assert chat.notes == ("turns after the last answer left out",)


def test_reasoning_is_told_from_the_answer() -> None:
    for text in (
        "<think>\n足す。\n</think>\n\n四。",
        "足す。</think>四。",
        "<think>足す。</think>\n四。",
    ):
        answer = make_chat([USER, {"role": "assistant", "content": text}]).messages[1]
        assert (answer.reasoning, answer.content) == ("足す。", "四。")


def test_a_function_call_of_sharegpt_is_a_tool_call() -> None:
    chat = content(
        {
            "conversations": [
                {"from": "human", "value": "天気は？"},
                {
                    "from": "function_call",
                    "value": '{"name": "weather", "arguments": {"city": "東京"}}',
                },
                {"from": "observation", "value": "晴れ"},
                {"from": "gpt", "value": "晴れです。"},
            ]
        }
    )
    assert isinstance(chat, Chat)
    assert [m.role for m in chat.messages] == ["user", "assistant", "tool", "assistant"]
    assert chat.messages[1].tool_calls[0]["function"] == {
        "name": "weather", "arguments": {"city": "東京"},
    }  # fmt: skip
