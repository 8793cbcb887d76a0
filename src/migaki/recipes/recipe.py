"""What a run is asked to do, as one typed value: the recipe.

A recipe comes from a built-in YAML file, the user's YAML file, flags and dotted overrides, each
laid over the one before. Nothing is resolved here that needs torch: reading and checking a recipe
is instant.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from migaki import config as config_module
from migaki.dataset.config import DataConfig
from migaki.errors import ConfigError
from migaki.models.location import EMBEDDED_NAME
from migaki.training.config import LoRAConfig, TrainingConfig, contradiction

_STRICT = ConfigDict(extra="forbid", validate_assignment=True)

_LONGEST_NAME = 200
"""In bytes; file systems allow 255, and some names of files are made from it."""


@dataclass(config=_STRICT, kw_only=True)
class ModelConfig:
    """Which model is adapted and how it is loaded."""

    name: str = EMBEDDED_NAME
    """A hub id, a local folder, or ``migaki-tiny``, the model inside the package."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the weights; ``auto`` chooses by method and hardware and says why."""
    revision: str | None = None
    """Branch, tag or commit on the hub; pin it for reproducible runs."""
    trust_remote_code: bool = False
    """Run Python code that comes with the model. Only for sources you trust."""


@dataclass(config=_STRICT, kw_only=True)
class EvaluationConfig:
    """How the model is measured before and after training."""

    enabled: bool = True
    """Measure before and after; without it the report shows training curves only."""
    prompts: str | None = None
    """A JSONL file of ``{"prompt"}`` rows; without it the fixed prompts of the package."""
    max_new_tokens: Annotated[int, Field(ge=1)] = 64
    """Longest answer, in tokens."""
    batch_size: Annotated[int, Field(ge=1)] = 8
    """Rows scored, and prompts answered, at once."""


@dataclass(config=_STRICT, kw_only=True)
class Recipe:
    """One run, whole: model, data, method, training, evaluation.

    Raises:
        ConfigError: Two settings contradict each other (through ``config.build``).
    """

    name: str | None = None
    """Name of the run and of its folder; without it one is made from model, method and data."""
    output_dir: str = "runs"
    """Folder that holds the run folders."""
    model: ModelConfig = field(default_factory=ModelConfig)
    method: Literal["lora", "qlora", "full"] = "lora"
    """``lora`` trains small adapters, ``qlora`` the same on a 4-bit base, ``full`` every weight."""
    continue_from: str | None = None
    """A run, an adapter, a checkpoint or a whole model whose training goes on in a new run."""
    continue_adapter: Literal["train", "stack"] = "train"
    """What becomes of an adapter that is continued: ``train`` it on, or freeze it and ``stack`` a new
    one on it."""
    continue_optimizer: bool = False
    """Also take over the optimizer's moments, from the newest checkpoint of the run continued from."""
    data: DataConfig = field(default_factory=DataConfig)
    lora: LoRAConfig = field(default_factory=LoRAConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)

    def __post_init__(self) -> None:
        """Keep the two ways to say QLoRA and the two ways to say a seed from disagreeing."""
        if self.method == "full" and self.lora.use_qlora:
            raise ValueError(
                "method is 'full' but lora.use_qlora is true: a 4-bit base cannot be trained "
                "whole. Choose method: qlora, or drop lora.use_qlora"
            )
        if self.method == "qlora" and not self.lora.use_qlora:
            self.lora.use_qlora = True
        if self.method == "lora" and self.lora.use_qlora:
            self.method = "qlora"
        if (problem := contradiction(self.method, self.training, self.lora)) is not None:
            raise ValueError(problem)
        if self.name is not None and not _names_a_folder(self.name):
            raise ValueError(
                f"name is {self.name!r}: it becomes a folder name, so it may hold no '/' and no line "
                f"ends, not be '.' or '..', and have at most {_LONGEST_NAME} bytes"
            )
        if self.continue_from is not None and not self.continue_from.strip():
            raise ValueError("continue_from is empty: name a run, an adapter or a model folder")
        if self.continue_optimizer and self.continue_adapter == "stack":
            raise ValueError(
                "continue_optimizer is true, but continue_adapter is 'stack': a new adapter has no "
                "optimizer state yet. Choose continue_adapter: train, or drop continue_optimizer"
            )
        if not self.output_dir or not self.output_dir.isprintable():
            raise ValueError(f"output_dir is {self.output_dir!r}, which is no path")
        if self.output_dir.startswith("~"):  # a shell leaves it alone behind the = of an override
            self.output_dir = os.path.expanduser(self.output_dir)


