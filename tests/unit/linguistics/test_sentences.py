"""Sentences end where a reader says they do."""

from __future__ import annotations

import pytest

from migaki.linguistics.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("。！？\n\n", []),
        (
            "「行きます。来ます。」と彼は言った。そうか",
            ["「行きます。来ます。」と彼は言った。", "そうか"],
        ),
        ("行くよ（多分。）。はい", ["行くよ（多分。）。", "はい"]),
        ("「開いたまま。\n次の行です。終わり。", ["「開いたまま。", "次の行です。", "終わり。"]),
        ("行く。」次です。", ["行く。」", "次です。"]),
    ],
)
def test_split(text, sentences):
    assert split_sentences(text) == sentences
