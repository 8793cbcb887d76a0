"""What ``continue_from`` means for the rest of a recipe: model, adapter settings, what is refused.

Giving an adapter, a run, or a model with a lineage as ``model.name`` means the same as naming it in
``continue_from``: there is one way to go on, and its lineage is kept either way.
"""

from __future__ import annotations

import os
from pathlib import Path

from migaki.errors import UsageError
from migaki.models.location import EMBEDDED_NAME, base_of_adapter, locate, read_json_object
from migaki.recipes.continuation import Continuation, adopt_lora_settings, find_continuation
from migaki.recipes.continuation_source import find_source
from migaki.recipes.lineage import LINEAGE_FILE
from migaki.recipes.recipe import Recipe

__all__ = ["model_of", "settle"]


def model_of(continue_from: str, *, output_dir: str) -> str:
    """Return the name of the model that will be loaded to go on.

    Args:
        continue_from: As in a recipe.
        output_dir: Folder of run folders.

    Raises:
        ModelError: There are no usable weights.
    """
    source = find_source(continue_from, output_dir=Path(os.path.expanduser(output_dir)))
    if not source.is_adapter:
        return str(source.folder) if source.folder.exists() and source.run else continue_from
    return locate(base_of_adapter(source.folder), weights=False).name


def settle(recipe: Recipe) -> Continuation | None:
    """Find what a recipe continues from, and make the recipe say it.

    Args:
        recipe: ``model``, ``lora`` and ``continue_from`` are changed in place to what is loaded, so
            that ``run.yaml`` repeats the run also after more checkpoints were written.

    Returns:
        Nothing for a run that begins with a base model.

    Raises:
        UsageError: The settings contradict what is continued.
        ModelError: It does not fit its base model, or is not there.
    """
    text = recipe.continue_from or _implied(recipe)
    if text is None:
        if recipe.continue_optimizer:
            raise UsageError(
                "continue_optimizer is on, but nothing is continued.",
                hint="Name a run in continue_from (--continue-from).",
            )
        return None
    is_named = recipe.continue_from is not None and recipe.model.name != EMBEDDED_NAME
    found = find_continuation(
        text,
        model_name=recipe.model.name if is_named else None,
        revision=recipe.model.revision,
        output_dir=Path(recipe.output_dir),
        trust_remote_code=recipe.model.trust_remote_code,
    )
    _refuse_same_folder(recipe, found)
    if found.adapter is not None:
        _settle_adapter(recipe, found, found.adapter)
    if recipe.continue_optimizer:
        _check_optimizer(recipe, found)
    recipe.model.name, recipe.model.revision = found.base, found.revision
    recipe.continue_from = str(found.source.folder) if found.source.folder.exists() else text
    return found


def _settle_adapter(recipe: Recipe, found: Continuation, adapter: Path) -> None:
    if recipe.method == "full":
        raise UsageError(
            f"'{found.source.called}' is an adapter, and method 'full' trains every weight.",
            hint="Train the adapter on with --method lora, or give its base model.",
        )
    if recipe.continue_adapter == "train":
        found.choices["adapter"] = adopt_lora_settings(recipe.lora, adapter)
        return
    from migaki.models.stacking import refuse_unstackable  # peft takes seconds to import

    refuse_unstackable(adapter, vars(recipe.lora))
    rank = read_json_object(adapter / "adapter_config.json").get("r")
    found.choices["adapter"] = (
        f"stacked: a new one of rank {recipe.lora.r} is trained beside the older one of rank {rank}, "
        "which stays as it is; they are saved as one"
    )


def _check_optimizer(recipe: Recipe, found: Continuation) -> None:
    if (found.adapter is None) != (recipe.method == "full"):
        raise UsageError(
            f"continue_optimizer is on, but method '{recipe.method}' trains other weights than those "
            f"of '{found.source.called}'.",
            hint="Set continue_optimizer=false, or continue an adapter with lora and a whole model "
            "with full.",
        )
    found.optimizer_checkpoint()  # says now that there is none


def _implied(recipe: Recipe) -> str | None:
    location = locate(
        recipe.model.name,
        revision=recipe.model.revision,
        weights=False,
        trust_remote_code=recipe.model.trust_remote_code,
    )
    is_trained = location.adapter is not None or (location.folder / LINEAGE_FILE).is_file()
    return recipe.model.name if is_trained else None


def _refuse_same_folder(recipe: Recipe, found: Continuation) -> None:
    run = found.source.run
    if run is None or recipe.name is None:
        return
    if (Path(recipe.output_dir) / recipe.name).resolve() == run.resolve():
        raise UsageError(
            f"The run '{recipe.name}' cannot continue from itself: what is continued goes into a "
            "folder of its own.",
            hint="Choose another --name. An interrupted run goes on in its own folder with: "
            f"migaki train --resume --name {recipe.name}",
        )
