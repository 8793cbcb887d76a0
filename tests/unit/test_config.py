"""Configuration is read strictly: a typo costs a message, not a training run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaki import config
from migaki.errors import ConfigError
from migaki.recipes.recipe import Recipe

_ALIASES_OF_ALIASES = b"a: &a [x]\n" + b"".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n".encode()
    for old, new in pairwise("abcdefghijkl")
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),  # YAML 1.1 would read a string
        ("2E5", 2e5),
        ("1_000", 1000),
        ("3", 3),
        ("true", True),
        ("null", None),
        ("[a.jsonl, b.txt]", ["a.jsonl", "b.txt"]),
        ("磨き", "磨き"),
        ("", None),
    ],
)
def test_values_are_read_as_a_user_means_them(text: str, value: object) -> None:
    assert config.parse_value(text) == value


def test_unknown_key_names_the_nearest_valid_one() -> None:
    with pytest.raises(
        ConfigError, match=r"unknown key 'training\.learning_rat'.*'training\.learning_rate'"
    ):
        config.build(Recipe, {"training": {"learning_rat": 1e-4}}, where="the recipe")


def test_wrong_value_is_named_with_what_was_received() -> None:
    with pytest.raises(ConfigError, match=r"training\.num_epochs.*'three'"):
        config.build(Recipe, {"training": {"num_epochs": "three"}}, where="the recipe")


def test_true_is_no_number() -> None:
    with pytest.raises(ConfigError, match=r"training\.learning_rate is true"):
        config.build(Recipe, {"training": {"learning_rate": True}}, where="the recipe")
    config.build(Recipe, {"training": {"gradient_checkpointing": True}}, where="the recipe")


def test_a_long_wrong_value_is_shortened() -> None:
    with pytest.raises(ConfigError) as error:
        config.build(Recipe, {"name": ["x"] * 10_000}, where="the recipe")
    assert len(error.value.message) < 500


@pytest.mark.parametrize("override", ["learning_rate", "=3", "training.=3", ".x=1"])
def test_what_is_no_override_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="is not an override"):
        config.parse_overrides([override])


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.yaml"
    path.write_text("method: lora\nmethod: full\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"twice\.yaml.*line 2: the key 'method' stands twice"):
        config.read_yaml(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n- b\n", "must be a mapping"),
        (b"a: [1, 2\n", "not valid YAML"),
        ("name: 磨き\n".encode("cp932"), "cannot be read"),
        (b"!!python/object/apply:os.system ['true']\n", "not valid YAML"),
        (b"name: 2024-13-45\n", "month must be"),
        (b"training: {seed: " + b"9" * 6000 + b"}\n", "limit"),
        (b"{[a]: b}\n", "line 1: a key is a list"),
        (b"name: " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (_ALIASES_OF_ALIASES, "unfold to too many values"),
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        config.read_yaml(path)


def test_missing_recipe_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        config.read_yaml(tmp_path / "none.yaml")


_KEYS = st.text("abcdefg", min_size=1, max_size=3)
_TREES = st.recursive(
    st.integers(), lambda below: st.dictionaries(_KEYS, below, max_size=3), max_leaves=8
)


@given(base=st.dictionaries(_KEYS, _TREES), top=st.dictionaries(_KEYS, _TREES))
def test_merge_keeps_everything_of_the_top(base: dict[str, object], top: dict[str, object]) -> None:
    merged = config.merge(base, top)
    assert config.merge(merged, top) == merged
    assert set(merged) == set(base) | set(top)
    for key, value in top.items():
        if not isinstance(value, dict):
            assert merged[key] == value


def test_yaml_round_trip_of_a_recipe(tmp_path: Path) -> None:
    recipe = Recipe(name="一回目")
    path = tmp_path / "run.yaml"
    path.write_text(config.to_yaml(recipe), encoding="utf-8")
    assert config.build(Recipe, config.read_yaml(path), where="copy") == recipe
