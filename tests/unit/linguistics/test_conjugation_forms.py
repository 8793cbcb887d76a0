"""Conjugation with politeness, tense, negation, and in chains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.errors import UsageError
from migaki.linguistics.conjugation import (
    DERIVATIONS,
    Form,
    NotInflectableError,
    Word,
    conjugate,
    conjugated,
    paradigm,
    words,
)

F = Form

# word | plain, past, negative, negative past | polite in the same order (the first answers)
STATEMENTS = """
書く 書いた 書かない 書かなかった 書きます 書きました 書きません 書きませんでした
食べる 食べた 食べない 食べなかった 食べます 食べました 食べません 食べませんでした
する した しない しなかった します しました しません しませんでした
来る 来た 来ない 来なかった 来ます 来ました 来ません 来ませんでした
ある あった ない なかった あります ありました ありません ありませんでした
なさる なさった なさらない なさらなかった なさいます なさいました なさいません なさいませんでした
行く 行った 行かない 行かなかった 行きます 行きました 行きません 行きませんでした
愛する 愛した 愛さない 愛さなかった 愛します 愛しました 愛しません 愛しませんでした
達する 達した 達しない 達しなかった 達します 達しました 達しません 達しませんでした
論ずる 論じた 論じない 論じなかった 論じます 論じました 論じません 論じませんでした
高い 高かった 高くない 高くなかった 高いです 高かったです 高くないです 高くなかったです
いい よかった よくない よくなかった いいです よかったです よくないです よくなかったです
静かだ 静かだった 静かじゃない 静かじゃなかった 静かです 静かでした 静かではありません 静かではありませんでした
学生だ 学生だった 学生じゃない 学生じゃなかった 学生です 学生でした 学生ではありません 学生ではありませんでした
"""


@pytest.mark.parametrize("line", STATEMENTS.split("\n")[1:-1], ids=lambda line: line.split()[0])
def test_statements(line: str) -> None:
    word, *rest = line.split()
    expected = iter((word, *rest))
    for polite in (False, True):
        for negative in (False, True):
            for past in (False, True):
                found = conjugate(word, polite=polite, past=past, negative=negative)
                assert found[0] == next(expected)


@pytest.mark.parametrize(
    ("word", "form", "answers"),
    [
        ("飲む", F.POTENTIAL, ("飲める",)),
        ("見る", F.POTENTIAL, ("見られる", "見れる")),
        ("来る", F.POTENTIAL, ("来られる", "来れる")),
        ("する", F.POTENTIAL, ("できる",)),
        ("勉強する", F.POTENTIAL, ("勉強できる",)),
        ("愛する", F.POTENTIAL, ("愛せる",)),
        ("買う", F.POTENTIAL, ("買える",)),
        ("する", F.PASSIVE, ("される",)),
        ("罰する", F.PASSIVE, ("罰せられる", "罰される")),
        ("論ずる", F.PASSIVE, ("論じられる", "論ぜられる")),
        ("飲む", F.CAUSATIVE, ("飲ませる", "飲ます")),
        ("飲む", F.CAUSATIVE_PASSIVE, ("飲まされる", "飲ませられる")),
        ("話す", F.CAUSATIVE_PASSIVE, ("話させられる",)),
        ("食べる", F.CAUSATIVE_PASSIVE, ("食べさせられる",)),
        ("来る", F.CAUSATIVE_PASSIVE, ("来させられる",)),
        ("なさる", F.DESIDERATIVE, ("なさりたい",)),
        ("書く", F.DESIDERATIVE_OTHERS, ("書きたがる",)),
        ("飲む", F.PROGRESSIVE, ("飲んでいる", "飲んでる")),
        ("する", F.IMPERATIVE, ("しろ", "せよ", "しな")),
        ("見る", F.IMPERATIVE, ("見ろ", "見よ", "見な")),
        ("なさる", F.IMPERATIVE, ("なさい", "なされ", "なさいな")),
        ("書く", F.PROHIBITIVE, ("書くな",)),
        ("する", F.ZU, ("せずに", "せず")),
        ("来る", F.VOLITIONAL, ("来よう",)),
        ("静かだ", F.STEM, ("静かに",)),
        ("静かだ", F.ATTRIBUTIVE, ("静かな",)),
        ("静かだ", F.BA, ("静かなら", "静かならば", "静かであれば")),
        ("高い", F.BA, ("高ければ", "高けりゃ", "高きゃ")),
        ("高い", F.CONJECTURE, ("高いだろう", "高かろう")),
        ("見る", F.HONORIFIC, ("ご覧になる", "ご覧なさる", "見られる")),
        ("読む", F.HONORIFIC, ("お読みになる", "読まれる", "お読みなさる")),
    ],
)
def test_every_right_answer_best_first(word: str, form: Form, answers: tuple[str, ...]) -> None:
    assert conjugate(word, form) == answers


@pytest.mark.parametrize(
    ("word", "chain", "marks", "answer"),
    [
        (
            "食べる",
            [F.CAUSATIVE, F.PASSIVE, F.DESIDERATIVE],
            "polite past negative",
            "食べさせられたくなかったです",
        ),
        ("書く", [F.CAUSATIVE, F.PASSIVE], "polite past", "書かされました"),
        ("行く", [F.DESIDERATIVE_OTHERS, F.PROGRESSIVE], "past", "行きたがっていた"),
        ("読む", [F.POTENTIAL, F.TARA], "negative", "読めなかったら"),
        ("待つ", [F.CAUSATIVE, F.REQUEST], "polite negative", "待たせないでください"),
        ("見る", [F.HONORIFIC, F.PROGRESSIVE], "polite", "ご覧になっています"),
        ("言う", [F.HONORIFIC, F.CONJECTURE], "polite past", "おっしゃったでしょう"),
    ],
)
def test_chains(word: str, chain: list[Form], marks: str, answer: str) -> None:
    on = dict.fromkeys(marks.split(), True)
    assert conjugate(word, chain, **on)[0] == answer


def test_readings_where_the_kanji_hides_them() -> None:
    assert [f.reading for f in conjugated("来る", F.TE)] == ["きて"]
    assert conjugated("来る", negative=True)[0].reading == "こない"
    assert conjugated("問う", past=True)[0].reading == "とうた"
    assert conjugated("暮れる", F.IMPERATIVE)[0].reading == "くれろ"
    assert conjugated("する", F.POTENTIAL)[0].reading == "できる"


def test_style_of_answers() -> None:
    assert [f.style for f in conjugated("見る", F.POTENTIAL)] == ["", "casual"]
    assert conjugated("書く", F.VOLITIONAL, negative=True)[0].style == "written"


def test_what_does_not_exist() -> None:
    for word, form in (("高い", F.IMPERATIVE), ("ある", F.PROGRESSIVE), ("静かだ", F.PASSIVE)):
        with pytest.raises(NotInflectableError, match="has no form"):
            conjugate(word, form)


def test_only_derivations_go_on() -> None:
    with pytest.raises(UsageError, match="Nothing can follow"):
        conjugate("書く", [F.TE, F.PASSIVE])


def test_the_copula_and_verbs_have_no_empty_cells() -> None:
    for word in ("書く", "静かだ", "高い", "勉強する", "ます"):
        for cell in paradigm(word):
            assert cell.forms
            assert all(form.text for form in cell.forms)
            assert len({form.text for form in cell.forms}) == len(cell.forms)


VERBS = (
    "書く",
    "泳ぐ",
    "話す",
    "待つ",
    "死ぬ",
    "遊ぶ",
    "飲む",
    "乗る",
    "買う",
    "着る",
    "出る",
    "する",
    "来る",
)


@given(
    st.sampled_from(VERBS),
    st.lists(st.sampled_from(sorted(DERIVATIONS - {F.HONORIFIC, F.HUMBLE})), max_size=3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_chain_gives_text_with_its_reading_or_a_refusal(
    verb: str, chain: list[Form], polite: bool, past: bool, negative: bool
) -> None:
    try:
        found = conjugated(verb, chain, polite=polite, past=past, negative=negative)
    except NotInflectableError:
        return
    for form in found:
        assert form.reading
        assert form.text[-2:] == form.reading[-2:] or form.text[-1:] == form.reading[-1:]
        # What ends it is what was asked for.
        if polite and form.text.endswith(("ます", "ました")):
            assert past == form.text.endswith("ました")


def test_words_by_hand_need_no_analyser() -> None:
    word = Word("ググる", "五段-ラ行", "ぐぐる", "動詞")
    assert conjugate(word, F.TE) == ("ググって",)


@pytest.mark.parametrize(
    ("text", "bases"),
    [
        ("書く", [("書く", "五段-カ行")]),
        ("食べさせられたくなかったです", [("食べる", "下一段-バ行")]),
        ("持ってくる", [("持ってくる", "カ行変格")]),
        ("勉強します", [("勉強する", "サ行変格")]),
        ("静かでした", [("静かだ", "助動詞-ダ")]),
        ("元気", [("元気だ", "助動詞-ダ")]),
        ("学生です", [("学生だ", "助動詞-ダ")]),
        ("きる", [("きる", "五段-ラ行"), ("きる", "上一段-カ行")]),
        ("いる", [("いる", "上一段-ア行"), ("いる", "五段-ラ行")]),
        ("かえる", [("かえる", "下一段-ア行"), ("かえる", "五段-ラ行")]),
        ("へる", [("へる", "五段-ラ行"), ("へる", "下一段-ハ行")]),
        ("ねる", [("ねる", "下一段-ナ行"), ("ねる", "五段-ラ行")]),
        ("おっしゃる", [("おっしゃる", "五段-ラ行")]),
        ("つる", [("つる", "五段-ラ行")]),
        ("バズる", [("バズる", "五段-ラ行")]),
        ("エモい", [("エモい", "形容詞")]),
        ("らしい", [("らしい", "助動詞-ラシイ")]),
        ("お読みになった", [("お読みになる", "五段-ラ行")]),
        ("ご利用になる", [("ご利用になる", "五段-ラ行")]),
        ("お目にかかりました", [("お目にかかる", "五段-ラ行")]),
        ("お持ちいたします", [("お持ちいたす", "五段-サ行")]),
        ("いらっしゃられた", [("いらっしゃる", "五段-ラ行")]),
        ("だ", [("だ", "助動詞-ダ")]),
    ],
)
def test_readings_of_a_word(text: str, bases: list[tuple[str, str]]) -> None:
    assert [(word.base, word.c_type) for word in words(text)] == bases


def test_one_spelling_two_readings() -> None:
    assert {word.reading for word in words("開く")} == {"あく", "ひらく"}
    assert {word.reading for word in words("辛い")} == {"からい", "つらい"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("机", "noun.*机だ"),
        ("勉強", "勉強する"),
        ("とても", "adverb"),
        ("本を読む", "phrase.*読む"),
        ("お金持ちになる", "phrase.*なる"),
        ("お世話になる", "phrase.*なる"),
        ("。", "punctuation"),
    ],
)
def test_not_inflectable_says_what_it_is(text: str, says: str) -> None:
    with pytest.raises(NotInflectableError, match=says):
        words(text)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = words(text)
    except UsageError:
        return
    assert found
    assert all(word.base and word.c_type for word in found)
