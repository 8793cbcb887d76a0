"""Training that goes on: from an adapter, a stack, a checkpoint, a model; and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.integration.helpers import chats
from tests.unit.models.tiny_random import make_model, make_tokenizer

from migaki.config import build
from migaki.errors import ConfigError, MigakiError, ModelError, UsageError
from migaki.models.adapters import attach_lora, save_adapter
from migaki.models.fingerprint import hash_adapter
from migaki.models.loading import load_model
from migaki.recipes.continuation import continue_model, find_continuation
from migaki.recipes.continuation_source import find_source
from migaki.recipes.fine_tune import fine_tune, resume
from migaki.recipes.lineage import read_lineage
from migaki.recipes.plan import make_plan
from migaki.recipes.recipe import Recipe, read_recipe
from migaki.reports.model_card import render_model_card
from migaki.reports.run_data import read_run
from migaki.reports.run_report import render_report, summary_rows

IDS = torch.tensor([[5, 6, 7, 8]])
SMALL = {"hidden_size": 16, "intermediate_size": 32, "max_position_embeddings": 128}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def save_base(folder: Path, family: str = "qwen2", **changes: Any) -> Path:
    make_model(family, **{**SMALL, **changes}).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def recipe(root: Path, **changes: Any) -> Recipe:
    """A run of four steps; dotted names of sections are nested."""
    values: dict[str, Any] = {
        "output_dir": str(root / "runs"),
        "data": {"train": [str(root / "chats.jsonl")], "max_tokens": 64},
        "lora": {"r": 4, "lora_alpha": 8, "lora_dropout": 0.1},
        "training": {"max_steps": 4, "save_steps": 1, "eval_steps": 4, "batch_size": 2,
                     "gradient_accumulation_steps": 1, "learning_rate": 1e-2, "warmup_steps": 0,
                     "save_total_limit": 9},
        "evaluation": {"enabled": False},
    }  # fmt: skip
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(values.get(key), dict) else value
    return build(Recipe, values, where="a test")


@pytest.fixture(scope="module")
def _stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, a first run on it, and a second run that continues the first."""
    root = tmp_path_factory.mktemp("stages")
    rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in chats(24))
    (root / "chats.jsonl").write_text(rows, encoding="utf-8")
    base = save_base(root / "base")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    fine_tune(recipe(root, name="first", model={"name": str(base)}))
    fine_tune(recipe(root, name="second", continue_from="first"))
    torch.set_num_threads(before)
    return root


