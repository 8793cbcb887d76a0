"""Documents that say the same as another are found, whatever the order, and nothing else is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from migaki.corpus.deduplication import (
    DeduplicationConfig,
    find_duplicates,
    signature,
    signatures,
)
from migaki.corpus.documents import Document
from migaki.corpus.folding import fold
from migaki.corpus.samples import SAMPLES_PATH

CAT = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄暗いじめじめした所で"
    "ニャーニャー泣いていた事だけは記憶している。吾輩はここで始めて人間というものを見た。"
)
ROAD = (
    "山路を登りながら、こう考えた。智に働けば角が立つ。情に棹させば流される。意地を通せば窮屈だ。"
    "とかくに人の世は住みにくい。住みにくさが高じると、安い所へ引き越したくなる。"
)


def document(text: str, name: str, source: str = "本") -> Document:
    return Document(text, id=name, source=source, licence="public-domain")


def kept(texts: Sequence[str], **config: object) -> list[int]:
    """The number of the text that stays, for each text."""
    found = find_duplicates(
        [document(text, f"{n:03d}") for n, text in enumerate(texts)],
        DeduplicationConfig(**config),  # type: ignore[arg-type]
    )
    return [int(i) if i >= 0 else n for n, i in enumerate(found.kept_instead)]


class TestFound:
    def test_exact_after_folding(self) -> None:
        assert kept(["データです。", "ﾃﾞｰﾀです", "別の文だ。"]) == [0, 0, 2]

    def test_near(self) -> None:
        assert kept([CAT, ROAD, CAT.replace("薄暗い", "暗い").replace("泣", "啼")]) == [0, 1, 0]

    def test_only_exact_if_asked(self) -> None:
        assert kept([CAT, CAT.replace("薄暗い", "うす暗い"), CAT + "。"], near=False) == [0, 1, 0]

    def test_short_texts_only_exactly(self) -> None:
        assert kept(
            ["水を英語では何という？", "お金を英語では何という？", "水を英語では何という"]
        ) == [0, 1, 0]

    def test_texts_of_marks_only_are_compared_as_they_are(self) -> None:
        assert kept(["。。。", "！", "。。。", ""]) == [0, 1, 0, 3]

    def test_a_part_that_must_be_alike_too(self) -> None:
        rows = [(CAT + CAT, "名前は何ですか。"), (CAT + CAT, "どこで生まれましたか。")]
        documents = [document(f"{passage}\n{q}", q) for passage, q in rows]
        assert find_duplicates(documents).kept_instead.max() >= 0
        asked = find_duplicates(documents, part=lambda found: found.id)
        assert asked.kept_instead.max() < 0


class TestWhichStays:
    def test_the_longest(self) -> None:
        assert kept([CAT, CAT + "しかもそれは書生だ。"]) == [1, 1]

    def test_of_equal_length_the_smallest_id(self) -> None:
        texts = [CAT.replace("薄", "仄"), CAT]
        found = find_duplicates([document(texts[0], "b"), document(texts[1], "a")])
        assert found.kept_instead.tolist() == [1, -1]

    def test_the_preferred_source_before_length(self) -> None:
        documents = [document(CAT + "そうだ。", "a", "網"), document(CAT, "b", "本")]
        found = find_duplicates(documents, DeduplicationConfig(prefer=["本"]))
        assert found.kept_instead.tolist() == [1, -1]
        assert found.to_json()["left_out_for"] == [
            {"source": "網", "kept_source": "本", "documents": 1}
        ]

    def test_a_chain_does_not_join_its_ends(self) -> None:
        first = CAT + ROAD
        second = CAT + ROAD[: len(ROAD) // 2]
        third = CAT
        found = kept([first, second, third], threshold=0.7)
        assert found == [0, 0, 2], (
            "the third is like the second, which went, but not like the first"
        )

    def test_copies_of_what_goes_go_with_it(self) -> None:
        near = CAT.replace("薄暗い", "薄い")
        assert kept([CAT, near, near + "！", CAT]) == [0, 0, 0, 0]


class TestHowever:
    @settings(max_examples=15)
    @given(st.randoms(use_true_random=False))
    def test_order_makes_no_difference(self, rng: random.Random) -> None:
        texts = [CAT, ROAD, CAT[:-9], ROAD + CAT, CAT.replace("猫", "犬"), ROAD[3:], "短い文。"]
        documents = [document(text, str(n)) for n, text in enumerate(texts * 2)]
        documents = [document(d.text, f"{d.id}{n}") for n, d in enumerate(documents)]
        expected = _pairs(documents)
        rng.shuffle(documents)
        assert _pairs(documents) == expected

    def test_large_buckets_still_leave_one(self) -> None:
        texts = [f"{CAT}{n:04d}番" for n in range(300)]
        found = find_duplicates([document(text, text[-5:]) for text in texts])
        assert (found.kept_instead < 0).sum() == 1
        assert found.to_json()["large_buckets"] > 0

    def test_no_document_and_one(self) -> None:
        assert find_duplicates([]).to_json()["read"] == 0
        assert kept(["一つ。"]) == [0]

    def test_signatures_do_not_depend_on_the_others(self) -> None:
        many = list(signatures(document(text, "x") for text in [CAT, "短い", "", ROAD]))
        for one, text in zip(many, [CAT, "短い", "", ROAD], strict=True):
            alone = signature(document(text, "y"))
            assert (alone.text_hash, alone.characters) == (one.text_hash, one.characters)
            assert np.array_equal(alone.digest, one.digest)

    def test_half_characters_are_texts_too(self) -> None:
        assert kept(["\ud800" + CAT, CAT]) == [0, 0]

    def test_counts_add_up(self) -> None:
        found = find_duplicates(
            document(t, str(n)) for n, t in enumerate([CAT, CAT, CAT[:-3], ROAD])
        )
        counts = found.to_json()
        assert (
            counts["read"]
            == 4
            == sum(counts[name] for name in ("kept", "exact_duplicates", "near_duplicates"))
        )
        assert counts["within_a_source"] == 2

    def test_a_threshold_that_the_bands_do_not_serve_is_refused(self) -> None:
        with pytest.raises(ValidationError):
            DeduplicationConfig(threshold=0.3)

    def test_real_texts_with_five_percent_edited(self, shared_data: Path) -> None:
        lines = (
            (shared_data / "aozora/aozora_paragraphs_clean.jsonl").read_text("utf-8").splitlines()
        )
        texts = [line.split('"text": "')[1].split('"')[0] for line in lines[::9]]
        texts = [text for text in texts if len(fold(text)) >= 20]
        rng = random.Random(0)
        found = kept(texts + [_edited(text, rng) for text in texts])
        half = len(texts)
        assert sum(found[n] == found[n + half] for n in range(half)) >= 0.98 * half
        assert sum(found[n] != n for n in range(half)) <= 0.6 * half, (
            "the copy may be the longer one"
        )


def _edited(text: str, rng: random.Random) -> str:
    characters = list(text)
    for _ in range(len(text) // 20):
        characters[rng.randrange(len(characters))] = rng.choice(ROAD)
    return "".join(characters)


def _pairs(documents: Sequence[Document]) -> set[tuple[str, str]]:
    found = find_duplicates(documents)
    return {(documents[n].id, documents[i].id) for n, i in enumerate(found.kept_instead) if i >= 0}


def test_the_embedded_samples_hold_no_exact_duplicates() -> None:
    lines = SAMPLES_PATH.read_text("utf-8").splitlines()
    found = find_duplicates(document(line, str(n)) for n, line in enumerate(lines))
    assert found.to_json()["exact_duplicates"] == 0
