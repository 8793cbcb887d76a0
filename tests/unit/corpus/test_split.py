"""Held-out rows have no near-duplicate in training."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.split import Groups, hold_out, near_duplicate_groups, shared_answers

LONG = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。"


def groups_of(*texts: str, **kwargs: object) -> list[int]:
    return near_duplicate_groups(list(texts), **kwargs).of_row.tolist()  # type: ignore[arg-type]


class TestGroups:
    def test_exact_after_normalising_width_case_and_punctuation(self) -> None:
        assert groups_of("ＡＢＣ、です。", "abcです", "別の文") == [0, 0, 2]

    def test_near(self) -> None:
        changed = LONG.replace("薄暗い", "うす暗い")
        other = "山道を登りながら、こう考えた。智に働けば角が立つ。情に棹させば流される。意地を通せば窮屈だ。"
        assert groups_of(LONG, other, changed) == [0, 1, 0]

    def test_a_shared_answer_ties_rows_unless_it_is_short(self) -> None:
        questions = [
            "首都はどこですか",
            "日本で一番大きい町はどこでしょうか",
            "猫は好き？",
            "犬はどう？",
        ]
        answers = [["東京都の新宿区です。"], ["東京都の新宿区です。"], ["はい。"], ["はい。"]]
        assert groups_of(*questions, answers=answers) == [0, 0, 2, 3]

    def test_empty_and_tiny_texts_stay_alone(self) -> None:
        assert groups_of("", "", "あ", "い") == [0, 1, 2, 3]

    def test_chains_end_in_one_group(self) -> None:
        first = LONG
        second = LONG.replace("名前は", "名まえは")
        third = second.replace("泣いて", "啼いて")
        assert len(set(groups_of(first, second, third))) == 1


class TestHoldOut:
    @given(
        st.lists(st.integers(0, 20), min_size=2, max_size=200),
        st.floats(0.01, 0.5),
        st.integers(0, 5),
    )
    def test_groups_are_whole(self, names: list[int], share: float, seed: int) -> None:
        first = {name: names.index(name) for name in names}
        groups = Groups(np.array([first[name] for name in names], dtype=np.int64))
        held = hold_out(groups, share=share, max_rows=1000, seed=seed)
        assert not set(groups.of_row[held]) & set(groups.of_row[~held])
        assert (held == hold_out(groups, share=share, max_rows=1000, seed=seed)).all()
        if groups.count > 1:
            assert held.any()
            assert not held.all()

    def test_the_share_and_the_limit_are_kept(self) -> None:
        groups = Groups(np.arange(1000, dtype=np.int64))
        assert hold_out(groups, share=0.1, max_rows=500, seed=0).sum() == 100
        assert hold_out(groups, share=0.1, max_rows=30, seed=0).sum() == 30
        assert hold_out(groups, share=0.0, max_rows=30, seed=0).sum() == 0

    def test_one_large_group_does_not_become_the_test(self) -> None:
        groups = Groups(np.array([0] * 500 + list(range(500, 600)), dtype=np.int64))
        held = hold_out(groups, share=0.1, max_rows=500, seed=0)
        assert not held[0]
        assert held.sum() == 60


def test_no_leak_on_real_dialogues(shared_data: Path) -> None:
    path = shared_data / "dialogue/asdc_customer_service_chat.jsonl"
    chats = [json.loads(line)["messages"] for line in path.read_text(encoding="utf-8").splitlines()]
    texts = ["\n".join(m["content"] for m in chat) for chat in chats]
    answers = [[m["content"] for m in chat if m["role"] == "assistant"] for chat in chats]
    groups = near_duplicate_groups(texts, answers=answers)
    held = hold_out(groups, share=0.1, max_rows=500, seed=42)
    assert held.sum() == 300
    trained = {a for row, out in zip(answers, held, strict=True) if not out for a in row}
    leaked = [a for row, out in zip(answers, held, strict=True) if out for a in row if a in trained]
    assert all(len(a) < 10 for a in leaked), leaked
    assert shared_answers(answers, held) <= 10


@pytest.mark.slow
def test_a_hundred_thousand_rows_in_seconds() -> None:
    texts = [LONG[i % 40 :] + str(i) * 8 + LONG[: i % 50] for i in range(100_000)]
    seen: list[int] = []
    start = time.process_time()
    near_duplicate_groups(texts, progress=lambda stage, done, total: seen.append(done))
    assert time.process_time() - start < 30
    assert seen[-1] == 100_000
