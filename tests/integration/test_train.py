"""``migaki train`` from the command line to the report, and what bad input gets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.integration.helpers import SHORT, Migaki

pytestmark = pytest.mark.integration


def _rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_leaves_a_whole_run_folder(migaki: Migaki, chat_file: Path, tmp_path: Path) -> None:
    done = migaki("train", "--yes", "--data", str(chat_file), "--name", "first", *SHORT)
    assert done.returncode == 0, done.stderr
    run = tmp_path / "runs" / "first"
    assert done.stdout.strip() == "runs/first/report.html"
    for name in (
        "run.yaml", "environment.json", "plan.json", "data.json", "metrics.jsonl",
        "evaluation.json", "samples.jsonl", "status.json", "report.html",
        "adapter/adapter_model.safetensors", "adapter/adapter_config.json",
    ):  # fmt: skip
        assert (run / name).is_file(), name
    data = json.loads((run / "data.json").read_text(encoding="utf-8"))
    assert data["rows_read"] == 60 == data["rows_kept"] + sum(data["rejected"].values())
    assert data["train"]["rows"] + data["validation"]["rows"] == 60
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    before, after = evaluation["before"]["validation"], evaluation["after"]["validation"]
    assert after["characters"] == before["characters"] > 0
    assert after["bits_per_character"] < before["bits_per_character"]
    metrics = _rows(run / "metrics.jsonl")
    assert [row["step"] for row in metrics if row["split"] == "eval"][-1] == 6
    assert json.loads((run / "status.json").read_text(encoding="utf-8"))["state"] == "completed"
    answers = _rows(run / "samples.jsonl")
    assert all({"prompt", "before", "after"} <= row.keys() for row in answers)


def test_the_result_can_be_used_where_a_model_is(
    migaki: Migaki, chat_file: Path, tmp_path: Path
) -> None:
    done = migaki("train", "--yes", "-d", str(chat_file), "--name", "first", *SHORT)
    assert done.returncode == 0, done.stderr
    shutil.move(tmp_path / "runs", tmp_path / "elsewhere")  # a run folder is portable
    answer = migaki("generate", "elsewhere/first", "駅で花を見た。", "--max-new-tokens", "8")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip()


def test_a_layer_that_is_not_there_is_said_in_the_plan(migaki: Migaki, chat_file: Path) -> None:
    done = migaki(
        "train", "--dry-run", "--data", str(chat_file), "lora.target_modules=[q_proj, c_attn]"
    )
    assert done.returncode == 2
    assert "names 'c_attn', which Qwen2ForCausalLM does not have" in done.stderr


def test_dry_run_shows_the_plan_and_touches_nothing(
    migaki: Migaki, chat_file: Path, tmp_path: Path
) -> None:
    done = migaki("train", "--dry-run", "--json", "--data", str(chat_file))
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["steps"] > 0
    assert plan["memory_gib"]["total_gib"] > 0
    assert plan["data"]["files"][0]["format"] == "messages"
    assert not (tmp_path / "runs").exists()


def test_full_training_saves_a_model_that_plain_transformers_loads(
    migaki: Migaki, chat_file: Path, tmp_path: Path
) -> None:
    done = migaki(
        "train", "full", "--yes", "--model", "migaki-tiny", "--data", str(chat_file),
        "--name", "whole", "data.max_tokens=128", *SHORT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path / "runs" / "whole" / "model"
    assert AutoModelForCausalLM.from_pretrained(folder).config.model_type == "qwen2"
    assert AutoTokenizer.from_pretrained(folder).chat_template


def test_a_stopped_run_of_the_same_name_is_not_overwritten(migaki: Migaki, chat_file: Path) -> None:
    assert migaki("train", "--yes", "-d", str(chat_file), "--name", "one", *SHORT).returncode == 0
    again = migaki("train", "--yes", "-d", str(chat_file), "--name", "one", *SHORT)
    assert again.returncode == 2
    assert "already exists" in again.stderr
    assert "--resume" in again.stderr
    resumed = migaki("train", "--resume", "--name", "one")
    assert resumed.returncode == 2
    assert "complete" in resumed.stderr


def test_run_yaml_repeats_the_run(migaki: Migaki, chat_file: Path, tmp_path: Path) -> None:
    assert migaki("train", "--yes", "-d", str(chat_file), "--name", "one", *SHORT).returncode == 0
    again = migaki("train", "--yes", "runs/one/run.yaml", "name=two")
    assert again.returncode == 0, again.stderr

    def losses(name: str) -> list[object]:
        return [r["loss"] for r in _rows(tmp_path / "runs" / name / "metrics.jsonl")]

    assert losses("one") == losses("two")


# --- What bad input gets -------------------------------------------------------------------------


def _said(migaki: Migaki, *arguments: str, status: int = 1) -> str:
    done = migaki("train", "--yes", *arguments)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return " ".join(done.stderr.split())


def test_missing_file(migaki: Migaki) -> None:
    said = _said(migaki, "--data", "nothing.jsonl")
    assert "nothing.jsonl" in said


def test_empty_file(migaki: Migaki, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert "empty" in _said(migaki, "--data", "empty.jsonl")


def test_json_cut_in_half(migaki: Migaki, chat_file: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in chat_file.read_text(encoding="utf-8").splitlines()]
    whole = json.dumps(rows, ensure_ascii=False)
    (tmp_path / "half.json").write_text(whole[: len(whole) // 2], encoding="utf-8")
    said = _said(migaki, "--data", "half.json")
    assert "half.json" in said


def test_three_broken_rows_stop_the_run_or_are_kept_apart(
    migaki: Migaki, chat_file: Path, tmp_path: Path
) -> None:
    lines = chat_file.read_text(encoding="utf-8").splitlines()
    lines[4] = lines[4][:20]
    lines[30] = '{"messages": []}'
    lines[59] = '{"messages": [{"role": "user", "content": "返事は？"}]}'
    chat_file.write_text("\n".join(lines), encoding="utf-8")
    said = _said(migaki, "--data", "chats.jsonl")
    for line in (5, 31, 60):
        assert f"chats.jsonl:{line}" in said
    assert "--on-bad-row skip" in said
    skipped = migaki(
        "train", "--yes", "--data", "chats.jsonl", "--on-bad-row", "skip", "--name", "s", *SHORT
    )
    assert skipped.returncode == 0, skipped.stderr
    rejected = _rows(tmp_path / "runs" / "s" / "rejected.jsonl")
    assert sorted(row["line"] for row in rejected) == [5, 31, 60]


def test_shift_jis_is_found_and_named(migaki: Migaki, chat_file: Path, tmp_path: Path) -> None:
    text = chat_file.read_text(encoding="utf-8")
    (tmp_path / "sjis.jsonl").write_text(text, encoding="cp932")
    done = migaki("train", "--dry-run", "--json", "--data", "sjis.jsonl")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["files"][0]["encoding"] == "cp932"


def test_a_model_that_is_not_there(migaki: Migaki, chat_file: Path) -> None:
    said = _said(migaki, "--data", str(chat_file), "--model", "nobody/nothing")
    assert "nobody/nothing" in said


def test_a_model_too_large_is_refused_before_it_is_loaded(
    migaki: Migaki, chat_file: Path, tmp_path: Path
) -> None:
    from migaki.models import loading

    tiny = Path(loading.resolve("migaki-tiny"))
    huge = tmp_path / "huge"
    shutil.copytree(tiny, huge)  # the weights are never opened
    config = json.loads((huge / "config.json").read_text(encoding="utf-8"))
    config |= {
        "hidden_size": 8192, "num_hidden_layers": 80, "intermediate_size": 28672,
        "num_attention_heads": 64, "num_key_value_heads": 8, "layer_types": ["full_attention"] * 80,
    }  # fmt: skip
    (huge / "config.json").write_text(json.dumps(config), encoding="utf-8")
    said = _said(migaki, "--data", str(chat_file), "--model", "huge", "method=full")
    assert "GiB" in said
    assert "training.batch_size=1" in said


def test_a_learning_rate_of_a_thousand_stops_with_the_last_good_checkpoint(
    migaki: Migaki, chat_file: Path, tmp_path: Path
) -> None:
    said = _said(
        migaki, "--data", str(chat_file), "--name", "nan", *SHORT,
        "training.learning_rate=1e3", "training.max_steps=60", "training.warmup_steps=0",
        "training.max_grad_norm=1e9", "training.save_steps=1",
    )  # fmt: skip
    assert "learning_rate" in said
    run = tmp_path / "runs" / "nan"
    assert json.loads((run / "status.json").read_text(encoding="utf-8"))["state"] == "failed"
    assert (run / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["training.learning_rat=1"], "training.learning_rate"),
        (["--method", "adapter"], "lora"),
        (["--on-bad-row", "ignore"], "skip"),
        (["a.yaml", "b.yaml"], "Two recipes"),
    ],
)
def test_wrong_use_is_status_2_and_says_what_is_right(
    migaki: Migaki, arguments: list[str], words: str
) -> None:
    assert words in _said(migaki, *arguments, status=2)


@pytest.mark.slow
def test_the_first_run_shows_a_real_effect(migaki: Migaki, tmp_path: Path) -> None:
    done = migaki("train", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    change = result["evaluation"]["change"]
    assert change["bits_per_character_relative"] <= -0.25
    assert change["polite_share_points"] >= 40
