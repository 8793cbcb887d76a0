"""Training that goes on from an adapter or a model: what is found, checked, and put together.

An adapter is only right on the base model it was trained on. That is settled before anything loads,
from the lineage beside it where there is one (configuration and hash of the base), and always from the
names and shapes of the layers that it changes.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from migaki.errors import ModelError, UsageError
from migaki.models import adapter_fit, loading
from migaki.models.fingerprint import hash_adapter, read_fingerprint
from migaki.models.location import (
    EMBEDDED_NAME,
    base_of_adapter,
    embedded_model_folder,
    has_tokenizer,
    locate,
    read_json_object,
)
from migaki.recipes.continuation_source import Source, find_source
from migaki.recipes.lineage import BaseModelIdentity, Lineage, read_lineage
from migaki.training import checkpoints
from migaki.training.config import LoRAConfig

__all__ = [
    "Continuation",
    "adopt_lora_settings",
    "continue_model",
    "find_continuation",
    "identify",
]


@dataclass(frozen=True, slots=True)
class Continuation:
    """What a new run goes on from, found and checked."""

    source: Source
    base: str
    """Name of the model to load: what the adapter stands on, or the whole model itself."""
    revision: str | None
    lineage: Lineage | None
    """Earlier stages; none for weights of unknown origin."""
    choices: dict[str, str] = field(default_factory=dict)

    @property
    def adapter(self) -> Path | None:
        """The folder of the adapter, if it is one."""
        return self.source.folder if self.source.is_adapter else None

    def weights_sha256(self) -> str | None:
        """Return the hash of the weights that are continued."""
        if self.adapter is not None:
            return hash_adapter(self.adapter)
        return read_fingerprint(self.source.folder).weights_sha256

    def refuse_other_base(self, found: BaseModelIdentity) -> None:
        """Stop when the base model is not the one that the adapter was trained on.

        Args:
            found: The model at hand.

        Raises:
            ModelError: It differs from what the lineage says; how is named.
        """
        if self.adapter is None or self.lineage is None or not self.lineage.stages:
            return
        expected = self.lineage.stages[-1].model
        wrong = expected.fingerprint.differences(found.fingerprint)
        if wrong:
            raise ModelError(
                f"The adapter '{self.source.called}' was trained on {_named(expected)}, and "
                f"{_named(found)} is another model: {'; '.join(wrong[:3])}.",
                hint="Give the model it was trained on (--model, model.revision=…), or start a new "
                "adapter without --continue-from.",
            )

    def optimizer_checkpoint(self) -> Path:
        """Return the checkpoint whose optimizer state is taken over.

        Raises:
            UsageError: There is none.
        """
        run = self.source.run
        newest = checkpoints.latest_checkpoint(run / "checkpoints") if run is not None else None
        found = self.source.checkpoint or newest
        if found is None:
            raise UsageError(
                f"continue_optimizer is on, and '{self.source.called}' has no checkpoint with an "
                "optimizer's state.",
                hint="Continue from a run folder that has its checkpoints, or set "
                "continue_optimizer=false.",
            )
        checkpoints.verify(found)
        return found


def find_continuation(
    continue_from: str,
    *,
    model_name: str | None = None,
    revision: str | None = None,
    output_dir: Path = Path("runs"),
    trust_remote_code: bool = False,
) -> Continuation:
    """Find what is continued and check that it fits its base model, before anything loads.

    Args:
        continue_from: A folder (run, adapter, checkpoint, model), the name of a run, or a Hub id.
        model_name: Where the base model is now; without it the one that the adapter names.
        revision: Of the base model; without it the one that it was trained on.
        output_dir: Folder of run folders.
        trust_remote_code: Run Python code that comes with the base model.

    Raises:
        ModelError: There are no weights, or the adapter was not trained on this base model.
        UsageError: The weights are a whole model and another one is named too.
    """
    source = find_source(continue_from, output_dir=output_dir)
    lineage = _lineage_of(source)
    if not source.is_adapter:
        return _from_whole_model(source, lineage, model_name)
    trained_on = lineage.stages[-1].model if lineage and lineage.stages else None
    named = trained_on.name if trained_on and source.checkpoint else base_of_adapter(source.folder)
    base = model_name or named
    revision = _revision(source, trained_on, revision)
    location = locate(base, revision=revision, weights=False, trust_remote_code=trust_remote_code)
    if location.adapter is not None:
        raise ModelError(
            f"The base model {base} of the adapter '{source.called}' is an adapter itself.",
            hint="Give a whole model.",
        )
    found = Continuation(source, location.name, revision, lineage)
    found.refuse_other_base(identify(location.name, location.folder, revision))
    skeleton = loading.read_skeleton(base, revision=revision, trust_remote_code=trust_remote_code)
    adapter_fit.refuse_other_base(skeleton, source.folder, base=base)
    why = "given" if model_name else "named by the adapter"
    found.choices["continues from"] = _say(source)
    found.choices["base model"] = f"{location.name}: {why}; {_how_sure(found)}"
    return found


def identify(name: str, folder: Path, revision: str | None) -> BaseModelIdentity:
    """Say by what a model is known again.

    Args:
        name: What it is called.
        folder: Where it lies; its weights may not be there yet.
        revision: As asked for; the commit, where the folder is one of the Hub's cache.
    """
    commit = folder.name if folder.parent.name == "snapshots" else revision
    shown = EMBEDDED_NAME if folder == embedded_model_folder() else name
    return BaseModelIdentity(shown, commit, read_fingerprint(folder))


def adopt_lora_settings(lora: LoRAConfig, adapter: Path) -> str:
    """Make a configuration say what the adapter is that is trained on.

    Args:
        lora: Changed in place.
        adapter: Its folder.

    Returns:
        What was changed, for the list of choices.
    """
    saved = read_json_object(adapter / "adapter_config.json")
    names = {setting.name for setting in dataclasses.fields(lora)} & set(saved)
    layers = adapter_fit.adapted_layers(adapter)
    saved["target_modules"] = sorted({layer.rsplit(".", maxsplit=1)[-1] for layer in layers})
    changed = []
    for name in sorted(names - {"task_type"}):
        before = getattr(lora, name)
        if before == saved[name] or (name == "target_modules" and before is None):
            continue
        try:
            setattr(lora, name, saved[name])
        except ValidationError:
            changed.append(f"{name}={saved[name]!r} (which a recipe cannot say)")
        else:
            changed.append(f"{name}={saved[name]} for {before}")
    what = (
        f"the adapter's own settings hold: {', '.join(changed)}" if changed else "as in the recipe"
    )
    return f"trained on; {what}"


def put_adapter(
    model: PreTrainedModel,
    adapter: Path,
    *,
    stacked: LoRAConfig | None,
    tokenizer: PreTrainedTokenizerBase,
    seed: int,
) -> Any:
    """Put an adapter on its base model so that training goes on.

    Args:
        model: The base, loaded.
        adapter: Folder of the adapter.
        stacked: Settings of a new adapter to put on the older, frozen one; without them the older
            one is trained on.
        tokenizer: Knows the ids of tokens that the settings name.
        seed: Seed of the new adapter's first values.

    Raises:
        ModelError: It does not fit the model.
    """
    from migaki.models import adapters, stacking  # peft takes seconds to import
    from migaki.training.lora import attach_adapter

    if stacked is None:
        return adapters.load_adapter(model, adapter, trainable=True)
    stacking.refuse_unstackable(adapter, vars(stacked))
    adapted = attach_adapter(model, stacked, tokenizer=tokenizer, seed=seed)
    stacking.stack(adapted, adapter)
    return adapted


def continue_model(  # noqa: PLR0913 - each is a decision of the caller, all by keyword
    continue_from: str,
    *,
    model_name: str | None = None,
    revision: str | None = None,
    output_dir: Path = Path("runs"),
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    load_in_4bit: bool = False,
    trust_remote_code: bool = False,
    stacked: LoRAConfig | None = None,
    seed: int = 42,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, Continuation]:
    """Load a model and its tokenizer to be trained on.

    Args:
        continue_from: As for `find_continuation`.
        model_name: Where the base model is now; without it the one that the adapter names.
        revision: Of the base model.
        output_dir: Folder of run folders.
        device: Where it goes; without one the best there is.
        dtype: Number format of the base's weights.
        load_in_4bit: Quantize the base to 4 bits.
        trust_remote_code: Run Python code that comes with the base model.
        stacked: As for `put_adapter`.
        seed: Seed of a new adapter's first values.

    Returns:
        The model (for a whole model: without adapter), the tokenizer that was saved with the adapter
        or else the base's, and what was found.

    Raises:
        MigakiError: As `find_continuation` and `migaki.models.loading.load_model`.
    """
    found = find_continuation(
        continue_from,
        model_name=model_name,
        revision=revision,
        output_dir=output_dir,
        trust_remote_code=trust_remote_code,
    )
    opened = open_continued_tokenizer(found, trust_remote_code=trust_remote_code)
    location = locate(found.base, revision=found.revision, trust_remote_code=trust_remote_code)
    found.refuse_other_base(identify(found.base, location.folder, found.revision))
    model = loading.load_model(
        found.base,
        device=device,
        dtype=dtype,
        load_in_4bit=load_in_4bit,
        revision=found.revision,
        trust_remote_code=trust_remote_code,
    ).model
    loading.check_fit(model, opened.tokenizer)
    if found.adapter is not None:
        model = put_adapter(
            model, found.adapter, stacked=stacked, tokenizer=opened.tokenizer, seed=seed
        )
    return model, opened.tokenizer, found


def open_continued_tokenizer(
    found: Continuation, *, trust_remote_code: bool = False
) -> loading.LoadedTokenizer:
    """Open the tokenizer saved with what is continued, or else its base model's."""
    if has_tokenizer(found.source.folder):
        return loading.open_tokenizer_in(found.source.folder, trust_remote_code=trust_remote_code)
    return loading.open_tokenizer(
        found.base, revision=found.revision, trust_remote_code=trust_remote_code
    )


