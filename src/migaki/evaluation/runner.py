"""Measure a model, and say what changed between two measurements, with an interval.

A measurement is bits per character on held-out rows and answers to fixed prompts. Before and after
are paired: the same rows and prompts are drawn for both in each resample of a percentile bootstrap
(Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 13), so an interval speaks of the change
and not of how different the rows are from each other. It covers the choice of rows and prompts, not
another training run with another seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from migaki.dataset.token_dataset import TokenDataset
from migaki.errors import DataError, ModelError
from migaki.evaluation.answers import (
    REPETITIVE_FROM,
    Answer,
    Prompt,
    answer_prompts,
    describe_answers,
)
from migaki.evaluation.likelihood import Likelihood, ScoredRow, measure_likelihood

__all__ = ["Measurement", "compare", "measure"]

_RESAMPLES = 2000
_CONFIDENCE = 0.95
_TOKENS_PER_ROW = 256
"""Padded tokens that one row of ``batch_size`` stands for in the likelihood's token budget."""

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A model as it was at one moment.

    Args:
        likelihood: Bits per character on the held-out rows; nothing where none are held out.
        answers: Answers to the prompts.
        settings: Seed, decoding and counts, for whoever repeats it.
    """

    likelihood: Likelihood | None
    answers: tuple[Answer, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return ``before`` or ``after`` of ``evaluation.json``."""
        return {
            "validation": _likelihood_json(self.likelihood) if self.likelihood else None,
            "answers": describe_answers(self.answers) if self.answers else None,
            "settings": dict(self.settings),
        }

    def sample_rows(self, before: Measurement | None = None) -> list[dict[str, Any]]:
        """Return the rows of ``samples.jsonl``.

        Args:
            before: The measurement before training; without it this one is the one before.
        """
        first = {a.prompt.id: a for a in (before or self).answers}
        last = {a.prompt.id: a for a in self.answers} if before else {}
        rows = []
        for key, answer in {**first, **last}.items():
            row: dict[str, Any] = {
                "id": key,
                "category": answer.prompt.category,
                "prompt": answer.prompt.prompt,
            }
            for name, found in (("before", first.get(key)), ("after", last.get(key))):
                if found is not None:
                    row |= {name: found.text, f"{name}_cut": found.cut}
            rows.append(row)
        return rows

    @classmethod
    def from_run(cls, folder: Path) -> Measurement:
        """Read the measurement before training back from a run folder.

        Args:
            folder: Holds ``evaluation.json`` and ``samples.jsonl``.

        Raises:
            DataError: One of them is missing or was changed.
        """
        try:
            stored = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["before"]
            lines = (folder / "samples.jsonl").read_text(encoding="utf-8").split("\n")
            samples = [json.loads(line) for line in lines if line.strip()]
            return cls(
                likelihood=_likelihood_from(stored["validation"]) if stored["validation"] else None,
                answers=tuple(_answer_from(row) for row in samples if "before" in row),
                settings=stored["settings"],
            )
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise DataError(
                f"The measurement before training cannot be read from {folder}: "
                f"{type(err).__name__}: {err}.",
                hint="Delete its evaluation.json and resume: it is measured again, on what is there.",
            ) from err


