"""Files of every kind to rows with their lines, and what damaged ones get."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from migaki.corpus import files
from migaki.corpus.files import SAMPLES, BadRow, Row, find_files, open_file
from migaki.corpus.samples import SAMPLES_PATH
from migaki.errors import DataError, UsageError

ROWS = [{"text": "一つ目。"}, {"text": "二つ目\nの行。"}, {"text": "三つ目。"}]


def rows(path: Path, **kwargs: str) -> list[Row | BadRow]:
    return list(open_file(path, **kwargs).rows())


def good(path: Path) -> list[tuple[int, object]]:
    found = rows(path)
    assert all(isinstance(row, Row) for row in found), found
    return [(row.line, row.value) for row in found if isinstance(row, Row)]


def jsonl(values: list[object]) -> str:
    return "".join(json.dumps(v, ensure_ascii=False) + "\n" for v in values)


class TestJson:
    def test_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text("\n" + jsonl(ROWS).replace("\n", "\n\n", 1), encoding="utf-8")
        assert good(path) == [(2, ROWS[0]), (4, ROWS[1]), (5, ROWS[2])]

    def test_an_indented_object_under_the_name_jsonl(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text(json.dumps({"messages": ROWS}, indent=1), encoding="utf-8")
        assert [v for _, v in good(path)] == [{"messages": ROWS}]

    def test_several_indented_objects_are_named_as_the_cause(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text("\n".join(json.dumps(row, indent=1) for row in ROWS), encoding="utf-8")
        with pytest.raises(DataError, match=r"a second JSON object begins here.*one object a line"):
            rows(path)

    @pytest.mark.parametrize("codec", ["utf-8-sig", "cp932", "euc_jp", "utf-16"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_lines_in_any_encoding(self, tmp_path: Path, codec: str, end: str) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(jsonl(ROWS).replace("\n", end).encode(codec))
        assert [value for _, value in good(path)] == ROWS
        assert open_file(path).encoding.codec == codec  # type: ignore[union-attr]

    def test_array_with_the_lines_of_its_elements(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.write_text(json.dumps(ROWS, ensure_ascii=False, indent=1), encoding="utf-8")
        assert good(path) == [(2, ROWS[0]), (5, ROWS[1]), (8, ROWS[2])]

    def test_lines_under_the_name_json_and_an_array_under_the_name_jsonl(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "a.json").write_text(jsonl(ROWS), encoding="utf-8")
        (tmp_path / "b.jsonl").write_text(json.dumps(ROWS), encoding="utf-8")
        assert [v for _, v in good(tmp_path / "a.json")] == ROWS
        assert [v for _, v in good(tmp_path / "b.jsonl")] == ROWS

    @pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.md"])
    def test_lines_under_another_name(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text(jsonl(ROWS), encoding="utf-8")
        assert open_file(tmp_path / name).kind == "jsonl"
        (tmp_path / name).write_text("{一行目}\n{二行目}\n", encoding="utf-8")
        assert open_file(tmp_path / name).kind != "jsonl"

    def test_one_line_of_more_than_the_sample(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "_SAMPLE_BYTES", 100)
        path = tmp_path / "a.jsonl"
        path.write_text(json.dumps({"text": "長" * 200}, ensure_ascii=False), encoding="utf-8")
        assert good(path) == [(1, {"text": "長" * 200})]

    def test_one_object_that_holds_the_rows(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        for indent in (1, None):
            text = json.dumps({"version": 1, "data": ROWS}, indent=indent)
            path.write_text(text, encoding="utf-8")
            assert [v for _, v in good(path)] == ROWS

    def test_a_broken_line_is_a_bad_row(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_text('{"text": "良い"}\n{"text": "切れ\n{"text" "悪い"}\n', encoding="utf-8")
        _, cut, broken = rows(path)
        assert isinstance(cut, BadRow)
        assert (cut.line, cut.raw) == (2, '{"text": "切れ')
        assert "cut off at column" in cut.reason
        assert isinstance(broken, BadRow)
        assert "not valid JSON at column 9" in broken.reason

    def test_a_broken_byte_is_a_bad_row(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        path.write_bytes(
            jsonl(ROWS[:1]).encode() + b'{"text": "\xe4\xb8"}\n' + jsonl(ROWS[2:]).encode()
        )
        found = rows(path, encoding="utf-8")
        assert isinstance(found[1], BadRow)
        assert "not valid UTF-8" in found[1].reason
        assert isinstance(found[2], Row)

    @pytest.mark.parametrize("keep", [0.3, 0.5, 0.9])
    def test_an_array_cut_in_half_is_an_error_with_its_place(
        self, tmp_path: Path, keep: float
    ) -> None:
        path = tmp_path / "half.json"
        text = json.dumps(ROWS * 20, ensure_ascii=False, indent=1)
        path.write_text(text[: int(len(text) * keep)], encoding="utf-8")
        with pytest.raises(
            DataError, match=r"half\.json:\d+: the JSON is cut off|not valid JSON"
        ) as error:
            rows(path)
        assert error.value.hint

    def test_an_array_broken_in_the_middle_names_the_line(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.write_text('[{"text": "a"},\n{"text": b},\n{"text": "c"}]', encoding="utf-8")
        with pytest.raises(DataError, match=r"a\.json:2"):
            rows(path)


class TestTables:
    def test_csv_with_quotes_and_line_ends(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_bytes(
            'prompt,completion\r\n"一行\n二行","「""はい""」"\r\n三,四\r\n'.encode("cp932")
        )
        assert good(path) == [
            (2, {"prompt": "一行\n二行", "completion": '「"はい"」'}),
            (4, {"prompt": "三", "completion": "四"}),
        ]

    def test_a_row_with_too_few_columns_is_bad(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("text,label\nある,1\nない\n", encoding="utf-8")
        bad = rows(path)[1]
        assert isinstance(bad, BadRow)
        assert (bad.line, bad.reason) == (3, "has 1 columns where the header has 2")

    def test_tsv_with_bare_quotes(self, tmp_path: Path) -> None:
        path = tmp_path / "a.tsv"
        path.write_text('ja\ten\n彼は言った\t"Hello," he said\n', encoding="utf-8")
        assert good(path) == [(2, {"ja": "彼は言った", "en": '"Hello," he said'})]

    def test_tsv_of_a_spreadsheet(self, tmp_path: Path) -> None:
        path = tmp_path / "a.tsv"
        path.write_text('ja\ten\n"一\n二"\tone\n', encoding="utf-8")
        assert good(path) == [(2, {"ja": "一\n二", "en": "one"})]

    def test_parquet_by_content(self, tmp_path: Path) -> None:
        path = tmp_path / "without_suffix"
        pq.write_table(pa.Table.from_pylist(ROWS * 1000), path)
        found = good(path)
        assert len(found) == 3000
        assert found[2999] == (3000, ROWS[2])

    def test_parquet_cut_off(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        pq.write_table(pa.Table.from_pylist(ROWS * 1000), path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(DataError, match="not a readable Parquet file"):
            rows(path)


def test_columns_parted_by_semicolons_are_named_as_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("prompt;completion\n今日は？;雨です。\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"'prompt;completion'.*parted by semicolons.*with commas"):
        rows(path)


def test_text_by_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(
        "\r\n題\r\n\r\n一段落目。\r\n続き。\r\n\r\n　\r\n　二段落目。".encode("euc_jp")
    )
    assert good(path) == [(2, "題"), (4, "一段落目。\n続き。"), (8, "　二段落目。")]


class TestNotThere:
    def test_missing(self) -> None:
        with pytest.raises(DataError, match=r"nothing\.jsonl does not exist"):
            find_files(["nothing.jsonl"])

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
    def test_empty(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.jsonl").write_bytes(content)
        with pytest.raises(DataError, match="is empty"):
            open_file(tmp_path / "a.jsonl")

    def test_empty_array(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text("[]")
        with pytest.raises(DataError, match="empty JSON array"):
            rows(tmp_path / "a.json")

    @pytest.mark.parametrize("content", ["1", "null", '"日本"'])
    def test_json_of_one_value_is_one_row(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "a.json").write_text(content, encoding="utf-8")
        assert good(tmp_path / "a.json") == [(1, json.loads(content))]

    @pytest.mark.parametrize(
        ("value", "why"),
        [("9" * 5000, "number of thousands of digits"), ("[" * 10**5 + "]" * 10**5, "too deeply")],
    )
    def test_json_that_python_does_not_take(self, tmp_path: Path, value: str, why: str) -> None:
        (tmp_path / "a.jsonl").write_text(f'{{"text": {value}}}\n')
        (bad,) = rows(tmp_path / "a.jsonl")
        assert isinstance(bad, BadRow)
        assert why in bad.reason
        for text in (f'{{"text":\n{value}}}', f'[{{"text": {value}}}]'):
            (tmp_path / "a.json").write_text(text)
            with pytest.raises(DataError, match=why):
                rows(tmp_path / "a.json")

    def test_a_pipe_is_refused_and_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.jsonl")
        with pytest.raises(DataError, match="a pipe or a device, not a file"):
            open_file(tmp_path / "a.jsonl")

    def test_packed_and_damaged(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00data")
        with pytest.raises(DataError, match="is damaged"):
            open_file(tmp_path / "a.jsonl.gz")

    def test_a_zip_archive(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(b"PK\x03\x04data")
        with pytest.raises(DataError, match=r"ZIP archive.*Unpack"):
            open_file(tmp_path / "a.zip")

    def test_a_folder_of_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").touch()
        with pytest.raises(DataError, match="holds no data files"):
            find_files([str(tmp_path)])

    def test_named_twice(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("x")
        with pytest.raises(UsageError, match="named twice"):
            find_files([str(tmp_path / "a.txt")] * 2)


def test_folders_globs_and_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.jsonl", "a.txt", "c.png"):
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)
    assert find_files([str(tmp_path)]) == [tmp_path / "a.txt", tmp_path / "b.jsonl"]
    assert find_files(["*.txt"]) == [Path("a.txt")]
    assert find_files([SAMPLES]) == [SAMPLES_PATH]
    (tmp_path / SAMPLES).mkdir()  # what the user has himself wins
    (tmp_path / SAMPLES / "mine.txt").write_text("x")
    assert find_files([SAMPLES]) == [Path(SAMPLES) / "mine.txt"]


class TestPacked:
    def test_a_compressed_file_has_the_rows_of_the_plain_one(self, tmp_path: Path) -> None:
        plain = '{"text": "雨"}\n{"text": "雪"}\n'.encode()
        (tmp_path / "a.jsonl").write_bytes(plain)
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(plain))
        packed = open_file(tmp_path / "a.jsonl.gz")
        assert (packed.kind, packed.is_compressed) == ("jsonl", True)
        assert [(r.line, r.value) for r in packed.rows() if isinstance(r, Row)] == [
            (r.line, r.value) for r in open_file(tmp_path / "a.jsonl").rows() if isinstance(r, Row)
        ]

    def test_a_file_that_is_cut_off_is_an_error_at_its_place(self, tmp_path: Path) -> None:
        rows = "".join(f'{{"text": "{n * 7919 % 10007}番目"}}\n' for n in range(20000)).encode()
        data = gzip.compress(rows)
        (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) - 3000])
        with pytest.raises(DataError, match=r"a\.jsonl\.gz:\d+: is damaged or cut off here"):
            list(open_file(tmp_path / "a.jsonl.gz").rows())

    def test_of_a_prepared_folder_what_was_kept_is_found(self, tmp_path: Path) -> None:
        for name in ("data/part-0.jsonl.zst", "rejected/part-0.jsonl.zst", ".work/stats.json"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
        assert find_files([str(tmp_path)]) == [tmp_path / "data" / "part-0.jsonl.zst"]

    def test_hidden_files_are_left_out(self, tmp_path: Path) -> None:
        for name in (".git/a.json", ".b.jsonl", "c.jsonl"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        assert find_files([str(tmp_path)]) == [tmp_path / "c.jsonl"]
