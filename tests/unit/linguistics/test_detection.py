"""Register detection: golden tables by clause, sentence and text; what must hold on any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.linguistics.analyzer import analyze, default_analyzer
from migaki.linguistics.morphemes import Register
from migaki.linguistics.predicates import Place
from migaki.linguistics.register import detect
from migaki.linguistics.register.keigo import keigo_marks
from migaki.linguistics.register.level import keigo_level
from migaki.linguistics.tables import read_table

TEXTS = {
    Register.PLAIN: [
        "港まで歩く。", "港まで歩いた", "空が青い。", "今日は雨だ。", "そうなんだよね", "知らないけどね…", "早く寝ろよ。", "待って。",
        "もう行こうか。", "これ、何だっけ？", "元気かな。", "本当ですかと聞かれた。", "「行きます」と言った。", "学生ではない。",
        "姉が着いたと言っていたっけ。", "ありがとう。", "静かにしなさい。", "雨だって！", "行かなくちゃ", "彼を励ます。",
        "昨日はごめんね。",
    ],
    Register.POLITE: [
        "港まで歩きます。", "空が青いです。", "今日は雨でしょう。", "歩きませんでした", "彼は行くと言いました。", "歩くのが好きです。",
        "雨だけど行きます。", "ここに書いてください。", "おはようございます。", "いいっすね", "雨ですし、", "よく眠れますように。",
        "そうなんですって！", "ごめんなさい。", "晴れたので出かけました。", "今日は雨だ、と駅員が言いました。", "（本当です。）",
        "道に迷ったので、すいませんでした",
    ],
    Register.DEARU: ["これは机である。", "理由は三つある。第一は費用であろう。", "便利なのであった。"],
    Register.HONORIFIC: [
        "校長がいらっしゃいます。", "もうお帰りになりましたか。", "こちらをご覧ください。", "お客様がお待ちになっている。", "何をなさったの？",
        "校長が手紙を読まれました。", "ご存じですか。", "母にも教えてくださいました。",
    ],
    Register.HUMBLE: [
        "明日伺います。", "荷物をお持ちします。", "駅でお待ちしております。", "写真を拝見しました。", "本日は休ませていただきます。",
        "山本と申します。", "ご案内いたします。",
    ],
    Register.MIXED: ["今日は雨だ。出かけません。", "それは無理ですが、考えておくよ。", "いいね、行きましょう。"],
    Register.NONE: ["東京タワー", "徒歩十分の駅。", "こちらへどうぞ。", "Hello, world.", "はい。", "print('書きます')", "https://example.jp/です"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "register"), [(t, register) for register, texts in TEXTS.items() for t in texts]
)
def test_register_of_a_text(text, register):
    assert detect(text).register is register


def test_clauses_say_where_they_stand_and_which_decides():
    text = "姉が買った本は面白いですが、まだ読んでいない。"
    clauses = detect(text).clauses
    found = [(c.place, c.style, c.decides) for c in clauses]
    assert found == [
        (Place.SUBORDINATE, Register.PLAIN, False),
        (Place.COORDINATE, Register.POLITE, True),
        (Place.FINAL, Register.PLAIN, True),
    ]
    assert detect(text).register is Register.MIXED


def test_marks_are_what_decided():
    text = "先生はもうお帰りになりましたよね。"
    report = detect(text)
    marks = [(text[m.start : m.end], m.register, m.name) for m in report.deciding]
    assert marks == [
        ("お帰りになり", Register.HONORIFIC, "o_ni_naru"),
        ("ました", Register.POLITE, "style"),
    ]
    assert (report.style, report.register) == (Register.POLITE, Register.HONORIFIC)


def test_set_phrases_and_hanging_clauses_give_way():
    assert detect("おはようございます。今日は雨だ。").register is Register.PLAIN
    assert detect("待って。すぐ行きます。").register is Register.POLITE
    assert detect("すみません。").register is Register.POLITE


def test_plain_list_items_belong_to_a_polite_text():
    steps = "手順は次のとおりです。\n- 窓を開ける\n・床を掃く\n1. 机を拭く\n"
    assert detect(steps).register is Register.POLITE
    assert detect("- 窓を開ける\n- 床を掃く").register is Register.PLAIN


def test_a_line_of_dialogue_has_the_register_of_its_quotation():
    assert detect("「もう行きますか。」").style is Register.POLITE
    assert detect("「もう行きますか。」と聞いた。").style is Register.PLAIN


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("お読みになられる", ["double"]),
        ("お手紙をお書きになった", ["o_noun", "o_ni_naru"]),
        ("ご心配なさる", ["o_nasaru"]),
        ("座りなさい", []),
        ("書いてください", []),
        ("お書きください", ["o_kudasaru"]),
        ("この件は田中様に書かせていただきます", ["title", "sasete_itadaku"]),
        ("お茶を飲む", ["o_beauty"]),
        ("お世話になった", ["not_honorific"]),
        ("行った方がいい", ["comparison"]),
        ("あの先生が話された", ["person", "reru"]),
        ("兄に笑われた", []),
        ("賞を与えられた", []),
        ("そう思われる", []),
        ("申し上げます", ["suppletive_humble"]),
        ("難しゅうございます", ["gozaru"]),
    ],
)
def test_turns_of_keigo(text, names):
    assert [mark.name for mark in keigo_marks(analyze(text))] == names


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("社長は何時にお戻りになられるのでございましょうか。", 1),
        ("先生は何時にいらっしゃいますでしょうか。", 1),
        ("店は何時に開きますか。", 3),
        ("店は何時に開くの？", 4),
        ("早く来いよ。", 4),
        ("窓を閉めてください。", 3),
        ("どうぞご遠慮なさらずにお入りくださいませ。", 1),
    ],
)
def test_keigo_level(text, level):
    assert detect(text).level == level


def test_there_is_no_level_without_anything_that_carries_one():
    assert detect("x = 1").level is None
    assert detect("").level is None
    assert (detect("").register, detect("").sentences) == (Register.NONE, ())


def test_every_weight_belongs_to_a_feature_and_decides_as_documented():
    rows = read_table("keigo_level.tsv", columns=6)
    assert all(len(row) == 6 and float(row[5]) > 0 for row in rows)
    weights = {row[0]: [float(cell) for cell in row[1:5]] for row in rows}
    plain, *ranks = weights["base"]
    expected = 4 if plain > 0 else 1 + ranks.index(max(ranks))
    assert keigo_level({}) == expected
    assert keigo_level({"desu": 5}) == keigo_level({"desu": 2})


def test_the_other_analyser_agrees():
    pytest.importorskip("sudachipy")
    sudachi = default_analyzer("sudachi")
    found = {
        text: detect(text, analyzer=sudachi).register
        for register, texts in TEXTS.items()
        for text in texts
        if register is not Register.NONE
    }
    expected = {text: register for register, texts in TEXTS.items() for text in texts}
    wrong = [text for text, register in found.items() if register is not expected[text]]
    assert not wrong


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet="行くますでしたお。になる、「」（）よねがの先生\ud800\x00a \n😊", max_size=40)
)
def test_any_text_is_survived_and_marks_lie_in_their_sentence(text):
    report = detect(text)
    for sentence in report.sentences:
        for clause in sentence.clauses:
            assert sentence.start <= clause.start < clause.end <= sentence.end
            for mark in clause.marks:
                assert sentence.start <= mark.start < mark.end <= sentence.end
