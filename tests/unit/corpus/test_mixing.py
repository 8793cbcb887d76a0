"""Shares are met, the order is fixed by the seed, and what runs out is told."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.config import build
from migaki.corpus.documents import Document
from migaki.corpus.mixing import MixConfig, SourceShare, mix
from migaki.errors import ConfigError, DataError, UsageError


def source(name: str, documents: int, *, longest: int = 80) -> Callable[[], Iterator[Document]]:
    def opened() -> Iterator[Document]:
        rng = random.Random(name)
        for number in range(documents):
            yield Document("文" * rng.randint(1, longest), f"{name}:{number}", name, "CC0-1.0")

    return opened


def config(**settings: object) -> MixConfig:
    return build(MixConfig, settings, where="the mixture")


@given(
    st.lists(st.floats(0.05, 20), min_size=1, max_size=5),
    st.floats(0.5, 5),
    st.integers(0, 3),
)
def test_shares_match_within_one_percent(
    weights: list[float], temperature: float, seed: int
) -> None:
    names = [f"s{n}" for n in range(len(weights))]
    asked = config(
        sources={n: {"weight": w, "max_epochs": 100} for n, w in zip(names, weights, strict=True)},
        temperature=temperature, budget=20_000, seed=seed,
    )  # fmt: skip
    mixture = mix({name: source(name, 300) for name in names}, asked)
    total = sum(len(document.text) for document in mixture)
    report = mixture.to_json()
    assert report["total"] == total
    assert 20_000 <= total < 20_080
    whole = sum(w ** (1 / temperature) for w in weights)
    for name, weight in zip(names, weights, strict=True):
        found = report["sources"][name]
        assert math.isclose(found["share_asked"], weight ** (1 / temperature) / whole)
        assert abs(found["share_got"] - found["share_asked"]) < 0.01


def test_the_seed_decides_the_order_and_nothing_else_does() -> None:
    def ids(seed: int) -> list[str]:
        asked = config(
            sources={"a": {"weight": 1}, "b": {"weight": 2}}, seed=seed, shuffle_buffer=20
        )
        return [d.id for d in mix({"a": source("a", 90), "b": source("b", 90)}, asked)]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_without_weights_sizes_count() -> None:
    opened = {"large": source("large", 900), "small": source("small", 100)}
    even = {"large": {}, "small": {}}
    asked = mix(opened, config(sources=even, unit="documents")).to_json()["sources"]
    assert (asked["large"]["share_asked"], asked["small"]["share_asked"]) == (0.9, 0.1)
    lifted = mix(opened, config(sources=even, unit="documents", temperature=2.0)).to_json()[
        "sources"
    ]
    assert math.isclose(lifted["small"]["share_asked"], 0.25)


def test_epochs_are_used_up_and_told() -> None:
    asked = config(
        sources={"a": {"weight": 1, "max_epochs": 2}, "b": {"weight": 1}},
        unit="documents", on_exhausted="continue",
    )  # fmt: skip
    mixture = mix({"a": source("a", 10), "b": source("b", 100)}, asked)
    ids = [document.id for document in mixture]
    assert len(ids) == len(set(ids)) == 120, "a repeated document has an id of its own"
    found = mixture.to_json()
    assert found["stopped_because"] == "all sources ran out"
    assert found["sources"]["a"]["epochs"] == 2.0
    assert found["sources"]["a"]["ran_out_at"] == 40
    assert sum(name.startswith("a:") and name.endswith("#2") for name in ids) == 10


def test_stopping_keeps_the_shares() -> None:
    asked = config(sources={"a": {"weight": 1}, "b": {"weight": 3}}, unit="documents", budget=1000)
    mixture = mix({"a": source("a", 10), "b": source("b", 1000)}, asked)
    assert 38 <= len(list(mixture)) <= 41
    assert mixture.to_json()["stopped_because"] == "'a' ran out"


def test_another_measure() -> None:
    asked = config(sources={"a": {"weight": 1}}, unit="tokens", budget=50)
    with pytest.raises(UsageError, match="tokens"):
        mix({"a": source("a", 10)}, asked)
    mixture = mix({"a": source("a", 10, longest=1)}, asked, measure=lambda document: 10)
    assert len(list(mixture)) == 5


@pytest.mark.parametrize("weight", [None, 1.0])
def test_an_empty_source_is_an_error(weight: float | None) -> None:
    asked = MixConfig(sources={"a": SourceShare(weight=weight)})
    with pytest.raises(DataError, match="'a' holds no characters"):
        list(mix({"a": lambda: iter(())}, asked))


def test_sources_that_do_not_fit_are_named() -> None:
    with pytest.raises(ConfigError, match="wiki"):
        mix({"a": source("a", 1)}, config(sources={"wiki": {}}))
    with pytest.raises(ConfigError, match="empty"):
        config(sources={})
    with pytest.raises(ConfigError):
        config(sources={"a": {"wieght": 1}})
