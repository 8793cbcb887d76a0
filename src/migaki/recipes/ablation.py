"""Does it help? Train one model on two versions of the same rows, over several seeds, and compare.

Some rows are held out, the rest make two training files (the arms). The model is trained on each with
every seed, for the same number of optimizer steps (those that the first arm's rows make), and measured on the same held-out rows. Two runs of
one seed are a pair, so that what differs is the data. Seeds are few, so the interval is Student's t
over the paired differences (Student 1908, The probable error of a mean), and a difference whose
interval holds zero is called not shown, whatever its mean.

    OUT/
    ├── settings.json    what is compared; another call must ask for the same
    ├── data/            train.jsonl, evaluation.jsonl, and a file for each arm and seed
    ├── runs/            a run folder for each arm and seed, complete ones are not run again
    └── ablation.json    every run's figures, the differences, and what they show
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from migaki import config as config_module
from migaki.atomic import write_json
from migaki.errors import UsageError
from migaki.recipes.ablation_arms import Arm, write_rows
from migaki.recipes.fine_tune import JobObserver, SilentObserver, carry_out, resume
from migaki.recipes.plan import make_plan
from migaki.recipes.recipe import Recipe
from migaki.recipes.run_folder import RunFolder, ensure_writable
from migaki.training.settings import count_steps

__all__ = ["Ablation", "ArmRun", "Difference", "run_ablation"]

_STUDENT_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
"""Two-sided 95 % points of Student's t for 1 to 20 degrees of freedom (NIST/SEMATECH e-Handbook of
Statistical Methods, §1.3.6.7.2)."""

_MOST_SEEDS = len(_STUDENT_T) + 1


@dataclass(frozen=True, slots=True)
class ArmRun:
    """What one run of one arm came to.

    Args:
        arm: Name of the arm.
        seed: Seed of the run.
        facts: Of its training file: rows, variants …
        rows: Examples that it really trained on.
        before: Bits per character on the held-out rows before training.
        bits_per_character: After it.
        polite_share: Of the sentences of its answers, 0 to 1.
        repetitive_share: Of its answers, 0 to 1.
    """

    arm: str
    seed: int
    facts: Mapping[str, Any]
    rows: int
    before: float
    bits_per_character: float
    polite_share: float
    repetitive_share: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Second arm against first, over the seeds.

    Args:
        measure: What is compared, with its unit.
        by_seed: Second arm minus first, one for each seed, in the seeds' order.
        mean: Of them.
        interval: 95 %, by Student's t; nothing for one seed.
        less_is_better: Whether a negative difference is the good one; nothing where neither is.
    """

    measure: str
    by_seed: tuple[float, ...]
    mean: float
    interval: tuple[float, float] | None
    less_is_better: bool | None

    @property
    def shown(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    @property
    def verdict(self) -> str:
        """What a careful reader may say: better, worse, different, or not shown."""
        if not self.shown:
            return "not shown"
        if self.less_is_better is None:
            return "different"
        return "better" if (self.mean < 0) == self.less_is_better else "worse"


@dataclass(frozen=True, slots=True)
class Ablation:
    """A whole comparison.

    Args:
        folder: Where everything lies.
        arms: Name → description; the first is the one compared against.
        steps: Optimizer steps of every run.
        runs: All of them.
        differences: By measure.
    """

    folder: Path
    arms: Mapping[str, str]
    steps: int
    runs: tuple[ArmRun, ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``ablation.json``."""
        return {
            "arms": dict(self.arms),
            "steps": self.steps,
            "runs": [asdict(run) for run in self.runs],
            "differences": [
                {**asdict(difference), "verdict": difference.verdict}
                for difference in self.differences
            ],
            "interval": {"confidence": 0.95, "method": "Student's t over seeds, paired"},
        }


def run_ablation(
    recipe: Recipe,
    arms: tuple[Arm, Arm],
    *,
    seeds: Sequence[int],
    folder: Path,
    observer: JobObserver | None = None,
) -> Ablation:
    """Compare two versions of the same training rows.

    Args:
        recipe: Model, data and training; its seed and steps are set for each run.
        arms: The one compared against, and the other.
        seeds: One pair of runs each; two at least give an interval.
        folder: Where all of it goes. A folder that holds the same comparison is gone on with.
        observer: Sees stages and steps.

    Returns:
        Figures of every run and the differences; also in ``ablation.json``.

    Raises:
        UsageError: The folder holds another comparison, no row is held out, or the seeds are not
            usable.
        MigakiError: Whatever stopped a run; the next call goes on with it.
    """
    if len(set(seeds)) != len(seeds) or not 1 <= len(seeds) <= _MOST_SEEDS:
        raise UsageError(
            f"The seeds are {list(seeds)}; valid are 1 to {_MOST_SEEDS} different ones."
        )
    seen = observer or SilentObserver()
    ensure_writable(folder)
    _claim(folder, recipe, arms, seeds)
    seen.on_stage("Dividing the rows")
    plan = make_plan(recipe, on_progress=seen.on_progress)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    train, evaluation = write_rows(plan, data)
    facts = _arm_file(arms[0], train, seeds[0], seen)
    _, steps = count_steps(int(facts["rows"]), recipe.training)
    pairs = _runs(recipe, arms, seeds, train, evaluation, steps=steps, seen=seen)
    result = _compare(folder, arms, steps, tuple(pairs))
    write_json(folder / "ablation.json", result.to_json())
    return result


def _claim(folder: Path, recipe: Recipe, arms: Sequence[Arm], seeds: Sequence[int]) -> None:
    """Write down what is compared, or refuse a folder that compares something else."""
    settings = {
        "arms": {arm.name: arm.description for arm in arms},
        "seeds": list(seeds),
        "recipe": config_module.to_yaml(recipe),
    }
    path = folder / "settings.json"
    if path.exists():
        if json.loads(path.read_text(encoding="utf-8")) != settings:
            raise UsageError(
                f"{folder} holds a comparison with other settings.",
                hint="Give another folder, or delete that one.",
            )
    elif any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", hint="Give another folder.")
    else:
        write_json(path, settings)


def _runs(
    recipe: Recipe,
    arms: Sequence[Arm],
    seeds: Sequence[int],
    train: Path,
    evaluation: Path,
    *,
    steps: int,
    seen: JobObserver,
) -> Iterator[ArmRun]:
    for seed in seeds:
        for arm in arms:
            name = f"{arm.name}-seed{seed}"
            facts = _arm_file(arm, train, seed, seen)
            one = replace(
                recipe,
                name=name,
                output_dir=str(train.parents[1] / "runs"),
                data=replace(
                    recipe.data,
                    train=[str(train.parent / f"{name}.jsonl")],
                    evaluation=[str(evaluation)],
                    max_rows=None,  # it chose the rows that the arms are made of
                    on_bad_row="skip",
                ),
                training=replace(recipe.training, seed=seed, max_steps=steps),
            )
            seen.on_stage(f"{arm.name}, seed {seed}: {facts['rows']:,} rows, {steps:,} steps")
            yield _read_run(_finished(one, seen), arm, seed, facts)


def _arm_file(arm: Arm, train: Path, seed: int, seen: JobObserver) -> Mapping[str, Any]:
    """Make the training file of an arm once; what is said of it lies beside."""
    target = train.parent / f"{arm.name}-seed{seed}.jsonl"
    told = target.with_suffix(".json")
    if not told.exists():
        seen.on_stage(f"Making the rows of '{arm.name}', seed {seed}")
        write_json(told, dict(arm.write(train, target, seed)))
    facts: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return facts


def _finished(recipe: Recipe, seen: JobObserver) -> RunFolder:
    """Run a recipe, go on with it, or take it as it is when it is complete."""
    run = RunFolder(Path(recipe.output_dir) / str(recipe.name))
    state = run.state()
    if state == "empty":
        carry_out(make_plan(recipe, on_progress=seen.on_progress), observer=seen)
    elif state != "completed":
        resume(Path(recipe.output_dir), recipe.name, observer=seen)
    return run


def _read_run(run: RunFolder, arm: Arm, seed: int, facts: Mapping[str, Any]) -> ArmRun:
    evaluation = run.read_json("evaluation.json")
    after = evaluation["after"]
    answers = after["answers"]
    return ArmRun(
        arm=arm.name,
        seed=seed,
        facts=facts,
        rows=run.read_json("data.json")["train"]["examples"],
        before=evaluation["before"]["validation"]["bits_per_character"],
        bits_per_character=after["validation"]["bits_per_character"],
        polite_share=answers["polite_share"],
        repetitive_share=answers["repetitive"] / max(1, answers["count"]),
    )


def _compare(folder: Path, arms: Sequence[Arm], steps: int, runs: tuple[ArmRun, ...]) -> Ablation:
    first = [run for run in runs if run.arm == arms[0].name]
    second = [run for run in runs if run.arm == arms[1].name]

    def differ(
        measure: str, change: Callable[[ArmRun, ArmRun], float], less_is_better: bool | None
    ) -> Difference:
        by_seed = [change(a, b) for a, b in zip(first, second, strict=True)]
        return Difference(
            measure, tuple(by_seed), statistics.mean(by_seed), _interval(by_seed), less_is_better
        )

    differences = (
        differ(
            "bits per character on held-out rows, %",
            lambda a, b: 100 * (b.bits_per_character / a.bits_per_character - 1),
            True,
        ),
        differ(
            "repetitive answers, points",
            lambda a, b: 100 * (b.repetitive_share - a.repetitive_share),
            True,
        ),
        differ(
            "polite endings in answers, points",
            lambda a, b: 100 * (b.polite_share - a.polite_share),
            None,
        ),
    )
    return Ablation(folder, {arm.name: arm.description for arm in arms}, steps, runs, differences)


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return Student's 95 % interval of a mean; nothing for a single value.

    >>> _interval([1.0, 2.0, 3.0])
    (-0.48, 4.48)
    """
    if len(values) < 2:
        return None
    mean = statistics.mean(values)
    half = _STUDENT_T[len(values) - 2] * statistics.stdev(values) / len(values) ** 0.5
    return (round(mean - half, 2), round(mean + half, 2))
