"""Data sets of the hub, through the real `datasets`: local folders stand in for what is far away."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from migaki.corpus.documents import Document
from migaki.corpus.hub import HubReader, open_hub
from migaki.corpus.rows import BadRow
from migaki.corpus.shards import HubOptions
from migaki.corpus.sources import HubData, Source, find_source, known_sources
from migaki.errors import DataError, UsageError

from .hub_server import COMMIT, GATED, OPEN, hub_server

pytest.importorskip("datasets")

META = {"作品ID": "000056", "文字遣い種別": "新字新仮名", "作品名": "山月記"}
ROWS: dict[str, list[dict[str, object]]] = {
    "wikipedia": [
        {"id": "1", "url": "https://ja.wikipedia.org/wiki/雨", "title": "雨", "text": "雨は降水である。"},
        {"id": "2", "url": "https://ja.wikipedia.org/wiki/雪", "title": "雪", "text": "雪は氷である。"},
    ],
    "cc100": [{"text": "一行目。\n二行目。"}, {"text": "別の文書。"}],
    "oscar": [{"text": "ある頁。"}],
    "fineweb2": [{"text": "頁。", "id": "<urn:1>", "url": "https://example.jp", "language": "jpn"}],
    "fineweb2-edu": [{"text": "学ぶ頁。", "score": 3.1}],
    "aozora": [{"text": "隴西の李徴は博学才穎、", "footnote": "底本：…", "meta": META}],
    "news": [{"curid": "1", "title": "地震", "text": "地震があった。"}],
    "dolly": [{"index": "0", "category": "qa", "instruction": "何？", "input": "", "output": "猫です。"}],
    "magpie": [
        {"id": "1", "conversations": [{"role": "user", "content": "はい？"},
                                      {"role": "assistant", "content": "ええ。"}]}
    ],
    "ichikara": [{"ID": "1", "text": "教えて。", "output": "はい。"}],
}  # fmt: skip
"""Rows as the data sets have them, by source."""


def folder_of(name: str, there: Path) -> Path:
    """Write a data set of the source's schema as its repository would hold it."""
    hub = find_source(name).hub
    assert hub is not None
    folder = there / name
    data = folder / "data"
    data.mkdir(parents=True)
    if name in ("aozora", "dolly", "magpie"):  # JSON Lines on the hub as well
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS[name])
        (data / "train.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    else:
        for number, row in enumerate(ROWS[name]):
            table = pyarrow.Table.from_pylist([row])
            pyarrow.parquet.write_table(table, data / f"train-{number:05d}.parquet")
    config = hub.config or "default"
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: {config!r}\n  data_files:\n"
        "  - split: train\n    path: data/train*\n---\n",
        encoding="utf-8",
    )
    return folder


def source_of(name: str, folder: Path) -> Source:
    """Return the entry of a source, its id replaced by a folder."""
    entry = find_source(name)
    assert entry.hub is not None
    hub = HubData(
        id=str(folder), config=entry.hub.config, split=entry.hub.split, columns=entry.hub.columns
    )
    return Source(**{**vars_of(entry), "hub": hub})


def vars_of(entry: Source) -> dict[str, object]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}


def read(reader: HubReader) -> list[Document | BadRow]:
    return [document for shard in reader.shards() for document in reader.documents(shard)]


def test_every_source_of_the_hub_has_rows_here() -> None:
    assert set(ROWS) == {name for name, source in known_sources().items() if source.hub}


@pytest.mark.parametrize("name", ROWS)
def test_a_source_is_read_by_its_schema(name: str, tmp_path: Path) -> None:
    reader = open_hub(source_of(name, folder_of(name, tmp_path)))
    documents = read(reader)
    assert len(documents) == len(ROWS[name])
    first = documents[0]
    assert isinstance(first, Document)
    assert first.source == name
    assert first.licence == find_source(name).licence
    assert first.text
    assert len({d.id for d in documents if isinstance(d, Document)}) == len(documents)
    json.dumps(dict(first.metadata))


def test_columns_beside_the_text_are_kept(tmp_path: Path) -> None:
    (aozora,) = read(open_hub(source_of("aozora", folder_of("aozora", tmp_path))))
    assert isinstance(aozora, Document)
    assert aozora.metadata["meta"]["文字遣い種別"] == "新字新仮名"
    (chat,) = read(open_hub(source_of("magpie", folder_of("magpie", tmp_path))))
    assert isinstance(chat, Document)
    assert chat.text == "はい？\nええ。"


