"""Sentence endings on a golden table; the figures on real data are in docs/results/register-rule.md."""

from __future__ import annotations

import pytest

from migaki.evaluation.register_consistency import (
    EndingRegister,
    RegisterCounts,
    classify_sentence,
    count_registers,
    find_endings,
)

POLITE = ["駅は近いです。", "行きませんでした", "確認いたします！", "お待ちください。", "そうでしょうか？", "お気をつけて行ってらっしゃいませ。",
          "知りませんけどね…", "ありがとうございます😊", "そうなんですよねー", "いいですねぇ♪", "はい、分かりました（笑）", "すみませんｗ",
          "ごめんなさい。", "雨ですし、", "届きますように。", "そうっす。", "行きますか？？", "本当ですって！", "どうですかな"]  # fmt: skip
PLAIN = ["駅は近い。", "行かなかった", "確認する！", "待ってくれ。", "そうだろう？", "早く食べろよ。", "知らないけどね…", "ありがとう😊",
         "そうなんだよねー", "いいねぇ♪", "彼を励ます。", "目を覚ます。", "静かにしなさい。", "何だっけ？", "飲んで。", "待って", "行こうよ",
         "分からん。", "元気かな。", "行くつもりなの？", "分かるでしょ", "である。", "そうなんだって"]  # fmt: skip
OTHER = ["東京タワー", "徒歩十分の駅。", "はい。", "こんにちは！", "Hello, world.", "12345", "こちらへどうぞ。", "田中さん", "あなた",
         "print('表示します')", "元気？", "https://example.com/です/x", "詳しくは第三章に。", "いつ？"]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "register"),
    [(s, EndingRegister.POLITE) for s in POLITE]
    + [(s, EndingRegister.PLAIN) for s in PLAIN]
    + [(s, EndingRegister.OTHER) for s in OTHER],
)
def test_sentence(sentence, register):
    assert classify_sentence(sentence) is register


@pytest.mark.parametrize(
    ("text", "register"),
    [
        ("「行きます」と答えた。", "plain"),
        ("彼は行くと答えました。", "polite"),
        ("駅まで歩くのが好きです。", "polite"),
        ("疲れますから、帰る。", "plain"),
        ("雨だけど行きます。", "polite"),
    ],
)
def test_quoted_and_subordinate_clauses_do_not_decide(text, register):
    assert classify_sentence(text).value == register


def test_a_fence_of_code_is_one_sentence_of_no_register():
    text = "次のように書きます。\n```python\nx = 1  # 代入します。\nprint(x)\n```\n以上だ。"
    found = [ending.register.value for ending in find_endings(text)]
    assert found == ["polite", "other", "plain"]


def test_an_unclosed_fence_reaches_the_end():
    assert count_registers(["```\nこれは途中です。\nです。"]) == RegisterCounts(other=1)


def test_marks_lie_on_the_deciding_ending():
    text = "雨が降りますよね。傘はどこだっけ？駅の前"
    marks = [text[e.mark_start : e.mark_end] for e in find_endings(text)]
    assert marks == ["ますよね", "だっけ", ""]


@pytest.mark.parametrize(("cut", "count"), [(True, 1), (False, 2)])
def test_a_sentence_cut_off_by_the_length_limit_has_no_ending(cut, count):
    assert len(find_endings("駅は近いです。歩いて五", cut=cut)) == count


def test_a_finished_answer_loses_nothing_to_cut():
    assert len(find_endings("駅は近いです。\n", cut=True)) == 1


def test_shares_are_of_all_sentences():
    counts = RegisterCounts(polite=2, plain=1, other=1)
    assert (counts.total, counts.polite_share) == (4, 0.5)
    assert RegisterCounts().polite_share is None


@pytest.mark.parametrize(
    "text", ["\ud800です", "\x00です。", "で" * 20_000, "「" * 5_000 + "です。", "\ufe0f"]
)
def test_hostile_text_is_survived(text):
    find_endings(text)
