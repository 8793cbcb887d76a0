"""Memory that runs out: the step is repeated in pieces, and learns what the whole would have taught."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from migaki.errors import ResourceError
from migaki.hardware.out_of_memory import is_out_of_memory
from migaki.training.batch_size import pieces_of
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training

from .conftest import make_model, make_rows, make_tokenizer

Make = Callable[..., TrainingConfig]


def _short(make: Make, name: str) -> TrainingConfig:
    folder = f"{make().output_dir}-{name}"
    return make(max_steps=2, eval_steps=2, keep_best=False, output_dir=folder)


def _train(config: TrainingConfig, *, fails: Callable[[Any, tuple[int, int]], bool]) -> Any:
    """Train with a model in whose second layer memory runs out where it is told to."""
    model = make_model()

    def run_out(module: Any, args: Any, kwargs: Any) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        if fails(model, hidden.shape[:2]):
            raise torch.OutOfMemoryError("memory ran out, here")

    model.model.layers[1].register_forward_pre_hook(run_out, with_kwargs=True)
    result = run_training(
        model, make_tokenizer(), config,
        train_dataset=make_rows(24), eval_dataset=make_rows(8, seed=1),
    )  # fmt: skip
    return model, result


def test_a_step_in_pieces_teaches_what_the_whole_would_have(config: Make) -> None:
    whole, _ = _train(_short(config, "whole"), fails=lambda *_: False)
    halved, result = _train(
        _short(config, "halved"),
        fails=lambda model, shape: model.training and shape[0] * shape[1] > 60,
    )

    for name, weight in whole.state_dict().items():
        torch.testing.assert_close(halved.state_dict()[name], weight, rtol=1e-4, atol=1e-5)
    lines = [
        json.loads(line)
        for line in Path(_short(config, "halved").output_dir, "metrics.jsonl")
        .read_text()
        .splitlines()
    ]
    said = [line for line in lines if line["split"] == "memory"]
    assert said
    assert said[-1]["tokens_at_once"] <= 60
    assert "memory ran out" in result.choices["tokens at once in training"]
    assert result.steps == result.total_steps


def test_an_evaluation_in_pieces_measures_the_same(config: Make) -> None:
    _, whole = _train(_short(config, "whole"), fails=lambda *_: False)
    _, halved = _train(
        _short(config, "halved"),
        fails=lambda _, shape: not torch.is_grad_enabled() and shape[0] > 1,
    )
    assert halved.eval_loss == pytest.approx(whole.eval_loss, rel=1e-5)
    assert "in evaluation" in halved.choices["tokens at once in evaluation"]
    assert "tokens at once in training" not in halved.choices


def test_a_row_that_does_not_fit_alone_is_an_error(config: Make) -> None:
    with pytest.raises(ResourceError, match=r"with 1 row of \d+ tokens") as caught:
        _train(_short(config, "none"), fails=lambda *_: True)
    assert "max_tokens" in str(caught.value.hint)


def test_pieces_hold_every_row_once_without_needless_padding() -> None:
    ids = torch.arange(1, 41).reshape(4, 10)
    mask = (torch.arange(10) < torch.tensor([[10], [9], [3], [2]])).long()
    batch = {"input_ids": ids, "attention_mask": mask, "labels": ids}

    pieces = pieces_of(batch, 20)

    assert [tuple(piece["input_ids"].shape) for piece in pieces] == [(2, 10), (2, 3)]
    assert sum(int(piece["attention_mask"].sum()) for piece in pieces) == int(mask.sum())
    assert pieces_of({**batch, "lengths": [1, 2]}, 20) == [{**batch, "lengths": [1, 2]}]


def test_what_counts_as_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))


_LIMITED = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
import torch; torch.set_num_threads(1)
from training.conftest import make_model, make_rows, make_tokenizer
from migaki.training.config import TrainingConfig
from migaki.training.engine import run_training
def run(folder, rows):
    config = TrainingConfig(learning_rate=1e-3, batch_size=32, gradient_accumulation_steps=2, max_steps=2,
        warmup_steps=0, logging_steps=1, output_dir=folder)
    model = make_model(vocab_size=4000, max_position_embeddings=512)
    return run_training(model, make_tokenizer(), config, train_dataset=rows)
run(sys.argv[2] + "/warm", make_rows(64))  # loads the libraries
if sys.argv[3] == "tight":
    pages = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + (300 << 20), resource.RLIM_INFINITY))
result = run(sys.argv[2] + "/run", make_rows(64, shortest=400, longest=420))
print(json.dumps([result.train_loss, dict(result.choices)]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is kept on Linux")
def test_a_process_that_may_not_have_more_memory_trains_in_pieces(
    project_root: Path, tmp_path: Path
) -> None:
    found = {}
    for limit in ("free", "tight"):
        folder = tmp_path / limit
        ended = subprocess.run(
            [sys.executable, "-c", _LIMITED, str(project_root / "tests" / "unit"), str(folder), limit],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr[-2000:]
        found[limit] = json.loads(ended.stdout.splitlines()[-1])
    assert "tokens at once in training" not in found["free"][1]
    assert "memory ran out" in found["tight"][1]["tokens at once in training"]
    assert found["tight"][0] == pytest.approx(found["free"][0], rel=1e-4)
