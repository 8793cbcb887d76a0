"""Chinese characters are found in Japanese text, and Japanese ones never."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.linguistics.hanzi import simplified_glyphs, to_japanese_glyphs

TABLE = "src/migaki/linguistics/tables/simplified_hanzi.tsv"


@pytest.mark.parametrize(
    ("text", "japanese"),
    [
        ("検证", "検証"),
        ("この问题を解决する关数を书く。", "この問題を解决する関数を書く。"),
        ("効率的な学习と实践が重要です。", "効率的な学習と実践が重要です。"),
        ("データの值を检查し、确认する。", "データの値を検査し、確認する。"),
        ("时间がかかる场合は连络を", "時間がかかる場合は連絡を"),
        ("车と铁道、鸟と鱼と龟", "車と鉄道、鳥と魚と亀"),
        ("药を饮む。艺术を爱する。", "薬を飲む。芸術を愛する。"),
        ("锐い、颊、竖、边り", "鋭い、頬、竪、辺り"),
    ],
)
def test_leaks_are_found_and_mended(text: str, japanese: str) -> None:
    assert to_japanese_glyphs(text) == japanese
    changed = [i for i, (a, b) in enumerate(zip(text, japanese, strict=True)) if a != b]
    assert [glyph.offset for glyph in simplified_glyphs(text)] == changed


@pytest.mark.parametrize(
    ("char", "japanese"), [("发", "発髪"), ("复", "復複覆"), ("历", "歴暦"), ("够", ""), ("铝", "")]
)
def test_no_guess_where_the_counterpart_is_not_unique(char: str, japanese: str) -> None:
    text = f"これは{char}です"
    assert [(3, char, japanese)] == simplified_glyphs(text)
    assert to_japanese_glyphs(text) == text


@pytest.mark.parametrize(
    "sentence",
    [
        "我们正在学习日语，请给我们时间。",
        "这个问题很难，谁都没有办法解决。",
        "请确认您的账号和密码，然后点击登录。",
        "他说明天会下雨，让我带雨伞。",
        "模型生成的结果需要进一步验证。",
    ],
)
def test_chinese_sentences_are_recognised(sentence: str) -> None:
    assert len(simplified_glyphs(sentence)) >= len(sentence) / 8


@pytest.mark.parametrize(
    "text",
    [
        "国会で来年の会議に参加し、区の学校で医学を学ぶ。",
        "机に向かい、叶わぬ願いを云う。芸は身を助く。",
        "虫の声、万歳、与党、写真、台風、独り、乱れ、党、旧、当、弁当、号、余り、尽くす、庄屋、岳",
        "体に気をつけ、声を出し、数を読み、点を打ち、宝を湿らせ、担当を断る。",
        "沢と渓谷、辺り、竜、黒、黄、緑、駅、図、円、発、売、読、続、広、庁",
        # Old forms, as names and books before 1946 have them.
        "廣澤眞一、德川、黑澤、步く、每日、晚年、戶、增田、內閣、藝術、學問、舊字體、體、國、會",
        # Words of Japanese with a character that Chinese uses as a simplified one.
        "一家団栾。小种紅茶。仿製鏡。膻中のつぼ。腊葉標本。砖茶。",
        "欠伸、芦、伝、灯、仏、払、拡、処、双、声、点、礼、斉、浜、済、蛍",
    ],
)
def test_japanese_is_never_chinese(text: str) -> None:
    assert simplified_glyphs(text) == []


@settings(deadline=None)
@given(st.text() | st.text(st.sampled_from("检证发够国漢かx\ud800\x00")))
def test_offsets_are_true_and_only_found_characters_change(text: str) -> None:
    found = simplified_glyphs(text)
    assert all(text[glyph.offset] == glyph.char for glyph in found)
    mended = to_japanese_glyphs(text)
    assert len(mended) == len(text)
    assert to_japanese_glyphs(mended) == mended
    changed = {i for i, (a, b) in enumerate(zip(text, mended, strict=True)) if a != b}
    assert changed == {glyph.offset for glyph in found if len(glyph.japanese) == 1}


def test_the_table_keeps_its_rule(project_root: Path) -> None:
    lines = (project_root / TABLE).read_text("utf-8").splitlines()
    header = [line for line in lines if line.startswith("#")]
    assert any("Apache-2.0" in line for line in header)
    rows = [[*line.split("\t"), "", ""][:3] for line in lines[len(header) :]]
    assert len({row[0] for row in rows}) == len(rows) > 2000
    for char, japanese, words in rows:
        with pytest.raises(UnicodeEncodeError):  # Japanese has it
            char.encode("shift_jis")
        japanese.encode("shift_jis_2004")
        char.encode("gb2312")
        assert all(char in word and len(word) > 1 for word in filter(None, words.split("|")))


JIS = [
    bytes((row + 0xA0, cell + 0xA0)).decode("euc_jp", "ignore")
    for row in range(1, 85)
    for cell in range(1, 95)
]


def test_no_character_of_jis_x_0208_is_found() -> None:
    text = "".join(JIS)
    assert len(text) > 6800
    assert simplified_glyphs(text) == []


def test_real_japanese_has_next_to_none(shared_data: Path) -> None:
    """Each of those there are stands in a Chinese title or name that the article quotes."""
    texts: list[str] = []
    for name in ("news/ja_wikinews", "wiki/jaquad_wiki_articles", "aozora/aozora_paragraphs_clean"):
        lines = (shared_data / f"{name}.jsonl").read_text("utf-8").splitlines()
        texts += [json.loads(line)["text"] for line in lines]
    with (shared_data / "style" / "cocoa_mt_train.tsv").open(encoding="utf-8", newline="") as file:
        texts += ["\n".join(row) for row in csv.reader(file, delimiter="\t")]
    hits = sum(len(simplified_glyphs(text)) for text in texts)
    assert hits <= 5 * sum(map(len, texts)) / 1_000_000
