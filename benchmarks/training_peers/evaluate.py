"""The one judge of all tools: nats per trained token of saved adapters, in float32.

    python evaluate.py MODEL ROWS ADAPTER

Plain transformers and PEFT, nothing of migaki: whatever a tool reports of itself, this is what its
weights are worth on the rows that it trained on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROWS_AT_ONCE = 16


def evaluate(model_folder: Path, rows_path: Path, adapter: Path) -> float:
    """Return the mean loss over all trained tokens."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, adapter).eval()
    rows = [json.loads(line) for line in rows_path.read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: len(row["input_ids"]))
    nats, tokens = 0.0, 0
    for start in range(0, len(rows), ROWS_AT_ONCE):
        more_nats, more_tokens = _batch_loss(model, rows[start : start + ROWS_AT_ONCE])
        nats, tokens = nats + more_nats, tokens + more_tokens
    return nats / tokens


def _batch_loss(model: Any, rows: list[dict[str, list[int]]]) -> tuple[float, int]:
    import torch
    from torch.nn.utils.rnn import pad_sequence

    def padded(key: str, value: int) -> torch.Tensor:
        return pad_sequence(
            [torch.tensor(row[key]) for row in rows], batch_first=True, padding_value=value
        )

    labels = padded("labels", -100)[:, 1:]
    with torch.inference_mode():
        logits = model(
            input_ids=padded("input_ids", 0), attention_mask=padded("attention_mask", 0)
        ).logits[:, :-1]
    trained = labels != -100
    losses = torch.nn.functional.cross_entropy(logits[trained], labels[trained], reduction="none")
    return losses.double().sum().item(), int(trained.sum())


if __name__ == "__main__":
    print(evaluate(*map(Path, sys.argv[1:4])))
