"""What the operators on adjectives say, and where they are silent; all sentences are our own."""

from __future__ import annotations

import pytest

from migaki.linguistics.augment import variants
from migaki.linguistics.operators import Use, find_operators

SAID = [
    ("adjectives.question", "広い部屋でよろしいですか。", {"広い部屋でよろしいでしょうか。"}),
    ("adjectives.question", "海辺の宿はいかがでしょうか。", {"海辺の宿はいかがですか。"}),
    ("adjectives.spelling", "会えて嬉しい。", {"会えてうれしい。"}),
    ("adjectives.spelling", "時間が無い。", {"時間がない。"}),
    ("adjectives.spelling", "仲が良い。", {"仲がよい。"}),
    ("adjectives.politeness", "この本は高い。", {"この本は高いです。"}),
    ("adjectives.politeness", "この町は静かでした。", {"この町は静かだった。"}),
    ("adjectives.politeness", "兄は医者ではありません。", {"兄は医者ではない。"}),
    ("adjectives.dearu", "この町は静かだ。", {"この町は静かである。"}),
    ("adjectives.dearu", "この町は静かであった。", {"この町は静かだった。"}),
    (
        "adjectives.dearu",
        "父は医者だ。母も医者だった。二人とも忙しいだろう。",
        {"父は医者である。母も医者であった。二人とも忙しいであろう。"},
    ),
    ("adjectives.dearu", "彼は来なかったのである。", {"彼は来なかったのだ。"}),
    ("adjectives.polite_negation", "この本は高くないです。", {"この本は高くありません。"}),
    (
        "adjectives.polite_negation",
        "夏は涼しくありませんでしたよ。",
        {"夏は涼しくなかったですよ。"},
    ),
    ("adjectives.polite_negation", "今日は時間がないです。", {"今日は時間がありません。"}),
    (
        "adjectives.copula_negation",
        "それは簡単じゃないと思います。",
        {"それは簡単ではないと思います。"},
    ),
    ("adjectives.copula_negation", "不便ではありませんか。", {"不便ではないですか。"}),
    ("adjectives.copula_negation", "それは簡単ではないよ。", {"それは簡単じゃないよ。"}),
    ("adjectives.copula_negation", "兄は学生ではありませんね。", {"兄は学生ではないですね。"}),
    (
        "adjectives.copula_negation",
        "部屋は静かではなかったです。",
        {"部屋は静かではありませんでした。"},
    ),
    (
        "adjectives.copula_negation",
        "兄は学生じゃありません。",
        {"兄は学生じゃないです。", "兄は学生ではありません。"},
    ),
    ("adjectives.good", "休んだほうがいいと思います。", {"休んだほうがよいと思います。"}),
    ("adjectives.good", "休んだほうがよいでしょう。", {"休んだほうがいいでしょう。"}),
    ("adjectives.good", "何かいい方法がありますか。", {"何かよい方法がありますか。"}),
    ("adjectives.attributive", "丘の上に、大きい家が建った。", {"丘の上に、大きな家が建った。"}),
    ("adjectives.attributive", "いろいろな国を旅しましたよ。", {"いろんな国を旅しましたよ。"}),
    ("adjectives.appearance", "まるで夢みたいだよ。", {"まるで夢のようだよ。"}),
    ("adjectives.appearance", "彼は知っているようだね。", {"彼は知っているみたいだね。"}),
]

SILENT = [
    ("adjectives.spelling", "可愛想な犬だ。"),
    ("adjectives.spelling", "これから行っても、良い？"),  # いい
    ("adjectives.dearu", "これはよっぽど楽だ。"),  # said, not written
    ("adjectives.dearu", "大事な顔だ、傷がついては困るのだ。"),
    ("adjectives.appearance", "言葉を返すようだけど、それでいいの？"),
    (
        "adjectives.copula_negation",
        "けれども、実際の富士は、のろくさと拡がり、決して、高い山ではない。",
    ),
    ("adjectives.politeness", "駅まで歩きます。"),  # a verb: verbs.politeness
    ("adjectives.politeness", "全然です。"),
    ("adjectives.dearu", "この町は静かだね。"),  # talk
    ("adjectives.dearu", "この町は静かです。"),
    ("adjectives.dearu", "学生である弟が来た。"),
    ("adjectives.dearu", "彼は「静かだ」と言った。"),
    ("adjectives.copula_negation", "それ、いいじゃない？"),  # no negation
    ("adjectives.copula_negation", "これは簡単ではない。"),  # じゃ is not for writing
    ("adjectives.copula_negation", "兄は学生ではありません。"),  # nothing says that it is talk
    ("adjectives.copula_negation", "満室のときは、その限りではありませんよ。"),
    ("adjectives.copula_negation", "二階の部屋じゃないと困ります。"),  # ところでないと
    ("adjectives.polite_negation", "この方法には利点がありません。"),
    ("adjectives.copula_negation", "おれは猫が嫌いではないのである。"),
    ("adjectives.copula_negation", "君の罪ではない。"),
    ("adjectives.good", "いいとこ取りの計画ですか。"),
    ("adjectives.attributive", "君の言葉には、いろいろなことを教えられた。"),
    ("adjectives.good", "この車はかっこいいです。"),
    ("adjectives.good", "いいですね。"),
    ("adjectives.good", "今日はいい天気だね。"),  # talk stays talk
    ("adjectives.good", "いい迷惑です。"),
    ("adjectives.copula_negation", "それは簡単じゃないよ。"),
    ("adjectives.good", "いい加減にしてください。"),
    ("adjectives.attributive", "声が大きい人を探しています。"),
    ("adjectives.attributive", "大きいことはよいことだ。"),
    ("adjectives.appearance", "部屋が見違えるようだね。"),
    ("adjectives.appearance", "彼は猫が嫌いみたいです。"),  # 嫌いなようです
    ("adjectives.appearance", "彼は知っているようです。"),
]

MISTAKES = [
    ("adjectives.past_error", "映画は面白かったです。", "映画は面白いでした。"),
    ("adjectives.na_as_i", "この町は静かではない。", "この町は静かくない。"),
]


@pytest.mark.parametrize(("operator", "source", "expected"), SAID)
def test_says_it_differently(operator: str, source: str, expected: set[str]) -> None:
    assert {v.text for v in variants(source, count=9, operators=[operator])} == expected


@pytest.mark.parametrize(("operator", "source"), SILENT)
def test_has_nothing_to_say(operator: str, source: str) -> None:
    assert variants(source, count=9, operators=[operator]) == []


@pytest.mark.parametrize(("operator", "source", "expected"), MISTAKES)
def test_mistakes_are_for_the_rejected_side(operator: str, source: str, expected: str) -> None:
    (found,) = find_operators([operator])
    assert (found.use, found.grammatical) == (Use.REJECTED, False)
    assert [v.text for v in variants(source, operators=[operator], use=Use.REJECTED)] == [expected]
    assert variants(source, operators=["adjectives"], use=Use.TRAIN) != [expected]
