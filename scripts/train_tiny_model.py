"""Train the tiny Japanese model that ships inside the package, from text to model folder.

    python scripts/train_tiny_model.py --data ../shared/data --work /tmp/tiny \
        --out src/migaki/models/tiny --max-minutes 60

Steps: read and hold back text (tiny_corpus) → byte-level BPE with Qwen2's own pre-tokenizer →
rows of packed documents and chats (tiny_chats), phrased anew in every pass → train by the clock →
calibrate → write the folder. `scripts/measure_tiny_model.py` then measures it and writes the model card.
The learning rate falls with the share of --max-minutes that has passed, so a run always ends fully
decayed, however busy the machine is. The same command continues an interrupted run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from tiny_chats import Chat, ChatMaker
from tiny_corpus import Document, Split, hold_back, read_all, weight
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>")
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
CONTEXT = 1024


# --- tokenizer ----------------------------------------------------------------------------------


def qwen2_shell(model: models.BPE) -> Tokenizer:
    """A tokenizer around `model` with exactly the normalizer and pre-tokenizer of Qwen2."""
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_tokenizer(texts: list[str], size: int) -> Tokenizer:
    """Byte-level BPE with all 256 bytes; the special tokens come last, as in Qwen2."""
    tokenizer = qwen2_shell(models.BPE())
    trainer = BpeTrainer(
        vocab_size=size - len(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        max_token_length=24,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in SPECIALS[:3]])
    tokenizer.add_tokens([AddedToken(t, special=False) for t in SPECIALS[3:]])
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["tokenizer_class"] = "Qwen2Tokenizer"
    path.write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def check_tokenizer(tokenizer: Tokenizer, folder: Path, texts: list[str]) -> None:
    """Stop unless the saved tokenizer gives the trained ids in both ways of loading it."""
    auto = AutoTokenizer.from_pretrained(folder)
    fast = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    for text in texts:
        trained = tokenizer.encode(text).ids
        if not trained == auto.encode(text) == fast.encode(text):
            sys.exit(f"The saved tokenizer gives other tokens than the trained one: {text!r}")


# --- rows ---------------------------------------------------------------------------------------


def render(chat: Chat) -> str:
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in chat)


class Rows:
    """An endless stream of packed rows; each pass repeats documents by weight and redraws chats."""

    def __init__(self, documents: list[Document], tokenizer: Tokenizer, chat_share: float) -> None:
        self.tokenizer = tokenizer
        self.end = tokenizer.token_to_id("<|endoftext|>")
        encoded = tokenizer.encode_batch([d.text for d in documents])
        self.texts = [np.array([self.end, *e.ids], dtype=np.int32) for e in encoded]
        self.weights = [weight(d) for d in documents]
        self.maker = ChatMaker(documents)
        self.chat_share = chat_share
        self.seen = {"text": 0, "chat": 0}

    def one_pass(self, seed: int) -> list[np.ndarray]:
        """All documents and chats of pass number `seed`, shuffled."""
        rng = random.Random(seed)
        units = [
            ids
            for ids, often in zip(self.texts, self.weights, strict=True)
            for _ in range(int(often) + (rng.random() < often - int(often)))
        ]
        wanted = sum(map(len, units)) * self.chat_share / (1 - self.chat_share)
        chats: list[np.ndarray] = []
        drawn = 0
        while drawn < wanted:
            batch = [render(self.maker.draw(rng)) for _ in range(1000)]
            chats += [
                np.array([self.end, *e.ids], np.int32) for e in self.tokenizer.encode_batch(batch)
            ]
            drawn = sum(map(len, chats))
        units += chats
        rng.shuffle(units)
        return units

    def rows(self, length: int, passes_done: int) -> Iterator[tuple[int, np.ndarray]]:
        """Pass number and row of `length` + 1 tokens (the last is only a target)."""
        number = passes_done
        rest = np.empty(0, np.int32)
        while True:
            stream = np.concatenate([rest, *self.one_pass(number)])
            count = (len(stream) - 1) // length
            for i in range(count):
                yield number, stream[i * length : (i + 1) * length + 1]
            rest = stream[count * length :]
            number += 1


# --- training -----------------------------------------------------------------------------------


@dataclass
class State:
    """What a run must remember to go on."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    passes: int = 0


