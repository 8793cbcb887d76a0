"""The specified configuration and data manager: names, defaults, and what each mode does."""

from __future__ import annotations

import inspect
import logging
import pickle
from pathlib import Path

import pytest

from migaki import DatasetManager, ExecutionMode, JapaneseDataConfig
from migaki.corpus.documents import Document
from migaki.corpus.manager import FoundDatasets
from migaki.errors import ConfigError, DataError

SIX = ["wikipedia", "cc100", "oscar", "aozora", "news", "technical"]


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / (name if "." in name else f"{name}.jsonl")
        path.write_text('{"text": "雨が降る。"}\n', encoding="utf-8")


def manager(folder: Path, mode: str, **settings: object) -> DatasetManager:
    return DatasetManager(
        JapaneseDataConfig(base_dir=folder, execution_mode=ExecutionMode(mode), **settings)  # type: ignore[arg-type]
    )


def documents(found: FoundDatasets) -> list[Document]:
    return [
        document
        for reader in found.train
        for shard in reader.shards()
        for document in reader.documents(shard)
        if isinstance(document, Document)
    ]


def test_names_order_and_defaults_are_those_of_the_specification() -> None:
    parameters = inspect.signature(JapaneseDataConfig).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "base_dir": Path("dataset/deepseek-jp"),
        "train_files": None,
        "validation_files": None,
        "execution_mode": ExecutionMode.DEVELOPMENT,
        "require_all_files": True,
    }
    assert list(parameters) == [
        "base_dir", "train_files", "validation_files", "execution_mode", "require_all_files",
    ]  # fmt: skip
    assert [(mode.name, mode.value) for mode in ExecutionMode] == [
        ("PRODUCTION", "production"), ("DEVELOPMENT", "development"), ("TRIAL", "trial"),
    ]  # fmt: skip
    assert list(inspect.signature(DatasetManager).parameters) == ["config"]


def test_the_mode_decides_which_files_are_asked_for() -> None:
    assert JapaneseDataConfig(execution_mode=ExecutionMode.PRODUCTION).train_files == SIX
    assert JapaneseDataConfig().train_files == ["wikipedia", "cc100", "dialogue"]
    assert JapaneseDataConfig(execution_mode=ExecutionMode.TRIAL).train_files == []
    assert JapaneseDataConfig(train_files=["a.jsonl"]).train_files == ["a.jsonl"]


@pytest.mark.parametrize(
    ("mode", "of_50", "of_5000"),
    [("trial", 50, 100), ("development", 50, 1000), ("production", 50, 5000)],
)
def test_the_mode_decides_how_much_is_augmented(mode: str, of_50: int, of_5000: int) -> None:
    assert ExecutionMode(mode).augmented_texts(50) == of_50
    assert ExecutionMode(mode).augmented_texts(5000) == of_5000


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="Valid: production, development, trial"):
        JapaneseDataConfig(execution_mode="prod")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="list of names"):
        JapaneseDataConfig(train_files="wikipedia")  # type: ignore[arg-type]


def test_the_configuration_can_be_sent_and_changed(tmp_path: Path) -> None:
    config = JapaneseDataConfig(tmp_path)
    assert pickle.loads(pickle.dumps(config)) == config
    config.require_all_files = False
    assert DatasetManager(config).base_dir == tmp_path


