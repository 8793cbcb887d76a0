"""What a user meets first: imports, the help page, the names, the recipes."""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import migaki
from migaki.config import build, read_yaml
from migaki.recipes.recipe import Recipe

HEAVY = ("torch", "transformers", "peft", "accelerate", "datasets", "tokenizers", "matplotlib")

SPECIFIED_NOW = (
    "SUPPORTED_MODELS",
    "BaseModel",
    "DatasetManager",
    "ExecutionMode",
    "FullFinetuningTrainer",
    "JapaneseDataConfig",
    "JapaneseLinguisticProcessor",
    "JapaneseModel",
    "LoRAConfig",
    "LoRAFinetuningTrainer",
    "TextDataset",
    "TrainingConfig",
    "clear_gpu_memory",
    "get_available_device",
    "get_gpu_memory_info",
    "optimize_model_for_gpu",
    "set_memory_fraction",
)
"""Of the two specification documents. Later issues bring AdvancedMultiGPUTrainer,
DeepSeekJapaneseTrainer, MultiGPUTrainingConfig, QuantizationOptimizer, simple_test."""

HELP_SECONDS = 0.3
"""What a user feels as at once. Processor time, the best of many: on an idle machine that is the time
on the clock, and on a busy one its other work is not what is measured."""

CONFIGS = sorted((Path(migaki.__file__).parent / "recipes" / "configs").glob("*.yaml"))


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def show_loaded(before: str) -> str:
    return f"import sys\n{before}\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))"


def test_importing_migaki_loads_nothing_heavy() -> None:
    assert run_python(show_loaded("import migaki")) == "[]"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["--version"]], ids=" ".join
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    call = (
        "from migaki.cli.app import main\n"
        f"sys.argv = ['migaki', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code"
    )
    assert run_python(show_loaded(call)) == "[]"


def test_help_comes_at_once() -> None:
    command = [sys.executable, "-m", "migaki", "--help"]
    best = float("inf")
    for _ in range(25):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        best = min(best, took)
        if best < HELP_SECONDS:
            return
    pytest.fail(f"the help took {best:.2f} s of processor time at best")


def test_all_is_sorted() -> None:
    # Constants, then classes, then functions, each by name: the order that ruff's RUF022 keeps.
    def rank(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2), name

    assert list(migaki.__all__) == sorted(migaki.__all__, key=rank)
    assert len(set(migaki.__all__)) == len(migaki.__all__)


@pytest.mark.parametrize("name", migaki.__all__)
def test_every_public_name_is_importable(name: str) -> None:
    assert getattr(migaki, name) is not None


@pytest.mark.parametrize("name", SPECIFIED_NOW)
def test_specified_names_are_public(name: str) -> None:
    assert name in migaki.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'NoSuchName'"):
        _ = migaki.NoSuchName


@pytest.mark.parametrize(
    "room",
    "cli corpus dataset evaluation hardware models recipes reports training".split(),  # noqa: SIM905
)
def test_every_room_is_importable(room: str) -> None:
    assert importlib.import_module(f"migaki.{room}").__doc__


def test_there_are_recipes() -> None:
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_recipe_loads(path: Path) -> None:
    assert isinstance(build(Recipe, read_yaml(path), where=path.name), Recipe)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_recipe_opens_with_its_launch_command(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# migaki train")
