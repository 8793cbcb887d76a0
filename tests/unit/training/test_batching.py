"""Batches hold every row once, in an order that depends on seed and epoch alone."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from migaki.training.batching import EpochSampler, LongestFirst, UnpaddedCollator, row_lengths

from .conftest import Rows, make_tokenizer

lengths = st.lists(st.integers(1, 500), min_size=1, max_size=300)


def order(sizes: list[int], *, epoch: int = 0, seed: int = 1, grouped: bool = True) -> list[int]:
    sampler = EpochSampler(sizes, batch_size=4, seed=seed, group_by_length=grouped)
    sampler.set_epoch(epoch)
    return list(sampler)


@given(lengths, st.booleans())
def test_every_row_once(sizes: list[int], grouped: bool) -> None:
    assert sorted(order(sizes, grouped=grouped)) == list(range(len(sizes)))


def test_order_is_a_function_of_seed_and_epoch() -> None:
    sizes = list(range(1, 200))
    torch.manual_seed(0)
    first = order(sizes, epoch=1)
    torch.manual_seed(1)
    torch.rand(3)
    state = torch.get_rng_state()

    assert order(sizes, epoch=1) == first
    assert torch.equal(torch.get_rng_state(), state)
    assert order(sizes, epoch=0) != first
    assert order(sizes, epoch=1, seed=2) != first


def test_grouping_saves_padding() -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(10, 400, (1000,), generator=generator).tolist()

    def padded(rows: list[int]) -> int:
        batches = [rows[i : i + 4] for i in range(0, len(rows), 4)]
        return sum(len(batch) * max(sizes[row] for row in batch) for batch in batches)

    assert padded(order(sizes)) < 1.05 * sum(sizes)
    assert padded(order(sizes, grouped=False)) > 1.3 * sum(sizes)


def test_grouping_still_mixes_short_and_long_batches() -> None:
    rows = order(list(range(1, 201)))
    firsts = [rows[i] for i in range(0, 200, 4)]
    assert firsts != sorted(firsts)
    assert firsts != sorted(firsts, reverse=True)


def test_longest_first() -> None:
    assert list(LongestFirst([3, 9, 1, 9])) == [1, 3, 0, 2]


def test_padding_that_rows_bring_is_taken_off() -> None:
    rows = [
        {"input_ids": [1, 2, 256, 256], "labels": [-100, 2, -100, -100], "attention_mask": [1, 1, 0, 0]},
        {"input_ids": [256, 4, 5, 6], "labels": [-100, 4, 5, 6], "attention_mask": [0, 1, 1, 1]},
    ]  # fmt: skip
    batch = UnpaddedCollator(make_tokenizer())(rows)

    assert batch["input_ids"].tolist() == [[1, 2, 256], [4, 5, 6]]
    assert batch["labels"].tolist() == [[-100, 2, -100], [4, 5, 6]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert row_lengths(Rows(rows)) == [2, 3]
