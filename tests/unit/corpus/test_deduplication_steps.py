"""On a cluster the same documents are left out as in one process, whatever the number of workers."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from migaki.corpus.deduplication import DeduplicationConfig, find_duplicates
from migaki.corpus.deduplication_steps import deduplicated, deduplication_phases
from migaki.corpus.documents import Document
from migaki.corpus.execution import run_phase
from migaki.corpus.pipeline_config import EngineConfig
from migaki.corpus.reading import open_source
from migaki.corpus.shards import ReadingLimits, SourceReader
from migaki.errors import DataError

SENTENCES = [
    "吾輩は猫である、名前はまだ無い。", "どこで生れたかとんと見当がつかぬ。", "山路を登りながら、こう考えた。",
    "智に働けば角が立つ、情に棹させば流される。", "国境の長いトンネルを抜けると雪国であった。",
    "ある日の暮方の事である。", "一人の下人が、羅生門の下で雨やみを待っていた。", "メロスは激怒した。",
    "必ず、かの邪智暴虐の王を除かなければならぬと決意した。", "これは、私が小さいときに、村の茂平から聞いたお話です。",
]  # fmt: skip


def texts() -> list[str]:
    """Texts of some sentences, of which many share most, and some short ones."""
    rng = random.Random(0)
    made = ["".join(rng.sample(SENTENCES, rng.randint(2, 9))) for _ in range(150)]
    for text in list(made):
        letters = list(text)
        letters[rng.randrange(len(letters))] = "変"
        made += ["".join(letters)] if rng.random() < 0.5 else [text + "！"]
    return [*made, "はい。", "いいえ。", "はい！", "。", ""]


@pytest.fixture
def readers(tmp_path: Path) -> list[SourceReader]:
    made, found = texts(), []
    for name, part in [
        ("一.jsonl", made[:200]),
        ("二.jsonl", made[200:]),
        ("空.jsonl", ["一つ。"]),
    ]:
        rows = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in part)
        (tmp_path / name).write_text(rows, "utf-8")
        found.append(open_source(tmp_path / name, limits=ReadingLimits(shard_bytes=4000)))
    return found


def documents(readers: Sequence[SourceReader]) -> list[Document]:
    return [
        item
        for reader in readers
        for shard in reader.shards()
        for item in reader.documents(shard)
        if isinstance(item, Document)
    ]


def run(
    readers: Sequence[SourceReader], folder: Path, config: DeduplicationConfig, workers: int
) -> None:
    folder.mkdir()
    for phase in deduplication_phases(readers, folder, config):
        engine = EngineConfig(workers=workers)
        assert run_phase(phase, engine=engine, state=folder / "state") == []


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_same_is_left_out_as_in_one_process(
    readers: list[SourceReader], tmp_path: Path, workers: int
) -> None:
    config = DeduplicationConfig(prefer=["二.jsonl"])
    run(readers, tmp_path / "cluster", config, workers)
    everything = documents(readers)
    alone = find_duplicates(everything, config)
    expected = [document.id for n, document in enumerate(everything) if alone.is_kept(n)]
    assert [d.id for d in documents(deduplicated(readers, tmp_path / "cluster"))] == expected
    counts = json.loads((tmp_path / "cluster" / "duplicates.json").read_text("utf-8"))
    told = alone.to_json()
    assert told["near_duplicates"] > 20
    assert told["exact_duplicates"] > 20
    for name in ("read", "kept", "exact_duplicates", "near_duplicates", "left_out_for"):
        assert counts[name] == told[name]
    notes = [
        json.loads(line)
        for path in sorted((tmp_path / "cluster" / "left_out").glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]
    instead = {
        document.id: everything[int(alone.kept_instead[n])].id
        for n, document in enumerate(everything)
        if not alone.is_kept(n)
    }
    assert {note["id"]: note["kept"] for note in notes} == instead


@pytest.mark.slow
def test_other_sources_are_refused(readers: list[SourceReader], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no finished deduplication"):
        deduplicated(readers, tmp_path / "cluster")
    run(readers[:1], tmp_path / "cluster", DeduplicationConfig(), 1)
    with pytest.raises(DataError, match="other sources"):
        deduplicated(readers[1:], tmp_path / "cluster")
