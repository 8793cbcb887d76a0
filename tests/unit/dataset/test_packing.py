"""Packs hold every row whole, are about equally long, and keep rows apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from migaki.dataset.packing import PackCollator, SplitRows, pack_evenly

lengths = st.lists(st.integers(1, 500), min_size=1, max_size=90)


@settings(max_examples=50)
@given(lengths, st.integers(1, 90))
def test_no_row_is_lost_cut_or_doubled(sizes: list[int], packs: int) -> None:
    count = min(packs, len(sizes))
    found = pack_evenly(np.array(sizes), count)

    assert sorted(row for pack in found for row in pack.tolist()) == list(range(len(sizes)))
    assert len(found) == count
    assert all(len(pack) for pack in found)


@settings(max_examples=50)
@given(lengths, st.integers(1, 90))
def test_packs_are_about_equally_long(sizes: list[int], packs: int) -> None:
    """No pack is longer than the mean by more than a row (Graham 1969)."""
    count = min(packs, len(sizes))
    tokens = [sum(sizes[row] for row in pack) for pack in pack_evenly(np.array(sizes), count)]

    assert max(tokens) <= sum(sizes) / count + max(sizes)


def test_packs_of_chats_are_full() -> None:
    sizes = np.random.default_rng(0).lognormal(5, 0.8, 400).astype(int)
    tokens = [sizes[pack].sum() for pack in pack_evenly(sizes, 50)]

    assert max(tokens) < 1.1 * np.mean(tokens)


def test_positions_start_anew_and_first_tokens_are_not_predicted() -> None:
    rows = [
        {"input_ids": [1, 2, 3], "labels": [1, 2, 3]},
        {"input_ids": [4], "labels": [4]},
        {"input_ids": [5, 6], "labels": [-100, 6]},
    ]
    pack = PackCollator()(rows)

    assert pack["input_ids"].tolist() == [[1, 2, 3, 4, 5, 6]]
    assert pack["position_ids"].tolist() == [[0, 1, 2, 0, 0, 1]]
    assert pack["labels"].tolist() == [[-100, 2, 3, -100, -100, 6]]
    assert pack["cu_seq_lens_q"].tolist() == pack["cu_seq_lens_k"].tolist() == [0, 3, 4, 6]
    assert pack["sequence_lengths"] == [3, 1, 2]
    assert pack["max_length_q"] == pack["max_length_k"] == 3
    assert "attention_mask" not in pack
    assert rows[0]["labels"] == [1, 2, 3]


@settings(max_examples=50)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(2, 20))
def test_splitting_loses_no_token(sizes: list[int], longest: int) -> None:
    rows: list[dict[str, Any]] = [
        {"input_ids": list(range(i, i + n)), "labels": [-100] * (n // 2) + list(range(n - n // 2))}
        for i, n in enumerate(sizes)
    ]
    split = SplitRows(rows, sizes, longest=longest)
    pieces = [split[i] for i in range(len(split))]

    for name in ("input_ids", "labels"):
        assert [x for piece in pieces for x in piece[name].tolist()] == [
            x for r in rows for x in r[name]
        ]
    assert split.lengths == [len(piece["input_ids"]) for piece in pieces]
    assert max(split.lengths) <= longest
    assert split.cut == sum(size > longest for size in sizes)
    assert split.total_tokens == sum(sizes)


def test_padding_is_taken_off_before_a_row_is_cut() -> None:
    row = {
        "input_ids": [0, 0, 1, 2, 3],
        "labels": [0, 0, 1, 2, 3],
        "attention_mask": [0, 0, 1, 1, 1],
    }
    split = SplitRows([row], [3], longest=2)

    assert [split[i]["input_ids"].tolist() for i in range(len(split))] == [[1, 2], [3]]
