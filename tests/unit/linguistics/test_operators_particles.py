"""Particles: what may be left out, added, exchanged; and what only looks like it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.linguistics.proposals import proposed_texts

from migaki.linguistics.edits import apply_edits
from migaki.linguistics.operators import find_operators
from migaki.linguistics.operators.operator import Passage, Use

OPERATORS = find_operators(["particles"])
BY_NAME = {operator.name: operator for operator in OPERATORS}
TRAINED = [operator.name for operator in OPERATORS if operator.use is Use.TRAIN]


def outcomes(name: str, text: str, *, engine: str = "fugashi") -> set[str]:
    return proposed_texts(BY_NAME[f"particles.{name}"], text, engine=engine)


@pytest.mark.parametrize("engine", ["fugashi", "sudachi"])
@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("omission", "新しい本を買ったよ。", {"新しい本買ったよ。"}),
        ("omission", "今日は時間があるね。", {"今日は時間あるね。"}),
        ("omission", "明日学校に行くよ。", {"明日学校行くよ。"}),
        ("omission", "日曜日に買い物に行くよ。", {"日曜日買い物に行くよ。"}),
        ("omission", "これは何の音なの？", {"これ何の音なの？"}),
        ("direction", "来週、大阪に行きます。", {"来週、大阪へ行きます。"}),
        ("direction", "海へ向かった。", {"海に向かった。"}),
        ("object", "冷たい水を飲みたい。", {"冷たい水が飲みたい。"}),
        ("object", "英語が話せる人を探している。", {"英語を話せる人を探している。"}),
        ("reason", "雨が降っていますから、タクシーで行きます。", {"雨が降っていますので、タクシーで行きます。"}),
        ("reason", "静かなので、よく眠れた。", {"静かだから、よく眠れた。"}),
        ("contrast", "行きたいですが、時間がないんですよ。", {f"行きたいです{w}、時間がないんですよ。" for w in ("けど", "けれど", "けれども")}),
        ("listing", "犬や猫が好きだよ。", {"犬とか猫が好きだよ。"}),
        ("compound", "大雨により、橋が流された。", {"大雨によって、橋が流された。"}),
        ("compound", "事故の原因について調べた。", {"事故の原因に関して調べた。"}),
        ("compound", "式は十時より開始します。", {"式は十時から開始します。"}),
        ("compound", "受付は正午より開始いたします。", {"受付は正午から開始いたします。"}),
        ("amount", "駅まで十分ほど歩いた。", {"駅まで十分程度歩いた。"}),
        ("amount", "会員のみが使えます。", {"会員だけが使えます。"}),
        ("amount", "鉛筆等を用意する。", {"鉛筆などを用意する。"}),
        ("doing", "毎朝、公園で運動をする。", {"毎朝、公園で運動する。"}),
        ("topic", "机の上に本がある。", {"机の上には本がある。"}),
        ("relative", "これは私が書いた本です。", {"これは私の書いた本です。"}),
        ("relative", "窓がない部屋が好きです。", {"窓のない部屋が好きです。"}),
        ("contrast", "本日は混みますが、お席はございます。", {"本日は混みますけれども、お席はございます。"}),
        ("relative", "罪がない人を疑うな。", {"罪のない人を疑うな。"}),
        ("relative", "子供が食べたい料理だ。", {"子供の食べたい料理だ。"}),
        ("relative_subject", "背の高い人が立っている。", {"背が高い人が立っている。"}),
        ("relative_subject", "私の生まれた町は小さい。", {"私が生まれた町は小さい。"}),
        ("insertion", "今日は映画見た。", {"今日は映画を見た。"}),
        ("only_dake", "妹は野菜しか食べない。", {"妹は野菜だけ食べる。"}),
        ("only_dake", "妹は野菜しか食べなかった。", {"妹は野菜だけ食べた。"}),
        ("only_dake", "妹は水しか飲みませんでした。", {"妹は水だけ飲みました。"}),
        ("only_shika", "妹は水だけを飲んだ。", {"妹は水しか飲まなかった。"}),
        ("only_shika", "妹は肉だけ食べます。", {"妹は肉しか食べません。"}),
        ("formal_omission", "市が会議の資料を開いた。", {"市が会議の資料開いた。"}),
        ("case_error", "東京に住んでいる。", {"東京を住んでいる。", "東京で住んでいる。"}),
        ("wh_topic", "誰が来ましたか。", {"誰は来ましたか。"}),
        ("topic_subject", "犬は庭で寝た。", {"犬が庭で寝た。"}),
        ("contrast_topic", "東京で会った。", {"東京では会った。"}),
        ("roles", "弟が先生を呼んだ。", {"弟を先生が呼んだ。"}),
    ],
)  # fmt: skip
def test_writes_what_fits(name: str, text: str, expected: set[str], engine: str) -> None:
    if engine == "sudachi":
        pytest.importorskip("sudachipy")
    assert outcomes(name, text, engine=engine) == expected


@pytest.mark.parametrize(
    "text",
    [
        # Nothing is left out in prose and in polite speech.
        "首相は法案を提出した。",
        "新しい本を買いました。",
        "新しい本を買った。",
        # で, から, まで, と never are.
        "駅で会ったよ。",
        "駅から歩いたよ。",
        "友達と話したよ。",
        # Set phrases and compound particles.
        "調査を踏まえて書いたよ。",
        # The focus of a sentence keeps its が.
        "誰が来たの？",
        "私がやるよ。",
        # A purpose, a time, an adverb are no goals.
        "買い物に行った。",
        "三時に行った。",
        "一緒に行った。",
        "見に行った。",
        # Who wants is not what is wanted.
        "子供が食べたいと言った。",
        "彼を助けたい。",
        # から of a place, of て, of emphasis; ので of のである.
        "学校から帰った。",
        "食べてから寝た。",
        "好きだからこそ言う。",
        "行くのではない。",
        # Volitional + が; a subject.
        "行こうが行くまいが自由だ。",
        # とか that quotes; a name.
        "来るとか言った。",
        # 英語の勉強 is one phrase.
        "英語の勉強をする。",
        # Not a relative clause of this subject.
        "子供が古い本を読んだ。",
        "彼の死んだ父は医者だった。",
        "東京の新しい店に入った。",
        "事故が起きた場合に使う。",
        # Compound particles that are none, and what is no amount.
        "人によって答えが違う。",
        "書類に目を通した。",
        "欠席は事故によります。",
        "一人について千円払う。",
        "弟は九歳くらいで泳いだ。",
        "昨日より涼しい。",
        "平等が大切だ。",
        # しか with being, with knowing.
        "百円しかない。",
        "「本を読んだよ」と言った。",
        "",
        "をがには",
        "を\ud800が",
    ],
)
def test_leaves_alone(text: str) -> None:
    found = {name: outcomes(name.partition(".")[2], text) for name in TRAINED}
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("amount", "二時間ほどすると雨がやんだ。"),  # time goes by
        ("amount", "村人が五人ほど集まった。"),
        ("amount", "大人は千円ほど、子供は五百円ほどだった。"),  # both or none
        ("amount", "席は六つほどございます。"),
        ("compound", "飲み物は定食についてきますか。"),  # 付いてくる
        ("compound", "営業時間の変更について市立図書館。"),  # a title
        ("compound", "季節によって色が変わる。"),  # from one to another
        ("compound", "不況により店が減り、増税によって客も減った。"),
        ("contrast", "寒いのは分かるけれど、窓を開けたいと思います。"),
        ("contrast", "誠に恐縮ですが、お返事をお待ちしております。"),
        ("doing", "弟が大失敗をした。"),  # a modifier
        ("listing", "箱にはなべやさらなどもありますね。"),
        ("listing", "石けんや歯ブラシ等がありますね。"),
        ("object", "この場合は別のソフトを使え"),  # an order
        ("omission", "この先生が絵を描くんだよ。"),
        ("omission", "社長が本を読まれるよ。"),
        ("reason", "ですから、駅で待ちます。"),
        ("reason", "近くへ参ったものですから、寄りました。"),
        ("reason", "雨が強いのと、風も出てきたので、帰った。"),
        ("reason", "設定を変える必要があるので表示しない。"),
        ("relative", "倉庫が全焼した火事が続いた。"),  # 倉庫の全焼
        ("contrast", "僭越ですが、一言申し上げます。"),
        ("relative", "窓がある家と、庭がある家は高い。"),  # both or none
        ("relative", "会社の社長が書いた本だ。"),  # XのYの
        ("relative", "眺めがいい海が見える部屋だ。"),
        ("relative_subject", "私の偽らぬ気持ちだ。"),  # mine
        ("relative_subject", "我々の定まった運命だ。"),
        ("relative_subject", "この背の高い人が父だ。"),
        ("relative_subject", "色の白い、髪の長い人が来た。"),  # both or none
        ("relative_subject", "人気のない道を歩いた。"),
        ("omission", "日が長くなったね。"),  # 日長
        ("topic", "はい、駅の隣にあります。"),  # nothing is said of anything
    ],
)
def test_leaves_what_only_seems_to_allow_it(name: str, text: str) -> None:
    assert outcomes(name, text) == set()


def test_what_is_wrong_is_never_for_training() -> None:
    assert all(operator.grammatical for operator in OPERATORS if operator.use is Use.TRAIN)
    assert {o.use for o in OPERATORS if not o.grammatical} <= {Use.REJECTED, Use.EVALUATION}


PIECES = ["私", "が", "書いた", "本", "を", "読んだ", "に", "は", "行く", "から", "、", "ので", "よ", "。", "しか", "ない", "だけ", "学校", "「", "\ud800"]  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_any_text_keeps_all_but_the_edits(text: str) -> None:
    passage = Passage.of(text)
    for operator in OPERATORS:
        for edits in operator.propose(passage, random.Random(0)):
            assert edits
            changed = apply_edits(text, edits)
            assert changed != text
            assert changed.startswith(text[: min(e.start for e in edits)])
            assert changed.endswith(text[max(e.end for e in edits) :])
            if operator.use is Use.TRAIN and len(edits) == 1:
                (edit,) = edits
                assert len(edit.replacement) <= 4