def _from_whole_model(
    source: Source, lineage: Lineage | None, model_name: str | None
) -> Continuation:
    known = {source.called, str(source.folder), lineage.base.name if lineage else None}
    if model_name is not None and model_name not in known:
        raise UsageError(
            f"'{source.called}' is a whole model, and the model {model_name} was given too: only "
            "one of them can be trained.",
            hint="Leave --model out to continue, or --continue-from to begin anew.",
        )
    name = source.called if source.run is None and "/" in source.called else str(source.folder)
    choices = {"continues from": f"{_say(source)}, a whole model"}
    return Continuation(source, name, None, lineage, choices)


def _lineage_of(source: Source) -> Lineage | None:
    """Read the lineage, and refuse weights that are not those it speaks of."""
    if source.checkpoint is not None:
        lineage = read_lineage(source.run) if source.run is not None else None
        return _up_to(lineage, source.checkpoint) if lineage is not None else None
    lineage = read_lineage(source.folder)
    if lineage is None and source.run is not None:  # stopped between the weights and their lineage
        lineage = read_lineage(source.run)
    last = lineage.stages[-1] if lineage and lineage.stages else None
    if last is not None and last.result_sha256 is not None:
        now = (
            hash_adapter(source.folder)
            if source.is_adapter
            else read_fingerprint(source.folder).weights_sha256
        )
        if now is not None and now != last.result_sha256:
            raise ModelError(
                f"The weights in {source.folder} are not those that the run '{last.run}' wrote there "
                f"(hash {now[:12]}, expected {last.result_sha256[:12]}).",
                hint="Put them back; or, if they were changed on purpose, delete lineage.json "
                "there: they are then continued as weights of unknown origin.",
            )
    return lineage


