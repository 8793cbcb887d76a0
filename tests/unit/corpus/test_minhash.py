"""Digests estimate the Jaccard similarity, and do not depend on what else is digested."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.minhash import digests

TEXTS = st.lists(st.text(min_size=3, max_size=40), min_size=1, max_size=8)


@given(TEXTS)
def test_each_as_if_alone(texts: list[str]) -> None:
    together = digests(texts, ngram=3, hashes=16)
    alone = np.concatenate([digests([text], ngram=3, hashes=16) for text in texts])
    assert np.array_equal(together, alone)


def test_agreement_is_the_similarity() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("あいうえおかきくけこさしすせそたちつてとなにぬねの"))
    text = "".join(rng.choice(letters, 2000))
    other = text[:1500] + "".join(rng.choice(letters, 500))
    one, two = ({t[i : i + 3] for i in range(len(t) - 2)} for t in (text, other))
    truth = len(one & two) / len(one | two)
    found = digests([text, other], ngram=3, hashes=255)
    assert abs((found[0] == found[1]).mean() - truth) < 4 * np.sqrt(truth * (1 - truth) / 255)


def test_nothing() -> None:
    assert digests([], ngram=3, hashes=8).shape == (0, 8)
