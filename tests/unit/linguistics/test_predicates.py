"""Predicate groups: their parts and their place in the sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.linguistics.analyzer import analyze_sentences
from migaki.linguistics.predicates import Predicate, predicates


def _found(text: str) -> list[Predicate]:
    return [p for sentence in analyze_sentences(text) for p in predicates(sentence)]


def _shown(text: str) -> list[str]:
    return [
        "|".join("".join(m.surface for m in part) for part in (p.head, p.auxiliaries, p.particles))
        + f" {p.place.value}"
        for p in _found(text)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("駅まで歩いている。", ["歩い|ている| final"]),
        ("昨日の夜は寒かったよね。", ["寒かっ|た|よね final"]),
        ("安いが、まずい。", ["安い||が coordinate", "まずい|| final"]),
        ("雨なので、やめる。", ["雨|な|ので coordinate", "やめる|| final"]),
        (
            "疲れたから帰りたいんですけど。",
            ["疲れ|た|から coordinate", "帰り|たいんです|けど coordinate"],
        ),
        ("母が作った料理だ。", ["作っ|た| subordinate", "料理|だ| final"]),
        ("明日は晴れると思う。", ["晴れる|| subordinate", "思う|| final"]),
        ("来るかどうか聞く。", ["来る||か subordinate", "聞く|| final"]),
        ("歩くと遠い。", ["歩く|| subordinate", "遠い|| final"]),
        ("泳ぐのが好きだ。", ["泳ぐ|| subordinate", "好き|だ| final"]),
        ("もう帰るのか。", ["帰る|の|か final"]),
        ("静かじゃないよ。", ["静か|じゃない|よ final"]),
        ("学生ではありませんでした。", ["学生|ではありませんでした| final"]),
        ("雨が降ったからです。", ["降っ|た| subordinate", "から|です| final"]),
        ("雨かもしれない。", ["しれ|ない| final"]),
        ("静かな部屋。", ["部屋|| final"]),
        ("静かに話す。", ["話す|| final"]),
        ("「行く」と言った。", ["言っ|た| final"]),
        ("来ます（多分行けます）😊", ["来|ます| final", "行け|ます| final"]),
        ("着きました、そこは駅です。", ["着き|ました| final", "駅|です| final"]),
        ("そうなんだ。", ["そう|なんだ| final"]),
        ("勉強しなかった。", ["勉強し|なかった| final"]),
        ("「」う行", ["「」|| final", "う行|| final"]),
    ],
)
def test_groups_and_places(text: str, expected: list[str]) -> None:
    assert _shown(text) == expected


@given(st.text(alphabet="行くますでしょう（）「」、。のんだか😊 a\n", max_size=40))
def test_groups_are_pieces_of_the_text_in_order(text: str) -> None:
    for sentence in analyze_sentences(text):
        found = predicates(sentence)
        for p in found:
            for m in p.chain + p.particles:
                assert text[m.start : m.end] == m.surface
            assert sentence.start <= p.start < p.end <= sentence.end
        assert [p.start for p in found] == sorted({p.start for p in found})


def test_a_name_inside_a_quotation_is_part_of_the_quotation() -> None:
    [sentence] = analyze_sentences("「aくa」")
    assert [m.surface for p in predicates(sentence) for m in p.chain] == ["「aくa」"]
