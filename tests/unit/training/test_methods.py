"""Each way to train: it learns, is loaded again to the same logits, merges, and resumes exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.unit.models.tiny_random import make_model as make_family
from transformers import Gemma2Config, Gemma2ForCausalLM, PhiConfig, PhiForCausalLM

from migaki.errors import ModelError, TrainingError, UsageError
from migaki.models.adapters import attach_lora, load_adapter, merge_adapter, save_adapter
from migaki.models.stacking import refuse_unstackable
from migaki.models.tokenizers import token_ids
from migaki.training.config import LoRAConfig, TrainingConfig, contradiction
from migaki.training.engine import run_training
from migaki.training.freezing import freeze_weights, frozen_names
from migaki.training.full import FullFinetuningTrainer
from migaki.training.lora import LoRAFinetuningTrainer
from migaki.training.neftune import EmbeddingNoise, own_lengths

from .conftest import make_model, make_rows, make_tokenizer

Make = Callable[..., TrainingConfig]
IDS = torch.tensor([[65, 66, 67, 68, 70, 75]])

VARIANTS: dict[str, dict[str, Any]] = {
    "rsLoRA": {"use_rslora": True},
    "DoRA": {"use_dora": True},
    "token rows": {"token_ids": [66, 70]},
}


def gemma2() -> Any:
    torch.manual_seed(0)
    return Gemma2ForCausalLM(
        Gemma2Config(
            vocab_size=258, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, head_dim=8, query_pre_attn_scalar=8,
            max_position_embeddings=128, attn_implementation="eager",
        )
    )  # fmt: skip


FAMILIES: dict[str, Callable[[], Any]] = {
    "qwen2, tied": lambda: make_family("qwen2", vocabulary=258, tie_word_embeddings=True),
    "llama": lambda: make_family("llama", vocabulary=258),
    "gemma2": gemma2,
    "gpt_neox": lambda: make_family("gpt_neox", vocabulary=258),
}


def logits(model: Any) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found


def train(model: Any, settings: TrainingConfig, folder: Path, **more: Any) -> dict[str, Any]:
    run_training(
        model, make_tokenizer(), settings, train_dataset=make_rows(16), output_dir=folder, **more
    )
    return {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_trained_saved_loaded_and_merged_it_answers_the_same(
    family: str, variant: str, tmp_path: Path
) -> None:
    make = FAMILIES[family]
    before = logits(make())
    model = attach_lora(make(), r=4, lora_dropout=0.0, seed=1, **VARIANTS[variant])
    torch.testing.assert_close(logits(model), before, rtol=1e-5, atol=1e-5)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(3):
        model.train()
        losses.append(model(input_ids=IDS, labels=IDS).loss)
        losses[-1].backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    wanted = logits(model)

    save_adapter(model, tmp_path / "adapter")
    assert torch.equal(logits(load_adapter(make(), tmp_path / "adapter")), wanted)

    merged = merge_adapter(model)
    merged.save_pretrained(tmp_path / "merged")
    again = type(merged).from_pretrained(tmp_path / "merged")
    torch.testing.assert_close(logits(again), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "variant",
    [
        "token rows",
        "NEFTune",
        *(pytest.param(v, marks=pytest.mark.slow) for v in ("DoRA", "freeze")),
    ],
)
def test_resume_is_exact(variant: str, config: Make, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "NEFTune": {"neftune_noise_alpha": 5.0},
        "freeze": {"freeze": ["model.embed_tokens.*"]},
    }.get(variant, {})
    settings = config(**changes, max_steps=3, save_steps=2, save_total_limit=9)

    def new() -> Any:
        if variant == "freeze":
            return make_model()
        more = VARIANTS.get(variant, {})
        return attach_lora(make_model(), r=4, lora_dropout=0.2, seed=5, **more)

    whole = train(new(), settings, tmp_path)
    resumed = train(new(), settings, tmp_path, resume=tmp_path / "checkpoints" / "checkpoint-2")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_checkpoint_of_another_variant_is_refused(config: Make, tmp_path: Path) -> None:
    settings = config(max_steps=1)
    train(attach_lora(make_model(), r=4, seed=5), settings, tmp_path)
    for variant in VARIANTS.values():
        other = attach_lora(make_model(), r=4, seed=5, **variant)
        with pytest.raises(TrainingError, match="adapter"):
            train(other, settings, tmp_path, resume=True)


# --- rsLoRA, DoRA -------------------------------------------------------------------------------


def test_rslora_scales_by_the_root_of_the_rank() -> None:
    model = attach_lora(make_model(), r=16, lora_alpha=8, use_rslora=True)
    scales = {m.scaling["default"] for m in model.modules() if hasattr(m, "lora_A")}
    assert scales == {8 / math.sqrt(16)}


def test_dora_is_the_formula_of_its_paper() -> None:
    """W' = m · (W + BA) / |W + BA|, the lengths |·| by rows of the weight."""
    model = attach_lora(make_model(), r=4, lora_alpha=8, lora_dropout=0.0, use_dora=True)
    layer = model.get_submodule("base_model.model.model.layers.0.mlp.up_proj")
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    magnitude = layer.lora_magnitude_vector["default"].weight
    with torch.no_grad():
        magnitude.mul_(1.5)
    weight = (
        layer.base_layer.weight
        + 2 * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    )
    weight = magnitude[:, None] * weight / weight.norm(dim=1, keepdim=True)
    x = torch.randn(3, 32)
    torch.testing.assert_close(layer.eval()(x), x @ weight.T, rtol=1e-4, atol=1e-4)


