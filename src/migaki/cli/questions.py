"""The questions of ``migaki train`` on a terminal: every default is shown, Enter accepts it."""

from __future__ import annotations

from collections.abc import Callable

import questionary

from migaki import config
from migaki.recipes.recipe import Recipe


def ask_recipe(recipe: Recipe) -> Recipe:
    """Ask what a first-time user wants to decide; everything else stays as in the recipe.

    Args:
        recipe: Supplies the defaults.

    Raises:
        KeyboardInterrupt: The user pressed Ctrl-C.
    """
    questionary.print("Enter accepts what is shown; Ctrl-C leaves.", style="fg:ansicyan")
    answers = config.to_mapping(recipe)
    answers["model"]["name"] = _text("Model (hub id, folder, or migaki-tiny)", recipe.model.name)
    data = _text("Data (files, separated by spaces, or 'samples')", " ".join(recipe.data.train))
    answers["data"]["train"] = data.split()
    answers["method"] = questionary.select(
        "Method", choices=["lora", "qlora", "full"], default=recipe.method
    ).unsafe_ask()
    answers["lora"]["use_qlora"] = answers["method"] == "qlora"
    answers["training"]["num_epochs"] = int(
        _text("Epochs", str(recipe.training.num_epochs), _is_number(int))
    )
    answers["training"]["learning_rate"] = float(
        _text("Learning rate", f"{recipe.training.learning_rate:g}", _is_number(float))
    )
    name = _text("Name of the run (empty: made from model, method and data)", recipe.name or "")
    answers["name"] = name or None
    return config.build(Recipe, answers, where="the answers")


def _text(question: str, default: str, validate: Callable[[str], bool | str] | None = None) -> str:
    answer: str = questionary.text(f"{question}:", default=default, validate=validate).unsafe_ask()
    return answer.strip()


def _is_number(kind: Callable[[str], float]) -> Callable[[str], bool | str]:
    def check(text: str) -> bool | str:
        try:
            return True if kind(text) > 0 else "must be above 0"
        except ValueError:
            return f"'{text}' is not a number"

    return check
