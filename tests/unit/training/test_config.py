"""TrainingConfig and LoRAConfig keep the specified names, order and defaults, and check values."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from migaki import config as config_module
from migaki.errors import ConfigError
from migaki.training.config import LoRAConfig, TrainingConfig

TRAINING = {
    "learning_rate": 2e-5, "batch_size": 4, "gradient_accumulation_steps": 4, "num_epochs": 3,
    "warmup_steps": 100, "max_grad_norm": 1.0, "eval_steps": 100, "save_steps": 500,
    "logging_steps": 10, "output_dir": "./outputs", "fp16": True, "gradient_checkpointing": True,
    "ddp": False, "local_rank": -1, "world_size": 1,
}  # fmt: skip
LORA = {
    "r": 16, "lora_alpha": 32, "target_modules": None, "lora_dropout": 0.05, "bias": "none",
    "task_type": "CAUSAL_LM", "use_qlora": False, "qlora_4bit": True,
}  # fmt: skip


@pytest.mark.parametrize(("cls", "specified"), [(TrainingConfig, TRAINING), (LoRAConfig, LORA)])
def test_specified_parameters_by_name_order_and_position(
    cls: Any, specified: dict[str, Any]
) -> None:
    positional = [
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    assert positional == list(specified)
    assert {name: getattr(cls(), name) for name in specified} == specified
    assert cls(*specified.values()) == cls()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("learning_rate", 0, "greater than 0"),
        ("learning_rate", float("nan"), "finite"),
        ("batch_size", 0, "greater than or equal to 1"),
        ("num_epochs", 1.5, "integer"),
        ("warmup_steps", 1.5, "whole steps"),
        ("warmup_steps", -1, "greater than or equal to 0"),
        ("max_grad_norm", -1.0, "greater than or equal to 0"),
        ("save_steps", 0, "greater than or equal to 1"),
        ("local_rank", -2, "greater than or equal to -1"),
        ("lr_scheduler", "step", "'linear', 'cosine' or 'constant'"),
        ("report_to", ["mlflow"], "'tensorboard' or 'wandb'"),
        ("gradient_checkpointing", "sometimes", "'always'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_valid(field: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_module.build(TrainingConfig, {field: value}, where="the recipe")
    assert field in str(caught.value)
    assert said in str(caught.value)
    assert repr(value).strip("[]") in str(caught.value)
    with pytest.raises(ValidationError, match=field):
        TrainingConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("r", 0), ("lora_alpha", 0), ("lora_dropout", 1.0), ("bias", "some"), ("target_modules", []),
        ("target_modules", [" "]), ("task_type", "SEQ_CLS"),
    ],
)  # fmt: skip
def test_a_wrong_adapter_value_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        LoRAConfig(**{field: value})


def test_values_are_checked_when_they_are_set_later() -> None:
    config = TrainingConfig()
    with pytest.raises(ValidationError, match="batch_size"):
        config.batch_size = 0


@pytest.mark.parametrize(
    ("asked", "total", "steps", "said"),
    [
        (100, 60, 6, "more than a tenth of 60 steps"),
        (100, 1000, 100, "as set"),
        (100, 5, 1, "more than a tenth"),
        (0, 5, 0, "as set"),
        (0.5, 60, 30, "0.5 of 60 steps"),
        (0.03, 60, 2, "0.03 of 60 steps"),
    ],
)
def test_warmup_fits_the_run(asked: float, total: int, steps: int, said: str) -> None:
    found, reason = TrainingConfig(warmup_steps=asked).warmup_for(total)
    assert found == steps
    assert said in reason


def test_torch_is_not_imported() -> None:
    code = "import sys, migaki.training.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
