"""A resumed run equals the uninterrupted one to the last digit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from migaki.errors import TrainingError
from migaki.models.adapters import attach_lora
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training

from .conftest import Rows, make_config, make_model, make_rows, make_tokenizer

TIMES = {
    "tokens_per_s", "trained_tokens_per_s", "characters_per_s", "mfu", "hfu", "memory_gib", "eta_s",
    "runtime",
}  # fmt: skip


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(x).items() if k not in TIMES} for x in lines]


def new_model(method: str) -> Any:
    if method == "full":
        return make_model(attention_dropout=0.1)
    return attach_lora(make_model(), r=4, lora_alpha=8, lora_dropout=0.3, seed=5)


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}


def train(
    model: Any, config: TrainingConfig, folder: Path, *, rows: Rows | None = None, **more: Any
) -> Any:
    return run_training(
        model,
        make_tokenizer(),
        config,
        train_dataset=rows or make_rows(37),
        eval_dataset=make_rows(9, seed=1),
        output_dir=folder,
        **more,
    )


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run of ten steps that came to its end, and its result: trained once, and only copied."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    with torch.random.fork_rng():
        return folder, train(new_model("lora"), make_config(folder, save_steps=5), folder)


@pytest.fixture
def finished(finished_run: tuple[Path, Any], tmp_path: Path) -> Path:
    """A copy of the finished run, to be resumed or harmed."""
    return Path(shutil.copytree(finished_run[0], tmp_path / "run"))


@pytest.mark.parametrize(
    ("method", "step", "changes"),
    [
        ("lora", 2, {}),
        ("lora", 5, {"packing": "always"}),
        ("lora", 8, {}),
        ("full", 3, {}),
        pytest.param("lora", 8, {"packing": "always"}, marks=pytest.mark.slow),
        pytest.param(
            "lora",
            12,
            {"packing": "always", "dataloader_workers": 2, "num_epochs": 3},
            marks=pytest.mark.slow,
        ),
        pytest.param("full", 7, {"dataloader_workers": 2}, marks=pytest.mark.slow),
    ],
)
def test_resume_is_exact(
    method: str,
    step: int,
    changes: dict[str, Any],
    config: Callable[..., TrainingConfig],
    tmp_path: Path,
) -> None:
    """37 rows: 5 steps an epoch, so 5 is an epoch's end and the others lie within one."""
    settings = config(logging_steps=3, save_steps=1, eval_steps=2, save_total_limit=20, **changes)
    whole = new_model(method)
    train(whole, settings, tmp_path / "whole")

    folder = tmp_path / "resumed"
    (folder / "checkpoints").mkdir(parents=True)
    shutil.copy(tmp_path / "whole" / "metrics.jsonl", folder / "metrics.jsonl")
    source = tmp_path / "whole" / "checkpoints" / f"checkpoint-{step}"
    shutil.copytree(source, folder / "checkpoints" / source.name)
    resumed = new_model(method)
    torch.manual_seed(999)  # whatever happened before must not matter
    train(resumed, settings, folder, resume=True)

    assert read_metrics(folder) == read_metrics(tmp_path / "whole")
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(resumed)[name]), name


def test_patience_survives_a_resume(config: Callable[..., TrainingConfig], tmp_path: Path) -> None:
    settings = config(
        num_epochs=9, eval_steps=1, save_steps=1, save_total_limit=20,
        early_stopping_patience=4, early_stopping_min_delta=100.0,
    )  # fmt: skip
    whole = train(new_model("lora"), settings, tmp_path / "run")
    checkpoint = tmp_path / "run" / "checkpoints" / "checkpoint-3"

    again = train(new_model("lora"), settings, tmp_path / "run", resume=checkpoint)

    assert whole.stopped_early
    assert again.stopped_early
    assert whole.steps == again.steps == 5
    assert whole.best_step == again.best_step


