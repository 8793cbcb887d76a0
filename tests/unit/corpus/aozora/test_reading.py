"""Files to documents: parts of a file, the catalogue, copyright, and the real files."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import pytest

from migaki.corpus.aozora import AozoraReader, Orthography, load_catalogue, read_aozora
from migaki.corpus.aozora.layout import take_apart
from migaki.corpus.aozora.reading import document_of
from migaki.corpus.configured_inputs import configured_inputs
from migaki.corpus.documents import Document, Rejection
from migaki.corpus.pipeline_config import PipelineConfig
from migaki.corpus.reading import open_source
from migaki.corpus.rows import BadRow
from migaki.errors import DataError, UsageError

RULE = "-" * 55
FILE = f"""題
副題
作者
訳者訳

{RULE}
【テキスト中に現れる記号について】

《》：ルビ
（例）親譲《おやゆず》り
{RULE}

　本文《ほんぶん》。
底本の話をする。


底本：「全集」書肆
　　　1992（平成4）年
底本の親本：「別の全集」
初出：「雑誌」
入力：某
青空文庫作成ファイル：
このファイルは、インターネットの図書館、青空文庫で作られました。
"""
COLUMNS = (
    "作品ID",
    "作品名",
    "副題",
    "文字遣い種別",
    "作品著作権フラグ",
    "図書カードURL",
    "姓",
    "名",
    "役割フラグ",
)
ROWS = (
    ("000752", "坊っちゃん", "", "新字新仮名", "なし", "https://example.org/752", "夏目", "漱石", "著者"),
    ("000099", "訳書", "", "新字旧仮名", "なし", "", "某", "", "著者"),
    ("000099", "訳書", "", "新字旧仮名", "あり", "", "他", "人", "翻訳者"),
)  # fmt: skip


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "list_person_all_extended_utf8.csv"
    lines = [COLUMNS, *ROWS]
    text = "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in lines)
    path.write_text("\ufeff" + text, encoding="utf-8")
    return path


def works(path: Path) -> list[Document]:
    read = list(read_aozora(path))
    assert all(isinstance(item, Document) for item in read)
    return [item for item in read if isinstance(item, Document)]


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_file_is_taken_apart(newline: str) -> None:
    parts = take_apart(FILE.replace("\n", newline))
    assert parts.header == ("題", "副題", "作者", "訳者訳")
    assert parts.people == ("作者", "訳者訳")
    assert parts.legend[0] == "【テキスト中に現れる記号について】"
    assert parts.body == ("　本文《ほんぶん》。", "底本の話をする。")
    assert parts.colophon[0] == "底本：「全集」書肆"
    assert parts.colophon[-1].startswith("このファイル")


def test_a_file_without_legend_and_colophon_is_header_and_body() -> None:
    parts = take_apart("題\n作者\n\n本文。\n\n続き。\n")
    assert (parts.title, parts.body) == ("題", ("本文。", "", "続き。"))
    assert not parts.legend
    assert not parts.colophon


def test_a_line_of_hyphens_in_the_body_is_no_legend() -> None:
    assert RULE in take_apart(f"題\n作者\n\n本文。\n{RULE}\n続き。\n{RULE}\n底本：本").body


def test_an_empty_line_may_stand_in_the_header() -> None:
    parts = take_apart(FILE.replace("題\n副題\n", "題\n\n副題\n"))
    assert parts.header == ("題", "副題", "作者", "訳者訳")
    assert parts.body[0] == "　本文《ほんぶん》。"


def test_a_line_that_looks_like_a_colophon_far_from_the_end_is_none() -> None:
    verse = [f"行{number}。" for number in range(500)]
    text = "\n".join(
        ["題", "作者", "", "底本：と呼ぶ。", "入力：と言う。", *verse, "", "底本：「本」"]
    )
    parts = take_apart(text)
    assert parts.body == ("底本：と呼ぶ。", "入力：と言う。", *verse)
    assert parts.colophon == ("底本：「本」",)


def test_text_without_a_header_loses_nothing() -> None:
    lines = [f"行{number}。" for number in range(40)]
    assert take_apart("\n".join(lines)).body == tuple(lines)


@pytest.mark.parametrize("text", ["", "\n\n", "題", "底本：「本」", "\ufeff"])
def test_what_has_no_body_is_rejected_as_empty(text: str) -> None:
    outcome = document_of(text, name="1_ruby_1.txt")
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "empty"


def test_the_catalogue_tells_of_people_spelling_and_copyright(catalogue: Path) -> None:
    found = load_catalogue(catalogue)
    work = found.find(Path("752_ruby_2438.txt"))
    assert work is not None
    assert (work.title, work.people, work.is_free) == ("坊っちゃん", ("夏目漱石（著者）",), True)
    assert work.orthography is Orthography.MODERN
    translated = found.find(Path("99_txt_1.txt"))
    assert translated is not None
    assert translated.people == ("某（著者）", "他人（翻訳者）")
    assert not translated.is_free
    assert translated.orthography is Orthography.HISTORICAL
    assert found.find(Path("README.txt")) is None


def test_works_in_copyright_are_rejected(catalogue: Path) -> None:
    for name in ("752_ruby_2438.txt", "99_ruby_1.txt"):
        (catalogue.parent / name).write_text(FILE, encoding="cp932")
    free, held = read_aozora(catalogue.parent)
    assert isinstance(free, Document)
    assert free.metadata["title"] == "坊っちゃん"
    assert free.metadata["orthography_from"] == "catalogue"
    assert free.licence == "public-domain"
    assert isinstance(held, Rejection)
    assert (held.reason, held.detail) == ("in_copyright", "作品著作権フラグ: あり")


def test_without_a_catalogue_the_colophon_tells_of_copyright() -> None:
    text = FILE + "この作品は、クリエイティブ・コモンズ「表示」でライセンスされています。\n"
    outcome = document_of(text, name="1_ruby_1.txt")
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "in_copyright"


def test_a_file_that_is_no_text_is_a_bad_row_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "1_ruby_1.txt").write_bytes(bytes(range(128, 256)) * 20)
    (tmp_path / "2_ruby_2.txt").write_text(FILE, encoding="cp932")
    bad, good = read_aozora(tmp_path)
    assert isinstance(bad, BadRow)
    assert isinstance(good, Document)
    assert good.text == "　本文。\n底本の話をする。"


def test_what_is_not_there_or_not_the_catalogue_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        list(read_aozora(tmp_path / "none"))
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="作品ID"):
        load_catalogue(other)


def test_the_ruby_edition_equals_the_plain_edition(shared_data: Path) -> None:
    folder = shared_data / "aozora" / "ruby_plain_pairs_sjis"
    pairs = [
        (path, path.with_name(path.name.replace("_ruby", "_plain")))
        for path in sorted(folder.glob("*_ruby.txt"))
    ]
    assert len(pairs) == 3
    for ruby, plain in pairs:
        ours = works(ruby)[0]
        assert ours.counts["aozora.ruby"] > 10
        assert bare(ours.text) == bare(works(plain)[0].text)
        # And without our own reading of the plain edition: its notes, cut out by hand.
        body = take_apart(plain.read_text("cp932")).body
        lines = [line for line in body if "※" not in line]
        for line in lines:
            assert bare(re.sub("［＃[^］]*］", "", line)) in bare(ours.text)


def test_every_real_file_is_read_without_markup_left(shared_data: Path) -> None:
    read = works(shared_data / "aozora" / "raw_sjis")
    assert len(read) == 20
    historical = {
        work.metadata["title"] for work in read if work.metadata["orthography"] == "historical"
    }
    assert historical == {"富嶽百景", "たけくらべ"}
    unresolved = {"unresolved_gaiji", "unclosed_note", "unclosed_ruby", "unattached_ruby", "stray_bar",
                  "unresolved_iteration_mark", "note.unrecognised"}  # fmt: skip
    for work in read:
        assert not re.search(r"[［］《》｜#＃]|／＼|／″＼|底本：|【テキスト", work.text), work.id
        assert work.metadata["people"]
        assert work.metadata["colophon"].startswith("底本")
        left = {name for name in work.counts if name.removeprefix("aozora.") in unresolved}
        assert left == ({"aozora.unresolved_gaiji"} if work.metadata["title"] == "舞姫" else set())
        for heading in work.metadata["headings"]:
            line = work.text[heading["offset"] :].split("\n")[0]
            assert heading["text"] in line


def test_archives_are_read_and_damaged_ones_are_bad_rows(tmp_path: Path) -> None:
    def pack(name: str, *members: str) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, FILE.encode("cp932"))
        return tmp_path / name

    pack("1_ruby_1.zip", "dai.txt")
    pack("2_ruby_2.zip", "../dai.txt")
    pack("3_ruby_3.zip", "dai.txt", "hoka.txt")
    whole = pack("4_ruby_4.zip", "dai.txt").read_bytes()
    (tmp_path / "4_ruby_4.zip").write_bytes(whole[: len(whole) // 2])
    good, outside, two, damaged = read_aozora(tmp_path)
    assert isinstance(good, Document)
    assert good.id == "aozora:1_ruby_1"
    for bad, reason in ((outside, "leads out"), (two, "holds 2 texts"), (damaged, "ZIP")):
        assert isinstance(bad, BadRow)
        assert reason in bad.reason


def test_folders_of_works_are_opened_as_a_source(catalogue: Path) -> None:
    for name in ("752_ruby_2438.txt", "99_ruby_1.txt", "README.txt"):
        (catalogue.parent / name).write_text(FILE, encoding="cp932")
    reader = open_source(catalogue.parent)
    assert isinstance(reader, AozoraReader)
    assert reader.facts()["recognised_by"].startswith("the catalogue")
    (shard,) = reader.shards()
    assert pickle.loads(pickle.dumps(reader)) == reader
    read = list(reader.documents(shard))
    assert [item.id for item in read if isinstance(item, Document)] == [
        "aozora:752_ruby_2438",
        "aozora:README",
    ]
    assert [item.reason for item in read if isinstance(item, BadRow)] == [
        "in_copyright: 作品著作権フラグ: あり"
    ]
    assert not isinstance(open_source(catalogue.parent, text_unit="file"), AozoraReader)


def test_works_are_told_by_their_names_and_cut_into_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        (tmp_path / f"{number}_ruby_{number}.txt").write_text(FILE, encoding="cp932")
    monkeypatch.setattr("migaki.corpus.aozora.source.WORKS_OF_A_SHARD", 2)
    reader = open_source(tmp_path)
    parts = [[item.id for item in reader.documents(shard)] for shard in reversed(reader.shards())]
    assert parts == [
        ["aozora:4_ruby_4"],
        ["aozora:2_ruby_2", "aozora:3_ruby_3"],
        ["aozora:0_ruby_0", "aozora:1_ruby_1"],
    ]
    (tmp_path / "0_ruby_0.txt").rename(tmp_path / "notes.txt")
    for name in "abcd":
        (tmp_path / f"{name}.txt").write_text("文です。", encoding="utf-8")
    assert not isinstance(open_source(tmp_path), AozoraReader)


def test_works_are_prepared_as_literature(tmp_path: Path) -> None:
    (tmp_path / "1_ruby_1.txt").write_text(FILE, encoding="cp932")
    (prepared,) = configured_inputs(PipelineConfig(sources={str(tmp_path): None}))
    assert prepared.preset == "literature"
    assert "1 of 1 files are named like" in prepared.reason
