"""The specified face of linguistics, with and without an analyser."""

from __future__ import annotations

import logging

import pytest

import migaki
from migaki.errors import MissingExtraError, UsageError
from migaki.linguistics import processor as module
from migaki.linguistics.processor import JapaneseLinguisticProcessor

TEXT = "もう帰らなければならない。"


@pytest.fixture
def without_fugashi(monkeypatch: pytest.MonkeyPatch) -> JapaneseLinguisticProcessor:
    monkeypatch.setattr(module, "fugashi_available", lambda: False)
    return JapaneseLinguisticProcessor()


def test_it_is_a_name_of_migaki() -> None:
    assert migaki.JapaneseLinguisticProcessor is JapaneseLinguisticProcessor
    assert "JapaneseLinguisticProcessor" in dir(migaki)


def test_the_source_comes_first_and_nothing_twice() -> None:
    found = JapaneseLinguisticProcessor().generate_linguistic_variants(TEXT, num_variants=10)
    assert found[0] == TEXT
    assert len(set(found)) == len(found) > 1


def test_three_variants_are_the_default() -> None:
    text = "今日はとても寒いですね。早く帰らなければなりません。"
    assert len(JapaneseLinguisticProcessor().generate_linguistic_variants(text)) == 4


@pytest.mark.parametrize("text", ["", "x = 1", "😀", "\ud800"])
def test_a_text_that_cannot_be_varied_comes_alone(text: str) -> None:
    assert JapaneseLinguisticProcessor().generate_linguistic_variants(text) == [text]


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(UsageError, match="0 or more"):
        JapaneseLinguisticProcessor().generate_linguistic_variants(TEXT, num_variants=-1)


def test_morphological_analysis_tells_what_was_specified() -> None:
    found = JapaneseLinguisticProcessor().morphological_analysis("京都へ行った")
    assert [m["surface"] for m in found] == ["京都", "へ", "行っ", "た"]
    assert found[2] == {
        "surface": "行っ",
        "pos": "動詞",
        "pos_detail": "非自立可能",
        "conjugation_type": "五段-カ行",
        "inflected_form": "連用形-促音便",
        "reading": "イッ",
        "base_form": "行く",
    }


def test_the_tagger_is_fugashis() -> None:
    tagger = JapaneseLinguisticProcessor().tagger
    assert [word.feature.pos1 for word in tagger("本を読む")] == ["名詞", "助詞", "動詞"]


def test_its_start_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="migaki"):
        assert JapaneseLinguisticProcessor().available is True
    assert "fugashi initialized successfully" in caplog.text


def test_without_fugashi_the_text_comes_alone(
    without_fugashi: JapaneseLinguisticProcessor, caplog: pytest.LogCaptureFixture
) -> None:
    assert without_fugashi.available is False
    assert without_fugashi.tagger is None
    assert without_fugashi.generate_linguistic_variants(TEXT) == [TEXT]


def test_without_fugashi_the_install_command_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "fugashi_available", lambda: False)
    with caplog.at_level(logging.WARNING, logger="migaki"):
        found = JapaneseLinguisticProcessor()
    assert "pip install fugashi[unidic-lite]" in caplog.text
    with pytest.raises(MissingExtraError, match=r"fugashi\[unidic-lite\]"):
        found.morphological_analysis(TEXT)
