"""An ablation trains for real, compares like with like, and is gone on with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from migaki.corpus.augmentation import Augmentation
from migaki.errors import UsageError
from migaki.recipes.ablation import Ablation, Difference, run_ablation
from migaki.recipes.ablation_arms import Arm, augmented_rows, every_row, random_rows, selected_rows
from migaki.recipes.recipe import Recipe, read_recipe

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def recipe(*overrides: str) -> Recipe:
    small = ["data.max_rows=60", "training.max_steps=3", "evaluation.max_new_tokens=4", *overrides]
    return read_recipe("first-run", overrides=small)[0]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Ablation:
    arms = (every_row(), augmented_rows(Augmentation(variants=2)))
    return run_ablation(recipe(), arms, seeds=[1, 2], folder=tmp_path_factory.mktemp("out") / "a")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_both_arms_hold_the_same_rows_out_and_take_the_same_steps(result: Ablation) -> None:
    assert [(run.arm, run.seed) for run in result.runs] == [
        ("source", 1), ("augmented", 1), ("source", 2), ("augmented", 2),
    ]  # fmt: skip
    runs = sorted((result.folder / "runs").iterdir())
    stored = [json.loads((run / "evaluation.json").read_text(encoding="utf-8")) for run in runs]
    held = {str(one["after"]["validation"]["by_row"]["characters"]) for one in stored}
    plans = {json.loads((run / "plan.json").read_text(encoding="utf-8"))["steps"] for run in runs}
    assert len(held) == 1
    assert plans == {result.steps} == {3}
    assert len({run.before for run in result.runs}) == 1


def test_every_variant_is_trained_on_and_no_held_out_row(result: Ablation) -> None:
    held = {json.dumps(row["messages"]) for row in lines(result.folder / "data/evaluation.jsonl")}
    for run in result.runs:
        rows = lines(result.folder / "data" / f"{run.arm}-seed{run.seed}.jsonl")
        assert run.rows == run.facts["rows"] == len(rows)
        assert not held & {json.dumps(row["messages"]) for row in rows}
    source, augmented = result.runs[:2]
    assert augmented.rows == source.rows + augmented.facts["variants"] > source.rows


def test_what_is_complete_is_not_done_again(result: Ablation) -> None:
    written = {path: path.stat().st_mtime_ns for path in (result.folder / "runs").rglob("*.json")}
    arms = (every_row(), augmented_rows(Augmentation(variants=2)))
    again = run_ablation(recipe(), arms, seeds=[1, 2], folder=result.folder)
    assert again == result
    assert {path: path.stat().st_mtime_ns for path in written} == written


def test_a_run_that_failed_is_gone_on_with(tmp_path: Path) -> None:
    def fails(source: Path, target: Path, seed: int) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    broken = Arm("random", "5 rows drawn at random", fails)
    with pytest.raises(KeyboardInterrupt):
        run_ablation(recipe(), (every_row(), broken), seeds=[1], folder=tmp_path)
    done = tmp_path / "runs/source-seed1/evaluation.json"
    before = done.stat().st_mtime_ns
    result = run_ablation(recipe(), (every_row(), random_rows(5)), seeds=[1], folder=tmp_path)
    assert done.stat().st_mtime_ns == before
    assert result.runs[1].rows == 5
    assert result.differences[0].interval is None
    assert result.differences[0].verdict == "not shown"


def test_another_comparison_does_not_go_into_the_same_folder(result: Ablation) -> None:
    with pytest.raises(UsageError, match="other settings"):
        run_ablation(recipe(), (every_row(), random_rows(5)), seeds=[1, 2], folder=result.folder)


@pytest.mark.parametrize(
    ("interval", "less_is_better", "verdict"),
    [
        ((-2.0, -1.0), True, "better"),
        ((1.0, 2.0), True, "worse"),
        ((1.0, 2.0), None, "different"),
        ((-1.0, 2.0), True, "not shown"),
        (None, True, "not shown"),
    ],
)
def test_a_difference_is_called_what_its_interval_shows(
    interval: tuple[float, float] | None, less_is_better: bool | None, verdict: str
) -> None:
    mean = sum(interval) / 2 if interval else 1.0
    assert Difference("m", (mean,), mean, interval, less_is_better).verdict == verdict


@pytest.mark.parametrize("seeds", [[], [1, 1], list(range(22))])
def test_seeds_that_make_no_pairs_are_refused(tmp_path: Path, seeds: list[int]) -> None:
    with pytest.raises(UsageError, match="seeds"):
        run_ablation(recipe(), (every_row(), random_rows(5)), seeds=seeds, folder=tmp_path)


def test_asking_for_all_rows_is_no_choice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing would be chosen"):
        run_ablation(recipe(), (random_rows(1000), every_row()), seeds=[1], folder=tmp_path)


def test_a_selection_is_compared_with_as_many_rows_drawn_at_random(tmp_path: Path) -> None:
    asked = recipe("training.max_steps=0", "training.num_epochs=2", "training.batch_size=4")
    arms = (random_rows(8), selected_rows(8))
    result = run_ablation(asked, arms, seeds=[1, 2], folder=tmp_path)
    assert [run.rows for run in result.runs] == [8] * 4
    assert result.steps == 2 * 8 // 4
    drawn = [lines(tmp_path / f"data/random-seed{seed}.jsonl") for seed in (1, 2)]
    chosen = [lines(tmp_path / f"data/selected-seed{seed}.jsonl") for seed in (1, 2)]
    assert drawn[0] != drawn[1]
    assert chosen[0] == chosen[1]