# --- rows of tokens -----------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [True, False])
def test_only_the_named_rows_change(tied: bool, config: Make, tmp_path: Path) -> None:
    model = attach_lora(make_model(tie_word_embeddings=tied), r=4, token_ids=[70, 66], seed=1)
    rows = [n for n, p in model.named_parameters() if p.requires_grad and "lora_" not in n]
    assert len(rows) == (1 if tied else 2)  # shared, or of the embedding and of the head
    train(model, config(max_steps=2), tmp_path)
    merged, before = merge_adapter(model), make_model(tie_word_embeddings=tied)
    for matrix in ("get_input_embeddings", "get_output_embeddings"):
        differs = (getattr(merged, matrix)().weight != getattr(before, matrix)().weight).any(1)
        assert differs.nonzero().flatten().tolist() == [66, 70], matrix


def test_tokens_are_named_by_id_or_text() -> None:
    tokenizer = make_tokenizer()
    assert token_ids(tokenizer, ["<|end|>", 66, "b", "b"]) == [
        257,
        66,
        *token_ids(tokenizer, ["b"]),
    ]
    with pytest.raises(UsageError, match=r"'東京'.*written with 6"):
        token_ids(tokenizer, ["東京"])
    with pytest.raises(UsageError, match=r"the id 999.*258 embeddings"):
        attach_lora(make_model(), token_ids=[999])


def test_rows_of_tokens_are_not_stacked(tmp_path: Path) -> None:
    save_adapter(attach_lora(make_model(), r=4), tmp_path)
    with pytest.raises(UsageError, match=r"the new one has trainable_tokens"):
        refuse_unstackable(tmp_path, vars(LoRAConfig(trainable_tokens=[3])))


