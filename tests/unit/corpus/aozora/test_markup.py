"""Markup to text: every construct of Aozora Bunko, resolved, or left and counted."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.aozora import Heading, to_plain
from migaki.corpus.aozora.notes import kind_of, level_of

CASES = [
    # ruby
    ("親譲《おやゆず》りの", "親譲りの", {"ruby": 1}),
    ("霜月｜酉《とり》の日", "霜月酉の日", {"ruby": 1, "bar": 1}),
    ("｜坊っちゃん《ぼっちゃん》", "坊っちゃん", {"ruby": 1, "bar": 1}),
    ("※［＃「木＋世」、U+67BB、382-9］《かい》", "枻", {"gaiji": 1, "ruby": 1}),
    ("火《ほ※［＃小書き平仮名ん、1-2］》が", "火が", {"ruby": 1}),
    ("青空文庫《あおぞらぶんこ》《ぶんこ》", "青空文庫", {"ruby": 2}),
    ("a《エー》とＢ《ビー》", "aとＢ", {"ruby": 2}),
    # what looks like ruby and is not
    ("と言う。《注》と", "と言う。《注》と", {"unattached_ruby": 1}),
    ("《始め", "《始め", {"unclosed_ruby": 1}),
    ("終わり》", "終わり》", {"unclosed_ruby": 1}),
    ("縦｜線", "縦｜線", {"stray_bar": 1}),
    ("※［＃始め二重山括弧、1-1-52］本※［＃終わり二重山括弧、1-1-53］", "《本》", {"gaiji": 2}),
    # gaiji
    ("※［＃「髟／兵」、第3水準1-94-27］ねた", "鬂ねた", {"gaiji": 1}),
    ("※［＃「※」は「さんずい＋闊」、第4水準2-79-45、73-12］", "𤄃", {"gaiji": 1}),
    ("※［＃二の字点、1-2-22］", "〻", {"gaiji": 1}),
    ("※［＃「口＋世」、73-12］", "〓", {"unresolved_gaiji": 1}),
    ("※［＃「口＋世」、U+D800］", "〓", {"unresolved_gaiji": 1}),
    ("※［＃「口＋世」、第3水準1-99-6］", "〓", {"unresolved_gaiji": 1}),
    ("※印", "※印", {}),
    # notes
    ("恋［＃「恋」に傍点］", "恋", {"note.emphasis": 1}),
    ("［＃３字下げ］序", "序", {"note.layout": 1}),
    ("喋［＃「喋」は底本では「諜」］る", "喋る", {"note.source_text": 1}),
    ("行った［＃「行った」はママ］", "行った", {"note.source_text": 1}),
    ("水［＃「水」の左に「みづ」のルビ］", "水", {"note.ruby": 1}),
    ("［＃「※［＃「口＋世」、第3水準1-94-27］」に傍点］", "", {"note.emphasis": 1}),
    ("［＃猫の話］", "", {"note.unrecognised": 1}),
    ("［＃図（fig1.png、横10×縦20）入る］", "", {"note.figure": 1}),
    # kanbun
    ("有［＃レ］朋自［＃二］遠方［＃一］来［＃（タル）］", "有朋自遠方来", {"note.kanbun": 4}),
    # 割り注
    ("漢書［＃割り注］班固の［＃改行］作［＃割り注終わり］に", "漢書（班固の作）に",
     {"note.warichu": 2, "note.line_break": 1}),
    # accents
    ("〔e'tude〕と〔二字欠〕", "étudeと〔二字欠〕", {"accent": 1}),
    ("〔Goe&the Stra&sse o/〕", "Gœthe Stråsse ø", {"accent": 3}),
    # くの字点
    ("いよ／＼", "いよいよ", {"iteration_mark": 1}),
    ("さま／″＼", "さまざま", {"iteration_mark": 1}),
    ("はい／＼／＼", "はいはいはい", {"iteration_mark": 2}),
    ("恐《おそ》る／＼", "恐る恐る", {"ruby": 1, "iteration_mark": 1}),
    ("代る／″＼", "代る代る", {"iteration_mark": 1}),
    ("／＼", "／＼", {"unresolved_iteration_mark": 1}),
    ("いよ〳〵、つれ〴〵", "いよいよ、つれづれ", {"iteration_mark": 2}),
    # not closed
    ("［＃３字下げ 序", "［＃３字下げ 序", {"unclosed_note": 1}),
    ("［＃無［＃「恋」に傍点］", "［＃無", {"unclosed_note": 1, "note.emphasis": 1}),
    ("［1］と］", "［1］と］", {}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "text", "counts"), CASES)
def test_a_line_is_written_out_and_counted(line: str, text: str, counts: dict[str, int]) -> None:
    plain = to_plain([line])
    assert (plain.text, plain.counts) == (text, counts)


def test_headings_are_structure_with_the_place_of_their_line() -> None:
    plain = to_plain(
        [
            "［＃５字下げ］第一章《しょう》［＃「第一章」は大見出し］",
            "",
            "　本文。",
            "［＃ここから中見出し］",
            "二",
            "［＃ここで中見出し終わり］",
            "［＃小見出し］三［＃小見出し終わり］",
            "雪［＃「雪」は同行中見出し］　降る。",
        ]
    )
    assert plain.headings == (
        Heading(0, 1, "第一章"),
        Heading(plain.text.index("二"), 2, "二"),
        Heading(plain.text.index("三"), 3, "三"),
        Heading(plain.text.index("雪"), 2, "雪"),
    )
    assert [level_of(f"「一」は{size}見出し") for size in "大中小"] == [1, 2, 3]


def test_a_heading_with_markup_of_its_own_is_read_from_the_line() -> None:
    line = "※［＃「髟／兵」、第3水準1-94-27］の章［＃「※［＃「髟／兵」、第3水準1-94-27］の章」は大見出し］"
    assert to_plain([line]).headings == (Heading(0, 1, "鬂の章"),)


def test_lines_of_notes_go_and_page_breaks_leave_an_empty_line() -> None:
    lines = [
        "一。",
        "［＃ここから２字下げ］",
        "二。",
        "［＃ここで字下げ終わり］",
        "［＃改ページ］",
        "三。",
        "",
        "",
        "四。",
    ]
    assert to_plain(lines).text == "一。\n二。\n\n三。\n\n四。"


def test_the_body_ends_at_its_note() -> None:
    plain = to_plain(["本文。［＃本文終わり］後", "奥付"])
    assert plain.text == "本文。"


def test_notes_of_unknown_kind_are_named() -> None:
    plain = to_plain(["［＃猫の話］" * 30])
    assert plain.counts == {"note.unrecognised": 30}
    assert plain.unrecognised == ("猫の話",) * 20


def test_what_stays_open_is_counted() -> None:
    plain = to_plain(["［＃中見出し］一", "［＃割り注］二"])
    assert plain.counts["unclosed_heading"] == plain.counts["unclosed_warichu"] == 1
    assert plain.text == "一\n（二"


@pytest.mark.parametrize(
    ("note", "kind"),
    [
        ("ここから２字下げ", "layout"),
        ("ここで字下げ終わり", "layout"),
        ("地から１字上げ", "layout"),
        ("「おくれんかな」に傍点", "emphasis"),
        ("改丁", "page_break"),
        ("一レ", "kanbun"),
        ("（ノ）", "kanbun"),
        ("「」は底本でも脱落", "source_text"),
        ("以下５字欠字", "gap"),
        ("「「猫」の「章」」は大見出し", "heading"),
        ("本文終わり", "end_of_body"),
    ],
)
def test_kinds_of_note(note: str, kind: str) -> None:
    assert kind_of(note).name == kind


MARKS = st.sampled_from(
    ["［＃", "※［＃", "］", "［", "《", "》", "｜", "〔", "〕", "／＼", "／″＼", "e'", "漢", "かな", "「", "」",
     "、第3水準1-94-27", "は大見出し", "割り注", "割り注終わり", "改行", "中見出し", "U+10FFFF", "\x00", "\ud800", "\n"]
)  # fmt: skip


@given(st.lists(st.lists(MARKS, max_size=30).map("".join), max_size=6))
def test_hostile_markup_never_raises_and_headings_lie_inside(lines: list[str]) -> None:
    plain = to_plain(lines)
    assert all(0 <= heading.offset <= len(plain.text) for heading in plain.headings)
    assert all(count > 0 for count in plain.counts.values())


@given(st.text(alphabet="漢字かなカナ。、「」\n 　abc1", max_size=200))
def test_text_without_markup_changes_in_nothing_but_empty_lines(text: str) -> None:
    plain = to_plain(text.split("\n"))
    assert "".join(plain.text.split()) == "".join(text.split())
    assert not plain.counts


@pytest.mark.parametrize(
    "unit",
    ["［＃", "《", "｜", "［＃「", "漢《", "［＃改行］", "［＃「一」は大見出し］", "［＃中見出し］", "〔", "〔e'", "あ［＃割り注］",
     "［＃中見出し］あ［＃中見出し終わり］", "／＼", "］", "漢《かん》", "※［＃「口＋世」、1-2］"],
)  # fmt: skip
def test_a_line_of_a_megabyte_takes_time_in_proportion(unit: str) -> None:
    def seconds(chars: int) -> float:
        line = unit * (chars // len(unit))
        start = time.perf_counter()
        to_plain([line, line])
        return time.perf_counter() - start

    seconds(1000)
    assert seconds(500_000) < 20 * seconds(50_000) + 1.0