def _up_to(lineage: Lineage, checkpoint: Path) -> Lineage:
    """Return the lineage as it was at a checkpoint of its last stage."""
    from migaki.training.trainer import read_state

    whole = read_state(checkpoint)["meter"]["whole"]
    return lineage.ended(
        steps=checkpoints.step_of(checkpoint),
        tokens=whole["tokens"],
        trained_tokens=whole["trained_tokens"],
        result_sha256=None,
    )


def _revision(
    source: Source, trained_on: BaseModelIdentity | None, asked: str | None
) -> str | None:
    """Choose the base model's revision; without a lineage, two that are named must agree."""
    stored = read_json_object(source.folder / "adapter_config.json").get("revision")
    known = trained_on.revision if trained_on else stored if isinstance(stored, str) else None
    if trained_on is None and asked and known and asked != known:
        raise ModelError(
            f"The adapter '{source.called}' was trained on the revision '{known}' of its base model, "
            f"and '{asked}' was asked for.",
            hint="Leave model.revision out.",
        )
    return asked or known


def _say(source: Source) -> str:
    return f"{source.called} ({source.reason})" if source.reason else source.called


def _how_sure(found: Continuation) -> str:
    layers = len(adapter_fit.adapted_layers(found.source.folder))
    if found.lineage is None:
        return (
            f"names and shapes of {layers} layers fit. Whether its weights are those that the "
            "adapter was trained on is not known: there is no lineage.json"
        )
    return "configuration and weights are those that the adapter was trained on"


def _named(model: BaseModelIdentity) -> str:
    return f"{model.name} (revision {model.revision})" if model.revision else model.name
