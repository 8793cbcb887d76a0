"""The table of sources: whole, honest, and found in a data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from migaki.corpus.documents import Document
from migaki.corpus.licences import UNKNOWN, find_licence
from migaki.corpus.reading import open_source
from migaki.corpus.sources import find_source, known_sources, local_files
from migaki.errors import DataError, UsageError

SCRIPT_REPOSITORIES = {
    "statmt/cc100", "oscar-corpus/OSCAR-2301", "llm-book/livedoor-news-corpus", "csebuetnlp/xlsum",
    "nu-dialogue/jmultiwoz", "nu-dialogue/real-persona-chat",
}  # fmt: skip
"""Of the hub; they have loading scripts, which `datasets` 4 and later do not run."""


def test_every_kind_of_text_has_a_source() -> None:
    domains = {source.domain for source in known_sources().values()}
    assert domains >= {
        "wikipedia", "cc100", "oscar", "aozora", "news", "technical", "dialogue", "instruction", "web",
    }  # fmt: skip


@pytest.mark.parametrize("source", known_sources().values(), ids=known_sources())
def test_an_entry_is_whole(source) -> None:  # type: ignore[no-untyped-def]
    assert find_licence(source.licence).name == source.licence
    assert source.homepage.startswith("https://")
    assert source.hub is not None or source.obtain
    if source.hub is not None:
        assert source.hub.id not in SCRIPT_REPOSITORIES
        assert set(source.text) <= set(source.hub.columns)
    assert set(source.unverified) <= {"columns", "rows", "download_bytes", "licence"}


def test_livedoor_forbids_derivatives() -> None:
    assert find_licence(find_source("livedoor").licence).augment == "no"


def test_a_wrong_name_is_told_from_the_right_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'wikipedia'"):
        find_source("wikipeda")


@pytest.mark.parametrize(
    ("file", "name", "found"),
    [
        ("wikipedia.jsonl", "wikipedia", True),
        ("wikipedia/a.jsonl", "wikipedia", True),
        ("wikipedia_ja.parquet", "wikipedia", True),
        ("jawiki-2024.jsonl.zst", "wikipedia", True),
        ("wikipedia.synthetic.jsonl", "wikipedia", False),
        ("news.jsonl", "wikipedia", False),
        ("my_own.jsonl", "my_own.jsonl", True),
    ],
)
def test_files_of_a_source_are_found(file: str, name: str, found: bool, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text('{"text": "雨"}\n', encoding="utf-8")
    assert bool(local_files(name, tmp_path)) is found


def test_a_second_copy_is_not_read_as_well(tmp_path: Path) -> None:
    for name in ("wikipedia.jsonl", "wikipedia_ja.jsonl"):
        (tmp_path / name).write_text('{"text": "雨"}\n', encoding="utf-8")
    assert local_files("wikipedia", tmp_path) == [tmp_path / "wikipedia.jsonl"]


def test_local_files_have_the_name_and_licence_of_their_source(tmp_path: Path) -> None:
    (tmp_path / "news-0.jsonl").write_text('{"text": "一"}\n', encoding="utf-8")
    (tmp_path / "news-1.jsonl").write_text('{"text": "二"}\n', encoding="utf-8")
    reader = open_source("news", base_dir=tmp_path)
    documents = [d for shard in reader.shards() for d in reader.documents(shard)]
    assert [(d.source, d.licence, d.text, d.id) for d in documents if isinstance(d, Document)] == [
        ("news", "CC-BY-2.5", "一", "news:news-0.jsonl:1"),
        ("news", "CC-BY-2.5", "二", "news:news-1.jsonl:1"),
    ]


def test_columns_of_the_hub_and_of_prepared_files_are_both_read(tmp_path: Path) -> None:
    rows = '{"instruction": "訳して", "input": "cat", "output": "猫"}\n{"text": "準備済み"}\n'
    (tmp_path / "dolly.jsonl").write_text(rows, encoding="utf-8")
    reader = open_source("dolly", base_dir=tmp_path)
    texts = [
        d.text
        for shard in reader.shards()
        for d in reader.documents(shard)
        if isinstance(d, Document)
    ]
    assert texts == ["訳して\n\ncat\n\n猫", "準備済み"]


def test_a_source_that_is_nowhere_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"git clone https://github\.com/nu-dialogue"):
        open_source("dialogue", base_dir=tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        open_source("dialogue.jsonl", base_dir=tmp_path)


def test_real_persona_chat_is_read_as_its_repository_has_it(tmp_path: Path) -> None:
    file = tmp_path / "dialogue" / "real_persona_chat" / "dialogues" / "1.json"
    file.parent.mkdir(parents=True)
    file.write_text(
        '{"dialogue_id": 1, "interlocutors": ["AA", "AB"], "utterances": [{"interlocutor_id": "AA",'
        ' "text": "よろしく。"}, {"interlocutor_id": "AB", "text": "こちらこそ。"}], "evaluations":'
        ' [{"informativeness": 5}]}',
        encoding="utf-8",
    )
    reader = open_source("dialogue", base_dir=tmp_path)
    (document,) = (d for shard in reader.shards() for d in reader.documents(shard))
    assert isinstance(document, Document)
    assert document.text == "よろしく。\nこちらこそ。"
    assert document.licence == "CC-BY-SA-4.0"


def test_what_was_prepared_is_read_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    (folder / "data").mkdir(parents=True)
    (folder / "rejected").mkdir()
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    row = (
        '{"id": "news:a:1", "text": "雨。", "source": "news", "license": "CC-BY-2.5",'
        ' "metadata": {"title": "天気"}}\n'
    )
    (folder / "data" / "part-0.jsonl").write_text(row, encoding="utf-8")
    (folder / "rejected" / "part-0.jsonl").write_text(row, encoding="utf-8")
    reader = open_source(folder)
    (document,) = (d for shard in reader.shards() for d in reader.documents(shard))
    assert document == Document("雨。", "news:a:1", "news", "CC-BY-2.5", {"title": "天気"})


def test_an_unknown_licence_can_be_stated(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("雨。", encoding="utf-8")
    assert open_source(tmp_path).licence == UNKNOWN
    assert open_source(tmp_path, licence="PSF").licence == "PSF-2.0"
