"""Answers: the same in a batch as alone, stopped where a turn ends, repeatable, never half a character."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.unit.models.tiny_random import make_model, make_tokenizer

from migaki.errors import ModelError, UsageError
from migaki.models.generation import (
    SamplingOptions,
    end_of_turn_ids,
    generate_replies,
    render_prompt,
    stream_reply,
)

GREEDY = SamplingOptions(temperature=0, max_new_tokens=24)


def chat(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


CHATS = [
    chat("猫"),
    chat("今日は良い天気です。散歩に行きましょう。" * 3),
    chat("東京と大阪"),
    [{"role": "system", "content": "短く"}, *chat("何ですか。")],
]


@pytest.mark.parametrize("family", ["qwen2", "llama", "gpt_neox", "stablelm"])
def test_batch_gives_what_each_prompt_gives_alone(family: str, tokenizer: Any) -> None:
    model = make_model(family)
    together = generate_replies(model, tokenizer, CHATS, options=GREEDY, batch_size=4)
    alone = [generate_replies(model, tokenizer, [c], options=GREEDY)[0] for c in CHATS]
    assert together == alone
    assert len(set(together)) > 1  # otherwise the comparison would prove nothing


@pytest.mark.parametrize("family", ["qwen2", "gpt_neox"])
def test_stream_is_the_greedy_answer_in_whole_characters(family: str, tokenizer: Any) -> None:
    model = make_model(family)
    for messages in CHATS:
        pieces = list(stream_reply(model, tokenizer, messages, options=GREEDY))
        assert "".join(pieces) == generate_replies(model, tokenizer, [messages], options=GREEDY)[0]


class _Scripted(torch.nn.Module):
    """Says what it is told, token by token, whatever the prompt."""

    def __init__(self, script: list[int]) -> None:
        super().__init__()
        self.script = script
        self.config = type("C", (), {"eos_token_id": None, "max_position_embeddings": 10_000})()
        self.device = torch.device("cpu")
        self.said = 0

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        logits = torch.full((1, 1, 400), -10.0)
        logits[0, 0, self.script[self.said]] = 10.0
        self.said += 1
        return type("O", (), {"logits": logits, "past_key_values": None})()


def test_stream_waits_for_the_bytes_of_a_character(tokenizer: Any) -> None:
    script = [*tokenizer.encode("鰻と𠮷野家😀", add_special_tokens=False), tokenizer.eos_token_id]
    assert len(script) > 12  # the characters are split over tokens
    pieces = list(stream_reply(_Scripted(script), tokenizer, chat("何"), options=GREEDY))  # type: ignore[arg-type]
    assert "".join(pieces) == "鰻と𠮷野家😀"
    assert not any("\ufffd" in piece for piece in pieces)


def test_stream_shows_what_is_left_at_the_limit(tokenizer: Any) -> None:
    script = tokenizer.encode("鰻", add_special_tokens=False)
    options = SamplingOptions(temperature=0, max_new_tokens=1)
    pieces = list(stream_reply(_Scripted(script), tokenizer, chat("何"), options=options))  # type: ignore[arg-type]
    assert pieces == [
        "\ufffd"
    ]  # the model said half a character and nothing more: shown, not hidden


def test_stops_at_the_template_end_of_turn_even_if_nobody_declares_it() -> None:
    tokenizer = make_tokenizer(eos_token="<|endoftext|>")
    model = make_model()
    model.generation_config.eos_token_id = 0
    model.config.eos_token_id = 0
    ids = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"])
    assert end_of_turn_ids(model, tokenizer) == sorted(ids)


def test_a_batch_is_cut_at_each_end_of_turn(tokenizer: Any) -> None:
    model = make_model()
    free = generate_replies(model, tokenizer, CHATS, options=GREEDY)
    prompt = tokenizer(render_prompt(tokenizer, CHATS[0]), return_tensors="pt").input_ids
    said = model.generate(prompt, max_new_tokens=24, do_sample=False)[0, prompt.shape[1] :].tolist()
    model.config.eos_token_id = [2, said[5]]
    cut = generate_replies(model, tokenizer, CHATS, options=GREEDY)
    assert cut[0] == tokenizer.decode(said[: said.index(said[5])])
    assert len(cut[0]) < len(free[0])


def test_an_answer_ends_before_its_end_of_turn(tokenizer: Any) -> None:
    script = [
        *tokenizer.encode("猫です。", add_special_tokens=False),
        tokenizer.eos_token_id,
        50,
        51,
    ]
    pieces = stream_reply(_Scripted(script), tokenizer, chat("何"), options=GREEDY)  # type: ignore[arg-type]
    assert "".join(pieces) == "猫です。"


def test_seed_repeats_and_leaves_the_global_state_alone(tokenizer: Any) -> None:
    model = make_model()
    options = SamplingOptions(max_new_tokens=16, temperature=1.5, seed=7)
    before = torch.random.get_rng_state()
    first = generate_replies(model, tokenizer, CHATS, options=options)
    streamed = "".join(stream_reply(model, tokenizer, CHATS[0], options=options))
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(99)
    assert generate_replies(model, tokenizer, CHATS, options=options) == first
    assert "".join(stream_reply(model, tokenizer, CHATS[0], options=options)) == streamed
    other = SamplingOptions(max_new_tokens=16, temperature=1.5, seed=8)
    assert generate_replies(model, tokenizer, CHATS, options=other) != first


def test_training_mode_comes_back(tokenizer: Any) -> None:
    model = make_model().train()
    model.model.layers[0].eval()
    generate_replies(model, tokenizer, CHATS[:1], options=GREEDY)
    list(stream_reply(model, tokenizer, CHATS[0], options=GREEDY))
    assert model.training
    assert not model.model.layers[0].training
    assert model.model.layers[1].training


def test_prompt_longer_than_the_context(tokenizer: Any) -> None:
    model = make_model()
    with pytest.raises(UsageError, match="256 at most"):
        generate_replies(model, tokenizer, [chat("鰻" * 200)], options=GREEDY)
    with pytest.raises(UsageError, match="256 at most"):
        list(stream_reply(model, tokenizer, chat("鰻" * 200), options=GREEDY))


def test_answer_is_cut_to_the_context(tokenizer: Any) -> None:
    options = SamplingOptions(temperature=0, max_new_tokens=10_000)
    replies = generate_replies(make_model(), tokenizer, CHATS[:1], options=options)
    assert len(tokenizer.encode(replies[0], add_special_tokens=False)) <= 256


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_new_tokens", 0),
        ("max_new_tokens", 1.5),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("top_p", 1.01),
        ("top_k", -1),
        ("repetition_penalty", 0),
        ("seed", -1),
    ],
)
def test_options_out_of_range(option: str, value: float) -> None:
    with pytest.raises(UsageError, match=option):
        SamplingOptions(**{option: value})


def test_a_prompt_that_is_no_text(tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="no text"):
        generate_replies(make_model(), tokenizer, [chat("\udcff")])


def test_weights_that_are_no_numbers(tokenizer: Any) -> None:
    model = make_model()
    model.get_input_embeddings().weight.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="computes no numbers"):
        generate_replies(model, tokenizer, CHATS[:1])
    with pytest.raises(ModelError, match="computes no numbers"):
        list(stream_reply(model, tokenizer, CHATS[0]))


def test_unknown_generate_option_is_refused(tokenizer: Any) -> None:
    with pytest.raises(UsageError, match="temprature"):
        generate_replies(make_model(), tokenizer, CHATS[:1], options=GREEDY, temprature=0.5)


def test_no_template_continues_the_text(tokenizer: Any) -> None:
    plain = make_tokenizer()
    plain.chat_template = None
    assert render_prompt(plain, chat("吾輩は")) == "吾輩は"
    assert generate_replies(make_model(), plain, [chat("吾輩は")], options=GREEDY)[0]


def test_template_that_refuses() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(UsageError, match="System role not supported"):
        render_prompt(tokenizer, chat("何"))


def test_empty_input(tokenizer: Any) -> None:
    assert generate_replies(make_model(), tokenizer, []) == []
    with pytest.raises(UsageError, match="empty"):
        generate_replies(make_model(), tokenizer, [[]])
