"""Nothing of a text is lost in analysis, whatever the text and whichever the engine."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migaki.errors import MissingExtraError, UsageError
from migaki.linguistics import analyzer as analyzer_module
from migaki.linguistics.analyzer import (
    ENGINES,
    Analyzer,
    FugashiAnalyzer,
    SudachiAnalyzer,
    analyze,
    analyze_sentences,
    default_analyzer,
    fugashi_available,
)
from migaki.linguistics.morphemes import Morpheme

PIECES = [
    "食べさせられた", "です。", "「", "」", "？", "静かな", "ﾃﾞｰﾀ", "ｶﾞ", "ABC", "１２３", "12", "ゝ", "々", "〜", "ー",
    " ", "　", "\t", "\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\u00a0", "\u200b",
    "\x00", "\x1b[0m", "\x7f", "\ufeff", "\ufffd", "\ufffe", "\ud800", "\udfff", "\ud83d", "\U0010ffff", "\ue000",
    "👨\u200d👩\u200d👧", "☕\ufe0f", "🇯🇵", "か\u3099", "e\u0301", "𠮷", "㌔", "ﷺ", "اب", "İ", "ß", "ﬁ",
    "```\ncode\n```", "https://example.jp/あ?b=1", "<b>太字</b>", "*", ",", '"', "EOS",
]  # fmt: skip
ANY_TEXT = (
    st.text(st.characters(codec=None) | st.characters(categories=["Cs"]))
    | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
)  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Analyzer:
    return default_analyzer(request.param)


def gaps_of(text: str, morphemes: tuple[Morpheme, ...]) -> list[str]:
    """Check that morphemes stand where they say, in order, and return what is between them."""
    gaps, place = [], 0
    for m in morphemes:
        assert place <= m.start < m.end <= len(text)
        assert m.surface == text[m.start : m.end]
        gaps.append(text[place : m.start])
        place = m.end
    return [*gaps, text[place:]]


@settings(deadline=None)
@given(text=ANY_TEXT)
@example(text="".join(PIECES))
@example(text=" ".join(PIECES))
@example(text="\ud83d\ude00 half by half")
@example(text="´A…⑴ ﷺ")
def test_surfaces_and_gaps_are_the_text(engine: Analyzer, text: str) -> None:
    morphemes = engine.analyze(text)
    gaps = gaps_of(text, morphemes)
    surfaces = [m.surface for m in morphemes]
    assert "".join(a + b for a, b in zip(gaps, [*surfaces, ""], strict=True)) == text
    assert all(not gap or gap.isspace() for gap in gaps)


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_fields_are_plain_text(engine: Analyzer, text: str) -> None:
    for m in engine.analyze(text):
        assert m.pos
        assert m.orth_base
        assert m.lemma
        assert m.reading
        assert "*" not in (m.pos, m.pos2, m.pos3, m.c_type, m.c_form)


@settings(deadline=None)
@given(text=ANY_TEXT)
@example(text="雨だ。\u2028「行く。」\n\n 次！\ud800。")
def test_sentences_lie_where_they_say(engine: Analyzer, text: str) -> None:
    place = 0
    for sentence in analyze_sentences(text, analyzer=engine):
        assert place <= sentence.start < sentence.end <= len(text)
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip()
        assert all(sentence.start <= m.start < m.end <= sentence.end for m in sentence.morphemes)
        assert all(m.surface == text[m.start : m.end] for m in sentence.morphemes)
        place = sentence.end


def test_a_sentence_does_not_depend_on_its_neighbours(engine: Analyzer) -> None:
    alone = engine.analyze("橋の端を歩く。")
    _, second = analyze_sentences("箸を持つ。橋の端を歩く。", analyzer=engine)
    assert [m.surface for m in second.morphemes] == [m.surface for m in alone]
    assert [m.start - second.start for m in second.morphemes] == [m.start for m in alone]


def slow(unit: str) -> Any:
    return pytest.param(unit, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "unit",
    [
        "これは長い行です。",
        *map(slow, ["ああ", "x", " ", "\x00", "、", "https://example.jp/", "👨\u200d👩"]),
    ],
)
def test_a_line_of_a_megabyte(engine: Analyzer, unit: str) -> None:
    text = unit * (1_000_000 // len(unit.encode()))
    started = time.process_time()
    morphemes = engine.analyze(text)
    # Three seconds at most on a quiet core; cores that are shared hard take several times as long.
    assert time.process_time() - started < 30
    gaps_of(text, morphemes)


def test_a_long_line_is_cut_between_words() -> None:
    morphemes = analyze("私は本を読みます、" * 2000)
    assert {m.surface for m in morphemes} == {"私", "は", "本", "を", "読み", "ます", "、"}


GOLDEN: list[tuple[str, list[tuple[str, str, str, str, str]]]] = [
    (
        "手紙を書いておきました。",
        [
            ("手紙", "名詞", "", "", "手紙"),
            ("を", "助詞", "", "", "を"),
            ("書い", "動詞", "五段-カ行", "連用形-イ音便", "書く"),
            ("て", "助詞", "", "", "て"),
            ("おき", "動詞", "五段-カ行", "連用形-一般", "おく"),
            ("まし", "助動詞", "助動詞-マス", "連用形-一般", "ます"),
            ("た", "助動詞", "助動詞-タ", "終止形-一般", "た"),
            ("。", "補助記号", "", "", "。"),
        ],
    ),
    (
        "庭は静かでなければならない",
        [
            ("庭", "名詞", "", "", "庭"),
            ("は", "助詞", "", "", "は"),
            ("静か", "形状詞", "", "", "静か"),
            ("で", "助動詞", "助動詞-ダ", "連用形-一般", "だ"),
            ("なけれ", "形容詞", "形容詞", "仮定形-一般", "ない"),
            ("ば", "助詞", "", "", "ば"),
            ("なら", "動詞", "五段-ラ行", "未然形-一般", "なる"),
            ("ない", "助動詞", "助動詞-ナイ", "終止形-一般", "ない"),
        ],
    ),
    (
        "早く来なかったら困るんだ！",
        [
            ("早く", "形容詞", "形容詞", "連用形-一般", "早い"),
            ("来", "動詞", "カ行変格", "未然形-一般", "来る"),
            ("なかっ", "助動詞", "助動詞-ナイ", "連用形-促音便", "ない"),
            ("たら", "助動詞", "助動詞-タ", "仮定形-一般", "た"),
            ("困る", "動詞", "五段-ラ行", "連体形-一般", "困る"),
            ("ん", "助詞", "", "", "ん"),
            ("だ", "助動詞", "助動詞-ダ", "終止形-一般", "だ"),
            ("！", "補助記号", "", "", "！"),
        ],
    ),
]


@pytest.mark.parametrize(("sentence", "expected"), GOLDEN)
def test_golden(sentence: str, expected: list[tuple[str, str, str, str, str]]) -> None:
    found = [(m.surface, m.pos, m.c_type, m.c_form, m.orth_base) for m in analyze(sentence)]
    assert found == expected


@pytest.mark.parametrize(("sentence", "expected"), GOLDEN)
def test_both_engines_name_words_alike(
    sentence: str, expected: list[tuple[str, str, str, str, str]]
) -> None:
    """Sudachi has 五段-カ行 and 連用形-イ音便 too; rules may look at classes and forms of both."""
    found = [
        (m.surface, m.c_type, m.c_form.split("-")[0], m.orth_base)
        for m in SudachiAnalyzer().analyze(sentence)
        if m.c_type
    ]
    wanted = [(s, c, f.split("-")[0], b) for s, _, c, f, b in expected if c]
    assert [word[0] for word in found] == [word[0] for word in wanted]
    same = sum(a == b for a, b in zip(found, wanted, strict=True))
    assert same >= len(wanted) - 1


def test_the_dictionary_form_keeps_the_orthography_of_the_text() -> None:
    (word, *_) = analyze("いただけますか")
    assert (word.orth_base, word.lemma) == ("いただける", "頂く")
    assert (word.reading, word.reading_base) == ("イタダケ", "イタダケル")


def test_unknown_words_are_marked(engine: Analyzer) -> None:
    known = {m.surface: m.known for m in engine.analyze("昨日안녕を見た")}
    assert known["見"]
    assert not any(is_known for surface, is_known in known.items() if surface in "안녕")
    assert all(m.known for m in engine.analyze("三つと四百"))


def test_a_morpheme_cannot_be_changed() -> None:
    (morpheme,) = analyze("雨")
    with pytest.raises(AttributeError):
        morpheme.surface = "雪"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        morpheme.note = "x"  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", [FugashiAnalyzer, SudachiAnalyzer])
def test_what_was_seen_before_changes_nothing(
    make: type[FugashiAnalyzer | SudachiAnalyzer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries are kept between calls, and forgotten when there are many."""
    texts = ["三回目に三つ、第一に一つ", "走る人は走った。人が走る。", "第一に三つ", "雨が降る。"]
    fresh = {text: make().analyze(text) for text in texts}
    used, forgetful = make(), make()
    for text in [*texts, *reversed(texts)]:
        assert used.analyze(text) == fresh[text]
    monkeypatch.setattr(analyzer_module, "_MOST_ENTRIES", 3)
    for text in texts:
        assert forgetful.analyze(text) == fresh[text]


def test_engines_by_name() -> None:
    assert default_analyzer() is default_analyzer("fugashi")
    assert "unidic-lite" in default_analyzer().name
    assert "sudachi" in default_analyzer("sudachi").name.lower()
    with pytest.raises(UsageError, match=r"'mecab'.*fugashi, sudachi"):
        default_analyzer("mecab")


@pytest.mark.parametrize(
    ("missing", "make", "command"),
    [
        ("fugashi", FugashiAnalyzer, "pip install 'fugashi[unidic-lite]'"),
        ("unidic_lite", FugashiAnalyzer, "pip install 'fugashi[unidic-lite]'"),
        ("sudachipy", SudachiAnalyzer, "pip install 'migaki[sudachi]'"),
    ],
)
def test_a_missing_engine_says_how_to_get_it(
    missing: str, make: Any, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError) as error:
        make()
    assert command in str(error.value)


def test_available_looks_without_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fugashi_available()
    monkeypatch.setattr(analyzer_module, "find_spec", lambda name: name != "unidic_lite" or None)
    assert not fugashi_available()
