"""A loss that has left the road is told from one that is merely high."""

from __future__ import annotations

import math

import pytest

from migaki.training.divergence import DivergenceWatch

GUESSING = math.log(6400)


def _judge(losses: list[float], *, grad_norm: float = 1.0) -> str | None:
    watch = DivergenceWatch(6400)
    found = [watch.problem(100 * loss, 100, grad_norm) for loss in losses]
    return found[-1]


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([4.0, math.nan], "nan"),
        ([4.0, math.inf], "inf"),
        ([4.0] + [30.0] * 5, "far worse than guessing"),
        ([4.0] + [GUESSING] * 5, "no better than guessing"),
    ],
)
def test_diverged(losses: list[float], words: str) -> None:
    problem = _judge(losses)
    assert problem is not None
    assert words in problem


@pytest.mark.parametrize(
    "losses",
    [
        [GUESSING] * 20,  # random weights begin by guessing
        [8.0] + [GUESSING] * 20,  # hardly knew anything
        [4.0, 30.0, 4.0, 30.0, 4.0, 30.0],  # spikes that come back
        [4.0] + [GUESSING] * 4,  # not long enough to tell
        [4.0] + [7.9] * 20,  # bad, but still knows something
    ],
)
def test_merely_high(losses: list[float]) -> None:
    assert _judge(losses) is None


def test_weights_that_only_guess_are_not_saved() -> None:
    watch = DivergenceWatch(6400)
    assert watch.problem(400.0, 100, 1.0) is None
    assert watch.problem(100 * GUESSING, 100, 1.0, at_once=True) is not None
    assert watch.problem(400.0, 100, 1.0, at_once=True) is None
