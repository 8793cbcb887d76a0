"""Few texts are chosen that are good and differ; every choice says why."""

from __future__ import annotations

import random

import pytest
from pydantic import ValidationError

from migaki.corpus.documents import Document
from migaki.corpus.quality import judge
from migaki.corpus.selection import SelectionConfig, select
from migaki.corpus.topic_vectors import topic_vectors
from migaki.errors import DataError

TOPICS = {
    "料理": "{}の煮物は、だしと醤油で味を調え、弱火で二十分ほど煮込むと美味しく仕上がります。",
    "天気": "{}の天気は、午後から雨雲が広がり、夕方には激しい雷雨になる見込みだと気象庁が発表した。",
    "音楽": "{}の演奏会では、交響曲の終楽章で指揮者が楽譜を閉じ、聴衆が総立ちになって拍手を送った。",
    "数学": "{}の定理を証明するには、まず補題を仮定し、背理法によって矛盾を導けばよいのである。",
}
NAMES = [
    "大根",
    "東京",
    "札幌",
    "山田",
    "鈴木",
    "福岡",
    "人参",
    "高橋",
    "京都",
    "金沢",
    "横浜",
    "神戸",
]


def candidates() -> list[Document]:
    """Forty of one topic, two of each of the others, and some that are no good."""
    texts = {
        f"料理{n:02d}": TOPICS["料理"].format(NAMES[n % 12] + "と" + NAMES[n // 4])
        for n in range(40)
    }
    texts |= {
        f"{topic}{n}": TOPICS[topic].format(NAMES[n])
        for topic in ("天気", "音楽", "数学")
        for n in range(2)
    }
    texts |= {
        "短い": "はい。",
        "繰り返し": "安い安い安い安い安い安い安い安い安い安い安い安い安い",
        "英語": "This is an English sentence that nobody wants in a Japanese corpus.",
    }
    return [Document(text, id=name, source="s", licence="CC0-1.0") for name, text in texts.items()]


def test_rare_topics_are_not_drowned() -> None:
    chosen = select(candidates(), SelectionConfig(count=8)).chosen
    assert {found.id.rstrip("0123456789") for found in chosen} == {"料理", "天気", "音楽", "数学"}
    assert [found.rank for found in chosen] == list(range(1, len(chosen) + 1))


def test_near_duplicates_are_never_both_taken() -> None:
    found = select(candidates(), SelectionConfig(count=100))
    names = [chosen.id for chosen in found.chosen]
    assert len(names) == len(set(names))
    assert sum(name.startswith("天気") for name in names) == 1
    counts = found.to_json()
    assert counts["left_out"]["duplicate"] > 30
    assert counts["candidates"] == counts["taken"] + counts["not_needed"] + sum(
        counts["left_out"].values()
    )


def test_faults_are_named() -> None:
    left_out = select(candidates(), SelectionConfig(count=1)).left_out
    assert (left_out["too_short"], left_out["repetitive"]) == (1, 1)
    assert left_out["too_little_japanese"] == 1


def test_order_makes_no_difference() -> None:
    documents = candidates()
    expected = [found.id for found in select(documents, SelectionConfig(count=6)).chosen]
    random.Random(3).shuffle(documents)
    assert [found.id for found in select(documents, SelectionConfig(count=6)).chosen] == expected


def test_every_choice_says_why() -> None:
    first, *rest = select(candidates(), SelectionConfig(count=5)).chosen
    assert first.nearest is None
    assert first.columns()["select_reason"] in ("new_topic", "quality", "rare_register")
    for found in rest:
        assert found.nearest is not None
        assert set(found.gains) == {"topics", "quality", "registers"}
        assert 0 <= found.quality.score <= 1


def test_greedy_gains_fall_as_the_bound_promises() -> None:
    found = select(candidates(), SelectionConfig(count=10, quality=0, registers=0)).chosen
    gains = [chosen.gains["topics"] for chosen in found]
    assert gains == sorted(gains, reverse=True)


def test_what_cannot_be_chosen_is_an_error() -> None:
    with pytest.raises(DataError, match="no candidate"):
        select([], SelectionConfig(count=1))
    with pytest.raises(DataError, match="too_short"):
        select([Document("はい。", id="1", source="s", licence="x")], SelectionConfig(count=1))
    with pytest.raises(ValidationError, match="weigh nothing"):
        SelectionConfig(count=1, topics=0, quality=0, registers=0)


def test_topic_vectors_tell_topics_apart() -> None:
    texts = [
        TOPICS["料理"].format("大根"),
        TOPICS["料理"].format("東京"),
        TOPICS["天気"].format("大根"),
        "",
    ]
    vectors = topic_vectors(texts)
    products = vectors @ vectors.T
    assert products[0, 1] > 0.5 > products[0, 2]
    assert not vectors[3].any()
    assert topic_vectors([]).shape == (0, 128)


def test_quality_prefers_what_is_whole() -> None:
    whole = judge("東京は日本の首都です。多くの人が住んでいます。")
    broken = judge("東京は日本の首都です。多くの人が住ん")
    assert whole.score > broken.score
    assert judge("今日は行くよ。明日は行きます。そうだ、行こう。行きましょう。").consistency == 0.5
