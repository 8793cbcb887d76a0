"""The estimate against the measured peak of real training steps, each in a process of its own.

Measured is the growth of the resident set from before the model is made to its highest point in
three steps, in float32 on the CPU, with glibc told to give freed memory back at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from migaki.hardware.memory import ModelShape, estimate

SHAPE = ModelShape(6, 512, 8, 4, 1408, 8000, tied=True, biases="qkv")  # about 22 million weights

_SCRIPT = """
import gc, json, sys, threading, time, psutil, torch
from transformers import Qwen2Config, Qwen2ForCausalLM
import peft
method, checkpointing, batch, tokens = json.loads(sys.argv[1])
torch.set_num_threads(2)
process = psutil.Process()
torch.ones(64, 64) @ torch.ones(64, 64)
gc.collect()
start = process.memory_info().rss
peak, done = [start], threading.Event()
def watch():
    while not done.is_set():
        peak[0] = max(peak[0], process.memory_info().rss)
        time.sleep(0.001)
threading.Thread(target=watch, daemon=True).start()
model = Qwen2ForCausalLM(Qwen2Config(vocab_size=8000, hidden_size=512, intermediate_size=1408,
    num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=4, tie_word_embeddings=True))
if method == "lora":
    from migaki.models.adapters import attach_lora
    model = attach_lora(model, r=16, lora_dropout=0.0)
if checkpointing:
    model.enable_input_require_grads()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
model.train()
optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
ids = torch.randint(8000, (batch, tokens))
for _ in range(3):
    model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    optimizer.step(); optimizer.zero_grad()
done.set()
print((peak[0] - start) / 1024**3)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident sets are comparable on Linux only")
@pytest.mark.parametrize(
    ("method", "checkpointing", "batch", "tokens"),
    [
        ("lora", False, 8, 256),
        ("full", False, 8, 256),
        ("lora", True, 8, 512),
        ("full", False, 2, 128),
    ],
)
def test_estimate_is_within_thirty_percent(
    method: str, checkpointing: bool, batch: int, tokens: int
) -> None:
    environment = os.environ | {
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
    }
    arguments = json.dumps([method, checkpointing, batch, tokens])
    output = subprocess.run(
        [sys.executable, "-c", _SCRIPT, arguments],
        check=True, capture_output=True, text=True, env=environment,
    ).stdout  # fmt: skip
    measured_gib = float(output.split()[-1])
    estimated = estimate(
        SHAPE,
        method=method,  # type: ignore[arg-type]
        batch=batch,
        tokens=tokens,
        dtype_bytes=4,
        activation_checkpointing=checkpointing,
    )
    error = estimated.total_gib / measured_gib - 1

    assert abs(error) < 0.3, f"{error:+.0%}: {estimated}, measured {measured_gib:.3f}"
