"""Two processes train what one would, end together, and write each file once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from migaki.errors import UsageError
from migaki.training import processes as processes_module
from migaki.training.batching import EpochBatches, by_length
from migaki.training.config import TrainingConfig
from migaki.training.processes import Processes, read_places, require_agreement
from migaki.training.shares import Share

from . import run_processes

TESTS = Path(__file__).resolve().parents[1]
ONE_LAUNCH_S = 550
"""Loading torch twice takes 15 s of two cores, and many times that where others want them too."""


def start(folder: Path, *jobs: str, count: int = 2) -> list[subprocess.Popen[str]]:
    """Start processes as a launcher does, but leave them to themselves."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {**os.environ, "OMP_NUM_THREADS": "1", "WORLD_SIZE": str(count)}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        subprocess.Popen(
            [sys.executable, "-m", "training.run_processes", str(folder), *jobs],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=TESTS,
        )
        for rank in range(count)
    ]


def finish(started: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """Wait for all; none is left behind, whatever happens."""
    try:
        spoken = [process.communicate(timeout=ONE_LAUNCH_S) for process in started]
    finally:
        for process in started:
            process.kill()
    return [(p.returncode, *words) for p, words in zip(started, spoken, strict=True)]


def losses(folder: Path, split: str) -> list[tuple[int, float]]:
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [(r["step"], r["loss"]) for r in records if r["split"] == split]


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Largest relative difference of a weight, in its Euclidean norm.

    A bias of keys has no gradient but rounding errors (a softmax does not see what is added to all its
    inputs), which Adam makes as large as any: it is left out.
    """
    assert one.keys() == other.keys()
    names = [name for name in one if not name.endswith("k_proj.bias")]
    return max(float((one[name] - other[name]).norm() / one[name].norm()) for name in names)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes leave behind that train one job after the other, in one launch."""
    folder = tmp_path_factory.mktemp("together")
    ended = finish(start(folder, *run_processes.JOBS))
    assert [code for code, _, _ in ended] == [0, 0], ended
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", ["lora", "full"])
def test_two_processes_are_one_with_twice_the_accumulation(
    method: str, together: Path, tmp_path: Path
) -> None:
    """23 rows of unequal length, some without a trained token: uneven shares and idle batches too."""
    result, weights = run_processes.train(tmp_path, method=method, gradient_accumulation_steps=4)
    told = json.loads((together / method / "result.json").read_text(encoding="utf-8"))

    assert told["steps"] == result.steps == run_processes.STEPS
    assert told["tokens"] == result.tokens
    assert told["train_loss"] == pytest.approx(result.train_loss, rel=1e-5)
    for split in ("train", "eval"):  # each line once, though two processes log
        alone, both = losses(tmp_path, split), losses(together / method, split)
        assert [step for step, _ in both] == [step for step, _ in alone]
        for (_, one), (_, other) in zip(alone, both, strict=True):
            assert other == pytest.approx(one, rel=1e-5)
    # float32 sums in another order, 20 steps of Adam behind each other
    assert distance(weights, load_file(together / method / "weights.safetensors")) < 1e-5


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_of_two_processes_resumes_with_the_random_state_of_each(together: Path) -> None:
    """The job itself compares the weights, bit by bit, in both processes."""
    checkpoint = together / "resumed" / "checkpoints" / "checkpoint-6"
    states = [(checkpoint / f"rng_state_{rank}.pth").read_bytes() for rank in (0, 1)]
    assert states[0] != states[1], "both processes would drop the same activations"
    assert not list((together / "resumed" / "checkpoints").glob("tmp-*"))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_process_ends_the_other_with_its_name(tmp_path: Path) -> None:
    started = start(tmp_path, "killed")
    started[1].wait(timeout=ONE_LAUNCH_S)
    since = time.monotonic()
    (code, said, _), _ = finish(started)
    assert time.monotonic() - since < 60
    assert code == 1
    assert "The connection to process 1 of 2 was lost" in said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_reason_of_one_process_is_told_by_the_other(tmp_path: Path) -> None:
    (code, said, _), (other_code, other_said, _) = finish(start(tmp_path, "failing"))
    assert (code, other_code) == (1, 1)
    assert "Process 1 of 2 failed, and all end with it: the card of process 1 burns" in said
    assert "TrainingError: the card of process 1 burns" in other_said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_processes_with_different_rows_do_not_begin(tmp_path: Path) -> None:
    for code, said, _ in finish(start(tmp_path, "different")):
        assert code == 1
        assert "do not train the same run (rows: 23 process 0, 22 process 1" in said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_process_that_is_asked_to_stop_stops_all_at_the_same_step(tmp_path: Path) -> None:
    """The signal comes while the sums of step 4 are under way: step 5 is the first to know of it."""
    ended = finish(start(tmp_path, "stopped"))
    for code, said, _ in ended:
        assert code == 130
        assert "Stopped at step 5 of 20. The checkpoint checkpoint-5 holds everything" in said


# ---- shares --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 7, 16, 23])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("accumulation", [1, 3])
def test_the_shares_of_a_step_are_the_batches_of_one_process(
    rows: int, count: int, accumulation: int
) -> None:
    def batches() -> Any:
        lengths = [1 + (7 * i) % 11 for i in range(rows)]
        return EpochBatches(lengths, batch_size=2, seed=3, arrange=by_length)

    shares = [Share(batches(), Processes(rank, 0, count), even=True) for rank in range(count)]
    taken = [list(share) for share in shares]

    assert {len(share) for share in shares} == {len(own) for own in taken} == {len(taken[0])}
    alone = list(batches())
    for begin in range(0, len(taken[0]), accumulation):
        step = [batch for own in taken for batch in own[begin : begin + accumulation] if batch]
        expected = alone[begin * count : (begin + accumulation) * count]
        assert sorted(step) == sorted(expected)


def test_measuring_needs_no_idle_batches() -> None:
    shares = [Share([[0], [1], [2]], Processes(rank, 0, 2), even=False) for rank in range(2)]
    assert [list(share) for share in shares] == [[[0], [2]], [[1]]]
    assert [len(share) for share in shares] == [2, 1]


# ---- what is asked and what is there -------------------------------------------------------------

PLACES = {
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "::1", "MASTER_PORT": "1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"RANK": ""}, "RANK is not set"),
        ({"MASTER_ADDR": "", "MASTER_PORT": ""}, "MASTER_ADDR, MASTER_PORT are not set"),
        ({"RANK": "2"}, "contradict each other"),
        ({"LOCAL_RANK": "-1"}, "LOCAL_RANK is '-1'"),
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
    ],
)
def test_a_damaged_launch_is_said(changes: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_places({**PLACES, **changes})


@pytest.mark.parametrize(
    ("changes", "started", "words"),
    [
        ({"world_size": 2}, Processes(), "world_size=2, but 1 process was started"),
        ({"world_size": 4}, Processes(0, 0, 2, launched=True), "but 2 processes were started"),
        ({"ddp": True}, Processes(), "without a launcher"),
        ({"local_rank": 0}, Processes(1, 1, 2, launched=True), "this process is number 1"),
        ({"local_rank": 1}, Processes(), "this process is number 0"),
    ],
)
def test_settings_that_contradict_what_was_started_are_refused(
    changes: dict[str, Any], started: Processes, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        require_agreement(TrainingConfig(**changes), started)


@pytest.mark.parametrize(
    ("changes", "started"),
    [
        ({}, Processes(1, 1, 2, launched=True)),
        ({"ddp": True, "world_size": 2, "local_rank": 1}, Processes(1, 1, 2, launched=True)),
        ({"ddp": True}, Processes(launched=True)),
        ({"local_rank": 0}, Processes()),
    ],
)
def test_settings_that_agree_are_taken(changes: dict[str, Any], started: Processes) -> None:
    require_agreement(TrainingConfig(**changes), started)


def test_a_launcher_without_its_variables_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes_module, "_joined", None)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="cannot find each other"):
        processes_module.join_processes()
