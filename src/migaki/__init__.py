"""migaki (磨き): adapt large language models to Japanese.

Every public name is importable from here and loaded when it is first used, so that
``import migaki`` costs milliseconds and never loads torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migaki.corpus.config import ExecutionMode as ExecutionMode
    from migaki.corpus.config import JapaneseDataConfig as JapaneseDataConfig
    from migaki.corpus.manager import DatasetManager as DatasetManager
    from migaki.dataset.config import DataConfig as DataConfig
    from migaki.dataset.text_dataset import TextDataset as TextDataset
    from migaki.errors import MigakiError as MigakiError
    from migaki.hardware.gpu import clear_gpu_memory as clear_gpu_memory
    from migaki.hardware.gpu import get_available_device as get_available_device
    from migaki.hardware.gpu import get_gpu_memory_info as get_gpu_memory_info
    from migaki.hardware.gpu import optimize_model_for_gpu as optimize_model_for_gpu
    from migaki.hardware.gpu import set_memory_fraction as set_memory_fraction
    from migaki.linguistics.processor import (
        JapaneseLinguisticProcessor as JapaneseLinguisticProcessor,
    )
    from migaki.models.base import BaseModel as BaseModel
    from migaki.models.japanese_model import JapaneseModel as JapaneseModel
    from migaki.models.registry import SUPPORTED_MODELS as SUPPORTED_MODELS
    from migaki.recipes.fine_tune import fine_tune as fine_tune
    from migaki.recipes.recipe import Recipe as Recipe
    from migaki.training.config import LoRAConfig as LoRAConfig
    from migaki.training.config import TrainingConfig as TrainingConfig
    from migaki.training.full import FullFinetuningTrainer as FullFinetuningTrainer
    from migaki.training.lora import LoRAFinetuningTrainer as LoRAFinetuningTrainer

__version__ = "0.1.0"

_HOMES = {
    "BaseModel": "migaki.models.base",
    "DataConfig": "migaki.dataset.config",
    "DatasetManager": "migaki.corpus.manager",
    "ExecutionMode": "migaki.corpus.config",
    "FullFinetuningTrainer": "migaki.training.full",
    "JapaneseDataConfig": "migaki.corpus.config",
    "JapaneseLinguisticProcessor": "migaki.linguistics.processor",
    "JapaneseModel": "migaki.models.japanese_model",
    "LoRAConfig": "migaki.training.config",
    "LoRAFinetuningTrainer": "migaki.training.lora",
    "MigakiError": "migaki.errors",
    "Recipe": "migaki.recipes.recipe",
    "SUPPORTED_MODELS": "migaki.models.registry",
    "TextDataset": "migaki.dataset.text_dataset",
    "TrainingConfig": "migaki.training.config",
    "clear_gpu_memory": "migaki.hardware.gpu",
    "fine_tune": "migaki.recipes.fine_tune",
    "get_available_device": "migaki.hardware.gpu",
    "get_gpu_memory_info": "migaki.hardware.gpu",
    "optimize_model_for_gpu": "migaki.hardware.gpu",
    "set_memory_fraction": "migaki.hardware.gpu",
}

__all__ = [
    "SUPPORTED_MODELS",
    "BaseModel",
    "DataConfig",
    "DatasetManager",
    "ExecutionMode",
    "FullFinetuningTrainer",
    "JapaneseDataConfig",
    "JapaneseLinguisticProcessor",
    "JapaneseModel",
    "LoRAConfig",
    "LoRAFinetuningTrainer",
    "MigakiError",
    "Recipe",
    "TextDataset",
    "TrainingConfig",
    "__version__",
    "clear_gpu_memory",
    "fine_tune",
    "get_available_device",
    "get_gpu_memory_info",
    "optimize_model_for_gpu",
    "set_memory_fraction",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'migaki' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
