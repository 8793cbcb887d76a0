"""The lineage of a run: begun before its model loads, checked on resuming, ended with its result."""

from __future__ import annotations

from pathlib import Path

from migaki.errors import ModelError
from migaki.models.fingerprint import hash_adapter, read_fingerprint
from migaki.models.location import locate
from migaki.recipes.continuation import identify
from migaki.recipes.lineage import BaseModelIdentity, Lineage, Stage, files_of, read_lineage
from migaki.recipes.plan import Plan
from migaki.recipes.run_folder import RunFolder
from migaki.reports.run_data import text
from migaki.training.engine import TrainingResult

__all__ = ["end_lineage", "keep_lineage"]


def keep_lineage(run: RunFolder, plan: Plan) -> Lineage:
    """Write down what a run begins with, or check that a resumed one still begins with it.

    The weights of the model are fetched for it, but not loaded.

    Args:
        run: Its folder.
        plan: What it will do.

    Raises:
        ModelError: The base model is not the one that the adapter was trained on, or, on resuming,
            not the one that the run began with.
    """
    recipe = plan.recipe
    location = locate(
        recipe.model.name,
        revision=recipe.model.revision,
        trust_remote_code=recipe.model.trust_remote_code,
    )
    model = identify(recipe.model.name, location.folder, recipe.model.revision)
    if plan.continuation is not None:
        plan.continuation.refuse_other_base(model)
    stage = _stage(run, plan, model)
    before = read_lineage(run.path)
    if before is not None and before.stages:
        _refuse_changed(run, before.stages[-1], stage)
        return before
    lineage = _earlier(plan, model).then(stage)
    lineage.write(run.path)
    return lineage


def end_lineage(run: RunFolder, lineage: Lineage, training: TrainingResult, result: Path) -> None:
    """Write the lineage with the results of its last stage, in the run folder and beside the weights.

    Args:
        run: The run folder.
        lineage: From `keep_lineage`.
        training: What training did.
        result: Folder of the adapter or model, written.
    """
    is_adapter = (result / "adapter_config.json").is_file()
    ended = lineage.ended(
        steps=training.best_step if training.best_step is not None else training.steps,
        tokens=training.tokens,
        trained_tokens=training.trained_tokens,
        result_sha256=hash_adapter(result)
        if is_adapter
        else read_fingerprint(result).weights_sha256,
    )
    ended.write(result)
    ended.write(run.path)


def _stage(run: RunFolder, plan: Plan, model: BaseModelIdentity) -> Stage:
    found, recipe = plan.continuation, plan.recipe
    adapter = "" if recipe.method == "full" else "new"
    if found is not None and found.adapter is not None:
        adapter = "trained on" if recipe.continue_adapter == "train" else "stacked"
    return Stage(
        run=run.path.name,
        method=recipe.method,
        adapter=adapter,
        continued_from=found.source.called if found is not None else "",
        continued_from_sha256=found.weights_sha256() if found is not None else None,
        model=model,
        data=files_of(plan.data.report.to_json()),
        started_at=text(run.read_json("environment.json").get("created_at")),
    )


def _earlier(plan: Plan, model: BaseModelIdentity) -> Lineage:
    found = plan.continuation
    if found is None:
        return Lineage(model)
    if found.lineage is not None:
        return found.lineage
    if found.adapter is None:
        return Lineage(model)
    unknown = Stage(
        run=found.source.called, method="lora", adapter="of unknown origin", model=model
    )
    return Lineage(model, (unknown,))


def _refuse_changed(run: RunFolder, before: Stage, now: Stage) -> None:
    wrong = before.model.fingerprint.differences(now.model.fingerprint)
    if before.continued_from_sha256 != now.continued_from_sha256:
        wrong.append(f"the weights of '{before.continued_from}' are others")
    if wrong:
        raise ModelError(
            f"The run '{run.path.name}' began with {before.model.name}, which changed since: "
            f"{'; '.join(wrong[:3])}.",
            hint="Put the old weights back, or start a new run.",
        )
