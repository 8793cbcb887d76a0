from __future__ import annotations

import json
from itertools import islice, pairwise
from pathlib import Path

import pytest

from migaki.linguistics.analyzer import analyze_sentences
from migaki.linguistics.morphemes import Register
from migaki.linguistics.predicates import predicates
from migaki.linguistics.register.detection import detect, detect_sentence, text_register
from migaki.linguistics.register.sentence_style import sentence_style, style_of_text

TEXTS = [
    "雨だけど行きます。",
    "遅れたので、すみません。",
    "安いのであるが、買いませんでした。",
    "東京タワー",
    "待って。",
    "いらっしゃった方",
    "「行くよ。」",
    "（雨です）行く。",
    "・水を足す。混ぜます。",
    "そうだって。",
    "雨だ、困ります、と言った。猫である。",
    "`f()`);",
    "おはようございます。",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_style_alone_is_that_of_the_detection(text: str) -> None:
    _agrees(text)


def test_the_style_alone_is_that_of_the_detection_on_marked_sentences(shared_data: Path) -> None:
    with (shared_data / "keigo" / "keico.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in islice(lines, 300)]
    for pair in pairwise(texts):
        _agrees("".join(pair))


def _agrees(text: str) -> None:
    found = []
    for sentence in analyze_sentences(text):
        groups = predicates(sentence)
        style = sentence_style(sentence, groups)
        full = detect_sentence(sentence, found=groups)
        assert style.style is full.style, sentence.text
        assert style.weak == full.weak, sentence.text
        assert style.tells == (full.register is not Register.NONE), sentence.text
        found.append((style, full))
    assert style_of_text([style for style, _ in found]) is text_register([f for _, f in found])[1]
    assert style_of_text([style for style, _ in found]) is detect(text).style