class TestProduction:
    def test_what_is_missing_is_listed_with_the_command_that_gets_it(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(tmp_path, "wikipedia", "news")
        with caplog.at_level(logging.ERROR, logger="migaki"):
            assert manager(tmp_path, "production").ensure_datasets_exist() is False
        with pytest.raises(DataError) as stopped:
            manager(tmp_path, "production").find_datasets()
        said = str(stopped.value)
        assert str(stopped.value) in caplog.text
        for name in ("cc100", "oscar", "aozora"):
            assert f"migaki data prepare {name} --out {tmp_path / name}" in said
        assert "git clone" in said
        assert "prepare wikipedia" not in said

    def test_all_six_are_enough(self, tmp_path: Path) -> None:
        put(tmp_path, *SIX)
        found = manager(tmp_path, "production").find_datasets()
        assert manager(tmp_path, "production").ensure_datasets_exist() is True
        assert [reader.name for reader in found.train] == SIX
        assert [d.licence for d in documents(found)][:2] == ["CC-BY-SA-4.0", "Common-Crawl-terms"]
        assert found.samples_for == ()

    def test_any_one_is_enough_where_not_all_are_required(self, tmp_path: Path) -> None:
        some = manager(tmp_path, "production", require_all_files=False)
        assert some.ensure_datasets_exist() is False
        put(tmp_path, "news")
        assert some.ensure_datasets_exist() is True
        assert [reader.name for reader in some.find_datasets().train] == ["news"]

    def test_generated_samples_are_never_taken(self, tmp_path: Path) -> None:
        put(tmp_path, "synthetic-news.jsonl")
        named = manager(tmp_path, "production", train_files=["synthetic-news.jsonl"])
        assert named.ensure_datasets_exist() is False
        (tmp_path / "renamed.jsonl").write_text(
            '{"text": "雨。", "synthetic": true}\n', encoding="utf-8"
        )
        renamed = manager(tmp_path, "production", train_files=["renamed.jsonl"])
        with pytest.raises(DataError, match="generated samples"):
            renamed.find_datasets()

    def test_no_files_at_all_are_not_enough(self, tmp_path: Path) -> None:
        assert manager(tmp_path, "production", train_files=[]).ensure_datasets_exist() is False


class TestDevelopment:
    def test_samples_stand_in_for_what_is_missing_and_it_is_said(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(tmp_path, "wikipedia")
        with caplog.at_level(logging.WARNING, logger="migaki"):
            assert manager(tmp_path, "development").ensure_datasets_exist() is True
        assert "generated samples stand in for cc100, dialogue" in caplog.text
        found = manager(tmp_path, "development").find_datasets()
        assert found.samples_for == ("cc100", "dialogue")
        real = [d for d in documents(found) if not d.metadata.get("synthetic")]
        assert [d.source for d in real] == ["wikipedia"]
        assert [reader.name for reader in found.train[1:]] == [
            "synthetic-web",
            "synthetic-dialogue",
        ]
        assert len(documents(found)) == 2001
        assert (tmp_path / "synthetic-web.jsonl").exists()
        # What was generated is no source the next time either.
        assert manager(tmp_path, "development").find_datasets().samples_for == ("cc100", "dialogue")

    def test_with_all_files_there_are_no_samples(self, tmp_path: Path) -> None:
        put(tmp_path, "wikipedia", "cc100", "dialogue")
        found = manager(tmp_path, "development").find_datasets()
        assert not found.samples_for
        assert not any(d.metadata.get("synthetic") for d in documents(found))

    def test_any_one_is_enough_where_not_all_are_required(self, tmp_path: Path) -> None:
        put(tmp_path, "cc100")
        found = manager(tmp_path, "development", require_all_files=False).find_datasets()
        assert [reader.name for reader in found.train] == ["cc100"]
        assert found.samples_for == ()


class TestTrial:
    def test_samples_are_used_at_once(self, tmp_path: Path) -> None:
        found = manager(tmp_path / "not there", "trial").find_datasets()
        assert len(documents(found)) == 600
        assert len({reader.name for reader in found.train}) == 6
        assert all("synthetic" in path.name for path in found.train_paths)
        assert all(d.metadata.get("synthetic") for d in documents(found))

    def test_files_that_are_there_are_not_used_and_it_is_said(self, tmp_path: Path) -> None:
        put(tmp_path, "wikipedia")
        found = manager(tmp_path, "trial", train_files=["wikipedia"]).find_datasets()
        assert "wikipedia is there and not used" in found.reason


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="Samples cannot be written"):
        manager(tmp_path / "file" / "data", "trial").find_datasets()


def test_files_to_measure_on_must_be_there(tmp_path: Path) -> None:
    put(tmp_path, "wikipedia", "cc100", "dialogue", "held.jsonl")
    asked = manager(tmp_path, "development", validation_files=["held.jsonl"])
    assert [reader.name for reader in asked.find_datasets().validation] == ["held.jsonl"]
    asked.config.validation_files = ["none.jsonl"]
    with pytest.raises(DataError, match=r"none\.jsonl"):
        asked.find_datasets()