def measure(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: TokenDataset,
    prompts: Sequence[Prompt],
    *,
    max_new_tokens: int = 64,
    batch_size: int = 8,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Measurement:
    """Measure a model on held-out rows and fixed prompts.

    Args:
        model: A causal language model, on its device.
        tokenizer: Its tokenizer.
        rows: Held-out rows; may be empty. Those without trained text are left out and counted.
        prompts: May be empty.
        max_new_tokens: Longest answer in tokens.
        batch_size: Prompts answered at once; rows are scored at 256 times as many tokens.
        seed: Seed of the bootstrap in `compare`; decoding is greedy and needs none.
        on_progress: Called with what, done and total.

    Raises:
        ModelError: The model gives no finite probability.
    """
    scored = _scored_rows(rows)
    likelihood = None
    if scored:
        likelihood = measure_likelihood(
            model,
            scored,
            max_tokens_per_batch=_TOKENS_PER_ROW * batch_size,
            on_progress=on_progress,
        )
        if not math.isfinite(likelihood.bits_per_character):
            raise ModelError(
                "The model gives no finite probability to the held-out rows: "
                f"{likelihood.bits_per_character} bits per character.",
                hint="Its weights hold NaN or infinity; load it in float32, or take a checkpoint "
                "from before the loss diverged.",
            )
    answers = answer_prompts(
        model,
        tokenizer,
        prompts,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
        on_progress=on_progress,
    )
    settings = {
        "seed": seed,
        "decoding": "greedy",
        "max_new_tokens": max_new_tokens,
        "rows": len(scored),
        "rows_without_trained_text": len(rows) - len(scored),
        "prompts": len(answers),
        "register_rule": "style of the last main clause (migaki.linguistics.register)",
        "repetitive_from": REPETITIVE_FROM,
    }
    return Measurement(likelihood, tuple(answers), settings)


def _scored_rows(rows: TokenDataset) -> list[ScoredRow]:
    """Take the rows that can be measured: a row cut to its question has nothing trained left."""
    found = []
    for index, (characters, trained) in enumerate(
        zip(rows.trained_characters, rows.trained_lengths, strict=True)
    ):
        if characters > 0 and trained > 0:
            ids, labels = rows.row(index)
            found.append(ScoredRow(ids.tolist(), labels.tolist(), characters))
    return found


def compare(before: Measurement, after: Measurement) -> dict[str, Any]:
    """Return the content of ``evaluation.json``: before, after, and the change with intervals.

    ``change`` holds ``bits_per_character_relative`` (−0.25 is a quarter less) and
    ``polite_share_points`` (in percentage points), each with ``…_interval``, a [low, high] pair,
    where both measurements have them.

    Raises:
        DataError: The two were not made on the same rows and prompts.
    """
    rng = np.random.default_rng(int(after.settings.get("seed", 0)))
    change: dict[str, Any] = {}
    if before.likelihood and after.likelihood:
        change |= _likelihood_change(before.likelihood, after.likelihood, rng)
    if before.answers and after.answers:
        change |= _register_change(before.answers, after.answers, rng)
    return {
        "before": before.to_json(),
        "after": after.to_json(),
        "change": change,
        "interval": {"confidence": _CONFIDENCE, "method": "paired percentile bootstrap",
                     "resamples": _RESAMPLES, "seed": int(after.settings.get("seed", 0))},
    }  # fmt: skip


def _likelihood_change(
    before: Likelihood, after: Likelihood, rng: np.random.Generator
) -> dict[str, Any]:
    if before.characters != after.characters:
        raise DataError("Before and after were not measured on the same held-out rows.")
    old, new = np.array(before.nll_nats), np.array(after.nll_nats)
    relative = _resampled([old, new], rng, lambda sums: sums[1] / sums[0] - 1)
    return {
        "bits_per_character": after.bits_per_character - before.bits_per_character,
        "bits_per_character_relative": after.bits_per_character / before.bits_per_character - 1,
        "bits_per_character_relative_interval": relative,
    }


def _register_change(
    before: Sequence[Answer], after: Sequence[Answer], rng: np.random.Generator
) -> dict[str, Any]:
    if [a.prompt for a in before] != [a.prompt for a in after]:
        raise DataError("Before and after did not answer the same prompts.")
    counts = [[a.registers for a in answers] for answers in (before, after)]
    columns = [np.array([getattr(c, name) for c in side], dtype=float)
               for side in counts for name in ("polite", "total")]  # fmt: skip

    def points(sums: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
        polite_0, total_0, polite_1, total_1 = sums
        return 100 * (polite_1 / np.maximum(total_1, 1) - polite_0 / np.maximum(total_0, 1))

    observed = points([np.array([column.sum()]) for column in columns])
    return {
        "polite_share_points": float(observed[0]),
        "polite_share_points_interval": _resampled(columns, rng, points),
    }


def _resampled(
    columns: Sequence[NDArray[np.float64]],
    rng: np.random.Generator,
    statistic: Callable[[Sequence[NDArray[np.float64]]], NDArray[np.float64]],
) -> list[float] | None:
    """Return the interval of a statistic of column sums; nothing for fewer than two items."""
    items = len(columns[0])
    if items < 2:
        return None
    # How often each item is drawn is multinomial: one matrix product makes all resamples.
    draws = rng.multinomial(items, np.full(items, 1 / items), size=_RESAMPLES)
    values = statistic([draws @ column for column in columns])
    tail = (1 - _CONFIDENCE) / 2
    return [float(value) for value in np.quantile(values, [tail, 1 - tail])]


def _likelihood_json(likelihood: Likelihood) -> dict[str, Any]:
    return {
        "bits_per_character": likelihood.bits_per_character,
        "loss_per_token": likelihood.loss_per_token,
        "rows": len(likelihood.nll_nats),
        "tokens": sum(likelihood.tokens),
        "characters": sum(likelihood.characters),
        "unscored_tokens": likelihood.unscored_tokens,
        "by_row": {
            "nll_nats": [round(value, 4) for value in likelihood.nll_nats],
            "tokens": list(likelihood.tokens),
            "characters": list(likelihood.characters),
        },
    }


def _likelihood_from(stored: Mapping[str, Any]) -> Likelihood:
    by_row = stored["by_row"]
    return Likelihood(
        nll_nats=tuple(by_row["nll_nats"]),
        tokens=tuple(by_row["tokens"]),
        characters=tuple(by_row["characters"]),
        unscored_tokens=stored["unscored_tokens"],
    )


def _answer_from(row: Mapping[str, Any]) -> Answer:
    prompt = Prompt(row["id"], row["prompt"], row["category"])
    return Answer(prompt, row["before"], row["before_cut"])
