"""Prompts are read strictly; answers that are empty, broken or looping are counted."""

from __future__ import annotations

import json

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from migaki.errors import BadRowError, DataError
from migaki.evaluation.answers import (
    Answer,
    Prompt,
    answer_prompts,
    describe_answers,
    load_prompts,
    repetition,
)

PROMPT = Prompt("1", "駅はどこ？")


def test_what_is_wrong_with_answers_is_counted():
    answers = [
        Answer(PROMPT, "駅は近いです。歩いて五分です。", False),
        Answer(PROMPT, " \n", False),
        Answer(PROMPT, "駅\ufffdは近い。", False),
        Answer(PROMPT, "お部屋のお部屋の" * 8, True),
        Answer(PROMPT, "近いです。", False),
        Answer(PROMPT, "近いです。", False),
    ]
    found = describe_answers(answers)
    assert found["count"] == 6
    assert found["distinct"] == 5
    assert (found["empty"], found["broken"], found["repetitive"], found["cut"]) == (1, 1, 1, 1)
    assert (found["polite"], found["plain"], found["other"]) == (4, 1, 2)
    assert found["polite_share"] == pytest.approx(4 / 7)
    assert 0 < found["repetition"] < 1


def test_a_loop_that_ends_no_sentence_does_not_leave_the_denominator():
    loops = [Answer(PROMPT, "イール・" * 12, True)] * 18 + [Answer(PROMPT, "", False)] * 2
    found = describe_answers([*loops, *[Answer(PROMPT, "近いです。", False)] * 10])
    assert (found["sentences"], found["other"]) == (30, 20)
    assert found["polite_share"] == pytest.approx(1 / 3)


def test_no_answers_at_all():
    found = describe_answers([])
    assert (found["count"], found["sentences"], found["polite_share"]) == (0, 0, 0.0)


@pytest.mark.parametrize(
    ("text", "cut", "broken"),
    [
        ("駅は\ufffd", True, False),  # the limit fell inside a character
        ("駅は\ufffd", False, True),
        ("駅\ufffdは", True, True),
        ("駅\x1bは", False, True),
        ("\ud800", False, True),
        ("改行\n\tは普通です。", False, False),
    ],
)
def test_broken(text, cut, broken):
    assert Answer(PROMPT, text, cut).broken is broken


@pytest.mark.parametrize(("text", "share"), [("", 0.0), ("短い", 0.0), ("あ" * 100, 1 - 1 / 95)])
def test_repetition(text, share):
    assert repetition(text) == pytest.approx(share)


def test_prompts_are_read_in_order(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "一"}\n\n{"id": "x", "prompt": "二", "category": "c"}\n', "utf-8")
    assert load_prompts(path) == [Prompt("1", "一"), Prompt("x", "二", "c")]


@pytest.mark.parametrize(
    ("row", "words"),
    [("{", "not JSON"), ('{"prompt": "\\ud800"}', "half a character"), ("[]", "non-empty text"), ('{"prompt": " "}', "non-empty text"),
     ('{"prompt": "b", "id": "1"}', "stands twice")],
)  # fmt: skip
def test_a_bad_prompt_row_is_named(tmp_path, row, words):
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "a"}\n' + row + "\n", "utf-8")
    with pytest.raises(BadRowError, match=words) as caught:
        load_prompts(path)
    assert caught.value.line == 2


@pytest.mark.parametrize("content", [None, b"", b"\x83\x65\x83\x58\x83\x67"])
def test_unusable_prompt_files(tmp_path, content):
    path = tmp_path / "p.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError):
        load_prompts(path)


def test_sample_rows_are_json():
    json.dumps(describe_answers([Answer(PROMPT, "はい。", False)]), allow_nan=False)


def test_a_real_model_answers_the_same_each_time_and_whatever_the_batch():
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(
            WordLevel({c: n for n, c in enumerate("駅はどこ？近い。#")}, "#")
        ),
        unk_token="#",
        pad_token="#",
    )
    tokenizer.backend_tokenizer.pre_tokenizer = Split("", "isolated")
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=9, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=2,
        )
    ).train()  # fmt: skip
    prompts = [Prompt(str(n), "駅はどこ？"[: n + 2]) for n in range(4)]
    found = [
        answer_prompts(model, tokenizer, prompts, max_new_tokens=6, batch_size=size)
        for size in (1, 3, 4)
    ]
    assert found[0] == found[1] == found[2]
    assert [answer.prompt for answer in found[0]] == prompts
    assert any(answer.text for answer in found[0])
    assert model.training
