"""Sources of local files: the same documents whatever the container, the cut and the damage."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki.corpus.documents import Document
from migaki.corpus.files import open_file
from migaki.corpus.reading import ReadingLimits, SourceReader, open_source
from migaki.corpus.rows import BadRow, DamagedFile, SkippedFile
from migaki.errors import DataError, UsageError

ROWS = [{"text": f"{n}番目の文です。" * (n % 7 + 1), "title": f"題{n}"} for n in range(300)]


def as_jsonl(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def read(reader: SourceReader) -> list[Document | BadRow]:
    return [document for shard in reader.shards() for document in reader.documents(shard)]


def texts(reader: SourceReader) -> list[str]:
    return [d.text for d in read(reader) if isinstance(d, Document)]


def bad(reader: SourceReader) -> list[BadRow]:
    return [d for d in read(reader) if isinstance(d, BadRow)]


def zstd(data: bytes) -> bytes:
    return bytes(pyarrow.Codec("zstd").compress(data, asbytes=True))


def write_parquet(path: Path, rows: list[dict[str, str]], group: int = 50) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=group)


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.jsonl": lambda p: p.write_bytes(as_jsonl(ROWS)),
    "a.jsonl.gz": lambda p: p.write_bytes(gzip.compress(as_jsonl(ROWS))),
    "a.jsonl.bz2": lambda p: p.write_bytes(bz2.compress(as_jsonl(ROWS))),
    "a.jsonl.xz": lambda p: p.write_bytes(lzma.compress(as_jsonl(ROWS))),
    "a.jsonl.zst": lambda p: p.write_bytes(zstd(as_jsonl(ROWS))),
    "two_frames.jsonl.zst": lambda p: p.write_bytes(
        zstd(as_jsonl(ROWS[:9])) + zstd(as_jsonl(ROWS[9:]))
    ),
    "a.json": lambda p: p.write_text(json.dumps(ROWS, ensure_ascii=False)),
    "a.parquet": lambda p: write_parquet(p, ROWS),
    "a.zip": lambda p: write_zip(p, {"in/a.jsonl": as_jsonl(ROWS)}),
    "gz_in.zip": lambda p: write_zip(p, {"a.jsonl.gz": gzip.compress(as_jsonl(ROWS))}),
    "utf16.jsonl": lambda p: p.write_bytes(as_jsonl(ROWS).decode().encode("utf-16")),
    "sjis.jsonl": lambda p: p.write_bytes(as_jsonl(ROWS).decode().encode("cp932")),
    "wrong_name.jsonl": lambda p: p.write_bytes(gzip.compress(as_jsonl(ROWS))),
}


@pytest.mark.parametrize("name", WRITERS)
def test_the_container_does_not_change_the_documents(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    reader = open_source(tmp_path / name)
    documents = read(reader)
    assert [d.text for d in documents if isinstance(d, Document)] == [r["text"] for r in ROWS]
    assert [d.metadata["title"] for d in documents if isinstance(d, Document)] == [
        r["title"] for r in ROWS
    ]
    assert len({d.id for d in documents if isinstance(d, Document)}) == len(ROWS)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.txt", "lines.txt"])
@pytest.mark.parametrize("shard_bytes", [1, 100, 1000, 5000])
def test_where_a_file_is_cut_changes_nothing(name: str, shard_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / name
    unit = "line" if name == "lines.txt" else "paragraph"
    if name == "a.txt":
        path.write_text("\n\n".join(f"{r['text']}\n二行目。" for r in ROWS), encoding="utf-8")
    elif name == "lines.txt":
        path.write_text("\n".join(r["text"] for r in ROWS), encoding="utf-8")
    else:
        WRITERS[name](path)
    whole = open_source(path, text_unit=unit)
    cut = open_source(path, text_unit=unit, limits=ReadingLimits(shard_bytes=shard_bytes))
    assert len(whole.shards()) == 1
    assert len(cut.shards()) > 2
    assert cut.shards() == cut.shards()
    assert read(cut) == read(whole)
    if path.suffix != ".parquet":
        assert sum(shard.size_bytes for shard in cut.shards()) == path.stat().st_size


@given(st.lists(st.text(alphabet="あア亜a\r\n \t", max_size=20), max_size=30), st.integers(1, 60))
def test_cutting_arbitrary_paragraphs_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[str], shard_bytes: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.txt"
    path.write_bytes(("始" + "\n\n".join(blocks)).encode())
    cut = open_source(path, limits=ReadingLimits(shard_bytes=shard_bytes))
    assert read(cut) == read(open_source(path))


def test_a_reader_and_its_shards_can_be_sent_to_workers(tmp_path: Path) -> None:
    WRITERS["a.jsonl"](tmp_path / "a.jsonl")
    reader = open_source(tmp_path)
    there = pickle.loads(pickle.dumps((reader, reader.shards())))
    assert [list(there[0].documents(shard)) for shard in there[1]] == [read(reader)]


def test_a_folder_is_its_files_in_order_and_other_files_are_counted(tmp_path: Path) -> None:
    for name, text in (
        ("b/2.txt", "二"),
        ("a.txt", "一"),
        ("b/c/3.txt", "三"),
        (".git/x.txt", "隠"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    reader = open_source(tmp_path)
    assert texts(reader) == ["一", "二", "三"]
    assert [shard.name for shard in reader.shards()] == ["a.txt", "b/2.txt", "b/c/3.txt"]
    assert reader.facts()["other_files"] == 1


def test_a_row_states_its_own_licence(tmp_path: Path) -> None:
    rows = [{"text": "一", "license": "CC BY 4.0"}, {"text": "二"}, {"text": "三", "license": "?"}]
    (tmp_path / "a.jsonl").write_bytes(as_jsonl(rows))
    documents = read(open_source(tmp_path / "a.jsonl", licence="MIT"))
    assert [d.licence for d in documents if isinstance(d, Document)] == [
        "CC-BY-4.0", "MIT", "unknown",
    ]  # fmt: skip


def test_columns_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(as_jsonl([{"midashi": "雨", "honbun": "降る。"}]))
    assert "name the column" in bad(open_source(tmp_path))[0].reason
    assert texts(open_source(tmp_path, text=("midashi", "honbun"))) == ["雨\n\n降る。"]
    (problem,) = bad(open_source(tmp_path, text=("text",)))
    assert problem.reason == "has no 'text' (its columns: 'midashi', 'honbun')"


def test_the_samples_say_that_they_are_synthetic() -> None:
    documents = read(open_source("samples"))
    assert len(documents) == 1500
    assert all(isinstance(d, Document) and d.metadata["synthetic"] for d in documents)


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_source("no/such/file.jsonl")
    with pytest.raises(UsageError):
        open_source("")


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    with pytest.raises(DataError, match="1 other files"):
        open_source(tmp_path)


def test_real_files_are_read_whole(shared_data: Path) -> None:
    for folder, count in {"wiki": 325, "news": 1676, "tech": 111, "dialogue": 4266}.items():
        documents = read(open_source(shared_data / folder))
        assert len(documents) == count
        assert all(isinstance(d, Document) and d.licence != "unknown" for d in documents)


# ── bad input ────────────────────────────────────────────────────────────────────────────────────


def test_a_cut_off_gzip_gives_what_it_has_and_says_where_it_ends(tmp_path: Path) -> None:
    data = gzip.compress(as_jsonl(ROWS))
    (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) // 2])
    (tmp_path / "b.jsonl").write_bytes(as_jsonl(ROWS))
    *some, damage = (
        d for d in read(open_source(tmp_path)) if "a.jsonl" in (getattr(d, "id", "a.jsonl"))
    )
    assert isinstance(damage, DamagedFile)
    assert len(some) > 50
    assert damage.line == len(some) + 1
    assert "cut off here" in damage.reason
    assert damage.hint
    assert len(texts(open_source(tmp_path))) == len(some) + len(ROWS)


@pytest.mark.parametrize(
    "name", ["a.jsonl.gz", "a.jsonl.bz2", "a.jsonl.xz", "a.jsonl.zst", "a.zip"]
)
@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_damaged_archives_are_named_and_other_files_go_on(
    name: str, how: str, tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / name)
    data = bytearray((tmp_path / name).read_bytes())
    if how == "cut":
        del data[len(data) // 2 :]
    else:
        for at in range(len(data) // 2, len(data) // 2 + 8):
            data[at] ^= 0xFF
    (tmp_path / name).write_bytes(data)
    (tmp_path / "z.jsonl").write_bytes(as_jsonl(ROWS))
    found = read(open_source(tmp_path))
    damaged = [d for d in found if isinstance(d, DamagedFile)]
    assert [Path(str(d.path).partition("!")[0]).name for d in damaged] == [name]
    assert sum(isinstance(d, Document) and ":z.jsonl:" in d.id for d in found) == len(ROWS)


def test_half_a_parquet_file_is_named(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", ROWS)
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(data[: len(data) // 2])
    for limits in (ReadingLimits(), ReadingLimits(shard_bytes=100)):
        (damage,) = read(open_source(tmp_path, limits=limits))
        assert isinstance(damage, DamagedFile)
        assert "Parquet" in damage.reason
        assert "cut off" in damage.hint


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        as_jsonl(ROWS[:2]) + b'{"text": "' + b"a" * 5000 + b'"}\n' + as_jsonl(ROWS[2:4])
    )
    reader = open_source(path, limits=ReadingLimits(row_bytes=1000))
    assert texts(reader) == [r["text"] for r in ROWS[:4]]
    (problem,) = bad(reader)
    assert problem.line == 3
    assert "more than" in problem.reason


def test_a_paragraph_that_is_too_long_is_one_bad_row(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("前。\n\n" + "長い。\n" * 1000 + "\n後。", encoding="utf-8")
    reader = open_source(tmp_path, limits=ReadingLimits(row_bytes=1000))
    assert texts(reader) == ["前。", "後。"]
    (problem,) = bad(reader)
    assert (problem.line, "text unit: line" in problem.reason) == (3, True)


@pytest.mark.parametrize("name", ["junk.jsonl", "junk.txt", "junk.parquet", "junk.csv", "junk.zip"])
def test_binary_junk_is_one_damaged_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(bytes(range(256)) * 40)
    (damage,) = read(open_source(tmp_path))
    assert isinstance(damage, DamagedFile)
    assert damage.hint


def test_an_empty_file_is_skipped_and_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n\n")
    (damage,) = read(open_source(tmp_path))
    assert isinstance(damage, SkippedFile)
    assert damage.reason == "is empty"


def test_text_under_the_name_of_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(as_jsonl(ROWS))
    (damage,) = read(open_source(tmp_path))
    assert "is not Parquet, whatever its name says" in damage.reason


@pytest.mark.parametrize(
    "name", ["../a.jsonl", "/etc/a.jsonl", "x/../../a.jsonl", "C:\\a.jsonl", "..\\a.jsonl"]
)
def test_an_archive_that_leads_outside_is_refused(name: str, tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {name: as_jsonl(ROWS[:1]), "good.jsonl": as_jsonl(ROWS)})
    found = read(open_source(tmp_path / "a.zip"))
    (damage,) = (d for d in found if isinstance(d, BadRow))
    assert isinstance(damage, SkippedFile)
    assert "path" in damage.reason
    assert len(found) == len(ROWS) + 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip"]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("passwd.txt")
        link.create_system = 3
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    (damage,) = read(open_source(tmp_path / "a.zip"))
    assert "symbolic link" in damage.reason


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"a.txt": b"0" * (20 << 20)})
    (damage,) = read(open_source(tmp_path / "a.zip"))
    assert "bomb" in damage.reason


def test_a_damaged_archive_is_named_as_such(tmp_path: Path) -> None:
    WRITERS["a.zip"](tmp_path / "a.zip")
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data[: len(data) - 30])
    (damage,) = read(open_source(tmp_path / "a.zip"))
    assert isinstance(damage, DamagedFile)
    assert "not a readable ZIP archive" in damage.reason
    assert "cut off" in damage.hint


def test_an_archive_without_data_is_named(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", {"a.png": b"\x89PNG"})
    (damage,) = read(open_source(tmp_path / "a.zip"))
    assert "without data files" in damage.reason


def test_an_archive_in_an_archive_is_named(tmp_path: Path) -> None:
    write_zip(tmp_path / "inner.zip", {"a.jsonl": as_jsonl(ROWS)})
    write_zip(tmp_path / "a.zip", {"inner.zip": (tmp_path / "inner.zip").read_bytes()})
    (damage,) = read(open_source(tmp_path / "a.zip"))
    assert "another archive" in damage.reason


def test_half_a_character_is_a_bad_row(tmp_path: Path) -> None:
    rows = ['{"text": "雨\\ud83d"}', '{"text": "晴", "\\ude00": 1}', '{"text": "晴\\ud83d\\ude00"}']
    for name, content in (("a.jsonl", "\n".join(rows)), ("a.json", f"[{', '.join(rows)}]")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        found = read(open_source(tmp_path / name))
        assert ["half a character" in getattr(row, "reason", "") for row in found] == [
            True,
            True,
            False,
        ]
        assert texts(open_source(tmp_path / name)) == ["晴😀"]


def test_damaged_compressed_data_are_no_question_of_encoding(tmp_path: Path) -> None:
    letters = random.Random(0)
    lines = [
        {"text": "".join(chr(letters.randint(0x3041, 0x9000)) for _ in range(200))}
        for _ in range(400)
    ]
    packed = bytearray(gzip.compress(as_jsonl(lines)))
    middle = len(packed) // 2
    packed[middle : middle + 8] = bytes(byte ^ 0x55 for byte in packed[middle : middle + 8])
    (tmp_path / "a.jsonl.gz").write_bytes(packed)
    (damage,) = read(open_source(tmp_path))
    assert "compressed data are damaged" in damage.reason
    with pytest.raises(DataError, match="compressed data are damaged"):
        open_file(tmp_path / "a.jsonl.gz")