def test_parts_are_the_files_and_can_be_read_elsewhere(tmp_path: Path) -> None:
    reader = open_hub(source_of("wikipedia", folder_of("wikipedia", tmp_path)))
    there, shards = pickle.loads(pickle.dumps((reader, reader.shards())))
    assert len(shards) == 2
    assert [list(there.documents(shard)) for shard in shards] == [[d] for d in read(reader)]


def test_other_columns_are_refused_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist([{"id": "1", "body": "雨"}]), folder / "train-0.parquet"
    )
    source = Source(
        **{**vars_of(find_source("oscar")), "hub": HubData(id=str(tmp_path), columns=("text",))}
    )
    with pytest.raises(DataError, match="text missing; it has id, body"):
        open_hub(source)


def test_a_configuration_or_split_that_is_not_there_is_named(tmp_path: Path) -> None:
    source = source_of("news", folder_of("news", tmp_path))
    with pytest.raises(UsageError, match="Available: \\['default'\\]"):
        open_hub(source, HubOptions(config="large"))
    with pytest.raises(UsageError, match="Available splits: \\['train'\\]"):
        open_hub(source, HubOptions(split="test"))


def test_a_loading_script_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / f"{tmp_path.name}.py").write_text("raise SystemExit\n", encoding="utf-8")
    source = Source(**{**vars_of(find_source("oscar")), "hub": HubData(id=str(tmp_path))})
    with pytest.raises(DataError, match=r"loading script.*Download its files"):
        open_hub(source)


def test_a_damaged_file_is_an_error_that_names_the_place(tmp_path: Path) -> None:
    folder = folder_of("wikipedia", tmp_path)
    broken = folder / "data" / "train-00001.parquet"
    broken.write_bytes(broken.read_bytes()[:-20])
    reader = open_hub(source_of("wikipedia", folder))
    first, second = reader.shards()
    assert len(list(reader.documents(first))) == 1
    with pytest.raises(DataError, match="part 00001, row 1"):
        list(reader.documents(second))


def test_a_source_that_is_not_on_the_hub_says_how_to_get_it() -> None:
    with pytest.raises(UsageError, match="git clone"):
        open_hub(find_source("dialogue"))


READ = """
import json, sys
from migaki.corpus.reading import open_source
from migaki.errors import MigakiError
try:
    reader = open_source("hub:{id}", text=["text"])
    texts = [d.text for shard in reader.shards() for d in reader.documents(shard)]
    print(json.dumps([reader.facts()["revision"], texts]))
except MigakiError as err:
    print(err)
"""


def said(id: str, home: Path, **environment: str) -> str:
    """Return what is said of a data set in a process of its own: the address is read at import."""
    done = subprocess.run(
        [sys.executable, "-c", READ.replace("{id}", id)],
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_a_data_set_is_streamed_from_a_hub_at_one_commit(tmp_path: Path) -> None:
    folder = folder_of("wikipedia", tmp_path)
    card = (folder / "README.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(card.replace("20231101.ja", "default"), encoding="utf-8")
    with hub_server(folder) as address:
        revision, texts = json.loads(said(OPEN, tmp_path / "home", HF_ENDPOINT=address))
    assert revision == COMMIT
    assert texts == [row["text"] for row in ROWS["wikipedia"]]


def test_what_is_missing_or_gated_is_said_with_what_to_do(tmp_path: Path) -> None:
    with hub_server(tmp_path) as address:
        gated = said(GATED, tmp_path / "home", HF_ENDPOINT=address)
        missing = said("owner/missing", tmp_path / "home", HF_ENDPOINT=address)
    assert "owner/gated is gated" in gated
    assert "hf auth login" in gated
    assert "owner/missing does not exist on the hub" in missing


def test_no_network_is_said_at_once(tmp_path: Path) -> None:
    nowhere = said(OPEN, tmp_path / "home", HF_ENDPOINT="http://127.0.0.1:9")
    offline = said(OPEN, tmp_path / "home", HF_HUB_OFFLINE="1")
    for words in (nowhere, offline):
        assert "The hub could not be reached" in words
        assert "data folder" in words