def _names_a_folder(name: str) -> bool:
    return (
        bool(name)
        and Path(name).name == name
        and name not in {".", ".."}
        and name.isprintable()
        and len(name.encode()) <= _LONGEST_NAME
    )


def builtin_recipes() -> dict[str, Path]:
    """Return the recipes inside the package by name."""
    folder = Path(str(resources.files("migaki.recipes") / "configs"))
    return {path.stem.replace("_", "-"): path for path in sorted(folder.glob("*.yaml"))}


def default_recipe_name(model: str, method: str | None) -> tuple[str, str]:
    """Choose the built-in recipe to start from when the user names none.

    Args:
        model: Model name as the user gave it.
        method: Method if the user gave one.

    Returns:
        Name of a built-in recipe and the reason.

    Example:
        >>> default_recipe_name("migaki-tiny", None)[0]
        'first-run'
        >>> default_recipe_name("Qwen/Qwen2.5-1.5B-Instruct", "full")[0]
        'full'
    """
    if model == EMBEDDED_NAME and method in (None, "lora"):
        return "first-run", "the embedded model learns in a minute with its own settings"
    known = (
        method if method in ("lora", "qlora", "full") else "lora"
    )  # a wrong one is refused later
    return known, "no recipe was named: the settings for this method"


def read_recipe(
    source: str | Path | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
) -> tuple[Recipe, str]:
    """Read a recipe and lay settings and dotted overrides over it.

    Args:
        source: A YAML file, the name of a built-in recipe, or nothing for the fitting built-in.
        settings: Nested mappings laid over the file, as flags give them.
        overrides: ``dotted.key=value`` texts, laid over everything.

    Returns:
        The recipe and where it came from, with the reason if it was chosen.

    Raises:
        ConfigError: The source does not exist, or a key or value is wrong.
    """
    top = config_module.merge(settings or {}, config_module.parse_overrides(overrides))
    if top.get("continue_from"):
        top = _with_continued_model(top)
    path, origin = _locate(source, top)
    data = config_module.merge(config_module.read_yaml(path), top)
    if data.get("continue_from"):
        data = _with_continued_model(data)
    return config_module.build(Recipe, data, where=f"the recipe {path.name}"), origin


def _with_continued_model(data: dict[str, Any]) -> dict[str, Any]:
    """Take the model that the continued adapter stands on where none was named.

    Raises:
        ConfigError: The embedded model was named for an adapter of another. (A model that is named
            otherwise is compared with what the adapter was trained on when the plan is made.)
    """
    from migaki.recipes.continued_recipe import model_of  # torch takes seconds to import

    given = data.get("model")
    if not isinstance(given, Mapping | None) or not isinstance(data["continue_from"], str):
        return data  # which the schema refuses, in better words
    named = (given or {}).get("name")
    if named not in (None, EMBEDDED_NAME):
        return data
    found = model_of(data["continue_from"], output_dir=str(data.get("output_dir") or "runs"))
    if named == EMBEDDED_NAME and found != EMBEDDED_NAME:
        raise ConfigError(
            f"model.name is '{EMBEDDED_NAME}', and '{data['continue_from']}' was trained on {found}.",
            hint="Leave the model out: it is found from what is continued.",
        )
    return config_module.merge(data, {"model": {"name": found}})


def _locate(source: str | Path | None, top: Mapping[str, Any]) -> tuple[Path, str]:
    builtin = builtin_recipes()
    if source is None:
        model = top.get("model", {})
        name = model.get("name", EMBEDDED_NAME) if isinstance(model, Mapping) else EMBEDDED_NAME
        chosen, reason = default_recipe_name(name, top.get("method"))
        return builtin[chosen], f"built-in '{chosen}' ({reason})"
    if str(source) in builtin:
        return builtin[str(source)], f"built-in '{source}'"
    path = Path(source)
    if not os.path.isfile(path):  # unlike Path.is_file, it takes a name that is too long
        raise ConfigError(
            f"There is no recipe '{source}': it is neither a file nor built in.",
            hint=f"Built-in recipes: {', '.join(builtin)}. Overrides are written key=value.",
        )
    return path, str(path)