def test_resume_of_a_finished_run_does_nothing(
    finished_run: tuple[Path, Any], finished: Path, config: Callable[..., TrainingConfig]
) -> None:
    first = finished_run[1]
    before = read_metrics(finished)

    again = train(new_model("lora"), config(save_steps=5), finished, resume=True)

    assert read_metrics(finished) == before
    assert (again.steps, again.train_loss, again.eval_loss) == (
        first.steps, first.train_loss, first.eval_loss
    )  # fmt: skip


def test_resume_without_checkpoint_starts_at_the_beginning(
    config: Callable[..., TrainingConfig], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result = train(new_model("lora"), config(), tmp_path / "run", resume=True)

    assert result.steps == 10
    assert "from the beginning" in caplog.text


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 1e-4}, "learning_rate: 0.003 then, 0.0001 now"),
        ({"batch_size": 2}, "batch_size: 4 then, 2 now"),
        ({"seed": 7}, "seed: 42 then, 7 now"),
    ],
)
def test_resume_with_other_settings_is_refused(
    changes: dict[str, Any], named: str, config: Callable[..., TrainingConfig], finished: Path
) -> None:
    with pytest.raises(TrainingError, match="belongs to a run with other settings") as caught:
        train(new_model("lora"), config(save_steps=5, **changes), finished, resume=True)
    assert named in str(caught.value)


def test_resume_with_another_adapter_is_refused(
    config: Callable[..., TrainingConfig], finished: Path
) -> None:
    other = attach_lora(make_model(), r=2, lora_alpha=8, lora_dropout=0.3, seed=5)
    with pytest.raises(TrainingError, match=r"adapter.*'r': 4.*then.*'r': 2.*now"):
        train(other, config(save_steps=5), finished, resume=True)


@pytest.mark.parametrize(
    "name", ["optimizer.pt", "rng_state.pth", "migaki_state.json", "files.json"]
)
@pytest.mark.parametrize("harm", ["gone", "cut", "changed"])
def test_a_damaged_checkpoint_is_refused(
    name: str, harm: str, config: Callable[..., TrainingConfig], finished: Path
) -> None:
    file = finished / "checkpoints" / "checkpoint-10" / name
    content = file.read_bytes()
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if harm == "cut" else b"[" + content[1:])

    with pytest.raises(TrainingError, match="checkpoint-10 is damaged") as caught:
        train(new_model("lora"), config(save_steps=5), finished, resume=True)
    assert name in caught.value.message
    assert "resume from checkpoint-" in str(caught.value.hint)


def test_resume_with_other_rows_is_refused(
    config: Callable[..., TrainingConfig], finished: Path
) -> None:
    with pytest.raises(TrainingError, match="rows_sha256"):
        train(
            new_model("lora"),
            config(save_steps=5),
            finished,
            rows=make_rows(37, seed=3),
            resume=True,
        )


def test_resume_from_an_earlier_checkpoint_sets_later_ones_aside(
    config: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    settings = config(save_steps=2, save_total_limit=9)
    train(new_model("lora"), settings, tmp_path / "run")
    before = read_metrics(tmp_path / "run")
    store = tmp_path / "run" / "checkpoints"

    train(new_model("lora"), settings, tmp_path / "run", resume=store / "checkpoint-4")

    assert read_metrics(tmp_path / "run") == before
    assert (store / "abandoned-checkpoint-8").is_dir()


def test_resume_from_something_else_is_refused(
    config: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="is not a checkpoint"):
        train(new_model("lora"), config(), tmp_path / "run", resume=tmp_path / "nowhere")


def test_half_written_checkpoints_are_removed(
    config: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    leftover = tmp_path / "run" / "checkpoints" / "tmp-checkpoint-3"
    leftover.mkdir(parents=True)
    (leftover / "adapter_model.safetensors").write_bytes(b"half")

    result = train(new_model("lora"), config(), tmp_path / "run", resume=True)

    assert result.steps == 10
    assert not leftover.exists()
