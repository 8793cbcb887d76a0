"""Real news, and the same spoilt on purpose: what is good is kept, what is bad is rejected or mended."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from migaki.corpus.documents import Document, Rejection, Stage

TEXTS = 60
FEWEST = {"kept": 0.95, "mended": 0.95, "rejected": 0.95}


@pytest.fixture(scope="module")
def reading(project_root: Path) -> Iterator[ModuleType]:
    folder = str(project_root / "benchmarks")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("corpus_reading")
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def stages(reading: ModuleType) -> tuple[Stage, ...]:
    built: tuple[Stage, ...] = reading.build_stages(reading.cleaning_config("web", reading.WEB))
    return built


@pytest.fixture(scope="module")
def news(reading: ModuleType, shared_data: Path) -> list[object]:
    texts = reading.read_kind(shared_data, "news", "development")
    return [text for text in texts if len(text.text) >= 400][:TEXTS]


NAMES = (
    "page", "one advert", "UTF-8 read as Latin-1", "CP932 read as Latin-1", "EUC-JP read as Latin-1",
    "full width, commas", "UTF-8 read as CP932", "UTF-8 read as EUC-JP", "CP932 read as UTF-8",
    "link list", "teasers", "shop", "repeated", "spaced words", "English page", "Chinese page", "flood",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_noise_is_rejected_and_what_can_be_mended_is_kept(
    name: str, reading: ModuleType, stages: tuple[Stage, ...], news: list[object]
) -> None:
    one = importlib.import_module("corpus_noise").noise(name)
    spoil = importlib.import_module("corpus_noise").spoil
    outcomes = [
        reading.clean(
            reading.Text(text.id, text.kind, {"text": spoil(text.text, text.id, one)}), stages
        )  # type: ignore[attr-defined]
        for text in news
    ]
    kept = sum(isinstance(outcome, Document) for outcome in outcomes) / len(outcomes)
    share = 1 - kept if one.expected == "rejected" else kept
    assert share >= FEWEST[one.expected]


def test_good_text_of_every_kind_is_kept(reading: ModuleType, shared_data: Path) -> None:
    for kind, preset, _, _ in reading.KINDS:
        built = reading.build_stages(reading.cleaning_config(preset))
        texts = list(reading.read_kind(shared_data, kind, "development"))[:TEXTS]
        lost = [o for o in (reading.clean(t, built) for t in texts) if isinstance(o, Rejection)]
        assert len(lost) <= 0.05 * len(texts), (kind, [o.detail for o in lost])


def test_every_noise_is_named(reading: ModuleType) -> None:
    assert [one.name for one in importlib.import_module("corpus_noise").NOISES] == list(NAMES)
