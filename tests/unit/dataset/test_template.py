"""What is trained, for the templates of well-known families and for those that cannot be proven."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.dataset import chat_templates as templates
from tests.unit.dataset.conftest import make_tokenizer

from migaki.dataset.conversations import RowProblemError, make_chat
from migaki.dataset.template import DEFAULT_TEMPLATE, ChatTemplate, Rendered
from migaki.dataset.tokens import Encoder
from migaki.errors import ModelError

SINGLE = [{"role": "user", "content": "やあ。"}, {"role": "assistant", "content": "こんにちは。"}]
MULTI = [
    {"role": "system", "content": "丁寧に。"},
    {"role": "user", "content": "一？"},
    {"role": "assistant", "content": "壱です。"},
    {"role": "user", "content": "二？"},
    {"role": "assistant", "content": "弐です。"},
]
THINKING = [
    {"role": "user", "content": "2+2?"},
    {"role": "assistant", "content": "<think>\n二を足す。\n</think>\n\n四です。"},
    {"role": "user", "content": "3+3?"},
    {"role": "assistant", "content": "<think>\n三を足す。\n</think>\n\n六です。"},
]


def render(template: str | None, messages: list[dict[str, Any]], **kwargs: Any) -> list[Rendered]:
    return ChatTemplate(make_tokenizer(template)).render(
        make_chat(messages, **kwargs), where="chats.jsonl:1"
    )


def trained(rendered: list[Rendered]) -> list[str]:
    return [item.text[a:b] for item in rendered for a, b in item.trained]


@pytest.mark.parametrize("name", templates.GOOD)
@pytest.mark.parametrize("messages", [SINGLE, MULTI, THINKING], ids=["single", "multi", "thinking"])
class TestEveryTemplate:
    def test_every_answer_is_trained_once_and_whole(self, name: str, messages: Any) -> None:
        rendered = render(templates.GOOD[name], messages)
        written = [item.text[a:b] for item in rendered for a, b in item.written]
        chat = make_chat(messages)
        expected = [
            part
            for m in chat.messages
            if m.role == "assistant"
            for part in (m.reasoning, m.content)
            if part
        ]
        assert written == expected

    def test_a_turn_ends_with_its_control_token_and_nothing_behind(
        self, name: str, messages: Any
    ) -> None:
        ends = (
            "<|im_end|>",
            "<|eot_id|>",
            "</s>",
            "<end_of_turn>",
            "<｜end▁of▁sentence｜>",
            "<|end|>",
        )
        for text in trained(render(templates.GOOD[name], messages)):
            assert text.endswith(ends)
            assert sum(text.count(end) for end in ends) == 1

    def test_no_prompt_is_trained(self, name: str, messages: Any) -> None:
        prompts = [m["content"] for m in messages if m["role"] != "assistant"]
        for text in trained(render(templates.GOOD[name], messages)):
            assert not any(prompt in text for prompt in prompts)

    def test_what_is_trained_follows_the_generation_prompt(self, name: str, messages: Any) -> None:
        tokenizer = make_tokenizer(templates.GOOD[name])
        template = ChatTemplate(tokenizer)
        chat, _ = template._fit_system(make_chat(messages))
        turns = [i for i, m in enumerate(chat.messages) if m.role == "assistant"]
        spans = [
            (item, span)
            for item in template.render(make_chat(messages), where="f:1")
            for span in item.trained
        ]
        for turn, (item, (start, _)) in zip(turns, spans, strict=True):
            given = [m.as_mapping() for m in chat.messages[:turn]]
            prompt = tokenizer.apply_chat_template(
                given, tokenize=False, add_generation_prompt=True
            )
            assert item.text[:start] == prompt

    def test_trained_tokens_decode_to_the_trained_text(self, name: str, messages: Any) -> None:
        tokenizer = make_tokenizer(templates.GOOD[name])
        rendered = ChatTemplate(tokenizer).render(make_chat(messages), where="f:1")
        for item, encoded in zip(
            rendered,
            Encoder(tokenizer).encode_chats(rendered, ["f:1"] * len(rendered)),
            strict=True,
        ):
            assert tokenizer.decode(encoded.ids) == item.text
            assert tokenizer.decode(encoded.ids[encoded.trained]) == "".join(trained([item]))
            assert encoded.straddling == 0


class TestOneRenderOrOnePerTurn:
    def test_a_template_that_keeps_history_gives_one_example(self) -> None:
        assert len(render(templates.CHATML, MULTI)) == 1
        assert len(render(templates.QWEN25, MULTI)) == 1

    def test_reasoning_is_not_lost_where_the_template_drops_history(self) -> None:
        first, second = render(templates.QWEN3, THINKING)
        assert trained([first]) == ["<think>\n二を足す。\n</think>\n\n四です。<|im_end|>"]
        assert trained([second]) == ["<think>\n三を足す。\n</think>\n\n六です。<|im_end|>"]
        assert "二を足す" not in second.text  # as the model will see it
        assert "one example per assistant turn" in first.notes[0]

    def test_reasoning_is_not_lost_where_the_template_drops_even_the_last(self) -> None:
        rendered = render(templates.DEEPSEEK_R1, THINKING)
        assert trained(rendered) == [
            "二を足す。\n</think>\n\n四です。<｜end▁of▁sentence｜>",
            "三を足す。\n</think>\n\n六です。<｜end▁of▁sentence｜>",
        ]
        assert rendered[0].text.endswith("<｜Assistant｜><think>\n" + trained(rendered)[0])
        assert "reasoning kept that the chat template would have removed" in rendered[0].notes

    def test_an_answer_without_reasoning_closes_what_the_prompt_opens(self) -> None:
        (rendered,) = render(templates.DEEPSEEK_R1, SINGLE)
        assert trained([rendered]) == ["\n</think>\n\nこんにちは。<｜end▁of▁sentence｜>"]
        assert rendered.notes == (
            "empty reasoning put in, because the generation prompt opens <think>",
        )

    def test_reasoning_beside_the_content_is_the_same_as_inside(self) -> None:
        beside = [
            THINKING[0],
            {"role": "assistant", "content": "四です。", "reasoning_content": "二を足す。"},
        ]
        for template in (templates.QWEN3, templates.DEEPSEEK_R1, templates.CHATML):
            assert trained(render(template, beside)) == trained(render(template, THINKING[:2]))

    def test_turns_without_an_end_in_history_become_examples_with_one(self) -> None:
        assert trained(render(templates.ALPACA_JA, MULTI)) == ["壱です。</s>", "弐です。</s>"]


class TestSystem:
    @pytest.mark.parametrize("name", ["gemma", "mistral"])
    def test_moved_and_reported_where_the_template_knows_none(self, name: str) -> None:
        rendered = render(templates.GOOD[name], MULTI)
        assert "丁寧に。\n\n一？" in rendered[0].text
        assert any("system message moved" in note for note in rendered[0].notes)

    def test_respected_where_it_knows_one(self) -> None:
        (rendered,) = render(templates.LLAMA2, MULTI)
        assert "<<SYS>>\n丁寧に。\n<</SYS>>\n\n一？" in rendered.text
        assert rendered.notes == ()


class TestTrimming:
    def test_spans_follow_what_the_template_shows(self) -> None:
        messages = [SINGLE[0], {"role": "assistant", "content": " \nこんにちは。\n"}]
        (stripped,) = render(templates.STRIPS, messages)
        assert trained([stripped]) == ["こんにちは。<|im_end|>"]
        (kept,) = render(templates.CHATML, messages)
        assert trained([kept]) == [" \nこんにちは。\n<|im_end|>"]


@pytest.mark.parametrize("name", templates.BAD)
def test_what_cannot_be_proven_is_an_error(name: str) -> None:
    template, word = templates.BAD[name]
    with pytest.raises(ModelError, match=word) as error:
        render(template, SINGLE)
    assert "chats.jsonl:1" in str(error.value)
    assert error.value.hint


def test_a_refusal_of_the_template_is_a_problem_of_the_row() -> None:
    with pytest.raises(RowProblemError, match="must alternate"):
        render(templates.GEMMA, [SINGLE[1], SINGLE[0], SINGLE[1]])


def test_a_template_that_is_no_jinja_is_no_fault_of_the_rows() -> None:
    with pytest.raises(ModelError, match=r"is not valid Jinja.*line 1"):
        render("{% for %}", SINGLE)


def test_a_conversation_without_end_is_a_problem_of_the_row() -> None:
    turns = [{"role": role, "content": "あ"} for role in ("user", "assistant")] * 600
    with pytest.raises(RowProblemError, match="1,200 messages"):
        render(None, turns)


def test_a_tokenizer_without_a_template_gets_one_and_keeps_it() -> None:
    tokenizer = make_tokenizer(None)
    template = ChatTemplate(tokenizer)
    (rendered,) = template.render(make_chat(MULTI[:3]), where="f:1")
    assert rendered.text == "丁寧に。\n\n### 指示:\n一？\n\n### 応答:\n壱です。</s>\n"
    assert trained([rendered]) == ["壱です。</s>"]
    assert tokenizer.chat_template == DEFAULT_TEMPLATE
    assert "has none" in template.origin


def test_agrees_with_the_generation_marks_of_a_template_that_has_them() -> None:
    tokenizer = make_tokenizer(templates.GENERATION)
    marked = tokenizer.apply_chat_template(
        MULTI, return_dict=True, return_assistant_tokens_mask=True
    )
    rendered = ChatTemplate(tokenizer).render(make_chat(MULTI), where="f:1")
    (encoded,) = Encoder(tokenizer).encode_chats(rendered, ["f:1"])
    assert encoded.ids.tolist() == marked["input_ids"]
    assert encoded.trained.astype(int).tolist() == marked["assistant_masks"]


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "天気",
            "parameters": {"type": "object"},
        },
    }
]
CALLING = [
    {"role": "user", "content": "東京の天気は？"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call00001",
                "type": "function",
                "function": {"name": "get_weather", "arguments": {"city": "東京", "days": 2}},
            }
        ],
    },
    {"role": "tool", "content": '{"weather": "晴れ"}', "tool_call_id": "call00001"},
    {"role": "assistant", "content": "東京は晴れです。"},
]


class TestTools:
    def test_calls_and_answers_are_trained_and_results_are_not(self) -> None:
        rendered = render(templates.QWEN25, CALLING, tools=TOOLS)
        call, answer = trained(rendered)
        assert call.startswith('\n<tool_call>\n{"name": "get_weather"') or call.startswith(
            "<tool_call>"
        )
        assert "東京" in call
        assert call.endswith("</tool_call><|im_end|>")
        assert answer == "東京は晴れです。<|im_end|>"
        assert "get_weather" in rendered[0].text.split("<|im_end|>")[0]

    @pytest.mark.parametrize("name", ["chatml", "mistral"])
    def test_a_template_that_drops_them_is_an_error_that_names_the_row(self, name: str) -> None:
        with pytest.raises(ModelError, match=r"chats\.jsonl:1"):
            render(templates.GOOD[name], CALLING, tools=TOOLS)

    def test_a_template_that_hides_the_tools_is_an_error(self) -> None:
        with pytest.raises(ModelError, match="does not show the tool 'get_weather'"):
            render(templates.CHATML, SINGLE, tools=TOOLS)
