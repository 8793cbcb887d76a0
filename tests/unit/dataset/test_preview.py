"""Tokens as a person reads them: whole characters, spaces kept, for byte-level and byte-fallback."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dataset.conftest import TEXT, make_tokenizer
from tokenizers import Tokenizer, decoders, models, normalizers, trainers
from transformers import PreTrainedTokenizerFast

from migaki.dataset.preview import preview
from migaki.dataset.token_dataset import TokenDataset
from migaki.dataset.tokens import Encoder

TEXTS = st.text("あい漢字。🦉𠮷ｶﾞé a\n", min_size=1, max_size=20).filter(lambda t: bool(t.strip()))


def byte_fallback() -> PreTrainedTokenizerFast:
    """A tokenizer in the manner of Llama 2: ▁ for spaces, bytes for unknown characters."""
    single = [f"<0x{number:02X}>" for number in range(256)]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<unk>", "<s>", "</s>", *single], show_progress=False
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    plain = json.loads(tokenizer.to_str())
    plain["added_tokens"] = [t for t in plain["added_tokens"] if "<0x" not in t["content"]]
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(plain)), bos_token="<s>", eos_token="</s>"
    )


def shown(tokenizer: Any, text: str) -> list[str]:
    dataset = TokenDataset.from_encoded(Encoder(tokenizer).encode_texts([text]))
    (row,) = preview(dataset, tokenizer, [0])
    assert row.total == len(dataset.row(0)[0])
    assert row.trained == dataset.lengths[0] - (dataset.row(0)[0][0] == tokenizer.bos_token_id)
    return [token.text for token in row.tokens if not token.control]


BYTE_LEVEL, BYTE_FALLBACK = make_tokenizer(), byte_fallback()


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_the_text_comes_back_whole(text: str) -> None:
    assert "".join(shown(BYTE_LEVEL, text)) == text
    assert "".join(shown(BYTE_FALLBACK, text)).strip(" ") == text.strip(" ")


def test_a_character_of_several_tokens_is_shown_as_one() -> None:
    dataset = TokenDataset.from_encoded(Encoder(BYTE_LEVEL).encode_texts(["🦉"]))
    (row,) = preview(dataset, BYTE_LEVEL, [0])
    owl, end = row.tokens
    assert (owl.text, len(owl.ids), owl.partial, owl.trained) == ("🦉", 4, True, True)
    assert (end.text, end.control, row.ends) == ("</s>", True, True)
    assert row.to_json()["tokens"][0]["ids"] == list(owl.ids)
