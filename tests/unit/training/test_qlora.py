"""Adapters on quantized weights: the gradients are those of the same weights written out.

The reference has every quantized layer replaced by an ordinary one that holds what it stands for.
bitsandbytes repacks 4-bit weights on CPUs with avx512_bf16 at their first evaluation pass; every way
to a model that trains is therefore walked with an evaluation pass before it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.models.tiny_random import make_model as make_family

from migaki.errors import ModelError, TrainingError, UsageError
from migaki.models import low_bit
from migaki.models.adapters import attach_lora, load_adapter, save_adapter
from migaki.models.japanese_model import JapaneseModel
from migaki.models.loading import load_model
from migaki.training.config import LoRAConfig, TrainingConfig
from migaki.training.engine import run_training
from migaki.training.full import FullFinetuningTrainer
from migaki.training.lora import LoRAFinetuningTrainer

from .conftest import make_rows, make_tokenizer

bnb = pytest.importorskip("bitsandbytes", reason="needs migaki[quantization]")

Make = Callable[..., TrainingConfig]
IDS = torch.tensor([[65, 66, 67, 68, 69, 70, 71]])
SIZES = {"vocabulary": 258, "hidden_size": 64, "intermediate_size": 128}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(family)
            make_family(family, **SIZES).save_pretrained(made[family])
            make_tokenizer().save_pretrained(made[family])
        return made[family]

    return folder


def quantized(folder: Path, bits: int = 4, dtype: torch.dtype = torch.float32) -> Any:
    loaded = load_model(
        folder, device="cpu", dtype=dtype, load_in_4bit=bits == 4, load_in_8bit=bits == 8
    )
    return loaded.model


def evaluate(model: Any) -> torch.Tensor:
    """One pass that repacks the weights where nothing keeps bitsandbytes from it."""
    was = model.training
    model.eval()
    with torch.no_grad():
        logits: torch.Tensor = model(input_ids=IDS).logits
    model.train(was)
    return logits


def written_out(model: Any) -> Any:
    """The same model with ordinary weights."""
    model = copy.deepcopy(model)
    for name, module in list(model.named_modules()):
        kind = type(module).__name__
        if kind == "Linear4bit":
            weight = bnb.functional.dequantize_4bit(module.weight.data, module.weight.quant_state)
        elif kind == "Linear8bitLt":
            scale = module.state.SCB if module.state.SCB is not None else module.weight.SCB
            values = module.state.CB if module.state.CB is not None else module.weight.data
            weight = bnb.functional.int8_vectorwise_dequant(values, scale)
        else:
            continue
        plain = torch.nn.Linear(module.in_features, module.out_features, module.bias is not None)
        plain.weight = torch.nn.Parameter(weight.float(), requires_grad=False)
        if module.bias is not None:
            plain.bias = module.bias
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, plain)
    return model


def with_adapter(model: Any) -> Any:
    adapted = attach_lora(model, r=4, lora_alpha=8, lora_dropout=0.0, seed=1)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:  # B starts at zero, which would hide what is wrong with A's gradient
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(2))
    return adapted


def gradients(model: Any) -> torch.Tensor:
    model.train()
    model.zero_grad()
    model(input_ids=IDS, labels=IDS).loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def compare(found: torch.Tensor, wanted: torch.Tensor) -> tuple[float, float]:
    """Return the cosine of two gradients, and their distance relative to the second."""
    cosine = torch.nn.functional.cosine_similarity(found.double(), wanted.double(), dim=0)
    return cosine.item(), ((found - wanted).norm() / wanted.norm()).item()


@pytest.mark.parametrize("family", ["qwen2", "llama", "stablelm", "gpt_neox"])
def test_4bit_gradients_after_an_evaluation_are_those_of_the_weights_written_out(
    family: str, folders: Callable[[str], Path]
) -> None:
    base = quantized(folders(family))
    reference = with_adapter(written_out(base))
    model = with_adapter(base)
    torch.testing.assert_close(evaluate(model), evaluate(reference), rtol=1e-4, atol=1e-4)

    cosine, distance = compare(gradients(model), gradients(reference))

    assert cosine > 1 - 1e-9
    assert distance < 1e-5  # 0 was seen


def test_8bit_gradients_are_near_those_of_the_weights_written_out(
    folders: Callable[[str], Path],
) -> None:
    """On a CPU; on a GPU, LLM.int8() rounds activations to 8 bits as well."""
    base = quantized(folders("qwen2"), bits=8)
    evaluate(base)
    reference = with_adapter(written_out(base))
    model = with_adapter(base)
    evaluate(model)

    cosine, distance = compare(gradients(model), gradients(reference))

    assert cosine > 1 - 1e-6
    assert distance < 1e-4  # 3.5e-6 was seen


def test_recomputed_activations_change_no_gradient(folders: Callable[[str], Path]) -> None:
    model = with_adapter(quantized(folders("llama")))
    kept = gradients(model)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    assert torch.equal(gradients(model), kept)


@pytest.mark.parametrize("way", ["stored in 4 bits", "an adapter trained on", "generated first"])
@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_every_way_to_a_4bit_model_trains_rightly(
    way: str, family: str, folders: Callable[[str], Path], tmp_path: Path
) -> None:
    base = quantized(folders(family))
    wanted = gradients(with_adapter(written_out(base)))
    if way == "stored in 4 bits":
        evaluate(base)
        base.save_pretrained(tmp_path / "stored")
        again = load_model(tmp_path / "stored", device="cpu").model
        assert low_bit.quantization_of(again) == "nf4"
        torch.testing.assert_close(evaluate(again), evaluate(base), rtol=0, atol=0)
        model = with_adapter(again)
    elif way == "an adapter trained on":
        first = with_adapter(base)
        evaluate(first)
        save_adapter(first, tmp_path / "adapter", base=folders(family))
        model = load_adapter(quantized(folders(family)), tmp_path / "adapter", trainable=True)
        evaluate(model)
    else:
        ours = JapaneseModel(
            str(folders(family)), torch.device("cpu"), load_in_4bit=True, torch_dtype=torch.float32
        )
        with torch.no_grad():
            ours.load_model().generate(IDS, max_new_tokens=3, do_sample=False, pad_token_id=256)
        model = with_adapter(ours.load_model())
    cosine, distance = compare(gradients(model), wanted)
    assert cosine > 1 - 1e-9
    assert distance < 1e-5


def test_one_token_at_a_time_is_computed_from_the_same_weights(
    folders: Callable[[str], Path],
) -> None:
    model = quantized(folders("llama")).eval()
    with torch.no_grad():
        whole = written_out(model)(input_ids=IDS).logits
        cache, pieces = None, []
        for token in IDS.T:
            out = model(input_ids=token[None], past_key_values=cache, use_cache=True)
            cache, pieces = out.past_key_values, [*pieces, out.logits]
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-4, atol=1e-4)


def repacked(folder: Path) -> Any:
    """A model loaded without migaki, after its first evaluation pass."""
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    model = AutoModelForCausalLM.from_pretrained(folder, quantization_config=config)
    for module in model.modules():
        if type(module).__name__ == "Linear4bit":
            module.support_avx512bf16_for_cpu = True  # whatever CPU this is
    evaluate(model)
    return model


def test_weights_repacked_elsewhere_are_refused(
    folders: Callable[[str], Path], tmp_path: Path, config: Make
) -> None:
    save_adapter(with_adapter(make_family("llama", **SIZES)), tmp_path / "adapter")
    model = repacked(folders("llama"))
    with pytest.raises(ModelError, match=r"repacked.*JapaneseModel"):
        attach_lora(model)
    with pytest.raises(ModelError, match="repacked"):
        load_adapter(model, tmp_path / "adapter")
    from peft import LoraConfig, get_peft_model

    wrapped = get_peft_model(model, LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM"))
    with pytest.raises(ModelError, match="repacked"):
        run_training(wrapped, make_tokenizer(), config(), train_dataset=make_rows(4))


@pytest.mark.parametrize("bits", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_trained_and_loaded_again_it_answers_the_same(
    bits: int, folders: Callable[[str], Path], config: Make
) -> None:
    settings = config(max_steps=3, eval_steps=2)
    ours = JapaneseModel(str(folders("qwen2")), torch.device("cpu"), torch_dtype=torch.bfloat16)
    lora = LoRAConfig(r=4, use_qlora=True, qlora_4bit=bits == 4)
    trained = LoRAFinetuningTrainer(
        ours, lora, settings, train_dataset=make_rows(24), eval_dataset=make_rows(8, seed=1)
    ).train()
    wanted = evaluate(trained)

    base = quantized(folders("qwen2"), bits, torch.bfloat16)
    again = load_adapter(base, Path(settings.output_dir) / "adapter")

    assert torch.equal(evaluate(again), wanted)
    assert not torch.equal(evaluate(quantized(folders("qwen2"), bits, torch.bfloat16)), wanted)


@pytest.mark.parametrize("bits", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_resume_is_exact_on_a_quantized_base(
    bits: int, folders: Callable[[str], Path], config: Make, tmp_path: Path
) -> None:
    settings = config(save_steps=2, max_steps=3, save_total_limit=9, eval_steps=1)

    def train(**more: Any) -> Any:
        model = attach_lora(
            quantized(folders("llama"), bits), r=4, lora_dropout=0.2, use_dora=bits == 4, seed=5
        )
        run_training(
            model, make_tokenizer(), settings, train_dataset=make_rows(20),
            eval_dataset=make_rows(8, seed=1), output_dir=tmp_path / "run", **more,
        )  # fmt: skip
        return {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}

    whole = train()
    resumed = train(resume=tmp_path / "run" / "checkpoints" / "checkpoint-2")

    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_of_another_quantization_is_refused(
    folders: Callable[[str], Path], config: Make, tmp_path: Path
) -> None:
    def train(bits: int, **more: Any) -> None:
        model = attach_lora(quantized(folders("qwen2"), bits), r=4, seed=5)
        run_training(
            model, make_tokenizer(), config(max_steps=1), train_dataset=make_rows(2),
            output_dir=tmp_path, **more,
        )  # fmt: skip

    train(4)
    with pytest.raises(TrainingError, match="quantization: 'nf4' then, '8-bit' now"):
        train(8, resume=True)


def test_a_model_stored_in_4_bits_is_not_trained_whole(
    folders: Callable[[str], Path], config: Make, tmp_path: Path
) -> None:
    quantized(folders("qwen2")).save_pretrained(tmp_path / "stored")
    make_tokenizer().save_pretrained(tmp_path / "stored")
    model = JapaneseModel(str(tmp_path / "stored"), torch.device("cpu"))
    with pytest.raises(UsageError, match="quantized model cannot be trained whole"):
        FullFinetuningTrainer(model, config(), make_rows(4)).train()
    with pytest.raises(TrainingError, match=r"quantized \(nf4\).*qlora"):
        run_training(model.load_model(), make_tokenizer(), config(), train_dataset=make_rows(4))
