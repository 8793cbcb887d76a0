"""Golden forms of the school grammar, one line a word."""

from __future__ import annotations

import pytest

from migaki.linguistics.conjugation import (
    NotInflectableError,
    ba_form,
    has_form,
    imperative,
    inflect,
    inflections,
    masu_stem,
    negative,
    ta_form,
    te_form,
    volitional,
)

SLOTS = (te_form, ta_form, negative, masu_stem, ba_form, volitional, imperative)

GOLDEN = """
書く 五段-カ行 書いて 書いた 書かない 書き 書けば 書こう 書け
行く 五段-カ行 行って 行った 行かない 行き 行けば 行こう 行け
立ち行く 五段-カ行 立ち行って 立ち行った 立ち行かない 立ち行き 立ち行けば 立ち行こう 立ち行け
巻く 五段-カ行 巻いて 巻いた 巻かない 巻き 巻けば 巻こう 巻け
泳ぐ 五段-ガ行 泳いで 泳いだ 泳がない 泳ぎ 泳げば 泳ごう 泳げ
話す 五段-サ行 話して 話した 話さない 話し 話せば 話そう 話せ
待つ 五段-タ行 待って 待った 待たない 待ち 待てば 待とう 待て
死ぬ 五段-ナ行 死んで 死んだ 死なない 死に 死ねば 死のう 死ね
遊ぶ 五段-バ行 遊んで 遊んだ 遊ばない 遊び 遊べば 遊ぼう 遊べ
飲む 五段-マ行 飲んで 飲んだ 飲まない 飲み 飲めば 飲もう 飲め
乗る 五段-ラ行 乗って 乗った 乗らない 乗り 乗れば 乗ろう 乗れ
サボる 五段-ラ行 サボって サボった サボらない サボり サボれば サボろう サボれ
ワカル 五段-ラ行 ワカッて ワカッた ワカラない ワカリ ワカレば ワカロウ ワカレ
ある 五段-ラ行 あって あった ない あり あれば あろう あれ
なさる 五段-ラ行 なさって なさった なさらない なさい なされば なさろう なさい
下さる 五段-ラ行 下さって 下さった 下さらない 下さい 下されば 下さろう 下さい
いらっしゃる 五段-ラ行 いらっしゃって いらっしゃった いらっしゃらない いらっしゃい いらっしゃれば いらっしゃろう いらっしゃい
買う 五段-ワア行 買って 買った 買わない 買い 買えば 買おう 買え
問う 五段-ワア行 問うて 問うた 問わない 問い 問えば 問おう 問え
請う 五段-ワア行 請うて 請うた 請わない 請い 請えば 請おう 請え
見る 上一段-マ行 見て 見た 見ない 見 見れば 見よう 見ろ
食べる 下一段-バ行 食べて 食べた 食べない 食べ 食べれば 食べよう 食べろ
くれる 下一段-ラ行 くれて くれた くれない くれ くれれば くれよう くれ
暮れる 下一段-ラ行 暮れて 暮れた 暮れない 暮れ 暮れれば 暮れよう 暮れろ
する サ行変格 して した しない し すれば しよう しろ
論ずる サ行変格 論じて 論じた 論じない 論じ 論ずれば 論じよう 論じろ
来る カ行変格 来て 来た 来ない 来 来れば 来よう 来い
くる カ行変格 きて きた こない き くれば こよう こい
高い 形容詞 高くて 高かった 高くない - 高ければ 高かろう -
いい 形容詞 よくて よかった よくない - よければ よかろう -
かっこいい 形容詞 かっこよくて かっこよかった かっこよくない - かっこよければ かっこよかろう -
かわいい 形容詞 かわいくて かわいかった かわいくない - かわいければ かわいかろう -
ない 助動詞-ナイ なくて なかった なくはない - なければ なかろう -
たい 助動詞-タイ たくて たかった たくない - たければ たかろう -
られる 助動詞-レル られて られた られない られ られれば られよう られろ
ます 助動詞-マス まして ました ません - - ましょう ませ
です 助動詞-デス でして でした ではありません - - でしょう -
だ 助動詞-ダ で だった じゃない - なら だろう -
"""


@pytest.mark.parametrize("line", GOLDEN.split("\n")[1:-1], ids=lambda line: line.split()[0])
def test_forms(line: str) -> None:
    word, c_type, *expected = line.split()
    for slot, form in zip(SLOTS, expected, strict=True):
        if form == "-":
            with pytest.raises(NotInflectableError):
                slot(word, c_type)
        else:
            assert slot(word, c_type) == form


def test_no_class() -> None:
    with pytest.raises(NotInflectableError, match=r"机.*conjugation class"):
        inflect("机", "", "連用形")


def test_no_such_form_names_those_there_are() -> None:
    with pytest.raises(NotInflectableError, match="連用形-促音便"):
        inflect("乗る", "五段-ラ行", "連用形-イ音便")


def test_the_bare_form_is_the_general_one() -> None:
    assert inflect("書く", "五段-カ行", "連用形") == "書き"
    assert inflect("ぬ", "助動詞-ヌ", "終止形") == "ぬ"


def test_one_sound_change_a_word() -> None:
    assert has_form("行く", "五段-カ行", "連用形-促音便")
    assert not has_form("行く", "五段-カ行", "連用形-イ音便")
    assert not has_form("巻く", "五段-カ行", "連用形-促音便")


def test_reading_tells_homographs_apart() -> None:
    assert te_form("訪う", "五段-ワア行", reading_base="トウ") == "訪うて"
    assert te_form("訪う", "五段-ワア行", reading_base="オトナウ") == "訪って"


def test_variants_best_first() -> None:
    assert inflections("する", "サ行変格", "命令形") == ("しろ", "せよ")
    assert inflections("高い", "形容詞", "仮定形-融合") == ("高けりゃ", "高きゃ")


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("高い", "高う"),
        ("たかい", "たこう"),
        ("美しい", "美しゅう"),
        ("大きい", "大きゅう"),
        ("ありがたい", "ありがとう"),
    ],
)
def test_u_sound_change_of_adjectives(word: str, form: str) -> None:
    assert inflect(word, "形容詞", "連用形-ウ音便") == form