def test_a_head_with_a_bias_is_refused() -> None:
    """PEFT 0.21 drops the bias: untrained, the logits of this model would change by up to 4."""
    model = PhiForCausalLM(
        PhiConfig(vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    )  # fmt: skip
    with pytest.raises(ModelError, match="head of PhiForCausalLM has a bias"):
        attach_lora(model, token_ids=[3])


def test_trainer_takes_tokens_as_they_are_written(config: Make, tmp_path: Path) -> None:
    from migaki.models.japanese_model import JapaneseModel

    make_model().save_pretrained(tmp_path / "base")
    make_tokenizer().save_pretrained(tmp_path / "base")
    model = JapaneseModel(str(tmp_path / "base"), torch.device("cpu"))
    lora = LoRAConfig(r=4, trainable_tokens=["<|end|>"])
    settings = config(max_steps=1)
    trained = LoRAFinetuningTrainer(model, lora, settings, make_rows(8)).train()
    again, _ = LoRAFinetuningTrainer.load_lora_model(
        str(tmp_path / "base"), settings.output_dir + "/adapter", torch.device("cpu")
    )
    assert torch.equal(logits(again), logits(trained))


# --- NEFTune ------------------------------------------------------------------------------------


@pytest.fixture
def embedded() -> Iterator[tuple[Any, list[torch.Tensor]]]:
    """A model, and the embeddings that its layers were given."""
    model, seen = make_model(), []
    hook = model.model.layers[0].register_forward_pre_hook(
        lambda _, args, kwargs: seen.append(
            (args[0] if args else kwargs["hidden_states"]).detach()
        ),
        with_kwargs=True,
    )
    yield model, seen
    hook.remove()


def test_noise_depends_on_the_length_of_the_row_alone(
    embedded: tuple[Any, list[torch.Tensor]],
) -> None:
    model, seen = embedded
    batch = {
        "input_ids": torch.full((2, 40), 66),
        "attention_mask": torch.tensor([[1] * 40, [1] * 10 + [0] * 30]),
    }
    with EmbeddingNoise(model, 5.0).on(batch):
        model(**batch)
    model(**batch)
    noise = (seen[0] - seen[1]).abs()
    for row, length in enumerate((40, 10)):
        strongest = noise[row, :length].max().item()
        limit = 5.0 / math.sqrt(length * 32)
        assert 0.97 * limit < strongest <= limit * 1.0001


def test_packed_rows_have_lengths_of_their_own() -> None:
    packed = {
        "input_ids": torch.zeros(1, 7, dtype=torch.long),
        "position_ids": torch.tensor([[0, 1, 2, 0, 1, 0, 1]]),
        "attention_mask": torch.tensor([[1, 1, 1, 1, 1, 0, 0]]),
    }
    assert own_lengths(packed).tolist() == [[3, 3, 3, 2, 2, 1, 1]]


def test_noise_is_in_training_alone(config: Make, tmp_path: Path) -> None:
    """Losses differ; evaluation of untouched weights and the look at a checkpoint's do not."""
    found: dict[float, list[float]] = {}
    for alpha in (0.0, 20.0):
        settings = config(
            learning_rate=1e-30, neftune_noise_alpha=alpha, max_steps=1, eval_steps=1, save_steps=1
        )
        result = run_training(
            make_model(), make_tokenizer(), settings, train_dataset=make_rows(16),
            eval_dataset=make_rows(8, seed=1), output_dir=tmp_path / str(alpha),
        )  # fmt: skip
        assert result.eval_loss is not None
        found[alpha] = [result.train_loss, result.eval_loss]
    assert found[0.0][0] != found[20.0][0]
    assert found[0.0][1] == pytest.approx(found[20.0][1], abs=1e-12)


def test_noise_on_a_model_that_hides_its_embeddings_is_an_error() -> None:
    noise = EmbeddingNoise(torch.nn.Linear(2, 2), 5.0)
    with pytest.raises(TrainingError, match="which layer holds its embeddings"), noise.on({}):
        pass


# --- frozen weights -----------------------------------------------------------------------------

NAMES = [name for name, _ in make_model(tie_word_embeddings=False).named_parameters()]


def test_frozen_weights_stay_and_the_others_are_trained(config: Make, tmp_path: Path) -> None:
    from migaki.models.japanese_model import JapaneseModel
    from migaki.models.loading import load_model

    make_model().save_pretrained(tmp_path / "base")
    make_tokenizer().save_pretrained(tmp_path / "base")
    settings = config(max_steps=2, freeze=["*", "!model.layers.1.*"])
    model = JapaneseModel(str(tmp_path / "base"), torch.device("cpu"))
    trained = FullFinetuningTrainer(model, settings, make_rows(8)).train()
    before = dict(make_model().named_parameters())
    for name, parameter in trained.named_parameters():
        assert torch.equal(parameter, before[name]) != ("layers.1." in name), name
    again = load_model(Path(settings.output_dir) / "model", device="cpu").model
    assert torch.equal(logits(again), logits(trained))


def test_a_pattern_without_a_weight_names_some() -> None:
    with pytest.raises(UsageError, match=r"'model\.layer\.0\.\*'.*model\.embed_tokens\.weight"):
        frozen_names(NAMES, ["model.layer.0.*"])
    with pytest.raises(UsageError, match=rf"freezes all {len(NAMES)} weights.*'!"):
        frozen_names(NAMES, ["model.*", "lm_head.*"])
    assert frozen_names(NAMES, []) == set()


def test_shared_weights_are_frozen_under_either_name() -> None:
    model = make_model(tie_word_embeddings=True)
    reason = freeze_weights(model, ["lm_head.*"])
    assert not model.get_input_embeddings().weight.requires_grad
    assert reason is not None
    assert reason.startswith("8,256 of ")
    freeze_weights(model, ["model.norm.weight"])
    assert model.get_input_embeddings().weight.requires_grad


# --- contradictions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "training", "lora", "named"),
    [
        ("lora", {"freeze": ["model.*"]}, {}, "training.freeze"),
        ("full", {"lora_plus_ratio": 16}, {}, "lora_plus_ratio is 16"),
        ("full", {}, {"use_dora": True}, "lora.use_dora"),
        ("full", {}, {"use_rslora": True}, "lora.use_rslora"),
        ("full", {}, {"trainable_tokens": [1]}, "lora.trainable_tokens"),
    ],
)
def test_settings_without_effect_are_refused(
    method: Any, training: dict[str, Any], lora: dict[str, Any], named: str
) -> None:
    from migaki.recipes.recipe import Recipe

    settings, adapters = TrainingConfig(**training), LoRAConfig(**lora)
    assert named in str(contradiction(method, settings, adapters))
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        Recipe(method=method, training=settings, lora=adapters)
    if training:
        trainer: Any = LoRAFinetuningTrainer if method == "lora" else FullFinetuningTrainer
        arguments = (adapters, settings) if method == "lora" else (settings,)
        with pytest.raises(UsageError, match=named):
            trainer(None, *arguments)


@pytest.mark.parametrize("tokens", [[1, 1], [-1], [""]])
def test_tokens_are_given_once_and_rightly(tokens: list[Any]) -> None:
    with pytest.raises(ValueError, match="trainable_tokens"):
        LoRAConfig(trainable_tokens=tokens)
