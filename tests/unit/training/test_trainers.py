"""The specified trainers: from texts to a saved adapter or model, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from migaki.errors import MissingExtraError, ModelError, UsageError
from migaki.models import loading, low_bit
from migaki.models.japanese_model import JapaneseModel
from migaki.training.config import LoRAConfig, TrainingConfig
from migaki.training.full import FullFinetuningTrainer
from migaki.training.lora import LoRAFinetuningTrainer

from .conftest import make_model, make_rows, make_tokenizer

Make = Callable[..., TrainingConfig]
TEXTS = [f"{i}番目の文です。磨きをかけます。" for i in range(12)]


def japanese_model(folder: Path) -> JapaneseModel:
    return JapaneseModel(str(folder), device=torch.device("cpu"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny-model")
    make_model().save_pretrained(path)
    make_tokenizer().save_pretrained(path)
    return path


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (LoRAFinetuningTrainer, ["model", "lora_config", "training_config", "train_dataset", "eval_dataset"]),
        (LoRAFinetuningTrainer.train, ["self", "train_texts", "eval_texts", "resume_from_checkpoint"]),
        (LoRAFinetuningTrainer.load_lora_model, ["base_model_name", "lora_adapter_path", "device"]),
        (FullFinetuningTrainer, ["model", "config", "train_dataset", "eval_dataset", "use_accelerate"]),
        (FullFinetuningTrainer.train, ["self", "train_texts", "eval_texts", "resume_from_checkpoint"]),
    ],
)  # fmt: skip
def test_signatures_are_the_specified_ones(function: Any, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_lora_from_texts_to_a_loaded_adapter(folder: Path, config: Make) -> None:
    settings = config(eval_steps=2, num_epochs=3)
    trainer = LoRAFinetuningTrainer(japanese_model(folder), LoRAConfig(r=4, lora_alpha=8), settings)
    trained = trainer.train(train_texts=TEXTS, eval_texts=TEXTS[:3])

    run = Path(settings.output_dir)
    assert (run / "adapter" / "adapter_model.safetensors").is_file()
    assert (run / "adapter" / "tokenizer.json").is_file()
    assert (run / "metrics.jsonl").is_file()
    assert any("lora_B" in n and p.any() for n, p in trained.named_parameters())

    again, tokenizer = LoRAFinetuningTrainer.load_lora_model(
        str(folder), str(run / "adapter"), torch.device("cpu")
    )
    ids = tokenizer("磨き", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        torch.testing.assert_close(again(input_ids=ids).logits, trained(input_ids=ids).logits)
    assert not again.training


def test_full_from_a_dataset_to_a_loaded_model(folder: Path, config: Make) -> None:
    settings = config()
    trainer = FullFinetuningTrainer(japanese_model(folder), settings, train_dataset=make_rows(16))
    trained = trainer.train()

    saved = loading.load_model(Path(settings.output_dir) / "model", device="cpu").model
    loading.load_tokenizer(Path(settings.output_dir) / "model")
    ids = torch.tensor([[65, 66, 67]])
    with torch.no_grad():
        assert torch.equal(saved(input_ids=ids).logits, trained(input_ids=ids).logits)
        assert not torch.equal(make_model()(input_ids=ids).logits, trained(input_ids=ids).logits)


def test_resume_from_a_checkpoint_by_its_path(folder: Path, config: Make) -> None:
    settings = config(save_steps=1, save_total_limit=9)
    lora = LoRAConfig(r=4, lora_alpha=8, lora_dropout=0.2)
    whole = LoRAFinetuningTrainer(japanese_model(folder), lora, settings).train(TEXTS)
    checkpoint = Path(settings.output_dir) / "checkpoints" / "checkpoint-2"

    again = LoRAFinetuningTrainer(japanese_model(folder), lora, settings).train(
        TEXTS, resume_from_checkpoint=str(checkpoint)
    )

    for (name, one), other in zip(whole.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_training_twice_goes_on_with_the_same_adapter(folder: Path, config: Make) -> None:
    model = japanese_model(folder)
    first = LoRAFinetuningTrainer(model, LoRAConfig(r=4), config()).train(TEXTS)
    second = LoRAFinetuningTrainer(
        model, LoRAConfig(r=4), config(output_dir=config().output_dir + "2")
    ).train(TEXTS)
    assert second is first


def test_nothing_to_train_on_is_said(folder: Path, config: Make) -> None:
    with pytest.raises(UsageError, match="nothing to train on"):
        LoRAFinetuningTrainer(japanese_model(folder), LoRAConfig(), config()).train()
    with pytest.raises(UsageError, match="both given"):
        FullFinetuningTrainer(japanese_model(folder), config(), make_rows(4)).train(
            train_texts=TEXTS
        )


def test_qlora_without_bitsandbytes_is_said_at_once(
    folder: Path, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_bit.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"migaki\[quantization\]"):
        LoRAFinetuningTrainer(japanese_model(folder), LoRAConfig(use_qlora=True), config())


def test_qlora_loads_a_quantized_base(
    folder: Path, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def load_model(name: str, **options: Any) -> None:
        asked.update(options)
        raise ModelError("far enough")

    monkeypatch.setattr(low_bit.importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(loading, "load_model", load_model)
    lora = LoRAConfig(use_qlora=True, qlora_4bit=False)
    with pytest.raises(ModelError, match="far enough"):
        LoRAFinetuningTrainer(japanese_model(folder), lora, config()).train(TEXTS)
    assert (asked["load_in_8bit"], asked["load_in_4bit"]) == (True, False)


def test_qlora_refuses_a_base_that_is_loaded_and_not_quantized(
    folder: Path, config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = japanese_model(folder)
    model.load_model()
    monkeypatch.setattr(low_bit.importlib.util, "find_spec", lambda _: object())
    with pytest.raises(UsageError, match=r"not quantized.*load_in_4bit=True"):
        LoRAFinetuningTrainer(model, LoRAConfig(use_qlora=True), config()).train(TEXTS)


def test_a_saved_adapter_can_be_trained_further(folder: Path, config: Make) -> None:
    first = config(output_dir=config().output_dir + "-1")
    LoRAFinetuningTrainer(japanese_model(folder), LoRAConfig(r=4), first).train(TEXTS)
    saved = load_file(Path(first.output_dir) / "adapter" / "adapter_model.safetensors")

    model = japanese_model(Path(first.output_dir) / "adapter")
    LoRAFinetuningTrainer(model, LoRAConfig(), config()).train(TEXTS)

    further = load_file(Path(config().output_dir) / "adapter" / "adapter_model.safetensors")
    assert saved.keys() == further.keys()
    assert any(not torch.equal(saved[key], further[key]) for key in saved)

    ids = torch.tensor([[5, 6, 7]])
    again = japanese_model(Path(config().output_dir) / "adapter")  # its base is no adapter
    assert torch.equal(again.load_model()(ids).logits, model.load_model()(ids).logits)
    with pytest.raises(UsageError, match="would replace what is trained on"):
        LoRAFinetuningTrainer(again, LoRAConfig(), config()).train(TEXTS)


def test_a_folder_without_adapter_is_named(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"has no adapter_config\.json"):
        LoRAFinetuningTrainer.load_lora_model(str(folder), str(folder))


def test_the_specified_example_runs_as_written(folder: Path, config: Make) -> None:
    """But for the package name, the model's name and where it writes."""
    your_texts = TEXTS

    model = JapaneseModel(str(folder))
    lora_config = LoRAConfig(r=16, lora_alpha=32)
    training_config = TrainingConfig(
        learning_rate=3e-4, batch_size=4, num_epochs=5, output_dir=config().output_dir
    )
    trainer = LoRAFinetuningTrainer(model, lora_config, training_config)
    trained_model = trainer.train(train_texts=your_texts)

    assert isinstance(trained_model, torch.nn.Module)
    assert (Path(config().output_dir) / "adapter" / "adapter_config.json").is_file()
