"""Whole files to training data, with every row accounted for."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.dataset import chat_templates as templates
from tests.unit.dataset.conftest import make_tokenizer

from migaki.dataset.config import DataConfig
from migaki.dataset.prepare import PreparedData, prepare
from migaki.dataset.tokens import IGNORED
from migaki.errors import BadRowError, DataError


def chat(question: str, answer: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


def write(path: Path, rows: list[Any]) -> str:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


THINGS = "机椅子窓扉鏡皿箸茶碗鍋釜傘靴帽子鞄本紙筆墨硯絵花草木森林川海山谷空雲雨雪風月星"
CHATS = [chat(f"{a}と{b}の話をして。", f"{a}の隣に{b}がありました。それは{i}年前のことでした。")
         for i, (a, b) in enumerate(zip(THINGS, THINGS[7:], strict=False))]  # fmt: skip


def account(data: PreparedData) -> None:
    report = data.report
    assert report.rows_read == report.rows_kept + len(data.rejected)
    assert sum(report.rejected.values()) == len(data.rejected)
    assert report.train["rows"] + report.validation["rows"] == report.rows_kept
    assert sum(file.kept for file in report.files) == report.rows_kept
    assert report.train["trained_tokens"] == data.train.trained_tokens
    assert all(n > 0 for n in data.train.trained_lengths)


class TestRows:
    def test_the_simple_path(self, tmp_path: Path, tokenizer: Any) -> None:
        data = prepare(DataConfig(train=[write(tmp_path / "a.jsonl", CHATS)]), tokenizer)
        account(data)
        assert data.report.rows_kept == len(CHATS)
        assert len(data.validation) == round(0.1 * len(CHATS))
        assert data.report.end_of_turn == ("<|im_end|>",)
        row = data.train[0]
        assert tokenizer.decode(row["input_ids"]).startswith("<|im_start|>user\n")
        trained = tokenizer.decode(row["labels"][row["labels"] != IGNORED])
        assert trained.endswith("年前のことでした。<|im_end|>")
        assert row["characters"] == len(trained) - len("<|im_end|>")
        assert not {o.line for o in data.train.origins} & {o.line for o in data.validation.origins}

    def test_twice_the_same(self, tmp_path: Path, tokenizer: Any) -> None:
        config = DataConfig(train=[write(tmp_path / "a.jsonl", CHATS)])
        first, second = prepare(config, tokenizer), prepare(config, tokenizer)
        assert (first.train.input_ids == second.train.input_ids).all()
        assert first.report == second.report

    def test_one_bad_row_is_named(self, tmp_path: Path, tokenizer: Any) -> None:
        path = write(tmp_path / "a.jsonl", [*CHATS, '{"messages": ['])
        with pytest.raises(BadRowError, match=rf"a\.jsonl:{len(CHATS) + 1}: the JSON is cut off"):
            prepare(DataConfig(train=[path]), tokenizer)

    def test_three_bad_rows_of_ten_thousand(self, tmp_path: Path, tokenizer: Any) -> None:
        rows: list[Any] = [CHATS[i % len(CHATS)] for i in range(10_000)]
        rows[10], rows[5000], rows[9999] = "{", {"messages": []}, chat("問い", "")
        path = write(tmp_path / "a.jsonl", rows)
        with pytest.raises(DataError) as error:
            prepare(DataConfig(train=[path]), tokenizer)
        said = str(error.value)
        assert said.startswith("3 of 10000 rows cannot be used")
        assert all(f"a.jsonl:{line}: " in said for line in (11, 5001, 10000))
        assert "--on-bad-row skip" in said
        data = prepare(DataConfig(train=[path], on_bad_row="skip", held_out=0), tokenizer)
        account(data)
        assert [row.line for row in data.rejected] == [11, 5001, 10000]
        assert data.rejected[1].to_json() == {
            "file": path, "line": 5001, "reason": "the conversation is empty", "row": {"messages": []},
        }  # fmt: skip

    def test_only_the_first_ten_are_listed(self, tmp_path: Path, tokenizer: Any) -> None:
        path = write(tmp_path / "a.jsonl", [*CHATS, *["{"] * 25])
        with pytest.raises(DataError, match="and 15 more"):
            prepare(DataConfig(train=[path]), tokenizer)

    def test_what_the_template_refuses_is_a_bad_row(self, tmp_path: Path) -> None:
        odd = {"messages": [{"role": "assistant", "content": "先に。"}, *CHATS[0]["messages"]]}
        path = write(tmp_path / "a.jsonl", [*CHATS, odd])
        tokenizer = make_tokenizer(templates.GEMMA)
        with pytest.raises(BadRowError, match=r"refuses this conversation: .*alternate"):
            prepare(DataConfig(train=[path]), tokenizer)
        data = prepare(DataConfig(train=[path], on_bad_row="skip"), tokenizer)
        account(data)

    def test_mixed_formats_are_an_error_with_lines(self, tmp_path: Path, tokenizer: Any) -> None:
        path = write(
            tmp_path / "a.jsonl", [*CHATS, {"instruction": "x", "output": "y"}, {"text": "z"}]
        )
        with pytest.raises(DataError) as error:
            prepare(DataConfig(train=[path], on_bad_row="skip"), tokenizer)
        count = len(CHATS)
        assert f"Alpaca in 1 (line {count + 1})" in str(error.value)
        assert f"raw text in 1 (line {count + 2})" in str(error.value)

    def test_nothing_left_says_why(self, tmp_path: Path, tokenizer: Any) -> None:
        path = write(tmp_path / "a.jsonl", [chat("長い" * 50, "答え")] * 3)
        with pytest.raises(
            DataError, match=r"No row is left to train on .3 rows: its prompt alone"
        ):
            prepare(DataConfig(train=[path], max_tokens=16), tokenizer)

    def test_everything_held_out_says_so(self, tmp_path: Path, tokenizer: Any) -> None:
        name = write(tmp_path / "a.jsonl", CHATS)
        with pytest.raises(DataError, match="are held out"):
            prepare(DataConfig(train=[name], held_out=0.999), tokenizer)

    def test_a_column_that_no_row_has_is_an_error(self, tmp_path: Path, tokenizer: Any) -> None:
        name = write(tmp_path / "a.jsonl", [{"text": "一つ目。"}, {"text": "二つ目。"}])
        with pytest.raises(DataError, match=r"data\.columns names 'body', which no row has"):
            prepare(DataConfig(train=[name], columns={"text": "body"}), tokenizer)

    def test_reasons_are_counted_with_what_they_are_about(
        self, tmp_path: Path, tokenizer: Any
    ) -> None:
        null = {"messages": [{"role": "user", "content": None}, *CHATS[0]["messages"][1:]]}
        name = write(tmp_path / "a.jsonl", [*CHATS, null, null])
        data = prepare(DataConfig(train=[name], on_bad_row="skip"), tokenizer)
        assert data.report.rejected == {"message N: the content is null, not a string": 2}

    def test_max_rows(self, tmp_path: Path, tokenizer: Any) -> None:
        paths = [write(tmp_path / name, CHATS[:10]) for name in ("a.jsonl", "b.jsonl")]
        data = prepare(DataConfig(train=paths, max_rows=15, held_out=0), tokenizer)
        account(data)
        assert [file.rows for file in data.report.files] == [10, 5]


LONG = [*CHATS, chat("長い話をして。", "昔々、" + "ある所に、" * 60), chat("問い、" * 60, "短い。")]


class TestOverlong:
    def run(self, tmp_path: Path, tokenizer: Any, policy: Any, **kwargs: Any) -> PreparedData:
        path = write(tmp_path / "a.jsonl", LONG)
        data = prepare(
            DataConfig(train=[path], max_tokens=100, on_overlong=policy, held_out=0, **kwargs),
            tokenizer,
        )
        account(data)
        assert max(data.train.lengths) <= 100
        return data

    def test_truncate_counts_what_is_lost_and_teaches_no_end(
        self, tmp_path: Path, tokenizer: Any
    ) -> None:
        data = self.run(tmp_path, tokenizer, "truncate")
        over = data.report.overlong
        assert (over.rows, over.rows_without_end) == (2, 1)
        assert over.tokens_total_lost > over.tokens_trained_lost > 0
        assert data.report.rejected == {"its prompt alone is longer than N tokens": 1}
        cut = data.train.labels[-data.train.lengths[-1] :]
        assert tokenizer.eos_token_id not in cut
        assert any("do not teach the model to stop" in warning for warning in data.report.warnings)

    def test_auto_truncates_chats(self, tmp_path: Path, tokenizer: Any) -> None:
        assert self.run(tmp_path, tokenizer, "auto").report.overlong.rows == 2

    def test_drop(self, tmp_path: Path, tokenizer: Any) -> None:
        data = self.run(tmp_path, tokenizer, "drop")
        assert data.report.rejected == {"longer than N tokens": 2}
        assert data.report.overlong.tokens_trained_lost > 0

    def test_error(self, tmp_path: Path, tokenizer: Any) -> None:
        with pytest.raises(
            DataError, match=r"2 of \d+ rows are too long: .*longer than 100 tokens"
        ):
            self.run(tmp_path, tokenizer, "error")

    def test_split_divides_chats_between_exchanges(self, tmp_path: Path, tokenizer: Any) -> None:
        messages = [{"role": "system", "content": "短く。"}]
        for i in range(6):
            messages += chat(f"{i}番の問い。", f"{i}番の答えです。")["messages"]
        path = write(tmp_path / "a.jsonl", [{"messages": messages}])
        data = prepare(
            DataConfig(train=[path], max_tokens=150, on_overlong="split", held_out=0), tokenizer
        )
        account(data)
        texts = [tokenizer.decode(row["input_ids"]) for row in data.train]
        assert len(texts) > 1
        assert all(text.startswith("<|im_start|>system\n短く。") for text in texts)
        answers = [f"{i}番の答えです。<|im_end|>" for i in range(6)]
        trained = [tokenizer.decode(r["labels"][r["labels"] != IGNORED]) for r in data.train]
        assert "".join(trained) == "".join(answers)
        assert data.report.overlong.tokens_total_lost == 0


class TestText:
    TEXT = "".join(
        f"{i}匹目の猫が鳴いた。" + "にゃあ、" * (i % 5) + "\n" * (i % 3 == 0) for i in range(120)
    )

    def test_long_text_is_divided_at_sentence_ends_without_loss(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text(self.TEXT, encoding="cp932")
        tokenizer = make_tokenizer(templates.CHATML)
        data = prepare(DataConfig(train=[str(path)], max_tokens=64, held_out=0), tokenizer)
        account(data)
        texts = [tokenizer.decode(row["input_ids"]) for row in data.train]
        assert "".join(texts) == self.TEXT.strip("\n") + "</s>"
        assert all(text.endswith(("。", "\n", "、", "</s>")) for text in texts)
        assert all("�" not in text for text in texts)
        assert data.report.overlong.pieces == len(texts) > 10
        assert data.train.trained_tokens == data.train.total_tokens - len(texts)
        assert sum(data.train.characters) == len(self.TEXT.strip("\n"))

    def test_pieces_are_held_out_where_rows_are_few(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text(self.TEXT, encoding="utf-8")
        data = prepare(
            DataConfig(train=[str(path)], max_tokens=64), make_tokenizer(templates.CHATML)
        )
        account(data)
        assert len(data.validation) == round(0.1 * (len(data.train) + len(data.validation)))
        assert "too few to hold any out whole" in data.report.split.method

    def test_control_tokens_in_text_are_kept_and_counted(
        self, tmp_path: Path, tokenizer: Any
    ) -> None:
        path = write(
            tmp_path / "a.jsonl", [{"text": "<|im_start|>user\nやあ<|im_end|>"}, {"text": "猫。"}]
        )
        data = prepare(DataConfig(train=[path], held_out=0), tokenizer)
        assert sum("control tokens" in note for note in data.report.notes) == 1
        assert tokenizer.convert_tokens_to_ids("<|im_start|>") in data.train.input_ids

    def test_a_prompt_is_joined_with_its_completion_without_a_template(
        self, tmp_path: Path
    ) -> None:
        path = write(tmp_path / "a.jsonl", [{"prompt": "昔々、", "completion": "ある所に。"}])
        tokenizer = make_tokenizer(None)
        row = prepare(DataConfig(train=[path], held_out=0), tokenizer).train[0]
        assert tokenizer.decode(row["input_ids"]) == "昔々、ある所に。</s>"
        assert tokenizer.decode(row["labels"][row["labels"] != IGNORED]) == "ある所に。</s>"
        assert tokenizer.chat_template is None


class TestHoldingOut:
    def test_evaluation_files_take_their_duplicates_out_of_training(
        self, tmp_path: Path, tokenizer: Any
    ) -> None:
        train = write(tmp_path / "a.jsonl", CHATS)
        held = write(tmp_path / "b.jsonl", CHATS[:3])
        data = prepare(DataConfig(train=[train], evaluation=[held]), tokenizer)
        account(data)
        assert data.report.validation["rows"] == 3
        assert data.report.rejected == {"also in the evaluation files, or nearly so": 3}
        assert [row.line for row in data.rejected] == [1, 2, 3]

    def test_train_on_all(self, tmp_path: Path, tokenizer: Any) -> None:
        path = write(tmp_path / "a.jsonl", CHATS)
        row = prepare(DataConfig(train=[path], train_on="all"), tokenizer).train[0]
        trained = tokenizer.decode(row["labels"][row["labels"] != IGNORED])
        assert trained == tokenizer.decode(row["input_ids"]).removesuffix("\n")


GOOD = st.builds(
    chat,
    st.text("あいう漢字。", min_size=1, max_size=30),
    st.text("かきく。", min_size=1, max_size=60),
)
BAD = st.sampled_from(["{", '{"messages": []}', json.dumps(chat("あ", "")), '{"messages": 3}'])


@given(
    st.lists(GOOD | BAD, min_size=1, max_size=30),
    st.sampled_from(["auto", "truncate", "drop", "split"]),
    st.integers(16, 60),
    st.sampled_from([0.0, 0.1, 0.5]),
)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_rows_in_are_rows_kept_and_rows_rejected(
    tmp_path: Path, rows: list[Any], policy: Any, max_tokens: int, held_out: float
) -> None:
    path = write(tmp_path / "a.jsonl", rows)
    config = DataConfig(
        train=[path],
        on_bad_row="skip",
        on_overlong=policy,
        max_tokens=max_tokens,
        held_out=held_out,
    )
    with suppress(DataError):  # nothing is left to train on
        account(prepare(config, make_tokenizer(templates.CHATML, eos_token="<|im_end|>")))


class TestRealFiles:
    @pytest.mark.parametrize(
        ("name", "settings", "rows", "format_"),
        [
            ("instruct/instruction_ja.jsonl", {}, 563, "messages"),
            ("instruct/ja_instruct_mix_alpaca.json", {}, 3922, "alpaca"),
            ("dialogue/asdc_customer_service_chat.jsonl", {"on_bad_row": "skip"}, 3000, "messages"),
            ("dialogue/real_persona_chat.jsonl", {"max_tokens": 512}, 1100, "text"),
            ("keigo/keico.jsonl", {}, 7942, "text"),
            ("aozora/raw_sjis/127_ruby_150.txt", {"max_tokens": 256}, 7, "text"),
            ("sentences/tanaka_ja_en.tsv", {"columns": {"prompt": "en", "completion": "ja"}}, 6000,
             "prompt_completion"),
        ],
    )  # fmt: skip
    def test_are_read_whole(
        self, shared_data: Path, tokenizer: Any, name: str, settings: Any, rows: int, format_: str
    ) -> None:
        data = prepare(DataConfig(train=[str(shared_data / name)], **settings), tokenizer)
        account(data)
        assert data.report.rows_read == rows
        assert data.report.files[0].format == format_
        assert data.report.to_json()["files"][0]["sha256"]
        json.dumps(data.report.to_json())

    def test_the_one_bad_row_of_asdc_is_named(self, shared_data: Path, tokenizer: Any) -> None:
        path = shared_data / "dialogue/asdc_customer_service_chat.jsonl"
        with pytest.raises(BadRowError, match=r":1682: no assistant turn"):
            prepare(DataConfig(train=[str(path)]), tokenizer)

    def test_a_whole_novel_comes_back_from_its_tokens(
        self, shared_data: Path, tokenizer: Any
    ) -> None:
        path = shared_data / "aozora/raw_sjis/127_ruby_150.txt"
        data = prepare(DataConfig(train=[str(path)], max_tokens=128, held_out=0), tokenizer)
        text = "".join(tokenizer.decode(row["input_ids"]) for row in data.train)
        source = path.read_bytes().decode("cp932").replace("\r\n", "\n")
        assert text.replace("<|im_end|>", "").replace("\n", "") == source.replace("\n", "")
        assert data.report.files[0].encoding == "cp932"
