"""Recipes: where they come from, what lies over what, what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from migaki.errors import ConfigError
from migaki.recipes import recipe as recipes
from migaki.recipes.run_folder import mask_secrets


def test_every_builtin_recipe_loads_and_opens_with_its_command() -> None:
    for name, path in recipes.builtin_recipes().items():
        assert path.read_text(encoding="utf-8").startswith("# migaki train"), path
        recipe, origin = recipes.read_recipe(name)
        assert name in origin
        assert recipe.data.train == ["samples"]


def test_nothing_given_is_the_first_run_and_says_why() -> None:
    recipe, origin = recipes.read_recipe()
    assert recipe.model.name == "migaki-tiny"
    assert "first-run" in origin
    assert "embedded" in origin


def test_another_model_takes_the_settings_of_its_method() -> None:
    recipe, origin = recipes.read_recipe(settings={"model": {"name": "some/model"}})
    assert recipe.training.learning_rate == pytest.approx(2e-4)
    assert "'lora'" in origin
    assert recipe.model.name == "some/model"


def test_overrides_lie_over_flags_lie_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "training: {learning_rate: 1e-5, num_epochs: 7, batch_size: 2}\n", encoding="utf-8"
    )
    recipe, _ = recipes.read_recipe(
        path,
        settings={"training": {"learning_rate": 2e-5, "num_epochs": 8}},
        overrides=["training.learning_rate=3e-5"],
    )
    training = recipe.training
    assert (training.learning_rate, training.num_epochs, training.batch_size) == (3e-5, 8, 2)


def test_full_training_of_a_quantized_base_is_refused() -> None:
    with pytest.raises(ConfigError, match="Choose method: qlora"):
        recipes.read_recipe("full", overrides=["lora.use_qlora=true"])


def test_qlora_can_be_said_in_two_ways() -> None:
    by_method, _ = recipes.read_recipe("first-run", overrides=["method=qlora"])
    by_flag, _ = recipes.read_recipe("first-run", overrides=["lora.use_qlora=true"])
    assert by_method.lora.use_qlora
    assert by_flag.method == "qlora"


@pytest.mark.parametrize(
    "name", ["../outside", "a/b", "..", "", "a\nb", "a\0", "\ud800", "長" * 100]
)
def test_a_run_name_cannot_leave_the_output_folder(name: str) -> None:
    with pytest.raises(ConfigError, match="folder name"):
        recipes.read_recipe(settings={"name": name})


def test_what_contradicts_itself_is_said_without_the_whole_recipe() -> None:
    with pytest.raises(ConfigError) as error:
        recipes.read_recipe(settings={"name": ".."})
    assert "received" not in error.value.message


@pytest.mark.parametrize(
    "override",
    ["evaluation.max_new_tokens=0", "evaluation.batch_size=-1", "data.seed=-1", "output_dir=''"],
)
def test_settings_that_cannot_be_are_refused(override: str) -> None:
    with pytest.raises(ConfigError, match=r"is not valid: \w+"):
        recipes.read_recipe(overrides=[override])


def test_the_home_folder_of_output_dir(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert recipes.read_recipe(overrides=["output_dir=~/runs"])[0].output_dir == "/somewhere/runs"


def test_a_recipe_that_does_not_exist_names_the_builtin_ones() -> None:
    with pytest.raises(ConfigError, match=r"no recipe 'nothing\.yaml'.*first-run"):
        recipes.read_recipe("nothing.yaml")
    with pytest.raises(ConfigError, match="There is no recipe"):
        recipes.read_recipe("x" * 5000)


@pytest.mark.parametrize(
    "text", ["hf_abcdefghijklmnop", "sk-abcdef123456", "token=abcdef", "--x api_key=s3cret"]
)
def test_secrets_are_masked(text: str) -> None:
    assert mask_secrets("--data task-description.jsonl") == "--data task-description.jsonl"
    masked = mask_secrets(f"migaki train {text}")
    assert "***" in masked
    for secret in ("abcdef", "s3cret"):
        assert secret not in masked
