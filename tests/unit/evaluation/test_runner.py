"""Measurements survive the run folder, and the change between two is right and says how sure it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from migaki.atomic import write_json, write_jsonl
from migaki.dataset.token_dataset import TokenDataset
from migaki.errors import DataError, ModelError
from migaki.evaluation import answers as answers_module
from migaki.evaluation import runner
from migaki.evaluation.answers import Answer, Prompt
from migaki.evaluation.likelihood import Likelihood

PROMPTS = [Prompt(str(n), f"質問{n}", "駅") for n in range(6)]


def _measurement(nll: float, texts: list[str], *, characters: int = 10) -> runner.Measurement:
    rows = 20
    likelihood = Likelihood(
        nll_nats=tuple(nll + 0.1 * (n % 3) for n in range(rows)),
        tokens=(5,) * rows,
        characters=(characters,) * rows,
        unscored_tokens=0,
    )
    answers = tuple(Answer(p, t, False) for p, t in zip(PROMPTS, texts, strict=True))
    return runner.Measurement(likelihood, answers, {"seed": 1})


BEFORE = _measurement(20.0, ["駅は近い。"] * 5 + ["近いです。"])
AFTER = _measurement(15.0, ["駅は近いです。"] * 5 + ["近い。"])


def test_change_and_intervals():
    found = runner.compare(BEFORE, AFTER)
    change = found["change"]
    assert change["bits_per_character_relative"] == pytest.approx(-5 / 20.095, rel=1e-3)
    low, high = change["bits_per_character_relative_interval"]
    assert low <= change["bits_per_character_relative"] <= high
    assert high - low < 0.01, "paired rows: their difference is the same everywhere"
    assert change["polite_share_points"] == pytest.approx(100 * (5 / 6 - 1 / 6))
    low, high = change["polite_share_points_interval"]
    assert low < change["polite_share_points"] <= high <= 100
    assert found["before"]["answers"]["polite"] == 1
    assert found == runner.compare(BEFORE, AFTER), "seeded"
    json.dumps(found, allow_nan=False)


def test_a_single_row_has_no_interval():
    one = runner.Measurement(Likelihood((3.0,), (2,), (4,), 0), ())
    assert runner.compare(one, one)["change"]["bits_per_character_relative_interval"] is None


def test_nothing_held_out_leaves_only_answers():
    change = runner.compare(
        runner.Measurement(None, BEFORE.answers), runner.Measurement(None, AFTER.answers)
    )["change"]
    assert set(change) == {"polite_share_points", "polite_share_points_interval"}


def test_other_rows_or_prompts_are_not_compared():
    with pytest.raises(DataError, match="same held-out rows"):
        runner.compare(BEFORE, _measurement(15.0, ["。"] * 6, characters=11))
    with pytest.raises(DataError, match="same prompts"):
        runner.compare(BEFORE, runner.Measurement(None, AFTER.answers[::-1]))


def test_before_comes_back_from_the_run_folder(tmp_path):
    write_json(tmp_path / "evaluation.json", {"before": BEFORE.to_json()})
    write_jsonl(tmp_path / "samples.jsonl", BEFORE.sample_rows())
    read = runner.Measurement.from_run(tmp_path)
    assert read.answers == BEFORE.answers
    again = runner.compare(read, AFTER)["change"]
    for key, value in runner.compare(BEFORE, AFTER)["change"].items():
        assert again[key] == pytest.approx(value, abs=1e-4), key
    write_jsonl(tmp_path / "samples.jsonl", AFTER.sample_rows(before=read))
    assert runner.Measurement.from_run(tmp_path).answers == BEFORE.answers
    row = json.loads((tmp_path / "samples.jsonl").read_text("utf-8").split("\n")[0])
    assert (row["prompt"], row["before"], row["after"]) == ("質問0", "駅は近い。", "駅は近いです。")


@pytest.mark.parametrize("content", [None, "{", "{}", '{"before": {"validation": {}}}'])
def test_a_damaged_measurement_is_an_error_that_helps(tmp_path, content):
    if content is not None:
        (tmp_path / "evaluation.json").write_text(content)
        (tmp_path / "samples.jsonl").write_text("")
    with pytest.raises(DataError, match=r"Delete its evaluation\.json"):
        runner.Measurement.from_run(tmp_path)


@pytest.fixture
def model() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=2,
        )
    )  # fmt: skip


def _rows(labels: list[list[int]], characters: list[int]) -> TokenDataset:
    return TokenDataset(
        np.array([1, 2, 3, 4] * len(labels), dtype=np.int32),
        np.array(labels, dtype=np.int32).reshape(-1),
        np.arange(len(labels) + 1, dtype=np.int64) * 4,
        characters=[count + 5 for count in characters],  # of all tokens: not what is measured over
        trained_characters=characters,
    )


ROWS = _rows([[-100, -100, 3, 4]] * 3, [3, 3, 3])
NO_ROWS = _rows([], [])


def test_measure(model, monkeypatch):
    asked: list[str] = []

    def generate(model, tokenizer, prompts, max_new_tokens):
        asked.extend(prompts)
        return [("はい、そうです。", False) for _ in prompts]

    monkeypatch.setattr(answers_module, "_generate", generate)
    seen: list[tuple[str, int, int | None]] = []
    found = runner.measure(
        model, None, ROWS, PROMPTS, batch_size=4, seed=7, on_progress=lambda *a: seen.append(a)
    )
    assert asked == [p.prompt for p in PROMPTS]
    assert seen == [("Held-out rows", 3, 3), ("Answers", 4, 6), ("Answers", 6, 6)]
    described = found.to_json()
    assert described["validation"]["characters"] == 9
    assert described["answers"]["polite_share"] == 1.0
    assert described["answers"]["distinct"] == 1, "one answer for all is visible"
    assert described["settings"]["seed"] == 7
    assert (described["settings"]["rows"], described["settings"]["prompts"]) == (3, 6)


def test_rows_without_trained_text_are_left_out_and_counted(model):
    rows = _rows(
        [[-100, -100, 3, 4], [-100] * 4, [1, -100, -100, -100], [-100, 2, 3, 4]], [3, 0, 1, 0]
    )
    found = runner.measure(model, None, rows, [])
    assert (found.settings["rows"], found.settings["rows_without_trained_text"]) == (1, 3)


def test_measure_nothing(model):
    found = runner.measure(model, None, NO_ROWS, [])
    assert found.to_json()["validation"] is None
    assert found.to_json()["answers"] is None


def test_a_model_of_nan_is_an_error(model):
    model.lm_head.weight.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="no finite probability"):
        runner.measure(model, None, ROWS, [])
