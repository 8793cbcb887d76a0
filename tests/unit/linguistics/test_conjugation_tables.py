"""The tables themselves: readable, small, explained, and what UniDic gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from migaki.linguistics.conjugation import Form, c_forms, conjugate, has_form, inflect, words
from migaki.linguistics.tables import read_table

# Class, a word of it, its forms: 未然形, 連用形, 終止形, 仮定形 (general ones).
CLASSES = """
五段-カ行 歩く 歩か 歩き 歩く 歩け
五段-ガ行 脱ぐ 脱が 脱ぎ 脱ぐ 脱げ
五段-サ行 返す 返さ 返し 返す 返せ
五段-タ行 打つ 打た 打ち 打つ 打て
五段-ナ行 死ぬ 死な 死に 死ぬ 死ね
五段-バ行 飛ぶ 飛ば 飛び 飛ぶ 飛べ
五段-マ行 住む 住ま 住み 住む 住め
五段-ラ行 帰る 帰ら 帰り 帰る 帰れ
五段-ワア行 歌う 歌わ 歌い 歌う 歌え
上一段-ア行 いる い い いる いれ
上一段-カ行 起きる 起き 起き 起きる 起きれ
上一段-ガ行 過ぎる 過ぎ 過ぎ 過ぎる 過ぎれ
上一段-ザ行 感じる 感じ 感じ 感じる 感じれ
上一段-タ行 落ちる 落ち 落ち 落ちる 落ちれ
上一段-ナ行 煮る 煮 煮 煮る 煮れ
上一段-ハ行 干る 干 干 干る 干れ
上一段-バ行 伸びる 伸び 伸び 伸びる 伸びれ
上一段-マ行 見る 見 見 見る 見れ
上一段-ラ行 借りる 借り 借り 借りる 借りれ
下一段-ア行 教える 教え 教え 教える 教えれ
下一段-カ行 受ける 受け 受け 受ける 受けれ
下一段-ガ行 投げる 投げ 投げ 投げる 投げれ
下一段-サ行 任せる 任せ 任せ 任せる 任せれ
下一段-ザ行 混ぜる 混ぜ 混ぜ 混ぜる 混ぜれ
下一段-タ行 捨てる 捨て 捨て 捨てる 捨てれ
下一段-ダ行 撫でる 撫で 撫で 撫でる 撫でれ
下一段-ナ行 寝る 寝 寝 寝る 寝れ
下一段-ハ行 経る 経 経 経る 経れ
下一段-バ行 比べる 比べ 比べ 比べる 比べれ
下一段-マ行 決める 決め 決め 決める 決めれ
下一段-ラ行 流れる 流れ 流れ 流れる 流れれ
カ行変格 来る 来 来 来る 来れ
サ行変格 する し し する すれ
サ行変格 感ずる 感じ 感じ 感ずる 感ずれ
助動詞-レル られる られ られ られる られれ
助動詞-ナイ ない なから なく ない なけれ
助動詞-マス ます ませ まし ます ますれ
"""


@pytest.mark.parametrize("line", CLASSES.split("\n")[1:-1])
def test_every_class_has_its_general_forms(line: str) -> None:
    c_type, word, *expected = line.split()
    forms = ("未然形", "連用形", "終止形", "仮定形")
    assert [inflect(word, c_type, form) for form in forms] == expected


@pytest.mark.parametrize(
    "c_type",
    [
        "助動詞-デス",
        "助動詞-ダ",
        "助動詞-タ",
        "助動詞-ヌ",
        "助動詞-タイ",
        "助動詞-ラシイ",
        "助動詞-マイ",
        "形容詞",
    ],
)
def test_auxiliaries_and_adjectives_are_there(c_type: str) -> None:
    assert "終止形-一般" in c_forms(c_type)


def test_every_exception_is_explained() -> None:
    for words_, c_type, form, _, _, why in read_table("conjugation_exceptions.tsv", columns=6):
        assert why.strip(), (words_, form)
        assert c_forms(c_type), c_type


def test_every_exception_differs_from_its_class() -> None:
    # 書く stands for a regular word of its class: were an exception regular, it would be dead weight.
    for words_, c_type, form, _, _, _ in read_table("conjugation_exceptions.tsv", columns=6):
        if form == "連用形-促音便" and c_type == "五段-カ行":
            assert has_form("行く", c_type, form)
            assert not has_form("書く", c_type, form), words_


def test_keigo_verbs_inflect_by_the_class_given() -> None:
    for _, honorific, humble in read_table("conjugation_keigo.tsv", columns=3):
        for each in f"{honorific}|{humble}".split("|"):
            base, *rest = each.split(":")
            if rest:
                c_type, reading = rest
                assert inflect(base, c_type, "終止形") == base
                assert inflect(reading, c_type, "終止形") == reading


def test_homographs_inflect_by_the_class_given() -> None:
    for spelling, cells in read_table("conjugation_homographs.tsv", columns=2):
        for cell in cells.split("|"):
            c_type, reading, _ = cell.split(":")
            assert inflect(spelling, c_type, "終止形") == spelling
            assert inflect(reading, c_type, "終止形") == reading


def test_no_ending_is_longer_than_looked_for() -> None:
    from migaki.linguistics.conjugation import endings

    cells = endings._table().cells.values()
    longest = max(len(e) for cell in cells for e in (*cell.written, *cell.folded))
    assert longest <= endings._LONGEST_ENDING


def test_tables_are_small() -> None:
    folder = Path(__file__).parents[3] / "src" / "migaki" / "linguistics" / "tables"
    assert sum(path.stat().st_size for path in folder.glob("conjugation_*.tsv")) < 250_000


@pytest.mark.slow
def test_derived_tables_are_what_unidic_gives(project_root: Path) -> None:
    script = project_root / "scripts" / "derive_conjugation_tables.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_verbs_of_j_unimorph(shared_data: Path) -> None:
    lines = (shared_data / "conj" / "unimorph_jpn.tsv").read_text("utf-8").splitlines()[1:]
    past = [line.split("\t")[:2] for line in lines if line.endswith("\tV;PST;PFV")]
    assert len(past) == 65
    assert [
        pair for pair in past if conjugate(words(pair[0])[0], Form.PLAIN, past=True)[0] != pair[1]
    ] == []
