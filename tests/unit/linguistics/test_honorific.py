"""Honorific conversion: a golden table by who acts, and what must hold on any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.linguistics.analyzer import analyze
from migaki.linguistics.edits import apply_edits
from migaki.linguistics.morphemes import Register
from migaki.linguistics.register.conversion import alternatives, convert
from migaki.linguistics.register.keigo import keigo_marks

RESPECTED = [
    ("校長はもう来た。", "校長はもういらっしゃいました。"),
    ("お客様が召し上がった。", "お客様が召し上がりました。"),
    ("お客様がケーキを食べたよ。", "お客様がケーキを召し上がりましたよ。"),
    ("部長がそう言ったから、行く。", "部長がそうおっしゃったから、行きます。"),
    ("木村さんは手紙を書いている。", "木村さんは手紙を書いていらっしゃいます。"),
    ("先生は写真を見なかった。", "先生は写真をご覧になりませんでした。"),
    ("先生が本をくれた。", "先生が本をくださいました。"),
    ("先生が道を教えてくれた。", "先生が道を教えてくださいました。"),
    ("社長は新しい計画を発表した。", "社長は新しい計画を発表なさいました。"),
    ("先生は音楽が好きだ。", "先生は音楽がお好きです。"),
    ("先生はその話を知っている。", "先生はその話をご存じです。"),
    ("先生は地図を買って帰った。", "先生は地図を買ってお帰りになりました。"),
]
HEARER = [
    ("何を飲む？", "何を召し上がりますか？"),
    ("明日は来ますか。", "明日はいらっしゃいますか。"),
    ("どんな本を読むんですか？", "どんな本をお読みになるんですか？"),
    ("忙しいですか？", "お忙しいですか？"),
    ("あなたはどこに住んでいますか？", "あなたはどこに住んでいらっしゃいますか？"),
]
REQUESTS = [
    ("早く座りなさい。", "早くお掛けください。"),
    ("少し待って。", "少しお待ちください。"),
    ("窓口に来てください。", "窓口にお越しください。"),
    ("地図を見てくれ。", "地図をご覧ください。"),
    ("氏名を記入してください。", "氏名をご記入ください。"),
    ("会場に電話してください。", "会場にお電話ください。"),
    ("名前を言わないでください。", "名前をおっしゃらないでください。"),
    ("窓を開けてくれませんか。", "窓を開けてくださいませんか。"),
    ("写真を撮ってもらえますか？", "写真を撮っていただけますか？"),
]
SPEAKER = [
    ("私が鞄を持つ。", "私が鞄をお持ちします。"),
    ("私がご家族に連絡します。", "私がご家族にご連絡します。"),
    ("私は明日大阪へ行く。", "私は明日大阪へ参ります。"),
    ("私は山本と言います。", "私は山本と申します。"),
    ("母は台所にいる。", "母は台所におります。"),
    ("私は毎朝運動する。", "私は毎朝運動いたします。"),
    ("私は部長を待っている。", "私は部長をお待ちしております。"),
    ("私が鞄を持ってる。", "私が鞄を持っております。"),
    ("私はその店を知らない。", "私はその店を存じません。"),
    ("何か作りましょうか。", "何かお作りしましょうか。"),
    ("傘を貸しましょうか。", "傘をお貸ししましょうか。"),
    ("話を聞いてもいいですか？", "話を伺ってもいいですか？"),
]
# Only polite: no person acts, or the text does not say who does.
POLITE_ONLY = [
    ("電車は何時に来る？", "電車は何時に来ますか？"),
    ("雨が降っている。", "雨が降っています。"),
    ("先生が書いた本を買った。", "先生が書いた本を買いました。"),
    ("「先生が来る」と聞いた。", "「先生が来る」と聞きました。"),
    ("先生は来ないと思う。", "先生は来ないと思います。"),
    ("カメラの方が好きだ。", "カメラの方が好きです。"),
    ("先生は叱られた。", "先生は叱られました。"),
    ("早いじゃないですか！", "早いじゃないですか！"),
    ("どうしてですか？", "どうしてですか？"),
    ("私がバスを待つ。", "私がバスを待ちます。"),
    ("私は友達に会った。", "私は友達に会いました。"),
    ("私がカレーを作る。", "私がカレーを作ります。"),
    ("近くに花屋さんがあって、よく行く。", "近くに花屋さんがあって、よく行きます。"),
    ("学費を払うべきですか？", "学費を払うべきですか？"),
    ("私は京都に住んでいるので、近い。", "私は京都に住んでいるので、近いです。"),
]  # fmt: skip
ALREADY = [
    "先生がいらっしゃいました。",
    "こちらをご覧ください。",
    "私がご案内します。",
    "お元気ですか。",
    "お決まりでしょうか。",
    "お気をつけてください。",
]


@pytest.mark.parametrize(
    ("text", "honorific"), RESPECTED + HEARER + REQUESTS + SPEAKER + POLITE_ONLY
)
def test_who_acts_decides(text, honorific):
    found = convert(text, Register.HONORIFIC)
    assert found.text == honorific
    assert found.register is Register.HONORIFIC
    assert apply_edits(text, found.edits) == honorific


@pytest.mark.parametrize("text", ALREADY)
def test_what_is_honorific_stays(text):
    assert convert(text, Register.HONORIFIC).text == text


@pytest.mark.parametrize(
    "text", [honorific for _, honorific in RESPECTED + HEARER + REQUESTS + SPEAKER]
)
def test_converting_twice_changes_nothing_more(text):
    assert convert(text, Register.HONORIFIC).text == text


def test_an_unsaid_subject_is_named_in_a_note():
    found = convert("昨日、駅で買った。", Register.HONORIFIC)
    assert found.text == "昨日、駅で買いました。"
    assert any("買う" in note for note in found.notes)
    assert not convert("社長が買った。", Register.HONORIFIC).notes


@pytest.mark.parametrize("to", [Register.PLAIN, Register.POLITE])
def test_the_way_back_guesses_nothing(to):
    found = convert("部長はもういらっしゃいました。", to)
    assert "いらっしゃ" in found.text
    assert found.notes == ("いらっしゃる may stand for いる, 行く, 来る: it was left as it is.",)
    assert not convert("部長がおっしゃいました。", Register.PLAIN).text.startswith("部長が言")
    assert not convert("待っていらっしゃいました。", Register.PLAIN).notes


def test_alternatives_begin_with_the_best_and_hold_the_passive_form():
    texts = [way.text for way in alternatives("先生は本を読んだ。", Register.HONORIFIC, limit=3)]
    assert texts == ["先生は本をお読みになりました。", "先生は本を読まれました。"]


def test_nothing_is_raised_twice():
    for text, _ in RESPECTED + HEARER + REQUESTS:
        for way in alternatives(text, Register.HONORIFIC):
            assert "double" not in {mark.name for mark in keigo_marks(analyze(way.text))}, way.text


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(
    ["先生", "が", "は", "私", "来る", "待っ", "て", "ください", "ます", "か", "？", "。", "「", "」", "\ud800", "お", "なる", "に", " "]
), max_size=14))  # fmt: skip
def test_any_text_is_survived_and_the_edits_are_the_whole_change(parts):
    text = "".join(parts)
    for way in alternatives(text, Register.HONORIFIC, limit=3):
        assert apply_edits(text, way.edits) == way.text
