"""The configuration of a cleaning: strict, laid over presets, with the user's own filters."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from migaki.config import to_mapping
from migaki.corpus.cleaning.config import (
    PRESETS,
    build_stages,
    cleaning_config,
    read_cleaning_config,
    read_preset,
)
from migaki.corpus.documents import Document, Rejection, run_stages
from migaki.errors import ConfigError, UsageError


def document(text: str) -> Document:
    return Document(text, id="a:1", source="a", licence="CC0-1.0")


def keeps_long(text: str) -> bool:
    return len(text) > 5


def says_why(text: str) -> tuple[bool, str]:
    return False, "for a reason"


def shouts(text: str) -> str:
    return text + "！"


def breaks(text: str) -> bool:
    raise ValueError("no")


def test_settings_are_laid_over_a_preset() -> None:
    config = cleaning_config("web", {"length": {"min_japanese": 10}, "ellipses": None})
    assert config.length is not None
    assert config.length.min_japanese == 10
    assert config.ellipses is None
    assert config.sentence_length == cleaning_config("web").sentence_length


def test_on_and_off_switch_stages() -> None:
    config = cleaning_config("web", {"adverts": False, "frequent_ngrams": True})
    assert config.adverts is None
    assert config.frequent_ngrams is not None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"lenght": {}}, "Did you mean 'length'"),
        ({"length": {"min_japanes": 3}}, "Did you mean 'length.min_japanese'"),
        ({"japanese_ratio": {"min_ratio": 1.5}}, "less than or equal to 1"),
        ({"length": {"min_japanese": "many"}}, "valid integer"),
        ({"personal_information": {"kinds": ["name"]}}, "'email'"),
        ({"adult_words": {"lists": ["migaki:nothing"]}}, "no word list"),
        ({"python": ["no.such.module:filter"]}, "cannot be imported"),
        ({"python": ["os.path"]}, "not module:function"),
        ({"hojichar": {"filters": ["NoSuchFilter"]}}, "no document filter"),
        ({"hojichar": {}}, "either filters or a profile"),
    ],
)
def test_what_is_wrong_is_told_before_a_run(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        cleaning_config("none", settings)
    assert says in str(error.value)


def test_a_preset_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="no preset 'webb'"):
        read_preset("webb")


def test_swallow_has_the_published_numbers_where_web_has_its_own() -> None:
    web, swallow = (to_mapping(cleaning_config(preset)) for preset in ("web", "swallow"))
    assert {name for name in web if web[name] != swallow[name]} == {
        "preset",
        "sentence_length",
        "advert_lines",
    }
    assert swallow["sentence_length"] == {"min_average": 20, "max_average": 90, "max_longest": 200}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_configuration_is_written_and_read_again(preset: str) -> None:
    config = cleaning_config(preset)
    assert cleaning_config("none", to_mapping(config)) == config


def test_a_file_and_overrides_are_read(tmp_path: Path) -> None:
    path = tmp_path / "cleaning.yaml"
    path.write_text("preset: dialogue\nlength: {min_japanese: 2}\nsymbols: off\n", encoding="utf-8")
    config = read_cleaning_config(path, overrides=["length.max_characters=100"])
    assert config.preset == "dialogue"
    assert config.length is not None
    assert (config.length.min_japanese, config.length.max_characters) == (2, 100)
    assert config.symbols is None


def test_functions_of_the_user_are_run_in_order() -> None:
    here = __name__
    config = cleaning_config("none", {"python": [f"{here}:keeps_long", f"{here}:shouts"]})
    stages = build_stages(config)
    kept = run_stages(document("長い文章です"), stages)
    assert isinstance(kept, Document)
    assert (kept.text, kept.counts) == ("長い文章です！", {"python.changed": 1})
    assert isinstance(run_stages(document("短い"), stages), Rejection)


@pytest.mark.parametrize(
    ("name", "says"), [("says_why", "for a reason"), ("breaks", "ValueError: no")]
)
def test_what_a_function_says_is_the_detail(name: str, says: str) -> None:
    stages = build_stages(cleaning_config("none", {"python": [f"{__name__}:{name}"]}))
    outcome = run_stages(document("文"), stages)
    assert isinstance(outcome, Rejection)
    assert says in outcome.detail


def test_filters_of_hojichar_run_as_one_stage() -> None:
    filters = ["AcceptJapanese", {"DocumentLengthFilter": {"min_doc_len": 5}}, "DocumentNormalizer"]
    stages = build_stages(cleaning_config("none", {"hojichar": {"filters": filters}}))
    kept = run_stages(document("ほうじ茶がＡあります"), stages)
    assert isinstance(kept, Document)
    assert kept.text == "ほうじ茶がAあります"
    for text, name in (("hello, world", "AcceptJapanese"), ("茶だ", "DocumentLengthFilter")):
        outcome = run_stages(document(text), stages)
        assert isinstance(outcome, Rejection)
        assert outcome.detail == name


@pytest.mark.parametrize("name", ["own_hojichar_profile", "profile", "json"])
def test_a_profile_of_hojichar_is_loaded_and_hides_no_module(tmp_path: Path, name: str) -> None:
    before = sys.modules.get(name)
    profile = tmp_path / f"{name}.py"  # HojiChar imports it by this name
    profile.write_text(
        "from hojichar import Compose, document_filters\n"
        "FILTER = Compose([document_filters.DocumentLengthFilter(min_doc_len=5)])\n",
        encoding="utf-8",
    )
    stages = build_stages(cleaning_config("none", {"hojichar": {"profile": str(profile)}}))
    assert name.startswith("own") or sys.modules.get(name) is before
    assert isinstance(run_stages(document("茶だ"), stages), Rejection)
