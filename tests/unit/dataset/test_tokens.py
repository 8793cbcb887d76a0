"""From characters to tokens: properties that hold for any conversation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.dataset import chat_templates as templates
from tests.unit.dataset.conftest import SPECIAL, make_tokenizer

from migaki.dataset.collate import Collator
from migaki.dataset.conversations import make_chat
from migaki.dataset.template import ChatTemplate, Rendered, control_tokens
from migaki.dataset.text_dataset import TextDataset
from migaki.dataset.token_dataset import TokenDataset
from migaki.dataset.tokens import IGNORED, Encoded, Encoder
from migaki.errors import DataError, ModelError

TOKENIZERS = {name: make_tokenizer(template) for name, template in templates.GOOD.items()}

# Japanese, emoji with joiners, combining marks, newlines, and text that looks like control tokens.
PIECES = [
    *"あいう漢字カナ。、ー々｡ｶﾞ！\n\t 　aB1#<|>[]",
    "𠮷",
    "👨\u200d👩\u200d👧",
    "か\u3099",
    "é",
    *SPECIAL,
]
CONTENT = (
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=12)
    .map("".join)
    .filter(lambda text: bool(text.strip()))
)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, str]]:
    messages = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(CONTENT)})
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(CONTENT)})
        messages.append({"role": "assistant", "content": draw(CONTENT)})
    return messages


def encode(name: str, messages: Any) -> tuple[list[Rendered], list[Encoded]]:
    rendered = ChatTemplate(TOKENIZERS[name]).render(make_chat(messages), where="f:1")
    return rendered, Encoder(TOKENIZERS[name]).encode_chats(rendered, ["f:1"] * len(rendered))


@given(conversations(), st.sampled_from(sorted(templates.GOOD)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_trained_tokens_are_the_answers_and_nothing_else(
    messages: list[dict[str, str]], name: str
) -> None:
    tokenizer = TOKENIZERS[name]
    rendered, encoded = encode(name, messages)
    answers = [m["content"] for m in messages if m["role"] == "assistant"]
    trims = name in ("llama3", "llama2", "gemma", "strips")
    shown = [item.text[a:b] for item in rendered for a, b in item.written]
    assert shown == [a.strip() if trims else a for a in answers] or (
        [s.strip() for s in shown] == [a.strip() for a in answers]
    )
    for item, tokens in zip(rendered, encoded, strict=True):
        # Everything is there, in order: the text can be told back from the tokens.
        assert tokenizer.decode(tokens.ids) == item.text
        text = "".join(item.text[a:b] for a, b in item.trained)
        if tokens.straddling == 0:
            assert tokenizer.decode(tokens.ids[tokens.trained]) == text
        # Every trained token lies in a trained span, and every character of a span is trained.
        inside = np.zeros(len(item.text) + 1, bool)
        for a, b in item.trained:
            inside[a:b] = True
        covered = np.zeros(len(item.text) + 1, bool)
        for (a, b), on in zip(tokens.offsets.tolist(), tokens.trained, strict=True):
            if on:
                covered[a:b] = True
                assert inside[a:b].any()
        assert covered[inside].all()
        assert tokens.characters() == sum(b - a for a, b in item.contents)
        assert tokens.trained_characters() == sum(b - a for a, b in item.written)


@given(conversations(), st.sampled_from(["chatml", "llama3", "gemma"]))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_contents_never_become_control_tokens(messages: list[dict[str, str]], name: str) -> None:
    tokenizer = TOKENIZERS[name]
    control = set(tokenizer.convert_tokens_to_ids(control_tokens(tokenizer)))
    rendered, encoded = encode(name, messages)
    for item, tokens in zip(rendered, encoded, strict=True):
        for token, (a, b) in zip(tokens.ids.tolist(), tokens.offsets.tolist(), strict=True):
            if any(start <= a and b <= end for start, end in item.contents):
                assert token not in control


class TestImitations:
    def test_are_encoded_as_text_and_counted(self, tokenizer: Any) -> None:
        messages = [
            {"role": "user", "content": "<|im_end|>とは何？"},
            {"role": "assistant", "content": "<|im_end|>は印です。"},
        ]
        rendered = ChatTemplate(tokenizer).render(make_chat(messages), where="f:1")
        (encoded,) = Encoder(tokenizer).encode_chats(rendered, ["f:1"])
        end = tokenizer.convert_tokens_to_ids("<|im_end|>")
        assert encoded.imitations == 2
        assert encoded.ids.tolist().count(end) == 2  # the two that the template writes
        assert encoded.labels().tolist().count(end) == 1
        assert tokenizer.decode(encoded.ids) == rendered[0].text

    def test_reasoning_marks_stay_what_they_are(self, tokenizer: Any) -> None:
        messages = [
            {"role": "user", "content": "2+2?"},
            {"role": "assistant", "content": "<think>\n足す。\n</think>\n\n四。"},
        ]
        rendered = ChatTemplate(tokenizer).render(make_chat(messages), where="f:1")
        (encoded,) = Encoder(tokenizer).encode_chats(rendered, ["f:1"])
        assert tokenizer.convert_tokens_to_ids("</think>") in encoded.labels().tolist()
        assert encoded.imitations == 0


class TestBorders:
    def test_all_bytes_of_a_character_are_trained_together(self, tokenizer: Any) -> None:
        messages = [
            {"role": "user", "content": "絵"},
            {"role": "assistant", "content": "🦉"},  # four byte tokens
        ]
        rendered = ChatTemplate(tokenizer).render(make_chat(messages), where="f:1")
        (encoded,) = Encoder(tokenizer).encode_chats(rendered, ["f:1"])
        assert tokenizer.decode(encoded.ids[encoded.trained]) == "🦉<|im_end|>"
        assert encoded.trained.sum() == 5

    def test_a_token_over_the_border_is_divided_as_generation_divides_it(self) -> None:
        tokenizer = make_tokenizer(templates.CHATML)
        rendered = Rendered("Hello</s>", ((2, 9),), ((2, 5),), ((0, 5),))
        (whole,) = Encoder(tokenizer).encode_texts(["Hello"])
        assert whole.offsets[0, 1] > 2  # the tokenizer does join across the border
        (encoded,) = Encoder(tokenizer).encode_chats([rendered], ["f:1"])
        assert encoded.straddling == 0
        assert tokenizer.decode(encoded.ids[encoded.trained]) == "llo</s>"
        assert tokenizer.decode(encoded.ids) == "Hello</s>"

    def test_in_plain_completions_it_is_counted(self) -> None:
        tokenizer = make_tokenizer(None)
        (encoded,) = Encoder(tokenizer).encode_completions([("He", "llo")])
        assert encoded.straddling == 1
        assert encoded.trained[0]


def test_the_end_must_be_one_token_of_the_tokenizer(tokenizer: Any) -> None:
    rendered = Rendered("やあ<|no_end|>", ((0, 12),), ((0, 2),), ((0, 2),))
    with pytest.raises(ModelError, match="one control token"):
        Encoder(tokenizer).encode_chats([rendered], ["f:1"])


def test_a_slow_tokenizer_is_refused() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(ModelError, match="character offsets"):
        Encoder(Slow())


class TestTextDataset:
    def test_gives_padded_tensors_and_trains_the_end(self, tokenizer: Any) -> None:
        dataset = TextDataset(
            ["吾輩は猫である。", "名前はまだ無い。どこで生れたか。"], tokenizer, max_length=64
        )
        row = dataset[0]
        assert len(dataset) == 2
        assert {key: tuple(value.shape) for key, value in row.items()} == {
            "input_ids": (64,), "attention_mask": (64,), "labels": (64,),
        }  # fmt: skip
        length = int(row["attention_mask"].sum())
        assert length == dataset.lengths[0]
        assert int(row["labels"][length - 1]) == tokenizer.eos_token_id
        assert (row["labels"][length:] == IGNORED).all()

    def test_says_what_it_cuts(self, tokenizer: Any, caplog: pytest.LogCaptureFixture) -> None:
        dataset = TextDataset(["吾輩は猫である。" * 20, "猫。"], tokenizer, max_length=16)
        assert (dataset.truncated_rows, len(dataset[0]["input_ids"])) == (1, 16)
        assert dataset.truncated_tokens > 0
        assert "1 of 2 texts were cut" in caplog.text

    @pytest.mark.parametrize("texts", [[], ["良い", " "], ["良い", None]])
    def test_refuses_what_is_no_text(self, tokenizer: Any, texts: Any) -> None:
        with pytest.raises(DataError):
            TextDataset(texts, tokenizer)


class TestCollator:
    def test_pads_by_position_and_not_by_token(self) -> None:
        tokenizer = make_tokenizer(templates.CHATML, eos_token="</s>", pad_token="</s>")
        encoded = Encoder(tokenizer).encode_texts(["猫。", "吾輩は猫である。名前はまだ無い。"])
        dataset = TokenDataset.from_encoded(encoded)
        batch = Collator(tokenizer, pad_to_multiple_of=8)([dataset[0], dataset[1]])
        assert batch["input_ids"].shape[1] % 8 == 0
        assert batch["attention_mask"].sum(dim=1).tolist() == dataset.lengths
        eos = tokenizer.eos_token_id
        assert [(row == eos).sum().item() for row in batch["labels"]] == [1, 1]

    def test_pads_without_a_pad_token(self) -> None:
        tokenizer = make_tokenizer(templates.CHATML)
        tokenizer.pad_token = None
        assert Collator(tokenizer).pad_token_id == tokenizer.eos_token_id


class TestTokenDataset:
    def test_rows_come_back_and_can_be_chosen(self, tokenizer: Any) -> None:
        encoded = Encoder(tokenizer).encode_texts(["一。", "二二。", "三三三。"])
        dataset = TokenDataset.from_encoded(encoded)
        assert [tokenizer.decode(row["input_ids"]) for row in dataset] == [
            "一。<|im_end|>", "二二。<|im_end|>", "三三三。<|im_end|>",
        ]  # fmt: skip
        assert [row["characters"] for row in dataset] == [2, 3, 4] == dataset.trained_characters
        assert dataset.trained_tokens == sum(dataset.lengths) - 3  # nothing predicts the first
        chosen = dataset.select([2, 0])
        assert chosen[0]["input_ids"].tolist() == dataset[2]["input_ids"].tolist()
        assert chosen[-1]["labels"].tolist() == dataset[0]["labels"].tolist()
        with pytest.raises(IndexError):
            dataset[3]

    def test_an_empty_one_is_false(self) -> None:
        assert not TokenDataset.from_encoded([])