@pytest.fixture
def stages(_stages: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage; names of folders inside are made to point into the copy."""
    root = Path(shutil.copytree(_stages, tmp_path / "stages"))
    for name in ("adapter_config.json", "lineage.json", "run.yaml"):
        for path in root.rglob(name):
            path.write_text(path.read_text("utf-8").replace(str(_stages), str(root)), "utf-8")
    for seal in root.rglob("checkpoint-*/files.json"):
        wanted = json.loads(seal.read_text("utf-8"))
        wanted.pop("adapter_config.json", None)
        seal.write_text(json.dumps(wanted), "utf-8")
    return root


def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model.eval()(IDS).logits
    return found


# --- what goes on -------------------------------------------------------------------------------


def test_two_stages_are_a_lineage_of_two(stages: Path) -> None:
    lineage = read_lineage(stages / "runs" / "second")
    assert lineage is not None
    assert lineage.base.name == str(stages / "base")
    first, second = lineage.stages
    assert (first.run, first.adapter, first.continued_from) == ("first", "new", "")
    assert (second.run, second.adapter, second.continued_from) == ("second", "trained on", "first")
    assert second.continued_from_sha256 == first.result_sha256
    assert first.steps == second.steps == 4
    assert (first.tokens or 0) > 0
    assert [file["name"] for file in second.data] == ["chats.jsonl"]
    assert len(second.data[0]["sha256"]) == 64
    for run in ("first", "second"):
        folder = stages / "runs" / run
        beside = read_lineage(folder / "adapter")
        assert beside == read_lineage(folder)
        assert beside is not None
        assert beside.stages[-1].result_sha256 == hash_adapter(folder / "adapter")


@pytest.mark.parametrize("name", ["first", "runs/first", "runs/first/adapter"])
def test_a_stage_begins_where_the_one_before_ended(stages: Path, name: str) -> None:
    ended = logits(load_model(stages / "runs" / "first", device="cpu").model)
    given = name if name == "first" else str(stages / name)
    model, tokenizer, found = continue_model(given, output_dir=stages / "runs", device="cpu")
    assert torch.equal(logits(model), ended)
    assert any(parameter.requires_grad for parameter in model.parameters())
    assert len(tokenizer) == len(make_tokenizer())
    assert found.base == str(stages / "base")


def test_training_on_keeps_the_adapters_settings_and_says_so(stages: Path) -> None:
    asked = recipe(stages, name="next", continue_from="first", lora={"r": 16})
    plan = make_plan(asked)
    assert asked.lora.r == 4
    assert "r=4 for 16" in plan.choices["adapter"]
    assert asked.model.name == str(stages / "base")
    assert plan.choices["continues from"] == "first"


def test_an_adapter_as_the_model_is_continued_too(stages: Path) -> None:
    plan = make_plan(recipe(stages, model={"name": str(stages / "runs" / "first")}))
    assert plan.continuation is not None
    assert plan.recipe.continue_from == str(stages / "runs" / "first" / "adapter")


def test_a_stack_starts_as_the_old_one_and_is_saved_as_one_adapter(stages: Path) -> None:
    ended = logits(load_model(stages / "runs" / "first", device="cpu").model)
    new = recipe(stages, lora={"r": 2, "target_modules": ["q_proj", "o_proj"]}).lora
    model, _, _ = continue_model(str(stages / "runs" / "first"), device="cpu", stacked=new)
    assert torch.equal(logits(model), ended)
    fine_tune(
        recipe(stages, name="stacked", continue_from="first", continue_adapter="stack",
               lora={"r": 2, "target_modules": ["q_proj", "o_proj"]})
    )  # fmt: skip
    saved = load_file(stages / "runs" / "stacked" / "adapter" / "adapter_model.safetensors")
    old = load_file(stages / "runs" / "first" / "adapter" / "adapter_model.safetensors")
    assert set(saved) == set(old)
    for name, tensor in old.items():
        rank = (slice(0, 4),) if "lora_A" in name else (slice(None), slice(0, 4))
        scale = 1.0 if "lora_A" in name else 2.0  # alpha / r of the first run
        assert torch.equal(saved[name][rank], tensor * scale), name
    grown = saved["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"]
    assert grown.shape[1] == 6
    assert grown[:, 4:].abs().max() > 0
    lineage = read_lineage(stages / "runs" / "stacked" / "adapter")
    assert lineage is not None
    assert lineage.stages[-1].adapter == "stacked"
    assert not torch.equal(logits(load_model(stages / "runs/stacked", device="cpu").model), ended)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["train", "stack"])
def test_a_continued_run_resumes_as_if_uninterrupted(stages: Path, how: str) -> None:
    fine_tune(recipe(stages, name="whole", continue_from="first", continue_adapter=how))
    run = stages / "runs" / "whole"
    wanted = load_file(run / "adapter" / "adapter_model.safetensors")
    shutil.rmtree(run / "adapter")
    for step in (3, 4):
        shutil.rmtree(run / "checkpoints" / f"checkpoint-{step}")
    (run / "status.json").write_text('{"state": "interrupted"}', encoding="utf-8")
    resume(stages / "runs", "whole")
    again = load_file(run / "adapter" / "adapter_model.safetensors")
    assert all(torch.equal(wanted[name], again[name]) for name in wanted)
    lineage = read_lineage(run)
    assert lineage is not None
    assert len(lineage.stages) == 2


@pytest.mark.slow
def test_a_whole_model_is_continued(stages: Path) -> None:
    base = {"name": str(stages / "base")}
    fine_tune(recipe(stages, name="whole", method="full", model=base))
    fine_tune(recipe(stages, name="on-it", continue_from="whole"))
    fine_tune(recipe(stages, name="full-on", method="full", continue_from="whole",
                     continue_optimizer=True))  # fmt: skip
    adapted = read_lineage(stages / "runs" / "on-it")
    assert adapted is not None
    assert [stage.adapter for stage in adapted.stages] == ["", "new"]
    assert adapted.base.name == str(stages / "base")
    assert adapted.stages[-1].model.name == str(stages / "runs" / "whole" / "model")
    load_model(stages / "runs" / "on-it", device="cpu")
    choices = json.loads((stages / "runs/full-on/plan.json").read_text("utf-8"))["choices"]
    assert choices["optimizer state"].endswith("checkpoint-4; rates are this run's")


def test_an_interrupted_run_gives_its_best_or_newest_checkpoint(stages: Path) -> None:
    run = stages / "runs" / "first"
    shutil.rmtree(run / "adapter")
    shutil.rmtree(run / "checkpoints" / "checkpoint-4")
    found = find_continuation("first", output_dir=stages / "runs")
    assert found.source.called == "first, checkpoint-3"
    assert found.choices["continues from"].endswith("its newest checkpoint)")
    assert found.lineage is not None
    assert found.lineage.stages[-1].steps == 3
    state = run / "checkpoints" / "checkpoint-3" / "trainer_state.json"
    state.write_text(
        json.dumps(json.loads(state.read_text("utf-8")) | {"best_global_step": 2}), "utf-8"
    )
    source = find_source("first", output_dir=stages / "runs")
    assert (source.called, source.reason.split("; ")[1]) == (
        "first, checkpoint-2",
        "the best checkpoint it has",
    )


def test_the_optimizers_moments_are_taken_over(stages: Path) -> None:
    settings = {"max_steps": 1, "save_steps": 1}
    for name, taken in (("with", True), ("without", False)):
        fine_tune(recipe(stages, name=name, continue_from="first", continue_optimizer=taken,
                         training=settings))  # fmt: skip

    def steps(run: str) -> float:
        file = stages / "runs" / run / "checkpoints" / "checkpoint-1" / "optimizer.pt"
        state = torch.load(file, weights_only=True)["state"]
        return float(state[0]["step"])

    assert (steps("with"), steps("without")) == (5.0, 1.0)


@pytest.mark.slow
def test_an_adapter_of_unknown_origin_is_continued_and_said_to_be(stages: Path) -> None:
    adapter = stages / "theirs"
    save_adapter(
        attach_lora(load_model(stages / "base", device="cpu").model, r=2), adapter,
        base=stages / "base",
    )  # fmt: skip
    found = find_continuation(str(adapter))
    assert found.lineage is None
    assert "is not known" in found.choices["base model"]
    fine_tune(recipe(stages, name="third", continue_from=str(adapter)))
    lineage = read_lineage(stages / "runs" / "third")
    assert lineage is not None
    assert [stage.adapter for stage in lineage.stages] == ["of unknown origin", "trained on"]


# --- what is refused ----------------------------------------------------------------------------


def other_weights(base: Path) -> None:
    file = base / "model.safetensors"
    tensors = load_file(file)
    tensors["model.norm.weight"] = tensors["model.norm.weight"] + 1e-3
    save_file(tensors, file, metadata={"format": "pt"})


def replaced(**changes: Any) -> Callable[[Path], None]:
    def replace(base: Path) -> None:
        shutil.rmtree(base)
        save_base(base, **changes)

    return replace


MISMATCHES = {
    "weights": (other_weights, "the weights are others"),
    "vocabulary": (replaced(vocabulary=420), "vocab_size is 420, was 400"),
    "architecture": (replaced(family="gpt_neox"), "model_type is 'gpt_neox', was 'qwen2'"),
    "width": (replaced(hidden_size=32), "hidden_size is 32, was 16"),
    "layers": (replaced(num_hidden_layers=1), "num_hidden_layers is 1, was 2"),
}


@pytest.mark.parametrize("what", MISMATCHES)
def test_another_base_is_refused_by_the_lineage(
    stages: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, said = MISMATCHES[what]
    change(stages / "base")
    monkeypatch.setattr("migaki.models.loading._read_model", None)  # nothing may load
    with pytest.raises(ModelError, match=said):
        make_plan(recipe(stages, name="next", continue_from="first"))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("architecture", r"it has no layer model\.layers\.0"),
        ("width", "32 values go into .* the adapter has 16"),
        ("layers", r"it has no layer model\.layers\.1"),
    ],
)
def test_another_base_is_refused_by_the_layers_alone(stages: Path, what: str, said: str) -> None:
    for path in stages.rglob("lineage.json"):
        path.unlink()
    MISMATCHES[what][0](stages / "base")
    with pytest.raises(ModelError, match=said):
        find_continuation("first", output_dir=stages / "runs")


def test_a_base_that_moved_is_named(stages: Path) -> None:
    moved = Path(shutil.move(stages / "base", stages / "moved"))
    asked = recipe(stages, name="next", continue_from="first", model={"name": str(moved)})
    assert make_plan(asked).choices["base model"].startswith(f"{moved}: given")
    assert asked.model.name == str(moved)


def test_another_revision_is_refused_without_a_lineage(stages: Path) -> None:
    adapter = stages / "runs" / "first" / "adapter"
    (adapter / "lineage.json").unlink()
    (adapter.parent / "lineage.json").unlink()
    config = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    (adapter / "adapter_config.json").write_text(json.dumps(config | {"revision": "v1"}), "utf-8")
    with pytest.raises(ModelError, match=r"trained on the revision 'v1'.*'v2' was asked for"):
        find_continuation(str(adapter), revision="v2")
    assert find_continuation(str(adapter)).revision == "v1"


def test_weights_that_the_lineage_does_not_speak_of_are_refused(stages: Path) -> None:
    runs = stages / "runs"
    name = "adapter/adapter_model.safetensors"
    shutil.copy(runs / "second" / name, runs / "first" / name)
    with pytest.raises(ModelError, match="not those that the run 'first' wrote"):
        find_continuation("first", output_dir=runs)


def test_a_base_that_changed_during_a_run_is_refused_on_resuming(stages: Path) -> None:
    run = stages / "runs" / "first"
    (run / "status.json").write_text('{"state": "interrupted"}', encoding="utf-8")
    other_weights(stages / "base")
    with pytest.raises(ModelError, match="changed since: the weights are others"):
        resume(stages / "runs", "first")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "first", "continue_from": "first"}, "cannot continue from itself"),
        ({"continue_from": "first", "method": "full"}, "'first' is an adapter, and method 'full'"),
        ({"continue_from": "nowhere/at/all"}, "nothing to continue from.*first, second"),
        ({"continue_from": "  "}, "continue_from is empty"),
        ({"continue_optimizer": True, "model": {"name": "BASE"}}, "nothing is continued"),
        ({"continue_from": "first", "continue_optimizer": True, "continue_adapter": "stack"},
         "no optimizer state yet"),
        ({"continue_from": "BASE", "continue_optimizer": True}, "trains other weights"),
        ({"continue_from": "BASE", "model": {"name": "some/other"}}, "is a whole model, and"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(stages: Path, changes: dict[str, Any], said: str) -> None:
    base = str(stages / "base")
    text = json.loads(json.dumps(changes).replace('"BASE"', json.dumps(base)))
    with pytest.raises((UsageError, ModelError), match=said):
        make_plan(recipe(stages, **text))


@pytest.mark.slow
def test_a_state_of_other_weights_is_no_optimizers_state(stages: Path) -> None:
    first = stages / "runs" / "first" / "checkpoints" / "checkpoint-4"
    fine_tune(recipe(stages, name="wide", model={"name": str(stages / "base")}, lora={"r": 8}))
    wide = stages / "runs" / "wide" / "checkpoints" / "checkpoint-4"
    shutil.copy(wide / "optimizer.pt", first / "optimizer.pt")
    shutil.copy(wide / "files.json", first / "files.json")
    seal = json.loads((first / "files.json").read_text("utf-8"))
    only = {"optimizer.pt": seal["optimizer.pt"]}
    (first / "files.json").write_text(json.dumps(only), "utf-8")
    with pytest.raises(MigakiError, match=r"'exp_avg' has the shape \(8, 16\).*\(4, 16\)"):
        fine_tune(recipe(stages, name="next", continue_from="first", continue_optimizer=True))


@pytest.mark.slow
def test_checkpoints_of_a_stack_are_no_model(stages: Path) -> None:
    fine_tune(recipe(stages, name="s", continue_from="first", continue_adapter="stack"))
    with pytest.raises(UsageError, match="only the new adapter of two"):
        find_source(str(stages / "runs/s/checkpoints/checkpoint-2"), output_dir=stages / "runs")


# --- what is read and shown ---------------------------------------------------------------------


def test_the_model_is_found_from_what_is_continued(stages: Path) -> None:
    output = f"output_dir={stages / 'runs'}"
    for source in (None, "lora"):
        read, _ = read_recipe(source, settings={"continue_from": "first"}, overrides=[output])
        assert read.model.name == str(stages / "base")
    with pytest.raises(ConfigError, match="was trained on"):
        read_recipe(
            None,
            settings={"continue_from": "first", "model": {"name": "migaki-tiny"}},
            overrides=[output],
        )


def test_report_and_page_show_the_lineage(stages: Path) -> None:
    run = read_run(stages / "runs" / "second")
    page, card = render_report(run), render_model_card(run)
    for shown in (page, card):
        assert "Lineage" in shown
        assert all(name in shown for name in ("first", "second", "chats.jsonl"))
    assert str(stages) not in card
    assert dict(summary_rows(run))["lineage"] == "base → first → second"