def build_model(args: argparse.Namespace, tokenizer: Tokenizer) -> Qwen2ForCausalLM:
    end, turn = (tokenizer.token_to_id(t) for t in ("<|endoftext|>", "<|im_end|>"))
    config = Qwen2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=args.hidden,
        intermediate_size=args.intermediate,
        num_hidden_layers=args.layers,
        num_attention_heads=args.hidden // 64,
        num_key_value_heads=args.hidden // 128,
        max_position_embeddings=CONTEXT,
        rope_theta=10000.0,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=turn,
        pad_token_id=end,
        initializer_range=0.02,
    )
    torch.manual_seed(args.seed)
    return Qwen2ForCausalLM(config)


def add_dropout(model: Qwen2ForCausalLM, rate: float) -> None:
    """Dropout on the embeddings and on what each block adds; Qwen2 itself has none."""

    def drop(module: nn.Module, _: object, out: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(out, rate, training=module.training)

    model.model.embed_tokens.register_forward_hook(drop)
    for layer in model.model.layers:
        layer.self_attn.o_proj.register_forward_hook(drop)
        layer.mlp.down_proj.register_forward_hook(drop)


def optimizers(
    model: Qwen2ForCausalLM, args: argparse.Namespace, owned: list[nn.Parameter]
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the blocks (this worker's), AdamW for all the rest."""
    embeddings = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" in n]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    return [
        torch.optim.Muon(
            owned, lr=args.muon_lr, weight_decay=args.weight_decay, momentum=0.95,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(
            [{"params": embeddings, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0}],
            lr=args.lr, betas=(0.9, 0.98), eps=1e-9,
        ),
    ]  # fmt: skip


def inner_matrices(model: Qwen2ForCausalLM) -> list[nn.Parameter]:
    return [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]


class Team:
    """Single-threaded workers that share each step: rows, gradients, and the work of Muon.

    Two workers that meet once a step get far more done on a busy machine than two threads that
    meet after every product.
    """

    def __init__(self, rank: int, size: int, work: Path) -> None:
        self.rank, self.size = rank, size
        if size > 1:
            dist.init_process_group(
                "gloo", init_method=f"file://{work / 'meeting'}", rank=rank, world_size=size
            )

    def share_gradients(self, parameters: list[nn.Parameter], elapsed: float) -> float:
        """Average the gradients over the workers, and agree on what time it is."""
        if self.size == 1:
            return elapsed
        clock = torch.tensor([elapsed])
        flat = torch.cat([clock, *(p.grad.flatten() for p in parameters)]).div_(self.size)
        dist.all_reduce(flat)
        parts = flat[1:].split([p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad.copy_(part.view_as(parameter))
        return flat[0].item()

    def share_matrices(self, matrices: list[nn.Parameter]) -> None:
        """Take over what the other workers' Muon made of their matrices."""
        if self.size == 1:
            return
        with torch.no_grad():
            flat = torch.cat(
                [
                    p.flatten() if i % self.size == self.rank else torch.zeros(p.numel())
                    for i, p in enumerate(matrices)
                ]
            )
            dist.all_reduce(flat)
            for parameter, part in zip(
                matrices, flat.split([p.numel() for p in matrices]), strict=True
            ):
                parameter.copy_(part.view_as(parameter))


def rate_at(share: float) -> float:
    """Learning-rate factor after `share` of the time: short warm-up, then a straight line to 0."""
    return min(share / 0.02 + 0.02, 1.0) * max(0.0, min(1.0, (1 - share) / 0.85))


def loss_of(model: Qwen2ForCausalLM, batch: torch.Tensor, bf16: bool) -> torch.Tensor:
    """Mean loss per token of rows that each carry one token more than the model reads."""
    with torch.autocast(batch.device.type, torch.bfloat16, enabled=bf16):
        hidden = model.model(input_ids=batch[:, :-1], use_cache=False).last_hidden_state
        logits = model.lm_head(hidden)
    return nn.functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())


@torch.inference_mode()
def held_back_loss(model: Qwen2ForCausalLM, rows: torch.Tensor, bf16: bool) -> float:
    model.eval()
    losses = [loss_of(model, part, bf16).item() * len(part) for part in rows.split(8)]
    model.train()
    return sum(losses) / len(rows)


@torch.inference_mode()
def best_temperature(model: Qwen2ForCausalLM, rows: torch.Tensor) -> float:
    """The number to divide the logits by for the lowest loss on `rows`, to the hundredth.

    A small model that has read its text many times is too sure of itself (Guo et al. 2017, On
    Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599).
    """
    model.eval()
    temperatures = [t / 100 for t in range(90, 151)]
    losses = [0.0] * len(temperatures)
    for part in rows.split(1):
        logits = model(input_ids=part[:, :-1], use_cache=False).logits.float().flatten(0, 1)
        for i, temperature in enumerate(temperatures):
            losses[i] += nn.functional.cross_entropy(
                logits / temperature, part[:, 1:].flatten()
            ).item()
    model.train()
    return temperatures[losses.index(min(losses))]


def calibrate(model: Qwen2ForCausalLM, temperature: float) -> None:
    """Divide the logits, by way of the last norm: the model stays an ordinary Qwen2."""
    with torch.no_grad():
        model.model.norm.weight.div_(temperature)


def save_checkpoint(
    path: Path, model: Qwen2ForCausalLM, opts: list[torch.optim.Optimizer], state: State
) -> None:
    payload = {
        "model": model.state_dict(),
        "optimizers": [o.state_dict() for o in opts],
        "state": vars(state),
    }
    part = path.with_suffix(".part")
    torch.save(payload, part)
    os.replace(part, path)


def load_checkpoint(
    path: Path, model: Qwen2ForCausalLM, opts: list[torch.optim.Optimizer]
) -> State:
    payload = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(payload["model"])
    for optimizer, saved in zip(opts, payload["optimizers"], strict=True):
        decays = [group["weight_decay"] for group in optimizer.param_groups]
        optimizer.load_state_dict(saved)
        for group, decay in zip(optimizer.param_groups, decays, strict=True):
            group["weight_decay"] = decay
    return State(**payload["state"])


def train(
    model: Qwen2ForCausalLM,
    split: Split,
    tokenizer: Tokenizer,
    args: argparse.Namespace,
    team: Team,
) -> State:
    """Train until the time is up; a checkpoint every few minutes."""
    device = torch.device(args.device)
    model.to(device).train()
    if args.dropout:
        add_dropout(model, args.dropout)
    matrices, parameters = inner_matrices(model), list(model.parameters())
    opts = optimizers(model, args, matrices[team.rank :: team.size])
    rates = ([args.muon_lr], [args.lr, args.lr])
    checkpoint = args.work / f"checkpoint-{team.rank}.pt"
    state = load_checkpoint(checkpoint, model, opts) if checkpoint.exists() else State()
    stream = Rows(split.train, tokenizer, args.chat_share).rows(args.length, state.passes)
    watched = calibration_rows(split, tokenizer, args.length)[::3].to(device)
    compiled = torch.compile(loss_of, dynamic=False) if args.compile else loss_of
    torch.manual_seed(args.seed + team.rank + state.step)
    budget = args.max_minutes * 60
    begun = time.monotonic() - state.seconds
    elapsed, saved = state.seconds, state.seconds
    log = Log(state)
    while elapsed < budget:
        share = elapsed / budget
        set_rates(opts, rates, rate_at(share))
        drawn = [next(stream) for _ in range(args.batch)]
        state.passes = drawn[-1][0]
        rows = np.stack([r for _, r in drawn[team.rank :: team.size]]).astype(np.int64)
        batch = torch.from_numpy(rows).to(device)
        if share < args.short_share:
            half = args.length // 2
            batch = torch.cat([batch[:, : half + 1], batch[:, half:]])
        loss = (compiled if share < args.short_share else loss_of)(model, batch, args.bf16)
        loss.backward()
        elapsed = team.share_gradients(parameters, time.monotonic() - begun)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in opts:
            optimizer.step()
        model.zero_grad(set_to_none=True)
        team.share_matrices(matrices)
        state.step += 1
        state.tokens += args.batch * args.length
        state.seconds = elapsed
        if team.rank == 0 and state.step % args.log_every == 0:
            log.line(state, loss.item(), rate_at(share))
        if elapsed - saved > args.save_minutes * 60:
            saved = elapsed
            save_checkpoint(checkpoint, model, opts, state)
            if team.rank == 0:
                print(
                    f"        held back {held_back_loss(model, watched, args.bf16):.4f}", flush=True
                )
                write_model(model, args.out)
    save_checkpoint(checkpoint, model, opts, state)
    if team.rank == 0:
        print(f"held back {held_back_loss(model, watched, args.bf16):.4f}", flush=True)
    return state


def set_rates(
    opts: list[torch.optim.Optimizer], rates: tuple[list[float], ...], factor: float
) -> None:
    for optimizer, peaks in zip(opts, rates, strict=True):
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * factor


class Log:
    """Progress lines with the speed since the last one."""

    def __init__(self, state: State) -> None:
        self.seconds, self.tokens = state.seconds, state.tokens

    def line(self, state: State, loss: float, factor: float) -> None:
        """Print one line."""
        speed = (state.tokens - self.tokens) / (state.seconds - self.seconds)
        self.seconds, self.tokens = state.seconds, state.tokens
        print(
            f"{state.seconds / 60:6.1f} min  step {state.step:5d}  pass {state.passes}  "
            f"loss {loss:.3f}  rate x{factor:.2f}  {speed:,.0f} tokens/s",
            flush=True,
        )


def calibration_rows(split: Split, tokenizer: Tokenizer, length: int) -> torch.Tensor:
    """The held-back text that does not measure, in rows: (rows, length + 1)."""
    rows = take_pass(Rows(split.calibration, tokenizer, 0.0), length)
    return torch.from_numpy(np.stack([row for _, row in rows]).astype(np.int64))


def take_pass(source: Rows, length: int) -> list[tuple[int, np.ndarray]]:
    """The rows of the first pass alone."""
    taken = []
    for number, row in source.rows(length, 0):
        if number > 0:
            return taken
        taken.append((number, row))
    return taken


def write_model(model: Qwen2ForCausalLM, folder: Path) -> None:
    """The weights in bf16 with the configuration and the generation defaults."""
    config = model.config
    plain = Qwen2ForCausalLM(config).to(torch.bfloat16)
    plain.load_state_dict(model.state_dict())
    plain.generation_config.update(
        eos_token_id=[config.eos_token_id, config.pad_token_id],
        pad_token_id=config.pad_token_id,
        bos_token_id=None,
        do_sample=True,
        temperature=0.8,
        top_p=0.9,
        repetition_penalty=1.2,
    )
    plain.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)


def prepared_tokenizer(split: Split, args: argparse.Namespace) -> Tokenizer:
    """The run's tokenizer, trained if this is its first start, saved and checked."""
    path = args.work / "tokenizer.json"
    if path.exists():
        return Tokenizer.from_file(str(path))
    rng = random.Random(args.seed)
    maker = ChatMaker(split.train)
    texts = [d.text for d in split.train if rng.random() < weight(d)]
    texts += [f"{m['role']}\n{m['content']}" for _ in range(1500) for m in maker.draw(rng)]
    tokenizer = train_tokenizer(texts, args.vocab)
    save_tokenizer(tokenizer, args.out)
    check_tokenizer(
        tokenizer, args.out, [d.text for d in (*split.train, *split.calibration, *split.held_back)]
    )
    tokenizer.save(str(path))
    return tokenizer


def work(rank: int, args: argparse.Namespace) -> None:
    """One worker from its text to the end; the first one writes the model."""
    torch.set_num_threads(max(1, args.threads // args.workers))
    team = Team(rank, args.workers, args.work)
    split = hold_back(read_all(args.data))
    tokenizer = prepared_tokenizer(split, args)
    model = build_model(args, tokenizer)
    if rank == 0:
        print(f"{model.num_parameters():,} parameters", flush=True)
    state = train(model, split, tokenizer, args, team)
    if rank == 0:
        rows = calibration_rows(split, tokenizer, args.length).to(args.device)
        temperature = best_temperature(model, rows)
        calibrate(model, temperature)
        print(f"temperature {temperature:.2f}", flush=True)
        write_model(model, args.out)
        save_tokenizer(tokenizer, args.out)
        facts = {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()}
        facts |= {"steps": state.step, "tokens": state.tokens, "passes": state.passes + 1}
        facts |= {"temperature": temperature}
        facts |= {"minutes": round(state.seconds / 60, 1), "command": " ".join(sys.argv)}
        (args.work / "training.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")


def main() -> None:
    args = arguments()
    args.work.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.work / "meeting").unlink(missing_ok=True)
    prepared_tokenizer(hold_back(read_all(args.data)), args)
    if args.workers == 1:
        work(0, args)
    else:
        torch.multiprocessing.start_processes(
            work, args=(args,), nprocs=args.workers, start_method="spawn"
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the source text")
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints (kept, resumable)")
    parser.add_argument("--max-minutes", type=float, default=60.0)
    parser.add_argument("--save-minutes", type=float, default=4.0)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--workers", type=int, default=1, help="processes that share each step")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--vocab", type=int, default=6400)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--intermediate", type=int, default=576)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument(
        "--short-share", type=float, default=0.85, help="of the time with rows of half the length"
    )
    parser.add_argument("--batch", type=int, default=4, help="rows of --length a step")
    parser.add_argument("--lr", type=float, default=4e-3, help="AdamW: embeddings, norms, biases")
    parser.add_argument("--muon-lr", type=float, default=4e-3, help="Muon: the other matrices")
    parser.add_argument("--weight-decay", type=float, default=0.2)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--chat-share", type=float, default=0.15)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--log-every", type=int, default=50)
    return parser.parse_args()


if __name__ == "__main__":
    main()
