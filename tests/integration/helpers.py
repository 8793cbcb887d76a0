"""What the integration tests share: little chats and a short run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and what it printed."""

    returncode: int
    stdout: str
    stderr: str


Migaki = Callable[..., Outcome]


def chats(count: int) -> list[dict[str, object]]:
    """Return distinct little chats, polite."""
    things = ["りんご", "本", "花", "手紙", "地図", "時計", "かばん", "傘", "椅子", "机"]
    places = ["駅", "図書館", "公園", "学校", "海", "山", "市場"]
    return [
        {
            "messages": [
                {
                    "role": "user",
                    "content": f"{places[i % 7]}で{things[i % 10]}を{i}つ見た。どう思う？",
                },
                {
                    "role": "assistant",
                    "content": f"{places[i % 7]}に{things[i % 10]}が{i}つもあったのですね。すてきだと思います。",
                },
            ]
        }
        for i in range(count)
    ]


# A run of a few seconds: six steps, short answers to the fixed prompts.
SHORT = (
    "training.max_steps=6",
    "training.save_steps=2",
    "training.eval_steps=3",
    "training.batch_size=8",
    "evaluation.max_new_tokens=4",
)
