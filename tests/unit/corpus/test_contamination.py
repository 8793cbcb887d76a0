"""Questions of evaluation sets are found in training documents, and told from answers alone."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.contamination import (
    ContaminationReport,
    ContaminationStage,
    EvaluationIndex,
    OverlapKind,
)
from migaki.corpus.documents import Document, Rejection
from migaki.corpus.evaluation_items import EvaluationItem, items_of_row, read_items
from migaki.errors import DataError

MOUNTAIN = EvaluationItem("山.jsonl:1", ("日本で一番高い山は何ですか。",), ("富士山",))
LONG_ANSWER = EvaluationItem(
    "梅雨.jsonl:2", ("梅雨の時期はいつからいつまでですか。",), ("北海道を除く日本では五月から七月にかけてである",)
)  # fmt: skip
SHORT = EvaluationItem("短.jsonl:3", ("首都は？",), ("東京",))
INDEX = EvaluationIndex([MOUNTAIN, LONG_ANSWER, SHORT])


def kinds(text: str) -> list[tuple[int, str]]:
    return [(overlap.item, str(overlap.kind)) for overlap in INDEX.look(text)]


class TestLooking:
    def test_a_question_whatever_its_width_and_marks(self) -> None:
        assert kinds("問題：日本で　一番高い山は、何ですか？ 答えは次の頁。") == [(0, "question")]

    def test_with_its_answer(self) -> None:
        assert kinds("日本で一番高い山は何ですか。富士山です。") == [(0, "question_and_answer")]

    def test_an_answer_alone_is_told_apart(self) -> None:
        text = "気象庁によると、北海道を除く日本では、五月から七月にかけてである。"
        assert kinds(text) == [(1, "answer")]
        assert not OverlapKind.ANSWER.gives_away

    def test_the_same_words_in_another_order_are_no_question(self) -> None:
        assert kinds("富士山は日本で一番高い山です。高い山は何ですか、と一番に聞かれた。") == []

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Q: アイスクリームは？\nA: 冷たい", True),
            ("「アイスクリームは？」と聞いた。", True),
            ("昨日のアイスクリームはどうでしたか。", False),
            ("アイスクリームは、技術を導入して作る。", False),
        ],
    )
    def test_a_short_question_must_be_a_sentence_of_its_own(self, text: str, found: bool) -> None:
        index = EvaluationIndex([EvaluationItem("x:1", ("アイスクリームは？",))])
        assert bool(index.look(text)) is found

    def test_short_questions_are_counted_not_looked_for(self) -> None:
        assert kinds("日本の首都は？ 東京。") == []
        assert INDEX.too_short == 1

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_whatever_stands_around(self, before: str, after: str) -> None:
        assert (0, "question") in kinds(f"{before}。\n日本で一番高い山は何ですか。\n{after}") or (
            0,
            "question_and_answer",
        ) in kinds(f"{before}。\n日本で一番高い山は何ですか。\n{after}")

    def test_no_items(self) -> None:
        assert EvaluationIndex([]).look("何か。") == ()

    def test_other_processes_look_for_the_same(self) -> None:
        copy = pickle.loads(pickle.dumps(INDEX))
        text = "日本で一番高い山は何ですか。"
        assert copy.look(text) == INDEX.look(text)


def test_the_stage_rejects_what_gives_an_item_away() -> None:
    stage = ContaminationStage(INDEX)
    bad = Document("日本で一番高い山は何ですか。", id="1", source="s", licence="CC0-1.0")
    good = Document(
        "北海道を除く日本では五月から七月にかけてである。", id="2", source="s", licence="CC0-1.0"
    )
    outcome = stage(bad)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "evaluation_question"
    assert "山.jsonl:1" in outcome.detail
    assert stage(good) is good


def test_the_report_counts_items_and_documents() -> None:
    report = ContaminationReport.of(INDEX)
    for name, text in {
        "a": "日本で一番高い山は何ですか。",
        "b": "日本で一番高い山は何ですか。富士山。",
        "c": "北海道を除く日本では五月から七月にかけてである。",
        "d": "関係ない。",
    }.items():
        report.add(name, INDEX.look(text))
    found = report.to_json()
    assert found["documents_read"] == 4
    assert (found["documents_with_questions"], found["documents_with_answers_only"]) == (2, 1)
    assert (found["items_found"], found["items_with_answers_only"], found["items_too_short"]) == (
        1,
        1,
        1,
    )
    assert found["sets"]["山.jsonl"] == {"items": 1, "found": 1}
    assert found["found"][0]["overlaps"]["question_and_answer"] == {"documents": 1, "first": ["b"]}
    assert json.loads(json.dumps(found, ensure_ascii=False)) == found


class TestItems:
    def test_shapes(self) -> None:
        rows = [
            {"question": "首都は？", "A": "京都", "B": "東京", "answer": "B"},
            {"sentence1": "猫がいる。", "sentence2": "動物がいる。", "label": "entailment"},
            {"turns": ["一つ目。", "二つ目。"]},
            {"instruction": "訳して。", "input": "cat", "output": "猫"},
            {"paragraphs": [{"qas": [{"question": "いつ？", "answers": [{"text": "今"}, {"text": "今"}]}]}]},
        ]  # fmt: skip
        found = [next(items_of_row(row, name="x:1")) for row in rows]
        assert [item.questions for item in found] == [
            ("首都は？",), ("猫がいる。", "動物がいる。"), ("一つ目。", "二つ目。"), ("訳して。\ncat",), ("いつ？",),
        ]  # fmt: skip
        assert [item.answers for item in found] == [("東京",), (), (), ("猫",), ("今",)]

    def test_a_file_without_questions_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "x.jsonl"
        path.write_text('{"honbun": "…"}\n', "utf-8")
        with pytest.raises(DataError, match="no question was found"):
            list(read_items([str(path)]))

    @pytest.mark.parametrize(
        ("name", "items"),
        [
            ("jglue/jcommonsenseqa-valid-v1.3.json", 1119),
            ("jglue/jsquad-valid-v1.3.json", 4442),
            ("jglue/jnli-valid-v1.3.json", 2434),
            ("jmmlu/jmmlu_subset.jsonl", 1056),
            ("bench/mt-ja.jsonl", 80),
        ],
    )
    def test_real_evaluation_sets(self, shared_data: Path, name: str, items: int) -> None:
        found = list(read_items([str(shared_data / name)]))
        assert len(found) == items
        assert all(item.questions for item in found)
