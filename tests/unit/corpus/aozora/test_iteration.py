"""くの字点: what a mark repeats, on marks of real works and on doubled words contracted to one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.aozora.iteration import expand_iteration_marks

# The first column is as it stands in 樋口一葉「たけくらべ」 (public domain), unless said otherwise.
WRITTEN_OUT = [
    ("夕日に仕舞ふ手當こと／″＼しく", "夕日に仕舞ふ手當ことごとしく"),
    ("雪駄ちやら／＼忙がしげ", "雪駄ちやらちやら忙がしげ"),  # ちやら is two morae
    ("教師が人望いよ／＼あらはれて", "教師が人望いよいよあらはれて"),
    ("洋服かる／″＼と", "洋服かるがると"),
    ("嫌やがるはよく／＼の不機嫌", "嫌やがるはよくよくの不機嫌"),
    ("湯玉のやうな涙はら／＼", "湯玉のやうな涙はらはら"),
    ("身にしみ／″＼と", "身にしみじみと"),
    ("根生がくす／＼して", "根生がくすくすして"),
    ("瓦落／＼して", "瓦落瓦落して"),
    ("恐る／＼枕もと", "恐る恐る枕もと"),
    ("誰れも／＼私の處へ", "誰れも誰れも私の處へ"),
    ("さつさ押せ／＼と", "さつさ押せ押せと"),
    ("酉の市目茶／＼に", "酉の市目茶目茶に"),
    ("唯夜な／＼の", "唯夜な夜なの"),
    # written for this test
    ("一人／＼に", "一人一人に"),
    ("幾本も／＼立つ", "幾本も幾本も立つ"),
    ("ちらり／＼と", "ちらりちらりと"),
    ("たくさん／＼ある", "たくさんたくさんある"),
    ("大きな／＼木", "大きな大きな木"),
    ("ガヤ／＼する", "ガヤガヤする"),
    ("水菓子にはいろ／＼ある", "水菓子にはいろいろある"),
    ("がたがた／＼", "がたがたがたがた"),
]


@pytest.mark.parametrize(("line", "expected"), WRITTEN_OUT)
def test_the_word_before_is_repeated(line: str, expected: str) -> None:
    assert expand_iteration_marks(line) == (expected, 1, 0)


@given(st.text(alphabet="いろはひとやさまかﾞーッ漢字。 ／＼″〳〵a", max_size=40))
def test_every_mark_is_written_out_or_counted(line: str) -> None:
    text, written, left = expand_iteration_marks(line)
    assert text.count("／＼") + text.count("／″＼") + text.count("〳〵") <= left
    assert len(text) >= len(line) - 3 * (written + left)
