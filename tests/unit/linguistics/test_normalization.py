"""Widths are unified, and nothing that was not named changes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.linguistics.normalization import normalize

TRICKY = "かがカガｶﾞﾟﾊｰ｡｢･゛゜\u3099\u309aＡａ１0，．：－＿！？!?〜～~—―ー－-−　 \u00a0\u3000①㌔…神é\u0301\ud800\x00\r\n👨\u200d👩"
ANY_TEXT = st.text() | st.text(st.sampled_from(TRICKY))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ｶﾞｷﾞﾊﾟﾌﾟｳﾞﾜﾞ", "ガギパプヴヷ"),
        ("ﾃﾞｰﾀﾍﾞｰｽ", "データベース"),
        ("｢はい､そう｡｣･", "「はい、そう。」・"),
        ("カﾞ か\u3099 ハ\u309a ｶ\u3099", "ガ が パ ガ"),
        ("ｱﾞ ﾞ ﾟ", "ア゛ ゛ ゜"),
        ("か゛", "か゛"),  # a mark with a width of its own may be meant
        ("ＡＢＣ　１２３", "ABC　123"),
        ("１，２３４．５％", "1,234.5％"),
        ("２，３年", "2，3年"),
        ("０３－１２３４－５６７８", "03-1234-5678"),
        ("１２：３０に、Ａ＆Ｂで", "12:30に、A&Bで"),
        ("資料：Ａ、Ｂ．", "資料：A、B．"),
        ("～です。１～２", "〜です。1〜2"),
        ("——そして—彼は", "――そして―彼は"),
    ],
)
def test_widths(text: str, expected: str) -> None:
    assert normalize(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "本当！？（はい）：「ええ」…",
        "①②㌔㈱℡½Ⅳx²㎏",
        "神田さん、﨑さん",
        "ラーメン、サ一ビス、T−1、3-4、~/.bashrc",
        "He said—well, yes — and left.",
        "　字下げした段落。",
        "café a\u0301 각",
        "👨\u200d👩\u200d👧 ☕\ufe0f",
        "a\r\nb\tc\u2028d\x00\x1b[0m\ud800",
        "＝＝＝見出し＝＝＝",
        "が\u0300",
    ],
)
def test_what_stays(text: str) -> None:
    assert normalize(text) == text


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("Ａ１", {"alphanumerics": "keep"}, "Ａ１"),
        ("ｱ", {"kana": False}, "ｱ"),
        ("～", {"marks": False}, "～"),
        ("　あ\u00a0い\n", {"spaces": "half"}, " あ い\n"),
        ("本当!?はい!", {"punctuation": "japanese"}, "本当！？はい！"),
        ("Yes! Is it?", {"punctuation": "japanese"}, "Yes! Is it?"),
        ("「行く」?", {"punctuation": "japanese"}, "「行く」？"),
        (
            "まず，式は３．５である．次に，",
            {"punctuation": "japanese"},
            "まず、式は3.5である。次に、",
        ),
        ("まあ．．．", {"punctuation": "japanese"}, "まあ．．．"),
        ("ﾎﾝﾄ!", {"punctuation": "japanese"}, "ホント！"),
    ],
)
def test_options(text: str, options: dict[str, str], expected: str) -> None:
    assert normalize(text, **options) == expected


OPTIONS = [
    dict(zip(("kana", "marks", "alphanumerics", "spaces", "punctuation"), values, strict=True))
    for values in itertools.product(
        (True, False), (True, False), ("half", "keep"), ("half", "keep"), ("japanese", "keep")
    )
]


@settings(deadline=None)
@given(ANY_TEXT, st.sampled_from(OPTIONS))
def test_twice_is_once(text: str, options: dict[str, str]) -> None:
    once = normalize(text, **options)
    assert normalize(once, **options) == once


@settings(deadline=None)
@given(ANY_TEXT)
def test_marks_stay_marks(text: str) -> None:
    once = normalize(text)
    assert all(once.count(mark) == text.count(mark) for mark in "！？（）−①\ud800\r\n\u200d")
    assert len(once) <= len(text)


@settings(deadline=None)
@given(ANY_TEXT)
def test_all_switched_off_changes_nothing(text: str) -> None:
    assert normalize(text, kana=False, marks=False, alphanumerics="keep") == text
